"""A validated scenario: question, target, load, faults, gates."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The application under test. Exactly one of ``command``, ``url`` or ``app`` is given."""

    command: str | None = None
    url: str | None = None
    app: str | None = None
    ready: str | None = None
    """Path that answers below 500 when the target is ready; None: ready at once (scripts)."""
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    ready_timeout: float = 30.0
    stop_signal: str = "SIGTERM"
    stop_timeout: float = 30.0
    wait: bool = False
    """The command ends by itself (a script): wait for it instead of stopping it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How Locust drives the target."""

    locustfile: Path
    users: int = 10
    spawn_rate: float = 50.0
    run_time: float = 30.0
    """Seconds at most."""
    stop_after_faults: int | None = None
    """Stop earlier, when that many faults have been asked for."""
    user_classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What monitoring should make of a fault."""

    captured: bool | None = None
    """None: yes for ``raise``, no for everything else."""
    level: str | None = None
    """The level its event must have; None: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of the scenario. Faults of one name are one root cause."""

    name: str
    at: str
    do: str
    on: tuple[str, ...] = ()
    select: Literal["request", "call"] = "request"
    expect: Expect = Expect()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """``metric comparison threshold``, as in ``capture.rate >= 100%``."""

    metric: str
    comparison: Literal["<", "<=", "=", ">=", ">"]
    threshold: float
    text: str
    """As written, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """Where the scenario may point, beyond this machine."""

    hosts: tuple[str, ...] = ()
    allow_production: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario file."""

    name: str
    question: str
    seed: int
    path: Path
    target: Target
    load: Load | None
    faults: tuple[Fault, ...]
    gates: tuple[Gate, ...]
    safety: Safety = Safety()
    settle: float = 75.0
    """Seconds to wait at most, after the load, for what the SDK may still send."""
    allow_inconclusive: bool = False
