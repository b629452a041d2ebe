"""Words options, callables and places for the ledger; leaves secrets out."""

from __future__ import annotations

import functools
import hashlib
import itertools
import sys
from types import CodeType, FrameType
from typing import Any
from urllib.parse import urlsplit

from ...model.ledger import Place
from ..fate import is_own_frame
from ..prologue import def_line

_OPTIONS = (
    "sample_rate",
    "error_sampler",
    "traces_sample_rate",
    "traces_sampler",
    "profiles_sample_rate",
    "profile_session_sample_rate",
    "before_send",
    "before_send_transaction",
    "before_send_log",
    "before_breadcrumb",
    "ignore_errors",
    "transport",
    "transport_queue_size",
    "shutdown_timeout",
    "send_client_reports",
    "keep_alive",
    "socket_options",
    "enable_backpressure_handling",
    "auto_session_tracking",
    "release",
    "environment",
    "dist",
    "send_default_pii",
    "data_collection",
    "event_scrubber",
    "max_request_body_size",
    "max_value_length",
    "max_breadcrumbs",
    "include_local_variables",
    "include_source_context",
    "attach_stacktrace",
    "in_app_include",
    "in_app_exclude",
    "default_integrations",
    "auto_enabling_integrations",
    "disabled_integrations",
    "enable_logs",
    "trace_propagation_targets",
    "spotlight",
    "debug",
)
_MOST_TEXT = 300


def options_in_force(options: dict[str, Any]) -> dict[str, Any]:
    """The options that decide what is sent, as plain JSON values. None of them holds a secret."""
    return {name: plain(options[name]) for name in _OPTIONS if name in options}


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it; callables by name and place."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, str):
        return value[:_MOST_TEXT]
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in list(value)[:50]]
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if type(value).__module__.startswith("sentry_sdk.integrations."):
        return type(value).__qualname__
    if callable(value):
        place = place_of(value)
        return f"{name_of(value)} ({place.file}:{place.line})" if place else name_of(value)
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


def redacted_dsn(dsn: object) -> str | None:
    """The DSN without its keys."""
    if not dsn:
        return None
    try:
        parts = urlsplit(str(dsn))
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://***@{parts.hostname}{port}{parts.path}"
    except ValueError:
        return "***"


def dsn_host(dsn: object) -> str:
    """The host a DSN points at, lower case; empty when there is none."""
    try:
        return (urlsplit(str(dsn)).hostname or "").lower()
    except ValueError:
        return ""


def key_mark(dsn: object) -> str:
    """Eight hex digits that tell DSNs with different keys or servers apart; empty without a DSN."""
    return hashlib.sha256(str(dsn).encode()).hexdigest()[:8] if dsn else ""


def integration_options(integrations: dict[str, Any]) -> dict[str, Any]:
    """The options of integrations that decide which errors are reported, as ``identifier.option``."""
    found: dict[str, Any] = {}
    logging_handler = getattr(integrations.get("logging"), "_handler", None)
    if "logging" in integrations:
        found["logging.event_level"] = getattr(logging_handler, "level", None)
    for identifier, integration in integrations.items():
        codes = getattr(integration, "failed_request_status_codes", None)
        if codes is None:
            codes = getattr(integration, "_failed_request_status_codes", None)
        if isinstance(codes, set | frozenset):
            found[f"{identifier}.failed_request_status_codes"] = ranges(codes)
    return found


def ranges(numbers: set[int] | frozenset[int]) -> str:
    """``{500, 501, 502, 504}`` as ``500-502, 504``."""
    runs = itertools.groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0])
    ends = [[number for _, number in run] for _, run in runs]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in ends)


def name_of(function: Any) -> str:
    """``module.qualname`` of a callable."""
    function = _bare(function)
    named = function if hasattr(function, "__qualname__") else type(function)
    module = str(getattr(named, "__module__", "?"))
    if module == "__main__":  # ``python -m package.module`` tells its real name
        module = getattr(getattr(sys.modules.get(module), "__spec__", None), "name", module)
    return f"{module}.{named.__qualname__}"


def place_of(function: Any) -> Place | None:
    """Where a callable is defined; None for those not written in Python."""
    code = code_of(function)
    if code is None:
        return None
    return Place(file=code.co_filename, line=def_line(code), function=code.co_qualname)


def code_of(function: Any) -> CodeType | None:
    """The code a callable runs; None for those not written in Python."""
    function = _bare(function)
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return code if isinstance(code, CodeType) else None


def calling_place() -> Place | None:
    """The innermost place on the stack that is neither the SDK's nor the agent's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not (module == "sentry_sdk" or module.startswith("sentry_sdk.") or is_own_frame(frame.f_code)):
            return Place(
                file=frame.f_code.co_filename, line=frame.f_lineno, function=frame.f_code.co_qualname
            )
        frame = frame.f_back
    return None


def raised_at(exception: BaseException) -> Place | None:
    """Where ``exception`` was raised."""
    traceback = exception.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return None
    code = traceback.tb_frame.f_code
    return Place(file=code.co_filename, line=traceback.tb_lineno or 0, function=code.co_qualname)


def _bare(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__func__", function)
