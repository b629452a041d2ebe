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


def properties_of(findings: Findings, injected: int) -> list[tuple[str, str]]:
    """Properties of a unit test. ``injected`` is the number of faults it asked for."""
    from .explain import loss_lines

    account = findings.account
    values = {
        "injected": injected,
        "fired": account.fired,
        "captured": account.captured,
        "lost": findings.lost,
    }
    losses = loss_lines(findings)[:_MOST_LOSSES]
    return [
        *((f"{PREFIX}{name}", str(count)) for name, count in values.items()),
        *((f"{PREFIX}loss", line) for line in losses),
    ]


@dataclass(slots=True)
class Totals:
    """Added up over the test reports of a session, on whichever process they were made."""

    tests: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    verdicts: list[str] = field(default_factory=list)
    losses: list[tuple[str, str]] = field(default_factory=list)
    """``(node id, line)`` of tests that failed."""

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


def totals_of(stats: Mapping[str, Sequence[Any]]) -> Totals:
    """The totals of all reports a terminal reporter has seen."""
    failed = {report.nodeid for kind in ("failed", "error") for report in stats.get(kind, ())}
    totals = Totals()
    for reports in stats.values():
        for report in reports:
            if getattr(report, "when", None) == "teardown" and report.user_properties:
                totals.add(report.nodeid, report.user_properties, failed=report.nodeid in failed)
    return totals


def write_summary(reporter: pytest.TerminalReporter) -> None:
    """The block ``sentry-harness``, if anything of it was used."""
    totals = totals_of(reporter.stats)
    if not totals.tests and not totals.verdicts:
        return
    reporter.section("sentry-harness")
    if totals.tests:
        counts = ", ".join(f"{count} {name}" for name, count in totals.counts.items())
        reporter.write_line(f"{totals.tests} {'test' if totals.tests == 1 else 'tests'}; faults: {counts}")
    if totals.verdicts:
        shown = ", ".join(f"{totals.verdicts.count(v)} {v}" for v in dict.fromkeys(totals.verdicts))
        reporter.write_line(f"scenario criteria: {shown}")
    for nodeid, line in totals.losses[:_MOST_LOSSES]:
        reporter.write_line(f"{nodeid}: {line}")
    if len(totals.losses) > _MOST_LOSSES:
        reporter.write_line(f"and {len(totals.losses) - _MOST_LOSSES} other losses")
