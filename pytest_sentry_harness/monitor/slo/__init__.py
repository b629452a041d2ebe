"""Service level objectives: error budgets and multi-window, multi-burn-rate alerts. Pure over requests and a clock that is given.

After The Site Reliability Workbook (Beyer et al., 2018), chapters 2 and 5: ``objective`` reads what users write,
``burn`` counts.
"""

from __future__ import annotations

from .burn import Budget, Burn, BurnState, Standing, Track, burn_alerts
from .objective import DEFAULT_RULES, BurnRule, Objective, Objectives, parse_objectives, warnings_of

__all__ = [
    "DEFAULT_RULES",
    "Budget",
    "Burn",
    "BurnRule",
    "BurnState",
    "Objective",
    "Objectives",
    "Standing",
    "Track",
    "burn_alerts",
    "parse_objectives",
    "warnings_of",
]
