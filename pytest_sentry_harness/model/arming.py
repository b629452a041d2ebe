"""What a process is told before a run: which faults, under which key, for how long.

Written once by the harness to ``arming.json`` in the run folder (mode 0600: it holds the run's key),
read by the agent in the target and by the load generator. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmedFault:
    """One ``[[fault]]`` of the scenario, ready to be decided upon."""

    name: str
    at: str
    """``package.module:function``, ``package.module:Class.method``."""
    do: str
    """The fault term, as in ``5%raise(TimeoutError)``."""
    on: tuple[str, ...] = ()
    """Which requests may meet it, as globs over ``METHOD name``; empty: every request."""
    select: str = "request"
    """``request``: a signed header decides. ``call``: the agent decides at each call (scripts, background jobs).
    ``provoked``: nothing is injected, every request that ``on`` matches is one fault by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmedKind:
    """A fault kind that a project adds."""

    name: str
    path: str
    """``package.module:Class`` of its effect."""
    folder: str
    """Where that package is found, should it not be found otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmedOperation:
    """A function whose true duration is measured in the target."""

    name: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmedStage:
    """A stretch of an open load, as in the scenario's ``Stage``."""

    seconds: float
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmedMeasuring:
    """The process is measured: the agent parks one thread that flushes the SDK when told to, and does nothing else."""

    folder: str
    """Where each process writes at which port it listens: ``<pid>.json``."""
    init: bool = True
    """False: ``sentry_sdk.init`` does nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arming:
    """Everything the agent and the load generator need to know of a run."""

    run_id: str
    key: str
    seed: int
    faults: tuple[ArmedFault, ...]
    journal_dir: str
    lease: str
    """A file the harness renews; when it is ``lease_seconds`` old or gone, everything disarms."""
    lease_seconds: float = 10.0
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "::1")
    """Host names whose requests may carry faults, and to which the SDK may send."""
    allow_production: bool = False
    stop_after_faults: int | None = None
    """The load generator stops by itself when it has asked for that many faults."""
    kinds: tuple[ArmedKind, ...] = ()
    """The fault kinds beside ours that ``faults`` use."""
    operations: tuple[ArmedOperation, ...] = ()
    stages: tuple[ArmedStage, ...] = ()
    """The open load that the generator sends; empty: users wait for their answers."""
    arrivals: str = "poisson"
    """``poisson`` or ``constant``."""
    senders: int = 1
    """How many users of a locustfile share the arrivals."""
    every_event: bool = False
    """The agent follows every event through the SDK, not only those with injected exceptions."""
    every_request: bool = False
    """The load generator notes how every request ended, not only those that carried faults."""
    measuring: ArmedMeasuring | None = None
    """With it, nothing is injected and nothing watched: the cost of both would be measured, too."""
