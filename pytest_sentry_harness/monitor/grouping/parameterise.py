"""Messages without what differs from event to event: ids, numbers, addresses, times become ``<uuid>``, ``<int>``, ...

Sentry docs, "Issue Grouping: Grouping by Exception/Message": without a stack trace Sentry groups by the message, cleaned of
such values. Which kinds there are, and in which order they are tried, is what Sentry's configuration ``newstyle:2026-01-20``
does as far as it could be learned from its behaviour; the expressions are our own. Left out: "random ids" (Sentry
estimates how likely a word is), identifiers of OpenStack, and all but the commonest top-level domains.

Linear in the length of the text: every repetition is bounded, or cannot start again inside itself.
"""

from __future__ import annotations

import re

from .facts import LONGEST

_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_ZONE = r"(?:[+-]\d{4}|UTC?|GMT|[ECMP][SD]T|[A-IK-Z])\b"
_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_HEX4 = "[0-9a-fA-F]{1,4}"
_DOMAINS = (
    "com|net|org|io|dev|app|edu|gov|info|biz|cloud|online|site|news|xyz|me|tv|co|eu|us|uk|de|fr|es|it|nl|be|ch|at|pl|cz|se|no|fi"
    "|dk|pt|gr|ie|ro|hu|ru|ua|tr|il|in|cn|jp|kr|tw|au|nz|ca|br|mx|ar|za"
)
_DATES = "|".join(
    (
        # RFC 3339 and ISO 8601, with a time and without.
        r"(?<!\d)\d{4}-?[01]\d-?[0-3]\d[T ][0-2]\d:?[0-5]\d(?::?[0-5]\d(?:[.,]\d{1,9})?)?(?:Z(?:\d\d:\d\d)?|[+-]\d\d:?\d\d)?",
        r"(?<!\d)\d{4}-[01]\d-[0-3]\d(?!\d)",
        # RFC 1123 and RFC 850.
        rf"(?:{_DAY},\s+)?\d{{1,2}}\s+{_MONTH}\s+\d{{2,4}}\s+\d{{1,2}}:\d\d(?::\d\d)?\s+{_ZONE}",
        rf"(?:{_LONG_DAY}|{_DAY}),\s\d\d-{_MONTH}-\d\d\s\d\d:\d\d:\d\d\s{_ZONE}",
        # JavaScript, and C's ctime.
        rf"{_DAY}\s{_MONTH}\s\d\d\s\d{{4}}\s\d\d:\d\d:\d\d\sGMT[+-]\d{{4}}(?:\s\([^)]{{1,60}}\))?",
        rf"(?:{_DAY}\s+)?\b{_MONTH}\s+\d{{1,2}}\s+\d\d:\d\d:\d\d\s+\d{{4}}",
        rf"(?:{_DAY}\s)?\b{_MONTH}\s[0-3]?\d,\s\d{{2,4}}",
        # A time of day.
        rf"(?<![\d:]){_CLOCK}(?![\d:])(?:\s?[aApP][mM]\b)?",
        r"datetime\.datetime\([^)]{1,200}\)",
    )
)
_KINDS = (
    (
        "email",
        r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]{1,256}@[a-zA-Z0-9-]{1,63}(?:\.[a-zA-Z0-9-]{1,63})*",
    ),
    ("url", r"\b(?:https?|wss?|ftp)://[^\s/$.?#]\S*"),
    (
        "hostname",
        rf"(?<![a-zA-Z0-9.-])(?:[a-zA-Z0-9-]{{1,63}}\.)+?(?:{_DOMAINS}|{_DOMAINS.upper()})(?![\w-])",
    ),
    ("traceparent", r"\b00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]\b|\b1-[0-9a-f]{8}-[0-9a-f]{24}\b"),
    ("uuid", r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
    ("sha1", r"\b[0-9a-fA-F]{40}\b"),
    ("md5", r"\b[0-9a-fA-F]{32}\b"),
    ("date", _DATES),
    ("duration", r"\b\d{1,20}(?:ms|(?:\.\d{1,20})?s)\b"),
    ("mac", r"\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\b|\b[0-9a-fA-F]{2}(?:-[0-9a-fA-F]{2}){5}\b"),
    (
        "ip",
        rf"(?<![\w:])(?:(?:{_HEX4}:){{7}}{_HEX4}"
        rf"|(?:{_HEX4}(?::{_HEX4}){{0,6}})?::(?:(?:{_HEX4}:){{0,5}}{_OCTET}(?:\.{_OCTET}){{3}}|{_HEX4}(?::{_HEX4}){{0,6}})?"
        rf")(?:/\d{{1,3}})?(?![\w:])"
        rf"|\b{_OCTET}(?:\.{_OCTET}){{3}}\b",
    ),
    ("git_sha", r"\b(?=[a-f]{0,6}\d)(?=\d{0,6}[a-f])[0-9a-f]{7}\b"),
    # Shorter than eight only with digits and letters: else it is a number or a word.
    (
        "hex",
        r"\b0[xX][0-9a-fA-F]+\b|(?<!\w)-\d{8,128}\b|\b(?:[0-9a-f]{8,128}|[0-9A-F]{8,128})\b"
        r"|\b(?=[a-f]{0,6}\d)(?=\d{0,6}[a-f])[0-9a-f]{4,7}\b|\b(?=[A-F]{0,6}\d)(?=\d{0,6}[A-F])[0-9A-F]{4,7}\b",
    ),
    ("float", r"(?:-|\b)\d+\.\d+\b"),
    # Eight digits and more are taken for hexadecimal.
    ("int", r"(?:\b|(?<!\w)-)\d{1,7}\b"),
    ("quoted_str", r"""(?<==)(?:'[^']+'|"[^"]+")"""),
    ("bool", r"(?<==)(?:[Tt]rue|[Ff]alse)\b"),
)
KINDS = tuple(name for name, _ in _KINDS)
"""The names of what is replaced, in the order in which they are tried."""
_ANY = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _KINDS))


def parameterise(text: str) -> str:
    """``text`` with each value that differs from event to event replaced by its kind.

    >>> parameterise("order 8f14e45f-ceea-467f-9c3d-1c6a2b8a9f10 of user 42 failed after 3.5s")
    'order <uuid> of user <int> failed after <duration>'
    """
    return _ANY.sub(_kind, text[:LONGEST])


def for_grouping(message: str) -> str:
    """The first two lines that are not blank, parameterised; ``...`` follows when something was cut off."""
    cut = message[:LONGEST]
    lines: list[str] = []
    for line in cut.splitlines():
        if line.strip():
            lines.append(line)
            if len(lines) == 2:
                break
    text = "\n".join(lines)
    return parameterise(text if text == message else text + "...")


def _kind(match: re.Match[str]) -> str:
    return f"<{match.lastgroup}>"
