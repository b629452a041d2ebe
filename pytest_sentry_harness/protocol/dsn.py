"""DSNs: where a client sends to. Sentry developer docs, "SDK overview: Parsing the DSN"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import ProtocolError

_HINT = "a DSN looks like http://PUBLIC_KEY@HOST[:PORT][/PATH]/PROJECT_ID"
_KEY = re.compile(r"[!-.0-9;-?A-~]+")
"""Visible ASCII without the characters ``/``, ``:`` and ``@``, which separate the parts of a DSN."""
_PROJECT = re.compile(r"[A-Za-z0-9_-]+")
_HOST = re.compile(r"[^\s/@:?#\[\]\\%]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class Dsn:
    """The parts of a DSN. ``host`` is without brackets; ``path`` is the prefix, ``""`` or ``"/a/b"``.

    ``port`` is None when the DSN names none (80 or 443 by scheme). ``secret`` is legacy and never needed.
    """

    scheme: str
    public_key: str
    secret: str | None
    host: str
    port: int | None
    path: str
    project_id: str

    @property
    def netloc(self) -> str:
        """Host and port as they stand in a URL, IPv6 addresses in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def envelope_url(self) -> str:
        """The URL envelopes are posted to."""
        return f"{self.scheme}://{self.netloc}{self.path}/api/{self.project_id}/envelope/"

    @property
    def redacted(self) -> str:
        """The DSN for people and logs: four characters of the key at most, nothing of the secret."""
        shown = self.public_key[:4] if len(self.public_key) >= 12 else ""
        secret = "" if self.secret is None else ":***"
        return f"{self.scheme}://{shown}***{secret}@{self.netloc}{self.path}/{self.project_id}"

    def __str__(self) -> str:
        secret = "" if self.secret is None else f":{self.secret}"
        return f"{self.scheme}://{self.public_key}{secret}@{self.netloc}{self.path}/{self.project_id}"


def parse_dsn(text: str) -> Dsn:
    """Read a DSN; ``str(parse_dsn(text)) == text`` for a DSN in canonical form.

    Raises ``ProtocolError`` naming the part that is missing or wrong, with the expected form as the
    hint. The text itself is not repeated in the message, because it holds a key.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        raise _invalid(f"host or port cannot be read: {error}") from error
    if parts.scheme not in ("http", "https"):
        raise _invalid(f"the scheme must be http or https, got {parts.scheme!r}")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise _invalid("a query or fragment is not allowed")
    user, separator, _ = parts.netloc.rpartition("@")
    key, colon, secret = user.partition(":")
    if not separator or not key:
        raise _invalid("the public key before the @ is missing")
    if not _KEY.fullmatch(key) or (secret and not _KEY.fullmatch(secret)):
        raise _invalid("key and secret must be visible ASCII characters without / : @")
    if not host or not _HOST.fullmatch(host):
        raise _invalid("the host is missing" if not host else f"the host {host!r} is not valid")
    path, _, project = parts.path.rpartition("/")
    if not project:
        raise _invalid("the project id at the end of the path is missing")
    if not _PROJECT.fullmatch(project):
        raise _invalid(f"the project id {project!r} is not valid")
    if any(character <= " " for character in path):
        raise _invalid("the path must not contain white space")
    return Dsn(parts.scheme, key, secret if colon and secret else None, host, port, path.rstrip("/"), project)


def _invalid(why: str) -> ProtocolError:
    error = ProtocolError(f"the DSN is not valid: {why}")
    error.hint = _HINT
    return error
