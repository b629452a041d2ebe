"""Launches as they might have been recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_sentry_harness.model.overhead import ArmSample, KindSample, Launch, OverheadEvidence

NOISE = (0.004, -0.006, 0.002, 0.009, -0.008, 0.001, -0.003, 0.006, -0.005, 0.003, 0.0, -0.002, 0.007, -0.007)
"""By how much each launch's ratio is off: sd 0.6 %."""


def arm(name: str, kinds: Mapping[str, float], noise: float = 0.0, **fields: Any) -> ArmSample:
    """An arm whose requests of each kind take so many milliseconds of CPU, and as long to be answered."""
    samples = tuple(
        KindSample(
            kind=kind,
            requests=200,
            cpu=cost * (1 + noise) / 1e3,
            mean=cost * (1 + noise) / 1e3,
            p50=cost * (1 + noise) / 1e3,
            p99=2 * cost * (1 + noise) / 1e3,
        )
        for kind, cost in kinds.items()
    )
    return ArmSample(**{"arm": name, "kinds": samples, "memory": 100 << 20, **fields})


def launches(
    count: int,
    with_: Mapping[str, float],
    without: Mapping[str, float] | None = None,
    *,
    sent: Mapping[str, Any] | None = None,
    **others: Mapping[str, float],
) -> tuple[Launch, ...]:
    """So many launches: milliseconds by kind for the arm with Sentry, the one without (10 ms each), and others."""
    base = without if without is not None else dict.fromkeys(with_, 10.0)
    fields = {"items": {"session": 2}, "memory": 140 << 20, "growth": 1 << 20, "active": 1, "reported": 1}
    return tuple(
        Launch(
            number=number + 1,
            seconds=4.0,
            arms=(
                arm("without", base, reported=1),
                arm("with", with_, NOISE[number], **{**fields, **(sent or {})}),
                *(arm(name, kinds, NOISE[number], **fields) for name, kinds in others.items()),
            ),
        )
        for number in range(count)
    )


def evidence(found: Sequence[Launch], **fields: Any) -> OverheadEvidence:
    """What a run wrote down of them."""
    return OverheadEvidence(
        launches=tuple(found), clock="process clock (nanoseconds)", memory="uss", stopped="enough", **fields
    )
