"""How much of an objective's error budget is spent, how fast it burns, and which alerts are due.

Windows are ``(now - length, now]``. Requests are sorted once; each window then costs two binary searches.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Literal

from ...model.monitored import Alert
from ...statistics.shares import wilson_interval
from ..requests import Request
from .objective import BurnRule, Objective, counts

State = Literal["firing", "unsure", "quiet", "no_data"]
"""``unsure``: the estimates say firing, but so few requests could come out like that by chance."""
_NAMES = 4096


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast the budget burns over one window: 1 is as fast as it may; None without requests. Bounds are 95 % (Wilson)."""

    window: float
    requests: int
    bad: int
    rate: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Budget:
    """The error budget of the objective's window, as requests."""

    window: float
    covered: float
    """Seconds of the window for which there are requests at all."""
    requests: int
    bad: int
    total: float
    """How many requests may be bad, of those there were."""
    consumed: float
    """Share of it that is spent; above 1: overspent. 0 without requests."""
    low: float
    high: float
    because: str

    @property
    def remaining(self) -> float:
        """Requests that may still be bad; below 0: overspent."""
        return self.total - self.bad


@dataclass(frozen=True, slots=True)
class BurnState:
    """One rule at one moment."""

    rule: BurnRule
    state: State
    long: Burn
    short: Burn
    because: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An objective at one moment."""

    objective: Objective
    at: float
    budget: Budget
    burns: tuple[BurnState, ...]


class Track:
    """The requests that count for one objective, ready to be asked about any window. O(n log n) to make."""

    def __init__(self, objective: Objective, requests: Iterable[Request]) -> None:
        self.objective = objective
        names, environments = counts(objective), frozenset(objective.environments)
        counted = lru_cache(maxsize=_NAMES)(lambda name: names.match(name) is not None)
        rows = []
        for request in requests:
            if (environments and request.environment not in environments) or not counted(request.name):
                continue
            bad = objective.is_bad(request)
            if bad is not None and math.isfinite(request.at):
                rows.append((request.at, bad))
        rows.sort()
        self._times = [at for at, _ in rows]
        self._bad = [0, *accumulate(int(bad) for _, bad in rows)]

    def burn(self, window: float, now: float) -> Burn:
        """The burn rate over the last ``window`` seconds."""
        requests, bad = self._count(now - window, now)
        budget = self.objective.budget
        low, high = wilson_interval(bad, requests)
        rate = bad / requests / budget if requests else None
        return Burn(window, requests, bad, rate, low / budget, high / budget)

    def budget(self, now: float) -> Budget:
        """What of the budget of the objective's window is spent."""
        objective = self.objective
        burn = self.burn(objective.window, now)
        first = self._times[0] if self._times else now
        covered = min(max(now - first, 0.0), objective.window)
        because = (
            f"{burn.bad} of {burn.requests} requests were bad, {objective.budget * burn.requests:.3g} may be"
            if burn.requests
            else "no requests: nothing is known"
        )
        if burn.requests and covered < objective.window * 0.99:
            because += f"; only {_span(covered)} of {_span(objective.window)} are on record"
        return Budget(
            window=objective.window,
            covered=covered,
            requests=burn.requests,
            bad=burn.bad,
            total=objective.budget * burn.requests,
            consumed=burn.rate or 0.0,
            low=burn.low,
            high=burn.high,
            because=because,
        )

    def states(self, now: float) -> tuple[BurnState, ...]:
        """Each rule of the objective at ``now``."""
        return tuple(
            _state(self.objective, rule, self.burn(rule.long, now), self.burn(rule.short, now))
            for rule in self.objective.rules
        )

    def standing(self, now: float) -> Standing:
        """Budget and rules at ``now``."""
        return Standing(self.objective, now, self.budget(now), self.states(now))

    def _count(self, after: float, until: float) -> tuple[int, int]:
        first, last = bisect_right(self._times, after), bisect_right(self._times, until)
        return last - first, self._bad[last] - self._bad[first]


def burn_alerts(
    objectives: Sequence[Objective],
    requests: Sequence[Request],
    *,
    begin: float,
    end: float,
    step: float = 60.0,
) -> tuple[Alert, ...]:
    """The alerts of an evaluation every ``step`` seconds from ``begin`` to ``end``, in order of time.

    A rule that starts to fire gives an alert, one that stops a ``resolved`` one; ``rule_index`` counts the rules of all objectives.
    While a rule is unsure it stays as it was. O(evaluations x rules x log requests). Raises ``ValueError`` for a step that is
    not above 0 and for more than ten million evaluations.
    """
    if not (
        0 < step < math.inf and math.isfinite(begin) and math.isfinite(end) and (end - begin) / step < 1e7
    ):
        raise ValueError(f"no evaluations every {step} s from {begin} to {end}")
    tracks = [Track(objective, requests) for objective in objectives]
    firing: set[int] = set()
    found = []
    for number in range(int((end - begin) / step + 1e-9) + 1):
        now = begin + number * step
        index = 0
        for track in tracks:
            for state in track.states(now):
                if state.state == "firing" and index not in firing:
                    firing.add(index)
                    found.append(_alert(track.objective, state, index, now))
                elif state.state in ("quiet", "no_data") and index in firing:
                    firing.remove(index)
                    found.append(_alert(track.objective, state, index, now))
                index += 1
    return tuple(found)


def _state(objective: Objective, rule: BurnRule, long: Burn, short: Burn) -> BurnState:
    if long.rate is None:
        return BurnState(rule, "no_data", long, short, f"no requests in {_span(rule.long)}: nothing is known")
    measured = f"{_rate(long)}; {_rate(short)}; it fires above {rule.burn:g} in both"
    if short.rate is None or long.rate <= rule.burn or short.rate <= rule.burn:
        return BurnState(rule, "quiet", long, short, measured)
    if long.requests < objective.fewest_requests:
        why = f"{measured}; fewer than {objective.fewest_requests} requests are too few to tell"
        return BurnState(rule, "unsure", long, short, why)
    if objective.evidence == "bounds" and long.low <= rule.burn:
        why = f"{measured}; by chance it could be {long.low:.3g} to {long.high:.3g}"
        return BurnState(rule, "unsure", long, short, why)
    return BurnState(rule, "firing", long, short, measured)


def _alert(objective: Objective, state: BurnState, index: int, now: float) -> Alert:
    status: Literal["critical", "warning", "resolved"] = "resolved"
    if state.state == "firing":
        status = "critical" if state.rule.severity in ("critical", "high") else "warning"
    return Alert(
        rule=f"{objective.name}: {state.rule.name}",
        rule_index=index,
        kind="metric",
        at=now,
        because=state.because,
        actions=(),
        status=status,
        value=state.long.rate,
    )


def _rate(burn: Burn) -> str:
    if burn.rate is None:
        return f"no requests in {_span(burn.window)}"
    return f"{burn.bad} of {burn.requests} requests bad in {_span(burn.window)}: burns {burn.rate:.3g} times as fast as it may"


def _span(seconds: float) -> str:
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"
