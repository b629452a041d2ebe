"""The functions there are: what each takes, gives and reads. Sentry docs, "Event Properties", "Release Health"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ...statistics.quantiles import quantile
from ..fields import STATUSES_THAT_ARE_NO_FAILURE, Fields, FieldType, Kind, field_type
from ..fields.reading import first_text, number_of, text_of
from .accumulators import (
    Accumulator,
    Complement,
    Count,
    Distinct,
    DistinctShare,
    Rate,
    Reduction,
    Running,
    Share,
    Values,
)

Unit = Literal["count", "milliseconds", "ratio", "number", "seconds", "per minute", "per second"]
"""Of a result; ``seconds`` are those since the epoch, ``number`` has the unit of the field."""

_MEASURABLE: frozenset[FieldType] = frozenset({"number", "duration"})
_DATED: frozenset[FieldType] = _MEASURABLE | {"date"}
_ANYTHING: frozenset[FieldType] = _DATED | {"text", "boolean"}
COMPARISONS = ("equals", "notEquals", "greater", "greaterOrEquals", "less", "lessOrEquals")
_SESSION_STATUSES = ("healthy", "errored", "crashed", "abnormal", "unhandled")
# User misery is smoothed as if a few users had been seen before: misery of 5 % on average.
_MISERY_PRIOR = (5.8875, 111.8625)

Needs = tuple[tuple[str, frozenset[FieldType]], ...]
_Built = tuple[Callable[[], Accumulator], Needs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """What one function takes and gives."""

    takes: tuple[str, ...] = ()
    """Names of its arguments, for messages."""
    least: int = 0
    """How many must be given."""
    otherwise: tuple[str, ...] = ()
    """Taken when none is given."""
    unit: Unit | Literal["field"] = "count"
    kinds: frozenset[Kind] | None = None
    build: Callable[[tuple[str, ...]], _Built]


class _Misery:
    """Users who waited more than four times the threshold, as a share, smoothed for small numbers."""

    __slots__ = ("_all", "_miserable")

    def __init__(self, threshold: float) -> None:
        self._miserable, self._all = Distinct("user", _slower_than(4 * threshold)), Distinct("user")

    def add(self, row: Fields) -> None:
        self._miserable.add(row)
        self._all.add(row)

    def value(self, seconds: float | None = None) -> float | None:
        miserable, fine = _MISERY_PRIOR
        return ((self._miserable.value() or 0) + miserable) / ((self._all.value() or 0) + miserable + fine)


def _slower_than(threshold: float) -> Callable[[Fields], bool]:
    def slower(row: Fields) -> bool:
        return any((number_of(each) or 0) > threshold for each in row("transaction.duration"))

    return slower


def _failed(row: Fields) -> float:
    # Of a span Sentry takes the status of its transaction, as ``failure_rate`` in ``src/sentry/search/eap/spans/formulas.py``.
    status = first_text(row("transaction.status")) or first_text(row("trace.status"))
    return status is not None and status not in STATUSES_THAT_ARE_NO_FAILURE


def _satisfied(threshold: float) -> Callable[[Fields], float]:
    def score(row: Fields) -> float:
        took = next((n for n in map(number_of, row("transaction.duration")) if n is not None), None)
        return 0.0 if took is None or took > 4 * threshold else 1.0 if took <= threshold else 0.5

    return score


def _has_duration(row: Fields) -> float:
    return any(number_of(each) is not None for each in row("transaction.duration"))


def _sessions(row: Fields) -> float:
    return next((n for n in map(number_of, row("sessions")) if n is not None), 0.0)


def _sessions_of(status: str) -> Callable[[Fields], float]:
    return lambda row: _sessions(row) if first_text(row("session.status")) == status else 0.0


def _is_status(status: str) -> Callable[[Fields], bool]:
    return lambda row: first_text(row("session.status")) == status


def _test(name: str, comparison: str, wanted: str) -> Callable[[Fields], bool]:
    """The condition of ``count_if``."""
    if comparison not in COMPARISONS:
        raise ValueError(f"{comparison!r} is not one of {', '.join(COMPARISONS)}")
    if comparison in ("equals", "notEquals"):
        known = field_type(name)
        number = _number(wanted, "value") if known in _MEASURABLE else None

        def equals(row: Fields) -> bool:
            if number is not None:
                return any(number_of(each) == number for each in row(name))
            return any(text_of(each) == wanted for each in row(name))

        return equals if comparison == "equals" else lambda row: not equals(row)
    limit = _number(wanted, "value")
    compare: dict[str, Callable[[float], bool]] = {
        "greater": lambda found: found > limit,
        "greaterOrEquals": lambda found: found >= limit,
        "less": lambda found: found < limit,
        "lessOrEquals": lambda found: found <= limit,
    }
    chosen = compare[comparison]
    return lambda row: any(chosen(n) for n in map(number_of, row(name)) if n is not None)


def _number(text: str, what: str, low: float | None = None, high: float | None = None) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != number or abs(number) == float("inf"):
        raise ValueError(f"{what} must be a number, got {text!r}")
    if (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(f"{what} must be between {low:g} and {high:g}, got {text}")
    return number


def _plain(begin: Callable[[], Accumulator], *needs: tuple[str, frozenset[FieldType]]) -> _Built:
    return begin, needs


def _percentile(share: float) -> Callable[[tuple[str, ...]], _Built]:
    return lambda given: _plain(
        lambda: Values(given[0], lambda values: quantile(sorted(values), share)), (given[0], _MEASURABLE)
    )


def _any_percentile(given: tuple[str, ...]) -> _Built:
    share = _number(given[1], "the level of a percentile", 0, 1)
    return _percentile(share)(given)


def _running(what: Reduction) -> Callable[[tuple[str, ...]], _Built]:
    allowed = _DATED if what in ("min", "max", "any") else _MEASURABLE
    return lambda given: _plain(lambda: Running(given[0], what), (given[0], allowed))


def _count_if(given: tuple[str, ...]) -> _Built:
    test = _test(*given)
    allowed = _ANYTHING if given[1] in ("equals", "notEquals") else _MEASURABLE
    return _plain(lambda: Count(test), (given[0], allowed))


def _failure_count_if(given: tuple[str, ...]) -> _Built:
    test = _test(*given)
    return _plain(lambda: Count(lambda row: _failed(row) and test(row)))


def _threshold(given: tuple[str, ...], index: int = 0) -> float:
    limit = _number(given[index], "the threshold in milliseconds")
    if limit < 0:
        raise ValueError(f"the threshold in milliseconds must not be negative, got {given[index]}")
    return limit


def _apdex(given: tuple[str, ...]) -> _Built:
    score = _satisfied(_threshold(given))
    return _plain(lambda: Share(score, _has_duration))


def _misery(given: tuple[str, ...]) -> _Built:
    limit = _threshold(given)
    return _plain(lambda: _Misery(limit))


def _miserable(given: tuple[str, ...]) -> _Built:
    limit = _threshold(given, 1)
    return _plain(lambda: Distinct(given[0], _slower_than(4 * limit)))


def _crash_rate(given: tuple[str, ...]) -> _Built:
    if given[0] not in ("session", "user"):
        raise ValueError(f"the argument must be session or user, got {given[0]!r}")
    if given[0] == "session":
        return _plain(lambda: Share(_sessions_of("crashed"), _sessions))
    return _plain(lambda: DistinctShare("user", _is_status("crashed")))


def _crash_free(given: tuple[str, ...]) -> _Built:
    begin, needs = _crash_rate(given)
    return (lambda: Complement(begin())), needs


def _count_status(status: str) -> Callable[[tuple[str, ...]], _Built]:
    def build(given: tuple[str, ...]) -> _Built:
        if given[0] not in ("session", "user"):
            raise ValueError(f"the argument must be session or user, got {given[0]!r}")
        if given[0] == "session":
            return _plain(lambda: Count(_sessions_of(status)))
        return _plain(lambda: Distinct("user", _is_status(status)))

    return build


def _percentage(given: tuple[str, ...]) -> _Built:
    part, whole = given
    status = part.rpartition("_")[2]
    noun = part.removesuffix(f"_{status}")
    if noun not in ("sessions", "users") or whole != noun or status not in _SESSION_STATUSES:
        raise ValueError("the arguments must be sessions_crashed,sessions or users_crashed,users")
    if noun == "sessions":
        return _plain(lambda: Share(_sessions_of(status), _sessions))
    return _plain(lambda: DistinctShare("user", _is_status(status)))


def _rate(span: float) -> Callable[[tuple[str, ...]], _Built]:
    return lambda given: _plain(lambda: Rate(span))


_TRANSACTIONS: frozenset[Kind] = frozenset({"transaction", "span"})
_SESSIONS: frozenset[Kind] = frozenset({"session"})
_ON_DURATION = ("transaction.duration",)

FUNCTIONS: dict[str, Function] = {
    "count": Function(takes=("column",), build=lambda given: _plain(Count)),
    "count_unique": Function(
        takes=("column",), least=1, build=lambda given: _plain(lambda: Distinct(given[0]))
    ),
    "count_if": Function(takes=("column", "operator", "value"), least=3, build=_count_if),
    "failure_count": Function(kinds=_TRANSACTIONS, build=lambda given: _plain(lambda: Count(_failed))),
    "failure_count_if": Function(
        takes=("column", "operator", "value"), least=3, kinds=_TRANSACTIONS, build=_failure_count_if
    ),
    "failure_rate": Function(
        unit="ratio", kinds=_TRANSACTIONS, build=lambda given: _plain(lambda: Share(_failed))
    ),
    "percentile": Function(takes=("column", "level"), least=2, unit="field", build=_any_percentile),
    "apdex": Function(
        takes=("threshold",), otherwise=("300",), unit="ratio", kinds=_TRANSACTIONS, build=_apdex
    ),
    "user_misery": Function(
        takes=("threshold",), otherwise=("300",), unit="ratio", kinds=_TRANSACTIONS, build=_misery
    ),
    "count_miserable": Function(
        takes=("column", "threshold"), least=2, kinds=_TRANSACTIONS, build=_miserable
    ),
    "last_seen": Function(unit="seconds", build=lambda given: _plain(lambda: Running("timestamp", "max"))),
    "crash_rate": Function(takes=("of",), least=1, unit="ratio", kinds=_SESSIONS, build=_crash_rate),
    "crash_free_rate": Function(takes=("of",), least=1, unit="ratio", kinds=_SESSIONS, build=_crash_free),
    "percentage": Function(
        takes=("part", "whole"), least=2, unit="ratio", kinds=_SESSIONS, build=_percentage
    ),
}
_REDUCTIONS: tuple[Reduction, ...] = ("avg", "min", "max", "sum", "any")
for _name in _REDUCTIONS:
    FUNCTIONS[_name] = Function(takes=("column",), least=1, unit="field", build=_running(_name))
for _level in (50, 75, 90, 95, 99, 100):
    FUNCTIONS[f"p{_level}"] = Function(
        takes=("column",), otherwise=_ON_DURATION, unit="field", build=_percentile(_level / 100)
    )
for _status in _SESSION_STATUSES:
    FUNCTIONS[f"count_{_status}"] = Function(
        takes=("of",), least=1, kinds=_SESSIONS, build=_count_status(_status)
    )
for _per, _span in (("m", 60.0), ("s", 1.0)):
    for _what in "ets":
        FUNCTIONS[f"{_what}p{_per}"] = Function(
            takes=("interval",), unit="per minute" if _per == "m" else "per second", build=_rate(_span)
        )
