"""Which rules fired, and which conditions were true and which false at least once."""

from __future__ import annotations

from dataclasses import dataclass

from .model import Rules

_TRUE, _FALSE = 1, 2


@dataclass(frozen=True, slots=True)
class Gap:
    """Something no test has shown."""

    where: str
    text: str
    missing: str
    """``never fired``, ``never true`` or ``never false``."""

    def __str__(self) -> str:
        return f"{self.where}: {self.text}: {self.missing}"


class Coverage:
    """Outcomes of the points of one file of rules. Only what was looked at counts: a condition that is not asked
    because an earlier one has decided has shown nothing.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._seen = bytearray(len(rules.points))
        self._fired: set[int] = set()

    def note(self, number: int, outcome: bool) -> bool:
        """Point ``number`` came out as ``outcome``, which is returned."""
        self._seen[number] |= _TRUE if outcome else _FALSE
        return outcome

    def fired(self, index: int) -> None:
        """The rule at ``index`` fired."""
        self._fired.add(index)

    def add(self, other: Coverage) -> None:
        """Take in what ``other``, over the same rules, has seen."""
        self._fired |= other._fired
        for number, seen in enumerate(other._seen):
            self._seen[number] |= seen

    @property
    def rules_fired(self) -> tuple[int, int]:
        """Rules that fired, and all."""
        return len(self._fired), len(self.rules.rules)

    @property
    def outcomes_seen(self) -> tuple[int, int]:
        """Outcomes of conditions that were seen, and all that are possible."""
        seen = all_ = 0
        for number, point in enumerate(self.rules.points):
            all_ += len(point.outcomes)
            seen += sum(bool(self._seen[number] & _bit(outcome)) for outcome in point.outcomes)
        return seen, all_

    @property
    def share(self) -> float:
        """The lower one of both shares, 0 to 1; 1 where there is nothing to show."""
        return min(seen / all_ if all_ else 1.0 for seen, all_ in (self.rules_fired, self.outcomes_seen))

    def gaps(self) -> tuple[Gap, ...]:
        """What is missing, in the order of the file."""
        found = [
            Gap(f"{self.rules.file}: {rule.where}".rstrip(": "), f"rule {rule.name!r}", "never fired")
            for rule in self.rules.rules
            if rule.index not in self._fired
        ]
        for number, point in enumerate(self.rules.points):
            found += [
                Gap(f"{self.rules.file}: {point.where}", point.text, f"never {str(outcome).lower()}")
                for outcome in point.outcomes
                if not self._seen[number] & _bit(outcome)
            ]
        return tuple(found)


def _bit(outcome: bool) -> int:
    return _TRUE if outcome else _FALSE
