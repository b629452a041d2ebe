"""The commands: one module each with its options and help. What they do is imported when they are run."""

from __future__ import annotations

MODULES = {
    "gate": ".commands.gate",
    "calibrate": ".commands.calibrate",
    "cost": ".commands.cost",
    "judge": ".commands.judge",
    "analyse": ".commands.analyse",
    "rules": ".commands.rules",
    "dashboards": ".commands.dashboards",
    "exec": ".commands.exec_",
    "doctor": ".commands.doctor",
    "serve": ".commands.serve",
}
"""In the order of the help: the module whose ``command`` it is, relative to ``cli``."""
