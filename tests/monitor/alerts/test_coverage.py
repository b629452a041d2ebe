"""Coverage of rules and conditions."""

from __future__ import annotations

from pytest_sentry_harness.monitor.alerts.coverage import Coverage
from pytest_sentry_harness.monitor.alerts.evaluator import Evaluator

from .building import EVERY, START, detector, frequency, issue_rule, level, metric_rule, rules, seen


def test_outcomes_are_collected() -> None:
    """Rules that fired, conditions that were true and false; what cannot be false need not be."""
    read = rules(
        issue_rule(EVERY, frequency(1), filters=[level("gte", 40)]),
        metric_rule(("critical", 1), resolveThreshold=1),
    )
    coverage = Coverage(read)
    monitor = Evaluator(read, coverage=coverage)
    assert coverage.rules_fired == (0, 2)
    assert coverage.outcomes_seen == (0, 9)
    monitor.see(seen(0, level="info"))
    monitor.see(seen(1))
    assert coverage.rules_fired == (1, 2)
    assert [str(gap) for gap in coverage.gaps()] == [
        "alerts.json: [1]: rule 'm': never fired",
        "alerts.json: [0].conditions[1]: the issue has more than 1 times in 1m: never false",
        "alerts.json: [1].triggers[0]: critical: above 1: never true",
        "alerts.json: [1].triggers[0]: critical: above 1: never false",
        "alerts.json: [1].resolveThreshold: resolved: below 1: never true",
        "alerts.json: [1].resolveThreshold: resolved: below 1: never false",
    ]
    monitor.tick(START + 1)
    monitor.tick(START + 120)
    monitor.see(seen(400))
    assert coverage.gaps() == ()
    assert coverage.share == 1.0


def test_coverage_adds_up() -> None:
    """What several runs have shown, one has shown."""
    read = rules(issue_rule(filters=[level("gte", 40)]))
    one, other = Coverage(read), Coverage(read)
    Evaluator(read, coverage=one).see(seen(0, level="info"))
    Evaluator(read, coverage=other).see(seen(0))
    assert (one.share, other.share) == (0.0, 0.5)
    one.add(other)
    assert (one.rules_fired, one.outcomes_seen, one.share) == ((1, 1), (2, 2), 1.0)


def test_nothing_to_cover() -> None:
    """An empty file is covered."""
    assert Coverage(rules()).share == 1.0


def test_conditions_of_detectors_count() -> None:
    """Each threshold of a detector is a point."""
    read = rules(detector(("gt", 1, 75), ("lte", 1, 0)))
    coverage = Coverage(read)
    Evaluator(read, coverage=coverage).tick(START)
    assert coverage.outcomes_seen == (2, 4)
