"""One stored request to arrivals: what the server makes of each item. Pure.

The answer was given long before, from the structure alone; here the items are looked at. An item that is
invalid by itself does not change the fate of its neighbours (Sentry developer docs, Envelopes).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from ..errors import ProtocolError
from ..model.arrival import Arrival, Discarded, ItemOutcome
from ..protocol.envelope import JSON_ERRORS
from ..protocol.items import (
    CheckInView,
    ClientReportView,
    EventView,
    LogsView,
    MetricsView,
    ProfileView,
    SessionsView,
    SessionView,
    SpansView,
    TransactionView,
    category_of,
    creates_event,
    view,
)
from ..protocol.mentions import mentioned_ids
from .contents import Contents, Part, Raw, read_contents
from .rows import StoredRequest

DIGEST_VERSION = 4
"""To be raised when the same request would digest to other rows."""

FirstOfItsId = Callable[[str, str], bool]
"""Told project and event id of each accepted event; whether it is the first with that id."""

_NO_ID = "0" * 32
_DEDUPLICATED = ("event", "transaction")


class _Trace(msgspec.Struct, frozen=True):
    trace_id: str | None = None


_decode_trace = msgspec.json.Decoder(_Trace).decode


@dataclass(frozen=True, slots=True)
class _Facts:
    """What an item says about itself, as far as arrivals keep it."""

    event_id: str | None = None
    trace_id: str | None = None
    exceptions: tuple[tuple[str, str], ...] = ()
    mechanism: str | None = None
    level: str | None = None
    release: str | None = None
    environment: str | None = None
    transaction: str | None = None
    discarded: tuple[Discarded, ...] = ()
    mentions: tuple[tuple[str, str], ...] = ()


def digest(
    request: StoredRequest, *, first_cursor: int, first_of_its_id: FirstOfItsId
) -> tuple[Arrival, ...]:
    """The arrivals of one request, numbered from ``first_cursor``.

    A request that cannot be taken apart gives one arrival without a type. A second event or transaction with an
    id already accepted for the project is a duplicate, wherever its twin came from.
    """
    common: dict[str, Any] = {
        "request": request.seq,
        "project": request.project,
        "received_at": request.received_at,
        "received_mono": request.received_mono,
        "status": request.status,
    }
    try:
        contents = read_contents(raw_of(request))
        parts = contents.parts()
    except ProtocolError as error:
        # What was accepted could be taken apart then; that it cannot be now would be a fault of ours, and shows.
        outcome: ItemOutcome = "refused" if request.outcome == "refused" else "invalid"
        reason = request.reason or error.what
        size = request.length
        nothing = Arrival(
            cursor=first_cursor, position=0, outcome=outcome, reason=reason, size=size, **common
        )
        return (nothing,)
    trace_id = _trace_of(contents)
    return tuple(
        _arrival(
            request,
            contents,
            part,
            position,
            trace_id,
            first_of_its_id,
            {**common, "cursor": first_cursor + position},
        )
        for position, part in enumerate(parts)
    )


def raw_of(request: StoredRequest) -> Raw:
    """The stored request as the raw material of its contents, the same as when it was decided about."""
    return Raw(
        route=request.route,
        method=request.method,
        query=request.query,
        content_type=_content_type(request.headers),
        encoding=request.encoding,
        body=request.body,
        fallback_event_id=request.event_id or _NO_ID,
    )


def _arrival(
    request: StoredRequest,
    contents: Contents,
    part: Part,
    position: int,
    trace_id: str | None,
    first_of_its_id: FirstOfItsId,
    common: dict[str, Any],
) -> Arrival:
    facts, fault = _facts(part)
    event_id = _event_id(contents, part, facts)
    outcome: ItemOutcome = "accepted"
    reason = request.reason
    if request.outcome == "refused":
        outcome = "refused"
    elif fault:
        outcome, reason = "invalid", fault
    elif part.type in _DEDUPLICATED and event_id and not first_of_its_id(request.project, event_id):
        outcome, reason = "duplicate", "duplicate"
    return Arrival(
        position=position,
        outcome=outcome,
        reason=reason,
        item_type=part.type,
        category=category_of(part.type),
        event_id=event_id,
        trace_id=_plain(facts.trace_id) or trace_id,
        exceptions=facts.exceptions,
        mechanism=facts.mechanism,
        level=facts.level,
        release=facts.release,
        environment=facts.environment,
        transaction=facts.transaction,
        discarded=facts.discarded,
        mentions=facts.mentions,
        size=len(part.payload),
        **common,
    )


def _event_id(contents: Contents, part: Part, facts: _Facts) -> str | None:
    """The id in the envelope's headers wins over the one inside the payload."""
    if not creates_event(part.type):
        return None
    event_id = contents.event_id or facts.event_id
    return None if event_id == _NO_ID else event_id


def _facts(part: Part) -> tuple[_Facts, str]:
    """The facts of an item, and what is wrong with it; empty when nothing is."""
    try:
        found = view(part.type, part.payload, part.headers)
    except ProtocolError as error:
        return _Facts(), ": ".join((error.what, *error.causes[:3]))
    match found:
        case EventView():
            return _event_facts(found, part.payload), ""
        case TransactionView():
            facts = _Facts(
                event_id=found.event_id,
                trace_id=found.trace_id,
                release=found.release,
                environment=found.environment,
                transaction=found.name,
            )
        case ClientReportView():
            lines = [
                Discarded(reason=line.reason, category=line.category, quantity=line.quantity)
                for line in found.discarded
            ]
            facts = _Facts(discarded=tuple(lines))
        case SessionView() | SessionsView() | CheckInView():
            facts = _Facts(release=found.release, environment=found.environment)
        case LogsView() | MetricsView() | SpansView():
            facts = _Facts(trace_id=_common_trace([entry.trace_id for entry in found.entries]))
        case ProfileView():
            facts = _Facts(
                trace_id=found.trace_id,
                release=found.release,
                environment=found.environment,
                transaction=found.transaction_name,
            )
        case None:
            facts = _Facts()
    return facts, ""


def _event_facts(found: EventView, payload: bytes | memoryview) -> _Facts:
    own = (found.event_id, found.trace_id)
    return _Facts(
        event_id=found.event_id,
        trace_id=found.trace_id,
        exceptions=tuple([(value.type or "", value.text) for value in found.exceptions]),
        mechanism=found.exceptions[-1].mechanism_type if found.exceptions else None,
        level=found.level,
        release=found.release,
        environment=found.environment,
        transaction=found.transaction,
        mentions=tuple([mention for mention in mentioned_ids(payload) if mention[1] not in own]),
    )


def _trace_of(contents: Contents) -> str | None:
    """The trace in the envelope's headers, for items that name none."""
    if not len(bytes(contents.trace)):
        return None
    try:
        return _plain(_decode_trace(contents.trace).trace_id)
    except JSON_ERRORS:
        return None


def _common_trace(ids: list[str | None]) -> str | None:
    """The one trace all entries of a container belong to; None when there are several."""
    return ids[0] if len(set(ids)) == 1 else None


def _plain(trace_id: str | None) -> str | None:
    return trace_id.replace("-", "").lower() if trace_id else None


def _content_type(headers: str) -> str:
    for name, value in msgspec.json.decode(headers, type=list[tuple[str, str]]):
        if name == "content-type":
            return value
    return ""
