"""A process group that is started, watched and ended with everything it started."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import clock
from ..errors import ScenarioError, TargetError
from .logfile import last_lines

_GUARD = Path(__file__).with_name("guard.py")
_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a process ended."""

    exit_code: int | None
    """None when a signal ended it."""
    signal: str | None
    """Name of the signal that ended it, such as ``SIGTERM``."""
    killed: bool
    """It did not end in time and was killed."""
    seconds: float
    """From asking it to end (or from starting to wait) until it had ended."""

    def __str__(self) -> str:
        how = (
            f"ended with exit code {self.exit_code}" if self.signal is None else f"was ended by {self.signal}"
        )
        return f"{how} after {self.seconds:.1f} s" + (
            " (killed: it did not stop in time)" if self.killed else ""
        )


def signal_number(name: str) -> signal.Signals:
    """The signal called ``name``. Raises ``ScenarioError``."""
    try:
        return signal.Signals[name]
    except KeyError as error:
        raise ScenarioError(
            f"unknown signal {name!r}",
            where="target.stop_signal",
            hint="use SIGTERM, SIGINT, SIGQUIT or SIGKILL",
        ) from error


class ProcessGroup:
    """One command in a session of its own; its output goes to a log file.

    Use it as a context manager, or call ``stop``: whatever happens, nothing of the group survives.
    """

    def __init__(self, command: str, *, env: Mapping[str, str], cwd: Path, log: Path) -> None:
        self.command = command
        self.log = log
        arguments = _split(command)
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    arguments,
                    env=dict(env),
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise TargetError(
                f"the target cannot be started: {error.strerror}: {error.filename}",
                where=f"command {command!r}",
                hint=f"the command is run in {cwd}, without a shell; {{python}} names the interpreter",
            ) from error
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), str(self.pid)],
            stdin=subprocess.PIPE,
            # It may outlive us by a moment, and must not hold our output open for whoever reads it.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._ending: Ending | None = None

    @property
    def pid(self) -> int:
        """Process id of the command, and the number of its process group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the command is still alive."""
        return self._process.poll() is None

    def check_alive(self) -> None:
        """Raise ``TargetError``, with the last log lines, when the command has ended."""
        code = self._process.poll()
        if code is not None:
            ending = self._finish(clock.monotonic(), killed=False)
            raise TargetError(
                f"the target {_how(ending)} on its own; its last lines:\n{last_lines(self.log)}",
                where=f"command {self.command!r}",
                hint=f"run it by hand; the whole log is {self.log}",
            )

    def wait(self, timeout: float, on_poll: Callable[[], None] | None = None) -> Ending:
        """Wait for a command that ends by itself; kill it after ``timeout`` seconds.

        ``on_poll`` is called a few times a second; what it raises ends the waiting, and not the command.
        """
        start = clock.monotonic()
        while on_poll is not None and (left := start + timeout - clock.monotonic()) > 0:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(min(left, _POLL_SECONDS))
                break
            on_poll()
        return self._await_end(start, max(0.0, start + timeout - clock.monotonic()))

    def stop(self, stop_signal: str = "SIGTERM", timeout: float = 30.0) -> Ending:
        """Ask the command to end, kill the group after ``timeout`` seconds. A second call changes nothing."""
        if self._ending is not None:
            return self._ending
        start = clock.monotonic()
        number = signal_number(stop_signal)
        if self.running:
            # Only the command itself: it knows in which order its children have to end.
            self._process.send_signal(number)
        return self._await_end(start, timeout)

    def kill(self) -> Ending:
        """End everything at once."""
        return self._await_end(clock.monotonic(), 0.0)

    def __enter__(self) -> ProcessGroup:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ending is None:
            self.kill()

    def _await_end(self, start: float, timeout: float) -> Ending:
        if self._ending is not None:
            return self._ending
        killed = False
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            killed = True
        return self._finish(start, killed=killed)

    def _finish(self, start: float, *, killed: bool) -> Ending:
        # Children that outlived the command go too; the leader may be among the group still.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._process.wait()
        if self._ending is None:
            self._ending = Ending(
                exit_code=code if code >= 0 else None,
                signal=signal.Signals(-code).name if code < 0 else None,
                killed=killed,
                seconds=clock.monotonic() - start,
            )
            self._dismiss_guard()
        return self._ending

    def _dismiss_guard(self) -> None:
        # The guard may have been killed with everything else by somebody; then there is nobody to tell.
        with contextlib.suppress(BrokenPipeError):
            self._guard.communicate(b"x")


def _how(ending: Ending) -> str:
    return (
        f"ended with exit code {ending.exit_code}"
        if ending.signal is None
        else f"was ended by {ending.signal}"
    )


def _split(command: str) -> list[str]:
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise ScenarioError(
            f"the command cannot be split into words: {error}",
            where=f"target.command = {command!r}",
            hint="close every quote",
        ) from error
    if not arguments:
        raise ScenarioError("the command is empty", where="target.command", hint="say what to run")
    return arguments
