"""One call of the control API: reading it strictly, and turning what comes of it into an answer."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from ..errors import HarnessError, UsageError, did_you_mean
from .messages import Answer, error_answer, json_answer

MOST_BODY = 1 << 20
"""Bytes of a call's body."""
_T = TypeVar("_T")
_LOG = logging.getLogger(__name__)


class NotFoundError(UsageError):
    """What the path names is not there (status 404)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API: what a handler needs of the request."""

    parts: tuple[str, ...]
    """What the groups of the route's pattern matched."""
    query: dict[str, str]
    body: bytes

    def read(self, kind: type[_T], known: Sequence[str]) -> _T:
        """The body as ``kind``. Raises ``UsageError`` naming the field that is wrong or unknown."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except UnicodeDecodeError as error:
            # msgspec finds broken text only where it makes a string of it, and does not make it one of its errors.
            raise UsageError(
                f"the body is not UTF-8: {error.reason} (byte 0x{error.object[error.start]:02x})",
                where="body",
                hint="send JSON in UTF-8",
            ) from error
        except msgspec.MsgspecError as error:
            unknown = re.search(r"unknown field `([^`]*)`", str(error))
            hint = did_you_mean(unknown[1], known) if unknown else f"known fields: {', '.join(known)}"
            raise UsageError(f"the body cannot be used: {error}", where="body", hint=hint) from error


Handler = Callable[[Call], Awaitable[object]]
"""What answers one call; its result is encoded as JSON."""


async def answer_call(handler: Handler, call: Call) -> Answer:
    """The answer to a call: what the handler gives as JSON, or its error with a hint."""
    try:
        if len(call.body) > MOST_BODY:
            raise UsageError(f"the body is larger than {MOST_BODY} bytes", where="body")
        return json_answer(200, await handler(call))
    except UsageError as error:
        detail = f"{error.where}: {error.what}" if error.where else error.what
        return error_answer(404 if isinstance(error, NotFoundError) else 400, detail, hint=error.hint)
    except HarnessError as error:
        return error_answer(503, str(error.what), hint=error.hint)
    except Exception as error:  # noqa: BLE001 - logged in there
        return error_answer(
            500, internal_error(error), hint="this is a mistake in the server; its log says where"
        )


def internal_error(error: Exception) -> str:
    """A sentence about an error nobody foresaw, logged with its place: one line, however often it happens."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    said = f"internal error: {type(error).__name__}: {str(error)[:200]}"
    _LOG.error("%r in %s (%s:%s)", said, frame.name, frame.filename, frame.lineno)
    return said


def only(call: Call, known: Sequence[str]) -> None:
    """Raise ``UsageError`` for a field of the query that is not known."""
    for name in call.query:
        if name not in known:
            hint = did_you_mean(name, known) if known else "this call takes no query"
            raise UsageError(f"the query has an unknown field {name!r}", where="query", hint=hint)


def number(query: dict[str, str], name: str, default: float, low: float, high: float) -> float:
    """A number of the query, or ``default``. Raises ``UsageError`` unless it is from ``low`` to ``high``."""
    text = query.get(name)
    if text is None:
        return default
    try:
        value = float(text) if isinstance(default, float) else int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise UsageError(
            f"{text[:40]!r} is not allowed",
            where=f"query field {name!r}",
            hint=f"a number from {low} to {high}",
        )
    return value
