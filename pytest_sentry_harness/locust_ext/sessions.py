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

    def request(*args: Any, **kwargs: Any) -> Any:
        # Nearly all calls look like that; binding takes longer than the rest of this function.
        if len(args) != 3:
            args, kwargs = _by_name(signature, args, kwargs)
        session, method, url = args

        def call(more: dict[str, str]) -> Any:
            if more:
                # FastHttpSession names its headers, HttpSession passes them on to requests: a keyword for both.
                kwargs["headers"] = {**(kwargs.get("headers") or {}), **more}
            return original(session, method, url, **kwargs)

        shown = _text(url)
        name = request_name(shown, kwargs.get("name") or session.request_name)
        return sender.send(_text(method), session._build_url(shown), name, call)

    request.__sentry_harness__ = True  # type: ignore[attr-defined]
    return request


def _by_name(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same call as session, method, url, and everything else by its name."""
    given = dict(signature.bind(*args, **kwargs).arguments)
    first = tuple(given.pop(name) for name in ("self", "method", "url"))
    return first, {**given, **given.pop("kwargs", {})}


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
