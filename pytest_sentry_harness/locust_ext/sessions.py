"""Hooks into Locust's two HTTP clients, so that every request passes by.

Locust has no event before a request. Its sessions are made by each user for itself, so the two classes
are where all requests meet; the hook is taken off again when Locust quits.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol

from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession

from ..errors import UsageError
from ..load.marker import request_name

_SESSIONS: tuple[type[Any], ...] = (HttpSession, FastHttpSession)


class Sender(Protocol):
    """Sees every request before it is sent, and sends it."""

    def send(self, method: str, url: str, name: str, call: Callable[[dict[str, str]], Any]) -> Any:
        """``call`` sends the request with more headers and gives back its response."""


def hook_sessions(sender: Sender) -> Callable[[], None]:
    """Let every request of this process pass through ``sender``; the result takes the hooks off again.

    Raises ``UsageError`` when the hooks are on already.
    """
    originals = [(session, session.request) for session in _SESSIONS]
    if any(hasattr(original, "__sentry_harness__") for _, original in originals):
        raise UsageError(
            "attach() was called twice in one Locust process",
            where="locustfile",
            hint="call it once, from one init listener",
        )
    for session, original in originals:
        session.request = _hooked(original, sender)

    def unhook() -> None:
        for session, original in originals:
            session.request = original

    return unhook


def _hooked(original: Callable[..., Any], sender: Sender) -> Callable[..., Any]:
    signature = inspect.signature(original)
    # FastHttpSession names its headers; HttpSession passes them on among the keywords of requests.
    named = "headers" in signature.parameters

    def request(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        given = bound.arguments
        session, method, url = given["self"], _text(given["method"]), _text(given["url"])
        holder = given if named else given.setdefault("kwargs", {})

        def call(more: dict[str, str]) -> Any:
            if more:
                holder["headers"] = {**(holder.get("headers") or {}), **more}
            return original(*bound.args, **bound.kwargs)

        name = request_name(url, given.get("name") or session.request_name)
        return sender.send(method, session._build_url(url), name, call)

    request.__sentry_harness__ = True  # type: ignore[attr-defined]
    return request


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
