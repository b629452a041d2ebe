"""Small target programs and scenarios for tests of whole runs."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.document import RunDocument

JOB = """
import os, sys
import sentry_sdk

sentry_sdk.init(os.environ.get("SENTRY_DSN"), release="job@1", transport_queue_size=10_000, shutdown_timeout=30,
                include_local_variables=False, auto_enabling_integrations=False{init})

def work(number):
    return number * 2

def main():
    for number in range({times}):
        try:
            work(number)
        except Exception:
            {handle}
    {end}

if __name__ == "__main__":
    main()
"""

SCENARIO = """
[scenario]
name = "job"
question = "Does every failed piece of work reach us?"
seed = 3
settle = "20s"
{head}

[target]
command = "{{python}} {flags} job.py"
env = {{ SENTRY_DSN = "{dsn}" }}
wait = true
stop_timeout = "60s"

[[fault]]
name = "{fault}"
at = "{at}"
do = "{do}"
select = "call"

[gates]
"capture.fired" = ">= 1"
"""


def write_job(
    folder: Path,
    *,
    times: int = 20,
    init: str = "",
    handle: str = "sentry_sdk.capture_exception()",
    end: str = "pass",
    head: str = "",
    flags: str = "",
    dsn: str = "{dsn}",
    at: str = "__main__:work",
    do: str = "raise(ValueError('broken'))",
    fault: str = "broken-piece",
) -> Path:
    """Write a script and a scenario that runs it; gives the scenario."""
    program = textwrap.dedent(JOB)
    for name, text in {"init": init, "times": str(times), "handle": handle, "end": end}.items():
        program = program.replace("{" + name + "}", text)
    (folder / "job.py").write_text(program)
    path = folder / "job.toml"
    path.write_text(SCENARIO.format(head=head, flags=flags, dsn=dsn, at=at, do=do, fault=fault))
    return path


def job(folder: Path, **changes: Any) -> RunDocument:
    """Run such a script and give the judged document; its run folder lies under ``folder``/runs."""
    return run_scenario(load_scenario(write_job(folder, **changes)), runs=folder / "runs")


def run_folder(folder: Path) -> Path:
    """The only run folder under ``folder``/runs."""
    (path,) = (folder / "runs").iterdir()
    return path
