"""Checks that can have one outcome only, whatever comes."""

from __future__ import annotations

from .checks import LEVELS, Age, Always, Assigned, Category, Check, Level, Match, Occurrences, Priority, State
from .matching import NEVER

LEAST_LEVEL, MOST_LEVEL = 10, 50
"""Events come as ``debug`` to ``fatal``: ``sample`` is a level for rules that no SDK sends."""


def constant(check: Check) -> bool | None:
    """The only outcome ``check`` can have; None when it can have both. Rules decide about issues of errors."""
    if isinstance(check, Always):
        return True
    if isinstance(check, State):
        return False if check.name in ("resolved", "seer") else None
    if isinstance(check, Occurrences):
        return True if check.value <= 1 else None
    if isinstance(check, Match):
        return _of_match(check)
    if isinstance(check, Level):
        return _of_level(check)
    if isinstance(check, Age):
        return False if check.seconds == 0 and not check.older else None
    if isinstance(check, Category):
        return (check.value == 1) == check.included
    if isinstance(check, Assigned):
        return not check.to
    if isinstance(check, Priority):
        return False if check.least is None else True if check.least <= 25 else None
    return None


def why_constant(check: Check) -> str:
    """Why ``check`` is always false, for people."""
    if isinstance(check, Match):
        if check.match in NEVER:
            return f"{check.match} compares levels and releases only, never attributes or tags"
        if check.key == "error.main_thread":
            return "Sentry does not evaluate error.main_thread"
        if not check.value:
            return "an empty value is never matched"
        return f"{check.key} is true or false"
    if isinstance(check, Level):
        return f"no event has the level {LEVELS[check.level]}"
    if isinstance(check, Age):
        return "no issue is newer than now"
    if isinstance(check, Category):
        return "events of errors make issues of category error"
    if isinstance(check, Assigned):
        return "issues are never assigned here"
    if isinstance(check, Priority):
        return "only issues of detectors de-escalate"
    if isinstance(check, State) and check.name == "resolved":
        return "no event resolves an issue: only issues of detectors are seen to resolve"
    return "Seer is not part of this"


def _of_match(check: Match) -> bool | None:
    if check.match in ("is", "ns"):
        if check.key == "error.main_thread" and check.source == "attribute":
            return check.match == "ns"
        return None
    if not check.value or check.match in NEVER:
        return False
    if check.source == "attribute" and check.key == "error.main_thread":
        return check.match in ("ne", "nsw", "new", "nc", "nin")
    if (
        check.source == "attribute"
        and check.key in ("error.handled", "error.unhandled")
        and check.match == "eq"
    ):
        return None if check.value.lower() in ("true", "false") else False
    return None


def _of_level(check: Level) -> bool | None:
    if check.match == "eq":
        return None if LEAST_LEVEL <= check.level <= MOST_LEVEL else False
    if check.match == "gte":
        return True if check.level <= LEAST_LEVEL else None
    return True if check.level >= MOST_LEVEL else (False if check.level < LEAST_LEVEL else None)
