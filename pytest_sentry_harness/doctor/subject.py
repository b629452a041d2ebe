"""What is examined: a command with its environment, and the faults that the doctor injects into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..model.arming import ArmedFault

_WORDS = "a fault of sentry-harness doctor, injected on purpose"
_POINTS = ("handled", "in_thread", "logged", "burst", "last_words")
_ROUTING = {
    "request-starlette": "starlette.routing:Router.__call__",
    "request-flask": "flask.app:Flask.dispatch_request",
    "request-quart": "quart.app:Quart.dispatch_request",
    "request-django": "django.core.handlers.base:BaseHandler.resolve_request",
}
"""Where frameworks look for what answers a request: a fault there is met before anything of the application's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The command to examine."""

    command: tuple[str, ...]
    """Words, with placeholders."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment, with placeholders."""
    cwd: Path
    service: bool
    """It goes on until it is stopped; else it ends by itself."""
    ready: str | None = None
    """Path that answers below 500 when the service is ready; None: the port accepts connections."""
    port: int | None = None
    """None: a free one."""
    burst: int = 1000
    timeout: float = 30.0
    """Seconds until a service is ready, or until a script that has not ended is stopped."""
    stop_signal: str = "SIGTERM"
    stop_timeout: float = 30.0


def faults() -> tuple[ArmedFault, ...]:
    """Probe faults at points of the doctor's own, and one for each framework's routing."""
    do = f"raise(RuntimeError('{_WORDS}'))"
    return (
        *(ArmedFault(name=name, at=f"sentry_harness_probe:{name}", do=do, select="call") for name in _POINTS),
        *(ArmedFault(name=name, at=at, do=do, select="request") for name, at in _ROUTING.items()),
    )


def request_faults() -> tuple[str, ...]:
    """Names of the faults that a request meets."""
    return tuple(_ROUTING)
