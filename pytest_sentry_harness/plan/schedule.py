"""Which opportunity meets which fault: a pure function of seed, fault name and opportunity.

Randomness is drawn from a keyed hash instead of a generator with state, so that the answer for
opportunity 4711 does not depend on who asked before, and two processes agree. Standard library only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .terms import OwnKind, Term, parse_chain


def draw(seed: int, *labels: object) -> float:
    """A number in [0, 1), uniform, fixed by ``seed`` and ``labels`` (53 bits of BLAKE2b)."""
    text = "\x1f".join(map(str, (seed, *labels))).encode("utf-8", "surrogatepass")
    word = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
    return (word >> 11) / (1 << 53)


@dataclass(frozen=True, slots=True)
class Firing:
    """The schedule says: fire. ``fault_id`` is unique in the run; ``term`` indexes the fault's chain."""

    fault_id: str
    fault: str
    term: int


@dataclass(slots=True)
class Schedule:
    """Decides, opportunity by opportunity, whether one fault fires.

    ``lane`` tells processes that decide side by side apart (a load worker, a pid): their
    opportunities are counted, and drawn, apart.
    """

    fault: str
    chain: Sequence[Term]
    seed: int
    lane: str = ""
    opportunities: int = 0
    fired: int = 0
    _used: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, fault: str, do: str, seed: int, lane: str = "", own: Mapping[str, OwnKind] | None = None
    ) -> Schedule:
        """A schedule for the fault ``fault`` with the term text ``do``, which may use kinds of ``own``."""
        return cls(fault, parse_chain(do, own), seed, lane)

    def next(self) -> Firing | None:
        """Decide the next opportunity."""
        index = self.opportunities
        self.opportunities += 1
        for position, term in enumerate(self.chain):
            if term.kind == "off":
                return None
            used = self._used.get(position, 0)
            if term.count is not None and used >= term.count:
                continue
            if draw(self.seed, self.fault, self.lane, index, position) >= term.probability:
                continue
            self._used[position] = used + 1
            return self._firing(index, position)
        return None

    def fire(self) -> Firing:
        """The next opportunity meets the first term, whatever its probability and count."""
        index = self.opportunities
        self.opportunities += 1
        return self._firing(index, 0)

    def _firing(self, index: int, term: int) -> Firing:
        self.fired += 1
        lane = f"{self.lane}-" if self.lane else ""
        return Firing(f"{self.fault}-{lane}{index:06d}", self.fault, term)
