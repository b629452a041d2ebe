"""Events through grouping and issues, per second; and how it grows with rules and with issues.

    python benchmarks/grouping.py --events 2000

An event here has an exception with a cause and 50 frames, 12 of them in-app, as a web framework gives. ``known stacks``
come from 50 places in the code, over and over; ``new stacks`` differ each time, so that nothing can be looked up.
Processor time, of one core; parsing the JSON is not counted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

from pytest_sentry_harness.model.monitored import Event
from pytest_sentry_harness.monitor.grouping import GroupingConfig, Labelled, group, quality
from pytest_sentry_harness.monitor.issues import Issues

FRAMES, IN_APP, PLACES = 50, 12, 50


def frames(place: int, count: int) -> list[dict[str, Any]]:
    """A stack trace that ends at ``place``."""
    found = []
    for number in range(count):
        in_app = number >= count - IN_APP
        package = "shop" if in_app else "framework"
        found.append(
            {
                "function": f"step_{number}_{place if number == count - 1 else 0}",
                "module": f"{package}.module_{number}",
                "filename": f"{package}/module_{number}.py",
                "abs_path": f"/srv/app/{'' if in_app else 'site-packages/'}{package}/module_{number}.py",
                "context_line": f"        return self.step_{number + 1}(request, order, *args)",
                "lineno": 10 + number,
                "in_app": in_app,
            }
        )
    return found


def error_event(number: int, place: int) -> dict[str, Any]:
    """An exception with its cause."""
    values = [
        {
            "type": "TimeoutError",
            "value": f"no answer after {number}ms",
            "stacktrace": {"frames": frames(place, 20)},
        },
        {
            "type": "ShopError",
            "value": f"order {number}",
            "stacktrace": {"frames": frames(place, FRAMES - 20)},
        },
    ]
    return {"platform": "python", "exception": {"values": values}, "transaction": "/orders", "level": "error"}


def message_event(number: int) -> dict[str, Any]:
    """A message with what loggers put into it."""
    return {
        "platform": "python",
        "logger": "shop",
        "message": f"order {number} of 10.0.0.{number % 250} refused after {number}ms, id=8f14e45f-ceea-467f-9c3d-{number:012x}",
    }


def rate(events: Sequence[dict[str, Any]], config: GroupingConfig) -> float:
    """Events per second of processor time, after the first ones."""
    for data in events[:PLACES]:
        group(data, config)
    events = events[PLACES:]
    began = time.process_time()
    for data in events:
        group(data, config)
    return len(events) / (time.process_time() - began)


def see_rate(issues: Issues, first: int, count: int, *, new: bool) -> float:
    """Events per second through ``issues``; ``new``: each makes an issue of its own."""
    events = [
        Event(
            cursor=number,
            received_at=float(number),
            project="1",
            event_id=f"{number:032x}",
            data={"fingerprint": [f"issue-{number if new else number % len(issues)}"], "message": "lost"},
        )
        for number in range(first, first + count)
    ]
    began = time.process_time()
    for event in events:
        issues.see(event)
    return count / (time.process_time() - began)


def main() -> None:
    """Print one line per figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--issues", type=int, default=100_000)
    arguments = parser.parse_args()
    count = arguments.events
    known = [error_event(number, number % PLACES) for number in range(count)]
    new = [error_event(number, number) for number in range(count)]
    texts = [message_event(number) for number in range(count)]
    for name, events in (("known stacks", known), ("new stacks", new), ("messages", texts)):
        print(f"{name:28}  {rate(events, GroupingConfig.parse()):10,.0f} events/s")
    for rules in (10, 100, 1000):
        text = "\n".join(
            f"error.type:Never{number} stack.function:never_{number}* -> never-{number}"
            if number % 2
            else f"stack.module:never_{number}.* app:yes -> never-{number}"
            for number in range(rules)
        )
        print(
            f"{f'known stacks, {rules} rules':28}  {rate(known[:500], GroupingConfig.parse(text)):10,.0f} events/s"
        )
    issues = Issues()
    see_rate(issues, 0, 100, new=True)
    while len(issues) < arguments.issues:
        first = len(issues)
        made = see_rate(issues, first, 9 * first, new=True)
        again = see_rate(issues, 0, count, new=False)
        print(f"{f'among {len(issues):,} issues':28}  {again:10,.0f} events/s  ({made:,.0f} new issues/s)")
    labelled = [
        Labelled(
            label=str(number % 50),
            group=number % 60,
            event_id="",
            grouping=group(known[0], GroupingConfig.parse()),
        )
        for number in range(200)
    ] * 500
    began = time.process_time()
    quality(labelled)
    print(f"{'precision and recall':28}  {len(labelled) / (time.process_time() - began):10,.0f} events/s")


if __name__ == "__main__":
    main()
