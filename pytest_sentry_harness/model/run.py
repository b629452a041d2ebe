"""What the harness itself knows of a run, written to ``facts.json`` in the run folder."""

from __future__ import annotations

from dataclasses import dataclass, field

UNFINISHED = "unfinished"
"""The stop reason of a run that never came to its end: the harness was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Everything about a run that neither the ledger nor the store can say."""

    run_id: str
    scenario_file: str
    """As the user named it."""
    seed: int
    twin: str = ""
    """The twin of the scenario that was run; empty for the scenario as written."""
    started_at: float
    """Wall clock, seconds since the epoch."""
    seconds: float
    """How long the run took, up to its judging."""
    stop_reason: str
    """``completed``, ``interrupted``, ``target_died``, ``load_failed``, ``server_died``, ``monitor_died``;
    ``unfinished`` until then."""
    versions: dict[str, str] = field(default_factory=dict)
    """Of Python, the harness, and the libraries that matter, as installed where the harness runs."""
    platform: str = ""
    target_ending: str = ""
    load_ending: str = ""
    settled: str = ""
    """How the wait for the SDK's last words ended."""
    trouble: tuple[str, ...] = ()
    """The harness broke: the verdict is *error*."""
    doubts: tuple[str, ...] = ()
    """The evidence is not complete: a pass becomes *inconclusive*."""
