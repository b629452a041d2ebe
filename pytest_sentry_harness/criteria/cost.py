"""From launches with many arms to a table: what each option costs each kind of request. Pure.

All arms of a launch run at the same time, so a launch gives one difference for each option: CPU time of a request with the
option toggled, minus that as configured. The launches are the replication; their number is fixed beforehand,
hence Student's interval. Each interval stands for itself: of twenty that should hold zero, one does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from ..model.cost import Bounded, CostTable, KindCost, OptionCost
from ..model.overhead import WITH, WITHOUT, ArmSample, Launch, OverheadEvidence, OverheadOption
from ..statistics.fixed import student_interval
from .overhead import doubts_about, kinds_of, trouble_in

AS_CONFIGURED = "Sentry as configured"


def cost_table(
    scenario: str, evidence: OverheadEvidence, options: Sequence[OverheadOption], seconds: float
) -> CostTable:
    """The breakdown by what the launches of ``evidence`` measured; they have an arm for each of ``options``."""
    launches = evidence.launches
    return CostTable(
        scenario=scenario,
        kinds=tuple(_kind(kind, launches, options) for kind in kinds_of(launches)),
        launches=len(launches),
        seconds=seconds,
        how=", ".join(filter(None, (evidence.clock, evidence.pinning or "not pinned"))),
        stopped=evidence.stopped,
        doubts=(*trouble_in(evidence), *_lost(launches), *doubts_about(evidence)),
    )


def _kind(kind: str, launches: Sequence[Launch], options: Sequence[OverheadOption]) -> KindCost:
    found = [
        _option(option.name, option.advice, [_pair(launch, option.name, WITH, kind) for launch in launches])
        for option in options
    ]
    return KindCost(
        kind=kind,
        without=fmean(_cpu(launch.arm(WITHOUT), kind) for launch in launches),
        configured=_option(AS_CONFIGURED, "", [_pair(launch, WITH, WITHOUT, kind) for launch in launches]),
        options=tuple(sorted(found, key=lambda each: -each.cpu.value)),
        requests=sum(
            sample.requests for launch in launches for sample in launch.arm(WITH).kinds if sample.kind == kind
        ),
    )


def _pair(launch: Launch, arm: str, than: str, kind: str) -> tuple[float, float]:
    """By how much ``arm`` is dearer in this launch: seconds, and the share of a request without Sentry."""
    more = _cpu(launch.arm(arm), kind) - _cpu(launch.arm(than), kind)
    return more, more / _cpu(launch.arm(WITHOUT), kind)


def _option(name: str, advice: str, pairs: Sequence[tuple[float, float]]) -> OptionCost:
    return OptionCost(
        option=name,
        advice=advice,
        cpu=_bounded([seconds for seconds, _ in pairs]),
        share=_bounded([share for _, share in pairs]),
    )


def _bounded(values: Sequence[float]) -> Bounded:
    found = student_interval(values)
    return Bounded(value=found.value, low=found.low, high=found.high)


def _cpu(arm: ArmSample, kind: str) -> float:
    return next(sample.cpu for sample in arm.kinds if sample.kind == kind)


def _lost(launches: Sequence[Launch]) -> list[str]:
    """Arms that lost something: what is not sent costs less."""
    lost: dict[str, int] = {}
    for launch in launches:
        for arm in launch.arms:
            if arm.arm != WITHOUT and arm.lost:
                lost[arm.arm] = lost.get(arm.arm, 0) + arm.lost
    return [
        f"arm {name!r} lost {count} items: its figures are too low, since what is not sent costs less"
        for name, count in lost.items()
    ]
