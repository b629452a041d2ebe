"""One call of the control API: reading it strictly, and turning what comes of it into an answer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from ..errors import HarnessError, UsageError, did_you_mean
from .messages import Answer, error_answer, json_answer

MOST_BODY = 1 << 20
"""Bytes of a call's body."""
_T = TypeVar("_T")


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
