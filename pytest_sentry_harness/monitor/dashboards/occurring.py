"""Which fields and values really occur in the rows: what a misspelt name or a wrong value is compared with."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ...errors import nearest
from ..fields import KINDS, Kind, Row, field_type, known_fields, number_of, tag_name, text_of

_DIGITS = re.compile(r"\d+")
_SAMPLE = 2000
_FEW = 5
_NAMED = 12
NOUNS: dict[Kind, str] = {
    "event": "events",
    "transaction": "transactions",
    "span": "spans",
    "session": "session rows",
    "issue": "issues",
}


class Occurring:
    """The rows of some kinds. Each question goes over them at most once, and only when it is asked."""

    def __init__(self, rows: Sequence[Row], kinds: Sequence[Kind]) -> None:
        self.rows, self.kinds = rows, tuple(kinds)
        self.noun = " and ".join(NOUNS[kind] for kind in kinds)
        self._names: tuple[str, ...] | None = None
        self._present: dict[str, bool] = {}
        self._values: dict[str, Counter[str]] = {}
        self._ranges: dict[str, tuple[float, float] | None] = {}

    def count(self, number: int) -> str:
        """``1 event``, ``12 events``."""
        return f"{number} {self.noun}" if number != 1 else f"1 {self.noun.removesuffix('s')}"

    def names(self) -> tuple[str, ...]:
        """Fields and tags that have a value, tags first, in the newest rows."""
        if self._names is None:
            found: dict[str, None] = {}
            for row in self.rows[-_SAMPLE:]:
                found.update(dict.fromkeys(reversed(row.names())))
            self._names = tuple(found)
        return self._names

    def has(self, name: str) -> bool:
        """Whether any row has a value for the field."""
        if name not in self._present:
            self._present[name] = any(row(name) for row in self.rows)
        return self._present[name]

    def known(self, name: str) -> bool:
        """Whether it is a field of such rows, whether they have it or not."""
        return any(field_type(name, kind) is not None for kind in self.kinds) and tag_name(name) is None

    def values(self, name: str) -> Counter[str]:
        """The values of a field, and how often."""
        if name not in self._values:
            self._values[name] = Counter(
                text for row in self.rows for text in map(text_of, row(name)) if text is not None
            )
        return self._values[name]

    def range(self, name: str) -> tuple[float, float] | None:
        """The least and the most of a field's numbers; None when it has none."""
        if name not in self._ranges:
            numbers = [
                number for row in self.rows for number in map(number_of, row(name)) if number is not None
            ]
            self._ranges[name] = (min(numbers), max(numbers)) if numbers else None
        return self._ranges[name]

    def elsewhere(self, name: str) -> list[Kind]:
        """The other kinds of rows that have such a field, when these have none."""
        plain = tag_name(name) or name
        if self.known(name) or self.like(name) is not None:
            return []
        return [kind for kind in KINDS if plain in known_fields(kind) and kind not in self.kinds]

    def like(self, name: str) -> str | None:
        """The field or tag that occurs and that ``name`` is most likely meant to be."""
        plain = tag_name(name) or name
        return _closest(plain, (each for each in self.names() if each != plain))

    def absent(self, name: str) -> str:
        """That no row has the field, and what may be meant, as part of a sentence."""
        plain = tag_name(name) or name
        others = self.elsewhere(name)
        if self.known(plain) and plain == name:
            return f"none of the {self.noun} has a {name}"
        near = self.like(name)
        if near is not None:
            return (
                f"none of the {self.noun} has a field or tag {plain!r}; did you mean {near!r}, which occurs?"
            )
        if others:
            return f"{plain} is a field of {NOUNS[others[0]]}, these are {self.noun}"
        names = self.names()
        listed = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        return f"none of the {self.noun} has a field or tag {plain!r}; those that occur: {listed}"

    def instead(self, name: str, wanted: Iterable[str] = ()) -> str:
        """The values that a field has, the commonest first, and the one most like ``wanted``."""
        values = self.values(name)
        if not values:
            return self.absent(name)
        near = [each for value in wanted if value not in values for each in nearest(value, values, most=1)]
        listed = ", ".join(repr(value[:60]) for value, _ in values.most_common(_FEW))
        more = ", …" if len(values) > _FEW else ""
        hint = f"; did you mean {near[0][:60]!r}?" if near else ""
        return f"{name} is {listed}{more}{hint}"


def misspelt(value: str, values: Iterable[str]) -> bool:
    """Whether ``value`` is one of ``values`` written wrong: hardly different, and not in its digits.

    ``web-1`` and ``web-2`` are two servers, ``/order`` and ``/orders`` hardly two routes.
    """
    digits = _DIGITS.findall(value)
    same = [each for each in values if _DIGITS.findall(each) == digits]
    return bool(difflib.get_close_matches(value.lower(), [each.lower() for each in same], n=1, cutoff=0.75))


def _closest(name: str, names: Iterable[str]) -> str | None:
    bare = {_bare(each): each for each in names}
    if _bare(name) in bare:
        return bare[_bare(name)]
    close = nearest(_bare(name), bare, most=1)
    # Half a dozen letters in common is how all names with a long prefix are alike.
    return bare[close[0]] if close and abs(len(close[0]) - len(_bare(name))) <= 3 else None


def _bare(name: str) -> str:
    return name.lower().replace(".", "").replace("_", "").replace("-", "")
