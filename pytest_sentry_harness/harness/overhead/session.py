"""A run that measures what Sentry costs: launch after launch, until every gate is clear. Read this first.

Scenario → folder → server → (launch: all arms at once, warmed up, measured side by side, stopped), 3 to 14 times → judge.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from ... import clock
from ...criteria import overhead
from ...criteria.verdict import show
from ...errors import HarnessError, LoadError, ServerError, TargetError
from ...model.overhead import Launch, OverheadArm, OverheadEvidence
from ...model.run import RunFacts
from ...model.scenario import Gate, Scenario
from ...report.document import RunDocument
from ...server.client import EmbeddedServer
from ...statistics.sequential import FEWEST
from ..facts import unfinished
from ..folder import RunFolder
from ..judge import gates_of, judge_folder
from ..progress import Progress, Quiet
from ..target import check_target
from .arms import arms_of
from .counters import Counter, choose_counter
from .instructions import LAUNCHES, count_launch
from .judge import settled
from .launch import Site, play_launch
from .machine import ProcessTree, choose_cores, clock_name, memory_name

_ENDINGS: dict[type[HarnessError], str] = {
    TargetError: "target_died",
    LoadError: "load_failed",
    ServerError: "server_died",
}
"""Why a run was cut short, by what was raised."""
_MINUTES = 100.0
"""From so many seconds on, minutes are shown."""


def run_overhead(
    scenario: Scenario,
    *,
    progress: Progress | None = None,
    runs: Path | None = None,
    stop: threading.Event | None = None,
    verify: bool = True,
) -> RunDocument:
    """Run a scenario with ``[overhead]`` and judge it; arguments and errors as in ``harness.run.run_scenario``.

    ``verify`` off: the arms need not differ in what they send. For the calibration of the measuring itself, where
    both are alike.
    """
    check_target(scenario)
    progress, stop = progress or Quiet(), stop or threading.Event()
    if stop.is_set():
        raise KeyboardInterrupt
    folder = RunFolder.create(scenario, runs)
    begun = unfinished(scenario, folder, clock.wall())
    started = clock.monotonic()
    folder.write_facts(begun)
    with ExitStack() as house:
        progress.stage("starting the server")
        server = house.enter_context(EmbeddedServer.start(folder.store))
        client = house.enter_context(server.client())
        site = Site(
            scenario=scenario,
            folder=folder.launches,
            server=server,
            client=client,
            cores=choose_cores(),
            stop=stop,
        )
        counter = choose_counter() if site.overhead.count else None
        if site.cores is not None:
            ProcessTree(server.pid).pin({site.cores[1]})
        sequence = _Sequence(site, folder, progress, gates_of(scenario), verify, counter)
        facts = sequence.play(begun)
    progress.stage("judging")
    folder.write_facts(replace(facts, seconds=clock.monotonic() - started))
    return judge_folder(folder, scenario.extensions)


class _Sequence:
    """The launches of a run."""

    def __init__(
        self,
        site: Site,
        folder: RunFolder,
        progress: Progress,
        gates: tuple[Gate, ...],
        verify: bool,
        counter: Counter | None,
    ) -> None:
        self._site, self._folder, self._progress = site, folder, progress
        self._gates, self._verify, self._counter = gates, verify, counter
        cores = site.cores if counter is None else None
        self._evidence = OverheadEvidence(
            launches=(),
            clock=clock_name() if counter is None else f"instructions counted by {counter.name}",
            counter="" if counter is None else counter.name,
            memory=memory_name(),
            pinning=f"arms on core {cores[0]}, the rest on core {cores[1]}" if cores else "",
            verified=verify,
        )

    def play(self, facts: RunFacts) -> RunFacts:
        """Launch until there is a reason not to; ``facts`` with how it ended. What was learnt is kept after each launch."""
        try:
            stopped = self._launches()
        except KeyboardInterrupt:
            self._keep(stopped="interrupted")
            return replace(facts, stop_reason="interrupted", doubts=("the run was interrupted",))
        except (TargetError, LoadError, ServerError) as error:
            self._keep(stopped="broken off")
            if isinstance(error, TargetError | LoadError) and not self._evidence.launches:
                raise  # it never got so far: there is nothing to judge
            return replace(facts, stop_reason=_ENDINGS[type(error)], trouble=(str(error),), doubts=())
        self._keep(stopped=stopped)
        return replace(facts, stop_reason="completed", doubts=(), load_ending=self._sent())

    def _launches(self) -> str:
        """Play them; why there are no more."""
        arms, most = arms_of(self._site.scenario), self._site.overhead.pairs
        if self._counter is not None:
            return self._counted(self._counter, arms)
        for number in range(1, most + 1):
            self._progress.stage(f"launch {number} of at most {most} ({self._outlook(most, len(arms))})")
            launch = play_launch(self._site, arms, number)
            self._keep(launch)
            if self._verify and overhead.trouble_in(self._evidence):
                return "the arms are not what they should be"
            if launch.doubts:
                return f"launch {number} cannot be trusted"
            if number >= FEWEST and settled(self._evidence, self._gates):
                return f"every gate is clear after {number} launches"
        return f"{most} launches are the most"

    def _counted(self, counter: Counter, arms: Sequence[OverheadArm]) -> str:
        """Count in launches whose number is fixed: the same code comes to the same figures."""
        for number in range(1, LAUNCHES + 1):
            outlook = f" ({self._left(LAUNCHES)})" if number > 1 else ""
            self._progress.stage(
                f"counting instructions with {counter.name}, launch {number} of {LAUNCHES}{outlook}"
            )
            launch = count_launch(self._site, arms, number, counter)
            self._keep(launch)
            if self._verify and overhead.trouble_in(self._evidence):
                return "the arms are not what they should be"
            if launch.doubts:
                return f"launch {number} cannot be trusted"
        return f"{LAUNCHES} launches are counted, with hash seeds 0 to {LAUNCHES - 1}"

    def _keep(self, launch: Launch | None = None, stopped: str = "") -> None:
        launches = (*self._evidence.launches, *([launch] if launch else []))
        self._evidence = replace(self._evidence, launches=launches, stopped=stopped)
        self._folder.write_overhead(self._evidence)

    def _outlook(self, most: int, arms: int) -> str:
        """How long it takes, and, once there are enough launches, where the gated figures stand."""
        if not self._evidence.launches:
            kinds, asked = len(self._site.overhead.requests), self._site.overhead
            seconds = asked.measure * arms / 2 * kinds
            return f"{arms} arms, {kinds} kinds of request: {seconds:.0f} s and warming up"
        return "; ".join(filter(None, (self._left(most), self._so_far())))

    def _left(self, most: int) -> str:
        """How much longer it may take, by the launches so far."""
        done = self._evidence.launches
        each = sum(launch.seconds for launch in done) / len(done)
        left = each * (most - len(done))
        shown = f"{left:.0f} s" if left < _MINUTES else f"{left / 60:.0f} min"
        return f"{each:.0f} s each, {'at most ' if self._counter is None else ''}{shown} to go"

    def _so_far(self) -> str:
        if len(self._evidence.launches) < FEWEST:
            return ""
        measured = overhead.measure(self._evidence)
        parts = []
        for gate in self._gates:
            found = measured.get(gate.metric)
            if found is not None and found.low is not None:
                short = gate.metric.removeprefix("overhead.")
                parts.append(f"{short} {show(found.low, found.unit)} to {show(found.high, found.unit)}")
        return ", ".join(parts)

    def _sent(self) -> str:
        requests = sum(
            kind.requests for launch in self._evidence.launches for arm in launch.arms for kind in arm.kinds
        )
        return f"{requests} requests measured in {len(self._evidence.launches)} launches"
