"""One line, as text or as JSON, for each thing that is seen while a command runs. Pure."""

from __future__ import annotations

import datetime
import os
from dataclasses import asdict, dataclass
from typing import Any

from ..doctor.rules.words import shortened
from ..model.arrival import Arrival
from ..model.ledger import Note, Place, Record, SdkDiscarded, SdkDropped, SdkInit
from ..report.lines import printable, short_path

_MOST_TEXT = 200
_DEFAULTS: dict[str, Any] = {
    "sample_rate": 1.0,
    "transport_queue_size": 100,
    "shutdown_timeout": 2,
    "max_breadcrumbs": 100,
    "max_request_body_size": "medium",
    "send_client_reports": True,
    "enable_backpressure_handling": True,
    "auto_session_tracking": True,
    "include_local_variables": True,
    "include_source_context": True,
    "default_integrations": True,
    "auto_enabling_integrations": True,
    "data_collection": "<builtins.dict>",
    "event_scrubber": "<sentry_sdk.scrubber.EventScrubber>",
    "trace_propagation_targets": [".*"],
}
"""Options that say nothing at these values; nor do those that are None, False or empty."""


_TOLD_AS_DROPPED = frozenset({"before_send", "callback_error", "event_processor"})
"""Reasons of which the record of the drop says more than that of the discard."""
_COMMON = frozenset({("sample_rate", "transaction"), ("sample_rate", "span"), ("sample_rate", "error")})
"""What would fill the screen; it is in the account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One line of the stream."""

    at: float
    """Wall clock, seconds since the epoch."""
    what: str
    """``item``, ``report``, ``sdk``, ``dropped``, ``discarded`` or ``note``."""
    text: str
    data: dict[str, Any]

    def line(self) -> str:
        """For people; nothing in it can steer a terminal."""
        clock = datetime.datetime.fromtimestamp(self.at).strftime("%H:%M:%S.%f")[:-3]
        text = printable(self.text).replace("\n", " ").replace("\t", " ")
        return f"[sentry {clock}] {text}"

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {"time": self.at, "what": self.what, **self.data}


def of_arrival(arrival: Arrival) -> News:
    """What came to the server."""
    kind = arrival.item_type or "request"
    parts = [kind]
    if arrival.outcome != "accepted":
        parts.append(f"{arrival.outcome.upper()} ({arrival.status} {arrival.reason})".replace(" )", ")"))
    if kind == "client_report":
        said = ", ".join(f"{d.quantity} {d.category} ({d.reason})" for d in arrival.discarded)
        parts.append(f"the SDK says it dropped {said}" if said else "the SDK says it dropped nothing")
    if arrival.level:
        parts.append(arrival.level)
    if arrival.exceptions:
        exception, message = arrival.exceptions[-1]
        parts.append(f"{exception}: {message}"[:_MOST_TEXT])
    if arrival.transaction:
        parts.append(f"in {arrival.transaction}"[:_MOST_TEXT])
    if arrival.trace_id:
        parts.append(f"trace {arrival.trace_id[:8]}")
    if arrival.release or arrival.environment:
        parts.append(f"{arrival.release or '(no release)'}/{arrival.environment or '(no environment)'}")
    parts.append(_bytes(arrival.size))
    return News(
        at=arrival.received_at,
        what="report" if kind == "client_report" else "item",
        text="  ".join(parts),
        data=asdict(arrival),
    )


def of_record(record: Record, pid: int) -> News | None:
    """What the watch inside the process saw; None for what is not news."""
    if isinstance(record, SdkInit):
        return _news(record, pid, "sdk", _initialised(record, pid))
    if isinstance(record, SdkDropped):
        error = f", it raised {record.error}" if record.error else ""
        who = record.culprit or record.stage
        text = f"DROPPED  by {who}{_at(record.place)} ({record.reason}{error})  event {(record.event_id or '?')[:8]}"
        return _news(record, pid, "dropped", text)
    if isinstance(record, SdkDiscarded):
        if record.reason in _TOLD_AS_DROPPED or (record.reason, record.category) in _COMMON:
            return None
        detail = f": {record.detail}" if record.detail else ""
        event = f"  event {record.event_id[:8]}" if record.event_id else ""
        text = f"discarded  {record.quantity} {record.category} ({record.reason}{detail}){event}"
        return _news(record, pid, "discarded", text)
    if isinstance(record, Note) and record.level != "info":
        cut, found, _ = record.text.partition(": the client is cut off")
        text = f"{cut}{found}; --redirect lets its events come here" if found else record.text
        return _news(record, pid, "note", f"{record.level.upper()}  {text}{_at(record.place)}")
    return None


def of_note(note: dict[str, Any], wall_offset: float) -> News | None:
    """What was noted inside about a DSN that the application sets itself."""
    at = float(note["mono"]) + wall_offset
    if note["note"] == "redirected":
        text = f"redirected  the DSN {note['dsn']}, set at {_short(note['place'])}, is answered here"
    elif note["note"] == "cannot_redirect":
        text = f"ERROR  the application's own DSN cannot be redirected: {note['why']}"
    else:
        return None
    return News(at=at, what="note", text=text, data=note)


def _news(record: Record, pid: int, what: str, text: str) -> News:
    return News(at=record.at, what=what, text=text, data={"pid": pid, **asdict(record)})


def _initialised(record: SdkInit, pid: int) -> str:
    telling = {
        name: value
        for name, value in record.options.items()
        # Names with a dot are options of integrations.
        if value not in (None, False, [], "") and value != _DEFAULTS.get(name) and "." not in name
    }
    options = ", ".join(f"{name}={_option(value)}" for name, value in telling.items())
    where = "to " + record.dsn if record.dsn else "WITHOUT A DSN: nothing is sent"
    options = shortened(options)
    return f"sdk  {record.version} initialised in process {pid}{_at(record.place)}, {where}; {options}"


def _option(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _at(place: Place | None) -> str:
    return "" if place is None else f" at {short_path(place.file)}:{place.line}"


def _short(place: str | None) -> str:
    if not place:
        return "an unknown place"
    path, colon, rest = place.partition(":")
    return f"{short_path(path)}{colon}{rest}" if os.path.isabs(path) else place


def _bytes(size: int) -> str:
    return f"{size} B" if size < 1000 else f"{size / 1000:.1f} kB"
