"""``[[objective]]``: read strictly, refused with the line, the value and what to write, and judged by default."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.model.scenario import Objective, ObjectiveBurn, Scenario
from pytest_sentry_harness.plan.gates import criteria_of, with_defaults
from pytest_sentry_harness.plan.objective_table import load_objectives
from pytest_sentry_harness.plan.scenario import parse_scenario

HEAD = """[scenario]
name = "x"
[target]
command = "x"
"""
LOAD = """[load]
[[load.request]]
send = "GET /"
"""
GOOD = """[[objective]]
name = "orders are taken"
what = "availability"
target = "99.9%"
"""
FAST = """[[objective]]
name = "fast"
what = "latency"
target = "95%"
threshold = "300ms"
"""


def read(text: str, head: str = HEAD + LOAD) -> Scenario:
    return parse_scenario(head + text, Path("x.toml"))


def test_what_is_not_said_has_defaults() -> None:
    """All requests, a window of thirty days, alerts of the Workbook; and no fault is needed."""
    scenario = read(GOOD + FAST)
    assert scenario.objectives == (
        Objective(name="orders are taken", what="availability", target=0.999),
        Objective(name="fast", what="latency", target=0.95, threshold=0.3),
    )
    assert scenario.objectives[0].window == 30 * 86400
    assert criteria_of(scenario) == ("objectives",)
    assert [gate.metric for gate in with_defaults(scenario, ("objectives",))] == [
        "objectives.broken",
        "objectives.contradicted",
        "objectives.unseen",
        "objectives.requests",
    ]


def test_everything_can_be_said() -> None:
    """Which requests, which transactions, how fast the budget may burn."""
    more = """window = "1w"
on = "GET /*"
search = "transaction:/orders"
burn = [{ name = "page", over = 14.4, long = "12s" }, { name = "note", over = 2, long = "1min", short = "10s", severity = "low" }]
"""
    (objective,) = read(GOOD + more).objectives
    assert objective.window == 7 * 86400
    assert objective.on == ("GET /*",)
    assert objective.search == "transaction:/orders"
    assert objective.burns == (
        ObjectiveBurn(name="page", burn=14.4, long=12.0, short=1.0),
        ObjectiveBurn(name="note", burn=2.0, long=60.0, short=10.0, severity="low"),
    )
    (crashes,) = read(GOOD + 'by = "sessions"\nwindow = "12h"\n').objectives
    assert (crashes.by, crashes.window, crashes.comparable) == ("sessions", 12 * 3600, True)
    assert not read(GOOD + 'search = "release:a"').objectives[0].comparable


def test_without_a_threshold_the_key_that_is_missing_is_named() -> None:
    """And not the one that asks for it."""
    with pytest.raises(ScenarioError) as error:
        read(FAST.replace('threshold = "300ms"\n', ""))
    assert error.value.where is not None
    assert error.value.where.endswith("threshold")


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("[objective]\nname = 'x'\n", "objectives are a list of tables", "with two brackets"),
        ("[[objective]]\n", "name is missing", 'name = "orders are answered"'),
        ('[[objective]]\nname = "x"\n', "what is missing", 'what = "latency"'),
        (GOOD.replace("availability", "uptime"), "what = 'uptime' is not allowed", "availability"),
        (GOOD.replace("99.9%", "0.999"), "target = '0.999' is not a percentage", 'target = "99.9%"'),
        (GOOD.replace("99.9%", "100%"), "target = '100%' is not between 0% and 100%", "no error budget"),
        (GOOD.replace('target = "99.9%"\n', ""), "target is missing", 'target = "99.9%"'),
        (GOOD + GOOD, "two objectives are named 'orders are taken'", "a name of its own"),
        (GOOD + 'threshold = "1s"\n', "threshold says nothing of availability", 'what = "latency"'),
        (FAST.replace('threshold = "300ms"\n', ""), "threshold is missing, or 0", 'threshold = "300ms"'),
        (
            GOOD + 'on = ["GET /", "GET /order"]\n',
            "objective 'orders are taken': no request of the script matches 'GET /order'",
            "'GET /'",
        ),
        (GOOD + 'window = "soon"\n', "window = 'soon' is not a time", '"30d"'),
        (GOOD + 'window = "1h"\n', "window = '1h' is shorter than 6 h", "in production"),
        (GOOD + "windows = 1\n", "unknown key 'windows'", "did you mean 'window'"),
        (FAST + 'by = "sessions"\n', "sessions know nothing of latency", "drop by"),
        (GOOD + 'by = "sessions"\non = ["GET /"]\n', "on chooses among requests", "drop on"),
        (GOOD + 'by = "sessions"\nsearch = "x"\n', "search chooses among requests", "drop search"),
        (GOOD + "burn = [1]\n", "each burn is a table", "over = 14.4"),
        (GOOD + 'burn = [{ name = "a", long = "1s" }]\n', "over is missing, or 0", "over = 14.4"),
        (GOOD + 'burn = [{ name = "a", over = 2 }]\n', "long is missing, or 0", "over = 14.4"),
        (
            GOOD + 'burn = [{ name = "a", over = 2, long = "1s", short = "1s" }]\n',
            "short must be above 0",
            "a twelfth",
        ),
        (
            GOOD + 'burn = [{ name = "a", over = 2, long = "1s" }, { name = "a", over = 3, long = "2s" }]\n',
            "two burns are named 'a'",
            "a name of its own",
        ),
        (
            GOOD + '[gates]\n"objectives.brokn" = "= 0"\n',
            "unknown metric 'objectives.brokn'",
            "objectives.broken",
        ),
    ],
)
def test_what_is_wrong_is_named(text: str, what: str, hint: str) -> None:
    """What, where and what to do."""
    with pytest.raises(ScenarioError) as error:
        read(text)
    assert error.value.what.startswith(what)
    assert hint in (error.value.hint or "")
    assert (error.value.where or "").startswith("x.toml")


def test_requests_that_nobody_sends_cannot_count() -> None:
    """Without a load, a search says which transactions count; and there is nothing to compare them with."""
    script = HEAD + "wait = true\n"
    with pytest.raises(ScenarioError, match="nothing sends requests"):
        read(GOOD + 'on = ["GET /"]\n', script)
    scenario = read(GOOD, script)
    assert "objectives.contradicted" not in [gate.metric for gate in with_defaults(scenario, ("objectives",))]
    for gate in ("objectives.off", "objectives.contradicted"):
        unit = '"< 1%"' if gate.endswith("off") else '"= 0"'
        with pytest.raises(ScenarioError, match="cannot be judged") as error:
            read(f'{GOOD}[gates]\n"{gate}" = {unit}\n', script)
        assert "add [load]" in (error.value.hint or "")
    with pytest.raises(ScenarioError, match="needs \\[\\[objective\\]\\]"):
        read(
            '[[fault]]\nname = "a"\nat = "a:b"\ndo = "raise(OSError)"\n[gates]\n"objectives.broken" = "= 0"\n'
        )


def test_a_file_of_objectives(tmp_path: Path) -> None:
    """For stores without a scenario: nothing else is in it."""
    path = tmp_path / "slo.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert [each.name for each in load_objectives(path)] == ["orders are taken"]
    for text, what in (
        ("", "there is no objective"),
        ("[gates]\n", r"unknown table \[gates\]"),
        ("=", "not valid TOML"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ScenarioError, match=what):
            load_objectives(path)
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_objectives(tmp_path)
