"""Ledger records: what a journal holds, one JSON line each (``ledger/journal.py`` has the line format).

Every record carries ``at`` (wall clock, seconds since the epoch) and ``mono`` (system-wide monotonic
clock, seconds). Standard library only: the agent inside the target writes these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in somebody's code."""

    file: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        name = f" in {self.function}" if self.function else ""
        return f"{self.file}:{self.line}{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Base of all ledger records."""

    KIND: ClassVar[str] = ""
    at: float
    mono: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello(Record):
    """First line of every journal: which process writes it."""

    KIND: ClassVar[str] = "hello"
    run_id: str
    role: Literal["target", "load", "harness"]
    pid: int
    parent_pid: int
    argv: tuple[str, ...]
    python: str
    harness: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent(Record):
    """Written before the request is sent: this request shall meet this fault."""

    KIND: ClassVar[str] = "intent"
    fault_id: str
    fault: str
    trace_id: str
    request: str
    sample_rand: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Record):
    """What the load generator saw of a request that carried faults. ``status`` 0: no answer."""

    KIND: ClassVar[str] = "answered"
    fault_ids: tuple[str, ...]
    trace_id: str
    status: int
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointState(Record):
    """What became of a fault point in this process. The last record for a point wins."""

    KIND: ClassVar[str] = "point"
    point: str
    fault: str
    state: Literal["waiting", "armed", "missing", "refused", "disarmed"]
    how: Literal["", "code", "attribute"] = ""
    note: str = ""
    nearest: tuple[str, ...] = ()
    missed_names: tuple[str, ...] = ()
    """Names elsewhere (``module.attribute``) that still hold the unarmed object: calls through them do not fire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired(Record):
    """A fault fired. Written before its effect happens, so that it survives the effect."""

    KIND: ClassVar[str] = "fired"
    fault_id: str
    fault: str
    point: str
    effect: str
    """``raise``, ``sleep``, ``return`` or ``exit``."""
    term: str
    trace_id: str | None = None
    exception_type: str | None = None
    exception_message: str | None = None
    place: Place | None = None
    thread: str = ""
    task: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Record):
    """The effect is over; ``seconds`` is its true duration by the monotonic clock."""

    KIND: ClassVar[str] = "finished"
    fault_id: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate(Record):
    """What became of an injected exception in the target, read off its traceback. The last record wins."""

    KIND: ClassVar[str] = "fate"
    fault_id: str
    handling: Literal["caught", "escaped", "unknown"]
    """``caught``: stopped in ``place``. ``escaped``: left the request, thread or program."""
    place: Place | None = None
    chain: tuple[Place, ...] = ()
    """From where it was stopped down to where it was raised."""
    alive: bool = False
    """Somebody still held the exception when this was written: it may yet be reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkInit(Record):
    """The SDK was initialised in this process, with these options (secrets redacted)."""

    KIND: ClassVar[str] = "sdk_init"
    version: str
    active: bool
    dsn: str | None
    options: dict[str, Any] = field(default_factory=dict)
    integrations: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkSaw(Record):
    """The SDK was handed an event whose exception chain holds injected exceptions."""

    KIND: ClassVar[str] = "sdk_saw"
    fault_ids: tuple[str, ...]
    event_id: str | None
    """The id the event was handed on under; None when the SDK dropped it before an id was given."""
    mechanism: str = ""
    handled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkDropped(Record):
    """The SDK decided not to send an event it was handed, and this is who decided."""

    KIND: ClassVar[str] = "sdk_dropped"
    fault_ids: tuple[str, ...]
    event_id: str | None
    stage: Literal[
        "inactive", "ignore_errors", "event_processor", "dedupe", "before_send", "sampling", "unknown"
    ]
    reason: str
    """The client discard reason the SDK counts, or ``no_dsn`` / ``ignored`` where it counts none."""
    culprit: str = ""
    """The option or callable, for people: ``before_send=app.sentry.scrub``."""
    place: Place | None = None
    error: str | None = None
    """The exception a hook raised, as ``Type: message``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkDiscarded(Record):
    """The transport counted an item as lost (``record_lost_event``)."""

    KIND: ClassVar[str] = "sdk_discarded"
    event_id: str | None
    reason: str
    category: str
    quantity: int = 1
    detail: str = ""
    """What the transport said, such as the HTTP status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkPending(Record):
    """How many envelopes wait in the transport's queue; written when it changes, about once a second."""

    KIND: ClassVar[str] = "sdk_pending"
    queued: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Record):
    """Something people should know. ``error`` makes the verdict *error*: the harness itself broke."""

    KIND: ClassVar[str] = "note"
    level: Literal["info", "warning", "error"]
    text: str
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodbye(Record):
    """The process ended in an orderly way. A journal without one ended by a signal or ``os._exit``."""

    KIND: ClassVar[str] = "goodbye"
    reason: str
    opportunities: dict[str, int] = field(default_factory=dict)
    """How often each fault's point was reached, fired or not, by fault name (``call`` faults only)."""


RECORD_TYPES: tuple[type[Record], ...] = (
    Hello,
    Intent,
    Answered,
    PointState,
    Fired,
    Finished,
    Fate,
    SdkInit,
    SdkSaw,
    SdkDropped,
    SdkDiscarded,
    SdkPending,
    Note,
    Goodbye,
)
