"""Sentry's match operators, on text in lower case. Sentry API reference, "Create an Issue Alert Rule": ``match``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

NEVER = frozenset({"gt", "gte", "lt", "lte"})
"""Operators that compare levels and releases. Sentry's forms do not offer them for attributes and tags, and here they
never match those; whether a rule that names them all the same ever matches in Sentry is not documented."""


def matcher(match: str, value: str) -> Callable[[Sequence[str]], bool]:
    """A predicate over all values of an attribute or tag, which are in lower case already.

    Operators with "not" are true when no value is like that, so also when there is no value at all.
    An empty ``value`` is never matched, as in Sentry; ``is`` and ``ns`` need none.
    """
    if match == "is":
        return bool
    if match == "ns":
        return lambda values: not values
    if not value or match in NEVER:
        return lambda _values: False
    wanted = value.lower()
    if match in ("in", "nin"):
        listed = frozenset(part.strip() for part in wanted.split(","))
        one: Callable[[str], bool] = listed.__contains__
    elif match in ("sw", "nsw"):
        one = _starts(wanted)
    elif match in ("ew", "new"):
        one = _ends(wanted)
    elif match in ("co", "nc"):
        one = _holds(wanted)
    else:
        one = wanted.__eq__
    if match in ("ne", "nsw", "new", "nc", "nin"):
        return lambda values: not any(map(one, values))
    return lambda values: any(map(one, values))


def _starts(wanted: str) -> Callable[[str], bool]:
    return lambda text: text.startswith(wanted)


def _ends(wanted: str) -> Callable[[str], bool]:
    return lambda text: text.endswith(wanted)


def _holds(wanted: str) -> Callable[[str], bool]:
    return lambda text: wanted in text
