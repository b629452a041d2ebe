"""The books of a run: every outcome is entered once; the account is their balance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from ..model.account import LossClass, Outcome, State
from ..model.scenario import Expect
from . import outside


class Books:
    """Collects outcomes; keeps every lost fault, counts the rest."""

    def __init__(self, expectations: Mapping[str, Expect]) -> None:
        self._expectations = expectations
        self.states: Counter[State] = Counter()
        self.by_fault: dict[str, Counter[State]] = defaultdict(Counter)
        self.losses: dict[tuple[object, ...], list[Outcome]] = defaultdict(list)
        self.expected = self.captured = self.duplicates = self.wrong_level = self.open = 0

    def expects_capture(self, fault: str, effect: str) -> bool:
        """Whether monitoring must capture it: what the scenario promises, else every error."""
        promised = self._expectations.get(fault, Expect()).captured
        return effect in ("raise", outside.EFFECT) if promised is None else promised

    def wanted_level(self, fault: str) -> str | None:
        """The level its event must have; None: any."""
        return self._expectations.get(fault, Expect()).level

    def check_level(self, fault: str, level: str | None, count: int = 1) -> None:
        """Count events of another level than the promised one."""
        wanted = self.wanted_level(fault)
        # An event without a level is an error, by the protocol.
        if wanted is not None and (level or "error") != wanted:
            self.wrong_level += count

    def enter_captured(self, fault: str, effect: str, level: str | None, count: int) -> None:
        """Enter ``count`` faults at once that arrived once, in time: what nearly all of them do."""
        self.states[State.CAPTURED] += count
        self.by_fault[fault][State.CAPTURED] += count
        if self.expects_capture(fault, effect):
            self.expected += count
            self.captured += count
        self.check_level(fault, level, count)

    def enter(self, outcome: Outcome) -> None:
        """Enter one outcome, with all that is known of it."""
        self.states[outcome.state] += 1
        self.by_fault[outcome.fault][outcome.state] += 1
        arrived = outcome.state in (State.CAPTURED, State.DUPLICATE, State.MERGED)
        if outcome.expected and outcome.state is not State.NOT_REACHED:
            self.expected += 1
            self.captured += arrived
        if not arrived:
            key = (
                outcome.fault,
                outcome.state,
                outcome.reason,
                outcome.source,
                outcome.culprit,
                outcome.place,
                outcome.could_be,
            )
            self.losses[key].append(outcome)

    def loss_classes(self) -> tuple[LossClass, ...]:
        """What did not arrive, by cause, the most frequent first."""
        classes = [
            LossClass(
                fault=outcomes[0].fault,
                state=outcomes[0].state,
                reason=outcomes[0].reason,
                source=outcomes[0].source,
                culprit=outcomes[0].culprit,
                place=outcomes[0].place,
                count=len(outcomes),
                example=outcomes[0],
                fault_ids=tuple(outcome.fault_id for outcome in outcomes),
                could_be=outcomes[0].could_be,
            )
            for outcomes in self.losses.values()
        ]
        return tuple(sorted(classes, key=lambda loss: (-loss.count, loss.fault, loss.reason, loss.culprit)))
