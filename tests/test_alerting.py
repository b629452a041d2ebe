"""The alerting scenarios: everybody is told, each twin fails by its metric, and a delay is charged to the leg it is in."""

from __future__ import annotations

import difflib
from dataclasses import astuple
from pathlib import Path

import pytest

from pytest_sentry_harness.harness.calibrate import assess
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_run
from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.alerted import AlertingInfo
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.plan.twins import twin_of
from pytest_sentry_harness.report.document import RunDocument

SCENARIOS = Path(__file__).parent.parent / "scenarios"
RULES = SCENARIOS / "alerting_rules"
SCENARIO = load_scenario(SCENARIOS / "alerting.toml")
PLAYED = (
    "frequency-swallows-the-second",
    "an-issue-for-each-event",
    "receiver-answers-too-late",
)
"""One of each kind; all others are played by ``dev.py calibrate``, which takes its time."""
DEFECTS = {
    "threshold.json": "issue-alerts.json",
    "first-event.json": "issue-alerts.json",
    "environment.json": "issue-alerts.json",
    "level.json": "issue-alerts.json",
    "no-filter.json": "issue-alerts.json",
    "frequency.json": "alerts.json",
    "muted.toml": "channels.toml",
    "quiet.toml": "channels.toml",
    "throttled.toml": "channels.toml",
    "unrouted.toml": "channels.toml",
}


def ran(runs: Path, twin: str = "") -> RunDocument:
    """The document of a run, of the healthy scenario or of a twin."""
    return run_scenario(twin_of(SCENARIO, twin) if twin else SCENARIO, runs=runs)


def told(document: RunDocument, twin: str = "") -> AlertingInfo:
    """What was told in a run that came out as it has to, with sums that close."""
    assert assess(SCENARIO, twin, document).why == ""
    info = document.alerting
    assert info is not None
    assert info.notifications_close
    assert info.faults_close
    assert info.expected_close
    assert (info.unknown, info.pending) == (0, ())
    return info


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("twin", PLAYED)
def test_each_twin_fails_by_its_metric_in_the_planted_size(tmp_path: Path, twin: str) -> None:
    """With the rows that show it, and no other gate of alerting red where it says so."""
    told(ran(tmp_path, twin), twin)


@pytest.mark.slow
def test_everybody_is_told_once(tmp_path: Path, unmeasured: None) -> None:
    """Eleven notifications of seven incidents over four channels, an escalation over the fifth; judged again it is the same."""
    document = ran(tmp_path)
    info = told(document)
    assert (info.faults, info.alerted, info.silent, info.incidents) == (70, 70, 4, 7)
    assert (info.expected, info.delivered, info.received, info.escalations) == (11, 11, 12, 1)
    taken = {row.channel: row.received for row in info.channels}
    assert taken == {"ops": 3, "chat": 2, "mail": 5, "pager": 1, "phone": 1}
    assert [row.channel for row in info.channels if row.refused] == ["mail"]
    assert sum(row.signature_invalid for row in info.channels) == 0
    for row in info.table:
        assert row.legs is not None
        assert sum(astuple(row.legs)) == pytest.approx(row.latency, abs=1e-6)
    folder = RunFolder.open(tmp_path / document.run.id)
    assert judge_run(folder, folder.read_scenario(), folder.read_facts()) == document


@pytest.mark.slow
def test_a_delay_is_charged_to_the_leg_it_is_in(tmp_path: Path, unmeasured: None) -> None:
    """Two seconds in each leg: never less, and where nothing is planted far less. benchmarks/alert_latency.py has the figures."""
    scenario = load_scenario(SCENARIOS / "alerting-legs.toml")
    document = run_scenario(scenario, runs=tmp_path)
    assert assess(scenario, "", document).why == ""
    assert document.alerting is not None
    legs = {row.rule: row.legs for row in document.alerting.table}
    planted = {"held": "received", "counted": "rule", "retried": "sent", "slow": "delivered", "plain": ""}
    assert set(legs) == set(planted)
    for rule, leg in planted.items():
        for name in ("received", "issue", "rule", "sent", "delivered"):
            seconds = getattr(legs[rule], name)
            # Nobody waits less than told; how much longer is the machine's affair, but no other leg took as long.
            assert seconds >= 2 if name in (leg, "issue") else seconds < 1.5, (rule, name, seconds)
            assert seconds < 3.5


def test_every_kind_of_failure_has_a_twin() -> None:
    """Each metric with a gate of its own is failed by one, and the planted size is told."""
    planted = {twin.finds.metric for twin in SCENARIO.twins}
    assert planted == {f"alerting.{name}" for name in ("missed", "late", "duplicate", "false")}
    assert [twin.name for twin in SCENARIO.twins if twin.finds.value is None] == []


@pytest.mark.parametrize("name", sorted(path.name for path in (RULES / "defects").iterdir()))
def test_a_planted_defect_is_all_that_differs(name: str) -> None:
    """The files of the twins are those of the scenario but for one place."""
    healthy = (RULES / DEFECTS[name]).read_text(encoding="utf-8").splitlines()
    defect = (RULES / "defects" / name).read_text(encoding="utf-8").splitlines()
    matcher = difflib.SequenceMatcher(None, healthy, defect, autojunk=False)
    changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    assert len(changes) == 1
