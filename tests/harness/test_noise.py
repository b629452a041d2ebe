"""From the folder of a run to its issues: events read, rules obeyed, copies kept, and what cannot be read named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.errors import EvidenceError, RulesError
from pytest_sentry_harness.harness.facts import unfinished
from pytest_sentry_harness.harness.folder import RunFolder
from pytest_sentry_harness.harness.judge import judge_folder, reconcile_folder
from pytest_sentry_harness.harness.noise import check_rules, noise_of, promised
from pytest_sentry_harness.harness.run import begin
from pytest_sentry_harness.ledger.journal import Journal
from pytest_sentry_harness.model.ledger import Fired, Intent, SdkInit, SdkSaw
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.document import RunDocument, decode, encode
from tests.store.build import event, write

SCENARIO = """
[scenario]
name = "shop"
[target]
command = "true"
[load]
[[load.request]]
send = "GET /"
[noise]
{noise}
[[fault]]
name = "save"
at = "shop:save"
do = "raise(OSError)"
expect = {{ category = "database" }}
[[fault]]
name = "cart"
on = ["GET /carts"]
expect = {{ level = "warning" }}
[[fault]]
name = "idle"
at = "shop:idle"
do = "sleep(1ms)"
"""


def scenario(folder: Path, **rules: str) -> Scenario:
    """A scenario whose ``[noise]`` names a file with each of ``rules``."""
    for name, text in rules.items():
        (folder / f"{name}.rules").write_text(text, encoding="utf-8")
    path = folder / "shop.toml"
    noise = "\n".join(f'{name} = "{name}.rules"' for name in rules)
    path.write_text(SCENARIO.format(noise=noise), encoding="utf-8")
    return load_scenario(path)


def raised(kind: str = "OSError") -> dict[str, Any]:
    frame = {"function": "save", "module": "shop", "in_app": True, "context_line": "save()"}
    problem = {"type": kind, "value": "no", "stacktrace": {"frames": [frame]}}
    return {"platform": "python", "level": "error", "exception": {"values": [problem]}}


def ran(asked: Scenario, runs: Path, count: int = 6) -> RunFolder:
    """The folder of a run in which both faults fired ``count`` times: one was raised and one logged, under ids like words."""
    folder = RunFolder.create(asked, runs)
    rows = []
    load = Journal(folder.ledger, run_id=folder.run_id, role="load")
    for number in range(count):
        trace = f"{number:032x}"
        load.write(
            Intent, fault_id=f"save-{number}", fault="save", trace_id=f"{number + 100:032x}", request="GET /"
        )
        load.write(
            Fired,
            fault_id=f"cart-{number}",
            fault="cart",
            point="",
            effect="provoked",
            term="",
            trace_id=trace,
        )
        said = {"level": "warning", "logentry": {"formatted": f"cart {'gx'[number % 2]}wmz is lost"}}
        rows.append(event(f"{number + 1:032x}", contexts={"trace": {"trace_id": trace}}, **said))
    load.close("done")
    target = Journal(folder.ledger, run_id=folder.run_id, role="target")
    target.write(SdkInit, version="2.75.0", active=True, dsn="http://…@127.0.0.1:1/1", place=None)
    for number in range(count):
        fired = {"fault_id": f"save-{number}", "fault": "save", "point": "shop:save", "effect": "raise"}
        target.write(Fired, term="raise(OSError)", trace_id=None, exception_type="OSError", **fired)
        event_id = f"{number + 1000:032x}"
        target.write(SdkSaw, fault_ids=(f"save-{number}",), event_id=event_id)
        rows.append(event(event_id, **raised()))
    target.close("exit")
    write(folder.store, rows)
    folder.write_facts(replace(unfinished(asked, folder, 0.0), stop_reason="completed", doubts=()))
    return folder


def judged(folder: RunFolder) -> tuple[RunDocument, dict[str, tuple[str, str]]]:
    document = judge_folder(folder)
    gates = [gate for each in document.criteria if each.criterion == "noise" for gate in each.gates]
    return document, {gate.metric: (str(gate.verdict), gate.why) for gate in gates}


def test_events_are_read_and_held_against_their_faults(tmp_path: Path) -> None:
    """By identity and by request, through ledger and store; and the document can be read back."""
    folder = ran(scenario(tmp_path), tmp_path / "runs")
    document, gates = judged(folder)
    info = document.noise
    assert info is not None
    assert (info.events, info.by_trace, info.unlabelled, info.unread, info.issues) == (12, 6, 0, 0, 3)
    assert [(cause.name, cause.events, cause.issues) for cause in info.causes] == [
        ("save", 6, 1),
        ("cart", 6, 2),
        ("idle", 0, 0),
    ]
    assert gates["noise.split"][0] == "fail"
    assert gates["noise.merged"][0] == "pass"
    assert gates["noise.reduction"] == ("fail", "75 % does not meet > 80%")
    assert gates["noise.category_wrong"] == ("fail", "6 does not meet = 0")
    assert [(each.metric, each.reason) for each in document.findings] == [
        ("noise.split", "differs_in_text"),
        ("noise.category_wrong", "wrong_category"),
    ]
    assert decode(encode(document)) == document
    assert "sentry-ophio" in document.run.versions


def test_the_rules_of_the_project_are_kept_with_the_run(tmp_path: Path) -> None:
    """Judging a folder anywhere else comes to the same document, whatever became of the files."""
    asked = scenario(
        tmp_path,
        fingerprint_rules='message:"cart * is lost" -> cart-lost',
        stack_rules="function:other -group",
        categories='[[rule]]\ntype = "OSError"\ncategory = "database"\n',
    )
    folder = ran(asked, tmp_path / "runs")
    for name in ("fingerprint_rules", "stack_rules", "categories"):
        (tmp_path / f"{name}.rules").unlink()
    elsewhere = tmp_path / "elsewhere" / folder.run_id
    elsewhere.parent.mkdir()
    folder.path.rename(elsewhere)
    document, gates = judged(RunFolder.open(elsewhere))
    assert document.noise is not None
    assert document.noise.issues == 2
    assert document.noise.config.endswith("with 1 fingerprint rule and 1 stack trace rule")
    assert {verdict for verdict, _ in gates.values()} == {"pass"}


def test_a_run_without_its_copies_is_not_judged_by_other_rules(tmp_path: Path) -> None:
    """Whatever lies where the scenario is now."""
    folder = ran(scenario(tmp_path, stack_rules="function:other -group"), tmp_path / "runs")
    (folder.rules / "stack_rules").unlink()
    with pytest.raises(EvidenceError) as error:
        judge_folder(folder)
    assert str(error.value.where) == str(folder.rules / "stack_rules")
    assert "the folder of a run holds a copy" in str(error.value.hint)


@pytest.mark.parametrize(
    ("key", "text", "where", "what"),
    [
        ("fingerprint_rules", "# ok\ntype:X", "fingerprint_rules.rules, line 2", "has no '->'"),
        ("stack_rules", "\nfnction:x -group", "stack_rules.rules, line 2", "is not a stack trace rule"),
        ("categories", "[[rule]]\ncategory = 'x'", "categories.rules: rule[0].category", "is not allowed"),
    ],
)
def test_rules_that_are_not_valid_are_refused_before_anything_starts(
    tmp_path: Path, key: str, text: str, where: str, what: str
) -> None:
    """With file and line, and no folder is made."""
    asked = scenario(tmp_path, **{key: text})
    with pytest.raises(RulesError) as error:
        begin(asked, runs=tmp_path / "runs")
    assert error.value.where == f"{tmp_path}/{where}"
    assert what in error.value.what
    assert not (tmp_path / "runs").exists()


def test_rules_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """A file that is not UTF-8 text."""
    asked = scenario(tmp_path, stack_rules="")
    (tmp_path / "stack_rules.rules").write_bytes(b"\xff\xfe")
    with pytest.raises(RulesError, match="the rules cannot be read"):
        check_rules(asked)
    check_rules(replace(asked, noise=None))


def test_a_fault_whose_events_are_lost_is_doubted(tmp_path: Path) -> None:
    """Nothing is known of its issues; one that promises no event is none."""
    folder = ran(scenario(tmp_path), tmp_path / "runs")
    for path in folder.store.iterdir():
        path.unlink()
    write(folder.store, [event("f" * 32, **raised())])
    document, gates = judged(folder)
    (noise,) = [each for each in document.criteria if each.criterion == "noise"]
    assert noise.verdict is Verdict.INCONCLUSIVE
    words = "no event arrived that is of it alone, so nothing is known of its issues"
    assert [note for note in noise.notes if words in note] == [
        f"fault 'save': {words}",
        f"fault 'cart': {words}",
    ]
    assert gates["noise.split"] == ("inconclusive", "no error event of a fault arrived")
    assert document.noise is not None
    assert document.noise.unlabelled == 1


def test_what_is_promised_is_what_should_arrive(tmp_path: Path) -> None:
    """What raises, and what requests provoke; not what sleeps, unless the scenario says so."""
    asked = scenario(tmp_path)
    folder = ran(asked, tmp_path / "runs")
    account = reconcile_folder(folder, asked).account
    assert promised(asked, account) == {"save", "cart"}
    silent = tuple(
        replace(fault, expect=replace(fault.expect, captured=fault.name == "cart")) for fault in asked.faults
    )
    assert promised(replace(asked, faults=silent), account) == {"cart"}


def test_events_that_cannot_be_read_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store takes what is JSON; should its bytes be damaged later, nobody guesses."""
    asked = scenario(tmp_path)
    folder = ran(asked, tmp_path / "runs")
    from pytest_sentry_harness.store.reader import StoreReader

    whole = StoreReader.payloads
    monkeypatch.setattr(
        StoreReader,
        "payloads",
        lambda self, types: (
            (arrival, b"[" if number == 0 else payload)
            for number, (arrival, payload) in enumerate(whole(self, types))
        ),
    )
    info = noise_of(folder, asked, reconcile_folder(folder, asked, with_origins=True))
    assert (info.events, info.unread) == (11, 1)
