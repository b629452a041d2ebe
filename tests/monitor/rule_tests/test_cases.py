"""Files of rule tests: read strictly, run on a virtual clock, compared exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_sentry_harness.errors import RulesError
from pytest_sentry_harness.monitor.alerts.model import Rules
from pytest_sentry_harness.monitor.alerts.read import read_rule_files, read_rules
from pytest_sentry_harness.monitor.rule_tests.model import Outcome
from pytest_sentry_harness.monitor.rule_tests.read import read_cases
from pytest_sentry_harness.monitor.rule_tests.run import run_cases

from ..alerts.building import (
    EVERY,
    FIRST,
    REAPPEARED,
    REGRESSION,
    attribute,
    frequency,
    issue_rule,
    level,
    metric_rule,
    tag,
)

CRASH_FREE = "percentage(sessions_crashed, sessions) AS _crash_rate_alert_aggregate"
RULES = [
    issue_rule(FIRST, name="new"),
    issue_rule(REGRESSION, name="back"),
    issue_rule(REAPPEARED, name="again"),
    issue_rule(frequency(9), name="many", filters=[level("gte", 40)], environment="prod"),
    issue_rule(frequency(2, "5m", "EventUniqueUserFrequencyCondition"), name="users"),
    issue_rule(frequency(4, "1h", "EventFrequencyPercentCondition"), name="share"),
    issue_rule(
        EVERY,
        name="details",
        filters=[
            attribute("exception.type", "eq", "KeyError"),
            attribute("exception.value", "co", "gone"),
            attribute("error.unhandled", "eq", "true"),
            attribute("http.url", "co", "/pay"),
            tag("region", "eq", "eu"),
            tag("transaction", "eq", "/pay"),
            tag("release", "eq", "1.0"),
        ],
    ),
    issue_rule(EVERY, name="message", filters=[attribute("message", "eq", "hello")]),
    metric_rule(("critical", 10), name="volume", environment="prod", resolveThreshold=1),
    metric_rule(
        ("critical", 500), name="slow", dataset="transactions", aggregate="p95(transaction.duration)"
    ),
    metric_rule(("critical", 95), name="crashes", dataset="sessions", aggregate=CRASH_FREE, thresholdType=1),
    metric_rule(
        ("critical", 1),
        name="visitors",
        dataset="transactions",
        aggregate="count_unique(user)",
        query="transaction.op:db",
    ),
]


def loaded(documents: list[dict[str, Any]] | None = None) -> dict[str, Rules]:
    return {"r.json": read_rules(json.dumps(documents or RULES), "r.json")}


def run(text: str, documents: list[dict[str, Any]] | None = None) -> Outcome:
    return run_cases(read_cases('rules = "r.json"\n' + text, "t.toml"), loaded(documents))


def problems(text: str) -> list[str]:
    return [problem for result in run(text).results for problem in result.problems]


GOOD: dict[str, str] = {
    "a new issue and a volume": """
[[test.events]]
issue = "a"
environment = "prod"
count = "0 5 0 10 0x3"
[[test.expect]]
at = "1m"
rule = "new"
issue = "a"
[[test.expect]]
at = "3m"
rule = "many"
issue = "a"
""",
    "spread over the step": """
[[test.events]]
issue = "a"
environment = "prod"
count = "20"
spread = true
[[test.expect]]
at = "0s"
rule = "new"
[[test.expect]]
at = "27s"
rule = "many"
[[test.expect]]
at = "1m"
rule = "volume"
status = "critical"
""",
    "an incident and its end": """
until = "6m"
[[test.events]]
issue = "a"
environment = "prod"
level = "info"
start = "30s"
count = "0 11"
[[test.expect]]
at = "1m30s"
rule = "new"
[[test.expect]]
at = "2m"
rule = "volume"
status = "critical"
[[test.expect]]
at = "3m"
rule = "volume"
status = "resolved"
""",
    "states": """
[[test.events]]
issue = "a"
count = "1x9"
[[test.change]]
at = "1m"
issue = "a"
to = "resolved"
[[test.change]]
at = "3m"
issue = "a"
to = "ignored"
until_events = 2
[[test.change]]
at = "7m"
issue = "a"
to = "ignored"
[[test.change]]
at = "9m"
issue = "a"
to = "unresolved"
[[test.expect]]
at = "0"
rule = "new"
[[test.expect]]
at = "1m"
rule = "back"
[[test.expect]]
at = "5m"
rule = "again"
""",
    "users": """
[[test.events]]
issue = "a"
count = "2 2"
users = 3
[[test.expect]]
at = "0s"
rule = "new"
[[test.expect]]
at = "1m"
rule = "users"
""",
    "what events hold": """
[[test.events]]
issue = "a"
count = "1"
type = "KeyError"
value = "it is gone"
handled = false
transaction = "/pay"
release = "1.0"
tags = { region = "EU", n = 1 }
data = { request = { url = "http://x/pay" } }
[[test.events]]
issue = "b"
count = "1"
message = "Hello"
[[test.expect]]
at = "0s"
rule = "new"
times = 2
[[test.expect]]
at = "0s"
rule = "details"
issue = "a"
[[test.expect]]
at = "0s"
rule = "message"
issue = "b"
""",
    "sessions": """
[[test.sessions]]
exited = "98 90"
crashed = "2 10"
errored = "_x2"
[[test.events]]
issue = "a"
count = "5 0 5"
[[test.expect]]
at = "0s"
rule = "new"
[[test.expect]]
at = "0s"
rule = "share"
[[test.expect]]
at = "1m"
rule = "crashes"
status = "critical"
""",
    "transactions": """
[[test.transactions]]
count = "1x2"
duration = "100 200 900"
[[test.transactions]]
count = "3"
duration = "5"
op = "db"
users = 2
name = "/q"
status = "ok"
[[test.expect]]
at = "0s"
rule = "visitors"
[[test.expect]]
at = "1m"
rule = "visitors"
status = "resolved"
[[test.expect]]
at = "2m"
rule = "slow"
[[test.expect]]
at = "3m"
rule = "slow"
status = "resolved"
""",
    "late": """
slow_every = "1m"
metric_after = "20s"
until = "2m"
[[test.events]]
issue = "a"
environment = "prod"
start = "10s"
count = "11"
[[test.expect]]
at = "10s"
rule = "new"
[[test.expect]]
at = "1m"
rule = "many"
[[test.expect]]
at = "1m20s"
rule = "volume"
""",
    "nothing": "",
}


@pytest.mark.parametrize("name", GOOD)
def test_series_and_notifications(name: str) -> None:
    """Exactly what is expected comes."""
    assert problems(f'[[test]]\nname = "{name}"\n{GOOD[name]}') == []


def test_what_differs_is_told() -> None:
    """What is missing with the nearest, what came besides with its reason, in the order of time."""
    text = """
[[test]]
name = "wrong"
[[test.events]]
issue = "a"
environment = "prod"
count = "0 11"
[[test.expect]]
at = "2m"
rule = "many"
issue = "a"
[[test.expect]]
at = "1m"
rule = "volume"
status = "warning"
[[test.expect]]
at = "0s"
rule = "users"
"""
    assert problems(text) == [
        "missing at 0s: 'users'; the rule never fired in this test",
        "missing at 1m: 'volume' (warning); nearest: 'volume' (critical) at 1m",
        "not expected: 'new' for issue 'a' at 1m, because a new issue is created",
        "not expected: 'many' for issue 'a' at 1m, because 10 events in 1m > 9; the event's level is at least error",
        "not expected: 'volume' (critical) at 1m, because count() in 1m is 11 > 10",
        "missing at 2m: 'many' for issue 'a'; nearest: 'many' for issue 'a' at 1m",
        "not expected: 'volume' (resolved) at 2m, because count() in 1m is 0 < 1",
    ]


def test_the_most_exact_expectation_chooses_first() -> None:
    """An expectation without an issue does not take the notification that another names."""
    text = """
[[test]]
name = "two"
[[test.events]]
issue = "a"
count = "1"
[[test.events]]
issue = "b"
count = "1"
[[test.expect]]
at = "0s"
rule = "new"
[[test.expect]]
at = "0s"
rule = "new"
issue = "a"
"""
    assert problems(text) == []


def test_tests_are_apart_and_coverage_is_together() -> None:
    """Each test starts with nothing; what they have shown adds up."""
    one = '[[test]]\nname = "{}"\n[[test.events]]\nissue = "a"\ncount = "1"\nlevel = "{}"\n'
    expect = '[[test.expect]]\nat = "0s"\nrule = "new"\n'
    outcome = run(one.format("x", "info") + expect + one.format("y", "error") + expect)
    assert [result.passed for result in outcome.results] == [True, True]
    assert outcome.failed == ()
    assert outcome.coverage["r.json"].rules_fired == (1, len(RULES))
    assert [alert.at for result in outcome.results for alert in result.alerts] == [0.0, 0.0]


def test_previous_windows_of_nothing() -> None:
    """Both ways in which Sentry has compared with nothing can be asked for."""
    rule = issue_rule(frequency(50, comparisonType="percent", comparisonInterval="5m"), name="more")
    text = '[[test]]\nname = "x"\n{}[[test.events]]\nissue = "a"\ncount = "1"\n'
    assert len(run(text.format(""), [rule]).failed) == 1
    assert len(run(text.format('no_previous = "zero"\n'), [rule]).failed) == 0


def test_several_files_of_rules() -> None:
    """A test may put more than one file to work."""
    text = """
interval = "30s"
environment = "prod"
[[test]]
name = "both"
rules = ["r.json", "s.json"]
[[test.events]]
issue = "a"
count = "0 1"
[[test.expect]]
at = "30s"
rule = "new"
[[test.expect]]
at = "30s"
rule = "other"
"""
    other = json.dumps(issue_rule(name="other", environment="prod"))
    file = read_cases(text, "t.toml")
    assert file.rule_sets == {"r.json + s.json": ("r.json", "s.json")}
    both = read_rule_files([("r.json", json.dumps(RULES)), ("s.json", other)])
    outcome = run_cases(file, {"r.json + s.json": both})
    assert outcome.failed == ()


def test_many_times() -> None:
    """What is expected often is looked for once, and what is missing is one line."""
    text = """
[[test]]
name = "often"
[[test.events]]
issue = "a"
count = "3"
[[test.expect]]
at = "0s"
rule = "each"
times = 70000
"""
    every = {"type": "every_event", "comparison": True}
    workflow = {
        "name": "each",
        "triggers": {"logicType": "any-short", "conditions": [every]},
        "actionFilters": [{"logicType": "all", "conditions": [], "actions": [{"type": "email"}]}],
    }
    (result,) = run(text, [workflow]).results
    assert result.problems == ("missing at 0s: 'each' 69997 times; nearest: 'each' for issue 'a' at 0s",)


HEAD = '[[test]]\nname = "t"\n'
EVENTS = '[[test.events]]\nissue = "a"\ncount = "1"\n'
BAD: list[tuple[str, str, str]] = [
    ("x = [", "t.toml: not valid TOML", ""),
    ('rules = "r.json"', "t.toml: there is no test in this file", "[[test]]"),
    ("[test]", "t.toml: test: test must be a list of tables", ""),
    ("[[test]]\n", "t.toml: test[0]: name is missing", "fires after 100 errors"),
    ('[[test]]\nnam = "x"', "t.toml: test[0]: name is missing", "is 'nam' meant to be 'name'?"),
    (HEAD, "t.toml: test[0].rules: rules is missing", "alerts.json"),
    (f'rules = "r"\n{HEAD}{HEAD}', "t.toml: test[1].name: 't' is the name of t.toml: test[0] already", ""),
    (f'rules = "r"\n{HEAD}interval = "0s"', "t.toml: test[0].interval: interval must be above 0", "1m"),
    (
        f'rules = "r"\n{HEAD}interval = "1"',
        "t.toml: test[0].interval: interval: '1' is not a time",
        "write a number",
    ),
    (
        f'rules = "r"\nmetric_every = "0s"\n{HEAD}',
        "t.toml: metric_every: metric_every must be above 0",
        "60s",
    ),
    (f'rules = "r"\n{HEAD}no_previous = "no"', "t.toml: test[0].no_previous: no_previous = 'no'", "current"),
    (f'rules = "r"\n{HEAD}evnts = 1', "t.toml: test[0].evnts: unknown key 'evnts'", "events"),
    (
        f'rules = "r"\n{HEAD}[[test.events]]\ncount = "1"',
        "t.toml: test[0].events[0]: issue is missing",
        "database",
    ),
    (
        f'rules = "r"\n{HEAD}[[test.events]]\nissue = "a"',
        "t.toml: test[0].events[0]: count is missing",
        "0 0 5x3",
    ),
    (
        f'rules = "r"\n{HEAD}[[test.events]]\nissue = "a"\ncount = "1..2"',
        "t.toml: test[0].events[0].count: count: '1..2' is no item of a series",
        "write 5, 5x3",
    ),
    (
        f'rules = "r"\n{HEAD}[[test.events]]\nissue = "a"\ncount = "1.5"',
        "t.toml: test[0].events[0].count: count counts: '1.5' has fractions",
        "whole numbers",
    ),
    (
        f'rules = "r"\n{HEAD}[[test.events]]\nissue = "a"\ncount = "1000001"',
        "t.toml: test[0].events[0].count: 1000001 in one series are too many",
        "at most 1000000",
    ),
    (
        f'rules = "r"\n{HEAD}{EVENTS}level = "eror"',
        "t.toml: test[0].events[0].level: level = 'eror'",
        "error",
    ),
    (f'rules = "r"\n{HEAD}{EVENTS}tags = 1', "t.toml: test[0].events[0].tags: tags must be a table", ""),
    (
        f'rules = "r"\n{HEAD}{EVENTS}tags = {{ a = [] }}',
        "t.toml: test[0].events[0].tags.a: the value of a tag must be a text",
        "region",
    ),
    (f'rules = "r"\n{HEAD}{EVENTS}data = 1', "t.toml: test[0].events[0].data: data must be a table", ""),
    (
        f'rules = "r"\n{HEAD}{EVENTS}users = -1',
        "t.toml: test[0].events[0].users: users = -1 is too small",
        "",
    ),
    (
        f'rules = "r"\n{HEAD}[[test.sessions]]',
        "t.toml: test[0].sessions[0]: a series of sessions needs one of",
        "exited",
    ),
    (
        f'rules = "r"\n{HEAD}[[test.transactions]]\ncount = "1"',
        "t.toml: test[0].transactions[0]: duration is missing",
        "milliseconds by step",
    ),
    (
        f'rules = "r"\n{HEAD}{EVENTS}[[test.change]]\nat = "1m"',
        "t.toml: test[0].change[0].to: to is missing",
        "resolved",
    ),
    (
        f'rules = "r"\n{HEAD}{EVENTS}[[test.change]]\nat = "1m"\nto = "resolved"',
        "t.toml: test[0].change[0].issue: issue is missing",
        "one of a",
    ),
    (
        f'rules = "r"\n{HEAD}{EVENTS}[[test.change]]\nat = "1m"\nto = "resolved"\nissue = "a"\nuntil_events = 3',
        "t.toml: test[0].change[0].until_events: until_events belongs to",
        "",
    ),
    (
        f'rules = "r"\n{HEAD}{EVENTS}[[test.expect]]\nat = "1m"\nrule = "x"\nissue = "b"',
        "t.toml: test[0].expect[0].issue: no events of this test are of issue 'b'",
        "a",
    ),
    (f'rules = "r"\n{HEAD}[[test.expect]]\nrule = "x"', "t.toml: test[0].expect[0]: at is missing", "3m"),
    (
        f'rules = "r"\n{HEAD}[[test.expect]]\nat = "soon"\nrule = "x"',
        "t.toml: test[0].expect[0].at: at: 'soon'",
        "write",
    ),
    (
        f'rules = "r"\n{HEAD}[[test.expect]]\nat = "1m"',
        "t.toml: test[0].expect[0]: rule is missing",
        "name of the rule",
    ),
    (
        f'rules = "r"\n{HEAD}until = "1m"\n[[test.expect]]\nat = "2m"\nrule = "x"',
        "t.toml: test[0].until: until is before what is expected at t.toml: test[0].expect[0]",
        "",
    ),
]


@pytest.mark.parametrize("text,what,hint", BAD, ids=lambda value: str(value)[-50:])
def test_what_is_refused(text: str, what: str, hint: str) -> None:
    """Each names file, key path and what is allowed."""
    with pytest.raises(RulesError) as caught:
        read_cases(text, "t.toml")
    assert str(caught.value).startswith(what)
    assert hint in (caught.value.hint or "")


def test_rules_that_are_not_there() -> None:
    """An expectation of a rule that no file has is a mistake, and not a test that fails."""
    with pytest.raises(
        RulesError, match=r"test\[0\].expect\[0\].rule: no rule of r.json is called 'nw'"
    ) as caught:
        run('[[test]]\nname = "x"\n[[test.expect]]\nat = "1m"\nrule = "nw"\n')
    assert caught.value.hint == "did you mean 'new'?"
