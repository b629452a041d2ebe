"""Synthetic issues: what happens in a test, in the order of time, as the evaluator is to see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from ...model.monitored import Component, Event, Grouping, Issue, IssueState, Seen
from .model import ALIGNED, Case, EventSeries, SessionSeries, StateChange, TransactionSeries

_PROJECT = "1"


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happens; ``what`` is a payload, or a state change."""

    at: float
    """Seconds since the epoch."""
    kind: Literal["event", "session", "transaction", "change"]
    what: Any
    issue: str = ""


def happenings(case: Case) -> list[Happening]:
    """Everything up to the end of the test; of one moment changes come first, events last."""
    found = [Happening(ALIGNED + change.at, "change", change) for change in case.changes]
    for sessions in case.sessions:
        found += _of_sessions(sessions, case.interval)
    for transactions in case.transactions:
        found += _of_transactions(transactions, case.interval)
    for events in case.events:
        found += _of_events(events, case.interval)
    end = ALIGNED + case.until
    found = [happening for happening in found if happening.at <= end]
    found.sort(key=lambda happening: happening.at)
    return found


def _of_events(series: EventSeries, interval: float) -> Iterator[Happening]:
    number = 0
    payloads: list[Any] = [series.data]
    if series.users:
        payloads = [{**series.data, "user": {"id": str(user + 1)}} for user in range(series.users)]
    for step, count in enumerate(series.counts):
        start = ALIGNED + series.start + step * interval
        for each in range(int(count)):
            at = start + (each * interval / count if series.spread else 0.0)
            yield Happening(at, "event", payloads[number % len(payloads)], series.issue)
            number += 1


def _of_sessions(series: SessionSeries, interval: float) -> Iterator[Happening]:
    attrs = {"release": series.release, "environment": series.environment}
    for step in range(max(map(len, series.counts.values()))):
        ended = {end: int(values[step]) for end, values in series.counts.items() if step < len(values)}
        if any(ended.values()):
            # Without ``started`` they count from when they arrive.
            yield Happening(
                ALIGNED + series.start + step * interval, "session", {"attrs": attrs, "aggregates": [ended]}
            )


def _of_transactions(series: TransactionSeries, interval: float) -> Iterator[Happening]:
    number = 0
    for step, count in enumerate(series.counts):
        at = ALIGNED + series.start + step * interval
        took = series.durations[min(step, len(series.durations) - 1)] / 1000
        data = {**series.data, "start_timestamp": at - took, "timestamp": at}
        for _ in range(int(count)):
            user = {"user": {"id": str(number % series.users + 1)}} if series.users else {}
            yield Happening(at, "transaction", {**data, **user})
            number += 1


class Stage:
    """The issues of one test, and how their states follow events and changes."""

    def __init__(self) -> None:
        self._issues: dict[str, Issue] = {}
        self._groupings: dict[str, Grouping] = {}
        self._ignored_until: dict[str, int] = {}
        self._cursor = 0

    def change(self, change: StateChange) -> None:
        """Somebody changes the state of an issue. One that was not seen yet has none."""
        issue = self._issues.get(change.issue)
        if issue is None:
            return
        state: IssueState = "ongoing" if change.to == "unresolved" else change.to
        self._issues[change.issue] = replace(issue, state=state)
        self._ignored_until.pop(change.issue, None)
        if change.until_events:
            self._ignored_until[change.issue] = issue.times_seen + change.until_events

    def event(self, name: str, data: Any, at: float) -> Seen:
        """An event of issue ``name``."""
        self._cursor += 1
        event = Event(
            cursor=self._cursor, received_at=at, project=_PROJECT, event_id=f"{self._cursor:032x}", data=data
        )
        known = self._issues.get(name)
        regressed = known is not None and known.state == "resolved"
        until = self._ignored_until.get(name)
        back = (
            known is not None and known.state == "ignored" and until is not None and known.times_seen >= until
        )
        if known is None:
            issue = self._new(name, data, at)
            self._groupings[name] = Grouping(
                hashes=(issue.hash,),
                variant="custom-fingerprint",
                title=name,
                culprit=issue.culprit,
                components=(Component(what="fingerprint", text=name, contributes=True),),
            )
        else:
            state: IssueState = (
                "regressed" if regressed else "ongoing" if back or known.state == "new" else known.state
            )
            issue = _again(known, state, at)
        if back:
            del self._ignored_until[name]
        self._issues[name] = issue
        return Seen(
            event=event,
            issue=issue,
            grouping=self._groupings[name],
            is_new=known is None,
            is_regression=regressed,
            has_reappeared=back,
        )

    def _new(self, name: str, data: Any, at: float) -> Issue:
        return Issue(
            number=len(self._issues) + 1,
            project=_PROJECT,
            hash=f"{len(self._issues) + 1:032x}",
            title=name,
            culprit=str(data.get("transaction", "")),
            level=str(data.get("level", "error")),
            state="new",
            first_seen=at,
            last_seen=at,
            times_seen=1,
            first_release=str(data.get("release", "")),
        )


def _again(issue: Issue, state: IssueState, at: float) -> Issue:
    """``issue``, seen once more. Written out: ``replace`` takes three times as long, and this is for each event."""
    return Issue(
        number=issue.number,
        project=issue.project,
        hash=issue.hash,
        title=issue.title,
        culprit=issue.culprit,
        level=issue.level,
        state=state,
        first_seen=issue.first_seen,
        last_seen=at,
        times_seen=issue.times_seen + 1,
        first_release=issue.first_release,
    )
