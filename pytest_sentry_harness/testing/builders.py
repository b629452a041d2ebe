"""Make ledgers and arrivals by hand, for tests of criteria, reports and reconciliation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from ..model.arrival import Arrival, ItemOutcome
from ..model.ledger import (
    Fate,
    Fired,
    Goodbye,
    Hello,
    Intent,
    Place,
    Record,
    SdkDiscarded,
    SdkDropped,
    SdkInit,
    SdkSaw,
)

R = TypeVar("R", bound=Record)


def event_id_of(number: int) -> str:
    """A well-formed event id for fault ``number``."""
    return f"{number:032x}"


@dataclass(slots=True)
class Story:
    """A run told fault by fault; ``records`` and ``arrivals`` are what ledger and store would hold.

    Time is a counter: each step takes a second, so that orders and ages are exact.
    """

    fault: str = "db-timeout"
    now: float = 1_000_000.0
    _records: list[Record] = field(default_factory=list)
    _arrivals: list[Arrival] = field(default_factory=list)

    def process(self, role: Literal["target", "load", "harness"] = "target", pid: int = 100) -> None:
        """A process begins its journal."""
        self.add(
            Hello, run_id="run", role=role, pid=pid, parent_pid=1, argv=("app",), python="3.11.7", harness="0"
        )

    def sdk(self, *, active: bool = True) -> None:
        """The SDK is initialised in the present process."""
        dsn = "http://…@127.0.0.1:1/1" if active else None
        self.add(SdkInit, version="2.75.0", active=active, dsn=dsn, place=Place(file="app.py", line=3))

    def goodbye(self) -> None:
        """The present process ends in order."""
        self.add(Goodbye, reason="exit")

    def add(self, kind: type[R], /, **fields: Any) -> R:
        """Any other record."""
        self.now += 1
        record = kind(at=self.now, mono=self.now, **fields)
        self._records.append(record)
        return record

    def intent(self, number: int) -> str:
        """The load generator asks for fault ``number``; gives its id."""
        fault_id = self.fault_id(number)
        self.add(Intent, fault_id=fault_id, fault=self.fault, trace_id=event_id_of(number), request="GET /")
        return fault_id

    def fired(self, number: int, effect: str = "raise", *, thread: str = "") -> str:
        """Fault ``number`` fires; gives its id."""
        fault_id = self.fault_id(number)
        self.add(
            Fired,
            fault_id=fault_id,
            fault=self.fault,
            point="app:save",
            effect=effect,
            term=f"{effect}(TimeoutError)",
            trace_id=event_id_of(number),
            exception_type="TimeoutError",
            exception_message="late",
            thread=thread,
        )
        return fault_id

    def seen(self, number: int, *others: int) -> None:
        """The SDK hands the event of fault ``number`` (and ``others`` in its chain) to the transport."""
        ids = tuple(self.fault_id(n) for n in (number, *others))
        self.add(SdkSaw, fault_ids=ids, event_id=event_id_of(number))

    def captured(self, number: int) -> str:
        """Fault ``number`` fires, is seen and arrives; gives its id."""
        fault_id = self.fired(number)
        self.seen(number)
        self.arrives(number)
        return fault_id

    def dropped(self, number: int, reason: str = "before_send", error: str | None = None) -> None:
        """A hook drops the event of fault ``number``."""
        self.add(
            SdkDropped,
            fault_ids=(self.fault_id(number),),
            event_id=None,
            stage="before_send",
            reason=reason,
            culprit="before_send=app.scrub",
            place=Place(file="app.py", line=7, function="scrub"),
            error=error,
        )

    def discarded(self, number: int, reason: str = "queue_overflow") -> None:
        """The transport counts the event of fault ``number`` as lost."""
        self.add(SdkDiscarded, event_id=event_id_of(number), reason=reason, category="error")

    def caught(self, number: int, line: int = 12) -> None:
        """The exception of fault ``number`` is stopped in the application."""
        place = Place(file="app.py", line=line, function="save")
        self.add(Fate, fault_id=self.fault_id(number), handling="caught", place=place)

    def escaped(self, number: int) -> None:
        """The exception of fault ``number`` leaves the request."""
        self.add(Fate, fault_id=self.fault_id(number), handling="escaped")

    def arrives(self, number: int, outcome: ItemOutcome = "accepted", **changes: Any) -> None:
        """The event of fault ``number`` arrives at the server."""
        self.now += 1
        cursor = len(self._arrivals) + 1
        fields: dict[str, Any] = {
            "cursor": cursor,
            "request": cursor,
            "position": 0,
            "project": "1",
            "received_at": self.now,
            "received_mono": self.now,
            "status": 200 if outcome in ("accepted", "duplicate") else 403,
            "outcome": outcome,
            "item_type": "event",
            "category": "error",
            "event_id": event_id_of(number),
            "trace_id": event_id_of(number),
            "exceptions": (("TimeoutError", "late"),),
            "level": "error",
        }
        self._arrivals.append(Arrival(**{**fields, **changes}))

    def fault_id(self, number: int) -> str:
        """The id of fault ``number``."""
        return f"{self.fault}-{number:06d}"

    def records(self) -> Iterator[Record]:
        """The ledger."""
        return iter(self._records)

    def arrivals(self) -> Iterator[Arrival]:
        """The store."""
        return iter(self._arrivals)
