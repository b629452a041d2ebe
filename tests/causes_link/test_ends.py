"""Processes that end with events on their way: how they ended, as far as anybody knows."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import NoReturn

import pytest

from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.injection.hard_exit import HardExits
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.model.ledger import HardExit
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.document import RunDocument

SCENARIO = """
[scenario]
name = "ends"
question = "How did it end?"
[target]
command = "{python} app.py"
wait = true
env = { SENTRY_DSN = "{dsn}" }
[[link]]
LINK
[[fault]]
name = "f"
at = "__main__:work"
do = "raise(ValueError('v'))"
select = "call"
"""
APP = """
import os, signal, sys
import sentry_sdk

def work():
    return 1

def fail(times):
    for _ in range(times):
        try:
            work()
        except ValueError:
            sentry_sdk.capture_exception()

sentry_sdk.init(shutdown_timeout=10, auto_enabling_integrations=False)
"""


def run(folder: Path, script: str, link: str = 'delay = "300ms"') -> RunDocument:
    folder.joinpath("app.py").write_text(APP + textwrap.dedent(script))
    scenario = folder / "ends.toml"
    scenario.write_text(SCENARIO.replace("LINK", link))
    document = run_scenario(load_scenario(scenario), runs=folder / "runs")
    assert document.account.closes
    assert not document.account.states["unexplained_loss"]
    return document


def causes(document: RunDocument) -> dict[str, str]:
    """What each kind of loss is put down to."""
    return {loss.reason: loss.culprit for loss in document.losses}


@pytest.mark.slow
def test_os_exit_is_named_with_the_line_that_called_it(tmp_path: Path) -> None:
    """No exit hook runs; who called it is known all the same."""
    document = run(tmp_path, "fail(3)\nos._exit(3)\n")
    (loss,) = document.losses
    assert (loss.reason, loss.culprit) == ("lost_at_exit", "ended by os._exit(3)")
    assert loss.place is not None
    assert loss.place.file.endswith("app.py")
    assert loss.could_be == ()


@pytest.mark.slow
def test_sigkill_could_be_two_things(tmp_path: Path) -> None:
    """Who sent it is not known: both possibilities are reported."""
    document = run(tmp_path, "fail(3)\nos.kill(os.getpid(), signal.SIGKILL)\n")
    (loss,) = document.losses
    assert (loss.reason, loss.culprit) == ("lost_at_exit", "ended by SIGKILL")
    assert len(loss.could_be) == 2


@pytest.mark.slow
def test_a_forked_child_has_its_parents_sdk(tmp_path: Path) -> None:
    """What its events were answered is known, and how it ended, though it never called ``init``."""
    document = run(
        tmp_path,
        """
        fail(1)
        sentry_sdk.flush(10)
        child = os.fork()
        if child == 0:
            fail(1)
            sentry_sdk.flush(10)
            fail(1)
            os._exit(0)
        os.waitpid(child, 0)
        """,
        link='requests = 1\n[[link]]\nstatus = 503\nrequests = 1\n[[link]]\ndelay = "2s"\nstatus = 500',
    )
    found = causes(document)
    assert document.account.captured == 1
    assert found["server_error"].startswith("HTTP 503 by http://127.0.0.1:")
    assert set(found) <= {"server_error", "lost_at_exit"}
    assert {sdk.processes for sdk in document.sdk} == {2}


@pytest.mark.parametrize(
    "end", ["", "sys.exit(3)", "raise SystemExit", "os.kill(os.getpid(), signal.SIGINT)"]
)
@pytest.mark.slow
def test_orderly_ends_lose_nothing(tmp_path: Path, end: str) -> None:
    """The exit hook waits for the queue."""
    document = run(tmp_path, f"fail(3)\n{end}\n", link='delay = "20ms"')
    assert document.account.captured == document.account.fired == 3


class Ended(BaseException):
    """Stands in for the end of the process."""


def end(code: int) -> NoReturn:
    raise Ended(code)


def test_who_calls_os_exit_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call is noted first; when even that fails, the process ends all the same."""
    monkeypatch.setattr(os, "_exit", end)
    recorder, said = MemoryRecorder(), list[str]()
    exits = HardExits(recorder, lambda: said.append("last words"))
    exits.install()
    with pytest.raises(Ended, match="3"):
        os._exit(3)
    (noted,) = recorder.records(HardExit)
    assert (noted.code, said) == (3, ["last words"])
    assert noted.place is not None
    assert (noted.place.file, noted.place.function) == (__file__, "test_who_calls_os_exit_gets_it")
    exits.uninstall()
    assert os._exit is end
    failing = HardExits(recorder, lambda: said.remove("never said"))
    failing.install()
    with pytest.raises(Ended, match="4"):
        os._exit(4)
    failing.uninstall()
    assert len(recorder.records(HardExit)) == 1
