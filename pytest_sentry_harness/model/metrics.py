"""Every metric there is, with its default gate. Unknown names in a scenario are refused before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A named number over evidence."""

    name: str
    criterion: str
    unit: Literal["ratio", "count", "seconds", "change", "bytes"]
    """``change``: a relative difference, which may be negative, or above 100 %."""
    default_gate: str | None
    """Applied when the scenario gives none for this metric; None: shown, not judged."""
    guards: bool = False
    """The gate asks whether there is enough evidence: not meeting it is *inconclusive*, not *fail*."""
    meaning: str = ""


PROMISES: dict[str, str] = {
    "capture": "100 % error capture",
    "timing": "timings accurate to 100 ms",
    "profiling": "slow operations found",
    "noise": "> 80 % noise reduction",
    "overhead": "less than 5 % overhead",
    "load": "the service bears the load",
}
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
        Metric(
            name="timing.error.p50",
            criterion="timing",
            unit="seconds",
            default_gate=None,
            meaning="half of the reported durations are off by at most this much",
        ),
        Metric(
            name="timing.error.p95",
            criterion="timing",
            unit="seconds",
            default_gate=None,
            meaning="95 % of the reported durations are off by at most this much",
        ),
        Metric(
            name="timing.error.p99",
            criterion="timing",
            unit="seconds",
            default_gate="< 100ms",
            meaning="99 % of the reported durations are off by at most this much",
        ),
        Metric(
            name="timing.error.max",
            criterion="timing",
            unit="seconds",
            default_gate=None,
            meaning="the reported duration that is off the most is off by this much",
        ),
        Metric(
            name="timing.bias",
            criterion="timing",
            unit="seconds",
            default_gate=None,
            meaning="median of reported minus true duration, without its sign: too little told is as wrong as too much",
        ),
        Metric(
            name="timing.start.p99",
            criterion="timing",
            unit="seconds",
            default_gate="< 100ms",
            meaning="99 % of the reported starts are off by at most this much",
        ),
        Metric(
            name="timing.unmatched",
            criterion="timing",
            unit="count",
            default_gate="= 0",
            meaning="measured durations that should have been reported, and that no report can be held against",
        ),
        Metric(
            name="timing.missampled",
            criterion="timing",
            unit="count",
            default_gate="= 0",
            meaning="traces that were sampled, or left out, against what their sample_rand demands",
        ),
        Metric(
            name="timing.measured",
            criterion="timing",
            unit="count",
            # Fewer cannot bound the 95 % quantile from above; the 99 % quantile says itself what it needs.
            default_gate=">= 72",
            guards=True,
            meaning="measured durations that should have been reported: the sample",
        ),
        Metric(
            name="profiling.attributed",
            criterion="profiling",
            unit="ratio",
            default_gate=">= 100%",
            meaning="share of the slow calls whose time is in the right span, on the right route",
        ),
        Metric(
            name="profiling.n_plus_one.missed",
            criterion="profiling",
            unit="count",
            default_gate="= 0",
            meaning="transactions in which declared N+1 queries were not found, or without their line",
        ),
        Metric(
            name="profiling.n_plus_one.false",
            criterion="profiling",
            unit="count",
            default_gate="= 0",
            meaning="transactions with N+1 queries that the scenario does not declare",
        ),
        Metric(
            name="profiling.profiled",
            criterion="profiling",
            unit="ratio",
            default_gate=None,
            meaning="share of the transactions of at least `slow` that came with a profile",
        ),
        Metric(
            name="profiling.top",
            criterion="profiling",
            unit="ratio",
            default_gate=">= 100%",
            meaning="share of the profiled slow calls that computed, whose function is on top of the profile",
        ),
        Metric(
            name="profiling.uninstrumented",
            criterion="profiling",
            unit="count",
            default_gate="= 0",
            meaning="libraries in use that leave no span because their integration is off",
        ),
        Metric(
            name="profiling.operations",
            criterion="profiling",
            unit="count",
            default_gate=">= 20",
            guards=True,
            meaning="slow calls: the sample",
        ),
        Metric(
            name="noise.reduction",
            criterion="noise",
            unit="ratio",
            default_gate="> 80%",
            meaning="how many fewer issues than events of faults: 1 - issues / events",
        ),
        Metric(
            name="noise.merged",
            criterion="noise",
            unit="count",
            default_gate="= 0",
            meaning="root causes that share an issue with another one",
        ),
        Metric(
            name="noise.split",
            criterion="noise",
            unit="count",
            default_gate="= 0",
            meaning="root causes whose events are spread over several issues",
        ),
        Metric(
            name="noise.precision",
            criterion="noise",
            unit="ratio",
            default_gate=None,
            meaning="of all pairs of events in one issue, the share that have one root cause",
        ),
        Metric(
            name="noise.recall",
            criterion="noise",
            unit="ratio",
            default_gate=None,
            meaning="of all pairs of events with one root cause, the share that are in one issue",
        ),
        Metric(
            name="noise.duplicates",
            criterion="noise",
            unit="count",
            default_gate=None,
            meaning="events beyond the first of one root cause in one request",
        ),
        Metric(
            name="noise.category_wrong",
            criterion="noise",
            unit="count",
            default_gate="= 0",
            meaning="events that are classified as another category than the scenario expects",
        ),
        Metric(
            name="noise.severity_wrong",
            criterion="noise",
            unit="count",
            default_gate="= 0",
            meaning="events that are classified as another severity than the scenario expects",
        ),
        Metric(
            name="noise.causes",
            criterion="noise",
            unit="count",
            # With one root cause nothing can be merged, and one event cannot be split.
            default_gate=">= 2",
            guards=True,
            meaning="root causes with two events or more: the sample",
        ),
        Metric(
            name="overhead.cpu",
            criterion="overhead",
            unit="change",
            default_gate="< 5%",
            meaning="more CPU time for a request with Sentry than without, of the dearest kind",
        ),
        Metric(
            name="overhead.instructions",
            criterion="overhead",
            unit="change",
            # With ``--count instructions`` the gate on overhead.cpu is asked of it.
            default_gate=None,
            meaning="more instructions for a request with Sentry than without, of the dearest kind; counted instead of time",
        ),
        Metric(
            name="overhead.latency.p50",
            criterion="overhead",
            unit="change",
            default_gate="< 5%",
            meaning="longer median time to an answer with Sentry, of the dearest kind",
        ),
        Metric(
            name="overhead.latency.p99",
            criterion="overhead",
            unit="change",
            default_gate=None,
            meaning="longer time within which 99 % are answered with Sentry, of the dearest kind",
        ),
        Metric(
            name="overhead.throughput",
            criterion="overhead",
            unit="change",
            default_gate=None,
            meaning="fewer requests a second with Sentry for a client that sends one after the other, of the dearest kind",
        ),
        Metric(
            name="overhead.memory",
            criterion="overhead",
            unit="bytes",
            default_gate=None,
            meaning="more memory held with Sentry",
        ),
        Metric(
            name="overhead.dropped",
            criterion="overhead",
            unit="count",
            default_gate="= 0",
            meaning="items that the SDK dropped, or that never arrived, while its cost was measured",
        ),
        Metric(
            name="load.latency.p50",
            criterion="load",
            unit="seconds",
            default_gate=None,
            meaning="half of the requests were answered within this time",
        ),
        Metric(
            name="load.latency.p95",
            criterion="load",
            unit="seconds",
            default_gate=None,
            meaning="95 % of the requests were answered within this time",
        ),
        Metric(
            name="load.latency.p99",
            criterion="load",
            unit="seconds",
            default_gate=None,
            meaning="99 % of the requests were answered within this time",
        ),
        Metric(
            name="load.failed",
            criterion="load",
            unit="ratio",
            # Answers that fail at once make every percentile of the latency better.
            default_gate="<= 0%",
            meaning="share of the requests without a fault that were answered 500 or above, 429, or not at all",
        ),
        Metric(
            name="load.memory_growth",
            criterion="load",
            unit="bytes",
            default_gate=None,
            meaning="memory that the target's processes gain in a minute",
        ),
    )
}
