"""The criterion ``capture``: every fault that fired arrives as an event."""

from __future__ import annotations

from ..model.account import Account, State
from ..model.verdict import Measurement
from ..statistics import binomial_interval

_BY_FINDINGS = ("capture.retried", "capture.other_dropped", "capture.wrong_trace", "capture.foreign_data")


def measure(account: Account) -> dict[str, Measurement]:
    """All ``capture.*`` metrics of ``account``, by name."""
    low, high = binomial_interval(account.captured, account.expected)
    rate = Measurement(
        metric="capture.rate",
        value=account.captured / account.expected if account.expected else None,
        low=low if account.expected else None,
        high=high if account.expected else None,
        samples=account.expected,
        unit="ratio",
        note="" if account.expected else _nothing_fired(account),
    )
    counts = {
        "capture.unexplained": account.states.get(State.UNEXPLAINED_LOSS, 0),
        "capture.fired": account.expected,
        "capture.lost": account.expected - account.captured,
        "capture.duplicates": account.duplicates,
        "capture.late": account.states.get(State.LATE, 0),
        "capture.not_reached": account.states.get(State.NOT_REACHED, 0),
        "capture.wrong_level": account.wrong_level,
        "capture.unexpected": account.unexpected,
    } | {
        name: sum(finding.count for finding in account.findings if finding.metric == name)
        for name in _BY_FINDINGS
    }
    return {"capture.rate": rate} | {
        name: Measurement(
            metric=name,
            value=float(count),
            low=None,
            high=None,
            samples=account.expected,
            unit="count",
            exact=True,
        )
        for name, count in counts.items()
    }


def _nothing_fired(account: Account) -> str:
    if not account.injected:
        return (
            "no fault was asked for: the load made no request that a fault's `on` matches, or the script made no "
            "call of a fault's `at`"
        )
    if not account.fired:
        return "no fault fired: no request reached a fault point"
    return "no fault fired that should be captured"
