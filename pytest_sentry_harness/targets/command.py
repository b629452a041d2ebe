"""A target that is a command: started by the harness, on a port it is given."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from ..model.scenario import Target
from .process import Ending, ProcessGroup, signal_number
from .readiness import wait_ready


def free_port() -> int:
    """A loopback port that was free a moment ago.

    Somebody may take it before the target does; the target then ends with "address already in use",
    which its log shows. The kernel hands out ports in a wide circle, so this is rare.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class CommandTarget:
    """A running command target. Use it as a context manager, or call ``stop`` or ``wait``."""

    def __init__(self, target: Target, group: ProcessGroup, port: int) -> None:
        self._target = target
        self._group = group
        self.base_url = f"http://127.0.0.1:{port}"
        self.ready_seconds = 0.0
        """How long it took until it was ready."""

    @property
    def pid(self) -> int:
        """Process id of the command."""
        return self._group.pid

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self._group.log

    @property
    def running(self) -> bool:
        """Whether it is still alive."""
        return self._group.running

    def check_alive(self) -> None:
        """Raise ``TargetError``, with its last log lines, when it ended on its own."""
        self._group.check_alive()

    def stop(self) -> Ending:
        """Stop it the way the scenario says."""
        return self._group.stop(self._target.stop_signal, self._target.stop_timeout)

    def wait(self, timeout: float, on_poll: Callable[[], None] | None = None) -> Ending:
        """Wait for a script to end by itself; kill it after ``timeout`` seconds. ``on_poll`` may end the waiting."""
        return self._group.wait(timeout, on_poll)

    def __enter__(self) -> CommandTarget:
        return self

    def __exit__(self, *_: object) -> None:
        self._group.__exit__()


def start_command(
    target: Target, command: str, *, env: Mapping[str, str], cwd: Path, log: Path, port: int
) -> CommandTarget:
    """Start ``command`` (placeholders already filled) and wait until it is ready.

    ``env`` is the whole environment, ``cwd`` the working directory, ``log`` receives the output. Raises
    ``ScenarioError`` for a command or signal that cannot be, ``TargetError`` when it cannot be started, ends early, or is not ready in time; nothing is left running.
    """
    signal_number(target.stop_signal)  # refuse a misspelling now, not when it is needed
    group = ProcessGroup(command, env=env, cwd=cwd, log=log)
    running = CommandTarget(target, group, port)
    try:
        if target.ready is not None:
            running.ready_seconds = wait_ready(
                running.base_url, target.ready, timeout=target.ready_timeout, check=group.check_alive
            )
    except BaseException:
        group.kill()
        raise
    return running
