"""multipart/form-data, whole bodies. RFC 7578 and RFC 2046, section 5.1.

Bounded: parts are slices found by searching for the boundary, headers are read by the standard
library's parser, and there are limits on the number of parts and the size of their headers.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser

from ..errors import ProtocolError

_MOST_PARTS = 200
_MOST_HEADER_BYTES = 8192
_LONGEST_BOUNDARY = 70


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form; ``filename`` is None for a plain field."""

    name: str
    filename: str | None
    content_type: str | None
    content: bytes


def parse_multipart(body: bytes, content_type: str, limit: int) -> tuple[Part, ...]:
    """The fields in order. Raises ``ProtocolError``: 413 beyond ``limit`` bytes or 200 parts, 400 when malformed."""
    if len(body) > limit:
        raise ProtocolError(f"the form has {len(body)} bytes; at most {limit}", status=413)
    delimiter = b"--" + _boundary(content_type)
    # The first delimiter may stand at the very start; the others follow a line break that belongs to them.
    if body.startswith(delimiter):
        position = len(delimiter)
    else:
        first = body.find(b"\r\n" + delimiter)
        if first < 0:
            raise ProtocolError("the form does not contain its boundary")
        position = first + 2 + len(delimiter)
    parts: list[Part] = []
    while body[position : position + 2] != b"--":
        start = body.find(b"\r\n", position)
        end = body.find(b"\r\n" + delimiter, position)
        if start < 0 or end < 0:
            raise ProtocolError(f"part {len(parts) + 1} of the form is not closed by the boundary")
        if body[position:start].strip(b" \t"):
            raise ProtocolError(f"part {len(parts) + 1} of the form: text follows the boundary")
        if len(parts) == _MOST_PARTS:
            raise ProtocolError(f"the form has more than {_MOST_PARTS} parts", status=413)
        parts.append(_part(body[start + 2 : end], len(parts) + 1))
        position = end + 2 + len(delimiter)
    return tuple(parts)


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type.replace("\r", " ").replace("\n", " ")
    boundary = message.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise ProtocolError("the media type multipart/form-data has no boundary")
    if len(boundary) > _LONGEST_BOUNDARY or not boundary.isascii():
        raise ProtocolError(f"the boundary of the form must be at most {_LONGEST_BOUNDARY} ASCII characters")
    return boundary.encode()


def _part(section: bytes, number: int) -> Part:
    end = section.find(b"\r\n\r\n")
    if end < 0 or end > _MOST_HEADER_BYTES:
        raise ProtocolError(f"part {number} of the form has no headers, or too long ones")
    headers = BytesParser().parsebytes(section[: end + 2], headersonly=True)
    if headers.get_content_disposition() != "form-data":
        raise ProtocolError(f"part {number} of the form has no Content-Disposition: form-data")
    name = headers.get_param("name", header="content-disposition")
    if not isinstance(name, str) or not name:
        raise ProtocolError(f"part {number} of the form has no name")
    content_type = headers.get("content-type")
    return Part(
        _clean(name),
        _clean(filename) if (filename := headers.get_filename()) is not None else None,
        None if content_type is None else _clean(str(content_type)),
        section[end + 4 :],
    )


def _clean(text: str) -> str:
    """Undecodable bytes of a header as replacement characters, so that the text can be written as UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
