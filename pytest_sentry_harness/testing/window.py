"""The evidence of one plan, summed up as it comes in: what is known, and what is still missing."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model.arrival import Arrival
from ..model.ledger import (
    Answered,
    Fate,
    Fired,
    Intent,
    Note,
    PointState,
    Record,
    RequestOver,
    SdkDiscarded,
    SdkDropped,
    SdkPending,
    SdkSaw,
)


@dataclass(slots=True)
class Window:
    """The evidence of the plan being played, and what is still missing in it."""

    intents: dict[str, str] = field(default_factory=dict)
    """Fault id to trace id, of the faults that were asked for."""
    fired: set[str] = field(default_factory=set)
    """Ids under which they fired: another process than the one that was asked adds its own ending."""
    met: set[str] = field(default_factory=set)
    """The same, without that ending."""
    over: set[str] = field(default_factory=set)
    """Traces of requests the target is done with."""
    events: set[str] = field(default_factory=set)
    """Ids of events with faults in them that the SDK let through."""
    gone: set[str] = field(default_factory=set)
    """Ids of events that arrived, or of which it is known that they will not."""
    arrivals: list[Arrival] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    """What the agent says went wrong with itself."""
    strays: list[str] = field(default_factory=list)
    """Faults of earlier plans that fired, or were reported, only now."""

    @property
    def unmet(self) -> list[str]:
        """Faults that have not fired, and whose request the target may still be at work on."""
        return [
            fault_id
            for fault_id, trace_id in self.intents.items()
            if fault_id not in self.met and trace_id not in self.over
        ]

    @property
    def never_fired(self) -> list[str]:
        """Faults that have not fired so far."""
        return [fault_id for fault_id in self.intents if fault_id not in self.met]

    @property
    def size(self) -> int:
        """How many faults the account must have: what fired, and what was asked for and did not."""
        return len(self.fired) + len(self.never_fired)

    @property
    def waited_for(self) -> bool:
        """Whether something is on its way for certain."""
        return bool(self.unmet) or not self.events <= self.gone

    def see(self, record: Record) -> None:
        """Take in one record."""
        if isinstance(record, Intent):
            self.intents[record.fault_id] = record.trace_id
        elif isinstance(record, Fired):
            if _asked(record.fault_id) in self.intents:
                self.fired.add(record.fault_id)
                self.met.add(_asked(record.fault_id))
            else:
                self._stray(record.fault_id)
        elif isinstance(record, RequestOver) and record.trace_id is not None:
            self.over.add(record.trace_id)
        elif isinstance(record, SdkSaw) and record.event_id is not None:
            if any(_asked(fault_id) in self.intents for fault_id in record.fault_ids):
                self.events.add(record.event_id)
            else:
                self._stray(*record.fault_ids)
        elif isinstance(record, SdkDropped | SdkDiscarded) and record.event_id is not None:
            self.gone.add(record.event_id)
        elif isinstance(record, Note) and record.level == "error":
            self.trouble.append(record.text)

    def _stray(self, *fault_ids: str) -> None:
        self.strays += [fault_id for fault_id in fault_ids if fault_id not in self.strays]

    def concerned_by(self, record: Record) -> bool:
        """Whether ``record`` may change what is known of this plan: idle words of processes do not."""
        if isinstance(record, Fate):
            return _asked(record.fault_id) in self.intents
        return not isinstance(record, SdkPending | PointState)

    def belongs(self, record: Record) -> bool:
        """Whether ``record`` may be judged with this plan."""
        if isinstance(record, Fired):
            return record.fault_id in self.fired
        return not isinstance(record, Intent | Answered) or self.asked_for(record)

    def asked_for(self, record: Intent | Answered) -> bool:
        """Whether the load's ``record`` is about this plan."""
        ids = (record.fault_id,) if isinstance(record, Intent) else record.fault_ids
        return all(fault_id in self.intents for fault_id in ids)


def _asked(fault_id: str) -> str:
    """The id that was asked for: a child forked in mid-request, or a worker it sent a job to, adds ``+p<pid>``."""
    return fault_id.partition("+")[0]
