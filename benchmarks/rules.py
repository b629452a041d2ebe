"""Alert rules: events through rules per second, how that grows with rules and with issues, and a file of 1000 tests.

    python benchmarks/rules.py [--events 20000]

Times are processor time: what else the machine does at the moment counts less.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from pytest_sentry_harness.model.monitored import Event, Grouping, Issue, Seen
from pytest_sentry_harness.monitor.alerts.evaluator import Evaluator
from pytest_sentry_harness.monitor.alerts.read import read_rules
from pytest_sentry_harness.monitor.rule_tests.read import read_cases
from pytest_sentry_harness.monitor.rule_tests.run import run_cases

_CONDITIONS = "sentry.rules.conditions."
_GROUPING = Grouping(hashes=("0" * 32,), variant="app", title="", culprit="", components=())


def rule(number: int) -> dict[str, Any]:
    """Of four rules: two wait for new states of an issue, one for a tag, one counts."""
    conditions: list[dict[str, Any]] = [
        {"id": f"{_CONDITIONS}first_seen_event.FirstSeenEventCondition"},
        {"id": f"{_CONDITIONS}regression_event.RegressionEventCondition"},
    ]
    if number % 4 == 2:
        conditions = [{"id": f"{_CONDITIONS}every_event.EveryEventCondition"}]
    if number % 4 == 3:
        interval = ("1m", "5m", "15m", "1h")[number // 4 % 4]
        name = f"{_CONDITIONS}event_frequency.EventFrequencyCondition"
        conditions = [{"id": name, "interval": interval, "value": 100 + number}]
    tag = {"id": "sentry.rules.filters.tagged_event.TaggedEventFilter", "key": "team", "match": "eq"}
    return {
        "name": f"rule {number}",
        "actionMatch": "any",
        "filterMatch": "all",
        "frequency": 5,
        "conditions": conditions,
        "filters": [{**tag, "value": f"t{number}"}] if number % 4 == 2 else [],
        "actions": [{"id": "sentry.mail.actions.NotifyEmailAction"}],
    }


def seen(count: int, issues: int) -> list[Seen]:
    """Events of ``issues`` issues in turn, 100 a second."""
    found = []
    data = {"environment": "prod", "level": "error", "tags": {"team": "x"}, "user": {"id": "7"}}
    for number in range(count):
        at, issue = 1_767_225_600.0 + number / 100, number % issues
        event = Event(cursor=number, received_at=at, project="1", event_id=f"{number:032x}", data=data)
        times = number // issues + 1
        found.append(
            Seen(
                event=event,
                issue=Issue(
                    number=issue,
                    project="1",
                    hash=f"{issue:032x}",
                    title="",
                    culprit="",
                    level="error",
                    state="new" if times == 1 else "ongoing",
                    first_seen=at - times,
                    last_seen=at,
                    times_seen=times,
                ),
                grouping=_GROUPING,
                is_new=times == 1,
            )
        )
    return found


def through_rules(count: int, rules: int, issues: int) -> float:
    """Events a second."""
    evaluator = Evaluator(read_rules(json.dumps([rule(number) for number in range(rules)]), "rules.json"))
    events = seen(count, issues)
    began = time.process_time()
    for event in events:
        evaluator.see(event)
    return count / (time.process_time() - began)


def file_of_tests(tests: int) -> tuple[float, int]:
    """Seconds from text to results, and how many tests passed."""
    text = ['rules = "rules.json"']
    for number in range(tests):
        text.append(
            f"""
[[test]]
name = "case {number}"
until = "10m"
[[test.events]]
issue = "timeout"
count = "0 {20 + number % 7}x5"
[[test.expect]]
at = "1m"
rule = "rule 0"
issue = "timeout"
[[test.expect]]
at = "1m"
rule = "rule 1"
issue = "timeout"
"""
        )
    began = time.process_time()
    rules = read_rules(json.dumps([rule(number) for number in range(2)]), "rules.json")
    outcome = run_cases(read_cases("\n".join(text), "rules.test.toml"), {"rules.json": rules})
    return time.process_time() - began, tests - len(outcome.failed)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=20_000)
    count = parser.parse_args().events
    print(f"{'rules':>6} {'issues':>7} {'events/s':>9}")
    for rules, issues in ((1, 100), (10, 100), (100, 100), (1000, 100), (10, 1), (10, 1000), (10, 10_000)):
        print(f"{rules:>6} {issues:>7} {through_rules(count, rules, issues):>9.0f}")
    seconds, passed = file_of_tests(1000)
    print(f"1000 tests: {seconds:.2f} s, {passed} passed")


if __name__ == "__main__":
    main()
