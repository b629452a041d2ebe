"""Is the latency of an alert measured as long as it is, and charged to the right leg? Planted delays in each leg.

    python benchmarks/alert_latency.py

Seven whole runs of ``scenarios/alerting-legs.toml``, three at a time, about a minute and a half in all. One has no delay at all. For
each delay one has it in four legs, each in the way of another alert, and one has it before issues, where all alerts have to
pass. Planted are: ``received``, an SDK that holds its envelopes back; ``issue``, a backlog; ``rule``, a rule that counts and decides
late; ``sent``, a receiver that answers 503 with Retry-After, once; ``delivered``, a receiver that reads slowly.

``off`` is how much longer than in the run without a delay the leg was, less what was planted; ``others`` the farthest that any
other leg of the same alert was from that run. Both must stay within 0.2 s, else the exit code is 1.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.plan.scenario import load_scenario

SCENARIO = Path(__file__).resolve().parent.parent / "scenarios" / "alerting-legs.toml"
DELAYS = (2, 12, 45)
"""Seconds."""
CARRIERS = {"received": "held", "issue": "plain", "rule": "counted", "sent": "retried", "delivered": "slow"}
"""Which alert is delayed in which leg."""
WITHIN = 0.2
Legs = dict[str, float]


@dataclass(frozen=True, slots=True)
class Planted:
    """What one run plants, in seconds."""

    backlog: int = 0
    elsewhere: int = 0

    def text(self, scenario: str) -> str:
        """The scenario with these delays in place of its own."""
        own, other = f"{self.backlog}s", f"{self.elsewhere}s"
        changes = {
            'HOLD = "2"': f'HOLD = "{self.elsewhere}"',
            'ingest = "2s", slow_after = "2s"': f'ingest = "{own}", slow_after = "{other}"',
            "status = 503\nretry_after = 2": (
                f"status = 503\nretry_after = {self.elsewhere}" if self.elsewhere else "status = 200"
            ),
            'takes = "2s"': f'takes = "{other}"' if self.elsewhere else "status = 200",
            '"alerting_rules/': f'"{SCENARIO.parent}/alerting_rules/',
            'ready = "/health"': f'ready = "/health"\ncwd = "{SCENARIO.parent}"',
        }
        for old, new in changes.items():
            if old not in scenario:
                raise SystemExit(f"{SCENARIO.name} has no {old!r} any more: this program has to follow it")
            scenario = scenario.replace(old, new)
        return scenario


def main() -> int:
    """Make the runs and show the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=3, help="runs at a time")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    longest_first = sorted(DELAYS, reverse=True)
    plans = [plan for d in longest_first for plan in (Planted(elsewhere=d), Planted(backlog=d))] + [Planted()]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(arguments.jobs) as pool:
        found = dict(zip(plans, pool.map(lambda plan: measured(plan, Path(folder)), plans), strict=True))
    good = show(found)
    print(f"\n{len(plans)} runs in {time.perf_counter() - begun:.0f} s")
    return 0 if good else 1


def measured(plan: Planted, folder: Path) -> dict[str, Legs]:
    """The legs of each alert of a run, by rule."""
    path = folder / f"backlog-{plan.backlog}-elsewhere-{plan.elsewhere}.toml"
    path.write_text(plan.text(SCENARIO.read_text(encoding="utf-8")), encoding="utf-8")
    document = run_scenario(load_scenario(path), runs=folder / "runs")
    assert document.alerting is not None
    legs = {row.rule: row.legs for row in document.alerting.table}
    lost = [rule for rule in CARRIERS.values() if legs.get(rule) is None]
    if lost:
        raise SystemExit(f"{path.name}: no alert by {', '.join(lost)} ({document.verdict})")
    return {rule: asdict(each) for rule, each in legs.items() if each is not None}


def show(found: dict[Planted, dict[str, Legs]]) -> bool:
    """Print a row for each leg and delay; whether all of them are within bounds."""
    base = found[Planted()]
    print("| leg | planted | measured | off | others |\n|---|---|---|---|---|")
    good = True
    for leg, rule in CARRIERS.items():
        for delay in (0, *DELAYS):
            plan = Planted(backlog=delay) if leg == "issue" else Planted(elsewhere=delay)
            legs = found[plan][rule]
            off = legs[leg] - base[rule][leg] - delay
            others = max((legs[name] - base[rule][name] for name in legs if name != leg), key=abs)
            print(f"| {leg} | {delay} s | {legs[leg]:.3f} s | {off:+.3f} s | {others:+.3f} s |")
            good = good and abs(off) <= WITHIN and abs(others) <= WITHIN
    return good


if __name__ == "__main__":
    raise SystemExit(main())
