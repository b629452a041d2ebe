"""Whether a suppression acts on an alert now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ...model.notified import Notice, Reason
from .settings import QuietHours, Suppression


@dataclass(slots=True)
class Standing:
    """What a suppression has met so far."""

    count: int = 0
    release: str = ""
    """The first it met."""
    lifted: bool = False


def acts(suppression: Suppression, standing: Standing, notice: Notice, now: float) -> bool:
    """Whether it applies to ``notice`` now, as far as matching and time go."""
    return (
        not standing.lifted
        and suppression.match(notice)
        and (suppression.since is None or now >= suppression.since)
        and (suppression.until is None or now < suppression.until)
        and (suppression.quiet is None or is_quiet(suppression.quiet, now))
    )


def ended_by(suppression: Suppression, standing: Standing, notice: Notice) -> str:
    """Why ``notice`` is one that it does not suppress any more; empty: it still does."""
    if suppression.until_count is not None and standing.count >= suppression.until_count:
        return f"it has suppressed {standing.count} alerts, as many as until_count says"
    if (
        suppression.until_release
        and standing.release
        and notice.release
        and notice.release != standing.release
    ):
        return f"release {notice.release!r} is another than {standing.release!r}"
    return ""


def reason_of(suppression: Suppression) -> Reason:
    """The word for it."""
    return "muted" if suppression.quiet is None else "quiet-hours"


def is_quiet(hours: QuietHours, now: float) -> bool:
    """Whether ``now`` lies in them, by the clocks on the wall of their zone; the end itself is not quiet any more."""
    local = datetime.fromtimestamp(now, hours.zone)
    today, clock = local.weekday(), local.time()
    if hours.start < hours.end:
        return today in hours.days and hours.start <= clock < hours.end
    if clock >= hours.start:
        return today in hours.days
    yesterday = (local.date() - timedelta(days=1)).weekday()
    return clock < hours.end and yesterday in hours.days
