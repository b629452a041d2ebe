"""From the folder of a run to the verdict of ``alerting``, and to its reports."""

from __future__ import annotations

import gzip
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from pytest_sentry_harness.channels.lines import Receipts, Trail
from pytest_sentry_harness.errors import EvidenceError
from pytest_sentry_harness.harness.facts import unfinished
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_folder
from pytest_sentry_harness.ledger.journal import Journal
from pytest_sentry_harness.model.alerted import AlertingInfo, Missed
from pytest_sentry_harness.model.alerting import Ending
from pytest_sentry_harness.model.ledger import Fired, SdkInit, SdkSaw
from pytest_sentry_harness.model.reasons import REASONS
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.monitoring.notes import Puts, write_ending
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.document import RunDocument, decode, encode
from pytest_sentry_harness.report.markdown import to_markdown
from pytest_sentry_harness.report.terminal import print_report
from tests.store.build import envelope, new, write

from .world import CHANNELS, EPOCH, FIRST_SEEN, ROUTE, World, rule

SCENARIO = """
[scenario]
name = "shop"
[target]
command = "true"
[load]
[[load.request]]
send = "GET /"
[alerting]
rules = ["alerts.json"]
notify = "channels.toml"
within = "20s"
{noise}
[[fault]]
name = "save"
at = "shop:save"
do = "raise(OSError)"
expect = {{ alerts = ["new <b>rule</b>"] }}
[[fault]]
name = "pay"
at = "shop:pay"
do = "raise(OSError)"
expect = {{ alerts = ["new <b>rule</b>"] }}
[gates]
"capture.fired" = ">= 1"
"capture.rate" = ">= 0%"
"""
RULES = [rule("new <b>rule</b>", FIRST_SEEN)]


def world(*functions: str) -> World:
    """Both faults fired, each in a function of its own or in the same one."""
    made = World(*RULES, notify=CHANNELS + ROUTE, save=("new <b>rule</b>",), pay=("new <b>rule</b>",))
    for name, function in zip(("save", "pay"), functions, strict=True):
        made.fault(name, function=function)
    return made


def ran(made: World, base: Path, noise: str = "") -> RunFolder:
    """The folder of a run in which that happened."""
    (base / "alerts.json").write_text(json.dumps(RULES), encoding="utf-8")
    (base / "channels.toml").write_text(CHANNELS + ROUTE, encoding="utf-8")
    (base / "shop.toml").write_text(SCENARIO.format(noise=noise), encoding="utf-8")
    scenario = load_scenario(base / "shop.toml")
    folder = RunFolder.create(scenario, base / "runs")
    Journal(folder.ledger, run_id=folder.run_id, role="load").close("done")
    target = Journal(folder.ledger, run_id=folder.run_id, role="target")
    target.write(SdkInit, version="2.75.0", active=True, dsn="http://…@127.0.0.1:1/1", place=None)
    for name, fault_id, at in made.firings:
        target.append(
            Fired(
                at=at,
                mono=at - EPOCH,
                fault_id=fault_id,
                fault=name,
                point=f"shop:{name}",
                effect="raise",
                term="raise(OSError)",
                exception_type="ShopError",
            )
        )
    for event_id, origins in made.origins.items():
        target.write(SdkSaw, fault_ids=tuple(each.fault_id for each in origins), event_id=event_id)
    target.close("exit")
    rows = []
    for item in made.items:
        body = gzip.compress(envelope([("event", item.data)], event_id=item.event_id), 1)
        stamps = {"received_at": item.received_at, "received_mono": item.received_at - EPOCH}
        rows.append(new(body, encoding="gzip", event_id=item.event_id, **stamps))
    write(folder.store, rows)
    noted(made, folder.alerting)
    folder.write_facts(replace(unfinished(scenario, folder, 0.0), stop_reason="completed", doubts=()))
    return folder


def noted(made: World, folder: Path) -> None:
    """What monitor and receivers wrote."""
    puts, trail = Puts(folder / "issues.jsonl"), Trail(folder / "trail.jsonl")
    for put in made.puts:
        puts.write(put)
    for record in made.policy.trail:
        trail.write(record)
    for channel, taken in made.receipts.items():
        receipts = Receipts(folder / "receipts" / f"{channel}.jsonl")
        for receipt in taken:
            receipts.write(receipt)
        receipts.close()
    puts.close()
    trail.close()
    write_ending(folder / "ending.json", Ending(at=made.now, followed=len(made.items), pending=made.pending))


def verdict(document: RunDocument) -> Verdict:
    (found,) = [each.verdict for each in document.criteria if each.criterion == "alerting"]
    return found


def info_of(document: RunDocument) -> AlertingInfo:
    assert document.alerting is not None
    return document.alerting


def terminal(document: RunDocument) -> str:
    output = io.StringIO()
    print_report(document, Console(file=output, width=240))
    return output.getvalue()


def test_a_run_in_which_everybody_was_told_passes_and_a_copied_folder_says_the_same(tmp_path: Path) -> None:
    """Nothing but the folder is looked at, wherever it lies."""
    folder = ran(world("save", "pay"), tmp_path)
    document = judge_folder(folder)
    assert verdict(document) is Verdict.PASS
    info = info_of(document)
    assert (info.faults, info.alerted, info.expected, info.delivered, info.received) == (2, 2, 2, 2, 2)
    assert info.config.startswith("newstyle:")
    assert document.noise is None
    made = folder.document.read_bytes()
    assert encode(decode(made)) == made
    copy = tmp_path / "elsewhere" / folder.path.name
    shutil.copytree(folder.path, copy)
    for name in ("alerts.json", "channels.toml", "shop.toml"):
        (tmp_path / name).unlink()
    judge_folder(RunFolder.open(copy))
    assert RunFolder(copy).document.read_bytes() == made


def test_a_missed_alert_is_told_in_every_report_and_harmless_there(tmp_path: Path) -> None:
    """Reason, place in the file, and what to do; names of rules are not believed to be harmless."""
    document = judge_folder(ran(world("same", "same"), tmp_path))
    assert verdict(document) is Verdict.FAIL
    text = terminal(document)
    for wanted in (
        "alerting: 2 faults that should alert = 1 alerted + 1 missed (issue known before)",
        "alerting: 1 notifications received = 1 expected",
        "1 delivered (0 of them after 20 s) + 1 missed",
        "issue 1 held 1 events, 1 of fault 'save', incident 1",
        "[0].conditions[0]",
        "tell the root causes apart by a fingerprint",
        "∞",
    ):
        assert wanted in text
    page = to_markdown([document]).decode()
    assert "issue known before" in page
    assert "<b>" not in page
    gates = {gate.metric: gate for each in document.criteria for gate in each.gates}
    assert gates["alerting.latency.p99"].why == "∞ does not meet < 20s"
    written = decode(encode(document))
    assert written.alerting == document.alerting
    assert (info_of(written).max, info_of(written).p50) == (None, info_of(document).p50)


def test_a_run_that_somebody_interrupted_fails_for_nothing_that_was_under_way(tmp_path: Path) -> None:
    """One notification was on its way; in a run that went to its end that is a loss."""
    made = World(
        *RULES,
        notify=CHANNELS + ROUTE,
        answer=lambda delivery: (503 if delivery.notice.issue == 2 else 200, 0.25),
        save=("new <b>rule</b>",),
        pay=("new <b>rule</b>",),
    )
    made.fault("save", function="save")
    made.fault("pay", function="pay")
    folder = ran(made, tmp_path)
    document = judge_folder(folder)
    assert verdict(document) is Verdict.FAIL
    facts = replace(folder.read_facts(), stop_reason="interrupted", doubts=("the run was interrupted",))
    folder.write_facts(facts)
    document = judge_folder(folder)
    assert verdict(document) is Verdict.INCONCLUSIVE
    assert info_of(document).missed == 1


def test_noise_counts_notifications_where_both_are_judged(tmp_path: Path) -> None:
    """Two of two events; and it is shown."""
    document = judge_folder(ran(world("save", "pay"), tmp_path, "[noise]\n"))
    assert document.noise is not None
    assert (document.noise.notifications, document.noise.notified) == (2, 1.0)
    assert "2 notifications were received: 100 % of the events of faults" in terminal(document)


def test_without_an_ending_nothing_is_known(tmp_path: Path) -> None:
    """The monitor was killed, or broke, or its files are gone: error, never pass."""
    folder = ran(world("save", "pay"), tmp_path)
    (folder.alerting / "ending.json").unlink()
    document = judge_folder(folder)
    assert verdict(document) is Verdict.ERROR
    assert any("the monitor left no ending.json" in note for each in document.criteria for note in each.notes)
    write_ending(folder.alerting / "ending.json", Ending(at=EPOCH, followed=0, trouble="disk full"))
    (folder.alerting / "issues.jsonl").unlink()
    notes = [note for each in judge_folder(folder).criteria for note in each.notes]
    assert {"the monitor broke: disk full", "the monitor left no issues.jsonl"} <= set(notes)
    shutil.rmtree(folder.alerting)
    assert verdict(judge_folder(folder)) is Verdict.ERROR


def test_a_clock_that_was_set_is_doubted(tmp_path: Path) -> None:
    """Legs are differences of its readings."""
    made = world("save", "pay")
    made.receipts["ops"] = [replace(each, at=each.at + 5) for each in made.receipts["ops"]]
    document = judge_folder(ran(made, tmp_path))
    notes = [note for each in document.criteria for note in each.notes]
    assert (
        "the clock of the machine was set by 5.0 s during the run: times of alerts cannot be compared"
        in notes
    )
    assert verdict(document) is Verdict.INCONCLUSIVE


def test_a_copy_of_the_rules_that_is_gone_is_named(tmp_path: Path) -> None:
    """The folder holds all that is needed."""
    folder = ran(world("save", "pay"), tmp_path)
    (folder.rules / "alerts-0.json").unlink()
    with pytest.raises(EvidenceError, match="the rules of the run cannot be read") as error:
        judge_folder(folder)
    assert error.value.hint == "the folder of a run holds a copy of each file that [alerting] names"


def test_what_is_under_way_and_rules_that_never_fire_are_shown(tmp_path: Path) -> None:
    """As lines, beside the sums."""
    made = world("save", "pay")
    made.pending = ("1 notification to ops is tried again in 40 s",)
    text = terminal(judge_folder(ran(made, tmp_path)))
    assert "still under way at the end: 1 notification to ops is tried again in 40 s" in text


def test_every_reason_has_words_and_can_be_named_by_twins() -> None:
    """And leads to a section of the runbook."""
    for reason in Missed:
        assert reason.words
        assert reason.value in REASONS
        assert reason.runbook == f"docs/runbooks/alerting.md#{reason}"
