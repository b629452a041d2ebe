"""From what arrived to rates, patterns and kinds of errors. Needs no faults: it is the same for any store.

Every event is grouped and classified once, in the order of arrival; kept are its time, its issue and its class, and of the first
``MOST_COMPARED`` what they have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..model.analysis import AnalysisInfo, ClassTold, PatternsInfo, PatternsOf
from ..model.classified import Classified
from ..model.monitored import Data, Event, Seen
from ..monitor.classification import Rules, classify
from ..monitor.grouping import GroupingConfig
from ..monitor.issues import Issues
from ..monitor.patterns import Facet, Patterns, facets_of, find_patterns
from ..monitor.requests import Request
from ..protocol.event_fields import level_of, seconds_of
from .objectives_account import pattern_told
from .objectives_joined import Reported
from .rates_account import Failure, rates_of

MOST_COMPARED = 20_000
MOST_ISSUES = 5
MOST_PATTERNS = 4
_FEWEST = 5
_FEW_TRANSACTIONS = 20
_MOST_FOUND = 10_000
_MOST_CLASSES = 50
_MOST_TEXT = 200
_ERRORS = ("error", "fatal")
_LATE = 3600.0
"""An event whose own time is further from its arrival than that is counted at its arrival: some clock is wrong."""


@dataclass(slots=True)
class _Issue:
    """What is remembered of one issue."""

    title: str
    category: str
    severity: str
    events: int = 0


@dataclass(slots=True)
class _Class:
    because: str
    example: str
    events: int = 0


@dataclass(slots=True)
class _Read:
    """What is remembered of the events while they go by."""

    rules: Rules
    issues: dict[int, _Issue] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    rows: list[tuple[int, frozenset[Facet]]] = field(default_factory=list)
    traces: set[str] = field(default_factory=set)
    classes: dict[tuple[str, str], _Class] = field(default_factory=dict)
    quieter: int = 0
    not_compared: int = 0

    def see(self, seen: Seen) -> None:
        """Count one event."""
        event, number = seen.event, seen.issue.number
        if _level(event.data) not in _ERRORS:
            self.quieter += 1
            return
        found = classify(event.data, self.rules)
        issue = self.issues.setdefault(number, _Issue(_cut(seen.issue.title), found.category, found.severity))
        issue.events += 1
        self.failures.append(Failure(_time_of(event), number, found.category))
        self.traces.add(trace_of(event.data))
        key = (found.category, found.severity)
        self.classes.setdefault(key, _Class(_why(found), event.event_id)).events += 1
        if len(self.rows) < MOST_COMPARED:
            self.rows.append((number, facets_of(event.data) | {("category", found.category)}))
        else:
            self.not_compared += 1


def analysis_of(
    events: Iterable[Event],
    reported: Sequence[Reported],
    sent: Sequence[Request] | None,
    config: GroupingConfig,
    rules: Rules,
) -> AnalysisInfo:
    """What is to be seen in ``events``, in the order of their arrival, and in the transactions ``reported``.

    ``sent``: all requests as the load generator saw them; None: it does not tell. Duplicates by id are left out. Pure; never raises for
    what events hold. O(events x grouping + transactions).
    """
    read, issues = _Read(rules), Issues(config)
    for event in _once(events):
        read.see(issues.see(event))
    titles = {number: issue.title for number, issue in read.issues.items()}
    return AnalysisInfo(
        config=str(config),
        rates=rates_of(read.failures, [each.request for each in reported], sent, titles),
        patterns=_patterns(read, reported),
        classes=_classes(read),
        quieter=read.quieter,
        unread=0,
        not_compared=read.not_compared + max(len(reported) - MOST_COMPARED, 0),
    )


def trace_of(data: Data) -> str:
    """The trace id of an event's or a transaction's payload; empty when it has none that can be read."""
    contexts = data.get("contexts")
    trace = contexts.get("trace") if isinstance(contexts, dict) else None
    found = trace.get("trace_id") if isinstance(trace, dict) else None
    return found[:_MOST_TEXT].replace("-", "").lower() if isinstance(found, str) else ""


def _once(events: Iterable[Event]) -> Iterator[Event]:
    known: set[str] = set()
    for event in events:
        if not event.event_id or event.event_id not in known:
            known.add(event.event_id)
            yield event


def _level(data: Data) -> str:
    level = data.get("level")
    return level_of(level, []) if isinstance(level, str) else "error"


def _time_of(event: Event) -> float:
    given = event.data.get("timestamp")
    own = seconds_of(given, "", []) if isinstance(given, str | int | float) and given is not True else None
    return event.received_at if own is None or abs(own - event.received_at) > _LATE else own


def _why(found: Classified) -> str:
    decided = next((each for each in found.why if each.contributes), None)
    return _cut(f"{decided.text}: {decided.why}") if decided else ""


def _classes(read: _Read) -> tuple[ClassTold, ...]:
    rows = sorted(read.classes.items(), key=lambda row: (-row[1].events, row[0]))
    return tuple(
        ClassTold(
            category=category,
            severity=severity,
            events=each.events,
            because=each.because,
            example=each.example,
        )
        for (category, severity), each in rows[:_MOST_CLASSES]
    )


def _patterns(read: _Read, reported: Sequence[Reported]) -> PatternsInfo:
    """The largest issues held against transactions without an error where there are enough, else against each other."""
    fine = [
        each.facets
        for each in reported[:MOST_COMPARED]
        if each.facets and each.request.trace_id not in read.traces
    ]
    with_transactions = len(fine) >= _FEW_TRANSACTIONS
    found = find_patterns(
        read.rows, compared_with=fine if with_transactions else None, most=_MOST_FOUND, fewest=_FEWEST
    )
    large = [number for number, issue in read.issues.items() if issue.events >= _FEWEST]
    large.sort(key=lambda number: (-read.issues[number].events, number))
    comparable = with_transactions or len(read.issues) > 1
    return PatternsInfo(
        compared_with="transactions" if with_transactions else "issues" if comparable else "nothing",
        others=len(fine),
        compared=found.compared,
        issues=len(large),
        table=_table(read, large[:MOST_ISSUES], found) if comparable else (),
    )


def _table(read: _Read, numbers: Sequence[int], found: Patterns) -> tuple[PatternsOf, ...]:
    by_issue: defaultdict[int, list[int]] = defaultdict(list)
    for place, each in enumerate(found.findings):
        by_issue[each.issue].append(place)
    rows = []
    for number in numbers:
        issue, places = read.issues[number], by_issue[number]
        rows.append(
            PatternsOf(
                issue=number,
                title=issue.title,
                events=issue.events,
                category=issue.category,
                severity=issue.severity,
                found=tuple(pattern_told(found.findings[place]) for place in places[:MOST_PATTERNS]),
                left_out=max(len(places) - MOST_PATTERNS, 0),
            )
        )
    return tuple(rows)


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"
