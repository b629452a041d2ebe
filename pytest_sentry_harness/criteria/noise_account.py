"""From events, and the faults they are of, to the account of noise: issues held against root causes.

Every event is grouped and classified once, in the order of arrival, which costs what ``monitor.grouping`` and
``monitor.classification`` cost; what is kept is a row for each issue of each root cause.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from ..model.classified import Classified
from ..model.monitored import Event, Grouping, Seen
from ..model.noise import CauseTold, Foreign, IssueTold, Misclassified, Misgrouped, NoiseInfo
from ..model.scenario import Expect, Fault
from ..monitor.classification import Rules, classify
from ..monitor.grouping import GroupingConfig, Labelled, Merged, Quality, Split, quality
from ..monitor.issues import Issues
from ..reconcile.origins import Origin
from .noise_foreign import Strangers
from .noise_reasons import alike, difference

MOST_ROWS = 50
MOST_ISSUES = 20
_MOST_BECAUSE = 6
_MOST_TEXT = 300


def account_of(
    events: Iterable[Event],
    origins: Mapping[str, Origin],
    faults: Sequence[Fault],
    config: GroupingConfig,
    rules: Rules,
    several: Mapping[str, Sequence[Origin]] = MappingProxyType({}),
) -> NoiseInfo:
    """The account of ``events``, in the order of their arrival, duplicates by id left out. Pure; never raises for what they hold.

    ``origins``: by event id. Events without one are grouped too, since they are there, and counted in no figure.
    ``several``: by event id the origins of those that are of several faults.
    """
    seen = _Seen(Issues(config), {fault.name: fault.expect for fault in faults}, rules, Strangers(config))
    found = quality(seen.labelled(events, origins, several))
    foreign = seen.strangers.found({number: tuple(causes) for number, causes in seen.held().items()})
    merged = [_merged(each, seen) for each in found.merged]
    split = [_split(each, seen) for each in found.split]
    return NoiseInfo(
        config=str(config),
        events=found.events,
        by_trace=seen.by_trace,
        unlabelled=seen.unlabelled,
        issues=found.groups,
        causes=seen.causes(faults),
        table=_table(found, seen, foreign),
        merged=tuple(merged[:MOST_ROWS]),
        split=tuple(split[:MOST_ROWS]),
        merged_causes=len({label for each in found.merged for label, _ in each.labels}),
        split_causes=len(found.split),
        together=found.together,
        pairs_of_issues=found.pairs_of_groups,
        pairs_of_causes=found.pairs_of_labels,
        duplicates=sum(seen.events.values()) - sum(map(len, seen.occurrences.values())),
        with_category=seen.expecting["category"],
        with_severity=seen.expecting["severity"],
        misclassified=seen.misclassified(),
        foreign=foreign[:MOST_ROWS],
        foreign_issues=len(foreign),
    )


@dataclass(slots=True)
class _Wrong:
    """Events of one cause that are all classified in the same wrong way."""

    example: str
    because: str
    count: int = 0


@dataclass(slots=True)
class _Seen:
    """What is remembered of the events while they go by."""

    issues: Issues
    expects: Mapping[str, Expect]
    rules: Rules
    strangers: Strangers
    by_trace: int = 0
    unlabelled: int = 0
    events: Counter[str] = field(default_factory=Counter)
    occurrences: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    cells: dict[str, Counter[int]] = field(default_factory=dict)
    """Root cause to the issues of its events."""
    first: dict[int, tuple[Grouping, str]] = field(default_factory=dict)
    """Of each issue the first event of a fault: how it was grouped, and its id."""
    expecting: Counter[str] = field(default_factory=Counter)
    wrong: dict[tuple[str, str, str, str], _Wrong] = field(default_factory=dict)
    shared: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    """Names of faults to the requests of events that are of them all; empty for one that holds them itself."""

    def labelled(
        self,
        events: Iterable[Event],
        origins: Mapping[str, Origin],
        several: Mapping[str, Sequence[Origin]],
    ) -> Iterator[Labelled]:
        """The events that are of a fault, grouped."""
        for event in events:
            seen = self.issues.see(event)
            origin = origins.get(event.event_id)
            if origin is None:
                self.unlabelled += 1
                self._unlabelled(event, seen, several.get(event.event_id, ()))
                continue
            number = seen.issue.number
            self.strangers.see_own(event, seen)
            self.by_trace += origin.by_trace
            self.events[origin.fault] += 1
            self.occurrences[origin.fault].add(origin.occurrence)
            self.cells.setdefault(origin.fault, Counter())[number] += 1
            self.first.setdefault(number, (seen.grouping, event.event_id))
            self._classify(event, origin.fault)
            yield Labelled(label=origin.fault, group=number, event_id=event.event_id, grouping=seen.grouping)

    def _unlabelled(self, event: Event, seen: Seen, of: Sequence[Origin]) -> None:
        if not of:
            self.strangers.see(event, seen)
            return
        names = tuple(sorted({origin.fault for origin in of}))
        self.shared.setdefault(names, []).append(of[0].occurrence if of[0].by_trace else "")

    def held(self) -> dict[int, list[str]]:
        """Issues of faults, and their root causes."""
        found: defaultdict[int, list[str]] = defaultdict(list)
        for cause, numbers in self.cells.items():
            for number in numbers:
                found[number].append(cause)
        return found

    def _shared(self, name: str) -> tuple[int, tuple[str, ...]]:
        """Of how many events beside its own ``name`` may be the cause, and which others are as well.

        What a request says beside an event that is of the cause alone takes nothing from the cause.
        """
        count, others = 0, set()
        for names, requests in self.shared.items():
            if name in names:
                of_it = sum(not each or each not in self.occurrences[name] for each in requests)
                count += of_it
                others |= set(names) - {name} if of_it else set()
        return count, tuple(sorted(others))

    def _classify(self, event: Event, fault: str) -> None:
        expect = self.expects.get(fault, Expect())
        if expect.category is None and expect.severity is None:
            return
        found = classify(event.data, self.rules)
        for what, expected, is_now in (
            ("category", expect.category, found.category),
            ("severity", expect.severity, found.severity),
        ):
            if expected is None:
                continue
            self.expecting[what] += 1
            if is_now != expected:
                key = (fault, what, expected, is_now)
                if key not in self.wrong:
                    self.wrong[key] = _Wrong(event.event_id, _why(found, what))
                self.wrong[key].count += 1

    def causes(self, faults: Sequence[Fault]) -> tuple[CauseTold, ...]:
        """A row for each fault of the scenario, those without an event included."""
        return tuple(self._cause(fault.name) for fault in faults)

    def _cause(self, name: str) -> CauseTold:
        shared, others = self._shared(name)
        return CauseTold(
            name=name,
            events=self.events[name],
            requests=len(self.occurrences[name]),
            issues=len(self.cells.get(name, ())),
            shared=shared,
            shared_with=others,
        )

    def misclassified(self) -> tuple[Misclassified, ...]:
        """The most frequent first."""
        found = [
            Misclassified(
                cause=cause,
                what=what,
                expected=expected,
                found=is_now,
                count=wrong.count,
                because=wrong.because,
                example=wrong.example,
            )
            for (cause, what, expected, is_now), wrong in self.wrong.items()
        ]
        return tuple(sorted(found, key=lambda each: -each.count)[:MOST_ROWS])


def _why(found: Classified, what: str) -> str:
    decided = [each for each in found.why if each.contributes] or list(found.why)
    # The category comes first, by one decision; the severity may have been moved in several steps.
    decided = decided[:1] if what == "category" else decided
    return _cut("; ".join(f"{each.text}: {each.why}" for each in decided))


def _merged(merged: Merged, seen: _Seen) -> Misgrouped:
    number = _number(merged.group)
    grouping, example = seen.first[number]
    return Misgrouped(
        causes=tuple(label for label, _ in merged.labels),
        issues=(number,),
        count=len(merged.labels),
        reason=alike(grouping),
        because=_shown(merged.because),
        example=example,
    )


def _split(split: Split, seen: _Seen) -> Misgrouped:
    numbers = [_number(group) for group, _ in split.groups]
    here, there = (seen.first[number][0] for number in numbers[:2])
    return Misgrouped(
        causes=(split.label,),
        issues=tuple(numbers[:MOST_ISSUES]),
        count=len(numbers),
        reason=difference(here, there),
        because=_shown(split.because),
        example=split.examples[1],
    )


def _table(found: Quality, seen: _Seen, foreign: Sequence[Foreign]) -> tuple[IssueTold, ...]:
    """A row for each issue: those with several causes first, then those of split causes, then the others."""
    held: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    for cause, numbers in seen.cells.items():
        for number, count in numbers.items():
            held[number].append((cause, count))
    because: defaultdict[int, list[str]] = defaultdict(list)
    for merged in found.merged:
        because[_number(merged.group)] += [f"in common: {text}" for text in _shown(merged.because)]
    for each in foreign:
        because[each.issue].append(f"of no fault: {each.title}")
    splits: defaultdict[int, list[str]] = defaultdict(list)
    for split in found.split:
        for group, _ in split.groups:
            splits[_number(group)].append(split.label)
        # Of a split the two largest are compared, and its row says how they differ.
        because[_number(split.groups[0][0])] += _shown(split.because)
    strange = {each.issue for each in foreign}
    order = sorted(
        held,
        key=lambda number: (
            len(held[number]) == 1,
            number not in strange,
            number not in splits,
            number not in because,
            -sum(count for _, count in held[number]),
            number,
        ),
    )
    return tuple(
        _row(number, held[number], splits[number], because[number], seen) for number in order[:MOST_ROWS]
    )


def _row(
    number: int, held: list[tuple[str, int]], split: list[str], because: list[str], seen: _Seen
) -> IssueTold:
    grouping, example = seen.first[number]
    return IssueTold(
        number=number,
        title=_cut(grouping.title),
        culprit=_cut(grouping.culprit),
        variant=grouping.variant,
        events=sum(count for _, count in held),
        causes=tuple(sorted(held, key=lambda cell: -cell[1])),
        split=tuple(split),
        because=tuple(because[: 2 * _MOST_BECAUSE]),
        example=example,
        foreign=seen.strangers.errors(number),
    )


def _number(group: object) -> int:
    assert isinstance(group, int)  # as ``_Seen.labelled`` gave it
    return group


def _shown(because: Sequence[str]) -> tuple[str, ...]:
    """The last ones, which are nearest to the crash, each cut short."""
    return tuple(_cut(text) for text in because[-_MOST_BECAUSE:])


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"
