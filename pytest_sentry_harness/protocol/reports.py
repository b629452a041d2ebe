"""Sessions, client reports and check-ins. Sentry developer docs, "Sessions", "Client Reports" and "Check-Ins"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import ProtocolError
from .envelope import normalise_event_id
from .tolerant import Decoder

SESSION_STATUSES = ("ok", "exited", "crashed", "abnormal", "errored", "unhandled")
CHECK_IN_STATUSES = ("in_progress", "ok", "error")
_MOST_BUCKETS = 100
_COUNTERS = ("exited", "errored", "crashed", "abnormal", "unhandled")


class _Attrs(msgspec.Struct, frozen=True):
    release: str | None = None
    environment: str | None = None


class _Session(msgspec.Struct, frozen=True):
    sid: str | None = None
    did: str | None = None
    seq: int | None = None
    timestamp: str | None = None
    started: str | None = None
    init: bool | None = None
    duration: float | None = None
    status: str | None = None
    errors: int | None = None
    attrs: _Attrs | None = None


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One update of one session; ``notes`` name fields that were dropped."""

    sid: str | None
    did: str | None
    seq: int | None
    started: str
    timestamp: str | None
    init: bool
    duration: float | None
    status: str
    errors: int
    release: str
    environment: str | None
    notes: tuple[str, ...]


class AggregateView(msgspec.Struct, frozen=True):
    """Sessions that began in one minute, counted by how they ended; ``errored`` excludes crashed and abnormal."""

    started: str | None = None
    did: str | None = None
    exited: int = 0
    errored: int = 0
    crashed: int = 0
    abnormal: int = 0
    unhandled: int = 0

    @property
    def total(self) -> int:
        """All sessions of the bucket."""
        return self.exited + self.errored + self.crashed + self.abnormal + self.unhandled


class _Sessions(msgspec.Struct, frozen=True):
    attrs: _Attrs | None = None
    aggregates: list[AggregateView | None] | None = None


class SessionsView(msgspec.Struct, frozen=True, kw_only=True):
    """Session aggregates of one release and environment."""

    release: str
    environment: str | None
    aggregates: tuple[AggregateView, ...]
    notes: tuple[str, ...]


class DiscardedView(msgspec.Struct, frozen=True):
    """``quantity`` of ``category`` dropped for ``reason``."""

    reason: str
    category: str
    quantity: int


class _Discarded(msgspec.Struct, frozen=True):
    reason: str | None = None
    category: str | None = None
    quantity: int | None = None


class _ClientReport(msgspec.Struct, frozen=True):
    timestamp: str | float | None = None
    discarded_events: list[_Discarded | None] | None = None
    rate_limited_events: list[_Discarded | None] | None = None
    filtered_events: list[_Discarded | None] | None = None
    filtered_sampling_events: list[_Discarded | None] | None = None


class ClientReportView(msgspec.Struct, frozen=True, kw_only=True):
    """What a client (or a relay: the last three) says it dropped."""

    timestamp: str | float | None
    discarded: tuple[DiscardedView, ...]
    rate_limited: tuple[DiscardedView, ...]
    filtered: tuple[DiscardedView, ...]
    filtered_sampling: tuple[DiscardedView, ...]
    notes: tuple[str, ...]


class _CheckIn(msgspec.Struct, frozen=True):
    check_in_id: str | None = None
    monitor_slug: str | None = None
    status: str | None = None
    duration: float | None = None
    release: str | None = None
    environment: str | None = None
    monitor_config: dict[str, Any] | None = None


class CheckInView(msgspec.Struct, frozen=True, kw_only=True):
    """One check-in of a cron monitor; an id of zeros updates the newest one in progress."""

    check_in_id: str
    monitor_slug: str
    status: str
    duration: float | None
    release: str | None
    environment: str | None
    monitor_config: dict[str, Any]
    notes: tuple[str, ...]


_decode_session = Decoder(_Session, "the session")
_decode_sessions = Decoder(_Sessions, "the sessions item")
_decode_report = Decoder(_ClientReport, "the client report")
_decode_check_in = Decoder(_CheckIn, "the check-in")


def session_view(payload: bytes | memoryview, headers: Mapping[str, Any]) -> SessionView:
    """The view of a ``session`` item. Raises ``ProtocolError`` without start or release, or for an unknown status."""
    wire, notes = _decode_session(payload)
    release = wire.attrs.release if wire.attrs is not None else None
    status = wire.status or "ok"
    causes = []
    if not wire.started:
        causes.append("started is missing")
    if not release:
        causes.append("attrs.release is missing")
    if status not in SESSION_STATUSES:
        causes.append(f"status {status[:40]!r} is not one of {', '.join(SESSION_STATUSES)}")
    if causes or not wire.started or not release:
        raise ProtocolError("the session is not valid", causes=[*causes, *notes])
    return SessionView(
        sid=wire.sid,
        did=wire.did,
        seq=wire.seq,
        started=wire.started,
        timestamp=wire.timestamp,
        init=wire.init or False,
        duration=wire.duration,
        status=status,
        errors=max(wire.errors or 0, 0),
        release=release,
        environment=wire.attrs.environment if wire.attrs is not None else None,
        notes=notes,
    )


def sessions_view(payload: bytes | memoryview, headers: Mapping[str, Any]) -> SessionsView:
    """The view of a ``sessions`` item. Raises ``ProtocolError`` without release or with more than 100 buckets."""
    wire, notes = _decode_sessions(payload)
    release = wire.attrs.release if wire.attrs is not None else None
    aggregates = tuple(bucket for bucket in wire.aggregates or () if bucket is not None)
    causes = []
    if not release:
        causes.append("attrs.release is missing")
    if wire.aggregates is None:
        causes.append("aggregates are missing")
    if len(aggregates) > _MOST_BUCKETS:
        causes.append(f"{len(aggregates)} aggregates; at most {_MOST_BUCKETS}")
    for index, bucket in enumerate(aggregates[:_MOST_BUCKETS]):
        if not bucket.started:
            causes.append(f"aggregates[{index}].started is missing")
        causes += [
            f"aggregates[{index}].{name} is negative" for name in _COUNTERS if getattr(bucket, name) < 0
        ]
    if causes or not release:
        raise ProtocolError("the sessions item is not valid", causes=[*causes, *notes])
    environment = wire.attrs.environment if wire.attrs is not None else None
    return SessionsView(release=release, environment=environment, aggregates=aggregates, notes=notes)


def client_report_view(payload: bytes | memoryview, headers: Mapping[str, Any]) -> ClientReportView:
    """The view of a ``client_report`` item. Raises ``ProtocolError`` when it is not a JSON object.

    Lines that cannot be read are dropped and named in ``notes``: the other counts still hold.
    """
    wire, noted = _decode_report(payload)
    notes = list(noted)
    return ClientReportView(
        timestamp=wire.timestamp,
        discarded=_discarded(wire.discarded_events, "discarded_events", notes),
        rate_limited=_discarded(wire.rate_limited_events, "rate_limited_events", notes),
        filtered=_discarded(wire.filtered_events, "filtered_events", notes),
        filtered_sampling=_discarded(wire.filtered_sampling_events, "filtered_sampling_events", notes),
        notes=tuple(notes),
    )


def _discarded(
    lines: list[_Discarded | None] | None, name: str, notes: list[str]
) -> tuple[DiscardedView, ...]:
    found = []
    for index, line in enumerate(lines or ()):
        if line is None:
            continue
        if line.reason is None or not line.category or line.quantity is None or line.quantity < 0:
            notes.append(f"{name}[{index}]: reason, category and a quantity of at least 0 are needed")
            continue
        found.append(DiscardedView(line.reason, line.category, line.quantity))
    return tuple(found)


def check_in_view(payload: bytes | memoryview, headers: Mapping[str, Any]) -> CheckInView:
    """The view of a ``check_in`` item. Raises ``ProtocolError`` without slug, id or a known status."""
    wire, notes = _decode_check_in(payload)
    causes = []
    check_in_id = ""
    try:
        check_in_id = normalise_event_id(wire.check_in_id or "")
    except ProtocolError:
        causes.append("check_in_id must be 32 hexadecimal digits or a dashed UUID")
    if not wire.monitor_slug:
        causes.append("monitor_slug is missing")
    if wire.status not in CHECK_IN_STATUSES:
        causes.append(f"status must be one of {', '.join(CHECK_IN_STATUSES)}")
    if causes or not wire.monitor_slug or wire.status is None:
        raise ProtocolError("the check-in is not valid", causes=[*causes, *notes])
    return CheckInView(
        check_in_id=check_in_id,
        monitor_slug=wire.monitor_slug,
        status=wire.status,
        duration=wire.duration,
        release=wire.release,
        environment=wire.environment,
        monitor_config=wire.monitor_config or {},
        notes=notes,
    )
