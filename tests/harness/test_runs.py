"""Whole runs on real processes: a script, its SDK, the server, the judge."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pytest_sentry_harness.errors import EvidenceError, ScenarioError, UsageError
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_folder
from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.document import RunDocument

from .programs import job, run_folder


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDocument, Path]:
    """One healthy run of a script, for all tests that only look at it."""
    folder = tmp_path_factory.mktemp("passed")
    return job(folder, times=80), run_folder(folder)


def reason_of(document: RunDocument) -> tuple[int, str, str]:
    (loss,) = document.losses
    return (
        loss.count,
        loss.reason,
        f"{loss.place.file.rpartition('/')[2]}:{loss.place.line}" if loss.place else "",
    )


@pytest.mark.slow
def test_a_healthy_script_passes(passed: tuple[RunDocument, Path]) -> None:
    """Each of the 80 faults is captured and the account closes."""
    document, _ = passed
    assert document.verdict is Verdict.PASS, document
    assert (document.account.injected, document.account.captured, document.losses) == (80, 80, ())
    assert document.account.closes
    assert document.points[0].state == "armed"
    assert document.sdk[0].options["transport_queue_size"] == 10_000


@pytest.mark.slow
def test_a_copied_folder_is_judged_the_same(passed: tuple[RunDocument, Path], tmp_path: Path) -> None:
    """On another path, run.json comes out byte for byte."""
    _, folder = passed
    copy = tmp_path / "elsewhere" / folder.name
    shutil.copytree(folder, copy)
    for derived in (copy / "run.json", *copy.glob("store/index.sqlite*")):
        derived.unlink()
    judge_folder(RunFolder.open(copy))
    assert (copy / "run.json").read_bytes() == (folder / "run.json").read_bytes()


@pytest.mark.slow
def test_the_folder_holds_no_key(passed: tuple[RunDocument, Path]) -> None:
    """The arming file goes with the run; nothing in the folder lets anybody fire faults."""
    _, folder = passed
    names = {path.name for path in folder.iterdir()}
    assert {"scenario.toml", "facts.json", "run.json", "junit.xml", "summary.md", "ledger", "store"} <= names
    assert "arming.json" not in names
    assert "lease" not in names


@pytest.mark.slow
def test_a_torn_journal_turns_a_pass_into_inconclusive(
    passed: tuple[RunDocument, Path], tmp_path: Path
) -> None:
    """The evidence may not be complete, and the report says which file and why."""
    _, folder = passed
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (journal,) = copy.glob("ledger/target-*.journal")
    journal.write_bytes(journal.read_bytes() + b'["fired",{"fault_id":"bro')
    document = judge_folder(RunFolder.open(copy))
    assert document.verdict is Verdict.INCONCLUSIVE
    assert "is torn" in document.criteria[0].notes[0]
    journal.write_bytes(b"garbage\n" + journal.read_bytes())
    with pytest.raises(EvidenceError, match="a journal line cannot be read"):
        judge_folder(RunFolder.open(copy))


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes,lost",
    [
        ({"handle": "pass"}, (20, "swallowed", "job.py:14")),
        ({"init": ", before_send=lambda event, hint: None"}, (20, "before_send", "job.py:6")),
        ({"init": ", ignore_errors=[ValueError]"}, (20, "ignored", "")),
        ({"init": ", sample_rate=0.0"}, (20, "sample_rate", "")),
        ({"dsn": ""}, (20, "no_dsn", "")),
        ({"dsn": "http://" + "0" * 32 + "@{{sentry_host}}/{{project}}"}, (20, "key_unknown", "")),
    ],
    ids=["swallowed", "before_send", "ignore_errors", "sample_rate", "no-dsn", "wrong-key"],
)
def test_each_loss_is_named(tmp_path: Path, changes: dict[str, str], lost: tuple[int, str, str]) -> None:
    """All 20 faults are lost, for the planted reason, in the planted place."""
    if "dsn" in changes:
        changes = {**changes, "dsn": changes["dsn"].replace("{{", "{").replace("}}", "}")}
    document = job(tmp_path, **changes)
    count, reason, place = reason_of(document)
    assert document.verdict is Verdict.FAIL
    assert (count, reason) == lost[:2]
    if lost[2]:
        assert place == lost[2]


@pytest.mark.slow
def test_a_script_that_leaves_by_os_exit_loses_its_queue(tmp_path: Path) -> None:
    """Captured, queued, gone: the ledger survives the exit and tells."""
    document = job(tmp_path, end="os._exit(0)", times=60)
    assert document.verdict is Verdict.FAIL
    reasons = {loss.reason for loss in document.losses}
    assert reasons == {"lost_at_exit"}
    assert document.account.captured + sum(loss.count for loss in document.losses) == 60


@pytest.mark.slow
def test_a_point_that_does_not_exist_is_said_with_the_nearest_names(tmp_path: Path) -> None:
    """Nothing fired: inconclusive, never a pass."""
    document = job(tmp_path, at="__main__:wrok")
    assert document.verdict is Verdict.INCONCLUSIVE
    assert document.points[0].nearest == ("__main__:work",)
    assert "fault 'broken-piece' never fired" in document.criteria[0].notes[0]


@pytest.mark.slow
def test_a_target_that_keeps_the_agent_out_is_inconclusive(tmp_path: Path) -> None:
    """An isolated interpreter ignores PYTHONPATH; the report says so."""
    document = job(tmp_path, flags="-I")
    assert document.verdict is Verdict.INCONCLUSIVE
    assert "the agent never reported from the target" in document.criteria[0].notes[0]


@pytest.mark.slow
def test_a_target_that_never_ends_is_killed_and_doubted(tmp_path: Path) -> None:
    """A script that hangs does not hang the harness."""
    (tmp_path / "job.py").write_text("import threading; threading.Event().wait()")
    (tmp_path / "job.toml").write_text(
        '[scenario]\nname = "hang"\n[target]\ncommand = "{python} job.py"\nwait = true\nstop_timeout = "1s"\n'
        '[[fault]]\nname = "f"\nat = "app:save"\ndo = "raise(ValueError)"\nselect = "call"\n'
    )
    document = run_scenario(load_scenario(tmp_path / "job.toml"), runs=tmp_path / "runs")
    assert document.verdict is Verdict.INCONCLUSIVE
    assert "killed: it did not stop in time" in document.criteria[0].notes[0]


def test_unknown_placeholders_are_refused_before_anything_starts(tmp_path: Path) -> None:
    """No folder is made, no server started."""
    with pytest.raises(ScenarioError, match=r"unknown placeholder \{dns\}"):
        job(tmp_path, dsn="{dns}")
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    """The message names what is missing; damaged facts are named too."""
    with pytest.raises(UsageError, match=r"scenario\.toml, facts\.json, ledger, store missing"):
        RunFolder.open(tmp_path)
    (tmp_path / "facts.json").write_text("{}")
    with pytest.raises(EvidenceError, match=r"scenario\.toml, ledger, store missing"):
        RunFolder.open(tmp_path)
    for name in ("scenario.toml", "facts.json"):
        (tmp_path / name).write_text("{}")
    for name in ("ledger", "store"):
        (tmp_path / name).mkdir()
    with pytest.raises(EvidenceError, match="the facts of the run cannot be read"):
        RunFolder.open(tmp_path).read_facts()


@pytest.mark.slow
def test_the_document_is_readable_by_other_tools(passed: tuple[RunDocument, Path]) -> None:
    """Plain JSON with the schema's name in it."""
    _, folder = passed
    document = json.loads((folder / "run.json").read_text())
    assert document["schema"] == "sentry-harness/run/1"
    assert document["account"]["states"]["captured"] == 80
