"""Errors of no fault that hide in the issue of one: what a fingerprint put together, and neither type nor stack trace would have.

Where the stack trace decided, an event of no fault is in the issue because it is the same failure, as far as anybody can tell. Where a
fingerprint did, it may be any other: so its own hashes, as they would be without fingerprint, are held against those of the faults.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..model.monitored import Data, Event, Seen
from ..model.noise import Foreign
from ..monitor.grouping import GroupingConfig, group
from ..monitor.grouping.rule_index import RuleIndex

_BY_FINGERPRINT = ("fingerprint-rule", "custom-fingerprint", "checksum")
_DECIDES = ("fingerprint", "checksum")
_MOST_KINDS = 50
"""Of errors in one issue. More say nothing new: one that differs is one too many."""
_MOST_TEXT = 300


@dataclass(slots=True)
class _Kind:
    """Events of no fault in one issue that would be one issue without fingerprint."""

    hashes: frozenset[str]
    title: str
    because: tuple[str, ...]
    example: str
    count: int = 0


@dataclass(slots=True)
class Strangers:
    """What is remembered of errors of no fault, and of those of faults that a fingerprint grouped. Bounded by the number of issues."""

    config: GroupingConfig
    """That of the run. Its stack trace rules hold, its fingerprint rules do not: they are what is looked at here."""
    _errors: Counter[int] = field(default_factory=Counter)
    _kinds: dict[int, dict[frozenset[str], _Kind]] = field(default_factory=dict)
    _own: dict[int, set[str]] = field(default_factory=dict)
    _plain: GroupingConfig = field(init=False)

    def __post_init__(self) -> None:
        self._plain = replace(self.config, fingerprint_rules=(), index=RuleIndex(()))

    def see_own(self, event: Event, seen: Seen) -> None:
        """An event of a fault."""
        if seen.grouping.variant in _BY_FINGERPRINT:
            self._own.setdefault(seen.issue.number, set()).update(self._hashes(event.data))

    def see(self, event: Event, seen: Seen) -> None:
        """An event of no fault. One that is no error, such as a warning that was logged, is left out."""
        if seen.issue.level not in ("error", "fatal"):
            return
        number = seen.issue.number
        self._errors[number] += 1
        if seen.grouping.variant not in _BY_FINGERPRINT:
            return
        hashes, kinds = self._hashes(event.data), self._kinds.setdefault(number, {})
        if hashes not in kinds and len(kinds) < _MOST_KINDS:
            kinds[hashes] = _Kind(
                hashes=hashes,
                title=seen.grouping.title[:_MOST_TEXT],
                because=tuple(
                    f"{each.what} {each.text}"[:_MOST_TEXT]
                    for each in seen.grouping.components
                    if each.what in ("rule", "fingerprint")
                ),
                example=event.event_id,
            )
        if hashes in kinds:
            kinds[hashes].count += 1

    def errors(self, number: int) -> int:
        """Error events of no fault in issue ``number``."""
        return self._errors[number]

    def found(self, held: Mapping[int, tuple[str, ...]]) -> tuple[Foreign, ...]:
        """Issues in which another error hides, the worst first. ``held``: the issues of faults, with their names."""
        found = []
        for number, causes in held.items():
            own = self._own.get(number, set())
            others = [kind for kind in self._kinds.get(number, {}).values() if not kind.hashes & own]
            if others:
                worst = max(others, key=lambda kind: kind.count)
                found.append(
                    Foreign(
                        issue=number,
                        causes=causes,
                        count=sum(kind.count for kind in others),
                        title=worst.title,
                        because=worst.because[:2],
                        example=worst.example,
                    )
                )
        return tuple(sorted(found, key=lambda each: (-each.count, each.issue)))

    def _hashes(self, data: Data) -> frozenset[str]:
        """How the event would be grouped if no fingerprint were set."""
        bare = (
            {name: value for name, value in data.items() if name not in _DECIDES}
            if isinstance(data, Mapping)
            else {}
        )
        return frozenset(group(bare, self._plain).hashes)
