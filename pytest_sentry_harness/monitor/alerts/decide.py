"""One issue rule, compiled: does it fire for what is looked at, and why.

Sentry docs, "Issue Alerts" and "Alerts". Conditions are asked one after the other and only as far as they decide: fast
ones first, slow ones (counting) only when the fast ones leave it open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .checks import Frequency, State, span
from .coverage import Coverage
from .look import Look
from .model import Action, Condition, Group, IssueRule, Logic
from .releases import Releases
from .tallies import Tallies, Value
from .truth import Holds, holds_check

Answer = bool | None
"""None: slow conditions decide."""


_SWEEP_AT = 1024


@dataclass(frozen=True, slots=True)
class Fired:
    """What a rule does, and because of what."""

    units: tuple[int, ...]
    """Positions of the action filters that were true."""
    actions: tuple[Action, ...]
    because: str


@dataclass(frozen=True, slots=True)
class _Slow:
    condition: Condition
    check: Frequency
    value: Value

    def holds(self, look: Look, at: float) -> bool:
        return self.value(look, at) > self.check.value

    def said(self, look: Look, at: float) -> str:
        check, value = self.check, self.value(look, at)
        what = {"events": "events", "users": "users", "sessions": "% of sessions"}[check.measure]
        more = ">" if value > check.value else "not >"
        if check.back is not None:
            return f"{value:g} % more {what} in {span(check.interval)} than {span(check.back)} ago {more} {check.value:g} %"
        return f"{value:g} {what} in {span(check.interval)} {more} {check.value:g}"


class CompiledGroup:
    """A group of conditions, ready to be asked."""

    def __init__(
        self,
        group: Group,
        tallies: Tallies,
        releases: Releases,
        environment: str | None,
        coverage: Coverage | None,
    ) -> None:
        self.logic: Logic = group.logic
        self._fast: list[tuple[Condition, Holds]] = []
        self._slow: list[_Slow] = []
        for condition in group.conditions:
            check = condition.check
            if isinstance(check, Frequency):
                self._slow.append(_Slow(condition, check, tallies.want(check, environment)))
            else:
                holds = holds_check(check, releases, environment)
                if coverage is not None:
                    holds = _noted(holds, condition.number, coverage)
                self._fast.append((condition, holds))
        self._coverage = coverage
        self._functions = tuple(holds for _, holds in self._fast)
        states = [isinstance(condition.check, State) for condition in group.conditions]
        self.needs_change = any(states) if self.logic == "all" else bool(states) and all(states)
        """Whether it can be true only where the issue has just come into another state."""
        if self.logic == "none":
            self.needs_change = False

    def fast(self, look: Look) -> Answer:
        """What the fast conditions say; None when it is up to the slow ones."""
        functions, slow = self._functions, self._slow
        if self.logic == "all":
            for holds in functions:
                if not holds(look):
                    return False
            return None if slow else True
        if self.logic == "any":
            found = False
            for holds in functions:
                found |= holds(look)
        else:
            found = False
            for holds in functions:
                if holds(look):
                    found = True
                    break
        if self.logic == "none":
            return False if found else None if slow else True
        return True if found else None if slow else not functions

    def slow(self, look: Look, at: float) -> bool:
        """What the slow conditions say at ``at``, where the fast ones left it open."""
        wanted = self.logic != "all"
        for slow in self._slow:
            holds = slow.holds(look, at)
            if self._coverage is not None:
                self._coverage.note(slow.condition.number, holds)
            if holds is wanted:
                # One true one decides any and none, one false one decides all.
                return self.logic not in ("all", "none")
        return self.logic in ("all", "none")

    def whole(self, look: Look, at: float) -> bool:
        """What all conditions say, the slow ones at ``at``."""
        answer = self.fast(look)
        return self.slow(look, at) if answer is None else answer

    def answers(self, look: Look, at: float) -> Iterator[tuple[Condition, bool, float | None]]:
        """What each condition says by itself, the slow ones at ``at`` and with their figure: to explain, not to decide."""
        for condition, holds in self._fast:
            yield condition, holds(look), None
        for slow in self._slow:
            yield slow.condition, slow.holds(look, at), slow.value(look, at)

    @property
    def is_slow(self) -> bool:
        """Whether it counts."""
        return bool(self._slow)

    def said(self, look: Look, at: float) -> list[str]:
        """What made it true, for people."""
        if self.logic == "none":
            return [f"not: {condition.text}" for condition, _ in self._fast] + [
                slow.said(look, at) for slow in self._slow
            ]
        fast = [condition.text for condition, holds in self._fast if holds(look)]
        return fast + [
            slow.said(look, at) for slow in self._slow if self.logic == "all" or slow.holds(look, at)
        ]


class CompiledRule:
    """An issue rule, ready to be asked. Holds when it fired last for each issue."""

    def __init__(
        self, rule: IssueRule, tallies: Tallies, releases: Releases, coverage: Coverage | None
    ) -> None:
        self.rule = rule
        self._triggers = CompiledGroup(rule.triggers, tallies, releases, rule.environment, coverage)
        self._units = tuple(
            CompiledGroup(unit.group, tallies, releases, rule.environment, coverage) for unit in rule.filters
        ) or (CompiledGroup(Group(logic="all"), tallies, releases, None, coverage),)
        self._all = tuple(range(len(self._units)))
        self._filters_first = rule.filters_first
        self.needs_change = self._triggers.needs_change
        self._last: dict[tuple[int, int], float] = {}
        self._sweep_at = _SWEEP_AT

    def ask(self, look: Look) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Action filters that are true at once, and those for which slow conditions decide."""
        free = self._free(look, look.now)
        if not free:
            return (), ()
        units, triggers = self._units, self._triggers
        if self._filters_first:
            filters = units[0].fast(look)
            if filters is False:
                return (), ()
            answer = triggers.fast(look)
            if answer is False:
                return (), ()
            return (free, ()) if answer and filters else ((), free)
        answer = triggers.fast(look)
        if answer is False:
            return (), ()
        now, later = [], []
        for index in free:
            filters = units[index].fast(look)
            if filters is None or (filters and answer is None):
                later.append(index)
            elif filters:
                now.append(index)
        return tuple(now), tuple(later)

    def ask_slow(self, look: Look, asked: tuple[int, ...], at: float) -> tuple[int, ...]:
        """Those of ``asked`` that are true at ``at``."""
        free = self._free(look, at)
        wanted = tuple(index for index in asked if index in free)
        if not wanted:
            return ()
        if not self._triggers.whole(look, at):
            return ()
        return tuple(index for index in wanted if self._units[index].whole(look, at))

    def fire(self, look: Look, units: tuple[int, ...], at: float) -> Fired:
        """Take the stamp, which keeps the rule quiet for its frequency, and say what is done."""
        parts = self._triggers.said(look, at)
        actions: tuple[Action, ...] = ()
        for index in units:
            if self.rule.frequency:
                self._stamp((look.number, index), at)
            parts += self._units[index].said(look, at)
            if self.rule.filters:
                actions += self.rule.filters[index].actions
        return Fired(units, actions, "; ".join(parts) or "an event occurs")

    @property
    def triggers(self) -> CompiledGroup:
        """Its conditions."""
        return self._triggers

    @property
    def units(self) -> tuple[CompiledGroup, ...]:
        """Its action filters, one without conditions where it has none."""
        return self._units

    def _stamp(self, key: tuple[int, int], at: float) -> None:
        self._last[key] = at
        if len(self._last) >= self._sweep_at:
            past = at - self.rule.frequency
            self._last = {key: last for key, last in self._last.items() if last > past}
            self._sweep_at = max(_SWEEP_AT, 2 * len(self._last))

    def _free(self, look: Look, at: float) -> tuple[int, ...]:
        """Action filters that have not fired for this issue within the frequency."""
        last, frequency, number = self._last, self.rule.frequency, look.number
        if not last:
            return self._all
        free = tuple(
            [
                index
                for index in self._all
                if (fired := last.get((number, index))) is None or at - fired >= frequency
            ]
        )
        return self._all if len(free) == len(self._all) else free


def _noted(holds: Holds, number: int, coverage: Coverage) -> Holds:
    return lambda look: coverage.note(number, holds(look))
