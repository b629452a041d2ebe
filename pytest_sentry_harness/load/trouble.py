"""Why a request had no answer, in a few words that are the same whenever the reason is.

What a client says may quote the bytes it got, or where its objects lie in memory: no two would be alike, and none
would be fit for a terminal or a report.
"""

from __future__ import annotations

import http.client
import re

_MOST = 120
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_NO_HTTP: tuple[tuple[type[http.client.HTTPException], str], ...] = (
    (http.client.RemoteDisconnected, "the connection was closed without an answer"),
    (http.client.IncompleteRead, "the answer ended before it was complete"),
    (http.client.LineTooLong, "a line of the answer is too long"),
    (http.client.BadStatusLine, "what came does not begin as an HTTP answer does"),
    (http.client.UnknownProtocol, "the answer is of a version of HTTP that is not known"),
)
"""The first that fits; their own texts quote what came."""


def in_words(error: BaseException) -> str:
    """Type and text of ``error``: one printable line of at most 120 characters."""
    said = str(error)
    for found in _within(error):
        said = next((text for kind, text in _NO_HTTP if isinstance(found, kind)), said)
    text = " ".join(_ADDRESS.sub("0x...", said).split())
    shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in text) or "no answer"
    line = f"{type(error).__name__}: {shown}"
    return line if len(line) <= _MOST else f"{line[: _MOST - 3]}..."


def _within(error: BaseException) -> list[BaseException]:
    """``error`` and what it was made of: HTTP clients wrap the reason among their arguments."""
    found: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        each = todo.pop(0)
        if isinstance(each, BaseException) and not any(each is earlier for earlier in found):
            found.append(each)
            todo += each.args
    return found
