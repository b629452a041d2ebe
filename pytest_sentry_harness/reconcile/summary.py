"""What the ledger says beyond single faults: processes, fault points, SDK set-ups, notes."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model.ledger import (
    ChildEnded,
    Fired,
    Goodbye,
    HardExit,
    Hello,
    Note,
    PointState,
    Record,
    SdkInit,
    SdkPending,
)


@dataclass(slots=True)
class Process:
    """One process that wrote a journal."""

    hello: Hello
    sdk: SdkInit | None = None
    """The last initialisation of the SDK in it."""
    inits: list[SdkInit] = field(default_factory=list)
    """All of them, in order; the first may be inherited from the process this one was forked from."""
    queued: int = 0
    """Envelopes in the transport's queue when it was last looked at."""
    no_sender: bool = False
    """The SDK could not start the thread that sends."""
    goodbye: Goodbye | None = None
    """None: it ended by a signal, ``os._exit`` or a crash."""
    hard_exit: HardExit | None = None
    """It called ``os._exit``."""
    exit_fault: Fired | None = None
    """The last fault that was to end it."""
    endings: dict[int, list[ChildEnded]] = field(default_factory=dict, repr=False)
    """How processes ended, by process id, as those tell who waited for them; one for all processes."""

    @property
    def ended(self) -> ChildEnded | None:
        """How it ended, if somebody waited for it. Process ids are used again: the first ending after its hello."""
        later = [each for each in self.endings.get(self.hello.pid, ()) if each.mono >= self.hello.mono]
        return min(later, key=lambda each: each.mono, default=None)

    @property
    def watched(self) -> bool:
        """The agent saw the SDK being initialised here."""
        return self.sdk is not None


@dataclass(slots=True)
class Summary:
    """Collected while the ledger streams by; everything here is small."""

    processes: list[Process] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    endings: dict[int, list[ChildEnded]] = field(default_factory=dict)
    """How processes ended, by process id."""
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
            self.processes.append(Process(record, endings=self.endings))
        elif not self.processes:
            return
        elif isinstance(record, SdkInit):
            self.processes[-1].sdk = record
            self.processes[-1].inits.append(record)
        elif isinstance(record, SdkPending):
            self.processes[-1].queued = record.queued
            if record.sender:
                self.processes[-1].no_sender = record.sender == "missing"
        elif isinstance(record, Goodbye):
            self.processes[-1].goodbye = record
        elif isinstance(record, HardExit):
            self.processes[-1].hard_exit = record
        elif isinstance(record, ChildEnded):
            self.endings.setdefault(record.pid, []).append(record)
        elif isinstance(record, Note):
            self.notes.append(record)
        elif isinstance(record, PointState):
            states = self._states.setdefault((record.fault, record.point), {})
            states[len(self.processes)] = record

    def fired(self, record: Fired) -> None:
        """Take note of a fault that is to end its process."""
        if record.effect == "exit" and self.processes:
            self.processes[-1].exit_fault = record

    def targets(self) -> list[Process]:
        """The processes that ran the agent."""
        return [process for process in self.processes if process.hello.role == "target"]


# A point armed in one worker and missing in a helper process is armed.
_TELLING = {"waiting": 0, "missing": 1, "refused": 2, "disarmed": 3, "armed": 4}
