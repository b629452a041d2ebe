"""Watches to which handlers frameworks give exceptions: what a handler answers goes no further."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from ...model.ledger import Handled
from ..injected import InjectedExceptions
from ..recorder import Recorder
from .describe import name_of, place_of
from .patches import Patches

_SDK = "sentry_sdk."
Install = Callable[[Any, Patches], None]


class HandlerWatch:
    """Knows the places where Starlette (so FastAPI) and Flask look for a handler, and Python's last resort."""

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
                self._quietly(self._in_starlette, handler, error, sys._getframe(1).f_locals)
            return original(handler)

        return is_async_callable

    def _in_starlette(self, handler: Any, error: BaseException, names: dict[str, Any]) -> None:
        handlers = names.get("exception_handlers")
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
            # An HTTPException is a response by itself.
            if handler is not None or hasattr(error, "get_response"):
                self._quietly(self._handled, "flask", error, handler, "")
            return handler

        return find_error_handler

    def _handled(self, framework: str, error: BaseException, handler: Any, sdk: str) -> None:
        fault_ids = self._exceptions.ids_in(error)
        if fault_ids:
            status = getattr(error, "status_code", None) or getattr(error, "code", None)
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
