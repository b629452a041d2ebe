"""Every metric there is, with its default gate. Unknown names in a scenario are refused before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A named number over evidence."""

    name: str
    criterion: str
    unit: Literal["ratio", "count", "seconds"]
    default_gate: str | None
    """Applied when the scenario gives none for this metric; None: shown, not judged."""
    guards: bool = False
    """The gate asks whether there is enough evidence: not meeting it is *inconclusive*, not *fail*."""
    meaning: str = ""


PROMISES: dict[str, str] = {"capture": "100 % error capture"}
"""The promise each criterion judges."""

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="capture.rate",
            criterion="capture",
            unit="ratio",
            default_gate=">= 100%",
            meaning="share of the fired faults that arrived as an event, in time",
        ),
        Metric(
            name="capture.unexplained",
            criterion="capture",
            unit="count",
            default_gate="= 0",
            meaning="faults that were lost without any evidence of where",
        ),
        Metric(
            name="capture.fired",
            criterion="capture",
            unit="count",
            # Zero losses in 72 bound the true loss rate below 5 % with 95 % confidence.
            default_gate=">= 72",
            guards=True,
            meaning="faults that fired and should be captured: the sample",
        ),
        Metric(
            name="capture.lost",
            criterion="capture",
            unit="count",
            default_gate=None,
            meaning="faults that should be captured and were not",
        ),
        Metric(
            name="capture.duplicates",
            criterion="capture",
            unit="count",
            default_gate=None,
            meaning="events that arrived beyond the first for their fault",
        ),
        Metric(
            name="capture.late",
            criterion="capture",
            unit="count",
            default_gate=None,
            meaning="events that arrived, but after the time the scenario grants",
        ),
        Metric(
            name="capture.not_reached",
            criterion="capture",
            unit="count",
            default_gate=None,
            meaning="faults that were asked for and never fired",
        ),
        Metric(
            name="capture.wrong_level",
            criterion="capture",
            unit="count",
            default_gate="= 0",
            meaning="captured faults whose event has another level than the scenario expects",
        ),
        Metric(
            name="capture.unexpected",
            criterion="capture",
            unit="count",
            default_gate=None,
            meaning="error events that belong to no fault",
        ),
        Metric(
            name="capture.retried",
            criterion="capture",
            unit="count",
            default_gate=None,
            meaning="events beyond the first for one point that failed again and again in one request",
        ),
        Metric(
            name="capture.other_dropped",
            criterion="capture",
            unit="count",
            default_gate=None,
            meaning="transactions, spans, logs and other items, errors excepted, that the SDK counted as dropped",
        ),
        Metric(
            name="capture.wrong_trace",
            criterion="capture",
            unit="count",
            default_gate=None,
            meaning="captured faults whose event carries another trace id than the request that provoked them",
        ),
        Metric(
            name="capture.foreign_data",
            criterion="capture",
            unit="count",
            default_gate=None,
            meaning="captured faults whose event has data of another request in tags, user, breadcrumbs or the like",
        ),
    )
}
