"""Locust as a process of its own: start it, watch it, read what it counted.

A process of its own, because users that compute keep everything else in a Locust process waiting.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from .. import clock
from ..errors import LoadError
from ..model.scenario import Load

STOP_SECONDS = 10
"""How long users may take to finish the task they are in when the load ends."""
_GRACE_SECONDS = 60.0
_LEAD_SECONDS = 2
_POLL_SECONDS = 0.25
_LAST_LINES = 15
_TAIL_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadEnding:
    """How the load ended, and what Locust counted."""

    exit_code: int
    requests: int
    failures: int
    """Requests that Locust counts as failed: status 400 and above, or no answer."""
    seconds: float
    log: Path | None
    """None: it ran in the foreground."""
    unsent: int = 0
    """Requests of a script for which there was no time."""


class _Entry(msgspec.Struct):
    """One line of Locust's statistics; it has more fields."""

    name: str
    method: str
    num_requests: int
    num_failures: int


def arguments(load: Load, *, host: str, statistics: Path) -> list[str]:
    """The command that runs ``load`` against ``host``; ``statistics`` is where Locust writes ``<name>.json``."""
    return [
        sys.executable,
        *("-m", "locust", "-f", str(load.locustfile), "--headless", "--only-summary", "--host", host),
        *("-u", str(load.users), "-r", f"{load.spawn_rate:g}", "-t", _run_time(load)),
        *("--stop-timeout", str(STOP_SECONDS)),
        # Provoked errors are no failure of the load; what the process ends with must mean the load itself.
        *("--exit-code-on-error", "0"),
        *("--json-file", str(statistics)),
        *load.user_classes,
    ]


def run_load(
    load: Load,
    *,
    host: str,
    env: Mapping[str, str],
    log: Path,
    on_poll: Callable[[float], None] | None = None,
) -> LoadEnding:
    """Run ``load`` against ``host`` until it ends.

    ``env`` is the whole environment of the process, ``log`` receives its output, its statistics go beside
    it. ``on_poll`` is called about four times a second with the seconds since the start; what it raises
    ends the load and is passed on. Raises ``LoadError`` when Locust is not installed, fails, does not end
    in time, or sent nothing.
    """
    if importlib.util.find_spec("locust") is None:
        raise LoadError(
            "Locust is not installed",
            where=f"load.locustfile = {load.locustfile}",
            hint="pip install 'pytest-sentry-harness[load]'",
        )
    statistics = log.with_name(f"{log.stem}-statistics")
    command = arguments(load, host=host, statistics=statistics)
    start = clock.monotonic()
    exit_code = _run(command, env, log, load.run_time + STOP_SECONDS + _GRACE_SECONDS, on_poll)
    if exit_code != 0:
        raise _failed(f"Locust ended with exit code {exit_code}", log, load)
    entries = _read_statistics(statistics.with_name(f"{statistics.name}.json"), log, load)
    requests = sum(entry.num_requests for entry in entries)
    if requests == 0:
        raise _failed("Locust sent no requests", log, load)
    return LoadEnding(
        exit_code=exit_code,
        requests=requests,
        failures=sum(entry.num_failures for entry in entries),
        seconds=clock.monotonic() - start,
        log=log,
    )


def _run(
    command: Sequence[str],
    env: Mapping[str, str],
    log: Path,
    timeout: float,
    on_poll: Callable[[float], None] | None,
) -> int:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    start = clock.monotonic()
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(_POLL_SECONDS)
            seconds = clock.monotonic() - start
            if on_poll is not None:
                on_poll(seconds)
            if seconds > timeout:
                raise LoadError(
                    f"Locust did not end within {timeout:.0f} s; its last lines:\n{_last_lines(log)}",
                    where=f"process {process.pid}",
                    hint=f"it was killed; does a task never end? The whole log is {log}",
                )
    finally:
        # Worker processes of Locust are in the group too. Without any, there is no group left.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _run_time(load: Load) -> str:
    # Locust takes whole seconds. It counts from its own start, and the last arrival must not come too late for it.
    seconds = math.ceil(load.run_time) + _LEAD_SECONDS if load.stages else round(load.run_time)
    return f"{max(1, seconds)}s"


def _read_statistics(path: Path, log: Path, load: Load) -> list[_Entry]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[_Entry])
    except (OSError, msgspec.DecodeError) as error:
        raise _failed(f"Locust left no usable statistics ({error})", log, load) from error


def _failed(what: str, log: Path, load: Load) -> LoadError:
    return LoadError(
        f"{what}; its last lines:\n{_last_lines(log)}",
        where=f"load.locustfile = {load.locustfile}",
        hint=f"try it alone: locust -f {load.locustfile} --headless -u 1 -t 5s; the whole log is {log}",
    )


def _last_lines(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return "\n".join(f"  | {line}" for line in lines[-_LAST_LINES:]) or "  (it wrote nothing)"
