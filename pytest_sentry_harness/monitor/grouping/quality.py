"""How well events were grouped, against what is known to belong together.

Pairwise precision: of all pairs of events in one group, the share that have one label. Pairwise recall: of all pairs of events
with one label, the share that are in one group. Counted from a table of labels by groups, so that no pair is ever looked at:
linear in the number of events, plus sorting what is wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from ...model.monitored import Component, Grouping

_MOST_SHOWN = 8
_SAME_PARTS = "the same parts, each under another rule or in another order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """An event whose group and whose true cause are both known."""

    label: str
    """What really happened; equal for events that belong together."""
    group: Hashable
    """Where it was put: the number of its issue, or its hash."""
    event_id: str
    grouping: Grouping


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """One group that holds events of several labels."""

    group: Hashable
    labels: tuple[tuple[str, int], ...]
    """Label and number of events, the most first."""
    examples: tuple[str, ...]
    """An event id for each label."""
    pairs: int
    """Pairs of events that are together and should not be."""
    because: tuple[str, ...]
    """What they have in common: the parts of one of its events that were hashed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One label whose events are in several groups."""

    label: str
    groups: tuple[tuple[Hashable, int], ...]
    """Group and number of events, the most first."""
    examples: tuple[str, ...]
    """An event id for each group."""
    pairs: int
    """Pairs of events that should be together and are not."""
    because: tuple[str, ...]
    """What differs between its two largest groups: ``only here: ...`` and ``only there: ...``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The result."""

    events: int
    labels: int
    groups: int
    together: int
    """Pairs with one label in one group: rightly together."""
    pairs_of_groups: int
    pairs_of_labels: int
    merged: tuple[Merged, ...]
    """The worst first."""
    split: tuple[Split, ...]
    """The worst first."""

    @property
    def precision(self) -> float | None:
        """0 to 1; None when no two events are in one group."""
        return self.together / self.pairs_of_groups if self.pairs_of_groups else None

    @property
    def recall(self) -> float | None:
        """0 to 1; None when no two events have one label."""
        return self.together / self.pairs_of_labels if self.pairs_of_labels else None


def quality(events: Iterable[Labelled]) -> Quality:
    """Precision and recall of ``events``, and every group and label that is wrong, with the parts that made it so."""
    cells: Counter[tuple[str, Hashable]] = Counter()
    first: dict[tuple[str, Hashable], Labelled] = {}
    for event in events:
        cell = (event.label, event.group)
        cells[cell] += 1
        first.setdefault(cell, event)
    by_group: defaultdict[Hashable, list[tuple[str, int]]] = defaultdict(list)
    by_label: defaultdict[str, list[tuple[Hashable, int]]] = defaultdict(list)
    for (label, group), count in cells.items():
        by_group[group].append((label, count))
        by_label[label].append((group, count))
    merged = [_merged(group, row, first) for group, row in by_group.items() if len(row) > 1]
    split = [_split(label, row, first) for label, row in by_label.items() if len(row) > 1]
    return Quality(
        events=cells.total(),
        labels=len(by_label),
        groups=len(by_group),
        together=sum(map(_pairs, cells.values())),
        pairs_of_groups=sum(_pairs(sum(count for _, count in row)) for row in by_group.values()),
        pairs_of_labels=sum(_pairs(sum(count for _, count in row)) for row in by_label.values()),
        merged=tuple(sorted(merged, key=lambda one: -one.pairs)),
        split=tuple(sorted(split, key=lambda one: -one.pairs)),
    )


def _merged(
    group: Hashable, row: list[tuple[str, int]], first: dict[tuple[str, Hashable], Labelled]
) -> Merged:
    row = sorted(row, key=lambda cell: -cell[1])
    examples = [first[label, group] for label, _ in row]
    hashed = [_shown(component) for component in _hashed(examples[0].grouping)]
    return Merged(
        group=group,
        labels=tuple(row),
        examples=tuple(event.event_id for event in examples),
        pairs=_cross_pairs([count for _, count in row]),
        because=tuple(_newest(hashed)),
    )


def _split(label: str, row: list[tuple[Hashable, int]], first: dict[tuple[str, Hashable], Labelled]) -> Split:
    row = sorted(row, key=lambda cell: -cell[1])
    examples = [first[label, group] for group, _ in row]
    here, there = (Counter(map(_shown, _hashed(event.grouping))) for event in examples[:2])
    because = [f"only here: {text}" for text in _newest(list(here - there))]
    because += [f"only there: {text}" for text in _newest(list(there - here))]
    return Split(
        label=label,
        groups=tuple(row),
        examples=tuple(event.event_id for event in examples),
        pairs=_cross_pairs([count for _, count in row]),
        because=tuple(because) or (_SAME_PARTS,),
    )


def _hashed(grouping: Grouping) -> list[Component]:
    return [component for component in grouping.components if component.contributes]


def _shown(component: Component) -> str:
    return f"{component.what} {component.text}"


def _newest(texts: list[str]) -> list[str]:
    """The last ones: frames are ordered towards the crash."""
    if len(texts) <= _MOST_SHOWN:
        return texts
    return [f"... {len(texts) - _MOST_SHOWN} more", *texts[-_MOST_SHOWN:]]


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _cross_pairs(counts: list[int]) -> int:
    """Pairs of which the two are in different cells."""
    return _pairs(sum(counts)) - sum(map(_pairs, counts))
