"""A target that is a command: started by the harness, on a port it is given."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from ..model.scenario import Target
from .process import Ending, ProcessGroup, signal_number
from .readiness import wait_ready

_LOWEST = 10_000
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_EPHEMERAL_FROM = 32_768
"""Where there is no such file: macOS and Windows begin at 49 152."""
_TRIES = 100


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """``count`` loopback ports that were free a moment ago, no two of them the same.

    Below those that the kernel gives to outgoing connections and to listeners without a wish: a target takes seconds to
    start, and one of these may be gone by then. Somebody else may still take it: the target then ends with
    "address already in use", which its log shows.
    """
    below = _first_ephemeral()
    with ExitStack() as held:
        return [held.enter_context(_some_port(below)).getsockname()[1] for _ in range(count)]


def _some_port(below: int) -> socket.socket:
    dice = random.SystemRandom()
    for _ in range(_TRIES):
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", dice.randrange(_LOWEST, below)))
        except OSError:  # taken
            probe.close()
        else:
            return probe
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    return probe


def _first_ephemeral() -> int:
    try:
        first = int(_EPHEMERAL.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        first = _EPHEMERAL_FROM
    return first if first > _LOWEST + 1000 else _EPHEMERAL_FROM


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
