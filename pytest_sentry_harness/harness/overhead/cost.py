"""Where the cost of Sentry goes: one arm more for each option, all in the same launches."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ... import clock
from ...criteria.cost import cost_table
from ...errors import LoadError, ScenarioError, TargetError
from ...model.cost import CostTable
from ...model.overhead import WITH, OverheadArm, OverheadEvidence
from ...model.scenario import Scenario
from ...server.client import EmbeddedServer
from ...statistics.sequential import FEWEST
from ..target import check_target
from .launch import Site, play_launch
from .machine import choose_cores, clock_name, memory_name

LAUNCHES = 5
SHORTEST = 0.2
"""Seconds an arm is sent one kind of request in a launch, at least."""
_START = 2.0
"""Seconds of a launch for each arm that go into starting and stopping it, as a rule."""
_WARM_UP = 16
"""Requests of each kind before measuring."""
_PATIENCE = 1.3
"""How many times the planned time it may take; a busy machine takes longer to start things."""
_WARM_SHARE = 0.3
"""Of a launch's time beside starting; as a rule."""


@dataclass(frozen=True, slots=True)
class CostPlan:
    """How long it takes, decided before anything starts."""

    launches: int
    measure: float
    """Seconds for each arm and kind in a launch."""
    seconds: float
    """All together, roughly."""
    arms: int
    kinds: int


def plan_cost(scenario: Scenario, *, budget: float, launches: int = LAUNCHES) -> CostPlan:
    """Divide ``budget`` (seconds) among ``launches``. Raises ``ScenarioError`` when the scenario has nothing to toggle."""
    overhead = scenario.overhead
    if overhead is None or not overhead.options:
        raise ScenarioError(
            "there is nothing to break down: the scenario has no [[overhead.option]]",
            where=str(scenario.path),
            hint='write [overhead], and for each option [[overhead.option]] with name = "locals" and '
            "env = { … }: what of [target] is different when it is toggled",
        )
    arms, kinds = 2 + len(overhead.options), len(overhead.requests)
    left = (budget / launches - _START * arms) * (1 - _WARM_SHARE)
    measure = max(left / (arms * kinds), SHORTEST)
    seconds = launches * (_START * arms + measure * arms * kinds / (1 - _WARM_SHARE))
    return CostPlan(launches=launches, measure=measure, seconds=seconds, arms=arms, kinds=kinds)


def measure_cost(
    scenario: Scenario,
    plan: CostPlan,
    *,
    say: Callable[[str], None],
    stop: threading.Event | None = None,
) -> CostTable:
    """Play the launches of ``plan``; the table of what is known when they end, or when Ctrl-C ends them.

    ``say`` is told how it stands. What was learnt before a launch failed is kept. Raises ``TargetError`` and ``LoadError`` as
    ``play_launch`` does, when too few launches were complete for an interval, and ``KeyboardInterrupt`` when none was.
    """
    check_target(scenario)
    assert scenario.overhead is not None  # plan_cost has looked
    options = scenario.overhead.options
    scenario = replace(
        scenario,
        overhead=replace(scenario.overhead, measure=2 * plan.measure, warm_up=_WARM_UP * plan.kinds, arms=()),
    )
    arms = [
        scenario.overhead.without,  # type: ignore[union-attr]
        OverheadArm(name=WITH, link=scenario.link),
        *(
            OverheadArm(name=each.name, env=each.env, command=each.command, link=scenario.link)
            for each in options
        ),
    ]
    begun = clock.monotonic()
    cores = choose_cores()
    evidence = OverheadEvidence(
        launches=(),
        clock=clock_name(),
        memory=memory_name(),
        pinning=f"arms on core {cores[0]}, the rest on core {cores[1]}" if cores else "",
    )
    stopped = f"{plan.launches} launches were planned"
    with ExitStack() as house:
        folder = Path(house.enter_context(tempfile.TemporaryDirectory(prefix="sentry-harness-cost-")))
        server = house.enter_context(EmbeddedServer.start(folder / "store"))
        client = house.enter_context(server.client())
        launches = folder / "launches"
        launches.mkdir()
        site = Site(
            scenario=scenario,
            folder=launches,
            server=server,
            client=client,
            cores=cores,
            stop=stop or threading.Event(),
        )
        try:
            for number in range(1, plan.launches + 1):
                say(
                    f"launch {number} of {plan.launches}: {plan.arms} arms, {clock.monotonic() - begun:.0f} s so far"
                )
                launch = play_launch(site, arms, number)
                evidence = replace(evidence, launches=(*evidence.launches, launch))
                spent = clock.monotonic() - begun
                if FEWEST <= number < plan.launches and spent + launch.seconds > _PATIENCE * plan.seconds:
                    stopped = f"the time was up after {number} of {plan.launches} launches"
                    break
        except KeyboardInterrupt:
            if not evidence.launches:
                raise
            stopped = f"interrupted: {len(evidence.launches)} of {plan.launches} launches were complete"
        except (TargetError, LoadError) as error:
            if len(evidence.launches) < FEWEST:
                raise
            # Minutes of measuring are not thrown away for one arm that did not start.
            stopped = f"{len(evidence.launches)} of {plan.launches} launches were complete, then {error.what}"
    evidence = replace(evidence, stopped=stopped)
    return cost_table(scenario.name, evidence, options, clock.monotonic() - begun)
