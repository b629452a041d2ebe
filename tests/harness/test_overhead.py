"""Whole runs that measure what Sentry costs: real services, tiny numbers, costs so huge that no machine hides them."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pytest_sentry_harness.errors import LoadError, TargetError, UsageError
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_folder
from pytest_sentry_harness.harness.run import begin, run_scenario
from pytest_sentry_harness.model.live import Live
from pytest_sentry_harness.model.verdict import GateResult, Verdict
from pytest_sentry_harness.report.document import RunDocument
from pytest_sentry_harness.report.markdown import to_markdown

from .overhead_programs import WORK, cost, write
from .programs import run_folder

BROKEN = '[[overhead.request]]\nname = "broken"\nsend = "GET /broken"\nraises = true\n'
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured_module")]


def gate(document: RunDocument, metric: str) -> GateResult:
    (found,) = [each for each in document.criteria[0].gates if each.metric == metric]
    return found


def notes(document: RunDocument) -> str:
    return "\n".join(note for criterion in document.criteria for note in criterion.notes)


def left_running() -> list[str]:
    return [
        " ".join(child.cmdline())
        for child in psutil.Process().children(recursive=True)
        if child.is_running() and child.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.fixture(scope="module")
def dear(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDocument, Path]:
    """A run with 5 ms of CPU planted beside 1 ms of work, a raising kind, and two further arms."""
    folder = tmp_path_factory.mktemp("dear")
    more = (
        BROKEN
        + '[[overhead.arm]]\nname = "unreachable"\nenv = { MY_DSN = "http://key@127.0.0.1:9/1" }\n'
        + '[[overhead.arm]]\nname = "slow"\nlink = [{ delay = "20ms" }]\n'
    )
    return cost(folder, env='BURN = "5"', more=more), folder


def test_a_huge_cost_fails(dear: tuple[RunDocument, Path]) -> None:
    """Five times the CPU: all of the interval is above the gate, and the latency shows it, too."""
    document, _ = dear
    assert (document.verdict, document.exit_code) == (Verdict.FAIL, 10), notes(document)
    assert gate(document, "overhead.cpu").verdict is Verdict.FAIL
    assert document.run.stop_reason == "completed"
    assert left_running() == []


def test_every_error_of_a_raising_kind_arrives(dear: tuple[RunDocument, Path]) -> None:
    """The account of the arm with Sentry is closed, and that of the unreachable one is shown and not judged."""
    document, _ = dear
    assert document.overhead is not None
    accounts = {account.arm: account for account in document.overhead.accounts}
    assert accounts["without"].items == {}
    assert accounts["with"].raised == accounts["with"].errors > 20
    assert accounts["unreachable"].errors == 0
    assert accounts["unreachable"].lost >= accounts["unreachable"].raised > 20
    assert gate(document, "overhead.dropped").verdict is Verdict.PASS


def test_all_kinds_and_arms_are_reported(dear: tuple[RunDocument, Path]) -> None:
    """In the document and in Markdown."""
    document, _ = dear
    assert document.overhead is not None
    assert {(each.arm, each.kind) for each in document.overhead.costs if each.kind} == {
        (arm, kind) for arm in ("with", "unreachable", "slow") for kind in ("work", "broken")
    }
    page = to_markdown([document]).decode()
    assert "throughput lost" in page
    assert "faults injected" not in page


def test_a_copied_folder_is_judged_the_same(dear: tuple[RunDocument, Path], tmp_path: Path) -> None:
    """On another path, run.json comes out byte for byte."""
    folder = run_folder(dear[1])
    copy = tmp_path / "elsewhere" / folder.name
    shutil.copytree(folder, copy)
    (copy / "run.json").unlink()
    judge_folder(RunFolder.open(copy))
    assert (copy / "run.json").read_bytes() == (folder / "run.json").read_bytes()


def test_keys_do_not_stay_in_the_folder(dear: tuple[RunDocument, Path]) -> None:
    """What told the agents the run's keys goes when the run ends, as in every run."""
    assert list(run_folder(dear[1]).rglob("arming.json")) == []


def test_a_sleep_is_seen_in_the_time_to_an_answer(tmp_path: Path) -> None:
    """Fifty milliseconds of waiting in a request of one, and not a sign of it in the CPU."""
    document = cost(tmp_path, env='SLEEP = "50"', measure="600ms")
    waited, burnt = gate(document, "overhead.latency.p50"), gate(document, "overhead.cpu")
    # Three launches on a machine that does other things may be too few to tell how much; that it more than
    # doubles the time is beyond what noise can do.
    assert waited.measurement.value is not None
    assert burnt.measurement.value is not None
    assert waited.measurement.value > 1, notes(document)
    assert waited.verdict is not Verdict.PASS
    assert burnt.measurement.value < waited.measurement.value


def test_the_agent_can_switch_sentry_off(tmp_path: Path) -> None:
    """Where no variable does: ``sentry_sdk.init`` does nothing in the arm without."""
    document = cost(tmp_path, without='"agent"', env='BURN = "5"')
    assert document.overhead is not None
    # The service believes that it is on in both arms, and burns in both: what differs is the SDK alone.
    assert document.overhead.accounts[0].items == {}
    assert document.overhead.accounts[1].items["event"] == document.overhead.launches
    assert document.verdict is not Verdict.ERROR


def test_sentry_in_both_arms(tmp_path: Path) -> None:
    """The variable that is emptied is not the one that the service reads: error, after one launch."""
    document = cost(tmp_path, without='{ env = { SENTRY_DSN = "" } }')
    assert (document.verdict, document.exit_code) == (Verdict.ERROR, 12)
    assert "Sentry is in both arms: the arm 'without' sent 1 event" in notes(document)
    assert document.overhead is not None
    assert document.overhead.launches == 1


def test_sentry_in_no_arm(tmp_path: Path) -> None:
    """The SDK is never initialised: error, after one launch."""
    document = cost(tmp_path, env='NEVER = "1"')
    assert (document.verdict, document.exit_code) == (Verdict.ERROR, 12)
    assert "no Sentry in either arm" in notes(document)
    assert "its SDK was never initialised" in notes(document)


def test_an_sdk_without_a_dsn_is_no_absence(tmp_path: Path) -> None:
    """The program calls init in any case: with an empty DSN it works as hard, and the comparison would say that it is free."""
    document = cost(tmp_path, env='ALWAYS = "1"')
    assert (document.verdict, document.exit_code) == (Verdict.ERROR, 12)
    assert "the arm 'without' sent nothing, and yet its SDK was initialised" in notes(document)
    assert 'write [overhead] without = "agent"' in notes(document)


def test_what_the_server_refuses_is_lost(tmp_path: Path) -> None:
    """All of it, and the reports about it, too: it was sent, and nothing arrived."""
    document = cost(tmp_path, more=BROKEN + "[[link]]\nstatus = 500\n", env='BURN = "5"')
    dropped = gate(document, "overhead.dropped")
    assert (document.verdict, dropped.verdict) == (Verdict.FAIL, Verdict.FAIL), notes(document)
    assert document.overhead is not None
    account = document.overhead.accounts[1]
    assert (account.items, account.errors) == ({}, 0)
    # Each request that raised, and what each launch says when it starts.
    assert account.lost == account.refused["500/error"] == account.raised + document.overhead.launches
    assert dropped.measurement.value == account.lost
    assert "the server refused" in dropped.measurement.note


def test_a_client_for_somewhere_else_is_cut_off(tmp_path: Path) -> None:
    """A DSN of a real Sentry: nothing leaves the machine, and the run says so."""
    document = cost(
        tmp_path, env='X = "1"', without='{ env = { MY_DSN = "https://key@o1.ingest.sentry.io/1" } }'
    )
    assert document.verdict is Verdict.ERROR
    assert "the SDK in arm 'without' wanted to send to 'o1.ingest.sentry.io'" in notes(document)


def test_a_target_that_dies_in_one_arm(tmp_path: Path) -> None:
    """In its first launch: there is nothing to judge, and the error names the arm and how it ended."""
    with pytest.raises(TargetError, match="arm 'with': the target ended with exit code 7"):
        cost(tmp_path, env=f'STARTS = "{tmp_path / "starts"}", DIES_AT = "1"')
    assert left_running() == []


def test_a_target_that_dies_later(tmp_path: Path) -> None:
    """In the second launch: what was learnt is kept, and the verdict is error."""
    document = cost(tmp_path, env=f'STARTS = "{tmp_path / "starts"}", DIES_AT = "2"')
    assert (document.verdict, document.exit_code) == (Verdict.ERROR, 12)
    assert document.run.stop_reason == "target_died"
    assert "arm 'with': the target ended with exit code 7" in notes(document)
    assert document.overhead is not None
    assert document.overhead.launches == 1


def test_a_target_that_cannot_be_reached(tmp_path: Path) -> None:
    """It listens, but not where it was told to."""
    with pytest.raises(LoadError) as caught:
        cost(tmp_path, port="0", ready="")
    assert caught.value.what.startswith("arm '")
    assert "does not answer GET /work" in caught.value.what
    assert "does the target listen on {port}" in str(caught.value.hint)
    assert left_running() == []


def test_wrong_answers_are_no_evidence(tmp_path: Path) -> None:
    """A path that is not there is fast, and says nothing: inconclusive."""
    document = cost(tmp_path, requests='[[overhead.request]]\nname = "missing"\nsend = "GET /missing"\n')
    assert (document.verdict, document.exit_code) == (Verdict.INCONCLUSIVE, 11)
    assert "requests 'missing' to arm 'with' were answered 404, not below 400" in notes(document)


def test_too_few_requests_are_no_verdict(tmp_path: Path) -> None:
    """Requests that take longer than there is time to measure."""
    document = cost(tmp_path, env='SLEEP = "60"', measure="50ms")
    assert (document.verdict, document.exit_code) == (Verdict.INCONCLUSIVE, 11)
    assert "are the least that tells anything: raise [overhead] measure" in notes(document)


def test_a_login_comes_first(tmp_path: Path) -> None:
    """What it answers is put into the headers of the others; without it they would be refused."""
    requests = (
        '[[overhead.prepare]]\nsend = "POST /login"\njson = { user = "ann" }\nkeep = { token = "access_token" }\n'
        '[[overhead.request]]\nname = "private"\nsend = "GET /private"\n'
        'headers = { Authorization = "Bearer {token}" }\n'
    )
    document = cost(tmp_path, requests=requests)
    assert "answered" not in notes(document)
    assert document.verdict is not Verdict.ERROR


def test_a_login_that_is_refused(tmp_path: Path) -> None:
    """Nothing can be measured."""
    requests = '[[overhead.prepare]]\nsend = "GET /missing"\n' + WORK
    with pytest.raises(LoadError, match="GET /missing, which prepares the others, was answered 404"):
        cost(tmp_path, requests=requests)


def test_a_login_without_what_is_wanted(tmp_path: Path) -> None:
    """The field is not there."""
    requests = '[[overhead.prepare]]\nsend = "POST /login"\njson = {}\nkeep = { token = "jwt" }\n' + WORK
    with pytest.raises(LoadError, match="without what is to be kept of it: KeyError: 'jwt'"):
        cost(tmp_path, requests=requests)


class StopsAt:
    """Progress that sets ``stop`` when a stage begins."""

    def __init__(self, text: str, stop: threading.Event) -> None:
        self._text, self._stop = text, stop
        self.stages: list[str] = []

    def stage(self, title: str) -> None:
        self.stages.append(title)
        if title.startswith(self._text):
            self._stop.set()

    def news(self, text: str, done: float | None = None) -> None:
        pass

    def live(self, look: Callable[[], Live]) -> None:
        pass


def test_an_interrupted_run_judges_what_it_learnt(tmp_path: Path) -> None:
    """Cut short in its second launch: inconclusive, in order, and nothing is left running."""
    stop = threading.Event()
    progress = StopsAt("launch 2", stop)
    document = run_scenario(write(tmp_path), progress=progress, runs=tmp_path / "runs", stop=stop)
    assert document.run.stop_reason == "interrupted"
    assert document.verdict is Verdict.INCONCLUSIVE
    assert document.overhead is not None
    assert document.overhead.launches == 1
    assert "the run was interrupted" in notes(document)
    assert progress.stages[1] == "launch 1 of at most 3 (2 arms, 1 kinds of request: 0 s and warming up)"
    assert re.fullmatch(
        r"launch 2 of at most 3 \(\d+ s each, at most \d+ (s|min) to go\)", progress.stages[2]
    )
    assert left_running() == []


def test_nothing_begins_after_the_stop(tmp_path: Path) -> None:
    """A run that was stopped before it began."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        run_scenario(write(tmp_path), runs=tmp_path / "runs", stop=stop)
    assert not (tmp_path / "runs").exists()


def test_a_killed_run_can_be_judged(dear: tuple[RunDocument, Path], tmp_path: Path) -> None:
    """What stood in the folder when the harness was killed: never a pass, never a fail."""
    folder = RunFolder(tmp_path / "copy")
    shutil.copytree(run_folder(dear[1]), folder.path)
    facts = folder.facts.read_text(encoding="utf-8")
    folder.facts.write_text(facts.replace('"completed"', '"unfinished"'), encoding="utf-8")
    assert judge_folder(folder).verdict is Verdict.INCONCLUSIVE


def test_other_loads_cannot_drive_it(tmp_path: Path) -> None:
    """Such a scenario sends its requests itself."""
    with pytest.raises(UsageError, match="no other load can drive it"):
        begin(write(tmp_path))
