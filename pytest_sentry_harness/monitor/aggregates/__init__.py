"""Functions over many rows, by Sentry's names: ``count()``, ``p95(transaction.duration)``, ``failure_rate()``.

Sentry docs, "Event Properties", "Performance metrics" and "Release Health". Durations are in milliseconds, rates and
scores between 0 and 1. Each function reads a row once; percentiles keep their values, everything else a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ...errors import SearchError, UnsupportedError, did_you_mean
from ..fields import Fields, FieldType, Kind, field_type
from .accumulators import Accumulator
from .elsewhere import ELSEWHERE
from .functions import FUNCTIONS, Function, Needs, Unit

__all__ = ["FUNCTIONS", "Accumulator", "Aggregate", "Unit", "looks_like_aggregate", "parse_aggregate"]

_CALL = re.compile(r"\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\((.*)\)\s*", re.DOTALL)
_ALIAS = re.compile(r"(.*\))\s+AS\s+(\w+)\s*", re.DOTALL | re.IGNORECASE)
_ARGUMENT = re.compile(r'\s*(?:"((?:\\"|[^"])*)"|([^,"]*?))\s*(?:,|$)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """One function with its arguments."""

    function: str
    arguments: tuple[str, ...]
    text: str
    """As Sentry writes it: ``count_if(level,equals,fatal)``."""
    unit: Unit
    kinds: frozenset[Kind] | None
    """The rows it can be taken over; None for any."""
    needs: tuple[tuple[str, frozenset[FieldType]], ...] = ()
    """Fields it reads, and the types they may have."""
    alias: str = ""
    _begin: Callable[[], Accumulator] = field(repr=False, compare=False)

    def begin(self) -> Accumulator:
        """Start counting."""
        return self._begin()

    def of(self, rows: Iterable[Fields], *, seconds: float | None = None) -> float | None:
        """The value over ``rows``; ``seconds`` is the time they span, which rates need. O(rows)."""
        counting = self.begin()
        for row in rows:
            counting.add(row)
        return counting.value(seconds)

    def misfits(self, kind: Kind | None = None) -> tuple[str, ...]:
        """One sentence for each argument that is a field of another type than the function needs."""
        found = []
        if kind is not None and self.kinds is not None and kind not in self.kinds:
            found.append(
                f"{self.text} is a function of {_listed(sorted(self.kinds))} rows, these are {kind} rows"
            )
        for name, allowed in self.needs:
            known = field_type(name, kind)
            if known is None and kind == "session":
                found.append(f"{self.text}: {name} is no field of sessions")
            elif known is not None and known not in allowed:
                found.append(
                    f"{self.text}: {name} is a field of type {known}, {self.function} needs one of type "
                    f"{_listed(sorted(allowed))}"
                )
        return tuple(found)


def parse_aggregate(text: str, *, where: str | None = None, offset: int = 0) -> Aggregate:
    """Read ``function(arguments)``, with or without ``AS alias``. Raises ``SearchError``, ``UnsupportedError`` for one
    that Sentry has and that is not here.

    ``where`` names its place in messages, in which it begins ``offset`` characters after the start.
    """
    alias = _ALIAS.fullmatch(text)
    match = _CALL.fullmatch(alias[1] if alias else text)
    if match is None:
        raise SearchError(
            f"{text!r} is not a function",
            position=offset + 1,
            where=where,
            hint="write it as in count() or p95(transaction.duration)",
        )
    name, inner = match.groups()
    definition = FUNCTIONS.get(name)
    if definition is None and name in ELSEWHERE:
        raise UnsupportedError(
            f"{name} is a function of Sentry that is not evaluated here",
            position=offset + match.start(1) + 1,
            where=where,
            hint="look at it in Sentry",
        )
    if definition is None:
        raise SearchError(
            f"unknown function {name!r}",
            position=offset + match.start(1) + 1,
            where=where,
            hint=did_you_mean(name, FUNCTIONS),
        )
    given = _arguments(inner, text, offset + match.start(2) + 1, where)
    if not given and definition.otherwise:
        given = definition.otherwise
    if not definition.least <= len(given) <= len(definition.takes):
        raise SearchError(
            f"{name} takes {_takes(definition)}, got {len(given)}: {text!r}",
            position=offset + match.start(2) + 1,
            where=where,
            hint=f"write {_usage(name, definition)}",
        )
    try:
        begin, needs = definition.build(given)
    except ValueError as error:
        raise SearchError(
            f"{text!r}: {error}",
            position=offset + match.start(2) + 1,
            where=where,
            hint=f"write {_usage(name, definition)}",
        ) from error
    return Aggregate(
        function=name,
        arguments=given,
        text=f"{name}({','.join(given)})",
        unit=_unit(definition, needs),
        kinds=definition.kinds,
        needs=needs,
        alias=alias[2] if alias else "",
        _begin=begin,
    )


def looks_like_aggregate(text: str) -> bool:
    """Whether ``text`` is written as a function."""
    return _CALL.fullmatch(text) is not None


def _arguments(inner: str, text: str, position: int, where: str | None) -> tuple[str, ...]:
    """Arguments without blanks around them, quotes removed."""
    if not inner.strip():
        return ()
    found, at = [], 0
    while at <= len(inner):
        match = _ARGUMENT.match(inner, at)
        if match is None or (match[1] is None and not match[2]):
            raise SearchError(
                f"{text!r}: an argument is missing or has an odd quote",
                position=position + at,
                where=where,
                hint='separate arguments by commas, and quote those with blanks: count_if(message,equals,"a b")',
            )
        found.append(match[1].replace('\\"', '"') if match[1] is not None else match[2])
        if match.end() == len(inner) and not inner[: match.end()].endswith(","):
            break
        at = match.end()
    return tuple(found)


def _unit(definition: Function, needs: Needs) -> Unit:
    if definition.unit != "field":
        return definition.unit
    known = field_type(needs[0][0])
    return "milliseconds" if known == "duration" else "seconds" if known == "date" else "number"


def _takes(definition: Function) -> str:
    most = len(definition.takes)
    if not most:
        return "no argument"
    least = "" if definition.least == most else "up to "
    return f"{least}{most} argument{'s' if most > 1 else ''} ({', '.join(definition.takes)})"


def _usage(name: str, definition: Function) -> str:
    return f"{name}({','.join(definition.takes)})"


def _listed(names: Sequence[str]) -> str:
    return " or ".join(names)
