"""How fast patterns are found over issues, and how that grows with events, issues and facets; and how fast events are classified.

    python benchmarks/patterns.py [--events 50000]

Times are processor time. The last column shows whether it is linear: microseconds per event and facet.
"""

from __future__ import annotations

import argparse
import random
import time

from pytest_sentry_harness.monitor.classification import classify
from pytest_sentry_harness.monitor.patterns import Row, find_patterns

KINDS = (
    ("psycopg", "OperationalError", "server closed the connection"),
    ("httpx", "HTTPStatusError", "Server error '503 Service Unavailable' for url 'http://x'"),
    ("shop.errors", "OrderFailed", "order 7 of customer 12 could not be placed"),
    (None, "KeyError", "'price'"),
)


def rows(events: int, issues: int, facets: int, values: int, seed: int = 7) -> list[Row]:
    """Events whose facets say nothing, but for every tenth issue, which comes from one release."""
    draw = random.Random(seed)
    made: list[Row] = []
    for _ in range(events):
        issue = draw.randrange(issues)
        found = [(f"tags[{number}]", str(draw.randrange(values))) for number in range(facets - 1)]
        found.append(
            ("release", "2.0" if issue % 10 == 0 and draw.random() < 0.8 else f"1.{draw.randrange(9)}")
        )
        made.append((issue, found))
    return made


def classified_per_second(seconds: float = 0.5) -> float:
    """Events with an exception and forty frames."""
    frames = [{"module": f"shop.m{number}", "in_app": True, "function": "f"} for number in range(40)]
    events = [
        {
            "exception": {
                "values": [{"module": module, "type": name, "value": text, "stacktrace": {"frames": frames}}]
            }
        }
        for module, name, text in KINDS
    ]
    done, begin = 0, time.process_time()
    while time.process_time() - begin < seconds:
        for event in events:
            classify(event)
        done += len(events)
    return done / (time.process_time() - begin)


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    options = parser.parse_args()
    print(" events  issues  facets  values   seconds  compared  found  us/(event x facet)")
    for events, issues, facets, values in (
        (options.events // 4, 100, 10, 20),
        (options.events // 2, 100, 10, 20),
        (options.events, 100, 10, 20),
        (options.events, 1000, 10, 20),
        (options.events, 100, 20, 20),
        (options.events, 100, 10, 20_000),
    ):
        made = rows(events, issues, facets, values)
        begin = time.process_time()
        found = find_patterns(made, most=10_000)
        spent = time.process_time() - begin
        print(
            f"{events:7} {issues:7} {facets:7} {values:7} {spent:9.2f} {found.compared:9} {len(found.findings):6} "
            f"{spent / events / facets * 1e6:10.2f}"
        )
    print(f"{classified_per_second():,.0f} events classified per second")


if __name__ == "__main__":
    main()
