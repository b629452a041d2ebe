"""The live monitor: how long from an event's arrival to its issue, to the rule's decision, to the receiver; and what it costs.

    python benchmarks/live_monitor.py [--rates 2 500] [--seconds 10]

A real error envelope (``payload.py``), each time with an event id of its own; ten a second are the first of a new issue and alert (all, at
lower rates). The load is sent over one connection after the other's answer, at most so many a second.
``answer`` is how long the server took to acknowledge, with the monitor following and, in the second line, without one.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import re
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from pytest_sentry_harness.channels.lines import read_receipts, read_trail
from pytest_sentry_harness.channels.receivers import HttpReceiver
from pytest_sentry_harness.channels.redirect import BUILT_IN
from pytest_sentry_harness.model.notified import Raised
from pytest_sentry_harness.monitoring.config import MonitorConfig, write_config
from pytest_sentry_harness.monitoring.notes import ISSUES, TRAIL, read_ending, read_puts
from pytest_sentry_harness.server.client import EmbeddedServer
from pytest_sentry_harness.statistics.quantiles import quantile
from pytest_sentry_harness.store.contents import read_contents
from pytest_sentry_harness.store.digest import raw_of
from pytest_sentry_harness.store.reader import open_store

HERE = Path(__file__).resolve().parent
ALERTS = 10
"""A second."""
SECRET = "benchmark"
RULES = [
    {
        "name": "new issue",
        "actionMatch": "any",
        "filterMatch": "all",
        "frequency": 5,
        "conditions": [{"id": "sentry.rules.conditions.first_seen_event.FirstSeenEventCondition"}],
        "filters": [],
        "actions": [{"id": "sentry.mail.actions.NotifyEmailAction", "targetType": "IssueOwners"}],
    }
]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rates", type=int, nargs="+", default=[2, 500], help="events a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    event = template()
    print(f"an event of {len(event)} bytes")
    for rate in arguments.rates:
        for follows in (True, False):
            with tempfile.TemporaryDirectory() as folder:
                measure(Path(folder), event, rate, int(rate * arguments.seconds), follows)
    return 0


def measure(folder: Path, event: bytes, rate: int, count: int, follows: bool) -> None:
    """One rate, with a monitor that follows or without one."""
    receipts = folder / "receipts.jsonl"
    with (
        EmbeddedServer.start(folder / "store") as server,
        server.client() as client,
        HttpReceiver(receipts, secret=SECRET) as receiver,
    ):
        project = client.create_project("live")
        monitor = start_monitor(folder, receiver.port) if follows else None
        answers, late = drive(server.port, project.project_id, project.public_key, event, rate, count)
        took = sorted(answers)
        name = "with the monitor" if monitor else "without"
        print(
            f"{rate}/s {name}: {count} events, answer p50 {1000 * quantile(took, 0.5):.1f} ms "
            f"p99 {1000 * quantile(took, 0.99):.1f} ms, {late} sent over 10 ms late"
        )
        if monitor is not None:
            begun = time.perf_counter()
            monitor.terminate()
            monitor.wait(120)
            print(
                f"  ended {time.perf_counter() - begun:.2f} s after SIGTERM: {read_ending(folder / 'ending.json')}"
            )
            show(folder, receipts)


def show(folder: Path, receipts: Path) -> None:
    """The legs."""
    puts = list(read_puts(folder / ISSUES))
    by_event = {put.event_id: put for put in puts}
    raised = {each.alert_id: each for each in read_trail(folder / TRAIL) if isinstance(each, Raised)}
    taken = [(receipt, raised[receipt.alert_id]) for receipt in read_receipts(receipts)]
    legs = {
        "arrival to issue": [put.at - put.received_at for put in puts],
        "issue to decision": [each.at - by_event[each.notice.event_id].at for each in raised.values()],
        "decision to receipt": [receipt.at - each.at for receipt, each in taken],
        "arrival to receipt": [
            receipt.at - by_event[each.notice.event_id].received_at for receipt, each in taken
        ],
    }
    for name, values in legs.items():
        values.sort()
        print(
            f"  {name:20} n={len(values):5} p50 {1000 * quantile(values, 0.5):7.1f} ms "
            f"p99 {1000 * quantile(values, 0.99):7.1f} ms max {1000 * values[-1]:7.1f} ms"
        )


def start_monitor(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """A monitor that follows the store in ``folder``."""
    rules = folder / "alerts.json"
    rules.write_text(json.dumps(RULES), encoding="utf-8")
    config = MonitorConfig(
        store=str(folder / "store"),
        folder=str(folder),
        seed="benchmark",
        rules=(str(rules),),
        ports={BUILT_IN: port},
        secrets={BUILT_IN: SECRET},
    )
    write_config(config, folder / "monitor.json")
    command = [sys.executable, "-m", "pytest_sentry_harness.monitoring", str(folder / "monitor.json")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def drive(port: int, project: str, key: str, event: bytes, rate: int, count: int) -> tuple[list[float], int]:
    """Send them one by one; how long each answer took, and how many were sent late."""
    bodies = [body_of(event, number // max(rate // ALERTS, 1)) for number in range(count)]
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {
        "Content-Type": "application/x-sentry-envelope",
        "Content-Encoding": "gzip",
        "X-Sentry-Auth": f"Sentry sentry_key={key}, sentry_version=7",
    }
    answers, late = [], 0
    begun = time.perf_counter()
    for number, body in enumerate(bodies):
        due = begun + number / rate
        if (wait := due - time.perf_counter()) > 0:
            time.sleep(wait)
        sent = time.perf_counter()
        late += sent - due > 0.01
        connection.request("POST", f"/api/{project}/envelope/", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"answered {answer.status}")
        answers.append(time.perf_counter() - sent)
    return answers, late


def body_of(event: bytes, issue: int) -> bytes:
    """An envelope with that event, of an issue of that number."""
    event_id = uuid.uuid4().hex
    changed = re.sub(rb'"event_id":\s*"[0-9a-f]{32}"', f'"event_id":"{event_id}"'.encode(), event, count=1)
    changed = changed[:1] + f'"fingerprint":["{issue}"],'.encode() + changed[1:]
    head = f'{{"event_id":"{event_id}"}}\n{{"type":"event","length":{len(changed)}}}\n'.encode()
    return gzip.compress(head + changed + b"\n", 1)


def template() -> bytes:
    """The JSON of a real event."""
    with tempfile.TemporaryDirectory() as folder:
        with EmbeddedServer.start(Path(folder)) as server, server.client() as client:
            project = client.create_project("payload")
            command = [sys.executable, str(HERE / "payload.py"), project.dsn]
            subprocess.run(command, check=True, capture_output=True)
        with open_store(Path(folder)) as store:
            for arrival in store.arrivals(item_type="event"):
                parts = read_contents(raw_of(store.request(arrival.request))).parts()
                return bytes(parts[arrival.position].payload)
    raise SystemExit("no event came")


if __name__ == "__main__":
    raise SystemExit(main())
