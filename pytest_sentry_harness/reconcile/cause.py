"""The cause of one loss, as all who look for it word it."""

from __future__ import annotations

from typing import NamedTuple

from ..model.account import State
from ..model.ledger import Place


class Cause(NamedTuple):
    """Where and why a fault was lost, and who says so."""

    state: State
    reason: str = ""
    source: str = ""
    culprit: str = ""
    place: Place | None = None
    event_id: str | None = None
    could_be: tuple[str, ...] = ()
    """What the evidence cannot tell apart: it was one of these."""
