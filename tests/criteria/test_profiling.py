"""From what became of slow operations to measurements and verdicts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_sentry_harness.criteria.judge import judge_criteria
from pytest_sentry_harness.criteria.profiling import measure
from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.model.metrics import METRICS, PROMISES
from pytest_sentry_harness.model.profiling import OperationTold, ProfilesTold, ProfilingInfo
from pytest_sentry_harness.model.reasons import REASONS
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.gates import criteria_of, with_defaults
from pytest_sentry_harness.plan.scenario import load_scenario, parse_scenario

GOOD = ProfilingInfo(
    transactions=60,
    unread=0,
    operations=(
        OperationTold(
            name="work", kind="sync", expected="span", calls=40, slow=30, attributed=30, burnt=20, on_top=20
        ),
    ),
    n_plus_one=(),
    undeclared=0,
    missed=0,
    profiles=ProfilesTold(promised=1.0, transactions=40, profiled=40, short=20, lost={}),
    uninstrumented=0,
)
SCENARIO = """
[scenario]
name = "slow"
[target]
command = "true"
[load]
[[load.request]]
send = "GET /"
"""
OPERATION = '[[operation]]\nname = "work"\nat = "shop:work"\n'


def scenario(profiling: str = "profiles = 1.0", rest: str = OPERATION, gates: str = "") -> Scenario:
    text = f"{SCENARIO}\n{rest}\n[profiling]\n{profiling}\n[gates]\n{gates}\n"
    return parse_scenario(text, Path("slow.toml"))


def verdicts(info: ProfilingInfo, asked: Scenario) -> dict[str, tuple[Verdict, str]]:
    gates = with_defaults(asked, criteria_of(asked))
    (criterion,) = judge_criteria({"profiling": measure(info)}, gates)
    return {gate.metric: (gate.verdict, gate.why) for gate in criterion.gates}


def test_every_metric_is_measured() -> None:
    """What is promised has a number each."""
    assert set(measure(GOOD)) == {name for name, metric in METRICS.items() if metric.criterion == "profiling"}
    assert PROMISES["profiling"] == "slow operations found"


def test_a_run_in_which_all_is_found_passes() -> None:
    """Each of the gates does."""
    assert {verdict for verdict, _ in verdicts(GOOD, scenario()).values()} == {Verdict.PASS}
    assert len(verdicts(GOOD, scenario())) == 7


@pytest.mark.parametrize(
    ("change", "metric"),
    [
        ({"missed": 1}, "profiling.n_plus_one.missed"),
        ({"undeclared": 1}, "profiling.n_plus_one.false"),
        ({"uninstrumented": 1}, "profiling.uninstrumented"),
        ({"operations": (replace(GOOD.operations[0], attributed=29),)}, "profiling.attributed"),
        ({"operations": (replace(GOOD.operations[0], on_top=19),)}, "profiling.top"),
        ({"profiles": replace(GOOD.profiles, profiled=39)}, "profiling.profiled"),
    ],
)
def test_each_defect_fails_its_own_gate(change: dict[str, object], metric: str) -> None:
    """And no other."""
    found = verdicts(replace(GOOD, **change), scenario())  # type: ignore[arg-type]
    assert {name for name, (verdict, _) in found.items() if verdict is not Verdict.PASS} == {metric}
    assert found[metric][0] is Verdict.FAIL


def test_too_few_slow_calls_are_inconclusive() -> None:
    """A guard: nothing failed, and nothing is known."""
    few = replace(GOOD, operations=(replace(GOOD.operations[0], slow=3, attributed=3),))
    found = verdicts(few, scenario())
    assert found["profiling.operations"] == (
        Verdict.INCONCLUSIVE,
        "not enough evidence: 3 does not meet >= 20",
    )


def test_a_run_without_transactions_proves_nothing() -> None:
    """Counts of what was not found say so; planted queries that are missed stay missed."""
    nothing = replace(
        GOOD,
        transactions=0,
        operations=(),
        missed=1,
        profiles=replace(GOOD.profiles, transactions=0, profiled=0),
    )
    found = verdicts(nothing, scenario())
    assert found["profiling.n_plus_one.missed"][0] is Verdict.FAIL
    for name in ("n_plus_one.false", "uninstrumented", "profiled"):
        why = "no transaction arrived: is traces_sample_rate set?"
        assert found[f"profiling.{name}"] == (Verdict.INCONCLUSIVE, why)
    assert found["profiling.attributed"][1].startswith("no call of an [[operation]] was slow")
    assert found["profiling.top"][1] == "no slow call that spent its time computing came with a profile"
    short = replace(GOOD, profiles=replace(GOOD.profiles, transactions=0, profiled=0))
    assert (
        verdicts(short, scenario())["profiling.profiled"][1]
        == "no transaction lasted long enough for a profile"
    )


@pytest.mark.parametrize(
    ("profiled", "verdict", "why"),
    [
        (10, Verdict.PASS, "all of 12.69 % to 41.2 % (95 %) meets >= 12.5%"),
        (7, Verdict.INCONCLUSIVE, "7.34 % to 32.78 % (95 %) straddles >= 12.5%"),
        (0, Verdict.FAIL, "none of 0 % to 8.81 % (95 %) meets >= 12.5%"),
    ],
)
def test_half_of_a_promised_share_has_to_be_there_for_sure(profiled: int, verdict: Verdict, why: str) -> None:
    """That a share is met exactly no sample can prove, and a smaller sample must not make it easier."""
    found = replace(GOOD, profiles=replace(GOOD.profiles, profiled=profiled))
    assert verdicts(found, scenario("profiles = 0.25"))["profiling.profiled"] == (verdict, why)


def test_gates_without_a_subject_are_left_out() -> None:
    """What the scenario promises nothing about is not judged."""
    asked = with_defaults(scenario("", rest=""), ["profiling"])
    assert sorted(gate.metric for gate in asked) == [
        "profiling.n_plus_one.false",
        "profiling.n_plus_one.missed",
        "profiling.uninstrumented",
    ]
    sql = OPERATION + 'kind = "sql"\n'
    assert "profiling.top" not in {gate.metric for gate in with_defaults(scenario(rest=sql), ["profiling"])}


def test_a_gate_of_the_scenario_goes_before() -> None:
    """Also before the one that the promised share makes."""
    asked = with_defaults(scenario(gates='"profiling.profiled" = ">= 90%"'), ["profiling"])
    assert [gate.text for gate in asked if gate.metric == "profiling.profiled"] == [">= 90%"]


def test_timing_is_judged_with_profiling_only_where_a_gate_asks_for_it() -> None:
    """Its guard wants a greater sample than slow operations need."""
    assert criteria_of(scenario()) == ("profiling",)
    assert criteria_of(scenario(gates='"timing.error.max" = "< 1s"')) == ("timing", "profiling")


def test_the_runbook_has_a_section_for_every_metric() -> None:
    """Each metric of the index leads to a section that says what it means, how to confirm it, what to change."""
    text = (Path(__file__).parents[2] / "docs" / "runbooks" / "profiling.md").read_text()
    indexed = re.findall(r"^\| `(profiling\.[\w.]+)` \|.*\(#\w+\) \|$", text, re.MULTILINE)
    assert indexed == [name for name in METRICS if name.startswith("profiling.")]
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [each.split("\n")[0] for each in sections] == [name.removeprefix("profiling.") for name in indexed]
    for each in sections:
        assert re.findall(r"^\*\*(\w+)\*\*", each, re.MULTILINE) == ["Means", "Confirm", "Change"]


@pytest.mark.parametrize("name", ["profiling", "profiling-stream"])
def test_every_reason_can_be_looked_up(name: str) -> None:
    """Those that twins are found as; the runbook's index has no others than those that there are."""
    root = Path(__file__).parents[2]
    text = (root / "docs" / "runbooks" / "profiling.md").read_text()
    twins = load_scenario(root / "scenarios" / f"{name}.toml").twins
    assert {reason for twin in twins for reason in twin.finds.reasons} <= set(re.findall(r"`(\w+)`", text))
    index = [line.split(" | ")[1] for line in text.splitlines() if line.startswith("| `profiling.")]
    assert {reason for cell in index for reason in re.findall(r"`(\w+)`", cell)} <= REASONS


PLANTED = 'name = "items"\nroute = "/orders"\ndescription = "SELECT*"\n'


@pytest.mark.parametrize(
    ("profiling", "message"),
    [
        ("profiles = 2.0", "profiles = 2 is no share"),
        ("queries = 1", "queries = 1 is too small"),
        ("n_plus_one = 3", "n_plus_one must be a list of tables"),
        (f"[[profiling.n_plus_one]]\n{PLANTED}count = 1", "count = 1 is too small"),
        ('[[profiling.n_plus_one]]\nname = "a b"', "'a b' is not a name"),
        ('[[profiling.n_plus_one]]\nname = "a"\nroute = "/"', "description is missing"),
        (
            f"[[profiling.n_plus_one]]\n{PLANTED}\n[[profiling.n_plus_one]]\n{PLANTED}",
            "two tables of N+1 queries are named 'items'",
        ),
        (f"[[profiling.n_plus_one]]\n{PLANTED}line = 3", "unknown key 'line'"),
    ],
)
def test_what_a_table_cannot_be(profiling: str, message: str) -> None:
    """Refused with the line, before anything starts."""
    with pytest.raises(ScenarioError) as error:
        scenario(profiling)
    assert message in str(error.value)
    assert "slow.toml:" in str(error.value)


def test_what_a_table_can_be() -> None:
    """Durations, numbers and planted queries."""
    asked = scenario(
        f'slow = "30ms"\nqueries = 8\nqueries_time = "1s"\n[[profiling.n_plus_one]]\n{PLANTED}'
    ).profiling
    assert asked is not None
    assert (asked.slow, asked.queries, asked.queries_time, asked.n_plus_one[0].count) == (0.03, 8, 1.0, 5)
