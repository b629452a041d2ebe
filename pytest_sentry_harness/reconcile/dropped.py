"""Losses of faults that the SDK saw and did not send: by a hook, an option, or a failure of its own."""

from __future__ import annotations

from typing import NamedTuple

from ..model.account import State
from ..model.ledger import Place
from .cause import Cause
from .evidence import Evidence, place_of
from .set_up import SetUp, never_initialised


class _Drop(NamedTuple):
    stage: str
    reason: str
    culprit: str
    place: Place | None


def dropped_by_sdk(evidence: Evidence, fault_id: str, set_up: SetUp | None) -> Cause | None:
    """What inside the SDK decided not to send the event of ``fault_id``, if anything did."""
    drops: dict[_Drop, str | None] = {}
    question = (
        "SELECT stage, reason, culprit, place, error, event_id FROM dropped WHERE fault_id = ? ORDER BY rowid"
    )
    for stage, reason, culprit, place, error, event_id in evidence.ask(question, fault_id):
        if error and reason != "internal_sdk_error":
            # The message of an error may hold data of the one event; its type is what the losses share.
            culprit = f"{culprit} raised {_type_in(error)}"
        elif error:
            culprit = f"{culprit}: {_type_in(error)}"
        drops.setdefault(_Drop(stage, reason, culprit, place_of(place)), event_id)
    if not drops:
        return None
    first, *others = drops
    if first.reason in ("no_dsn", "not_initialised") and set_up is not None:
        if set_up.before:
            return set_up.no_dsn(drops[first])
        if not set_up.inits:
            return never_initialised(set_up.process, evidence.summary)
        return set_up.late(drops[first])
    reason = "dedupe" if first.stage == "dedupe" else first.reason
    # A later report of the same exception was another chance, and is worth a word on why it was none.
    chances = [
        f"then {other.culprit}" for other in others if other.culprit and other.culprit != first.culprit
    ]
    culprit = "; ".join([first.culprit, *chances])
    place = first.place
    if (
        place is None
        and first.stage in ("sampling", "ignore_errors")
        and set_up is not None
        and set_up.in_force
    ):
        place = set_up.in_force.place  # an option without a callable: where it was given
    return Cause(State.EXPLAINED, reason, "sdk", culprit, place, drops[first])


def _type_in(error: object) -> str:
    return str(error).partition(":")[0]
