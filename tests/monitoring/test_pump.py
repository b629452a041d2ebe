"""From arrivals to alerts, with a clock of our own: issues, archiving, delays, and what is under way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_sentry_harness.model.alerting import Put
from pytest_sentry_harness.model.classified import Classified
from pytest_sentry_harness.model.delays import Delays
from pytest_sentry_harness.model.monitored import Alert
from pytest_sentry_harness.monitoring.pump import EVERY, Pump

from .building import FREQUENT, arrival, inputs, metric_rule, payload, rule


class Kept:
    """A pump, and what it handed on."""

    def __init__(
        self, folder: Path, *rules: dict[str, Any], delays: Delays | None = None, **more: Any
    ) -> None:
        self.puts: list[Put] = []
        self.alerts: list[tuple[str, float, str, str]] = []
        found = inputs(folder, *rules, **more)
        self.pump = Pump(found, delays or Delays(), put=self.puts.append, submit=self._submit)

    def _submit(self, alert: Alert, *, classified: Classified | None, environment: str) -> None:
        category = classified.category if classified else ""
        self.alerts.append((alert.rule, alert.at, category, environment))


def test_an_event_is_put_to_its_issue_before_rules_see_it(tmp_path: Path) -> None:
    """To the rules it happened when it was put; its arrival's time is kept beside it."""
    kept = Kept(tmp_path, rule())
    for cursor, now in ((1, 1012.0), (2, 1013.0)):
        kept.pump.see(arrival(cursor), payload(), now)
    first, second = kept.puts
    assert (first.received_at, first.at, first.issue, first.state, first.is_new) == (
        1000.0,
        1012.0,
        1,
        "new",
        True,
    )
    assert (first.title, first.event_id, first.cursor) == ("ValueError: bad", f"{1:032x}", 1)
    assert (second.issue, second.is_new) == (1, False)
    assert kept.alerts == [("new issue", 1012.0, "validation", "")]
    assert kept.pump.next_due() is None
    assert kept.pump.under_way() == []


def test_an_archived_issue_alerts_nobody(tmp_path: Path) -> None:
    """A search archives an issue by its first event, before rules see it, and only that one."""
    kept = Kept(tmp_path, rule(), archived=["level:warning", "error.type:ValueError"])
    for cursor, kind in enumerate(("ValueError", "ValueError", "KeyError"), start=1):
        kept.pump.see(arrival(cursor), payload(kind), 1000.0 + cursor)
    assert [(put.issue, put.state, put.is_new) for put in kept.puts] == [
        (1, "ignored", True),
        (1, "ignored", False),
        (2, "new", True),
    ]
    assert [at for _, at, _, _ in kept.alerts] == [1003.0]


def test_decisions_that_are_put_off_are_under_way(tmp_path: Path) -> None:
    """Slow conditions are decided when they are due, and not before."""
    kept = Kept(tmp_path, rule("many", FREQUENT), delays=Delays(slow_after=12.0))
    for cursor in (1, 2):
        kept.pump.see(arrival(cursor), payload(), 1000.0 + cursor)
    assert kept.pump.under_way() == ["decisions put off: 1"]
    assert kept.pump.next_due() == 1013.0
    kept.pump.tick(1012.9)
    assert kept.alerts == []
    kept.pump.tick(1013.01)
    assert [(name, at) for name, at, _, _ in kept.alerts] == [("many", 1013.0)]
    assert kept.pump.under_way() == []


def test_metric_rules_without_a_time_table_decide_at_once(tmp_path: Path) -> None:
    """After each event, and four times a second without one; alerts of theirs have the rule's environment."""
    kept = Kept(tmp_path, metric_rule())
    kept.pump.tick(999.0)
    assert kept.pump.next_due() == 999.0 + EVERY
    for cursor in (1, 2):
        kept.pump.see(arrival(cursor), payload(), 1000.0 + cursor)
        assert kept.pump.under_way() == ["metric rules had still to decide about what came last"]
        kept.pump.tick(1000.1 + cursor)
        assert kept.pump.under_way() == []
    assert kept.alerts == [("errors", 1002.1, "", "prod")]
    kept.pump.tick(1002.11)
    assert kept.pump.next_due() == 1002.1 + EVERY


def test_metric_rules_with_a_time_table_decide_once_more(tmp_path: Path) -> None:
    """What came last counts in the window that ends after it: until that is decided, it is under way."""
    kept = Kept(tmp_path, metric_rule(), delays=Delays(metric_every=60.0, metric_after=5.0))
    assert kept.pump.next_due() is None
    for cursor in (1, 2):
        kept.pump.see(arrival(cursor), payload(), 1000.0 + cursor)
    assert kept.pump.next_due() == 1025.0
    kept.pump.tick(1024.0)
    assert kept.pump.under_way() != []
    kept.pump.tick(1025.0)
    assert [(name, at) for name, at, _, _ in kept.alerts] == [("errors", 1025.0)]
    assert kept.pump.under_way() == []


def test_sessions_and_transactions_count_and_what_is_unreadable_is_counted(tmp_path: Path) -> None:
    """They are no events, and are put to no issue."""
    slow = metric_rule(
        "slow", aggregate="count()", dataset="transactions", query="", eventTypes=["transaction"]
    )
    crashes = metric_rule(
        "crashes",
        aggregate="percentage(sessions_crashed, sessions) AS _crash_rate_alert_aggregate",
        dataset="sessions",
        thresholdType=1,
        triggers=[{"label": "critical", "alertThreshold": 60, "actions": [{"type": "email"}]}],
    )
    kept = Kept(tmp_path, slow, crashes)
    transaction = json.dumps({"environment": "prod", "start_timestamp": 1.0, "timestamp": 2.0}).encode()
    session = {
        "sid": "a" * 32,
        "init": True,
        "status": "crashed",
        "attrs": {"environment": "prod", "release": "1"},
    }
    totals = {"aggregates": [{"exited": 1, "crashed": 3}], "attrs": {"environment": "prod", "release": "1"}}
    kept.pump.see(arrival(1, "transaction"), transaction, 1001.0)
    kept.pump.see(arrival(2, "transaction"), transaction, 1002.0)
    kept.pump.see(arrival(3, "session"), json.dumps(session).encode(), 1003.0)
    kept.pump.see(arrival(4, "sessions"), json.dumps(totals).encode(), 1004.0)
    kept.pump.see(arrival(5), b"[]", 1005.0)
    kept.pump.tick(1005.0)
    assert {name for name, _, _, _ in kept.alerts} == {"slow", "crashes"}
    assert kept.puts == []
    assert kept.pump.unread == 1
