"""One launch: all arms started together, warmed up, measured in blocks of random order, flushed, and stopped."""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ... import clock
from ...errors import LoadError, TargetError
from ...model.overhead import ArmSample, KindSample, Launch, Overhead, OverheadArm, OverheadRequest
from ...model.scenario import Scenario
from ...server.client import EmbeddedServer, ServerClient
from ...targets.command import free_ports
from .account import count_arrivals
from .arms import RunningArm, named, start_arm
from .client import Reply
from .machine import own_core
from .prepare import prepare

FLUSH = 2.0
"""Seconds the SDK of each process may take to send what it holds, between two measurements."""
LAST_FLUSH = 10.0
"""The same before the launch ends: what is not sent then counts as lost."""
FEWEST_REQUESTS = 16
"""Of one kind to one arm in a launch: with fewer, the figure of that launch is worth little."""
_P99_REQUESTS = 100
_MOST_FAILED = 0.01
_PATIENCE = 4
"""How much longer than asked is measured, where that was too short for the fewest requests."""
_IDLE_WINDOW = 0.01
_IDLE_CPU = 0.0005
_IDLE_PATIENCE = 1.0
_DYING = 1.0


@dataclass(slots=True)
class _Meter:
    """What is counted of one kind and one arm."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    statuses: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Site:
    """Where launches are played: one server for all of them, a core for the arms and one for the rest."""

    scenario: Scenario
    folder: Path
    """Each launch makes a folder in it."""
    server: EmbeddedServer
    client: ServerClient
    cores: tuple[int, int] | None
    """For the arms, and for everything else; None: not pinned."""
    stop: threading.Event

    @property
    def overhead(self) -> Overhead:
        """The scenario's table."""
        assert self.scenario.overhead is not None
        return self.scenario.overhead


def play_launch(
    site: Site, arms: Sequence[OverheadArm], number: int, *, requests: Sequence[OverheadRequest] | None = None
) -> Launch:
    """Play launch ``number`` (from 1) with these ``arms``, all at the same time, and ``requests`` (the scenario's).

    Everything is stopped when it returns or raises: ``TargetError`` for an arm that does not start or ends by itself,
    ``LoadError`` for one that does not answer, ``KeyboardInterrupt`` once ``site.stop`` is set.
    """
    begun = clock.monotonic()
    kinds = tuple(requests if requests is not None else site.overhead.requests)
    dice = random.Random(f"{site.scenario.seed}/{number}")
    with ExitStack() as house:
        running = _start(site, arms, number, dice, house)
        if site.cores is not None:
            for arm in running:
                arm.tree.pin({site.cores[0]})
            house.enter_context(own_core(site.cores[1]))
        play = _Play(site, running, kinds, dice)
        try:
            samples, doubts = play.measure()
        except LoadError:
            _blame_the_dead(running)
            raise
    # Stopped by now: what was sent on the way down has arrived, too.
    return Launch(
        number=number,
        seconds=clock.monotonic() - begun,
        arms=tuple(count_arrivals(site.client, arm, samples[arm.name]) for arm in running),
        doubts=tuple(doubts),
    )


def _start(
    site: Site, arms: Sequence[OverheadArm], number: int, dice: random.Random, house: ExitStack
) -> list[RunningArm]:
    """Start all arms at once; those that came up are stopped when one did not."""
    # One seed of string hashes for all arms of a launch: it moves the cost by half a percent, and is no part of it.
    environment = {"PYTHONHASHSEED": str(dice.randrange(1, 2**32))}

    def start(arm: OverheadArm, port: int) -> RunningArm:
        folder = site.folder / f"{number:02}-{arm.name}"
        running = start_arm(
            site.scenario,
            arm,
            folder=folder,
            port=port,
            server=site.server,
            client=site.client,
            environment=environment,
        )
        house.callback(running.close)
        return running

    with ThreadPoolExecutor(len(arms), thread_name_prefix="sentry-harness-arm") as pool:
        started = [pool.submit(start, *each) for each in zip(arms, free_ports(len(arms)), strict=True)]
    return [future.result() for future in started]


def _blame_the_dead(running: Iterable[RunningArm]) -> None:
    """Raise ``TargetError`` when an arm has ended by itself: that is why it does not answer."""
    deadline = clock.monotonic() + _DYING
    while clock.monotonic() < deadline:
        for arm in running:
            try:
                arm.target.check_alive()
            except TargetError as error:
                raise named(error, arm.name) from error
        time.sleep(0.05)


class _Play:
    """The requests of one launch."""

    def __init__(
        self, site: Site, arms: list[RunningArm], kinds: tuple[OverheadRequest, ...], dice: random.Random
    ) -> None:
        self._site, self._arms, self._kinds, self._dice = site, arms, kinds, dice
        self._overhead = site.overhead
        self._doubts: list[str] = []

    def measure(self) -> tuple[dict[str, ArmSample], list[str]]:
        """Warm up and measure; one sample for each arm, by name, and what is doubtful about them."""
        for arm in self._arms:
            prepare(arm, self._overhead, self._kinds)
        self._warm_up()
        self._flush(FLUSH)
        for arm in self._arms:
            arm.tree.refresh()
        begun = {arm.name: set(arm.tree.pids) for arm in self._arms}
        warm = {arm.name: arm.tree.memory() for arm in self._arms}
        order = list(self._kinds)
        self._dice.shuffle(order)
        found: dict[str, list[KindSample]] = {arm.name: [] for arm in self._arms}
        for kind in order:
            for name, sample in self._measure_kind(kind).items():
                found[name].append(sample)
        samples = {}
        for arm in self._arms:
            held, _ = arm.tree.memory()
            samples[arm.name] = ArmSample(
                arm=arm.name, kinds=tuple(found[arm.name]), memory=held, growth=held - warm[arm.name][0]
            )
            if not arm.told:
                self._doubts.append(silent(arm.name))
            arm.tree.refresh()
            if set(arm.tree.pids) != begun[arm.name]:
                self._doubts.append(f"arm {arm.name!r} started or ended processes while it was measured")
        self._flush(LAST_FLUSH)
        return samples, self._doubts

    def _warm_up(self) -> None:
        """Blocks of all kinds in turn: the first ones cost 10 to 20 % more than the others."""
        block = self._overhead.block
        rounds = -(-self._overhead.warm_up // (block * len(self._kinds)))
        for _ in range(max(rounds, 1)):
            for kind in self._kinds:
                self._round(kind, {arm.name: _Meter() for arm in self._arms})

    def _measure_kind(self, kind: OverheadRequest) -> dict[str, KindSample]:
        meters = {arm.name: _Meter() for arm in self._arms}
        seconds = self._overhead.measure * len(self._arms) / 2
        before = self._cpu_of_all()
        begun = clock.monotonic()
        rounds = 0
        while (passed := clock.monotonic() - begun) < seconds or (
            rounds * self._overhead.block < FEWEST_REQUESTS and passed < seconds * _PATIENCE
        ):
            self._round(kind, meters)
            rounds += 1
        self._flush(FLUSH)
        after = self._cpu_of_all()
        self._doubt(kind, meters)
        return {name: _sample(kind, meter, after[name] - before[name]) for name, meter in meters.items()}

    def _round(self, kind: OverheadRequest, meters: dict[str, _Meter]) -> None:
        """One block to each arm, in an order that is drawn anew."""
        order = list(self._arms)
        self._dice.shuffle(order)
        for arm in order:
            if self._site.stop.is_set():
                raise KeyboardInterrupt
            meter = meters[arm.name]
            for _ in range(self._overhead.block):
                reply = arm.client.send(arm.prepared[kind.name])
                meter.seconds.append(reply.seconds)
                if as_it_should(kind, reply):
                    if kind.raises:
                        arm.raised.append(reply.trace_id)
                else:
                    meter.failed += 1
                    meter.statuses.add(reply.status)

    def _cpu(self) -> dict[str, float]:
        return {arm.name: arm.tree.cpu() for arm in self._arms}

    def _cpu_of_all(self) -> dict[str, float]:
        """The same, of processes that were started meanwhile, too."""
        for arm in self._arms:
            arm.tree.refresh()
        return self._cpu()

    def _flush(self, timeout: float) -> None:
        """Flush every SDK, and wait until nothing is busy any more: what requests left to be done belongs to them."""
        for arm in self._arms:
            arm.flush(timeout)
        deadline = clock.monotonic() + _IDLE_PATIENCE
        seen = self._cpu()
        while clock.monotonic() < deadline:
            time.sleep(_IDLE_WINDOW)
            now = self._cpu()
            if all(now[name] - seen[name] < _IDLE_CPU for name in now):
                return
            seen = now

    def _doubt(self, kind: OverheadRequest, meters: dict[str, _Meter]) -> None:
        for name, meter in meters.items():
            count = len(meter.seconds)
            if meter.failed > _MOST_FAILED * count:
                answers = ", ".join(str(status) for status in sorted(meter.statuses))
                wanted = "5xx, since it raises" if kind.raises else "below 400"
                self._doubts.append(
                    f"{meter.failed} of {count} requests {kind.name!r} to arm {name!r} were answered {answers}, "
                    f"not {wanted}"
                )
            if count < FEWEST_REQUESTS:
                self._doubts.append(
                    f"arm {name!r} answered {count} requests {kind.name!r} in a launch, and {FEWEST_REQUESTS} are "
                    "the least that tells anything: raise [overhead] measure"
                )


def silent(arm: str) -> str:
    """The doubt about an arm whose agent never said a word."""
    return (
        f"the agent never reported from arm {arm!r}, so that its SDK could not be flushed: it must be a "
        "Python process that honours PYTHONPATH (not python -I or -E), with wrapt"
    )


def as_it_should(kind: OverheadRequest, reply: Reply) -> bool:
    """Whether ``reply`` is what a request of ``kind`` must be answered with."""
    return reply.status >= 500 if kind.raises else reply.status < 400


def _sample(kind: OverheadRequest, meter: _Meter, cpu: float) -> KindSample:
    count = len(meter.seconds)
    ordered = sorted(meter.seconds)
    return KindSample(
        kind=kind.name,
        requests=count,
        failed=meter.failed,
        cpu=cpu / count,
        mean=statistics.fmean(ordered),
        p50=statistics.median(ordered),
        judged=kind.judged,
        p99=quantile(ordered, 0.99) if count >= _P99_REQUESTS else None,
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The ``share`` quantile of sorted values, between neighbours in a straight line (Hyndman and Fan's type 7)."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
