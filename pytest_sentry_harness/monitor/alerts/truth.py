"""Checks to functions of a look: compiled once for each rule, called for each event."""

from __future__ import annotations

from collections.abc import Callable

from .checks import (
    AdoptedRelease,
    Age,
    Always,
    Assigned,
    Category,
    Check,
    LatestRelease,
    Level,
    Match,
    Occurrences,
    Priority,
    State,
)
from .look import Look
from .matching import matcher
from .releases import Releases

Holds = Callable[[Look], bool]


def holds_check(check: Check, releases: Releases, environment: str | None) -> Holds:
    """Whether a fast check is true. ``environment``: that of its rule."""
    match check:
        case Always():
            return lambda _look: True
        case State():
            return _STATES[check.name]
        case Age(older, seconds):
            if older:
                return lambda look: look.first_seen + seconds < look.now
            return lambda look: look.first_seen + seconds > look.now
        case Occurrences(value):
            return lambda look: look.times_seen >= value
        case Match():
            return holds_match(check)
        case Level():
            return _holds_level(check)
        case LatestRelease():
            return _holds_latest(releases, environment)
        case AdoptedRelease():
            return _holds_adopted(check, releases)
        case Category(category, included):
            return lambda look: (look.category == category) == included
        case Priority(least):
            return _holds_priority(least)
        case Assigned(to):
            return lambda _look: not to
    raise AssertionError(f"{check} is slow")


def holds_match(check: Match) -> Holds:
    """Whether a tag or an attribute of the event matches. Of issues of detectors there is no event."""
    found, key = matcher(check.match, check.value), check.key
    if check.source == "tag":
        key = key.lower()
        return lambda look: look.event is not None and found(look.tag(key))
    return lambda look: look.event is not None and found(look.attribute(key))


def _holds_level(check: Level) -> Holds:
    wanted = check.level
    if check.match == "eq":
        return lambda look: look.level == wanted
    if check.match == "gte":
        return lambda look: look.level is not None and look.level >= wanted
    return lambda look: look.level is not None and look.level <= wanted


def _holds_priority(least: int | None) -> Holds:
    if least is None:
        return lambda look: look.has_deescalated
    return lambda look: look.priority >= least


def _holds_latest(releases: Releases, environment: str | None) -> Holds:
    def holds(look: Look) -> bool:
        latest = releases.latest(look.project, environment)
        return bool(latest) and look.release.lower() == latest.lower()

    return holds


def _holds_adopted(check: AdoptedRelease, releases: Releases) -> Holds:
    def holds(look: Look) -> bool:
        adopted = releases.latest_adopted(look.project, check.environment)
        first = look.issue.first_release if look.issue is not None else ""
        own = first if check.oldest else look.release
        if not adopted or not own:
            return False
        older, newer = (own, adopted) if check.older else (adopted, own)
        return releases.is_newer(look.project, newer, older)

    return holds


def _new_high(look: Look) -> bool:
    return look.is_new and look.priority >= 75


def _existing_high(look: Look) -> bool:
    return not look.is_new and look.has_reappeared and look.priority >= 75


def _never(_look: Look) -> bool:
    return False


_STATES: dict[str, Holds] = {
    "first_seen": lambda look: look.is_new,
    "regression": lambda look: look.is_regression,
    "reappeared": lambda look: look.has_reappeared,
    "resolved": lambda look: look.is_resolved,
    "new_high": _new_high,
    "existing_high": _existing_high,
    "seer": _never,
}
