"""Watches to which handlers frameworks give exceptions: what a handler answers goes no further."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from ...model.ledger import Handled
from ..injected import InjectedExceptions
from ..recorder import Recorder
from .describe import name_of, place_of
from .patches import Patches

_SDK = "sentry_sdk."
Install = Callable[[Any, Patches], None]


class HandlerWatch:
    """Knows where Starlette (so FastAPI), Flask, Django and event loops look for a handler, and Python's last resort."""

    def __init__(
        self, recorder: Recorder, exceptions: InjectedExceptions, quietly: Callable[..., Any]
    ) -> None:
        self._recorder = recorder
        self._exceptions = exceptions
        self._quietly = quietly

    def modules(self) -> Iterable[tuple[str, Install]]:
        """Which modules are to be changed when they are imported, and how."""
        yield "starlette._exception_handler", self._starlette
        yield "flask.sansio.app", self._flask
        yield "asyncio.base_events", self._asyncio
        yield "uvloop", self._uvloop
        yield "django.core.handlers.base", self._django_middleware
        yield "django.core.handlers.exception", self._django_answers

    def last_resort(self) -> None:
        """At the end of the program: what came to a ``sys.excepthook`` that is not the SDK's went no further."""
        hook, error = sys.excepthook, getattr(sys, "last_value", None)
        if error is None or hook is sys.__excepthook__ or str(hook.__module__).startswith(_SDK):
            return
        self._handled("sys", error, hook, "bypassed")

    def _starlette(self, module: Any, patches: Patches) -> None:
        # Asked once about each handler, right before it is called, whichever way it was found.
        patches.wrap(module, "is_async_callable", self._is_async_callable)

    def _is_async_callable(self, original: Any) -> Any:
        def is_async_callable(handler: Any) -> Any:
            __tracebackhide__ = True
            error = sys.exception()
            if error is not None:
                self._quietly(self._in_starlette, handler, error, sys._getframe(1))
            return original(handler)

        return is_async_callable

    def _in_starlette(self, handler: Any, error: BaseException, frame: FrameType) -> None:
        # A frame whose locals were asked for keeps them, the exception among them: not without need.
        handlers = frame.f_locals.get("exception_handlers") if self._exceptions.ids_in(error) else None
        if not isinstance(handlers, dict):
            return
        sdk = "absent"
        if _is_sdks(handler):
            sdk = "in place"
        elif any(_is_sdks(each) for each in handlers.values()):
            sdk = "bypassed"
        self._handled("starlette", error, _behind(handler, error), sdk)

    def _flask(self, module: Any, patches: Patches) -> None:
        patches.wrap(module.App, "_find_error_handler", self._find_error_handler)

    def _find_error_handler(self, original: Any) -> Any:
        def find_error_handler(app: Any, error: Any, blueprints: Any) -> Any:
            __tracebackhide__ = True
            handler = original(app, error, blueprints)
            self._quietly(self._in_flask, error, handler)
            return handler

        return find_error_handler

    def _in_flask(self, error: BaseException, handler: Any) -> None:
        # An HTTPException is a response by itself.
        if handler is not None or callable(_attribute(error, "get_response")):
            self._handled("flask", error, handler, "")

    def _asyncio(self, module: Any, patches: Patches) -> None:
        patches.wrap(module.BaseEventLoop, "call_exception_handler", self._call_exception_handler)

    def _call_exception_handler(self, original: Any) -> Any:
        def call_exception_handler(loop: Any, context: dict[str, Any]) -> None:
            __tracebackhide__ = True
            self._quietly(self._in_event_loop, loop.get_exception_handler(), context)
            original(loop, context)

        return call_exception_handler

    def _uvloop(self, module: Any, patches: Patches) -> None:
        # Written in C: a frame in front of its own code would become the place of what it logs.
        patches.wrap(module.Loop, "set_exception_handler", self._set_exception_handler)

    def _set_exception_handler(self, original: Any) -> Any:
        def set_exception_handler(loop: Any, handler: Any) -> Any:
            __tracebackhide__ = True
            if not callable(handler):
                return original(loop, handler)

            @functools.wraps(handler)
            def asked(loop: Any, context: dict[str, Any]) -> Any:
                __tracebackhide__ = True
                self._quietly(self._in_event_loop, handler, context)
                return handler(loop, context)

            return original(loop, asked)

        return set_exception_handler

    def _in_event_loop(self, handler: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if handler is not None and error is not None:  # without a handler, the loop logs it
            self._handled("asyncio", error, handler, "")

    def _django_middleware(self, module: Any, patches: Patches) -> None:
        patches.wrap(module.BaseHandler, "load_middleware", self._load_middleware)

    def _load_middleware(self, original: Any) -> Any:
        def load_middleware(handler: Any, *args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            original(handler, *args, **kwargs)
            handler._exception_middleware = [self._asked(each) for each in handler._exception_middleware]

        return load_middleware

    def _asked(self, process_exception: Any) -> Any:
        def asked(request: Any, exception: Any) -> Any:
            __tracebackhide__ = True
            response = process_exception(request, exception)
            if response:
                method = inspect.unwrap(getattr(process_exception, "awaitable", process_exception))
                self._quietly(self._handled, "django", exception, method, "")
            return response

        return asked

    def _django_answers(self, module: Any, patches: Patches) -> None:
        patches.wrap(module, "response_for_exception", self._response_for_exception)

    def _response_for_exception(self, original: Any) -> Any:
        def response_for_exception(request: Any, exception: Any) -> Any:
            __tracebackhide__ = True
            response = original(request, exception)
            # An Http404 and its like are answers by themselves; all else is a failure, and announced by a signal.
            if response.status_code < 500:
                self._quietly(self._handled, "django", exception, None, "")
            return response

        return response_for_exception

    def _handled(self, framework: str, error: BaseException, handler: Any, sdk: str) -> None:
        fault_ids = self._exceptions.ids_in(error)
        if fault_ids:
            status = _attribute(error, "status_code") or _attribute(error, "code")
            self._recorder.write(
                Handled,
                fault_ids=fault_ids,
                framework=framework,
                handler="" if handler is None else name_of(handler),
                exception=type(error).__qualname__,
                status=status if isinstance(status, int) else None,
                place=None if handler is None else place_of(handler),
                sdk=sdk,
            )


def _attribute(error: BaseException, name: str) -> Any:
    """An attribute of an exception; None where it has none, or raises when it is asked for it."""
    try:
        return getattr(error, name, None)
    except Exception:  # noqa: BLE001 - hostile exceptions raise whatever they like
        return None


def _is_sdks(handler: Any) -> bool:
    return str(getattr(handler, "__module__", "")).startswith(_SDK)


def _behind(handler: Any, error: BaseException) -> Any:
    """The application's handler behind the one that the SDK has put in front."""
    code, cells = getattr(handler, "__code__", None), getattr(handler, "__closure__", None)
    if not _is_sdks(handler) or code is None or not cells:
        return handler
    closure = dict(zip(code.co_freevars, cells, strict=True))
    handlers = closure["old_handlers"].cell_contents if "old_handlers" in closure else {}
    return next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), handler)
