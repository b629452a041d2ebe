"""Key, operator and values → a condition with its test, by the type of the field."""

from __future__ import annotations

import operator as operators
from collections.abc import Callable, Sequence

from ...errors import did_you_mean, nearest
from ..aggregates import parse_aggregate
from ..fields import ISSUE_STATUSES, Fields, FieldType, field_type, known_fields, tag_name, text_of
from ..fields.reading import number_of
from . import values as reading
from .search import Condition, Having
from .written import Written

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operators.gt,
    ">=": operators.ge,
    "<": operators.lt,
    "<=": operators.le,
}
_VERSIONS = ("release.version", "release.build")
_CONTAINS = ("message",)
IS_VALUES = tuple(
    sorted(
        {name for names in ISSUE_STATUSES.values() for name in names}
        | {"assigned", "unassigned", "linked", "unlinked", "escalating"}
    )
)


def condition_of(written: Written, doubts: list[str]) -> Condition:
    """The condition of ``key:value``. Raises ``SearchError`` for a value the field cannot have."""
    key = written.key
    if key == "has":
        return _has(written)
    if key == "is":
        return _is(written)
    known = field_type(key, written.kind)
    if known is None or known == "text":
        return _text(written, known, doubts)
    if known == "boolean":
        return _boolean(written)
    if known == "date":
        return _date(written)
    return _number(written, known)


def free_text(written: Written) -> Condition:
    """Text that the message or title contains; capitals do not matter."""
    wanted = written.values[0]
    inside = _anywhere(wanted)

    def test(fields: Fields, now: float) -> bool:
        return any(
            isinstance(each, str) and inside(each) for name in ("message", "title") for each in fields(name)
        )

    return written.condition(test)


def having_of(written: Written) -> Having:
    """A condition on an aggregate. Raises ``SearchError``."""
    aggregate = parse_aggregate(
        written.key, where=written.where, offset=written.position - 1 + written.negated
    )
    if written.operator == "in" or len(written.values) != 1:
        written.refuse("an aggregate is compared with one number", hint="write it as in count():>5")
    text = written.values[0]
    read: dict[str, Callable[[str], float | None]] = {
        "milliseconds": reading.duration_value,
        "ratio": reading.percentage_value,
        "seconds": lambda value: (reading.date_value(value) or (None,))[0],
        "number": reading.duration_value,
    }
    number = read.get(aggregate.unit, reading.number_value)(text)
    if number is None:
        needed = {"milliseconds": "duration", "ratio": "percentage", "seconds": "date"}.get(
            aggregate.unit, "number"
        )
        written.refuse(f"{text!r} is not a {needed}", hint=reading.HINTS[needed])
    return Having(
        text=written.text,
        position=written.position,
        aggregate=aggregate,
        operator=written.operator,
        number=number,
        negated=written.negated,
    )


def _has(written: Written) -> Condition:
    if written.operator != "=" or len(written.values) != 1 or not written.values[0]:
        written.refuse(
            "has: takes the name of one field or tag", hint="write it as in has:user or has:tags[server]"
        )
    name = written.values[0]
    written.operator = "has"

    def test(fields: Fields, now: float) -> bool:
        return any(each != "" for each in fields(name))

    return written.condition(test)


def _is(written: Written) -> Condition:
    if written.kind not in (None, "issue"):
        written.refuse(f"is: is for issues only, these are {written.kind} rows")
    if written.operator != "=":
        written.refuse("is: takes one value, no list and no comparison", hint="write it as in is:unresolved")
    wanted = written.values[0]
    if wanted not in IS_VALUES:
        written.refuse(f"is: has no value {wanted!r}", hint=did_you_mean(wanted, IS_VALUES))
    return written.condition(lambda fields, now: wanted in fields("is"))


def _text(written: Written, known: FieldType | None, doubts: list[str]) -> Condition:
    key, operator, wanted = written.key, written.operator, written.values
    if operator in _COMPARE:
        if key in _VERSIONS:
            return _version(written)
        if known == "text" and tag_name(key) is None:
            written.refuse(
                f"{key} is text, {operator} compares numbers, durations and dates",
                hint=f"write {key}:value, or with * for a part of it",
            )
        return _compared_tag(written, doubts)
    if known is None:
        near = [name for name in nearest(key, known_fields(written.kind), most=1) if _like(key, name)]
        if near:
            doubts.append(f"{key} is no known field and is looked up as a tag; did you mean {near[0]!r}?")
    if operator == "in" and any(reading.has_wildcard(value) for value in wanted):
        written.refuse(
            "a list cannot have wildcards",
            hint=f"write ({' OR '.join(f'{key}:{value}' for value in wanted[:3])})",
        )
    if wanted == ("",):
        return written.condition(lambda fields, now: all(each == "" for each in fields(key)))
    if operator == "=" and (key in _CONTAINS or reading.has_wildcard(wanted[0])):
        inside = _anywhere(wanted[0]) if key in _CONTAINS else reading.pattern(wanted[0])

        def like(fields: Fields, now: float) -> bool:
            return any(inside(text) for text in map(text_of, fields(key)) if text is not None)

        return written.condition(like)
    exact = frozenset(reading.unescaped(value) for value in wanted)

    def test(fields: Fields, now: float) -> bool:
        return any((each if type(each) is str else text_of(each)) in exact for each in fields(key))

    return written.condition(test)


def _compared_tag(written: Written, doubts: list[str]) -> Condition:
    """A tag with a comparison: numbers compare where the row has a number; tags are text."""
    key, compare = written.key, _COMPARE[written.operator]
    limit = reading.duration_value(written.values[0])
    if limit is None:
        written.refuse(f"{written.values[0]!r} is not a number or duration", hint=reading.HINTS["duration"])
    doubts.append(
        f"{key} is no known field: as a tag it is text, which Sentry does not compare; only the attributes of "
        "spans can be numbers"
    )

    def test(fields: Fields, now: float) -> bool:
        return any(compare(n, limit) for n in map(number_of, fields(key)) if n is not None)

    return written.condition(test, number=limit)


def _version(written: Written) -> Condition:
    key, compare = written.key, _COMPARE[written.operator]
    limit = reading.version_key(written.values[0])

    def test(fields: Fields, now: float) -> bool:
        texts = [text for text in map(text_of, fields(key)) if text]
        return any(compare(reading.version_key(text), limit) for text in texts)  # type: ignore[arg-type]

    return written.condition(test)


def _boolean(written: Written) -> Condition:
    if written.values == ("",):
        return written.condition(lambda fields, now: not fields(written.key))
    wanted = reading.boolean_value(written.values[0]) if written.operator == "=" else None
    if wanted is None:
        written.refuse(f"{written.key} is true or false", hint=reading.HINTS["boolean"])
    return written.condition(
        lambda fields, now: any(type(each) is bool and each is wanted for each in fields(written.key))
    )


def _number(written: Written, known: FieldType) -> Condition:
    key = written.key
    if written.values == ("",):
        return written.condition(lambda fields, now: not fields(key))
    read = reading.duration_value if known == "duration" else reading.number_value
    numbers: list[float] = []
    for value in written.values:
        number = read(value)
        if number is None and key.startswith("measurements."):
            number = reading.duration_value(value)
        if number is None:
            written.refuse(f"{value!r} is not a {known}", hint=reading.HINTS[known])
        numbers.append(number)
    if written.operator in _COMPARE:
        compare, limit = _COMPARE[written.operator], numbers[0]
        return written.condition(
            lambda fields, now: any(compare(n, limit) for n in map(number_of, fields(key)) if n is not None),
            number=limit,
        )
    exact = frozenset(numbers)
    return written.condition(
        lambda fields, now: any(number_of(each) in exact for each in fields(key)),
        number=numbers[0] if len(numbers) == 1 else None,
    )


def _date(written: Written) -> Condition:
    key = written.key
    if written.operator == "in":
        written.refuse(f"{key} is a time, which takes no list")
    text = written.values[0]
    relative = reading.relative_value(text)
    if relative is not None and written.operator == "=":
        newer, seconds = relative

        def around(fields: Fields, now: float) -> bool:
            limit = now - seconds
            return any((n >= limit) if newer else (n <= limit) for n in _numbers(fields(key)))

        return written.condition(around, relative=True)
    found = reading.date_value(text)
    if found is None:
        written.refuse(f"{text!r} is not a time", hint=reading.HINTS["date"])
    limit, start, end = found
    if written.operator == "=":
        return written.condition(lambda fields, now: any(start <= n < end for n in _numbers(fields(key))))
    compare = _COMPARE[written.operator]
    return written.condition(lambda fields, now: any(compare(n, limit) for n in _numbers(fields(key))))


def _numbers(found: Sequence[object]) -> list[float]:
    return [number for number in map(number_of, found) if number is not None]


def _anywhere(text: str) -> Callable[[str], bool]:
    """Whether a text has ``text``, with or without wildcards, somewhere in it."""
    if reading.has_wildcard(text):
        return reading.pattern(f"*{text}*")
    literal = reading.unescaped(text).replace("\\", "\\\\").replace("*", "\\*")
    return reading.pattern(f"*{literal}*")


def _like(key: str, name: str) -> bool:
    """Whether ``key`` may be ``name`` misspelt: the same but for capitals and signs, or nearly."""
    bare = key.lower().replace("_", "").replace(".", "").replace("-", "")
    return bare == name.lower().replace(".", "").replace("_", "") or bool(
        nearest(key, [name]) and abs(len(key) - len(name)) <= 2 and key[:1].lower() == name[:1].lower()
    )
