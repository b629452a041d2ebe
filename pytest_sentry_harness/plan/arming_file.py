"""``arming.json``: how the harness tells the agent and the load generator what to do. Standard library only."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from ..errors import InjectionError
from ..model.arming import ArmedFault, ArmedKind, ArmedMeasuring, ArmedOperation, ArmedStage, Arming

ENVIRONMENT_VARIABLE = "SENTRY_HARNESS_ARMING"
"""Names the file; the agent does nothing at all while it is unset."""


def write_arming(arming: Arming, path: Path) -> None:
    """Write ``arming`` to ``path``, readable by its owner only: it holds the run's key."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)  # a file that was there before keeps its mode otherwise
        json.dump(asdict(arming), file, indent=1)


def read_arming(path: str | Path) -> Arming:
    """Read ``path``. Raises ``InjectionError`` when it is missing or not an arming file."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        faults = tuple(ArmedFault(**{**fault, "on": tuple(fault["on"])}) for fault in document.pop("faults"))
        document["hosts"] = tuple(document["hosts"])
        document["kinds"] = tuple(ArmedKind(**kind) for kind in document.get("kinds", ()))
        document["operations"] = tuple(ArmedOperation(**each) for each in document.get("operations", ()))
        document["stages"] = tuple(ArmedStage(**each) for each in document.get("stages", ()))
        measuring = document.pop("measuring", None)
        document["measuring"] = None if measuring is None else ArmedMeasuring(**measuring)
        return Arming(faults=faults, **document)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InjectionError(
            f"the arming file cannot be used: {error}",
            where=str(path),
            hint=f"{ENVIRONMENT_VARIABLE} must name a file written by sentry-harness of the same version",
        ) from error
