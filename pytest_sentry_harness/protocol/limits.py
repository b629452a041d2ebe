"""Size limits. Sentry developer docs, "Envelopes: Size Limits". Sizes are bytes after decompression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_KIB = 1 << 10
_MIB = 1 << 20

_ITEM_BYTES = MappingProxyType(
    {
        "event": _MIB,
        "transaction": _MIB,
        "feedback": _MIB,
        "user_report": _MIB,
        "security": _MIB,
        "raw_security": _MIB,
        "nel": _MIB,
        "form_data": _MIB,
        "span": _MIB,
        "log": _MIB,
        "trace_metric": _MIB,
        "check_in": 100 * _KIB,
        "client_report": 4 * _KIB,
        "session": 100 * _KIB,
        "sessions": _MIB,
        "profile": 50 * _MIB,
        "profile_chunk": 50 * _MIB,
        "replay_event": _MIB,
        "replay_recording": 100 * _MIB,
        "replay_video": 100 * _MIB,
        "attachment": 200 * _MIB,
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an envelope may hold. Types not in ``item_bytes`` are bounded by ``envelope_bytes`` only."""

    envelope_bytes: int = 200 * _MIB
    header_bytes: int = 256 * _KIB
    """Length of one header line; not documented, generous, keeps a hostile line from being decoded."""
    items: int = 10_000
    """Items per envelope; not documented, generous."""
    sessions: int = 100
    """``session`` and ``sessions`` items per envelope."""
    item_bytes: Mapping[str, int] = field(default_factory=lambda: _ITEM_BYTES)


DEFAULT_LIMITS = Limits()
