"""A master and workers in processes of their own, as on hosts of their own: nothing shared but the network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pytest_sentry_harness.targets.command import free_port

DEADLINE = 90.0


@dataclass
class Process:
    """A Locust process and its log."""

    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def wait(self) -> int:
        return self.popen.wait(DEADLINE)


class Fleet:
    """Starts Locust processes that find each other over 127.0.0.1."""

    def __init__(self, folder: Path, locustfile: Path) -> None:
        self.folder = folder
        self.locustfile = locustfile
        self.port = str(free_port())
        self.processes: list[Process] = []

    def master(self, *more: str, env: Mapping[str, str], workers: int, headless: bool = True) -> Process:
        """The master, in the test's own folder."""
        arguments = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", self.port]
        if headless:
            arguments += ["--headless", "--only-summary", "--expect-workers", str(workers)]
        return self._start("master", [*arguments, *more], env, self.folder)

    def worker(self, name: str, *more: str, env: Mapping[str, str] | None = None) -> Process:
        """A worker with a folder, a home and a place for temporary files of its own."""
        home = self.folder / name
        (home / "tmp").mkdir(parents=True)
        own = {**os.environ, "HOME": str(home), "TMPDIR": str(home / "tmp"), **(env or {})}
        arguments = ["--worker", "--master-host", "127.0.0.1", "--master-port", self.port]
        return self._start(name, [*arguments, *more], own, home)

    def _start(self, name: str, more: Sequence[str], env: Mapping[str, str], cwd: Path) -> Process:
        log = self.folder / f"{name}.log"
        command = [sys.executable, "-m", "locust", "-f", str(self.locustfile), *more]
        with log.open("wb") as output:
            popen = subprocess.Popen(
                command, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.processes.append(Process(popen, log))
        return self.processes[-1]

    def logs(self) -> str:
        """What all of them printed."""
        return "".join(f"== {each.log.name}\n{each.text}\n" for each in self.processes)


@contextmanager
def fleet(folder: Path, locustfile: Path) -> Iterator[Fleet]:
    """Processes that do not outlive the block."""
    started = Fleet(folder, locustfile)
    try:
        yield started
    finally:
        for process in started.processes:
            if process.popen.poll() is None:
                process.popen.send_signal(signal.SIGKILL)
                process.popen.wait()


def await_it(condition: Callable[[], bool], what: Callable[[], str]) -> None:
    """Wait until ``condition`` holds; ``what`` says what there was instead."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)
