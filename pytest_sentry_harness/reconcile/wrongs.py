"""What is wrong with what monitoring told, counted by cause."""

from __future__ import annotations

from ..model.account import Finding, Outcome, State
from ..model.ledger import Place
from ..protocol.spans import TransactionTold
from .attribution import Seen


class Findings:
    """Findings in the making, put together by cause."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str, str, Place | None], tuple[int, Outcome]] = {}

    def add(
        self,
        metric: str,
        subject: str,
        reason: str,
        culprit: str,
        place: Place | None = None,
        *,
        transaction: Seen | TransactionTold | None = None,
        trace_id: str | None = None,
    ) -> None:
        """Count one more of a kind; the first is the example. ``subject``: the operation, or the planted queries."""
        key = metric, subject, reason, culprit, place
        example = Outcome(
            fault_id=subject,
            fault=subject,
            state=State.EXPLAINED,
            trace_id=transaction.trace_id if transaction else trace_id,
            event_id=transaction.event_id if transaction else None,
        )
        count, first = self._found.get(key, (0, example))
        self._found[key] = count + 1, first

    def all(self) -> tuple[Finding, ...]:
        """All of them by metric, the most frequent first."""
        made = [
            Finding(
                metric=metric,
                fault=subject,
                reason=reason,
                source="spans",
                culprit=culprit,
                place=place,
                count=count,
                example=example,
            )
            for (metric, subject, reason, culprit, place), (count, example) in self._found.items()
        ]
        return tuple(sorted(made, key=lambda finding: (finding.metric, -finding.count)))
