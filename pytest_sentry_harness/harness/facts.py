"""The facts of a run that has begun."""

from __future__ import annotations

import os

from ..model.run import UNFINISHED, RunFacts
from ..model.scenario import Scenario
from .folder import RunFolder
from .versions import platform_name, versions


def unfinished(scenario: Scenario, folder: RunFolder, started_at: float) -> RunFacts:
    """The facts of a run that has begun. They stand in its folder until it has ended in order."""
    return RunFacts(
        run_id=folder.run_id,
        scenario_file=os.path.relpath(scenario.path),
        seed=scenario.seed,
        twin=scenario.twin,
        started_at=started_at,
        seconds=0.0,
        stop_reason=UNFINISHED,
        versions=versions(),
        platform=platform_name(),
        doubts=("the harness ended before the run did: what is lost may be lost by that",),
    )
