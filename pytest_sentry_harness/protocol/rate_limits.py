"""Rate limits. Sentry developer docs, "Rate Limiting".

``X-Sentry-Rate-Limits: limit *("," limit)`` with
``limit := retry_after ":" [category *(";" category)] ":" scope [":" reason_code [":" namespaces]]``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from ..errors import ProtocolError, UsageError

HEADER = "X-Sentry-Rate-Limits"
DEFAULT_RETRY_AFTER = 60.0
"""Seconds a client is silent after a 429 that says nothing else."""
ALL_CATEGORIES = ""
"""Key of ``active`` for a limit that names no category: it holds for every category."""

_TOKEN = re.compile(r"[A-Za-z0-9_.\- ]*")
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Nothing of ``categories`` (empty: all) for ``seconds``; ``namespaces`` narrow ``metric_bucket``."""

    seconds: float
    categories: tuple[str, ...] = ()
    scope: str = "organization"
    reason_code: str = ""
    namespaces: tuple[str, ...] = ()


def parse_rate_limits(header: str) -> tuple[RateLimit, ...]:
    """Read the header; fractional seconds are legal here though clients may ignore them, extra fields too.

    Raises ``ProtocolError`` for a limit that does not follow the grammar.
    """
    return tuple(_limit(part.strip()) for part in header.split(",") if part.strip())


def _limit(text: str) -> RateLimit:
    fields = [field.strip() for field in text.split(":")]
    if len(fields) < 3:
        raise _invalid(text, "it needs retry_after, categories and scope, separated by colons")
    if not _SECONDS.fullmatch(fields[0]):
        raise _invalid(text, "retry_after must be a number of seconds")
    return RateLimit(
        seconds=float(fields[0]),
        categories=_names(fields[1]),
        scope=fields[2],
        reason_code=fields[3] if len(fields) > 3 else "",
        namespaces=_names(fields[4]) if len(fields) > 4 else (),
    )


def _names(field: str) -> tuple[str, ...]:
    return tuple(name for part in field.split(";") if (name := part.strip()))


def write_rate_limits(limits: Iterable[RateLimit]) -> str:
    """The header value. Seconds are rounded up to whole numbers: the Python SDK ignores fractions altogether.

    Raises ``UsageError`` for a name that the grammar cannot carry.
    """
    written = []
    for limit in limits:
        for name in (*limit.categories, limit.scope, limit.reason_code, *limit.namespaces):
            if not _TOKEN.fullmatch(name) or name != name.strip():
                raise UsageError(
                    f"{name!r} cannot stand in a rate limit",
                    hint="use letters, digits, underscores, dots and dashes",
                )
        if not 0 <= limit.seconds < 1e12:
            raise UsageError(f"a rate limit of {limit.seconds} seconds cannot be written")
        fields = [
            str(math.ceil(limit.seconds)),
            ";".join(limit.categories),
            limit.scope,
            limit.reason_code,
            ";".join(limit.namespaces),
        ]
        while len(fields) > 3 and not fields[-1]:
            fields.pop()
        written.append(":".join(fields))
    return ", ".join(written)


def parse_retry_after(value: str | None, now: float) -> float:
    """Seconds from ``now`` (epoch seconds) that ``Retry-After`` asks for; 60 when absent or not readable."""
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,12}", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return DEFAULT_RETRY_AFTER


def active(
    limits: Iterable[RateLimit], now: float, known: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Until when each category is limited, on the clock of ``now``; the longest limit of a category wins.

    ``known`` are the deadlines so far; those that have passed are left out. A limit for metric
    namespaces limits ``metric_bucket`` only when it names no namespace or ``custom``.
    """
    deadlines = {category: until for category, until in (known or {}).items() if until > now}
    for limit in limits:
        until = now + limit.seconds
        if until <= now or (limit.namespaces and "custom" not in limit.namespaces):
            continue
        for category in limit.categories or (ALL_CATEGORIES,):
            deadlines[category] = max(until, deadlines.get(category, until))
    return deadlines


def limited_until(deadlines: Mapping[str, float], category: str, now: float) -> float | None:
    """Until when ``category`` must not be sent, or None when it may be. ``deadlines`` come from ``active``."""
    until = max(deadlines.get(category, now), deadlines.get(ALL_CATEGORIES, now))
    return until if until > now else None


def _invalid(text: str, why: str) -> ProtocolError:
    return ProtocolError(f"the rate limit {text[:80]!r} is not valid: {why}")
