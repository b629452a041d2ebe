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
class Sent(Record):
    """A request is about to be sent under this trace; written for every one when operations are measured."""

    KIND: ClassVar[str] = "sent"
    trace_id: str
    request: str
    """``METHOD name``."""
    sample_rand: float
    """The receiver samples the trace at rate r when this is below r."""


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
class Ended(Record):
    """A request is over, as its sender saw it; written for every one when objectives are judged.

    None is written for a request that its sender gave up: nobody waited for what would have become of it.
    """

    KIND: ClassVar[str] = "ended"
    trace_id: str
    request: str
    """``METHOD name``."""
    status: int
    """0: no answer."""
    seconds: float
    """From sending to the whole answer; in an open load from when it was due."""


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
    """``raise``, ``sleep``, ``burn``, ``return`` or ``exit``; ``provoked`` when nothing was injected, in the journal of the load."""
    term: str
    trace_id: str | None = None
    exception_type: str | None = None
    exception_message: str | None = None
    is_error: bool = True
    """The exception is an ``Exception``. Others, such as ``SystemExit``, are not meant to be reported."""
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
class Timed(Record):
    """A marked operation is over. ``at`` and ``mono`` are its end; it began ``seconds`` before."""

    KIND: ClassVar[str] = "timed"
    operation: str
    trace_id: str | None
    """The trace of the request it ran for, as the load asked for it; None outside of requests."""
    seconds: float
    """True duration by the monotonic clock."""
    cpu: float | None = None
    """Processor seconds its thread spent meanwhile; None where that says nothing, as in a coroutine."""
    raised: str = ""
    """Type of the exception it ended with; empty when it returned."""
    thread: str = ""
    task: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses(Record):
    """The function of a marked operation reaches for a library that asks databases or other services."""

    KIND: ClassVar[str] = "uses"
    operation: str
    library: str
    """Its top-level module, such as ``httpx``."""
    place: Place
    """The line that reaches for it."""


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
class RequestOver(Record):
    """The target is done with a request that carried faults: none of them will be met by the request itself.

    What it started, such as a thread or a job in a queue, may still meet one.
    """

    KIND: ClassVar[str] = "request_over"
    trace_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled(Record):
    """A framework gave an exception to a handler, and the injected ones it holds went no further."""

    KIND: ClassVar[str] = "handled"
    fault_ids: tuple[str, ...]
    framework: str
    """Who found the handler: ``starlette``, ``flask``, ``sys``."""
    handler: str
    """The handler, for people: ``module.qualname``."""
    exception: str = ""
    """Type of the exception that was handled: the injected one, or one that wraps it."""
    status: int | None = None
    """The HTTP status that the exception asks for, if it is that kind."""
    place: Place | None = None
    """Where the handler is defined."""
    sdk: Literal["", "in place", "bypassed", "absent"] = ""
    """Whether the SDK stood between: ``bypassed`` by this handler only, ``absent`` from all handlers; empty: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged(Record):
    """Something was logged while an injected exception was handled, or with it."""

    KIND: ClassVar[str] = "logged"
    fault_ids: tuple[str, ...]
    logger: str
    level: str
    with_exception: bool
    """The log record carries the exception; else only its text, at most."""
    unreported: str = ""
    """Why the SDK makes no event of such a log record; empty: it does."""
    place: Place | None = None
    """The line that logs."""


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
    inherited: bool = False
    """Not initialised here: the process was forked from one in which it was, as said above."""
    key: str = ""
    """Tells DSNs with different keys apart, without giving the key away; empty without a DSN."""
    refused: dict[str, str] = field(default_factory=dict)
    """Integrations that did not enable themselves although their library is installed, and why."""
    by_hand: bool = False
    """A client made by itself, such as ``sentry_sdk.Client(...)``, and not by ``sentry_sdk.init``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkSaw(Record):
    """The SDK was handed an event whose exception chain holds injected exceptions."""

    KIND: ClassVar[str] = "sdk_saw"
    fault_ids: tuple[str, ...]
    event_id: str | None
    """The id the event was handed on under; None when the SDK dropped it before an id was given."""
    mechanism: str = ""
    handled: bool | None = None
    logger: str = ""
    """The logger whose record became the event; empty for others."""
    exception: str = ""
    """Type of the exception that was reported: the injected one, or one that wraps it."""
    changed: tuple[Literal["event_id", "exception"], ...] = ()
    """What a hook made another of: the event's id, or the list of its exceptions."""
    changed_by: str = ""
    """That hook, such as ``before_send=shop.scrub``."""
    changed_at: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkDropped(Record):
    """The SDK decided not to send an event it was handed, and this is who decided."""

    KIND: ClassVar[str] = "sdk_dropped"
    fault_ids: tuple[str, ...]
    event_id: str | None
    stage: Literal[
        "inactive",
        "ignore_errors",
        "event_processor",
        "dedupe",
        "before_send",
        "sampling",
        "transport",
        "unknown",
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
class SdkAnswered(Record):
    """What the transport was answered when it sent an envelope that holds an error event.

    It is written once for each attempt: an event that is sent again has several.
    """

    KIND: ClassVar[str] = "sdk_answered"
    event_id: str
    status: int
    """HTTP status; 0: no answer."""
    host: str
    """Who answered or should have, as ``scheme://host:port``; after a redirect, where it led."""
    via: str = ""
    """What stood between: the proxy, or the redirects followed."""
    limits: str = ""
    """Rate limits the answer announced, as it did: ``X-Sentry-Rate-Limits: 60:error`` or ``Retry-After: 60``."""
    error: str | None = None
    """Why there was no answer, as ``Type: message``; with a status, what the server said was wrong."""
    trouble: Literal[
        "", "refused", "reset", "timeout", "unresolved", "tls", "proxy", "broken", "cut_short", "other"
    ] = ""
    """The kind of error, when there was no answer."""
    reused: bool = False
    """It was sent over a connection kept open since an earlier request."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkHandedOver(Record):
    """A transport had an error event in its hands and neither queued nor sent it the way the SDK does.

    So does a transport of the application's own; what it did with the event is its secret.
    """

    KIND: ClassVar[str] = "sdk_handed_over"
    event_id: str
    why: Literal["own", "sdk", "cut_off"]
    """``own``: code of the application's own took it. ``sdk``: the SDK's code gave up on it. ``cut_off``: it was on
    its way to a host that this run may not send to."""
    to: str
    """The option or method, for people: ``transport=app.sentry.to_kafka``."""
    place: Place | None = None
    error: str | None = None
    """What it raised, as ``Type: message``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkPending(Record):
    """How many envelopes wait in the transport's queue; written when it changes, about once a second."""

    KIND: ClassVar[str] = "sdk_pending"
    queued: int
    sender: Literal["", "missing", "back"] = ""
    """``missing``: the thread that sends could not be started. ``back``: now it could. Empty: nothing is said of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat(Record):
    """How the load generator itself has fared since its last beat, about once a second."""

    KIND: ClassVar[str] = "beat"
    seconds: float
    """The time since."""
    planned: int = 0
    """Requests that were due meanwhile, in an open load."""
    sent: int = 0
    """Requests sent meanwhile; those to hosts that the run does not watch are not counted."""
    held: int = 0
    """Requests that were due while as many as allowed were under way: they were sent later."""
    missed: int = 0
    """Requests that were due and will never be sent: the load ended before their turn came."""
    in_flight: int = 0
    """Requests under way at once, at most."""
    cpu: float = 0.0
    """Processor seconds a second that the generator's process used."""
    lag: dict[int, int] = field(default_factory=dict)
    """By how many seconds requests of an open load were sent later than due: counts by bucket."""
    loop_lag: dict[int, int] = field(default_factory=dict)
    """By how many seconds a timer of the generator went off too late: counts by bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasted(Record):
    """How long requests of one name took, of those that ended since the last such record.

    Times are counted in buckets: bucket ``n`` holds those above 1.01**(n-1) and up to 1.01**n seconds.
    """

    KIND: ClassVar[str] = "lasted"
    request: str
    """``METHOD name``."""
    failed: int
    """How many ended with a status of 400 or above, or without an answer."""
    service: dict[int, int]
    """Seconds from sending to the whole answer: counts by bucket."""
    latency: dict[int, int] = field(default_factory=dict)
    """Seconds from when they were due, in an open load: counts by bucket."""
    service_max: float = 0.0
    latency_max: float = 0.0
    plain: int = 0
    """How many carried no fault, and were not given up by their sender."""
    plain_failed: int = 0
    """How many of these the target failed: a status of 500 or above, 429, or no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Record):
    """Something people should know. ``error`` makes the verdict *error*: the harness itself broke."""

    KIND: ClassVar[str] = "note"
    level: Literal["info", "warning", "error"]
    text: str
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HardExit(Record):
    """``os._exit`` is called: the process ends at once, and no exit hook runs."""

    KIND: ClassVar[str] = "hard_exit"
    code: int
    place: Place | None = None
    """Who called it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnded(Record):
    """The process that waited for process ``pid`` (its parent, or the harness) was told how it ended."""

    KIND: ClassVar[str] = "child_ended"
    pid: int
    exit_code: int | None = None
    """None when a signal ended it."""
    signal: str = ""
    """Name of the signal that ended it, such as ``SIGKILL``; empty when none did."""


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
    Sent,
    Answered,
    Ended,
    PointState,
    Fired,
    Finished,
    Timed,
    Uses,
    Fate,
    RequestOver,
    Handled,
    Logged,
    SdkInit,
    SdkSaw,
    SdkDropped,
    SdkDiscarded,
    SdkAnswered,
    SdkHandedOver,
    SdkPending,
    Beat,
    Lasted,
    Note,
    HardExit,
    ChildEnded,
    Goodbye,
)
