"""The environment by which the harness makes a target load the agent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..plan.arming_file import ENVIRONMENT_VARIABLE

BOOTSTRAP = Path(__file__).parent / "bootstrap"
"""The folder Python is shown first; it holds only ``sitecustomize.py``."""


def agent_environment(arming_path: str | Path, base_env: Mapping[str, str] | None = None) -> dict[str, str]:
    """``base_env`` (default: this process's environment) with what makes a target load the agent.

    Every Python process below the target inherits it, so workers are covered too. Pythons started with
    ``-E`` or ``-I`` ignore it.
    """
    environment = dict(os.environ if base_env is None else base_env)
    folder = str(BOOTSTRAP)
    others = [part for part in environment.get("PYTHONPATH", "").split(os.pathsep) if part and part != folder]
    environment["PYTHONPATH"] = os.pathsep.join([folder, *others])
    environment[ENVIRONMENT_VARIABLE] = str(Path(arming_path).absolute())
    return environment
