"""Alert rules over what is seen: which notifications are due, and when. Pure: the clock is what is handed in.

Sentry docs, "Alerts". Cost: an event is looked at by the rules of its environment only, and by those that wait for
a new state of an issue (most rules) only where there is one; counting costs one step for each different window, however
many rules and issues there are. Times must not go back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ...model.delays import Delays, next_multiple
from ...model.monitored import Alert, Data, Seen
from ..fields import Fields, Kind, fields_of_event, fields_of_transaction
from .attributes import environment_of, release_of
from .coverage import Coverage
from .decide import CompiledRule
from .incidents import PRIORITY
from .listening import listens
from .look import METRIC, Look, look_at
from .measures import with_issue
from .metric import Evaluated, MetricWatch
from .model import IssueRule, MetricRule, Rule, Rules
from .releases import Releases
from .sessions import SessionBook, SessionItem
from .tallies import NoPrevious, Tallies

_NONE = Delays()
_MOST_ENVIRONMENTS = 1000


@dataclass(slots=True)
class _Deferred:
    """A decision that is put off: slow conditions of one rule for one issue."""

    due: float
    look: Look
    units: tuple[int, ...]
    rule: CompiledRule


class Evaluator:
    """All rules of a file at work.

    ``delays``: how late slow conditions and metric rules are decided. ``no_previous``: what a percentage is compared
    with nothing. ``coverage``: collects outcomes; every rule is then asked at each event of its environment.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        delays: Delays = _NONE,
        no_previous: NoPrevious = "current",
        coverage: Coverage | None = None,
    ) -> None:
        self._delays, self._coverage = delays, coverage
        self._tallies, self._releases, self._sessions = Tallies(no_previous), Releases(), SessionBook()
        enabled = [rule for rule in rules.rules if rule.enabled]
        late = delays.metric_every + delays.metric_after
        self._metrics = [
            MetricWatch(rule, coverage, late) for rule in enabled if isinstance(rule, MetricRule)
        ]
        self._issue_rules, self._of_detectors = self._compile(rules.rules)
        self._by_environment: dict[str, tuple[list[CompiledRule], list[CompiledRule]]] = {}
        self._deferred: dict[tuple[int, int], _Deferred] = {}
        self._next_metric: float | None = None
        self._metric_issues: dict[int, tuple[float, int]] = {}

    def see(self, seen: Seen) -> list[Alert]:
        """An event was put to its issue. Notifications due by then, those of slow conditions put off included."""
        look = look_at(seen)
        alerts = self._until(look.now, before=True)
        if self._metrics:
            self._begin(look.now)
            row = with_issue(fields_of_event(seen.event), seen)
            self._feed("event", look.now, look.environment, row)
        self._releases.seen(look.project, look.environment, look.release, look.now)
        self._tallies.see(look)
        if seen.issue.state in ("resolved", "ignored"):
            return alerts
        every, quiet = self._rules_for(look.environment)
        thorough = look.changed or self._coverage is not None
        for rule in every if thorough else quiet:
            now, later = rule.ask(look)
            if later and not self._delays.defers:
                now += rule.ask_slow(look, later, look.now)
            elif later:
                self._defer(rule, look, later)
            if now:
                alerts.append(self._issue_alert(rule, look, now, look.now))
        return alerts

    def see_session(
        self, data: Data, *, at: float, project: str = "", item: SessionItem = "session"
    ) -> list[Alert]:
        """A ``session`` or ``sessions`` item arrived at ``at``. Sentry developer docs, "Sessions".

        A single session counts when it begins (``init``); an update moves it to its new status.
        """
        alerts = self._until(at, before=True)
        self._begin(at)
        for counted in self._sessions.rows(data, item, at=at, project=project):
            environment = counted.environment
            if counted.began:
                self._tallies.see_sessions(project, environment, at, counted.began)
                self._releases.session(project, environment, counted.release, at, counted.began)
            self._feed("session", at, environment, counted.row)
        return alerts

    def see_transaction(self, data: Data, *, at: float, project: str = "") -> list[Alert]:
        """A transaction arrived at ``at``."""
        alerts = self._until(at, before=True)
        self._begin(at)
        environment = environment_of(data)
        self._releases.seen(project, environment, release_of(data), at)
        row = fields_of_transaction(data, project=project, received_at=at)
        self._feed("transaction", at, environment, row)
        return alerts

    def tick(self, now: float) -> list[Alert]:
        """It is ``now``: what was put off until then, and metric rules. All that arrived until ``now`` has been seen."""
        self._begin(now)
        alerts = self._until(now, before=False)
        if self._metrics and not self._delays.metric_every:
            for watch in self._metrics:
                evaluated = watch.evaluate(now - self._delays.metric_after)
                if evaluated is not None:
                    alerts += self._metric_alerts(watch.rule, evaluated, now)
        return alerts

    def next_due(self) -> float | None:
        """When ``tick`` is due next; None where nothing is put off and no metric rule has a time table."""
        # Decisions are put off in the order of time, so the first is due first.
        times = [deferred.due for deferred in islice(self._deferred.values(), 1)]
        if self._next_metric is not None:
            times.append(self._next_metric + self._delays.metric_after)
        return min(times, default=None)

    @property
    def put_off(self) -> int:
        """How many decisions are put off."""
        return len(self._deferred)

    def _until(self, now: float, *, before: bool) -> list[Alert]:
        """What is due by ``now`` (``before``: only what is due before it), in the order of time."""
        alerts: list[Alert] = []
        while (due := self.next_due()) is not None and (due < now or (due == now and not before)):
            alerts += self._slow_due(due)
            if self._next_metric is not None and self._next_metric + self._delays.metric_after <= due:
                end, self._next_metric = self._next_metric, self._next_metric + self._delays.metric_every
                for watch in self._metrics:
                    evaluated = watch.evaluate(end)
                    if evaluated is not None:
                        alerts += self._metric_alerts(watch.rule, evaluated, due)
        return alerts

    def _begin(self, at: float) -> None:
        """The time table of metric rules starts with the first thing that is seen."""
        if self._next_metric is None and self._delays.metric_every and self._metrics:
            self._next_metric = next_multiple(at, self._delays.metric_every)

    def _feed(self, kind: Kind, at: float, environment: str, row: Fields) -> None:
        for watch in self._metrics:
            if watch.measure.kind == kind:
                watch.measure.add(at, environment, row)

    def _defer(self, rule: CompiledRule, look: Look, units: tuple[int, ...]) -> None:
        """Put a decision off; a later event of the issue takes the place of an earlier one, as in Sentry's queue."""
        key = (rule.rule.index, look.number)
        earlier = self._deferred.get(key)
        due = self._delays.slow_due(look.now) if earlier is None else earlier.due
        self._deferred[key] = _Deferred(due, look, units, rule)

    def _slow_due(self, due: float) -> list[Alert]:
        alerts = []
        while self._deferred:
            key, deferred = next(iter(self._deferred.items()))
            if deferred.due > due:
                break
            del self._deferred[key]
            units = deferred.rule.ask_slow(deferred.look, deferred.units, due)
            if units:
                alerts.append(self._issue_alert(deferred.rule, deferred.look, units, due))
        return alerts

    def _issue_alert(self, compiled: CompiledRule, look: Look, units: tuple[int, ...], at: float) -> Alert:
        fired = compiled.fire(look, units, at)
        rule = compiled.rule
        if self._coverage is not None:
            self._coverage.fired(rule.index)
        return Alert(
            rule=rule.name,
            rule_index=rule.index,
            kind="issue",
            at=at,
            because=fired.because,
            actions=fired.actions,
            issue=look.issue,
            event=look.event,
        )

    def _metric_alerts(self, rule: MetricRule, evaluated: Evaluated, at: float) -> list[Alert]:
        """Of a rule of ``/alert-rules/`` its own; of a detector those of the workflows that listen to it."""
        change = evaluated.change
        if self._coverage is not None:
            self._coverage.fired(rule.index)
        alert = Alert(
            rule=rule.name,
            rule_index=rule.index,
            kind="metric",
            at=at,
            because=evaluated.because,
            actions=change.actions,
            status=change.status,
            value=evaluated.value,
        )
        listening = self._of_detectors.get(rule.index)
        if listening is None:
            return [alert]
        look = self._metric_look(rule, evaluated, at)
        alerts = []
        for compiled in listening:
            wanted = compiled.rule.environment
            if wanted is not None and wanted != look.environment:
                continue
            now, later = compiled.ask(look)
            now += compiled.ask_slow(look, later, at) if later else ()
            if now:
                fired = compiled.fire(look, now, at)
                if self._coverage is not None:
                    self._coverage.fired(compiled.rule.index)
                because = f"{evaluated.because}; {fired.because}"
                name, index = compiled.rule.name, compiled.rule.index
                alerts.append(
                    replace(alert, rule=name, rule_index=index, because=because, actions=fired.actions)
                )
        return alerts

    def _metric_look(self, rule: MetricRule, evaluated: Evaluated, at: float) -> Look:
        """The issue of a detector: one for each, new at first, regressed when it opens again."""
        change = evaluated.change
        known = self._metric_issues.get(rule.index)
        first, times = (at, 1) if known is None else (known[0], known[1] + 1)
        self._metric_issues[rule.index] = (first, times)
        look = Look(at, -1 - rule.index, "", rule.environment or "")
        look.category, look.priority = METRIC, PRIORITY[change.status]
        look.first_seen, look.times_seen = first, times
        look.level = 40
        look.is_new = known is None
        look.is_regression = known is not None and change.before == "resolved"
        look.is_resolved = change.status == "resolved"
        look.has_deescalated = PRIORITY[change.status] < PRIORITY[change.before]
        return look

    def _rules_for(self, environment: str) -> tuple[list[CompiledRule], list[CompiledRule]]:
        """Rules that look at ``environment``: all, and those that can fire without a new state of the issue."""
        found = self._by_environment.get(environment)
        if found is None:
            every = [rule for rule in self._issue_rules if rule.rule.environment in (None, environment)]
            found = (every, [rule for rule in every if not rule.needs_change])
            if len(self._by_environment) < _MOST_ENVIRONMENTS:
                self._by_environment[environment] = found
        return found

    def _compile(self, rules: Sequence[Rule]) -> tuple[list[CompiledRule], dict[int, list[CompiledRule]]]:
        """Rules that decide about events, and those that listen to detectors, by the index of the detector."""
        detectors = [rule for rule in rules if isinstance(rule, MetricRule) and rule.stateful]
        of_events: list[CompiledRule] = []
        of_detectors: dict[int, list[CompiledRule]] = {}
        for rule in rules:
            if not isinstance(rule, IssueRule):
                continue
            listened = [detector for detector in detectors if listens(rule, detector)]
            heard = [of_detectors.setdefault(detector.index, []) for detector in listened]
            if not rule.enabled:
                continue
            compiled = CompiledRule(rule, self._tallies, self._releases, self._coverage)
            for listeners in heard:
                listeners.append(compiled)
            if rule.errors:
                of_events.append(compiled)
        return of_events, of_detectors
