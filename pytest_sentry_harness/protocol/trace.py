"""Trace propagation. Sentry developer docs, "Traces: Propagation" and "Dynamic Sampling Context".

``sentry-trace: {trace id}-{span id}[-{0|1}]`` and ``baggage`` (W3C Baggage) with ``sentry-`` members,
which are the dynamic sampling context: strings, percent-encoded, frozen by whoever starts the trace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from ..errors import ProtocolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

SENTRY_TRACE = "sentry-trace"
BAGGAGE = "baggage"
DSC_KEYS = (
    "trace_id",
    "public_key",
    "sample_rate",
    "sample_rand",
    "sampled",
    "release",
    "environment",
    "transaction",
    "org_id",
)
"""The members of a dynamic sampling context that are documented."""

_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_SPAN_ID = re.compile(r"[0-9a-f]{16}")
_SENTRY_TRACE = re.compile(r"\s*([0-9a-fA-F]{32})-([0-9a-fA-F]{16})(?:-([01]))?\s*")
_KEY = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PREFIX = "sentry-"


@dataclass(frozen=True, slots=True)
class SentryTrace:
    """One ``sentry-trace`` header; ``sampled`` None leaves the decision to the receiver."""

    trace_id: str
    span_id: str
    sampled: bool | None = None

    def __str__(self) -> str:
        flag = "" if self.sampled is None else f"-{int(self.sampled)}"
        return f"{self.trace_id}-{self.span_id}{flag}"


def parse_sentry_trace(value: str) -> SentryTrace:
    """Read a ``sentry-trace`` header. Raises ``ProtocolError`` when it is not one."""
    match = _SENTRY_TRACE.fullmatch(value)
    if match is None:
        raise ProtocolError(
            f"sentry-trace must be 32 and 16 hexadecimal digits and an optional 0 or 1, got {value[:80]!r}"
        )
    trace_id, span_id, flag = match.groups()
    return SentryTrace(trace_id.lower(), span_id.lower(), None if flag is None else flag == "1")


@dataclass(frozen=True, slots=True)
class Baggage:
    """One ``baggage`` header: Sentry's members decoded, without the prefix; those of others as they came."""

    sentry: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    foreign: tuple[str, ...] = ()

    @property
    def sample_rate(self) -> float | None:
        """The rate the trace was sampled with, None when absent or not a number of [0, 1]."""
        rate = _number(self.sentry.get("sample_rate"))
        return rate if rate is not None and rate <= 1 else None

    @property
    def sample_rand(self) -> float | None:
        """The random number of the trace, None when absent or not in [0, 1)."""
        rand = _number(self.sentry.get("sample_rand"))
        return rand if rand is not None and rand < 1 else None

    @property
    def sampled(self) -> bool | None:
        """The sampling decision, None when there is none yet."""
        return {"true": True, "false": False}.get(self.sentry.get("sampled", ""))

    def __str__(self) -> str:
        return write_baggage(self)


def parse_baggage(value: str) -> Baggage:
    """Read a ``baggage`` header.

    A ``sentry-`` member without a value is skipped, as SDKs do; the last of two equal keys wins.
    """
    sentry: dict[str, str] = {}
    foreign: list[str] = []
    for member in value.split(","):
        member = member.strip()
        if not member:
            continue
        key, separator, text = member.partition("=")
        key = key.strip()
        if not key.startswith(_PREFIX):
            foreign.append(member)
        elif separator:
            # Properties after a semicolon belong to the member, not to its value; Sentry has none.
            sentry[unquote(key[len(_PREFIX) :])] = unquote(text.partition(";")[0].strip())
    return Baggage(MappingProxyType(sentry), tuple(foreign))


def write_baggage(baggage: Baggage) -> str:
    """The header value: foreign members first, as they came, then Sentry's.

    Raises ``UsageError`` for a key that is not a token or a foreign member that would split.
    """
    members = []
    for member in baggage.foreign:
        if "," in member or not member.isprintable() or member != member.strip() or not member:
            raise UsageError(f"{member[:80]!r} is not one baggage member")
        if member.partition("=")[0].strip().startswith(_PREFIX):
            raise UsageError(
                f"{member[:80]!r} is not a foreign baggage member: its key starts with {_PREFIX}"
            )
        members.append(member)
    for key, value in baggage.sentry.items():
        if not _KEY.fullmatch(key) or "%" in key:
            raise UsageError(
                f"{key[:80]!r} cannot be a baggage key", hint=f"documented keys: {', '.join(DSC_KEYS)}"
            )
        members.append(f"{_PREFIX}{key}={quote(value, safe='')}")
    return ",".join(members)


def format_sample_rand(sample_rand: float) -> str:
    """``sample_rand`` as it travels: six decimals, truncated, so that it never reaches 1.

    Raises ``UsageError`` outside of [0, 1).
    """
    if not 0 <= sample_rand < 1:
        raise UsageError(f"sample_rand must be at least 0 and less than 1, got {sample_rand}")
    # The shortest decimal of the float is cut, not its binary value: 0.29 stays 0.290000.
    text = repr(float(sample_rand))
    if "e" not in text:
        return text[:8].ljust(8, "0")
    return str(Decimal(repr(float(sample_rand))).quantize(Decimal("0.000001"), rounding=ROUND_DOWN))


class TraceHeaders:
    """What an HTTP client sends to start a trace of its own choosing."""

    @staticmethod
    def fresh(trace_id: str, span_id: str, sample_rand: float, sampled: bool | None = None) -> dict[str, str]:
        """The two headers. Without ``sampled`` the receiver decides by ``sample_rand < its rate``.

        ``trace_id`` is 32 and ``span_id`` 16 lower-case hexadecimal digits. Raises ``UsageError`` otherwise.
        """
        if not _TRACE_ID.fullmatch(trace_id):
            raise UsageError(f"a trace id has 32 lower-case hexadecimal digits, got {trace_id[:50]!r}")
        if not _SPAN_ID.fullmatch(span_id):
            raise UsageError(f"a span id has 16 lower-case hexadecimal digits, got {span_id[:50]!r}")
        # Digits only: nothing to be quoted, and this is done for every request of a load.
        baggage = f"{_PREFIX}trace_id={trace_id},{_PREFIX}sample_rand={format_sample_rand(sample_rand)}"
        if sampled is not None:
            baggage += f",{_PREFIX}sampled={str(sampled).lower()}"
        return {SENTRY_TRACE: str(SentryTrace(trace_id, span_id, sampled)), BAGGAGE: baggage}


def _number(text: str | None) -> float | None:
    if text is None or not re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,40})?([eE]-?[0-9]{1,3})?", text):
        return None
    return float(text)
