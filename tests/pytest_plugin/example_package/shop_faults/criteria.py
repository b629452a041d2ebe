"""A criterion of the shop: what was done was traced."""

from __future__ import annotations

from pytest_sentry_harness.model.extensions import Criterion, Evidence
from pytest_sentry_harness.model.metrics import Metric
from pytest_sentry_harness.model.verdict import Measurement


def measure(evidence: Evidence) -> dict[str, Measurement]:
    """Transactions that arrived, and how many there are for each fault that fired."""
    count = evidence.arrivals.get("transaction", {}).get("accepted", 0)
    fired = evidence.account.fired
    return {
        "tracing.transactions": Measurement(
            metric="tracing.transactions",
            value=float(count),
            low=None,
            high=None,
            samples=count,
            unit="count",
            exact=True,
        ),
        "tracing.share": Measurement(
            metric="tracing.share",
            value=min(1.0, count / fired) if fired else None,
            low=None,
            high=None,
            samples=fired,
            unit="ratio",
            note="" if fired else "no fault fired",
        ),
    }


TRACING = Criterion(
    name="tracing",
    promise="every order is traced",
    metrics=(
        Metric(name="tracing.transactions", criterion="tracing", unit="count", default_gate=">= 1"),
        Metric(name="tracing.share", criterion="tracing", unit="ratio", default_gate=None),
    ),
    measure=measure,
)
