"""``locust -f …`` without the harness around it: the verdict is Locust's exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_sentry_harness.ledger.reader import JournalState, read_ledger
from pytest_sentry_harness.model.ledger import Intent

from .recording import LOCUST, two_workers

pytestmark = pytest.mark.locust

ROOT = Path(__file__).parents[2]
LOCUSTFILES = ROOT / "locustfiles"
SCENARIO = f"""
[scenario]
name = "small storm"
question = "Is the verdict the exit code?"
seed = 3

[target]
command = "{{python}} -m uvicorn APP --port {{port}} --no-access-log"
ready = "/health"
cwd = "{ROOT / "scenarios" / "twins"}"
env = {{ SENTRY_DSN = "{{dsn}}", REFERENCE_DATABASE = "{{run_dir}}/t.sqlite", PLANTED = "{{run_dir}}/planted.jsonl" }}

[load]
locustfile = "{LOCUSTFILES / "storm.py"}"
faults = FAULTS

[[fault]]
name = "quotes-timeout"
at = "pytest_sentry_harness.reference.quotes:fetch_quote"
do = "raise(httpx.ReadTimeout('no answer'))"
on = ["GET /quotes/*"]
"""
HEALTHY = "pytest_sentry_harness.reference.app:app"
# The storm without the requests that no fault meets here: a fifth of the work for the same evidence.
QUOTES = f"""
import sys

sys.path.insert(0, {str(LOCUSTFILES)!r})
from storm import *

PanickingTrader.tasks = [PanickingTrader.asks_for_quotes]
"""


def scenario(folder: Path, app: str = HEALTHY, faults: int = 100) -> Path:
    path = folder / "small.toml"
    path.write_text(SCENARIO.replace("APP", app).replace("FAULTS", str(faults)))
    return path


def quotes(folder: Path) -> Path:
    path = folder / "quotes.py"
    path.write_text(QUOTES)
    return path


def command(folder: Path, path: Path, *more: str, file: Path = LOCUSTFILES / "storm.py") -> list[str]:
    return [
        *LOCUST,
        *("-f", str(file), "-u", "4", "-r", "50", "-t", "90s", "--stop-timeout", "10"),
        *("--sentry-harness-scenario", str(path), "--sentry-harness-folder", str(folder / "runs")),
        *more,
    ]


def run(arguments: list[str], folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, **env},
    )


def run_folder(folder: Path) -> Path:
    (found,) = (folder / "runs").iterdir()
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_a_healthy_target_passes(tmp_path: Path) -> None:
    """Server and target are started, the load ends by itself, the report is printed, exit code 0."""
    done = run(command(tmp_path, scenario(tmp_path, faults=75)), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout
    assert "75 faults injected, 75 fired = 75 captured" in done.stdout
    document = json.loads((run_folder(tmp_path) / "run.json").read_text())
    assert document["account"]["captured"] == 75
    assert "requests" in document["run"]["load_ending"]


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_a_defect_fails_the_run(tmp_path: Path) -> None:
    """A ``before_send`` that forgets events: exit code 10, and the report names it."""
    path = scenario(tmp_path, "defects.before_send_none:app")
    done = run(command(tmp_path, path, file=quotes(tmp_path)), tmp_path)
    assert done.returncode == 10, done.stdout + done.stderr
    assert "FAIL" in done.stdout
    assert "forgetful" in done.stdout
    planted = (run_folder(tmp_path) / "planted.jsonl").read_text().splitlines()
    document = json.loads((run_folder(tmp_path) / "run.json").read_text())
    assert document["account"]["states"]["explained"] == len(planted) > 0


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_workers_are_told_by_the_master(tmp_path: Path) -> None:
    """With worker processes the master begins and judges; the workers find the run through its options."""
    done = run(command(tmp_path, scenario(tmp_path), *two_workers(), file=quotes(tmp_path)), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    states: list[JournalState] = []
    intents = [r for r in read_ledger(run_folder(tmp_path) / "ledger", states) if isinstance(r, Intent)]
    assert {intent.fault_id.split("-")[-2] for intent in intents} == {"w0", "w1"}
    assert len([state for state in states if state.hello and state.hello.role == "load"]) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_workers_out_of_reach_of_the_folder_are_judged_with_the_rest(tmp_path: Path) -> None:
    """They hand their journals in, and reach the target by the address they are told."""
    (tmp_path / "away.py").write_text(
        f"{QUOTES}from pytest_sentry_harness.locust_ext import member\n\n\n"
        "member._readable = lambda told: None\n"
    )
    arguments = command(tmp_path, scenario(tmp_path), *two_workers(), "--sentry-harness-address", "localhost")
    arguments[arguments.index("-f") + 1] = str(tmp_path / "away.py")
    done = run(arguments, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    states: list[JournalState] = []
    intents = [r for r in read_ledger(run_folder(tmp_path) / "ledger", states) if isinstance(r, Intent)]
    assert {intent.fault_id.split("-")[-2] for intent in intents} == {"w0", "w1"}
    loads = [state for state in states if state.hello and state.hello.role == "load"]
    assert sorted(state.path.name.split("-")[1] for state in loads) == ["w0", "w1"]
    assert all(state.closed for state in loads)
    assert "sentry-harness: the run's folder is out of reach" in done.stderr


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_an_address_the_scenario_does_not_allow_is_refused(tmp_path: Path) -> None:
    """Faults must not be asked for just anywhere; the hint has the line to write."""
    done = run(command(tmp_path, scenario(tmp_path), "--sentry-harness-address", "10.1.2.3"), tmp_path)
    assert done.returncode == 1
    assert "the scenario does not allow requests with faults to '10.1.2.3'" in done.stderr
    assert '[safety] hosts = ["10.1.2.3"]' in done.stderr


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_a_run_cut_short_by_sigterm_is_judged_all_the_same(tmp_path: Path) -> None:
    """Users are ended first; too little evidence is inconclusive, not a pass."""
    path = scenario(tmp_path, faults=100_000)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command(tmp_path, path), cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            journals = list((tmp_path / "runs").glob("*/ledger/load-*"))
            if journals and journals[0].read_bytes().count(b'["answered"') >= 5:
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        code = process.wait(120)
    text = (tmp_path / "log").read_text()
    assert code in (0, 11), text
    assert ("INCONCLUSIVE" if code == 11 else "PASS") in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "told"),
    [("missing.toml", "missing.toml"), ("broken.toml", "unknown placeholder")],
)
def test_a_run_that_cannot_begin_never_looks_like_a_pass(tmp_path: Path, path: str, told: str) -> None:
    """The reason is printed and the exit code is not 0."""
    text = scenario(tmp_path).read_text().replace("{port}", "{prt}")
    (tmp_path / "broken.toml").write_text(text)
    done = run(command(tmp_path, tmp_path / path), tmp_path)
    assert done.returncode not in (0, 10, 11)
    assert told in done.stderr + done.stdout


@pytest.mark.slow
def test_without_a_scenario_the_hint_says_where_to_name_one(tmp_path: Path) -> None:
    """Neither locustfile nor command line names one."""
    (tmp_path / "bare.py").write_text(
        "from locust import HttpUser, events, task\n"
        "from pytest_sentry_harness.locust_ext import attach\n\n\n"
        "@events.init.add_listener\ndef on_init(environment, **kwargs):\n    attach(environment)\n\n\n"
        "class Anybody(HttpUser):\n    @task\n    def go(self):\n        self.client.get('/')\n"
    )
    done = run([*LOCUST, "-f", str(tmp_path / "bare.py"), "-t", "1s"], tmp_path)
    assert done.returncode == 1
    assert "no scenario to run" in done.stderr
    assert "--sentry-harness-scenario FILE" in done.stderr


BREAKING = """
from locust import events
from storm import *  # noqa: F403
from pytest_sentry_harness.harness import run


def finish(self):
    raise RuntimeError("the judge is away")


run.ActiveRun.finish = finish
"""


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_a_failure_of_the_harness_itself_is_exit_code_12(tmp_path: Path) -> None:
    """Locust swallows what listeners raise; the pessimistic exit code stays. Nothing keeps running."""
    (tmp_path / "breaking.py").write_text(BREAKING)
    arguments = command(tmp_path, scenario(tmp_path, faults=20))
    arguments[arguments.index("-f") + 1] = str(tmp_path / "breaking.py")
    done = run(arguments, tmp_path, PYTHONPATH=str(LOCUSTFILES))
    assert done.returncode == 12, done.stdout + done.stderr
    assert "the judge is away" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_a_worker_that_cannot_take_part_makes_the_run_an_error(tmp_path: Path) -> None:
    """It has no journal to say so; the master hears of it with the worker's report."""
    (tmp_path / "lost.py").write_text(
        "import locust\n"
        "from pytest_sentry_harness.locust_ext.sessions import hook_sessions\n\n\n"
        "@locust.events.init.add_listener\ndef lose(environment, **kwargs):\n"
        "    if type(environment.runner).__name__ == 'WorkerRunner':\n"
        "        hook_sessions(None)\n\n\n"
        "from storm import *  # noqa: F403\n"
    )
    arguments = command(tmp_path, scenario(tmp_path), *two_workers())
    arguments[arguments.index("-f") + 1] = str(tmp_path / "lost.py")
    arguments[arguments.index("-t") + 1] = "5s"
    done = run(arguments, tmp_path, PYTHONPATH=str(LOCUSTFILES))
    assert done.returncode == 12, done.stdout + done.stderr
    assert "_on_test_start failed: UsageError: locustfile: attach() was called twice" in done.stderr


@pytest.mark.slow
def test_the_second_attach_is_refused(tmp_path: Path) -> None:
    """Hooks would be laid twice and every request marked twice."""
    code = (
        "import locust\n"
        "from pytest_sentry_harness.locust_ext.sessions import hook_sessions\n"
        "from pytest_sentry_harness.errors import UsageError\n"
        "from locust.clients import HttpSession\n"
        "before = HttpSession.request\n"
        "unhook = hook_sessions(None)\n"
        "try:\n    hook_sessions(None)\nexcept UsageError as error:\n    print(error)\n"
        "unhook()\n"
        "assert HttpSession.request is before\n"
    )
    done = run([sys.executable, "-c", code], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "attach() was called twice in one Locust process" in done.stdout
