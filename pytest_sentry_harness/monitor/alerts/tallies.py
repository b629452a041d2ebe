"""What slow conditions count: events, users and sessions in windows, one window for all rules that ask the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from .attributes import user_of
from .checks import Frequency, Match
from .look import Look
from .truth import holds_match
from .windows import Distinct, TimeLine, Weights

NoPrevious = Literal["current", "zero"]
"""What a percentage is compared with nothing: ``current`` counts as so many hundred per cent (newer versions of Sentry);
``zero`` is no increase (older versions)."""
LEAST_SESSIONS = 50
"""Sentry docs, "Issue Alert Configuration": with fewer sessions in an hour a percentage of sessions is not taken."""
_HOUR = 3600.0
_SWEEP_EVERY = 4096
Value = Callable[[Look, float], float]


@dataclass(slots=True)
class _Counter:
    """Events of each issue in one environment that pass the same filters."""

    environment: str | None
    filters: tuple[Callable[[Look], bool], ...]
    keep: float = 0.0
    lines: dict[int, TimeLine] = field(default_factory=dict)
    spans: set[tuple[float, float]] = field(default_factory=set)
    """``(interval, back)`` of each window over users."""
    users: dict[tuple[float, float, int], Distinct] = field(default_factory=dict)

    def takes(self, look: Look) -> bool:
        return (self.environment is None or look.environment == self.environment) and all(
            holds(look) for holds in self.filters
        )


class Tallies:
    """Counters of all slow conditions. An event costs O(different counters), whatever the number of rules and issues."""

    def __init__(self, no_previous: NoPrevious) -> None:
        self._no_previous = no_previous
        self._counters: dict[tuple[str, str | None, tuple[Match, ...]], _Counter] = {}
        self._sessions: dict[tuple[str, str | None], Weights] = {}
        self._session_keep = _HOUR
        self._until_sweep = _SWEEP_EVERY

    def want(self, check: Frequency, environment: str | None) -> Value:
        """Count what ``check`` asks for; the function gives the figure at any time from now on."""
        kind = "users" if check.measure == "users" else "events"
        key = (kind, environment, check.filters)
        counter = self._counters.get(key)
        if counter is None:
            counter = _Counter(environment, tuple(holds_match(match) for match in check.filters))
            self._counters[key] = counter
        counter.keep = max(counter.keep, check.interval + (check.back or 0.0))
        if check.measure == "users":
            counter.spans.update({(check.interval, 0.0), (check.interval, check.back or 0.0)})
        if check.measure == "sessions":
            self._session_keep = max(self._session_keep, _HOUR + (check.back or 0.0))
        figure = self._figure(check, counter)
        if check.back is not None:
            return self._increase(check.back, figure)
        return lambda look, now: figure(look, now, 0.0)

    def see(self, look: Look) -> None:
        """Count an event."""
        at = look.now
        for (kind, _, _), counter in self._counters.items():
            if not counter.takes(look):
                continue
            if kind == "events":
                line = counter.lines.get(look.number)
                if line is None:
                    line = counter.lines[look.number] = TimeLine(counter.keep)
                line.add(at)
            elif user := user_of(look.data):
                for span in counter.spans:
                    window = counter.users.get((*span, look.number))
                    if window is None:
                        window = counter.users[(*span, look.number)] = Distinct(*span)
                    window.add(at, user)
        self._until_sweep -= 1
        if not self._until_sweep:
            self._sweep(at)

    def see_sessions(self, project: str, environment: str, at: float, count: float) -> None:
        """Count sessions that began."""
        for key in ((project, environment), (project, None)):
            if key not in self._sessions:
                self._sessions[key] = Weights(self._session_keep)
            self._sessions[key].add(at, count)

    def _figure(self, check: Frequency, counter: _Counter) -> Callable[[Look, float, float], float]:
        """A function of look, now and how far back."""
        interval = check.interval

        def events(look: Look, now: float, back: float) -> float:
            line = counter.lines.get(look.number)
            return line.count(now - back - interval, now - back) if line is not None else 0

        def users(look: Look, now: float, back: float) -> float:
            distinct = counter.users.get((interval, back, look.number))
            return distinct.count(now) if distinct is not None else 0

        def sessions(look: Look, now: float, back: float) -> float:
            weights = self._sessions.get((look.project, counter.environment))
            hour = weights.sum(now - back - _HOUR, now - back) if weights is not None else 0.0
            # Sentry takes the sessions of an hour and scales them down to the interval.
            average = int(hour * interval / _HOUR) if hour >= LEAST_SESSIONS else 0
            return 100 * round(events(look, now, back) / average, 4) if average else 0.0

        return {"events": events, "users": users, "sessions": sessions}[check.measure]

    def _increase(self, back: float, figure: Callable[[Look, float, float], float]) -> Value:
        def increase(look: Look, now: float) -> float:
            current, previous = figure(look, now, 0.0), figure(look, now, back)
            if previous:
                return int(max(0.0, (current - previous) / previous * 100))
            return int(current * 100) if self._no_previous == "current" else 0

        return increase

    def _sweep(self, now: float) -> None:
        """Forget issues that have been quiet for as long as any window looks back: amortised O(1) an event."""
        self._until_sweep = _SWEEP_EVERY
        for counter in self._counters.values():
            past = now - counter.keep
            counter.lines = {number: line for number, line in counter.lines.items() if line.last > past}
            for key in [
                key for key, distinct in counter.users.items() if not distinct.count(now) and distinct.empty
            ]:
                del counter.users[key]
            self._until_sweep = max(self._until_sweep, len(counter.lines) + len(counter.users))
