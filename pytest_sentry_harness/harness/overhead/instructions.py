"""Count instructions instead of measuring time: for pull requests, where a verdict must not depend on the machine's mood.

Each launch has its own fixed ``PYTHONHASHSEED`` (0, 1, 2), so the same code comes to nearly the same numbers
wherever it runs. Two windows are counted for each kind of request: a few requests, and the same few with ``COUNTED`` more. Half of
what happens meanwhile has nothing to do with requests (a server's ticks, flushing the SDK); the difference of the
two is free of most of it. The requests of the difference carry ``sample_rand`` values spread evenly over [0, 1), so a
``traces_sample_rate`` of 5 % samples exactly one of 20 (Sentry developer docs, Dynamic Sampling Context).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ... import clock
from ...errors import TargetError
from ...model.overhead import ArmSample, KindSample, Launch, OverheadArm, OverheadRequest
from ...targets.command import free_ports
from .account import count_arrivals
from .arms import RunningArm, start_arm
from .counters import Counter
from .launch import Site, as_it_should, silent
from .prepare import prepare

LAUNCHES = 3
"""Each with a seed of string hashes of its own: the seed moves the figures by half a percent or so."""
COUNTED = 20
BASE = 4
_WARM = 8
"""Requests of each kind before anything is counted: caches of regular expressions, compiled queries, connections."""
_NOT_SAMPLED = 0.999999
_FLUSH = 30.0
_IDLE_WINDOW = 0.2
_IDLE_SHARE = 0.15
"""A process is idle when it uses less than that share of a core: under valgrind, a server's ticks alone take a few percent."""
_IDLE_PATIENCE = 20.0
_PATIENCE = 10
"""How much longer a target may take to start and to stop."""


def count_launch(site: Site, arms: Sequence[OverheadArm], number: int, counter: Counter) -> Launch:
    """Play launch ``number`` (from 1) with these ``arms`` and count; the figures are in ``KindSample.instructions``.

    The arms run beside each other, but not in turn: what one does cannot change what the other executes. Errors as in
    ``launch.play_launch``.
    """
    begun = clock.monotonic()
    with ThreadPoolExecutor(len(arms), thread_name_prefix="sentry-harness-count") as pool:
        counted = [
            pool.submit(_CountedArm(site, arm, port, number, counter).count)
            for arm, port in zip(arms, free_ports(len(arms)), strict=True)
        ]
        found = [future.result() for future in counted]
    return Launch(
        number=number,
        seconds=clock.monotonic() - begun,
        arms=tuple(sample for sample, _ in found),
        doubts=tuple(doubt for _, doubts in found for doubt in doubts),
    )


def spread_evenly(count: int) -> tuple[float, ...]:
    """``count`` values of ``sample_rand`` in the middles of equal parts of [0, 1)."""
    return tuple((each + 0.5) / count for each in range(count))


def per_request(base: int, whole: int, counted: int = COUNTED) -> float:
    """Instructions of one request, from the window without and the one with ``counted`` requests more.

    Raises ``TargetError`` when the larger window is not the larger number: then something else was counted.
    """
    if whole <= base:
        raise TargetError(
            f"{counted} requests more executed no more instructions ({base} without them, {whole} with them)",
            where="counting instructions",
            hint="does the process that serves the requests run under the counter? "
            "a command that hands its work to a service elsewhere cannot be counted",
        )
    return (whole - base) / counted


@dataclass(frozen=True, slots=True)
class _CountedArm:
    """One arm of one launch."""

    site: Site
    arm: OverheadArm
    port: int
    number: int
    counter: Counter

    def count(self) -> tuple[ArmSample, list[str]]:
        """Start it, count every kind of request, and stop it."""
        site = self.site
        folder = site.folder / f"counts-{self.number:02}-{self.arm.name}"  # an arm's begins with the number
        folder.mkdir(parents=True)
        target = site.scenario.target
        patient = replace(
            target,
            ready_timeout=target.ready_timeout * _PATIENCE,
            stop_timeout=target.stop_timeout * _PATIENCE,
        )
        command = self.counter.command(self.arm.command or target.command or "", folder)
        with ExitStack() as house:
            running = start_arm(
                replace(site.scenario, target=patient),
                replace(self.arm, command=command),
                folder=site.folder / f"{self.number:02}-{self.arm.name}",
                port=self.port,
                server=site.server,
                client=site.client,
                environment={"PYTHONHASHSEED": str(self.number - 1)},
            )
            house.callback(running.close)
            windows = _Windows(running, self.counter, folder, site.stop)
            prepare(running, site.overhead, site.overhead.requests)
            for kind in site.overhead.requests:
                windows.send(kind, [_NOT_SAMPLED] * _WARM)
            windows.idle()
            kinds = tuple(windows.sample(kind) for kind in site.overhead.requests)
        if not running.told:
            windows.doubts.append(silent(self.arm.name))
        # Stopped by now: what was sent on the way down has arrived, too.
        sample = ArmSample(arm=self.arm.name, kinds=kinds)
        return count_arrivals(site.client, running, sample), windows.doubts


class _Windows:
    """Requests to one arm, and what they execute."""

    def __init__(self, arm: RunningArm, counter: Counter, folder: Path, stop: threading.Event) -> None:
        self._arm, self._counter, self._folder, self._stop = arm, counter, folder, stop
        self.doubts: list[str] = []

    def sample(self, kind: OverheadRequest) -> KindSample:
        """What one request of ``kind`` executes, until the SDK has sent what it leaves to be sent."""
        first = [_NOT_SAMPLED] * BASE
        base, wrong = self._window(kind, first)
        whole, wrong_too = self._window(kind, [*first, *spread_evenly(COUNTED)])
        failed = wrong + wrong_too
        if failed:
            self.doubts.append(
                f"{failed} of {2 * BASE + COUNTED} requests {kind.name!r} to arm {self._arm.name!r} were not answered "
                f"as they should be ({'5xx' if kind.raises else 'below 400'})"
            )
        return KindSample(
            kind=kind.name,
            requests=COUNTED,
            failed=failed,
            cpu=0.0,
            mean=0.0,
            p50=0.0,
            instructions=per_request(base, whole),
            judged=kind.judged,
        )

    def send(self, kind: OverheadRequest, sample_rands: Iterable[float]) -> int:
        """Send a request of ``kind`` for each of ``sample_rands``; how many were not answered as they should be."""
        failed = 0
        for sample_rand in sample_rands:
            if self._stop.is_set():
                raise KeyboardInterrupt
            reply = self._arm.client.send(self._arm.prepared[kind.name], sample_rand=sample_rand)
            if not as_it_should(kind, reply):
                failed += 1
            elif kind.raises:
                self._arm.raised.append(reply.trace_id)
        return failed

    def idle(self) -> None:
        """Flush the SDK, and wait until the processes do nothing worth mentioning."""
        self._arm.flush(_FLUSH)
        deadline = clock.monotonic() + _IDLE_PATIENCE
        seen = self._arm.tree.cpu()
        while clock.monotonic() < deadline:
            time.sleep(_IDLE_WINDOW)
            now = self._arm.tree.cpu()
            if now - seen < _IDLE_SHARE * _IDLE_WINDOW:
                return
            seen = now

    def _window(self, kind: OverheadRequest, sample_rands: Sequence[float]) -> tuple[int, int]:
        self._arm.tree.refresh()
        with self._counter.counting(self._arm.tree.pids, self._folder) as count:
            failed = self.send(kind, sample_rands)
            self.idle()
        return count.instructions, failed
