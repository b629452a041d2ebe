"""Objectives in TOML: what they mean, and what is said about those that are not valid."""

from __future__ import annotations

import pytest

from pytest_sentry_harness.errors import RulesError
from pytest_sentry_harness.monitor.requests import Request
from pytest_sentry_harness.monitor.slo import DEFAULT_RULES, BurnRule, Objective, parse_objectives

HEAD = '[[slo]]\nname = "a"\nkind = "availability"\ntarget = "99.9%"\n'


def test_all_keys() -> None:
    """Everything a user may write."""
    found = parse_objectives(
        """
        [[slo]]
        name = "orders are fast"
        kind = "latency"
        target = "95 %"
        below = "300ms"
        window = "4w"
        transaction = ["/orders*", "/pay"]
        environment = "production"
        fewest_requests = 20
        evidence = "point"
        [[slo.alert]]
        name = "page"
        burn = 10
        long = "2h"
        short = "5m"
        severity = "critical"
        [[slo.alert]]
        name = "ticket"
        burn = 1.5
        long = "1d"
        """,
        "slo.toml",
    )
    assert found.warnings == ()
    assert found.objectives == (
        Objective(
            name="orders are fast",
            kind="latency",
            target=0.95,
            below=0.3,
            window=2_419_200.0,
            transactions=("/orders*", "/pay"),
            environments=("production",),
            fewest_requests=20,
            evidence="point",
            rules=(
                BurnRule(name="page", burn=10.0, long=7200.0, short=300.0, severity="critical"),
                BurnRule(name="ticket", burn=1.5, long=86400.0, short=7200.0, severity="high"),
            ),
        ),
    )


def test_what_is_left_out() -> None:
    """Thirty days, all requests, and the three alerts of the Workbook; a short window keeps those that fit."""
    (objective,) = parse_objectives(HEAD, "slo.toml").objectives
    assert objective.window == 30 * 86400
    assert objective.rules == DEFAULT_RULES
    assert [(rule.burn, rule.long, rule.short) for rule in DEFAULT_RULES] == [
        (14.4, 3600, 300),
        (6, 21600, 1800),
        (1, 259200, 21600),
    ]
    short = parse_objectives(HEAD + 'window = "1d"', "slo.toml").objectives[0]
    assert [rule.burn for rule in short.rules] == [14.4, 6]


def test_the_defaults_spend_what_the_workbook_says() -> None:
    """2 % in one hour, 5 % in six, 10 % in three days, of 30."""
    spent = [rule.burn * rule.long / (30 * 86400) for rule in DEFAULT_RULES]
    assert spent == pytest.approx([0.02, 0.05, 0.1])


def test_an_alert_that_would_never_fire_is_warned_of() -> None:
    """With 10 % budget nothing burns faster than ten times; a window of minutes has no alert at all."""
    found = parse_objectives(HEAD.replace("99.9%", "90%"), "slo.toml")
    assert found.warnings == (
        "slo.toml: slo[0]: alert 'fast burn' of 'a' would never fire: it wants the budget to burn faster than 14.4 times, "
        "and when every request is bad it burns 10 times as fast",
    )
    assert "has no alert: its window is shorter" in parse_objectives(HEAD + 'window = "10m"', "x").warnings[0]


@pytest.mark.parametrize(
    "failed,seconds,available,fast",
    [(False, 0.1, False, False), (False, 0.3, False, True), (True, 0.1, True, None), (True, 9.0, True, None)],
)
def test_what_is_bad(failed: bool, seconds: float, available: bool, fast: bool | None) -> None:
    """A failed request is unavailable and does not count for latency; fast is strictly below."""
    request = Request(0.0, seconds, failed)
    assert Objective(name="a", kind="availability", target=0.9).is_bad(request) is available
    assert Objective(name="a", kind="latency", target=0.9, below=0.3).is_bad(request) is fast


@pytest.mark.parametrize(
    "text,where,what,hint",
    [
        ("", "slo.toml", "there is no objective", "write [[slo]]"),
        ("[[sol]]\n", "slo.toml: sol", "unknown key 'sol'", "did you mean 'slo'?"),
        ('[[slo]]\nkind = "latency"', "slo.toml: slo[0]", "name is missing", 'write name = "orders are answered"'),
        ('[[slo]]\nnam = "x"', "slo.toml: slo[0]", "name is missing", "is 'nam' meant to be 'name'?"),
        ('[[slo]]\nname = "x"\nkind = "latence"', "slo.toml: slo[0].kind", "kind = 'latence' is not allowed", "did you mean 'latency'?"),
        ('[[slo]]\nname = "x"\nkind = "latency"', "slo.toml: slo[0]", "target is missing", 'write target = "99.9%"'),
        (HEAD.replace("99.9%", "0.999"), "slo.toml: slo[0].target", "target = '0.999' is not a percentage", 'write target = "99.9%"'),
        (HEAD.replace("99.9%", "100%"), "slo.toml: slo[0].target", "target = '100%' is not between 0% and 100%", "100% leaves no budget"),
        (HEAD.replace('"99.9%"', "99.9"), "slo.toml: slo[0].target", "target must be a string, not a number", None),
        (HEAD + 'window = "30 days"', "slo.toml: slo[0].window", "window = '30 days' is not a duration above 0", "30d"),
        (HEAD + 'window = "0s"', "slo.toml: slo[0].window", "window = '0s' is not a duration above 0", None),
        (HEAD + 'below = "1s"', "slo.toml: slo[0].below", "below is of no use for availability", 'kind = "latency"'),
        (HEAD.replace("availability", "latency"), "slo.toml: slo[0].below", "below is missing: how fast is fast enough?", 'write below = "300ms"'),
        (HEAD + 'evidence = "proof"', "slo.toml: slo[0].evidence", "evidence = 'proof' is not allowed", "allowed: bounds, point"),
        (HEAD + "fewest_requests = 0", "slo.toml: slo[0].fewest_requests", "fewest_requests = 0 is too small", "use at least 1"),
        (HEAD + "fewest_requests = true", "slo.toml: slo[0].fewest_requests", "not true or false", None),
        (HEAD + "[[slo.alert]]", "slo.toml: slo[0].alert[0]", "name is missing", 'write name = "page"'),
        (HEAD + '[[slo.alert]]\nname = "p"', "slo.toml: slo[0].alert[0].burn", "burn is missing", "write burn = 14.4"),
        (HEAD + '[[slo.alert]]\nname = "p"\nburn = 2', "slo.toml: slo[0].alert[0].long", "long is missing", 'write long = "1h"'),
        (HEAD + '[[slo.alert]]\nname = "p"\nburn = -2', "slo.toml: slo[0].alert[0].burn", "burn = -2 is not a number above 0", "above 0"),
        (HEAD + '[[slo.alert]]\nname = "p"\nburn = nan', "slo.toml: slo[0].alert[0].burn", "burn = nan is not a number above 0", "above 0"),
        (HEAD + '[[slo.alert]]\nname = "p"\nburn = 2\nlong = "40d"', "slo.toml: slo[0].alert[0].long", "longer than the objective's window", "shorter"),
        (HEAD + '[[slo.alert]]\nname = "p"\nburn = 2\nlong = "1h"\nshort = "1h"', "slo.toml: slo[0].alert[0].short", "short is not shorter than long", "5m with 1h"),
        (HEAD + '[[slo.alert]]\nname = "p"\nburn = 2\nlong = "1h"\nseverity = "sev1"', "slo.toml: slo[0].alert[0].severity", "'sev1' is not allowed", "critical, high, medium, low"),
        (HEAD + '[[slo.alert]]\nname = "p"\nburn = 2\nlong = "1h"\nfor = "5m"', "slo.toml: slo[0].alert[0].for", "unknown key 'for'", "allowed: burn, long, name, severity, short"),
        (HEAD + '[[slo.alert]]\nname = "p"\nburn = 2\nlong = "1h"\n[[slo.alert]]\nname = "p"\nburn = 3\nlong = "1h"', "slo.toml: slo[0].alert[1].name", "name = 'p' is there twice", "its own name"),
        (HEAD + HEAD, "slo.toml: slo[1].name", "name = 'a' is there twice", "its own name"),
    ],
)  # fmt: skip
def test_what_is_not_valid(text: str, where: str, what: str, hint: str | None) -> None:
    """The message names file, key, value and what is allowed."""
    with pytest.raises(RulesError) as refused:
        parse_objectives(text, "slo.toml")
    assert refused.value.where == where
    assert what in refused.value.what
    assert hint is None or hint in str(refused.value.hint)
