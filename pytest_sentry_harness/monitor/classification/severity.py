"""How urgent an event is, by what is built in: a start that the level gives, then steps up and down, each with its reason.

The start is Sentry's: "High: ... such as ERROR and FATAL events; Medium: ... WARNING events; Low: ... DEBUG and INFO events", with
handling and kind of error as further factors (docs.sentry.io, "Issue Priority"); ``fatal`` starts one higher, at critical, for
which Sentry's priority has no word and PagerDuty's events do ("PD-CEF": critical, error, warning, info).
"""

from __future__ import annotations

from ...model.classified import SEVERITIES, Category, Severity
from ...model.monitored import Component
from .facts import Facts, Raised
from .plain_types import UNREACHABLE

_START: dict[str, Severity] = {
    "fatal": "critical",
    "error": "high",
    "warning": "medium",
    "info": "low",
    "debug": "low",
}
_CALLERS: frozenset[Category] = frozenset(("validation", "authentication", "authorization", "rate_limit"))
_WIDE: frozenset[Category] = frozenset(("resource", "configuration"))

PAGERDUTY: dict[Severity, str] = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}
"""The severities of PagerDuty's events (PagerDuty developer docs, "PD-CEF")."""


def find_severity(
    facts: Facts, category: Category, decided: Raised | None
) -> tuple[Severity, tuple[Component, ...]]:
    """The severity and its steps. ``decided``: the exception that gave the category, if one did."""
    start = _START[facts.level]
    why = [Component(what="level", text=facts.level, contributes=True, why=f"starts at {start}")]
    place = SEVERITIES.index(start)

    def step(by: int, what: str, text: str, reason: str) -> None:
        nonlocal place
        moved = min(max(place + by, 0), len(SEVERITIES) - 1)
        change = (
            f"{reason}: {SEVERITIES[moved]}" if moved != place else f"{reason}: stays {SEVERITIES[place]}"
        )
        why.append(Component(what=what, text=text, contributes=moved != place, why=change))
        place = moved

    unhandled = facts.handled is False
    if facts.handled is True and facts.level == "error":
        step(+1, "mechanism", "handled", "the application handled it")
    if category in _WIDE and not facts.handled:
        step(-1, "category", category, "what it lacks, other requests lack too")
    if (
        category == "database"
        and not facts.handled
        and decided is not None
        and decided.type.rpartition(".")[2] in UNREACHABLE
    ):
        step(-1, "type", decided.name, "the database is away for everybody")
    if facts.status is not None and 400 <= facts.status <= 499:
        step(max(0, 2 - place), "status", str(facts.status), "the answer blames the caller")
    if category in _CALLERS and not unhandled:
        step(+1, "category", category, "the caller can put it right")
    return SEVERITIES[place], tuple(why)
