"""What people read of alerts: sums, tables, and what is in no sum."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from pytest_sentry_harness.model.alerted import AlertingInfo
from pytest_sentry_harness.report.alerting import alerting_lines, lines_of, print_alerting

from .world import CHANNELS, EVERY_EVENT, FIRST_SEEN, ROUTE, World, raised, rule


def troubled() -> World:
    """Refused tries, a duplicate, false alerts told and untold, a bad signature, late and early ones."""
    busy = iter([503])
    world = World(
        rule("new", FIRST_SEEN),
        rule(
            "never",
            FIRST_SEEN,
            filters=({"id": "sentry.rules.filters.level.LevelFilter", "match": "gte", "level": "0"},),
        ),
        rule("quiet", EVERY_EVENT),
        notify=CHANNELS + ROUTE + '[[suppression]]\nname = "deploy"\nrule = ["quiet", "never"]\n',
        answer=lambda _: (next(busy, 200), 0.25),
        within=1.5,
        save=("new",),
        log=(),
    )
    world.fault("save", function="save")
    world.wait(5)
    world.fault("save", function="other")
    world.fault("log", function="log")
    world.event(raised("stray"))
    world.receipts["ops"] = [replace(each, signature="invalid") for each in world.receipts["ops"]]
    return world


def printed(info: AlertingInfo) -> str:
    output = io.StringIO()
    print_alerting(info, Console(file=output, width=300))
    return output.getvalue()


def test_all_that_happened_is_told() -> None:
    """In the terminal and in Markdown, in the same words."""
    alerted = troubled().judged()
    info = replace(alerted.info, warnings=tuple(f"rules[{number}]: never" for number in range(12)))
    text = printed(info)
    for wanted in (
        "alerting: 2 faults that should alert = 2 alerted; 1 more must not alert",
        "4 notifications received = 1 expected + 1 duplicate + 2 false",
        "1 expected, of 1 incidents = 1 delivered (1 of them after 1.5 s) + 0 missed",
        "tries that were refused: 1; they are in no sum",
        "alerts of what should not alert, which reached nobody: 2",
        "rule file rules[9]: never",
        "2 more warnings about rules are in run.json",
        "late sending",
        "repeated by the rule",
        "about issue 1; this is about issue 2",
        "its event is of no fault",
        "fault 'log' must not alert by this rule",
    ):
        assert wanted in text
    lines = "\n".join(alerting_lines(info, lambda *cells: "| " + " | ".join(cells) + " |", str))
    for line in lines_of(info):
        assert line in lines
    assert "| expected |" in lines
    assert alerted.doubts == ("channel 'ops': signatures do not fit its secret",)
    assert "\x1b" not in printed(replace(info, pending=("\x1b[31mred",)))


def test_a_run_without_any_alert_has_its_sums_all_the_same() -> None:
    """Nothing is a number, too."""
    info = World(rule("new", FIRST_SEEN), save=()).judged().info
    assert "0 notifications received = nothing" in printed(info)
