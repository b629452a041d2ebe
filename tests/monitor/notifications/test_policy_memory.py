"""What a policy keeps of its alerts: little, and everything that a later notification needs."""

from __future__ import annotations

import tracemalloc

import pytest

from pytest_sentry_harness.errors import UsageError
from pytest_sentry_harness.model.notified import Noted
from pytest_sentry_harness.monitor.notifications import (
    Policy,
    decode_noted,
    encode_noted,
    parse_notifications,
)
from tests.channels.building import alert

SETTINGS = parse_notifications(
    '[[channel]]\nname = "ops"\nkind = "slack"\nurl = "http://127.0.0.1:1/x"\n'
    '[[route]]\nchannels = ["ops"]\n[[escalation]]\nafter = "1m"\nchannels = ["ops"]\n',
    "notify.toml",
)


def test_an_escalation_tells_what_the_first_notification_told() -> None:
    """However many alerts came between; and without the records being kept."""
    written: list[Noted] = []
    policy = Policy(SETTINGS, write=written.append, keep=False)
    alert_id = policy.submit(alert("the first"), 1000.0)
    for number in range(20):
        policy.submit(alert(f"rule {number}"), 1000.0)
    first = policy.due(1000.0)[0]
    second = next(each for each in policy.due(1061.0) if each.alert_id == alert_id)
    assert (first.alert_id, first.step, second.step) == (alert_id, 0, 1)
    assert second.notice == first.notice
    assert second.notice.event["tags"] == {"region": "eu"}
    assert [decode_noted(encode_noted(each)) for each in written] == written
    with pytest.raises(UsageError, match="this policy keeps no trail"):
        policy.trail  # noqa: B018


def test_an_alert_costs_little_memory() -> None:
    """An event of any size is packed: twenty alerts of 30 kB are less than one of them as it is in memory."""
    data = {"extra": {f"key {number}": ["value"] * 20 for number in range(150)}}
    policy = Policy(SETTINGS, keep=False)
    big = alert()
    assert big.event is not None
    object.__setattr__(big.event, "data", data)
    policy.submit(big, 1000.0)
    tracemalloc.start()
    for number in range(20):
        policy.submit(big, 1001.0 + number)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 500_000
