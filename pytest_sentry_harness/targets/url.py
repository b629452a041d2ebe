"""A target that runs already, somewhere: only asked whether it is ready."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from ..errors import ScenarioError, TargetError
from ..model.scenario import Safety, Target
from .readiness import wait_ready

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check_host(url: str, safety: Safety) -> str:
    """The host of ``url``. Raises ``ScenarioError`` unless it is this machine or named in ``safety.hosts``."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ScenarioError(
            f"{url!r} is not the address of a service",
            where="target.url",
            hint="write http://host:port or https://host",
        )
    if parts.hostname not in LOOPBACK and parts.hostname not in safety.hosts:
        raise ScenarioError(
            f"{parts.hostname!r} is not this machine and the scenario does not allow it",
            where=f"target.url = {url!r}",
            hint=f'if you mean it, add to the scenario: [safety] hosts = ["{parts.hostname}"]',
        )
    return parts.hostname


class UrlTarget:
    """A target somebody else runs. It is neither started nor stopped."""

    def __init__(self, url: str) -> None:
        self.base_url = url.rstrip("/")

    @property
    def running(self) -> bool:
        """Whether it runs: as far as is known, always."""
        return True

    def check_alive(self) -> None:
        """Nothing can be known: the process is not ours."""

    def wait(self, timeout: float, on_poll: Callable[[], None] | None = None) -> None:
        """It does not end for us."""

    def stop(self) -> None:
        """Somebody else's: it goes on."""

    def __enter__(self) -> UrlTarget:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it alone."""


def reach_url(target: Target, safety: Safety) -> UrlTarget:
    """Check that ``target.url`` may be used and is ready.

    Raises ``ScenarioError`` when it may not, ``TargetError`` when it does not answer.
    """
    if target.url is None:
        raise TargetError(
            "the target has no url", where="target", hint="give [target] url, or use its command"
        )
    check_host(target.url, safety)
    reached = UrlTarget(target.url)
    if target.ready is not None:
        wait_ready(reached.base_url, target.ready, timeout=target.ready_timeout)
    return reached
