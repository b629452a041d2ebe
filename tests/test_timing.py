"""The timing scenarios: healthy ones pass in either span mode, twins fail with the planted size; reports; sizes of twins."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.harness.calibrate import assess
from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.model.timing import TimingInfo, TimingRow
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.scenario import load_scenario, parse_scenario
from pytest_sentry_harness.plan.twins import twin_of
from pytest_sentry_harness.report.calibration import twins_table
from pytest_sentry_harness.report.document import RunDocument, decode, encode
from pytest_sentry_harness.report.markdown import to_markdown
from pytest_sentry_harness.report.terminal import print_report
from pytest_sentry_harness.report.timing import account_line, notes, print_timing, signed, timing_lines

SCENARIOS = Path(__file__).parent.parent / "scenarios"
KINDS = {"sync", "async", "thread", "sql", "http", "blocked"}


def run(scenario: Scenario, runs: Path, twin: str = "") -> RunDocument:
    return run_scenario(twin_of(scenario, twin) if twin else scenario, runs=runs)


def verdicts(document: RunDocument) -> dict[str, str]:
    return {gate.metric: str(gate.verdict) for each in document.criteria for gate in each.gates}


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("name,mode", [("timing", "static"), ("timing-stream", "stream")])
def test_right_timings_are_found_right(tmp_path: Path, name: str, mode: str) -> None:
    """Every kind of operation is matched in the span mode of the run, and the account closes."""
    scenario = load_scenario(SCENARIOS / f"{name}.toml")
    document = run(scenario, tmp_path)
    timing = document.timing
    assert timing is not None
    found = verdicts(document)
    # A machine that stops a thread for 100 ms gives the doubt its due; nothing else may be wrong.
    assert {name: each for name, each in found.items() if each not in ("pass", "inconclusive")} == {}
    assert [found[f"timing.{name}"] for name in ("unmatched", "missampled", "measured")] == ["pass"] * 3
    assert timing.closes
    assert timing.states["matched"] + timing.states["unsampled"] + timing.states["outside"] == timing.measured
    assert timing.states["unsampled"] > 50
    assert {(row.kind, row.mode) for row in timing.operations} == {(kind, mode) for kind in KINDS}
    assert decode(encode(document)) == document
    page = io.StringIO()
    print_report(document, Console(file=page, width=140))
    for text in (page.getvalue(), to_markdown([document]).decode()):
        assert "durations measured = " in text
        assert "await-stock" in text
        assert "faults injected" not in text


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(
    "twin,right",
    [
        ("span-closed-late", ["timing.start.p99", "timing.unmatched", "timing.missampled"]),
        ("clock-stepped-back", ["timing.unmatched", "timing.missampled"]),
    ],
)
def test_wrong_timings_are_found_in_their_size(tmp_path: Path, twin: str, right: list[str]) -> None:
    """The planted size is measured, its gate fails, and gates on what was left alone do not."""
    scenario = load_scenario(SCENARIOS / "timing.toml")
    document = run(scenario, tmp_path, twin)
    result = assess(scenario, twin, document)
    assert result.why == ""
    found = verdicts(document)
    assert {found[name] for name in right} <= {"pass", "inconclusive"}
    planted = next(each for each in scenario.twins if each.name == twin)
    assert planted.finds.value is not None
    assert "planted" in result.size
    assert "measured" in twins_table([result])
    # The same run does not pass for a defect of another size, or of another operation.
    for finds in (
        replace(planted.finds, value=planted.finds.value * 2),
        replace(planted.finds, operation="render"),
        replace(planted.finds, operation="nobody"),
    ):
        other = replace(scenario, twins=(replace(planted, finds=finds),))
        assert "must be found in the planted size" in assess(other, twin, document).why
    if twin == "clock-stepped-back":  # durations are taken from a clock that nobody steps
        assert found["timing.error.p99"] != "fail"


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_an_operation_that_is_never_called_leaves_a_doubt(tmp_path: Path) -> None:
    """A misspelt function is named with its neighbours, and the verdict is not pass."""
    text = (SCENARIOS / "timing.toml").read_text(encoding="utf-8")
    text = text.replace('ready = "/health"', f'ready = "/health"\ncwd = "{SCENARIOS}"')
    text = re.sub(r"times = \d+", "times = 1", text).replace(
        "timing_apps.work:render", "timing_apps.work:rendr"
    )
    path = tmp_path / "timing.toml"
    path.write_text(text, encoding="utf-8")
    document = run(load_scenario(path), tmp_path / "runs")
    assert document.verdict is Verdict.INCONCLUSIVE
    (note,) = [text for text in document.criteria[0].notes if "operation 'render'" in text]
    assert "was never measured, so nothing is known about it: timing_apps.work:rendr is " in note
    measured = next(gate for gate in document.criteria[0].gates if gate.metric == "timing.measured")
    assert "not enough evidence" in measured.why


TWIN = """
[scenario]
name = "t"
question = "?"

[target]
command = "x"
wait = true

[[operation]]
name = "work"
at = "app:work"

[[twin]]
name = "late"
env = { DEFECT = "late" }
finds = { metric = "timing.error.p99", FINDS }
"""


@pytest.mark.parametrize(
    "finds,value,within",
    [
        ('value = "150ms", within = "10ms"', 0.15, 0.01),
        ('value = "-1.5s", operation = "work"', -1.5, 0.0),
        ('metric = "timing.unmatched", value = "12"', 12.0, 0.0),
        ('metric = "capture.rate", value = "-3%"', -0.03, 0.0),
    ],
)
def test_sizes_of_twins(finds: str, value: float, within: float, tmp_path: Path) -> None:
    """In the unit of the metric, with a sign where it is negative."""
    text = TWIN.replace("FINDS", finds)
    if "metric =" in finds:
        text = text.replace('metric = "timing.error.p99", ', "", 1)
    (twin,) = parse_scenario(text, tmp_path / "t.toml").twins
    assert twin.finds.value == pytest.approx(value)
    assert twin.finds.within == pytest.approx(within)


@pytest.mark.parametrize(
    "finds,what,hint",
    [
        ('value = "150"', "'150' is no size of timing.error.p99, which is measured in seconds", "150ms"),
        ('within = "wide"', "'wide' is no size", "150ms"),
        ('operation = "wrok", value = "1s"', "there is no operation 'wrok'", "work"),
    ],
)
def test_sizes_that_are_none(finds: str, what: str, hint: str, tmp_path: Path) -> None:
    """Refused before anything starts, with the place and what to write."""
    with pytest.raises(ScenarioError) as error:
        parse_scenario(TWIN.replace("FINDS", finds), tmp_path / "t.toml")
    assert what in error.value.what
    assert "[[twin]] finds" in str(error.value.where)
    assert hint in str(error.value.hint)


ROW = TimingRow(
    operation="a",
    kind="sql",
    mode="static",
    measured=3,
    matched=2,
    true=0.2,
    bias=0.15,
    bias_low=None,
    bias_high=None,
    p50=0.15,
    p95=0.15,
    p99=0.15,
    max=0.15,
    start_p99=None,
)
INFO = TimingInfo(
    measured=3,
    states={"matched": 2, "no_span": 1, "outside": 0},
    reasons={"a: no_such_span": 1},
    closes=True,
    rate=0.5,
    oversampled=2,
    undersampled=1,
    operations=(ROW, replace(ROW, operation="b", mode="", bias=-0.15)),
    kinds=(replace(ROW, operation=""),),
    notes=("the span cannot be timed",),
)


def test_the_tables_of_a_report() -> None:
    """Account, reasons, sampling, a row for each operation, and one for a kind that several are of."""
    page = io.StringIO()
    print_timing(INFO, Console(file=page, width=160))
    markdown = "\n".join(
        timing_lines(INFO, lambda *cells: "| " + " | ".join(cells) + " |", lambda cell: cell)
    )
    for text in (page.getvalue(), markdown):
        assert "3 durations measured = 2 matched + 1 no span" in text
        assert "not told: 1 x a: no such span" in text
        assert "sampling at 50 %: 2 traces arrived, and 1 were left out, against" in text
        assert "the span cannot be timed" in text
        assert (
            "too few calls to judge p95 and p99 of a (2), b (2): 72 of each operation have to be matched"
            in text
        )
        assert "+150 ms" in text
        assert "-150 ms" in text
        assert "all sql" in text
    assert "| a | sql | static | 2 of 3 | 200 ms | +150 ms |" in markdown
    assert signed(None) == "-"


def test_enough_calls_are_not_remarked_on() -> None:
    """Rows of the same operation in either span mode count together; one without any is told of elsewhere."""
    rows = (
        replace(ROW, matched=40),
        replace(ROW, matched=32, mode="stream"),
        replace(ROW, operation="c", matched=0),
    )
    assert not [line for line in notes(replace(INFO, operations=rows)) if "too few" in line]


def test_a_report_without_durations() -> None:
    """Nothing was measured: one line, and no empty table."""
    empty = replace(
        INFO, measured=0, states={}, reasons={}, oversampled=0, undersampled=0, operations=(), notes=()
    )
    page = io.StringIO()
    print_timing(empty, Console(file=page, width=160))
    assert page.getvalue() == "0 durations measured = nothing\n"
    assert timing_lines(empty, lambda *cells: "", lambda cell: cell) == [
        "**0 durations measured = nothing**",
        "",
    ]
    assert (account_line(empty), notes(empty)) == ("0 durations measured = nothing", [])
