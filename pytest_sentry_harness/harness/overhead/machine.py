"""CPU time and memory of processes with all their children, and on which core they run."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

_SCHED = 2  # CPUCLOCK_SCHED of the Linux kernel: what a process's threads ran, in nanoseconds
_LINUX = sys.platform == "linux"
_TRIES = 5
CLOCK = "process clock (nanoseconds)"
TICKS = "process times (clock ticks of the kernel)"


class ProcessTree:
    """A process and all that it started and that still runs, as of the last ``refresh``."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._processes: tuple[psutil.Process, ...] = ()
        self.refresh()

    def refresh(self) -> bool:
        """Look again who belongs to it; whether that has changed."""
        found = {process.pid: process for process in (self._root, *self._root.children(recursive=True))}
        # One whose parent has ended is somebody else's child now, and goes on working for this service.
        found |= {process.pid: process for process in self._processes if process.is_running()}
        changed = set(found) != set(self.pids)
        self._processes = tuple(found.values())
        return changed

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes."""
        return tuple(process.pid for process in self._processes)

    def cpu(self) -> float:
        """CPU time used so far by all threads of all its processes, and by children of theirs that have ended, in seconds.

        A process that ends moves from the clock of its own to that of the parent which waits for it, with all it ever
        used: it is counted once, whether it was known here or not. Of the ended ones the kernel tells ticks (10 ms) only.
        """
        ended = self._ended()
        for _ in range(_TRIES):
            living = sum(map(_living, self._processes))
            before, ended = ended, self._ended()
            if before == ended:  # else one may have been in neither, or in both
                break
        return living + ended

    def _ended(self) -> float:
        return sum(map(_waited_for, self._processes))

    def memory(self) -> tuple[int, str]:
        """Bytes held by all its processes, and which kind: ``uss``, what would be freed if they ended, or ``rss``."""
        kind = "uss"
        total = 0
        for process in self._processes:
            try:
                total += process.memory_full_info().uss
            except (psutil.AccessDenied, AttributeError, NotImplementedError):
                kind = "rss"
                break
            except psutil.NoSuchProcess:
                continue
        if kind == "uss":
            return total, kind
        total = 0
        for process in self._processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total, kind

    def pin(self, cores: Iterable[int]) -> None:
        """Keep every thread of every process on ``cores``; threads made later inherit it from their makers."""
        if not hasattr(os, "sched_setaffinity"):
            return
        wanted = set(cores)
        for pid in self.pids:
            tasks = Path(f"/proc/{pid}/task")
            threads = [int(task.name) for task in tasks.iterdir()] if tasks.is_dir() else [pid]
            for thread in threads:
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(thread, wanted)


def _living(process: psutil.Process) -> float:
    """CPU seconds of ``process`` itself; none once somebody has waited for it."""
    try:
        if _LINUX:
            # clock_getcpuclockid(3), which Python has for threads only: the id is made of the process id. Any process
            # may read it, and it moves by nanoseconds where /proc moves by ticks of 10 ms.
            return time.clock_gettime_ns((~process.pid << 3) | _SCHED) / 1e9
        times = process.cpu_times()
        return float(times.user + times.system)
    except (psutil.NoSuchProcess, OSError):
        return 0.0


def _waited_for(process: psutil.Process) -> float:
    """CPU seconds of the children that ``process`` has waited for, and of theirs; 0 where the system does not tell."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.children_user + times.children_system)


def memory_name() -> str:
    """Which memory ``ProcessTree.memory`` reads here."""
    return ProcessTree(os.getpid()).memory()[1]


def clock_name() -> str:
    """How ``ProcessTree.cpu`` reads."""
    return CLOCK if _LINUX else TICKS


def choose_cores() -> tuple[int, int] | None:
    """One core for the arms and another for everything else; None where pinning is not possible or not allowed."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return None
    arms = cores[-1]
    siblings = _siblings(arms)
    other = next((core for core in cores if core not in siblings), cores[0])
    try:
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {other})
        os.sched_setaffinity(0, before)
    except OSError:  # a container may forbid it
        return None
    return arms, other


def _siblings(core: int) -> set[int]:
    """The cores that share their hardware with ``core``, itself included."""
    path = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    try:
        text = path.read_text(encoding="ascii")
    except OSError:
        return {core}
    found = {core}
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first.isdecimal():
            found |= set(range(int(first), int(last or first) + 1))
    return found


@contextlib.contextmanager
def own_core(core: int | None) -> Iterator[None]:
    """Keep the calling thread on ``core`` for the block."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
