"""What the ledger says beyond single faults: processes, fault points, SDK set-ups, notes."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model.ledger import Goodbye, Hello, Note, PointState, Record, SdkInit, SdkPending


@dataclass(slots=True)
class Process:
    """One process that wrote a journal."""

    hello: Hello
    sdk: SdkInit | None = None
    """The last initialisation of the SDK in it."""
    queued: int = 0
    """Envelopes in the transport's queue when it was last looked at."""
    goodbye: Goodbye | None = None
    """None: it ended by a signal, ``os._exit`` or a crash."""

    @property
    def watched(self) -> bool:
        """The agent saw the SDK being initialised here."""
        return self.sdk is not None


@dataclass(slots=True)
class Summary:
    """Collected while the ledger streams by; everything here is small."""

    processes: list[Process] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    _states: dict[tuple[str, str], dict[int, PointState]] = field(default_factory=dict)
    """For each (fault, point) its last state in each process."""

    @property
    def points(self) -> dict[tuple[str, str], PointState]:
        """The most telling state of each (fault, point) over all target processes."""
        return {
            key: max(states.values(), key=lambda record: _TELLING[record.state])
            for key, states in self._states.items()
        }

    def see(self, record: Record) -> None:
        """Take in one record; others than those named above are ignored."""
        if isinstance(record, Hello):
            self.processes.append(Process(record))
        elif not self.processes:
            return
        elif isinstance(record, SdkInit):
            self.processes[-1].sdk = record
        elif isinstance(record, SdkPending):
            self.processes[-1].queued = record.queued
        elif isinstance(record, Goodbye):
            self.processes[-1].goodbye = record
        elif isinstance(record, Note):
            self.notes.append(record)
        elif isinstance(record, PointState):
            states = self._states.setdefault((record.fault, record.point), {})
            states[len(self.processes)] = record

    def targets(self) -> list[Process]:
        """The processes that ran the agent."""
        return [process for process in self.processes if process.hello.role == "target"]


# A point armed in one worker and missing in a helper process is armed.
_TELLING = {"waiting": 0, "missing": 1, "refused": 2, "disarmed": 3, "armed": 4}
