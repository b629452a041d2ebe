"""Running rule tests: a virtual clock, exact comparison. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby

from ...errors import RulesError, did_you_mean
from ...model.monitored import Alert
from ..alerts.coverage import Coverage
from ..alerts.evaluator import Evaluator
from ..alerts.model import Rules
from .model import ALIGNED, Case, CaseFile, Expected, Outcome, Result
from .series import clock
from .stage import Happening, Stage, happenings

_SAME = 5e-4
"""Times that differ by less, in seconds, are the same: they are written in milliseconds at the finest."""


def run_cases(file: CaseFile, rules: Mapping[str, Rules]) -> Outcome:
    """Run all tests of ``file``; ``rules``: what its ``rule_sets`` hold, by name. Raises ``RulesError`` for unknown rules."""
    coverage = {name: Coverage(rules[name]) for name in file.rule_sets}
    for case in file.cases:
        _check_names(case, rules)
    results = tuple(run_case(case, rules, coverage) for case in file.cases)
    return Outcome(file=file.file, results=results, coverage=coverage)


def run_case(case: Case, rules: Mapping[str, Rules], coverage: Mapping[str, Coverage]) -> Result:
    """Run one test; what its rules did is added to ``coverage``."""
    name = case.rule_set
    evaluator = Evaluator(
        rules[name], delays=case.delays, no_previous=case.no_previous, coverage=coverage[name]
    )
    alerts: list[Alert] = []
    stage = Stage()
    moments = [(at, list(group)) for at, group in groupby(happenings(case), key=lambda one: one.at)]
    if not moments or moments[0][0] > ALIGNED:
        moments.insert(0, (ALIGNED, []))
    end = ALIGNED + case.until
    if moments[-1][0] < end:
        moments.append((end, []))
    for at, group in moments:
        alerts += _until(evaluator, at)
        for happening in group:
            alerts += _happen(happening, stage, evaluator)
        alerts += evaluator.tick(at)
    alerts.sort(key=lambda alert: alert.at)
    virtual = tuple(replace(alert, at=alert.at - ALIGNED) for alert in alerts)
    return Result(case=case, problems=tuple(_compare(case, virtual)), alerts=virtual)


def _until(evaluator: Evaluator, at: float) -> list[Alert]:
    """Everything that is due before ``at``, each at its own time."""
    alerts: list[Alert] = []
    while (due := evaluator.next_due()) is not None and due < at:
        alerts += evaluator.tick(due)
    return alerts


def _happen(happening: Happening, stage: Stage, evaluator: Evaluator) -> list[Alert]:
    at, what = happening.at, happening.what
    if happening.kind == "event":
        return evaluator.see(stage.event(happening.issue, what, at))
    if happening.kind == "session":
        return evaluator.see_session(what, at=at, project="1", item="sessions")
    if happening.kind == "transaction":
        return evaluator.see_transaction(what, at=at, project="1")
    stage.change(what)
    return []


def _check_names(case: Case, rules: Mapping[str, Rules]) -> None:
    names = [rule.name for rule in rules[case.rule_set].rules]
    for expected in case.expected:
        if expected.rule not in names:
            raise RulesError(
                f"no rule of {', '.join(case.rules)} is called {expected.rule!r}",
                where=f"{expected.where}.rule",
                hint=did_you_mean(expected.rule, names) if names else None,
            )


def _compare(case: Case, alerts: tuple[Alert, ...]) -> list[str]:
    """What is missing, and what came besides, in the order of time. Costs expectations x alerts."""
    left = list(alerts)
    missing: list[tuple[Expected, int]] = []
    # The most exact expectations choose first.
    exact = sorted(case.expected, key=lambda one: (one.issue is None) + (one.status is None))
    for expected in exact:
        wanted, rest = expected.times, []
        for alert in left:
            if wanted and _is(expected, alert):
                wanted -= 1
            else:
                rest.append(alert)
        left = rest
        if wanted:
            missing.append((expected, wanted))
    said = [(expected.at, _missing(expected, count, alerts)) for expected, count in missing]
    said += [(alert.at, _unexpected(alert)) for alert in left]
    said.sort(key=lambda pair: pair[0])
    counted = Counter(text for _, text in said)
    return [text if count == 1 else f"{text} ({count} times)" for text, count in counted.items()]


def _is(expected: Expected, alert: Alert) -> bool:
    return (
        alert.rule == expected.rule
        and abs(alert.at - expected.at) < _SAME
        and (expected.issue is None or (alert.issue is not None and alert.issue.title == expected.issue))
        and (expected.status is None or alert.status == expected.status)
    )


def _missing(expected: Expected, count: int, alerts: tuple[Alert, ...]) -> str:
    status = f" ({expected.status})" if expected.status else ""
    issue = f" for issue {expected.issue!r}" if expected.issue else ""
    same = [alert for alert in alerts if alert.rule == expected.rule]
    if same:
        near = min(same, key=lambda alert: abs(alert.at - expected.at))
        instead = f"nearest: {_what(near)}"
    else:
        instead = "the rule never fired in this test"
    times = f" {count} times" if count > 1 else ""
    return f"missing at {clock(expected.at)}: {expected.rule!r}{issue}{status}{times}; {instead}"


def _unexpected(alert: Alert) -> str:
    return f"not expected: {_what(alert)}, because {alert.because}"


def _what(alert: Alert) -> str:
    issue = f" for issue {alert.issue.title!r}" if alert.issue is not None else ""
    status = f" ({alert.status})" if alert.status != "triggered" else ""
    return f"{alert.rule!r}{issue}{status} at {clock(alert.at)}"
