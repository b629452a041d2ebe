"""What was learnt about a command, as the rules are given it. Frozen data, no behaviour but looking up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SAME_EVENT_ID = "same_event_id"
"""Why a probe is lost that was sent under the id of another one."""
ABSENT = object()
"""Stands for the value of an option that the SDK in the target does not have, or that was not seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """One initialisation of the SDK."""

    pid: int
    version: str
    active: bool
    dsn: str | None
    options: Mapping[str, Any]
    integrations: tuple[str, ...]
    place: str
    """``file:line``; empty when it is not known."""
    given: tuple[str, ...] | None = None
    """Names of the options given explicitly; None: not known."""
    applications: tuple[str, ...] = ()
    """Classes of the application objects that were there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSeen:
    """One Python process with the agent in it."""

    pid: int
    argv: tuple[str, ...]
    initialised: bool = False
    inherited: bool = False
    """Forked from a process in which the SDK was initialised, and not initialised again."""
    imported: bool = False
    """It imported ``sentry_sdk``."""
    orderly: bool = False
    """Its exit handlers ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Probes that did not arrive, for one cause."""

    count: int
    reason: str
    """Empty: not known."""
    culprit: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What became of the probes of one kind."""

    kind: str
    sent: int
    arrived: int
    lost: tuple[Lost, ...] = ()
    trouble: str = ""
    """Why it could not be sent, or what it raised."""

    @property
    def missing(self) -> int:
        """How many did not arrive."""
        return self.sent - self.arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A library in the target that the SDK has an integration for."""

    integration: str
    library: str
    version: str | None
    loaded: bool
    """Imported by the application, not only installed."""
    errors: bool
    """Without the integration errors go unseen, not only spans."""
    on: bool
    why: str = ""

    def __str__(self) -> str:
        return f"{self.library} {self.version}" if self.version else self.library


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A callable of the application."""

    name: str
    place: str

    def __str__(self) -> str:
        return f"{self.name} ({self.place})" if self.place else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown:
    """What became of errors handed over just before the end."""

    how: str
    """``SIGTERM``, or ``its own end``."""
    handed: int
    """Errors that the SDK took into its queue; what hooks dropped is left out."""
    arrived: int
    seconds: float
    """From the signal (or the last hand-over) to the end of the process."""
    ending: str
    killed: bool
    """It had not ended in time and was killed."""
    answer_seconds: float
    """How long the server took for each answer meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that was learnt."""

    service: bool
    burst: int
    """Errors expected at once, as the user says."""
    processes: tuple[ProcessSeen, ...] = ()
    inits: tuple[Init, ...] = ()
    probes: tuple[Probe, ...] = ()
    libraries: tuple[Library, ...] = ()
    processors: tuple[Named, ...] = ()
    """Event processors of the application's own."""
    excepthook: Named | None = None
    """What stands in ``sys.excepthook`` when it is neither the SDK's nor the standard one."""
    shutdown: Shutdown | None = None
    drained_per_second: float | None = None
    """Events a second that the SDK sent to a server on this machine while its queue was filled; None: the queue
    was never filled long enough to tell."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """``403 unknown_key`` and the like, by how many items were refused so."""
    reports: Mapping[str, int] = field(default_factory=dict)
    """``error (queue_overflow)`` and the like: what the SDK itself counted as lost."""
    redirected: tuple[tuple[str, str], ...] = ()
    """DSNs of other hosts that the application set, and where; their events came here all the same."""
    environment: frozenset[str] = frozenset()
    """Which of the SDK's environment variables were set, but for SENTRY_DSN."""
    broken_off: str = ""
    """How a script ended that did not end well, with its last lines; empty when it ended well or was stopped."""
    notes: tuple[str, ...] = ()
    """What agent and examiner could not do."""
    broken: tuple[str, ...] = ()
    """Where the harness itself broke: what was not seen then may be there all the same."""

    @property
    def init(self) -> Init | None:
        """The set-up that is judged: what is in force in a process, which its last call decides; one with a DSN
        rather than one without, for helpers often have none.
        """
        in_force = list({init.pid: init for init in self.inits}.values())
        known = [init for init in in_force if init.active] or in_force
        return known[-1] if known else None

    def option(self, name: str) -> Any:
        """The value in force, or ``ABSENT``."""
        return ABSENT if self.init is None else self.init.options.get(name, ABSENT)

    def probe(self, kind: str) -> Probe | None:
        """The probes of that kind; None when none were sent."""
        return next((probe for probe in self.probes if probe.kind == kind and probe.sent), None)

    def lost(self, *reasons: str) -> tuple[Lost, ...]:
        """Error probes lost for one of ``reasons``, most first, those at shutdown left out."""
        found: dict[tuple[str, str, str], int] = {}
        for probe in self.probes:
            for lost in probe.lost if probe.kind in ERROR_KINDS else ():
                if lost.reason in reasons:
                    key = (lost.reason, lost.culprit, lost.place)
                    found[key] = found.get(key, 0) + lost.count
        ordered = sorted(found.items(), key=lambda entry: -entry[1])
        return tuple(Lost(count=n, reason=r, culprit=c, place=p) for (r, c, p), n in ordered)

    @property
    def errors_sent(self) -> int:
        """How many error probes were sent."""
        return sum(probe.sent for probe in self.probes if probe.kind in ERROR_KINDS)

    @property
    def errors_arrived(self) -> int:
        """How many of them arrived."""
        return sum(probe.arrived for probe in self.probes if probe.kind in ERROR_KINDS)


ERROR_KINDS = ("handled", "in_thread", "logged", "burst", "request")
"""Probes that are injected exceptions, in the order they are sent."""
