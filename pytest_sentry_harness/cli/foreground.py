"""Runs a command in the foreground: it has the terminal, gets the signals, and decides the exit code."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from ..errors import UsageError, did_you_mean

_FROM_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGHUP})
"""What a terminal sends to all processes in its foreground, the command among them."""
_FORWARDED = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended. ``code`` as ``subprocess`` gives it: negative for a signal."""

    code: int

    @property
    def exit_code(self) -> int:
        """As shells count: 128 + n when signal n ended it."""
        return self.code if self.code >= 0 else 128 - self.code

    def __str__(self) -> str:
        if self.code >= 0:
            return f"exit code {self.code}"
        return f"ended by {signal.Signals(-self.code).name}"


def run_foreground(words: Sequence[str], env: Mapping[str, str]) -> Ended:
    """Run ``words`` with our standard streams until it ends; signals sent to us are for it.

    It stays in our process group, so that a shell's job control means both. Raises ``UsageError`` when
    it cannot be started.
    """
    try:
        process = subprocess.Popen(list(words), env=dict(env))
    except OSError as error:
        raise _not_started(words[0], error, env) from error
    with _forwarding(process):
        return Ended(process.wait())


def _not_started(program: str, error: OSError, env: Mapping[str, str]) -> UsageError:
    if isinstance(error, FileNotFoundError):
        found = {
            entry.name
            for folder in env.get("PATH", "").split(os.pathsep)
            if os.path.isdir(folder)
            for entry in os.scandir(folder)
        }
        hint = (
            did_you_mean(program, sorted(found))
            if os.sep not in program and found
            else "name a file that exists"
        )
        if hint.startswith("known names"):
            hint = "it is looked up in PATH; a shell's built-ins and aliases need sh -c '...'"
        return UsageError("there is no such program", where=f"command {program!r}", hint=hint)
    return UsageError(
        f"it cannot be started: {error.strerror or error}",
        where=f"command {program!r}",
        hint="make it executable, or name its interpreter first",
    )


@contextlib.contextmanager
def _forwarding(process: subprocess.Popen[bytes]) -> Iterator[None]:
    def forward(number: int, _frame: FrameType | None) -> None:
        if number in _FROM_TERMINAL and _in_foreground():
            return  # the terminal has sent it to the command as well
        # send_signal looks first whether the process was reaped, so no stranger gets it.
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)

    before = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """Whether we are in the foreground of a terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
