"""What playing one plan came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..model.account import Account, LossClass, State
from ..report.lines import advice, could_be_line, printable, short_path
from .plan import Plan

_LOST = (State.EXPLAINED, State.UNEXPLAINED_LOSS, State.LATE)
_NOT_A_LOSS = ("no_event_expected",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One plan, played: what became of exactly its faults."""

    plan: Plan
    account: Account
    """Closed: ``injected`` is the sum of its states, and as many faults as the plan asked for."""
    statuses: tuple[int, ...]
    """HTTP status of each answer; 0: none."""
    seconds: float
    """From the first request until everything was known."""
    open: int = 0
    """Faults without an event for which nothing more came in all the time granted: still unexplained."""
    target_ended: str = ""
    """How the target ended meanwhile; empty: it runs."""
    trouble: tuple[str, ...] = ()
    """What the agent says went wrong with itself."""

    @property
    def lost(self) -> tuple[LossClass, ...]:
        """The faults that promise an event and have none, or a late one."""
        return tuple(
            loss
            for loss in self.account.losses
            if loss.state in _LOST and loss.reason not in _NOT_A_LOSS and loss.example.expected
        )

    @property
    def unexplained(self) -> int:
        """Faults that were lost without any evidence of where."""
        return self.account.states.get(State.UNEXPLAINED_LOSS, 0)

    def __str__(self) -> str:
        states = ", ".join(
            f"{count} {state.value.replace('_', ' ')}"
            for state, count in self.account.states.items()
            if count
        )
        lines = [f"{self.account.injected} faults in {self.seconds:.2f} s: {states or 'none'}"]
        lines += [f"  {loss_text(loss)}" for loss in self.lost]
        return "\n".join(lines)


class LostEventError(AssertionError):
    """A plan lost an event. The message says which and why, and how to play the plan again.

    ``scenario`` is the file that does; None when no file can tell what happened.
    """

    def __init__(self, played: Played, scenario: Path | None) -> None:
        self.played = played
        self.scenario = scenario
        many = sum(loss.count for loss in played.lost)
        lines = [f"{many} of {played.account.injected} faults lost their event:"]
        lines += [f"  {loss_text(loss)}" for loss in played.lost]
        lines += [f"  {note}" for note in played.trouble]
        if scenario is not None:
            lines.append(f"play it again: sentry-harness gate {short_path(str(scenario))}")
        super().__init__("\n".join(lines))


def loss_text(loss: LossClass) -> str:
    """A class of losses in one line."""
    parts = [f"{loss.count} x {loss.fault}: {loss.state.value.replace('_', ' ')}"]
    parts += [part for part in (loss.reason, loss.culprit, could_be_line(loss.could_be)) if part]
    if loss.place is not None:
        parts.append(f"at {short_path(loss.place.file)}:{loss.place.line}")
    hint = advice(loss.reason)
    return printable(", ".join(parts) + (f"; {hint}" if hint else ""))
