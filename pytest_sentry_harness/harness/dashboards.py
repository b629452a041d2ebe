"""Reads dashboards, and from a run's folder what the criterion ``dashboards`` holds them against."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..criteria.dashboards_account import Loaded, account_of
from ..criteria.dashboards_held import meant_by
from ..criteria.dashboards_known import FaultKnown, Known, RequestsKnown
from ..errors import EvidenceError, ProtocolError, RulesError, ScenarioError
from ..model.account import Account, State
from ..model.arrival import Arrival
from ..model.dashboards import DashboardsInfo
from ..model.monitored import Event, Issue
from ..model.run import RunFacts
from ..model.scenario import Dashboards, Scenario, Shows
from ..model.timing import Timings
from ..monitor.dashboards import asked_of, load_dashboard, template
from ..monitor.fields import (
    KeptRows,
    Kind,
    Row,
    fields_of_event,
    fields_of_issue,
    fields_of_span,
    fields_of_transaction,
    session_rows,
    span_rows,
)
from ..monitor.grouping import GroupingConfig
from ..monitor.issues import Issues
from ..plan.dashboards_table import faults_of
from ..protocol.spans import spans_told, transaction_told
from ..protocol.tolerant import json_object
from ..reconcile.load_times import LoadTally
from ..store.reader import StoreReader, open_store
from .arrived import Events
from .folder import RunFolder, dashboard_files
from .noise import rules_of_run

_NO_EVENT_OF_ITS_OWN = (State.NOT_REACHED, State.MERGED)
_LOST = (State.EXPLAINED, State.UNEXPLAINED_LOSS, State.UNSUPPORTED_BY_BACKEND)


def check_dashboards(scenario: Scenario) -> None:
    """Read the dashboards of ``scenario``, before anything starts. Widgets that are not valid are a matter of the run.

    Raises ``RulesError`` for a file that is no dashboard, and ``ScenarioError`` for what must be shown by no widget.
    """
    if scenario.dashboards is None:
        return
    texts = {name: _text(path) for name, path in dashboard_files(scenario.dashboards).items()}
    dashboards = [each.dashboard for each in _loaded(scenario.dashboards, texts, str)]
    for index, shows in enumerate(scenario.dashboards.shows):
        try:
            meant_by(shows, dashboards)
        except ScenarioError as error:
            place = f"{scenario.path}: [[dashboards.shows]] number {index + 1}, {error.where}"
            raise ScenarioError(error.what, where=place, hint=error.hint) from error


def dashboards_of(
    folder: RunFolder,
    scenario: Scenario,
    facts: RunFacts,
    account: Account,
    tally: LoadTally,
    timings: Timings,
) -> DashboardsInfo:
    """The dashboards of the run in ``folder``. Raises ``EvidenceError`` when it, or a copy of a dashboard, cannot be read."""
    asked = scenario.dashboards
    assert asked is not None
    texts = {name: _copy(folder.rules / name) for name in dashboard_files(asked)}
    # Where the run's folder lies must not be in what is said of it.
    loaded = _loaded(asked, texts, lambda path: path.name)
    wanted = asked_of([each.dashboard for each in loaded])
    numbered = "issue" in wanted or any("issue" in names for names in wanted.values())
    with open_store(folder.store) as store:
        arrived = _Arrived(store, rules_of_run(folder, scenario)[0] if numbered else None)
        rows: dict[Kind, Sequence[Row]] = {kind: arrived.rows(kind, names) for kind, names in wanted.items()}
        received = [row.received_at for of in rows.values() for row in of[-1:]]
        return account_of(
            loaded,
            rows,
            [_spelt_out(each, scenario) for each in asked.shows],
            known_of(account, tally, timings),
            began=facts.started_at,
            # A run that was never finished does not know how long it took.
            now=max(facts.started_at + facts.seconds, *received, facts.started_at),
            freshness=asked.freshness,
            unread=sum(arrived.unread.values()),
        )


def known_of(account: Account, tally: LoadTally, timings: Timings) -> Known:
    """What the ledger knows of the numbers on dashboards."""
    twice: Counter[str] = Counter()
    for finding in account.findings:
        if finding.metric == "capture.duplicates":
            twice[finding.fault] += finding.count
    because: dict[str, str] = {}
    for loss in account.losses:
        if loss.state in _LOST:
            because.setdefault(loss.fault, ", ".join(filter(None, (loss.reason, loss.culprit))))
    operations: defaultdict[str, list[float]] = defaultdict(list)
    for each in timings.durations:
        operations[each.operation].append(each.true)
    return Known(
        faults={
            name: FaultKnown(
                fired=sum(count for state, count in states.items() if state not in _NO_EVENT_OF_ITS_OWN),
                lost=sum(states.get(state, 0) for state in _LOST),
                reported_twice=twice[name],
                because=because.get(name, ""),
            )
            for name, states in account.by_fault.items()
        },
        requests={
            name: RequestsKnown(count=times.count, failed=failed, times=times)
            for name, failed, times in tally.times()
        },
        operations=operations,
        unexpected=account.unexpected,
    )


@dataclass(slots=True)
class _Arrived:
    """What was accepted, as rows."""

    store: StoreReader
    grouping: GroupingConfig | None
    """None: nobody asks for issues."""
    unread: dict[Kind, int] = field(default_factory=dict)

    def rows(self, kind: Kind, names: tuple[str, ...]) -> Sequence[Row]:
        """All of a kind; ``names`` are the fields that will be asked for."""
        read: dict[Kind, Callable[[], Iterator[Row]]] = {
            "event": self._event_rows,
            "transaction": self._transactions,
            "span": self._spans,
            "session": self._sessions,
            "issue": self._issues,
        }
        # Sessions come by the minute, and issues are few: they are not worth another pass.
        return list(read[kind]()) if kind in ("session", "issue") else KeptRows(kind, read[kind], names)

    def _objects(self, kind: Kind, *types: str) -> Iterator[tuple[Arrival, dict[str, Any]]]:
        unread = 0
        for arrival, payload in self.store.payloads(types):
            try:
                yield arrival, json_object(payload, f"the {arrival.item_type}")
            except ProtocolError:
                unread += 1
        self.unread[kind] = unread

    def _events(self) -> Iterator[Event]:
        events = Events(self.store)
        yield from events
        self.unread["event"] = events.unread

    def _event_rows(self) -> Iterator[Row]:
        issues = None if self.grouping is None else Issues(self.grouping)
        for event in self._events():
            yield fields_of_event(event, None if issues is None else issues.see(event).issue.number)

    def _issues(self) -> Iterator[Row]:
        issues = Issues(self.grouping)
        newest: dict[int, tuple[Issue, Event]] = {}
        for event in self._events():
            issue = issues.see(event).issue
            newest[issue.number] = issue, event
        yield from (fields_of_issue(issue, event) for issue, event in newest.values())

    def _transactions(self) -> Iterator[Row]:
        for arrival, data in self._objects("transaction", "transaction"):
            yield fields_of_transaction(data, project=arrival.project, received_at=arrival.received_at)

    def _spans(self) -> Iterator[Row]:
        unread = 0
        for arrival, payload in self.store.payloads(("transaction", "span")):
            project, received_at = arrival.project, arrival.received_at
            try:
                if arrival.item_type == "transaction":
                    event = json_object(payload, "the transaction")
                    told = transaction_told(payload)
                    yield from span_rows(told, event, project=project, received_at=received_at)
                else:
                    for span in spans_told(payload)[0]:
                        yield fields_of_span(span, project=project, received_at=received_at)
            except ProtocolError:
                unread += 1
        self.unread["span"] = unread

    def _sessions(self) -> Iterator[Row]:
        by_project: defaultdict[str, list[tuple[Any, float]]] = defaultdict(list)
        for arrival, data in self._objects("session", "session", "sessions"):
            by_project[arrival.project].append((data, arrival.received_at))
        for project, items in by_project.items():
            yield from session_rows(items, project=project)


def _spelt_out(shows: Shows, scenario: Scenario) -> Shows:
    return replace(shows, faults=faults_of(shows, scenario.faults, scenario.extensions))


def _loaded(asked: Dashboards, texts: Mapping[str, str], called: Callable[[Path], str]) -> list[Loaded]:
    """The dashboards in ``texts``, by the names of their copies, and those made of templates; ``called``: files in messages."""
    files = [
        Loaded(dashboard=load_dashboard(texts[name], called(path)), source=path.name)
        for name, path in dashboard_files(asked).items()
    ]
    made = [
        Loaded(
            dashboard=template(
                name,
                environment=asked.environment,
                period=asked.period,
                slow_ms=max(1, math.floor(asked.slow * 1000 + 0.5)),
                business=asked.business,
            ),
            source=f"template {name}",
        )
        for name in asked.templates
    ]
    return [*files, *made]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"the dashboard cannot be read: {error}", where=str(path)) from error


def _copy(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(
            f"a dashboard of the run cannot be read: {error}",
            where=str(path),
            hint="the folder of a run holds a copy of each file that [dashboards] names",
        ) from error
