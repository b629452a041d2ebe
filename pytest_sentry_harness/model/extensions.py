"""What a project adds of its own: fault kinds and criteria. Handed on with the scenario, from reading it to judging it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .account import Account
from .metrics import METRICS, PROMISES, Metric
from .verdict import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """A kind of fault beside ``raise``, ``sleep`` and the others."""

    name: str
    path: str
    """``package.module:Class`` of its effect, which the agent imports in the target."""
    folder: str
    """Where that package is found, should the target not find it by itself."""
    check: Callable[[Any], object]
    """Takes a term (``plan.terms.Term``). Raises ``TermError`` when its arguments are not valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a criterion of one's own may look at."""

    account: Account
    """What became of every fault."""
    arrivals: Mapping[str, Mapping[str, int]]
    """Envelope items by type and server outcome, as in ``{"transaction": {"accepted": 12}}``."""
    folder: Path
    """The run's folder: ledger and store can be read there, but not changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A criterion beside ``capture``. It judges the scenarios whose gates name one of its metrics."""

    name: str
    promise: str
    """What monitoring promises, in a few words."""
    metrics: tuple[Metric, ...]
    """Their names begin with the criterion's: ``name.what``."""
    measure: Callable[[Evidence], Mapping[str, Measurement]]
    """A pure function that measures every one of ``metrics``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """All that was added. Empty for whoever adds nothing."""

    kinds: tuple[FaultKind, ...] = ()
    criteria: tuple[Criterion, ...] = ()

    @property
    def kinds_by_name(self) -> dict[str, FaultKind]:
        """The own kinds."""
        return {kind.name: kind for kind in self.kinds}

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every metric there is, ours and own."""
        own = {metric.name: metric for criterion in self.criteria for metric in criterion.metrics}
        return METRICS | own

    @property
    def promises(self) -> dict[str, str]:
        """The promise of every criterion there is, ours and own."""
        return PROMISES | {criterion.name: criterion.promise for criterion in self.criteria}


NO_EXTENSIONS = Extensions()
