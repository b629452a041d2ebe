"""Watches what is logged about injected exceptions: with them, or in place of them, and what the SDK makes of it."""

from __future__ import annotations

import fnmatch
import logging
import sys
from collections.abc import Callable
from typing import Any

from ...model.ledger import Logged, Place
from ..injected import InjectedExceptions
from ..recorder import Recorder
from .patches import Patches

_SDK = "sentry_sdk"


class LogWatch:
    """Changes ``logging.Logger.callHandlers``, which sees each record that its logger lets through."""

    def __init__(
        self, recorder: Recorder, exceptions: InjectedExceptions, quietly: Callable[..., Any]
    ) -> None:
        self._recorder = recorder
        self._exceptions = exceptions
        self._quietly = quietly

    def install(self, patches: Patches) -> None:
        """Watch all loggers."""
        patches.wrap(logging.Logger, "callHandlers", self._call_handlers)

    def _call_handlers(self, original: Any) -> Any:
        def call_handlers(logger: Any, record: logging.LogRecord) -> Any:
            __tracebackhide__ = True
            if record.levelno >= logging.WARNING and (record.exc_info or sys.exception() is not None):
                self._quietly(self._logged, record)
            return original(logger, record)

        return call_handlers

    def _logged(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] == _SDK:
            return
        given = record.exc_info[1] if record.exc_info else None
        fault_ids = self._exceptions.ids_in(given)
        with_exception = bool(fault_ids)
        if not fault_ids:
            fault_ids = self._exceptions.ids_in(sys.exception())
        if fault_ids:
            self._recorder.write(
                Logged,
                fault_ids=fault_ids,
                logger=record.name,
                level=record.levelname,
                with_exception=with_exception,
                unreported=_unreported(record),
                place=Place(file=record.pathname, line=record.lineno, function=record.funcName or ""),
            )


def _unreported(record: logging.LogRecord) -> str:
    """Why the SDK makes no event of ``record``; empty when it does."""
    sdk = sys.modules.get(_SDK)
    if sdk is None:
        return "the SDK is not imported"
    integration = sdk.get_client().integrations.get("logging") if sdk.get_client().is_active() else None
    if integration is None:
        return "LoggingIntegration is off"
    handler = getattr(integration, "_handler", None)
    if handler is None:
        return "LoggingIntegration(event_level=None)"
    if record.levelno < handler.level:
        return f"LoggingIntegration(event_level={logging.getLevelName(handler.level)})"
    ignored = getattr(sys.modules.get("sentry_sdk.integrations.logging"), "_IGNORED_LOGGERS", ())
    for pattern in sorted(ignored):
        if fnmatch.fnmatch(record.name, pattern):
            return f"ignore_logger({pattern!r})"
    return ""
