"""Which fields there are and of which type. Sentry docs, "Searchable Properties" of events, issues, spans and sessions."""

from __future__ import annotations

import re
from typing import Literal, get_args

FieldType = Literal["text", "number", "duration", "boolean", "date"]
"""``duration`` is in milliseconds, as Sentry has it; ``date`` in seconds since the epoch."""
Kind = Literal["event", "transaction", "span", "session", "issue"]
KINDS: tuple[Kind, ...] = get_args(Kind)

STATUSES_THAT_ARE_NO_FAILURE = frozenset({"ok", "cancelled", "unknown"})
"""Of ``transaction.status``: everything else is a failure (Sentry docs, "Performance metrics: failure rate")."""

ONLY_VALUES: dict[str, frozenset[str]] = {
    "level": frozenset({"fatal", "error", "warning", "info", "debug", "sample"}),
    "session.status": frozenset({"healthy", "errored", "crashed", "abnormal", "unhandled"}),
    "transaction.status": frozenset(
        [
            "ok",
            "cancelled",
            "unknown",
            "invalid_argument",
            "deadline_exceeded",
            "not_found",
            "already_exists",
            "permission_denied",
            "resource_exhausted",
            "failed_precondition",
            "aborted",
            "out_of_range",
            "unimplemented",
            "internal_error",
            "unavailable",
            "data_loss",
            "unauthenticated",
            "unknown_error",
        ]
    ),
}
"""Fields that can have a few values only. Sentry developer docs, "Event Payloads" and "Trace Context: status"."""

_TAG = re.compile(r'tags\[\s*"?([^\]",]+)"?\s*(?:,\s*(number|string|boolean)\s*)?\]')
_CONTEXTS = (
    "os.name os.version os.build os.kernel_version browser.name browser.version runtime.name runtime.version"
)
_DEVICE = "device.arch device.brand device.family device.name device.model device.model_id device.class"
_BOTH = (
    "id event.type level message title platform platform.name project project.id project.name release release.version release.package "
    "release.build dist environment transaction user user.id user.email user.username user.ip user.display geo.city "
    "geo.country_code geo.region http.method http.url http.referer http.status_code url sdk.name sdk.version trace "
    f"trace.span trace.parent_span {_CONTEXTS} os browser runtime device {_DEVICE}"
)
_EVENT = (
    "error.type error.value error.mechanism stack.abs_path stack.filename stack.function stack.module stack.package "
    "location culprit issue issue.id handled mechanism"
)
# What Sentry makes itself, or few SDKs send: looked up among tags and attributes, and no misspelling where it is not there.
_RARE = (
    "geo.subdivision replayId profile.id user.segment release.stage os.distribution_name os.distribution_version "
    "device.locale device.orientation device.uuid"
)
_MADE_OF_SPANS = "span.action span.category span.domain span.group span.module span.system normalized_description transaction.method"
_TRANSACTION = "transaction.op transaction.status transaction.method transaction.source"
_SPAN = (
    "id trace trace.status span.op span.description span.name span.status span.origin transaction transaction.op release "
    "environment project project.id project.name user"
)
_SESSION = "release release.version release.package release.build environment project project.id project.name session.status user"
_ISSUE = (
    "is assigned assigned_or_suggested bookmarks firstRelease first-release issue issue.category issue.type "
    "issue.priority status culprit"
)

_TEXT: dict[Kind, str] = {
    "event": f"{_BOTH} {_EVENT} {_RARE}",
    "transaction": f"{_BOTH} {_TRANSACTION} {_RARE}",
    "span": f"{_SPAN} {_MADE_OF_SPANS}",
    "session": _SESSION,
    # An issue is found by any of its events.
    "issue": f"{_BOTH} {_EVENT} {_ISSUE}",
}
_OTHERS: dict[Kind, dict[FieldType, str]] = {
    "event": {
        "date": "timestamp event.timestamp",
        "boolean": "error.handled error.unhandled error.main_thread stack.in_app",
        "number": "stack.lineno",
    },
    "transaction": {"date": "timestamp event.timestamp", "duration": "transaction.duration spans.total.time"},
    "span": {
        "date": "timestamp",
        "duration": "span.duration span.self_time transaction.duration",
        "boolean": "is_transaction",
    },
    "session": {"date": "timestamp", "number": "session sessions", "duration": "session.duration"},
    "issue": {
        "date": "timestamp event.timestamp firstSeen lastSeen age",
        "boolean": "error.handled error.unhandled error.main_thread stack.in_app",
        "number": "timesSeen stack.lineno",
    },
}


def _known(kind: Kind) -> dict[str, FieldType]:
    found: dict[str, FieldType] = dict.fromkeys(_TEXT[kind].split(), "text")
    for of_type, names in _OTHERS[kind].items():
        found.update(dict.fromkeys(names.split(), of_type))
    return found


_KNOWN: dict[Kind, dict[str, FieldType]] = {kind: _known(kind) for kind in KINDS}
_VITALS = (
    "app_start_cold app_start_warm fcp fid fp inp lcp stall_longest_time stall_total_time ttfb ttfb.requesttime "
    "time_to_initial_display time_to_full_display"
)
_DURATION_MEASUREMENTS = frozenset(f"measurements.{name}" for name in _VITALS.split())
_PSEUDO = frozenset({"has", "is"})
_EVERYWHERE: dict[str, FieldType] = {}
for _kind in KINDS:
    for _name, _type in _KNOWN[_kind].items():
        _EVERYWHERE.setdefault(_name, _type)


def known_fields(kind: Kind | None = None) -> dict[str, FieldType]:
    """The fields of ``kind`` with their types, or those of all kinds."""
    return _EVERYWHERE if kind is None else _KNOWN[kind]


def pseudo_field(name: str) -> bool:
    """``has`` and ``is``: they look like fields in a search and are none."""
    return name in _PSEUDO


def tag_name(name: str) -> str | None:
    """``server`` of ``tags[server]`` and ``tags["server"]``; None for what is not written so."""
    match = _TAG.fullmatch(name)
    return None if match is None else match[1].strip()


def field_type(name: str, kind: Kind | None = None) -> FieldType | None:
    """The type of a field; None for a name that is no field of ``kind``, hence a tag (or, of a span, an attribute)."""
    known = known_fields(kind).get(name)
    if known is not None:
        return known
    match = _TAG.fullmatch(name)
    if match is not None:
        return {"number": "number", "boolean": "boolean"}.get(match[2] or "", "text")  # type: ignore[return-value]
    if kind in (None, "transaction", "span"):
        if name.startswith("measurements.") and len(name) > len("measurements."):
            return "duration" if name in _DURATION_MEASUREMENTS else "number"
        if name.startswith("spans.") and len(name) > len("spans."):
            return "duration"
    return None
