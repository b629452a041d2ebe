"""Notifications: alerts through the policy per second, how that grows with routes, and how long a restart takes.

    python benchmarks/notifications.py [--alerts 5000]

Times are processor time: what else the machine does at the moment counts less.
"""

from __future__ import annotations

import argparse
import time

from pytest_sentry_harness.model.monitored import Alert, Event, Issue
from pytest_sentry_harness.model.notified import Noted, Outcome
from pytest_sentry_harness.monitor.notifications import (
    Policy,
    books,
    decode_noted,
    encode_noted,
    parse_notifications,
)

_OK = Outcome(delivered=True, status=200)
_DATA = {
    "environment": "prod",
    "tags": {f"tag{number}": "value" for number in range(20)},
    "exception": {
        "values": [
            {
                "type": "ValueError",
                "value": "bad",
                "stacktrace": {
                    "frames": [
                        {"function": f"f{number}", "filename": "app.py", "lineno": number, "in_app": True}
                        for number in range(40)
                    ]
                },
            }
        ]
    },
}


def settings_of(routes: int) -> str:
    """Routes of which the last takes all, each with de-duplication, an escalation and a throttle."""
    channel = (
        'name = "ops"\nkind = "slack"\nurl = "http://127.0.0.1:1/x"\nthrottle = { most = 1000, per = "1s" }'
    )
    tables = [
        f'[[route]]\nrule = "rule {number}"\ndeduplicate = "1m"\nchannels = ["ops"]'
        for number in range(1, routes)
    ]
    last = '[[route]]\ndeduplicate = "1m"\nchannels = ["ops"]\n[[escalation]]\nafter = "5m"\nchannels = ["ops"]\n'
    return "\n".join([f"[[channel]]\n{channel}", *tables, last])


def alert(number: int) -> Alert:
    """One of an issue of its own, ten a second."""
    at = 1_767_225_600.0 + number / 10
    issue = Issue(
        number=number + 1,
        project="1",
        hash=f"{number:032x}",
        title="ValueError: bad",
        culprit="app.views",
        level="error",
        state="new",
        first_seen=at,
        last_seen=at,
        times_seen=1,
    )
    event = Event(cursor=number, received_at=at, project="1", event_id=f"{number:032x}", data=_DATA)
    return Alert(
        rule="any",
        rule_index=0,
        kind="issue",
        at=at,
        because="1 event > 0",
        actions=(),
        issue=issue,
        event=event,
    )


def measure(count: int, routes: int) -> tuple[float, list[Noted]]:
    """Alerts per second, and the trail."""
    policy = Policy(parse_notifications(settings_of(routes), "benchmark.toml"), seed="b")
    alerts = [alert(number) for number in range(count)]
    begun = time.process_time()
    for each in alerts:
        policy.submit(each, each.at)
        for delivery in policy.due(each.at):
            policy.report(delivery.delivery_id, _OK, each.at)
    return count / (time.process_time() - begun), policy.trail


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=5000)
    count = parser.parse_args().alerts
    print(f"{'routes':>8} {'alerts/s':>10}")
    trail: list[Noted] = []
    for routes in (1, 10, 100, 1000):
        rate, trail = measure(count, routes)
        print(f"{routes:>8} {rate:>10.0f}")
    begun = time.process_time()
    lines = [encode_noted(record) for record in trail]
    written = time.process_time()
    read = [decode_noted(line) for line in lines]
    Policy(parse_notifications(settings_of(1), "benchmark.toml"), seed="b", trail=read)
    rebuilt = time.process_time()
    assert books(read).closes
    size = sum(map(len, lines)) / len(trail)
    print(
        f"trail: {len(trail)} records of {size:.0f} bytes; written in {written - begun:.2f} s, rebuilt in {rebuilt - written:.2f} s"
    )


if __name__ == "__main__":
    main()
