"""What a test's report says: properties as plain text, which reach JUnit and a pytest-xdist controller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from .findings import Findings

PREFIX = "sentry_harness."
COUNTS = ("injected", "fired", "captured", "lost")
_MOST_LOSSES = 20


def properties_of(findings: Findings, injected: int, snapshots: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Properties of a unit test: ``injected`` faults it asked for, ``snapshots`` it wrote."""
    from ..report.lines import printable
    from .explain import loss_lines

    account = findings.account
    values = {
        "injected": injected,
        "fired": account.fired,
        "captured": account.captured,
        "lost": findings.lost,
    }
    losses = [printable(line) for line in loss_lines(findings)[:_MOST_LOSSES]]
    return [
        *((f"{PREFIX}{name}", str(count)) for name, count in values.items()),
        *((f"{PREFIX}loss", line) for line in losses),
        *((f"{PREFIX}snapshot", path) for path in snapshots),
    ]


@dataclass(slots=True)
class Totals:
    """Added up over the test reports of a session, on whichever process they were made."""

    tests: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    verdicts: list[str] = field(default_factory=list)
    losses: list[tuple[str, str]] = field(default_factory=list)
    """``(node id, line)`` of tests that failed."""
    snapshots: list[str] = field(default_factory=list)
    """Files that were written."""

    def add(self, nodeid: str, properties: Iterable[tuple[str, object]], *, failed: bool) -> None:
        """Take in the properties of one test."""
        own = [
            (name.removeprefix(PREFIX), str(value)) for name, value in properties if name.startswith(PREFIX)
        ]
        if not own:
            return
        verdict = next((value for name, value in own if name == "verdict"), None)
        if verdict is None:
            self.tests += 1
        else:
            self.verdicts.append(verdict)
        for name, value in own:
            if name in COUNTS:
                self.counts[name] += int(value)
            elif name == "loss" and failed:
                self.losses.append((nodeid, value))
            elif name == "snapshot":
                self.snapshots.append(value)


def totals_of(stats: Mapping[str, Sequence[Any]]) -> Totals:
    """The totals of all reports a terminal reporter has seen."""
    failed = {report.nodeid for kind in ("failed", "error") for report in stats.get(kind, ())}
    # Of a test that was run again, the last run counts; of one that several pytest-xdist workers ran, each.
    last: dict[tuple[str, str], Any] = {}
    for reports in stats.values():
        for report in reports:
            if getattr(report, "when", None) == "teardown" and report.user_properties:
                key = (report.nodeid, str(getattr(report, "worker_id", "")))
                if key not in last or last[key].stop <= report.stop:
                    last[key] = report
    totals = Totals()
    for report in sorted(last.values(), key=lambda each: each.start):
        totals.add(report.nodeid, report.user_properties, failed=report.nodeid in failed)
    return totals


def write_summary(reporter: pytest.TerminalReporter, seed: int) -> None:
    """The block ``sentry-harness``, if anything of it was used. ``seed``: of unit tests."""
    totals = totals_of(reporter.stats)
    if not totals.tests and not totals.verdicts:
        return
    reporter.section("sentry-harness")
    if totals.tests:
        counts = ", ".join(f"{count} {name}" for name, count in totals.counts.items())
        reporter.write_line(
            f"{totals.tests} {'test' if totals.tests == 1 else 'tests'}; faults: {counts}; seed {seed}"
        )
    if totals.verdicts:
        shown = ", ".join(f"{totals.verdicts.count(v)} {v}" for v in dict.fromkeys(totals.verdicts))
        reporter.write_line(f"scenario criteria: {shown}")
    for nodeid, line in totals.losses[:_MOST_LOSSES]:
        reporter.write_line(f"{nodeid}: {line}")
    if len(totals.losses) > _MOST_LOSSES:
        reporter.write_line(f"and {len(totals.losses) - _MOST_LOSSES} other losses")
    for path in sorted(set(totals.snapshots)):
        reporter.write_line(f"snapshot written: {path}")
