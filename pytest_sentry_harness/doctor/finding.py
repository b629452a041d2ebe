"""Findings: what is risky, why, on what evidence, and what to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from .evidence import Evidence


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """Errors are lost, now or at the next occasion."""
    WARNING = "warning"
    """Errors or context may be lost, or more is sent than should be."""
    INFO = "info"
    """Worth knowing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is risky."""

    severity: Severity
    what: str
    """Option and value, or what happened."""
    why: str
    """Why that is risky."""
    evidence: str
    """What was seen here that says so."""
    change: str
    """What to do about it."""
    place: str = ""
    """``file:line`` to look at first."""
    rule: str = ""
    """Name of the rule; filled in by the table."""


Rule = Callable[[Evidence], Finding | None]
