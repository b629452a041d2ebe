"""What the scenarios of workers and jobs show beyond their verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.ledger.reader import read_ledger
from pytest_sentry_harness.model.ledger import Fired, Hello, Record
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.plan.twins import twin_of
from pytest_sentry_harness.report.document import RunDocument

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured")]

SCENARIOS = Path(__file__).parent.parent.parent / "scenarios" / "processes"


def run(name: str, runs: Path, twin: str = "", env: dict[str, str] | None = None) -> RunDocument:
    scenario: Scenario = load_scenario(SCENARIOS / name)
    scenario = twin_of(scenario, twin) if twin else scenario
    target = replace(scenario.target, env={**scenario.target.env, **(env or {})})
    return run_scenario(replace(scenario, target=target), runs=runs)


def records(runs: Path) -> Iterator[Record]:
    (folder,) = runs.iterdir()
    return read_ledger(folder / "ledger")


def check_ins(document: RunDocument) -> int:
    return sum(document.arrivals.get("check_in", {}).values())


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_the_faults_of_a_request_are_met_by_the_task_it_sends(tmp_path: Path, pool: str) -> None:
    """In the worker's process, under ids of its own, none twice; and nothing is said not to have fired."""
    document = run("jobs-celery-request.toml", tmp_path, env={"OPTIONS": f"--pool {pool}"})
    assert document.verdict is Verdict.PASS
    assert document.account.states.get("not_reached", 0) == 0
    fired: list[tuple[str, int]] = []
    pid = web = 0
    for record in records(tmp_path):
        if isinstance(record, Hello):
            pid = record.pid
            if "job_apps.celery_web" in record.argv:
                web = pid
        elif isinstance(record, Fired) and record.fault == "bad-task":
            fired.append((record.fault_id, pid))
    assert len(fired) == 20
    assert len({fault_id for fault_id, _ in fired}) == 20
    assert all(fault_id.endswith(f"+p{pid}") and pid != web for fault_id, pid in fired)


def test_a_scheduler_of_its_own_sends_no_check_ins_when_only_the_worker_has_the_sdk(tmp_path: Path) -> None:
    """With the SDK in it, it does: the healthy scenario's check-ins say that the task began."""
    assert check_ins(run("jobs-celery-beat.toml", tmp_path / "healthy")) > 0
    assert check_ins(run("jobs-celery-beat.toml", tmp_path / "twin", "init-in-the-worker-only")) == 0


def test_a_scheduled_job_sends_two_check_ins_a_night(tmp_path: Path) -> None:
    """One at its beginning, one at its end."""
    assert check_ins(run("jobs-scheduled.toml", tmp_path)) == 60


def test_what_a_killed_process_held_may_have_been_swallowed_as_well(tmp_path: Path) -> None:
    """It is a set of causes, not a guess; and what killed it is one, too."""
    document = run("jobs-limited.toml", tmp_path, "no-warning")
    assert {loss.reason for loss in document.losses} == {"lost_at_exit or swallowed"}
    assert all(len(loss.could_be) == 2 for loss in document.losses)


def test_sigkill_may_have_come_from_a_system_out_of_memory(tmp_path: Path) -> None:
    """The parent is told the same either way."""
    document = run("ends-signal.toml", tmp_path, "sigkill")
    (loss,) = document.losses
    assert loss.could_be == (
        "killed by somebody (kill -9, a time limit)",
        "killed by the system, which was out of memory",
    )


def test_no_process_outlives_its_run(tmp_path: Path) -> None:
    """Not even a worker whose driver was stopped by an error."""
    run("jobs-celery-threads.toml", tmp_path, env={"TASKS": "x"})
    mine = [
        process
        for process in psutil.process_iter(["environ"])
        if str(tmp_path) in str((process.info["environ"] or {}).get("RUN_DIR", ""))
    ]
    assert mine == []
