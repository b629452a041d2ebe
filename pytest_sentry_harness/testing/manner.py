"""How a rig plays, and what its plans came to together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..model.account import State
from .plan import Send

Fresh = Literal["when_needed", "each_plan"]


@dataclass(slots=True)
class Tally:
    """All plans of a rig together."""

    plans: int = 0
    restarts: int = 0
    """How often the target was started anew."""
    injected: int = 0
    states: Counter[State] = field(default_factory=Counter)
    seconds: float = 0.0
    """Spent on playing, restarts not counted."""
    strays: list[str] = field(default_factory=list)
    """Ids of faults that fired, or were reported, when their plan was over; with ``linger`` they are waited for."""


@dataclass(slots=True, kw_only=True)
class Manner:
    """How a rig plays."""

    fresh: Fresh = "when_needed"
    before_each: Send | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    patience: float = 5.0
    """Seconds without news after which what has not come is called lost, while the link behaves."""
    linger: float = 0.0
    """Seconds to wait for faults that may be met after the target is done with the request."""
