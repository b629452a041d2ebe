"""The way into a channel: suppression, de-duplication, throttle, queue, in this order; each way it can end is on record."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.classified import SEVERITIES
from ...model.notified import Action, Lifted, Notice, Queued, Summarised, Suppressed, Throttled
from .notice import clean, incident_of
from .recorder import Recorder
from .settings import Route
from .state import Held
from .suppressing import acts, ended_by, reason_of

_MOST_RULES = 20


class Admission:
    """Decides for one notification after the other whether it is sent. The decisions of a ``Policy``."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._settings = recorder.settings

    def tell(self, alert_id: str, notice: Notice, targets: Iterable[tuple[str, Route]], now: float) -> None:
        """Tell the channels of ``targets`` of a new alert, each with the route that named it."""
        blocks = self._suppressions(alert_id, notice, now)
        counted: set[str] = set()
        for name, route in targets:
            if self._is_suppressed(alert_id, notice, name, blocks, counted, now):
                continue
            key = _key(notice, route) if route.deduplicate else ""
            before = self._recorder.state.last_accepted(name, key, now) if key else None
            if before is not None:
                self._recorder.note(
                    Suppressed,
                    now,
                    alert_id,
                    name,
                    reason="duplicate",
                    why=f"the same went there {now - before:g} s ago, within {route.deduplicate:g} s",
                )
                continue
            self._admit(alert_id, notice, name, now, step=0, key=key, window=route.deduplicate)

    def tell_next(self, alert_id: str, channels: Iterable[str], step: int, now: float) -> None:
        """Tell the channels of an escalation of an alert that was not acknowledged."""
        notice = self._recorder.state.notices[alert_id]
        blocks = self._suppressions(alert_id, notice, now)
        for name in channels:
            if not self._is_suppressed(alert_id, notice, name, blocks, None, now, step=step):
                self._admit(alert_id, notice, name, now, step=step)

    def _suppressions(self, alert_id: str, notice: Notice, now: float) -> list[int]:
        """Positions of the suppressions that act on this alert; those that it ends are lifted."""
        found = []
        for index, suppression in enumerate(self._settings.suppressions):
            standing = self._recorder.state.standings[suppression.name]
            if not acts(suppression, standing, notice, now):
                continue
            over = ended_by(suppression, standing, notice)
            if over:
                self._recorder.note(Lifted, now, alert_id, why=over, by=suppression.name)
            else:
                found.append(index)
        return found

    def _is_suppressed(
        self,
        alert_id: str,
        notice: Notice,
        channel: str,
        blocks: list[int],
        counted: set[str] | None,
        now: float,
        *,
        step: int = 0,
    ) -> bool:
        """``counted``: suppressions that this alert counts for already; None: it does not count."""
        for index in blocks:
            suppression = self._settings.suppressions[index]
            if suppression.channels and channel not in suppression.channels:
                continue
            self._recorder.note(
                Suppressed,
                now,
                alert_id,
                channel,
                reason=reason_of(suppression),
                why=f"{suppression.name} says so",
                step=step,
                by=suppression.name,
                release=notice.release,
                counts=counted is not None and suppression.name not in counted,
            )
            if counted is not None:
                counted.add(suppression.name)
            return True
        return False

    def _admit(
        self,
        alert_id: str,
        notice: Notice,
        channel: str,
        now: float,
        *,
        step: int,
        key: str = "",
        window: float = 0.0,
    ) -> None:
        """Queue a notification, unless the throttle of the channel holds it back."""
        if self._recorder.state.room_at(channel, now) <= now:
            self.summarise(channel, now)  # what was held back for a window comes first
        if self._recorder.state.room_at(channel, now) > now:
            throttle = self._settings.channels[channel].throttle
            assert throttle is not None
            self._recorder.note(
                Throttled,
                now,
                alert_id,
                channel,
                why=f"{throttle.most} went there within {throttle.window:g} s",
                step=step,
                rule=notice.rule,
                severity=notice.severity,
            )
            return
        self.queue(alert_id, channel, incident_of(notice), now, step=step, key=key, window=window)

    def queue(
        self,
        alert_id: str,
        channel: str,
        incident: str,
        now: float,
        *,
        action: Action = "trigger",
        step: int = 0,
        key: str = "",
        window: float = 0.0,
        why: str = "",
    ) -> None:
        """Put a notification on record as one to be sent."""
        part = f"{step}" if action == "trigger" else action
        notice = self._recorder.state.notices[alert_id]
        if action == "trigger" and notice.status == "resolved":
            action = "resolve"
        self._recorder.note(
            Queued,
            now,
            alert_id,
            channel,
            why=why or (f"escalation {step}" if step else "a route names it"),
            delivery_id=f"{alert_id}.{part}.{channel}",
            incident=incident,
            action=action,
            step=step,
            key=key,
            window=window,
        )

    def summarise(self, channel: str, now: float) -> None:
        """Tell of what was held back, when it is time and there is room."""
        held = self._recorder.state.held.get(channel)
        if held is None or now < held.summary_at:
            return
        room = self._recorder.state.room_at(channel, now)
        if room > now:
            self._recorder.state.schedule(room, "summary", channel)
            return
        alert_id = self._recorder.new_id("summary")
        incident = f"summary/{channel}/{alert_id}"
        self._recorder.note(
            Summarised,
            now,
            alert_id,
            channel,
            why=f"{held.count} notifications were held back",
            held=held.count,
            incident=incident,
            notice=_summary(held, now),
        )
        self.queue(alert_id, channel, incident, now, why="tells of what was held back")


def _key(notice: Notice, route: Route) -> str:
    """What makes duplicates of two alerts; another status is always news."""
    parts = [str(getattr(notice, part)) for part in route.by]
    if "issue" in route.by:
        parts.append(notice.project)  # issues are numbered in each project
    return "\x1f".join((*parts, notice.status))


def _summary(held: Held, now: float) -> Notice:
    rules = sorted(held.rules.items(), key=lambda entry: (-entry[1], entry[0]))
    listed = ", ".join(f"{rule} ({count})" for rule, count in rules[:_MOST_RULES])
    more = f" and {len(rules) - _MOST_RULES} other rules" if len(rules) > _MOST_RULES else ""
    plural = "notification was" if held.count == 1 else "notifications were"
    return Notice(
        rule=rules[0][0] if len(rules) == 1 else "several rules",
        rule_index=0,
        kind="summary",
        status="triggered",
        at=now,
        because=clean(f"the channel is throttled; held back were: {listed}{more}", 2000),
        severity=next(name for name in SEVERITIES if name in held.severities),
        category="unknown",
        title=f"{held.count} more {plural} held back",
        level="info",
    )
