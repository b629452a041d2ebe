"""Calibration: each criterion must find the defect its twin scenario plants, name it, and measure its size.

The planted module keeps its own account in ``planted.jsonl``, independent of the harness.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.ledger.reader import read_ledger
from pytest_sentry_harness.model.ledger import Intent
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.document import Loss, RunDocument

TWINS = Path(__file__).parent.parent / "scenarios" / "twins"

pytestmark = [pytest.mark.slow, pytest.mark.locust, pytest.mark.usefixtures("unmeasured")]


def run(path: Path, runs: Path, faults: int | None = None) -> tuple[RunDocument, Path]:
    """Run the scenario in ``path``; ``faults`` are enough, if given."""
    scenario = load_scenario(path)
    assert scenario.load is not None
    if faults is not None:
        scenario = replace(scenario, load=replace(scenario.load, stop_after_faults=faults))
    document = run_scenario(scenario, runs=runs)
    return document, runs / document.run.id


def lost_of(document: RunDocument) -> list[Loss]:
    """Losses, without what never fired: on a busy machine the service may fail by itself before that."""
    return [loss for loss in document.losses if loss.state != "not_reached"]


def lost_traces(document: RunDocument, folder: Path) -> set[str]:
    """Trace ids of the faults that did not arrive."""
    lost = {fault_id for loss in lost_of(document) for fault_id in loss.fault_ids}
    intents = (record for record in read_ledger(folder / "ledger") if isinstance(record, Intent))
    return {intent.trace_id for intent in intents if intent.fault_id in lost}


def planted_traces(folder: Path) -> set[str]:
    lines = (folder / "planted.jsonl").read_text().splitlines()
    return {json.loads(line)["trace_id"] for line in lines}


@pytest.mark.parametrize(
    "twin,reason,culprit,file",
    [
        ("before-send-none", "before_send", "forgetful", "before_send_none.py"),
        ("queue-overflow", "queue_overflow", "transport_queue_size=10", None),
        ("swallowed-except", "swallowed", "caught and never reported", "swallowed_except.py"),
    ],
)
def test_planted_losses_are_found_by_id_with_their_cause(
    tmp_path: Path, twin: str, reason: str, culprit: str, file: str | None
) -> None:
    """The faults reported lost are the planted ones, each for the planted reason, in the planted place."""
    document, folder = run(TWINS / f"capture-{twin}.toml", tmp_path, faults=150)
    assert (document.verdict, document.account.fired >= 145) == (Verdict.FAIL, True)
    assert {loss.reason for loss in lost_of(document)} == {reason}
    for loss in lost_of(document):
        assert culprit in loss.culprit
        assert (loss.place is None) == (file is None) or file is None
        assert file is None or (loss.place is not None and loss.place.file.endswith(file))
    planted = planted_traces(folder)
    assert planted
    assert lost_traces(document, folder) == planted
    assert document.account.expected - document.account.captured == len(planted)


@pytest.mark.parametrize("twin,reason", [("wrong-key", "key_unknown"), ("no-dsn", "no_dsn")])
def test_a_set_up_that_loses_everything(tmp_path: Path, twin: str, reason: str) -> None:
    """All faults are lost, for one reason."""
    document, _ = run(TWINS / f"capture-{twin}.toml", tmp_path, faults=150)
    assert (document.verdict, document.account.captured) == (Verdict.FAIL, 0)
    assert {loss.reason for loss in lost_of(document)} == {reason}
    assert sum(loss.count for loss in lost_of(document)) == document.account.fired >= 145


@pytest.mark.parametrize("lost", [100])
def test_exactly_k_of_a_thousand(tmp_path: Path, lost: int) -> None:
    """k planted losses in n = 1000 faults are reported as k, by id, with the reason."""
    text = (TWINS / "k-losses.toml").read_text()
    text = text.replace('K = "37"', f'K = "{lost}"').replace('"work.py"', f'"{TWINS / "work.py"}"')
    scenario = tmp_path / "k.toml"
    scenario.write_text(text.replace("[target]\n", f'[target]\ncwd = "{TWINS}"\n'))
    document, folder = run(scenario, tmp_path / "runs")
    assert document.verdict is Verdict.FAIL
    assert document.account.fired == 1000
    assert document.account.expected - document.account.captured == lost
    assert {loss.reason for loss in document.losses} == {"before_send"}
    assert len(planted_traces(folder)) == lost
    assert lost_traces(document, folder) == planted_traces(folder)


def test_the_shipped_scenario_passes(tmp_path: Path) -> None:
    """The healthy sibling of all twins: none lost."""
    document, _ = run(TWINS.parent / "capture.toml", tmp_path, faults=400)
    assert document.verdict is Verdict.PASS
    assert document.account.captured == document.account.fired >= 390
    # Events of the service's own: on a busy machine it may fail by itself before the fault is reached.
    assert document.account.unexpected <= document.account.states["not_reached"]
