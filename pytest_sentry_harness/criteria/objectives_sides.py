"""One view of an objective: how many requests were bad, what is left of the error budget, which burn alerts fired."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..model.objectives import BurnTold, Side, State
from ..model.scenario import Objective as Asked
from ..monitor.requests import Request
from ..monitor.slo import BurnRule, BurnState, Objective, Track
from ..statistics.shares import wilson_interval

RUN_STANDS_FOR = 6 * 3600.0
"""Seconds in production. The Workbook's two windows that page somebody fit into it, the one of three days does not."""
_PAGES = (("fast burn", 0.02, 3600.0, "critical"), ("burn", 0.05, RUN_STANDS_FOR, "high"))
"""Name, share of the budget that is spent within the window, the window, severity (The Site Reliability Workbook, 2018,
chapter 5, "Recommended parameters")."""
_SHORT = 12
_FEWEST = 10
"""With fewer requests in the long window nobody is told: the first of a run may be bad by chance."""
_STEPS = 240
_MOST_TIMES = 20


@dataclass(frozen=True, slots=True)
class Span:
    """From the begin of the first request to the end of the last one, seconds since the epoch."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long that is; never 0, for windows are shares of it."""
        return max(self.end - self.begin, 1e-3)


def rules_of(asked: Asked, span: Span) -> tuple[BurnRule, ...]:
    """Its own, or the Workbook's: as much of the budget, in windows that are as long for the run as theirs for six hours.

    How fast the budget burns is a ratio and need not be scaled. Where there are six hours, windows are what they are. Left out is a
    rule that even a budget spent evenly would meet (a window of a day is spent to a quarter in six hours), and one that cannot fire:
    when every request is bad, a budget of 10 % burns ten times too fast.
    """
    if asked.burns:
        return tuple(
            BurnRule(name=each.name, burn=each.burn, long=each.long, short=each.short, severity=each.severity)
            for each in asked.burns
        )
    scale = min(span.seconds / RUN_STANDS_FOR, 1.0)
    most, rules = 1 / (1 - asked.target), []
    for name, share, window, severity in _PAGES:
        burn = share * asked.window / window
        if 1 < burn < most:
            rules.append(
                BurnRule(
                    name=name,
                    burn=burn,
                    long=window * scale,
                    short=window * scale / _SHORT,
                    severity="critical" if severity == "critical" else "high",
                )
            )
    return tuple(rules)


def objective_of(asked: Asked, span: Span) -> Objective:
    """As ``monitor.slo`` counts it, with the run as its window."""
    return Objective(
        name=asked.name,
        kind=asked.what,
        target=asked.target,
        window=span.seconds,
        below=asked.threshold,
        rules=rules_of(asked, span),
        fewest_requests=_FEWEST,
    )


def side_of(objective: Objective, requests: Iterable[Request], span: Span) -> Side:
    """The view that ``requests`` give; those that do not count for the objective are left out. O(n log n)."""
    counting = [request for request in requests if objective.is_bad(request) is not None]
    track = Track(objective, counting)
    bad = sum(objective.is_bad(request) is True for request in counting)
    return counted(objective, len(counting), bad, _burns(track, span) if counting else ())


def counted(objective: Objective, requests: int, bad: int, burns: tuple[BurnTold, ...] = ()) -> Side:
    """The view of which only the sums are known."""
    low, high = wilson_interval(bad, requests)
    # One division: the nearest float to the true share, as the target is.
    share = (requests - bad) / requests if requests else None
    state: State = "unknown" if share is None else "met" if share >= objective.target else "broken"
    return Side(
        requests=requests,
        bad=bad,
        share=share,
        low=1 - high,
        high=1 - low,
        state=state,
        budget=None if share is None else 1 - bad / (requests * objective.budget),
        burns=burns,
    )


@dataclass(slots=True)
class _Course:
    """One rule over the run."""

    rule: BurnRule
    since: float | None = None
    fired: list[tuple[float, float]] = field(default_factory=list)
    peak: float | None = None
    because: str = ""
    ever: bool = False

    def see(self, state: BurnState, at: float) -> None:
        rate = state.long.rate
        if state.state == "firing" and self.since is None:
            self.since = at
            if not self.ever:
                self.ever, self.because = True, state.because
        elif (state.state == "no_data" or _is_quiet(state)) and self.since is not None:
            self.fired.append((self.since, at))
            self.since = None
        # Of equal peaks the last: when nothing was bad, the whole run says so, and not its first request.
        if rate is not None and (self.peak is None or rate >= self.peak):
            self.peak = rate
            if not self.ever:
                self.because = state.because


def _is_quiet(state: BurnState) -> bool:
    """Without a request in the short window, which may be a blink of an eye, nothing new is known."""
    return state.state == "quiet" and state.short.rate is not None


def _burns(track: Track, span: Span) -> tuple[BurnTold, ...]:
    """Every rule, looked at 240 times over the run."""
    courses = [_Course(rule) for rule in track.objective.rules]
    for number in range(1, _STEPS + 1):
        at = span.seconds * number / _STEPS
        for course, state in zip(courses, track.states(span.begin + at), strict=True):
            course.see(state, at)
    most = 1 / track.objective.budget
    told = []
    for course in courses:
        if course.since is not None:
            course.fired.append((course.since, span.seconds))
        rule = course.rule
        told.append(
            BurnTold(
                name=rule.name,
                severity=rule.severity,
                burn=rule.burn,
                long=rule.long,
                short=rule.short,
                fired=tuple(course.fired[:_MOST_TIMES]),
                peak=course.peak,
                because=course.because,
                never=rule.burn >= most * (1 - 1e-9),
            )
        )
    return tuple(told)


def span_of(requests: Sequence[Request]) -> Span | None:
    """None without a request whose times are numbers."""
    known = [each for each in requests if math.isfinite(each.at) and math.isfinite(each.seconds)]
    if not known:
        return None
    return Span(min(each.at - each.seconds for each in known), max(each.at for each in known))
