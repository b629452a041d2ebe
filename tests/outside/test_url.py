"""A service that runs already, judged from outside: requests, their trace ids, and what arrives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.document import RunDocument
from pytest_sentry_harness.targets.command import free_port

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured")]

SERVICE = Path(__file__).with_name("service.py")
SCENARIO = """
[scenario]
name = "running service"
settle = "4s"
[target]
url = "http://127.0.0.1:{port}"
dsn = "{dsn}"
ready = "/health"
{load}
[[fault]]
name = "boom"
on = {on}
[gates]
"capture.fired" = ">= 5"
"""
LOCUSTFILE = """
from locust import FastHttpUser, HttpUser, constant, events, task
from pytest_sentry_harness.locust_ext import attach, provoking

@events.init.add_listener
def connect(environment, **_):
    attach(environment)

class Customer(FastHttpUser):
    wait_time = constant(0.02)

    @task
    @provoking("{name}")
    def orders_too_much(self):
        self.client.post("/orders")

    @task
    def looks(self):
        self.client.get("/fine")

class Slow(HttpUser):
    wait_time = constant(0.02)

    @task
    def both(self):
        with provoking("{name}"):
            self.client.get("/boom")
        self.client.get("/fine")

class Once(HttpUser):
    @task
    def provokes_and_ends_the_run(self):
        try:
            with provoking("{name}"):
                self.client.get("/boom")
        finally:
            self.environment.runner.quit()
"""


@dataclass
class Service:
    port: int
    dsn: str

    def judged(self, folder: Path, load: str, on: str) -> RunDocument:
        path = folder / "running.toml"
        path.write_text(SCENARIO.format(port=self.port, dsn=self.dsn, load=load, on=on))
        return run_scenario(load_scenario(path), runs=folder / "runs")


@pytest.fixture
def service() -> Iterator[Service]:
    """The service, started by somebody else than the harness; its DSN names a port that is free still."""
    running = Service(free_port(), f"http://{'a' * 32}@127.0.0.1:{free_port()}/7")
    with subprocess.Popen([sys.executable, str(SERVICE), str(running.port), running.dsn]) as process:
        try:
            yield running
        finally:
            process.terminate()


def requests(*lines: tuple[str, int]) -> str:
    tables = (f'[[load.request]]\nsend = "{send}"\ntimes = {times}\n' for send, times in lines)
    return "[load]\nusers = 2\n" + "".join(tables)


def test_what_requests_provoke_is_joined_by_their_traces(service: Service, tmp_path: Path) -> None:
    """The embedded server listens where the service sends; nothing is asked of an agent."""
    document = service.judged(tmp_path, requests(("GET /boom", 20), ("GET /fine", 5)), '["GET /boom"]')
    assert document.verdict is Verdict.PASS, document
    assert (document.account.fired, document.account.captured, document.account.unexpected) == (20, 20, 0)
    assert document.points == ()
    assert "20 faults were provoked by their requests" in document.notes[0]


def test_a_request_that_was_no_error_is_lost_with_the_causes_left(service: Service, tmp_path: Path) -> None:
    """Answered 200 and no event: that there was no error is the first of what it could be."""
    document = service.judged(tmp_path, requests(("GET /boom", 5), ("GET /fine", 5)), '["GET /*"]')
    (loss,) = document.losses
    assert (document.verdict, document.account.captured) == (Verdict.FAIL, 5)
    assert (loss.state, loss.reason, loss.count) == ("unexplained_loss", "no_event", 5)
    assert loss.culprit == "the request was answered 200; no agent saw more"
    assert loss.could_be[0] == "no error at all (answered 200)"
    assert document.notes[0].endswith("answered: 5 with 200, 5 with 500")


def test_a_request_without_an_answer_counts_as_well(service: Service, tmp_path: Path) -> None:
    """A process that dies of its error answers nobody: such faults must not vanish from the account."""
    document = service.judged(tmp_path, requests(("GET /boom", 5), ("GET /hangup", 5)), '["GET /*"]')
    (loss,) = document.losses
    assert (document.account.fired, loss.count) == (10, 5)
    assert loss.culprit.startswith("the request got no answer (RemoteDisconnected")
    assert loss.could_be[0] == "a connection cut before the request was served"


@pytest.mark.locust
@pytest.mark.parametrize("user", ["Customer", "Slow"])
def test_locust_tasks_say_that_they_provoke_an_error(service: Service, tmp_path: Path, user: str) -> None:
    """With ``on = []`` only the marked tasks are the plan, whatever their requests are called."""
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE.replace("{name}", "boom"))
    load = f'[load]\nlocustfile = "locustfile.py"\nusers = 2\nfaults = 12\nuser_classes = ["{user}"]\n'
    document = service.judged(tmp_path, load, "[]")
    assert document.verdict is Verdict.PASS, document
    assert document.account.fired == document.account.captured >= 12
    assert document.account.unexpected == 0


@pytest.mark.locust
def test_a_task_that_names_another_fault_breaks_the_run(service: Service, tmp_path: Path) -> None:
    """A misspelt name is an error of the verdict, with the nearest name."""
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE.replace("{name}", "bom"))
    load = '[load]\nlocustfile = "locustfile.py"\nusers = 1\nrun_time = "30s"\nuser_classes = ["Once"]\n'
    document = service.judged(tmp_path, load, "[]")
    assert document.verdict is Verdict.ERROR
    (note,) = document.criteria[0].notes[:1]
    assert "the scenario has no fault 'bom' that a request can provoke" in note
    assert "did you mean 'boom'?" in note
