"""The document, and the reports made from it: complete, bounded, and harmless whatever the run held."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from pytest_sentry_harness.criteria import capture
from pytest_sentry_harness.criteria.judge import judge_criteria
from pytest_sentry_harness.ledger.reader import JournalState
from pytest_sentry_harness.model.ledger import Note, Place, PointState, SdkInit
from pytest_sentry_harness.model.reasons import REASONS
from pytest_sentry_harness.model.run import RunFacts
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.plan.gates import default_gates
from pytest_sentry_harness.plan.scenario import parse_scenario
from pytest_sentry_harness.reconcile.reconcile import reconcile
from pytest_sentry_harness.report.build import build_document
from pytest_sentry_harness.report.document import MOST_IDS, RunDocument, decode, encode, json_schema
from pytest_sentry_harness.report.junit import to_junit
from pytest_sentry_harness.report.lines import _ADVICE, advice, loss_line, point_line
from pytest_sentry_harness.report.markdown import MOST_BYTES, to_markdown
from pytest_sentry_harness.report.terminal import print_report
from pytest_sentry_harness.testing.builders import Story

SCENARIO = """
[scenario]
name = "{name}"
question = "Do we see <b>every</b> failed order?"
[target]
command = "app"
[load]
locustfile = "x.py"
[[fault]]
name = "db-timeout"
at = "app:save"
do = "raise(TimeoutError)"
"""
SCHEMA_FILE = Path(__file__).parent.parent.parent / "docs" / "reference" / "run.schema.json"


def scenario(name: str = "order storm") -> Scenario:
    return parse_scenario(SCENARIO.replace("{name}", name), Path("storm.toml"), check_files=False)


def document(told: Story, *, name: str = "order storm", **facts: object) -> RunDocument:
    found = reconcile(told.records(), told.arrivals(), {})
    given = {"stop_reason": "completed", "versions": {"python": "3.11.7"}, **facts}
    made = RunFacts(
        run_id="20260102-030405-abcdef",
        scenario_file="scenarios/storm.toml",
        seed=7,
        started_at=1767322800.0,
        seconds=12.34,
        **given,  # type: ignore[arg-type]
    )
    return build_document(
        facts=made,
        scenario=scenario(name),
        account=found.account,
        summary=found.summary,
        criteria=judge_criteria(
            {"capture": capture.measure(found.account)},
            default_gates("capture", set()),
            trouble=made.trouble,
            doubts=made.doubts,
        ),
        journals=[
            JournalState(
                path=Path("target-1.journal"), hello=None, records=3, torn="line 4 is torn", closed=False
            )
        ],
        arrivals={"event": {"accepted": 3}},
    )


def healthy() -> Story:
    told = Story()
    told.process()
    told.sdk()
    told.add(PointState, point="app:save", fault="db-timeout", state="armed", how="code")
    for number in range(100):
        told.captured(number)
    return told


def lossy(lost: int = 3) -> Story:
    told = healthy()
    for number in range(200, 200 + lost):
        told.fired(number)
        told.dropped(number)
    return told


def terminal(made: RunDocument, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_report(made, console)
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue()


def test_text_that_is_no_unicode_does_not_cost_the_report() -> None:
    """Half of a surrogate pair, as JSON may have it, becomes a question mark."""
    made = document(lossy())
    broken = replace(made, scenario=replace(made.scenario, question="why \ud800?"))
    assert decode(encode(broken)) == replace(made, scenario=replace(made.scenario, question="why ??"))


def test_what_is_doubted_of_all_criteria_is_said_once() -> None:
    """In the terminal and in Markdown: the same sentence for each criterion says nothing more."""
    made = document(lossy(), doubts=("nobody knows",))
    twice = replace(made, criteria=(made.criteria[0], replace(made.criteria[0], criterion="noise")))
    assert terminal(twice).count("nobody knows") == 1
    assert to_markdown([twice]).decode().count("nobody knows") == 1


def test_the_document_survives_json() -> None:
    """What is written is what is read."""
    made = document(lossy())
    assert decode(encode(made)) == made
    assert made.account.closes
    assert (made.verdict, made.exit_code) == ("fail", 10)
    assert made.reproduce == "sentry-harness gate scenarios/storm.toml --seed 7"


def test_the_published_schema_is_the_documents() -> None:
    """docs/reference/run.schema.json is generated; it must not fall behind."""
    assert json.loads(SCHEMA_FILE.read_text()) == json.loads(json.dumps(json_schema()))


def test_terminal_report_of_a_loss() -> None:
    """Count, reason, remedy, culprit, place and an example stand beside each other."""
    text = terminal(document(lossy()))
    for wanted in (
        "100 % error capture",
        "capture.rate",
        "97.09 %",
        "103 faults injected, 103 fired = 100 captured + 3 explained",
        "explained: before_send",
        "make the hook return the event",
        "before_send=app.scrub",
        "app.py:7 in scrub",
        "db-timeout-000200",
        "journal target-1.journal: line 4 is torn",
        "reproduce: sentry-harness gate scenarios/storm.toml --seed 7",
        "FAIL  run 20260102-030405-abcdef  12 s  exit code 10",
    ):
        assert wanted in text, f"{wanted!r} is missing from:\n{text}"


def test_terminal_report_of_a_pass() -> None:
    """Nothing about losses when there are none."""
    text = terminal(document(healthy()))
    assert "PASS" in text
    assert "what did not arrive" not in text
    assert "96.38 % … 100 %" in text


def test_many_losses_are_cut_in_the_terminal_and_said() -> None:
    """The table stays readable; the rest is in the document."""
    told = healthy()
    for number in range(300, 330):
        told.fired(number)
        told.caught(number, line=number)
    made = document(told)
    assert len(made.losses) == 30
    assert "… and 10 more causes in run.json" in terminal(made)


def test_ids_of_a_big_loss_are_cut_and_the_count_is_not() -> None:
    """run.json stays of bounded size."""
    loss = document(lossy(MOST_IDS + 5)).losses[0]
    assert (loss.count, len(loss.fault_ids)) == (MOST_IDS + 5, MOST_IDS)


def test_junit_names_the_losses() -> None:
    """One case a criterion, a failure with the loss lines, properties with the numbers."""
    made = document(lossy())
    root = ET.fromstring(to_junit([made, document(healthy(), name="calm")]))  # noqa: S314 - our own output
    first, second = root.findall("testsuite")
    assert (first.get("tests"), first.get("failures"), second.get("failures")) == ("1", "1", "0")
    failure = first.find("testcase/failure")
    assert failure is not None
    assert "3 x db-timeout: explained, before_send, before_send=app.scrub, at app.py:7" in (
        failure.text or ""
    )
    values = {p.get("name"): p.get("value") for p in first.iter("property")}
    assert values["sentry_harness.capture.rate"] == "97.09 % (>= 100%): fail"


def test_junit_of_an_inconclusive_run_is_an_error() -> None:
    """Could not judge is not the same as not met."""
    told = Story()
    told.process()
    root = ET.fromstring(to_junit([document(told, doubts=("the run was interrupted",))]))  # noqa: S314
    error = root.find("testsuite/testcase/error")
    assert error is not None
    assert error.get("type") == "inconclusive"
    assert "the run was interrupted" in (error.text or "")


@pytest.mark.parametrize(
    "nasty", ["\x00\x1b[31m", "a|b`c`<script>", "]]>", "\u202egnp.exe", "@everyone #1 [x](http://y)"]
)
def test_text_of_the_target_is_harmless_everywhere(nasty: str) -> None:
    """Control characters, markup, mentions and links of a target stay text."""
    told = healthy()
    told.fault = "db-timeout"
    told.fired(500)
    told.add(
        type(next(r for r in lossy().records() if r.KIND == "sdk_dropped")),
        fault_ids=(told.fault_id(500),),
        event_id=None,
        stage="before_send",
        reason="before_send",
        culprit=nasty,
        place=Place(file=nasty, line=1),
    )
    made = document(told, doubts=(nasty,))
    root = ET.fromstring(to_junit([made]))  # noqa: S314
    assert root.find("testsuite/testcase/failure") is not None
    page = to_markdown([made]).decode()
    table = [line for line in page.splitlines() if "before" in line and line.startswith("|")]
    assert all(line.count(" | ") == 5 for line in table)
    assert "<script>" not in page
    assert "@everyone" not in page
    assert "[x](" not in page
    assert not set("\x00\x1b\u202e") & set(terminal(made) + page)


def test_markdown_stays_under_a_mebibyte() -> None:
    """However many runs and losses, a CI summary takes it."""
    told = healthy()
    for number in range(1000, 1400):
        told.fired(number)
        told.caught(number, line=number)
    made = document(told, doubts=tuple("x" * 5000 for _ in range(200)))
    page = to_markdown([made] * 60)
    assert len(page) <= MOST_BYTES < 1 << 20
    assert b"more run(s) left out" in page
    assert b"more causes in run.json" in page


def test_a_scenario_may_allow_inconclusive() -> None:
    """Then the exit code is 0, and the verdict still says what it is."""
    told = Story()
    told.process()
    found = reconcile(told.records(), told.arrivals(), {})
    allowed = parse_scenario(
        SCENARIO.replace("{name}", 'x"\nallow_inconclusive = true\n#"'), Path("s.toml"), check_files=False
    )
    made = build_document(
        facts=RunFacts(
            run_id="r", scenario_file="s.toml", seed=1, started_at=0, seconds=1, stop_reason="completed"
        ),
        scenario=allowed,
        account=found.account,
        summary=found.summary,
        criteria=judge_criteria({"capture": capture.measure(found.account)}, default_gates("capture", set())),
        journals=(),
        arrivals={},
    )
    assert (made.verdict, made.exit_code) == ("inconclusive", 0)


def test_points_that_are_not_as_wished_are_said() -> None:
    """Unreached, missing with the nearest names, missed names, and never heard of."""
    told = Story()
    told.process()
    unknown = document(told).points[0]
    assert (
        point_line(unknown)
        == "fault 'db-timeout': app:save is unknown: the agent said nothing about this point"
    )
    told.add(
        PointState,
        point="app:save",
        fault="db-timeout",
        state="missing",
        note="no such name",
        nearest=("safe",),
    )
    missing = document(told).points[0]
    assert point_line(missing) == "fault 'db-timeout': app:save is missing: no such name; nearest: safe"
    told.add(PointState, point="app:save", fault="db-timeout", state="armed", missed_names=("b.save",))
    assert (
        point_line(document(told).points[0]) == "fault 'db-timeout': app:save is armed, and was never reached"
    )
    told.captured(1)
    assert (
        point_line(document(told).points[0]) == "fault 'db-timeout': app:save is not reached through b.save"
    )
    assert point_line(document(healthy()).points[0]) is None


def test_equal_sdk_set_ups_are_listed_once() -> None:
    """Ten workers with the same options are one line."""
    told = Story()
    for pid in range(3):
        told.process(pid=pid)
        told.sdk()
    told.process(pid=9)
    told.add(SdkInit, version="2.75.0", active=True, dsn="d", options={"sample_rate": 0.5})
    told.add(Note, level="info", text="hello")
    told.add(Note, level="info", text="hello")
    made = document(told)
    assert [sdk.processes for sdk in made.sdk] == [3, 1]
    assert made.notes == ("info: hello (2 times)",)
    assert "hello (2 times)" in terminal(made)


def test_every_reason_has_a_line_even_without_advice() -> None:
    """Unknown reasons are shown as they are."""
    assert advice("queue_overflow")
    assert advice("something new") == ""
    assert "lost_at" not in loss_line(document(lossy()).losses[0])


def test_advice_is_for_reasons_that_are_known() -> None:
    """What a scenario may name as a cause holds every reason that people are advised about."""
    assert set(_ADVICE) <= REASONS
