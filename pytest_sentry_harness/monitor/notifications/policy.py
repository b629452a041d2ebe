"""From alerts to notifications that are due. Pure: the clock is what is handed in, sending is somebody else's.

For each alert and each channel that its route names, in this order: suppression, de-duplication, throttle, queue. All that is
decided becomes a record of the audit trail first, and state only through it (``State``): a policy made from the trail of
another goes on where that one ended. What a sender had in hand is due again then, so that a receiver may get it twice
but never not at all.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable

from ...errors import UsageError
from ...model.classified import Classified, Severity
from ...model.monitored import Alert
from ...model.notified import (
    Acknowledged,
    Action,
    Attempted,
    Dead,
    Delivered,
    Delivery,
    Escalated,
    Noted,
    Notice,
    Outcome,
    Raised,
    Resolved,
    Suppressed,
)
from .admission import Admission
from .backoff import pause
from .notice import clean, has_actions, incident_of, link_of, notice_of
from .recorder import Recorder
from .settings import Notifications, Route
from .state import Incident, Pending


class Policy:
    """Decides who is told of what, and when. Not safe for threads: whoever has several holds a lock.

    ``seed`` decides the pauses between tries and the ids of alerts. ``write`` gets each record before it counts; what it
    raises is passed on and the record does not count. Times must not go back. An alert costs O(routes + suppressions +
    log n), n being what is scheduled. What is kept grows with the alerts: some kilobytes each, and the records themselves (up to
    a hundred) with ``keep``, which whoever writes them elsewhere can do without.
    """

    def __init__(
        self,
        settings: Notifications,
        *,
        seed: str = "",
        write: Callable[[Noted], None] | None = None,
        trail: Iterable[Noted] = (),
        keep: bool = True,
        needs_actions: bool = False,
    ) -> None:
        """``needs_actions``: an alert of a rule that has no action in use tells nobody, as in Sentry, whatever the routes say."""
        self.settings = settings
        self._seed, self._needs_actions = seed, needs_actions
        self._recorder = Recorder(settings, seed, write, trail, keep=keep)
        self._admission = Admission(self._recorder)
        self._state, self._note = self._recorder.state, self._recorder.note

    @property
    def trail(self) -> list[Noted]:
        """All records, in their order; to be read only. Raises ``UsageError`` when they are not kept."""
        if self._recorder.trail is None:
            raise UsageError(
                "this policy keeps no trail", hint="read what it wrote, or make it with keep=True"
            )
        return self._recorder.trail

    def submit(
        self,
        alert: Alert,
        now: float,
        *,
        classified: Classified | None = None,
        severity: Severity | None = None,
        project: str = "",
        environment: str = "",
    ) -> str:
        """Take an alert, and give it an id (32 hex digits), by which deliveries and receivers name it.

        ``severity`` overrules that of ``classified`` and of the event; ``project`` and ``environment`` are those of an alert
        without an event.
        """
        notice = notice_of(
            alert, classified=classified, severity=severity, project=project, environment=environment
        )
        alert_id = self._recorder.new_id("alert")
        incident = incident_of(notice)
        resolves = notice.status == "resolved"
        acts = not self._needs_actions or has_actions(alert)
        self._note(
            Raised,
            now,
            alert_id,
            why=notice.because,
            incident=incident,
            opens=acts and not resolves and incident not in self._state.incidents,
            notice=notice,
        )
        targets = self._targets(notice) if acts else ()
        if not acts:
            why = "the rule has no action that is in use, so that Sentry tells nobody"
            self._note(Suppressed, now, alert_id, reason="no-action", why=why)
        elif not targets:
            self._note(Suppressed, now, alert_id, reason="no-route", why="no route matches it")
        self._admission.tell(alert_id, notice, targets, now)
        if resolves:
            queued = {name for name, _ in targets if f"{alert_id}.0.{name}" in self._state.pending}
            self._resolve(incident, now, "the rule", queued)
        return alert_id

    def due(self, now: float) -> tuple[Delivery, ...]:
        """Notifications to be sent now, the longest due first. Each is given out once, until it was reported or released."""
        state, found = self._state, []
        while state.agenda and state.agenda[0][0] <= now:
            _, _, kind, key, number = heapq.heappop(state.agenda)
            if kind == "escalation":
                self._escalate(key, number, now)
            elif kind == "summary":
                self._admission.summarise(key, now)
            else:
                pending = state.pending.get(key)
                if pending is None or pending.taken or pending.due_at > now:
                    continue
                if pending.channel not in self.settings.channels:  # after a restart with other settings
                    self._end(
                        Dead, pending, pending.attempts, now, f"no channel is called {pending.channel!r}"
                    )
                else:
                    pending.taken = True
                    found.append(self._delivery(pending))
        return tuple(found)

    def next_at(self) -> float | None:
        """When ``due`` should be asked next; None: there is nothing to wait for."""
        return self._state.agenda[0][0] if self._state.agenda else None

    def report(self, delivery_id: str, outcome: Outcome, now: float) -> bool:
        """How a try ended; whether it was one that was waited for (a second report about a delivery changes nothing)."""
        pending = self._state.pending.get(delivery_id)
        if pending is None or not pending.taken:
            return False
        attempt = pending.attempts + 1
        channel = self.settings.channels[pending.channel]
        again = not outcome.delivered and outcome.retry and attempt < channel.retry.tries
        wait = (
            pause(channel.retry, attempt, f"{self._seed}:{delivery_id}", outcome.retry_after)
            if again
            else 0.0
        )
        error = clean(outcome.error)
        self._note(
            Attempted,
            now,
            pending.alert_id,
            pending.channel,
            why=f"try {attempt} of {channel.retry.tries}",
            delivery_id=delivery_id,
            attempt=attempt,
            status=outcome.status,
            error="" if outcome.delivered else error or "it failed without a word",
            seconds=outcome.seconds,
            next_at=now + wait if again else None,
        )
        if outcome.delivered:
            self._end(Delivered, pending, attempt, now, "the receiver took it")
        elif not again:
            last = "it was the last try" if outcome.retry else "another try cannot help"
            self._end(Dead, pending, attempt, now, f"{last}: {error}")
        return True

    def release(self, delivery_id: str, now: float) -> None:
        """A sender gives back what it did not try: it is due again at once. No try is counted."""
        pending = self._state.pending.get(delivery_id)
        if pending is not None and pending.taken:
            pending.taken = False
            self._state.schedule(now, "delivery", delivery_id)

    def acknowledge(self, incident: str, now: float, by: str = "") -> bool:
        """Somebody takes care of it: no more escalations. False when it is not open, or acknowledged already."""
        found = self._state.incidents.get(incident)
        if found is None or found.state != "triggered":
            return False
        by = clean(by)
        self._note(
            Acknowledged,
            now,
            found.alert_id,
            why=f"acknowledged by {by or 'somebody'}",
            incident=incident,
            by=by,
        )
        self._follow_up(found, "acknowledge", now, set())
        return True

    def resolve(self, incident: str, now: float, by: str = "") -> bool:
        """It is over. False when it is not open."""
        return self._resolve(incident, now, clean(by) or "somebody", set())

    def incidents(self) -> dict[str, Incident]:
        """The open incidents, by their keys."""
        return dict(self._state.incidents)

    def pending(self) -> tuple[Pending, ...]:
        """Notifications whose end is not known yet."""
        return tuple(self._state.pending.values())

    def summaries(self) -> dict[str, float]:
        """Channels whose throttle holds notifications back, and when each tells of them in one."""
        return {name: held.summary_at for name, held in self._state.held.items()}

    def _targets(self, notice: Notice) -> tuple[tuple[str, Route], ...]:
        """Channels that are told by a route, each once, with the route that named it first."""
        found: dict[str, Route] = {}
        for route in self.settings.routes:
            if route.match(notice):
                for name in route.channels:
                    found.setdefault(name, route)
                if not route.goes_on:
                    break
        return tuple(found.items())

    def _escalate(self, key: str, number: int, now: float) -> None:
        incident = self._state.incidents.get(key)
        if incident is None or number > len(self.settings.escalations) or number in incident.escalated:
            return
        escalation = self.settings.escalations[number - 1]
        # An entry of an incident of the same key that was resolved meanwhile comes too early for this one.
        if incident.state != "triggered" or now < incident.opened_at + escalation.after:
            return
        self._note(
            Escalated,
            now,
            incident.alert_id,
            why=f"nobody acknowledged it in {escalation.after:g} s",
            incident=key,
            step=number,
        )
        self._admission.tell_next(incident.alert_id, escalation.channels, number, now)

    def _resolve(self, key: str, now: float, by: str, routed: set[str]) -> bool:
        incident = self._state.incidents.get(key)
        if incident is None:
            return False
        self._note(Resolved, now, incident.alert_id, why=f"resolved by {by}", incident=key, by=by)
        self._follow_up(incident, "resolve", now, routed)
        return True

    def _follow_up(self, incident: Incident, action: Action, now: float, but: set[str]) -> None:
        """Tell those that keep incidents themselves, when they were told of this one."""
        for name in incident.told:
            channel = self.settings.channels.get(name)
            if channel is not None and channel.kind == "pagerduty" and name not in but:
                self._admission.queue(
                    incident.alert_id,
                    name,
                    incident.key,
                    now,
                    action=action,
                    why=f"it was told to {name} before",
                )

    def _delivery(self, pending: Pending) -> Delivery:
        notice = self._state.notices[pending.alert_id]
        return Delivery(
            delivery_id=pending.delivery_id,
            alert_id=pending.alert_id,
            channel=pending.channel,
            incident=pending.incident,
            action=pending.action,
            attempt=pending.attempts + 1,
            step=pending.step,
            url=link_of(self.settings, notice, pending.alert_id),
            notice=notice,
        )

    def _end(
        self, kind: type[Delivered] | type[Dead], pending: Pending, attempts: int, now: float, why: str
    ) -> None:
        self._note(
            kind,
            now,
            pending.alert_id,
            pending.channel,
            why=clean(why),
            delivery_id=pending.delivery_id,
            attempts=attempts,
        )
