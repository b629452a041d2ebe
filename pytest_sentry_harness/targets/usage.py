"""What the processes of a target take of the machine, looked at from outside with psutil."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import clock
from ..model.series import Sample

if TYPE_CHECKING:
    import psutil

_CLOSER = 4
"""Every fourth look is a closer one. To count what is not shared, the system walks through all of a process's memory;
to find children in sessions of their own, somebody has to ask every process of the machine for its parent."""
_LOOPBACK = ("lo", "lo0", "Loopback Pseudo-Interface 1")

Key = tuple[int, float]
"""Process id and start time: numbers are used again."""


class Taken(NamedTuple):
    """What processes have taken so far."""

    cpu: float
    disk_read: int | None
    disk_written: int | None

    def plus(self, other: Taken) -> Taken:
        """Both together; None where either does not know."""
        return Taken(
            self.cpu + other.cpu,
            _both(self.disk_read, other.disk_read),
            _both(self.disk_written, other.disk_written),
        )

    def since(self, before: Taken) -> Taken:
        """What was taken after ``before``."""
        return self.plus(Taken(-before.cpu, _minus(before.disk_read), _minus(before.disk_written)))


class Held(NamedTuple):
    """What one process holds at a moment."""

    rss: int
    uss: int | None
    threads: int
    descriptors: int | None
    connections: int | None

    def plus(self, other: Held) -> Held:
        """Both together; None where either does not know."""
        return Held(
            self.rss + other.rss,
            _both(self.uss, other.uss),
            self.threads + other.threads,
            _both(self.descriptors, other.descriptors),
            _both(self.connections, other.connections),
        )


_NOTHING = Taken(0.0, 0, 0)


def available() -> bool:
    """Whether psutil is installed."""
    return importlib.util.find_spec("psutil") is not None


class Usage:
    """Looks at the processes of the session that ``pid`` leads, and at those they started in sessions of their own."""

    def __init__(self, pid: int) -> None:
        import psutil

        self._psutil = psutil
        self._pid = pid
        self._alive: dict[Key, psutil.Process] = {}
        self._taken: dict[Key, Taken] = {}
        self._ended = _NOTHING
        self._before: Taken | None = None
        self._started = 0.0
        self._network: tuple[int, int, int] | None = None
        self._looks = 0
        self._cost = clock.thread_cpu()
        psutil.cpu_percent()  # the next call tells of the time since this one

    def look(self) -> Sample | None:
        """One sample; None when no process is left."""
        closer = self._looks % _CLOSER == 0
        self._find(closer)
        held = [found for key in list(self._alive) if (found := self._look_at(key, closer)) is not None]
        if not held:
            return None
        self._looks += 1
        total = held[0]
        for each in held[1:]:
            total = total.plus(each)
        taken = self._ended
        for entry in self._taken.values():
            taken = taken.plus(entry)
        if self._before is None:
            self._before, self._started = taken, clock.monotonic()
        taken = taken.since(self._before)
        sent, received, loopback = self._over_the_network()
        return Sample(
            at=clock.wall(),
            seconds=clock.monotonic() - self._started,
            processes=len(held),
            cpu=max(0.0, taken.cpu),
            rss=total.rss,
            uss=total.uss,
            threads=total.threads,
            descriptors=total.descriptors,
            connections=total.connections,
            disk_read=taken.disk_read,
            disk_written=taken.disk_written,
            net_sent=sent,
            net_received=received,
            loopback=loopback,
            machine=self._psutil.cpu_percent() / 100,
            sampler=clock.thread_cpu() - self._cost,
        )

    def _find(self, closer: bool) -> None:
        """Take note of processes that are new."""
        found = {self._pid}
        if closer:
            with suppress(self._psutil.Error):
                found |= {child.pid for child in self._psutil.Process(self._pid).children(recursive=True)}
        for pid in self._psutil.pids():
            with suppress(OSError):
                if os.getsid(pid) == self._pid:  # also those whose parent has ended
                    found.add(pid)
        for pid in found:
            with suppress(self._psutil.Error):
                process = self._psutil.Process(pid)
                self._alive.setdefault((pid, process.create_time()), process)

    def _look_at(self, key: Key, closer: bool) -> Held | None:
        """What one process holds; None when it has ended, and what it had taken when last seen stays counted."""
        process = self._alive[key]
        try:
            if not process.is_running() or process.status() == self._psutil.STATUS_ZOMBIE:
                raise self._psutil.NoSuchProcess(key[0])
            with process.oneshot():
                times = process.cpu_times()
                rss, threads = process.memory_info().rss, process.num_threads()
        except self._psutil.Error:
            del self._alive[key]
            self._ended = self._ended.plus(self._taken.pop(key, _NOTHING))
            return None
        disk = self._asked(process, "io_counters")
        self._taken[key] = Taken(
            times.user + times.system,
            None if disk is None else disk.read_bytes,
            None if disk is None else disk.write_bytes,
        )
        memory = self._asked(process, "memory_full_info") if closer else None
        sockets = self._asked(process, "net_connections")
        return Held(
            rss=rss,
            uss=None if memory is None else memory.uss,
            threads=threads,
            descriptors=self._asked(process, "num_fds"),
            connections=None if sockets is None else len(sockets),
        )

    def _asked(self, process: psutil.Process, question: str) -> Any:
        """The answer to a question that not every system has, or not for everybody; None without one."""
        ask: Callable[[], Any] | None = getattr(process, question, None)
        if ask is None:
            return None
        try:
            return ask()
        except (self._psutil.Error, OSError):
            return None

    def _over_the_network(self) -> tuple[int | None, int | None, int | None]:
        """Bytes sent, received, and over the loopback interface since the first look, by the whole machine."""
        try:
            interfaces = self._psutil.net_io_counters(pernic=True)
        except (self._psutil.Error, OSError):
            return None, None, None
        sent = sum(each.bytes_sent for name, each in interfaces.items() if name not in _LOOPBACK)
        received = sum(each.bytes_recv for name, each in interfaces.items() if name not in _LOOPBACK)
        loopback = sum(each.bytes_sent for name, each in interfaces.items() if name in _LOOPBACK)
        first = self._network = self._network or (sent, received, loopback)
        return max(0, sent - first[0]), max(0, received - first[1]), max(0, loopback - first[2])


def _both(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _minus(value: int | None) -> int | None:
    return None if value is None else -value
