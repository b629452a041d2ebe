"""Fields of issues. Sentry docs, "Issue Properties"; what an issue does not have itself is read from an event of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...model.monitored import Event, Issue
from .events import EVENT_FIELDS
from .reading import Getter, Row, tags_from

ISSUE_STATUSES: dict[str, tuple[str, ...]] = {
    "new": ("unresolved", "new", "for_review"),
    "ongoing": ("unresolved", "ongoing"),
    "regressed": ("unresolved", "regressed", "for_review"),
    "resolved": ("resolved",),
    "ignored": ("archived", "ignored", "muted"),
}
"""State of an issue → what ``is:`` finds it by."""


def fields_of_issue(issue: Issue, event: Event | None = None) -> Row:
    """The fields of ``issue``, and of ``event``, one of its events (the newest, as a rule)."""
    return Row(
        "issue",
        (issue, None if event is None else event.data),
        _ISSUE,
        tags_from(event.data) if event is not None else {},
        at=issue.last_seen,
        received_at=issue.last_seen if event is None else event.received_at,
        project=issue.project,
    )


def _of_issue(read: Callable[[Issue], object]) -> Getter:
    return lambda source: (read(source[0]),)


def _of_event(getter: Getter) -> Getter:
    def get(source: Any) -> Iterable[object]:
        return () if source[1] is None else getter(source[1])

    return get


_ISSUE: dict[str, Getter] = {name: _of_event(getter) for name, getter in EVENT_FIELDS.items()} | {
    "is": lambda source: (*ISSUE_STATUSES[source[0].state], "unassigned", "unlinked"),
    "status": _of_issue(lambda issue: ISSUE_STATUSES[issue.state][0]),
    "assigned": lambda source: (),
    "assigned_or_suggested": lambda source: (),
    "bookmarks": lambda source: (),
    "firstSeen": _of_issue(lambda issue: issue.first_seen),
    "age": _of_issue(lambda issue: issue.first_seen),
    "lastSeen": _of_issue(lambda issue: issue.last_seen),
    "firstRelease": _of_issue(lambda issue: issue.first_release or None),
    "first-release": _of_issue(lambda issue: issue.first_release or None),
    "timesSeen": _of_issue(lambda issue: issue.times_seen),
    "level": _of_issue(lambda issue: issue.level or None),
    "title": _of_issue(lambda issue: issue.title or None),
    "message": lambda source: (source[0].title or None, *_of_event(EVENT_FIELDS["message"])(source)),
    "culprit": _of_issue(lambda issue: issue.culprit or None),
    "issue": _of_issue(lambda issue: issue.number),
    "issue.category": lambda source: ("error",),
    "issue.type": lambda source: ("error",),
}
