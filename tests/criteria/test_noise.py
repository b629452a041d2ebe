"""From events and the faults they are of to measurements, findings and verdicts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.criteria.judge import judge_criteria
from pytest_sentry_harness.criteria.noise import doubts, findings, measure
from pytest_sentry_harness.criteria.noise_account import MOST_ROWS, account_of
from pytest_sentry_harness.model.classified import Category, Severity
from pytest_sentry_harness.model.metrics import METRICS, PROMISES
from pytest_sentry_harness.model.monitored import Event
from pytest_sentry_harness.model.noise import NoiseInfo
from pytest_sentry_harness.model.reasons import REASONS
from pytest_sentry_harness.model.scenario import Expect, Fault, Gate
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.monitor.classification import DEFAULT, parse_rules
from pytest_sentry_harness.monitor.grouping import CONFIG_ID, GroupingConfig
from pytest_sentry_harness.plan.gates import default_gates, parse_gate
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.reconcile.origins import Origin
from pytest_sentry_harness.report.lines import advice

ROOT = Path(__file__).parents[2]
GATES = default_gates("noise", set())
CONFIG = GroupingConfig.parse()
REQUESTS = itertools.count(100)


def raised(function: str = "save", kind: str = "ShopError", **fields: Any) -> dict[str, Any]:
    """An event with an exception of the shop."""
    frame = {"function": function, "module": "shop", "in_app": True, "context_line": f"{function}()"}
    problem = {"type": kind, "value": "no", "stacktrace": {"frames": [frame]}, **fields.pop("problem", {})}
    return {"platform": "python", "exception": {"values": [problem]}, **fields}


def said(text: str, **fields: Any) -> dict[str, Any]:
    """A message."""
    return {"platform": "python", "logentry": {"formatted": text}, **fields}


Told = tuple[str | None, str, Any]
"""Name of the fault (None: of none), its occurrence, and the payload."""


def told(
    *rows: Told,
    expect: dict[str, Expect] | None = None,
    rules: str = "",
    config: GroupingConfig = CONFIG,
    faults: Iterable[str] = (),
) -> NoiseInfo:
    """The account of these events; the faults are those that they name, and ``faults``. ``"a+b"`` is of both, ``"a|b"`` of either."""
    expect = expect or {}
    events, origins, several = [], {}, {}
    for number, (fault, occurrence, data) in enumerate(rows, start=1):
        event_id = f"e{number}"
        events.append(
            Event(cursor=number, received_at=float(number), project="1", event_id=event_id, data=data)
        )
        if fault is not None and set(fault) & {"+", "|"}:
            of = re.split(r"[+|]", fault)
            several[event_id] = tuple(Origin(each, each, occurrence, by_trace="|" in fault) for each in of)
        elif fault is not None:
            origins[event_id] = Origin(fault, f"{fault}-1", occurrence)
    names = dict.fromkeys(
        [*(fault for fault, _, _ in rows if fault is not None and fault.isidentifier()), *faults]
    )
    return account_of(
        events,
        origins,
        [Fault(name=name, expect=expect.get(name, Expect())) for name in names],
        config,
        parse_rules(rules, "rules.toml") if rules else DEFAULT,
        several=several,
    )


def times(count: int, fault: str, data: Any) -> list[Told]:
    """One event of each of ``count`` requests."""
    return [(fault, f"request {next(REQUESTS)}", data) for _ in range(count)]


GOOD = told(*times(10, "save", raised("save")), *times(10, "pay", raised("pay")))


def verdicts(info: NoiseInfo, *given: tuple[str, str]) -> dict[str, tuple[str, str]]:
    """Verdict and reason by metric, under the default gates and these."""
    own = [parse_gate(metric, text, "test") for metric, text in given]
    gates: list[Gate] = [*own, *default_gates("noise", {gate.metric for gate in own})]
    (criterion,) = judge_criteria({"noise": measure(info, gates)}, gates)
    return {gate.metric: (str(gate.verdict), gate.why) for gate in criterion.gates}


def failed(info: NoiseInfo) -> set[str]:
    return {metric for metric, (verdict, _) in verdicts(info).items() if verdict == "fail"}


def test_every_metric_is_measured() -> None:
    """What is promised has a number each, in the unit it is promised in."""
    found = measure(GOOD, GATES)
    assert set(found) == {name for name, metric in METRICS.items() if metric.criterion == "noise"}
    assert PROMISES["noise"] == "> 80 % noise reduction"
    assert {each.unit for each in found.values()} == {"ratio", "count"}


def test_an_issue_for_each_root_cause_passes() -> None:
    """Two issues of twenty events, and the configuration is named."""
    assert (GOOD.events, GOOD.issues, GOOD.reduction, GOOD.precision, GOOD.recall) == (20, 2, 0.9, 1, 1)
    assert failed(GOOD) == set()
    assert verdicts(GOOD)["noise.reduction"] == ("pass", "90 % meets > 80%")
    assert findings(GOOD) == ()
    assert [(cause.name, cause.events, cause.requests, cause.issues) for cause in GOOD.causes] == [
        ("save", 10, 10, 1),
        ("pay", 10, 10, 1),
    ]
    assert GOOD.config == f"{CONFIG_ID} (subset)"


def test_one_issue_for_two_root_causes_is_merged() -> None:
    """With the frames they share."""
    info = told(*times(6, "pay", raised("call")), *times(5, "ship", raised("call")))
    assert failed(info) == {"noise.merged"}
    assert measure(info)["noise.merged"].value == 2
    (finding,) = findings(info)
    assert (finding.metric, finding.fault, finding.reason, finding.count) == (
        "noise.merged",
        "",
        "same_stack",
        2,
    )
    assert finding.culprit == (
        "issue 1 (ShopError: no) holds pay, ship: type ShopError; frame shop in call: call()"
    )
    (row,) = info.table
    assert (row.merged, row.causes, row.split, row.because) == (
        True,
        (("pay", 6), ("ship", 5)),
        (),
        ("in common: type ShopError", "in common: frame shop in call: call()"),
    )
    assert info.precision == pytest.approx((15 + 10) / 55)


def test_a_root_cause_that_shares_two_issues_counts_once() -> None:
    """The findings add up to the metric."""
    info = told(
        *times(4, "a", raised("x")),
        *times(4, "b", raised("x")),
        *times(2, "a", raised("y")),
        ("c", "c", raised("y")),
    )
    merged = [finding for finding in findings(info) if finding.metric == "noise.merged"]
    assert measure(info)["noise.merged"].value == sum(finding.count for finding in merged) == 3
    assert [finding.count for finding in merged] == [2, 1]
    # An issue whose root causes were all counted is in the table, and no finding of its own.
    two = told(*[row for name in "ab" for place in "xy" for row in times(2, name, raised(place))])
    assert [finding.count for finding in findings(two) if finding.metric == "noise.merged"] == [2]
    assert len(two.merged) == 2


@pytest.mark.parametrize(
    ("here", "there", "reason", "because"),
    [
        (
            raised("save", fingerprint=["{{ default }}", "k"]),
            raised("save", fingerprint=["{{ default }}", "l"]),
            "differs_in_fingerprint",
            "only here: fingerprint k; only there: fingerprint l",
        ),
        (
            raised("save", fingerprint=["k"]),
            raised("save"),
            "differs_in_fingerprint",
            "only here: fingerprint k; only there: type ShopError; only there: frame shop in save: save()",
        ),
        (
            raised("save"),
            raised("other"),
            "differs_in_stack",
            "only here: frame shop in save: save(); only there: frame shop in other: other()",
        ),
        (
            said("cart kwmz is lost"),
            said("cart jqpx is lost"),
            "differs_in_text",
            "only here: message cart kwmz is lost; only there: message cart jqpx is lost",
        ),
        (
            raised("save"),
            said("not saved"),
            "reported_differently",
            "only here: type ShopError; only here: frame shop in save: save(); only there: message not saved",
        ),
        (
            raised("save"),
            raised("save", kind="TypeError"),
            "reported_differently",
            "only here: type ShopError; only there: type TypeError",
        ),
    ],
)
def test_two_issues_for_one_root_cause_are_split(here: Any, there: Any, reason: str, because: str) -> None:
    """With a word for what differs, and the parts of it."""
    info = told(*times(6, "save", here), *times(5, "save", there), *times(9, "pay", raised("pay")))
    assert failed(info) == {"noise.split"}
    (finding,) = findings(info)
    assert (finding.fault, finding.reason, finding.count) == ("save", reason, 1)
    assert finding.culprit == f"2 issues (1, 2): {because}"
    assert [(row.number, row.split, bool(row.because)) for row in info.table] == [
        (1, ("save",), True),
        (2, ("save",), False),
        (3, (), False),
    ]
    assert (info.split[0].causes, info.split[0].issues, info.split[0].example) == (("save",), (1, 2), "e7")
    assert info.recall == pytest.approx((15 + 10 + 36) / (55 + 36))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (raised("save", fingerprint=["all"]), "same_fingerprint"),
        (raised("save"), "same_stack"),
        (said("it failed"), "same_text"),
        (raised("save", problem={"stacktrace": None}), "same_text"),
        ({}, "nothing_to_tell_apart"),
    ],
)
def test_why_root_causes_share_an_issue(data: Any, reason: str) -> None:
    """In a word that leads to what can be done."""
    info = told(*times(2, "a", data), *times(2, "b", data))
    (finding,) = findings(info)
    assert finding.reason == reason


def test_every_reason_has_its_advice() -> None:
    """And can be named by a twin."""
    source = (ROOT / "pytest_sentry_harness" / "criteria" / "noise_reasons.py").read_text()
    used = set(re.findall(r'"((?:same|differs|nothing|reported)_\w+)"', source))
    used |= {"wrong_category", "wrong_severity", "reported_twice", "hides_another_error"}
    assert len(used) == 12
    assert used <= REASONS
    assert [word for word in sorted(used) if not advice(word)] == []


def test_several_events_of_one_request_are_duplicates() -> None:
    """Whether they are of one fault that was reported twice, or of attempts that failed one after the other."""
    info = told(
        ("save", "request 1", raised("save")),
        ("save", "request 1", raised("save")),
        ("save", "request 1", raised("save")),
        ("save", "request 2", raised("save")),
        ("pay", "request 2", raised("pay")),
        ("pay", "request 3", raised("pay")),
    )
    assert measure(info)["noise.duplicates"].value == 2
    (finding,) = findings(info)
    assert (finding.metric, finding.fault, finding.count, finding.culprit) == (
        "noise.duplicates",
        "save",
        2,
        "4 events of 2 requests",
    )


def test_what_is_of_no_fault_is_in_no_figure() -> None:
    """It is counted by itself, and that is all."""
    info = told(*times(10, "save", raised("save")), *times(10, "pay", raised("pay")), (None, "", said("hi")))
    assert (info.unlabelled, info.events, info.issues) == (1, 20, 2)
    assert replace(info, unlabelled=0) == GOOD


def test_root_causes_that_always_come_together_are_doubted() -> None:
    """One clean event of each says nothing of the twenty that hold both; a fifth of them may."""
    always = told(("a", "1", raised("a")), ("b", "2", raised("b")), *times(20, "a+b", raised("a")))
    assert failed(replace(always, events=90)) == set()
    assert doubts(always, {"a", "b"}) == [
        f"fault '{one}': 20 of 21 events are of '{other}' just as well, so whether they share an issue is known of 1 alone; "
        "let requests meet one fault each"
        for one, other in ("ab", "ba")
    ]
    assert [(cause.shared, cause.shared_with) for cause in always.causes] == [(20, ("b",)), (20, ("a",))]
    never = told(*times(20, "a+b", raised("a")), faults=["a", "b"])
    assert doubts(never, {"a"}) == [
        "fault 'a': no event arrived that is of it alone, so nothing is known of its issues; 20 are of 'b' just as well"
    ]
    few = told(*times(8, "a", raised("a")), *times(8, "b", raised("b")), *times(2, "a+b", raised("a")))
    assert doubts(few, {"a", "b"}) == []


def test_a_message_beside_an_event_of_its_own_takes_nothing_from_a_root_cause() -> None:
    """Of which fault the message is nobody knows; of the faults all is known. Where it is all there is, nothing is."""
    both = [
        row for n in "1234" for row in (("a", n, raised("a")), ("b", n, raised("b")), ("a|b", n, said("no")))
    ]
    assert doubts(told(*both), {"a", "b"}) == []
    only = told(("a", "1", raised("a")), ("b", "2", raised("b")), *times(9, "a|b", said("no")))
    assert [doubt.split(" events")[0] for doubt in doubts(only, {"a", "b"})] == [
        "fault 'a': 9 of 10",
        "fault 'b': 9 of 10",
    ]


BY_LOGGER = GroupingConfig.parse("logger:shop -> shop")


def test_an_error_of_no_fault_hides_in_the_issue_of_one() -> None:
    """A rule puts both together; the finding names rule and error, and the row has the number."""
    mine = [*times(20, "save", raised("save", logger="shop")), *times(20, "pay", raised("pay"))]
    own = (None, "", raised("look", kind="KeyError", logger="shop"))
    info = told(*mine, *[own] * 20, config=BY_LOGGER)
    assert failed(info) == {"noise.foreign"}
    (finding,) = findings(info)
    assert (finding.metric, finding.reason, finding.count) == ("noise.foreign", "hides_another_error", 1)
    assert finding.culprit == (
        "issue 1 (ShopError: no) of save holds 20 error events of no fault, such as KeyError: no: rule logger:shop -> shop; "
        "fingerprint shop"
    )
    assert [(row.number, row.foreign) for row in info.table] == [(1, 20), (2, 0)]
    assert "of no fault: KeyError: no" in info.table[0].because
    sent = told(*times(9, "a", raised("a", fingerprint=["x"])), (None, "", raised("b", fingerprint=["x"])))
    assert measure(sent)["noise.foreign"].value == 1


@pytest.mark.parametrize(
    "other",
    [
        raised("save", logger="shop"),
        raised("look", kind="KeyError", logger="shop", level="warning"),
        raised("look", kind="KeyError"),
        raised("save"),
    ],
)
def test_what_does_not_hide_is_not_counted(other: Any) -> None:
    """The same failure once more, a warning, an error with an issue of its own."""
    info = told(*times(20, "save", raised("save", logger="shop")), (None, "", other), config=BY_LOGGER)
    assert measure(info)["noise.foreign"].value == 0
    assert findings(info) == ()
    alike = told(*times(20, "save", raised("save")), (None, "", raised("save")))
    assert (alike.table[0].foreign, alike.foreign) == (1, ())


def test_kinds_of_foreign_errors_are_bounded() -> None:
    """Of fifty the worst is told, and what comes after is counted no more."""
    others = [(None, "", raised(f"f{number}", logger="shop")) for number in range(80)]
    info = told(*times(2, "save", raised("save", logger="shop")), *others, config=BY_LOGGER)
    assert (info.foreign[0].count, info.table[0].foreign) == (50, 80)


def test_rules_of_the_project_are_obeyed() -> None:
    """A fingerprint rule puts together what Sentry keeps apart; and the report says that there was one."""
    rows = [*times(6, "a", said("cart kwmz is lost")), *times(6, "a", said("cart jqpx is lost"))]
    config = GroupingConfig.parse('message:"cart * is lost" -> cart-lost')
    assert told(*rows).issues == 2
    ruled = told(*rows, config=config)
    assert ruled.issues == 1
    assert ruled.config == f"{CONFIG_ID} (subset) with 1 fingerprint rule"


# ---- classification ----------------------------------------------------------------------------


def expecting(
    category: Category | None = None, severity: Severity | None = None, rules: str = ""
) -> NoiseInfo:
    rows = [*times(10, "slow", raised("ask", kind="TimeoutError")), *times(10, "pay", raised("pay"))]
    return told(*rows, expect={"slow": Expect(category=category, severity=severity)}, rules=rules)


def test_what_is_classified_as_expected_passes() -> None:
    """Only the events of faults that expect something are the sample."""
    info = expecting("timeout", "high")
    assert (info.with_category, info.with_severity, info.misclassified) == (10, 10, ())
    assert failed(info) == set()


def test_what_is_classified_otherwise_is_counted_by_cause() -> None:
    """With the reason of the first of them."""
    info = expecting("network", "low")
    found = measure(info)
    assert (found["noise.category_wrong"].value, found["noise.severity_wrong"].value) == (10, 10)
    assert failed(info) == {"noise.category_wrong", "noise.severity_wrong"}
    category, severity = findings(info)
    assert (category.metric, category.fault, category.reason, category.count) == (
        "noise.category_wrong",
        "slow",
        "wrong_category",
        10,
    )
    assert category.culprit == "timeout, not network: TimeoutError: Python's TimeoutError means timeout"
    assert severity.culprit.startswith("high, not low: ")
    assert severity.culprit.endswith("error: starts at high")


def test_rules_of_classification_are_obeyed() -> None:
    """The project may see it otherwise than we do."""
    rules = '[[rule]]\ntype = "TimeoutError"\ncategory = "external_service"\nseverity = "low"\n'
    assert expecting("external_service", "low", rules).misclassified == ()
    (wrong,) = expecting("timeout", None, rules).misclassified
    assert (wrong.found, wrong.because) == ("external_service", "rule[0]: your rule says external_service")


def test_nothing_expected_is_nothing_measured() -> None:
    """A gate that asks all the same is not met by silence."""
    assert verdicts(GOOD)["noise.category_wrong"] == (
        "inconclusive",
        "no event of a fault with expect.category arrived",
    )


# ---- is it enough? -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gate", "events", "verdict", "why"),
    [
        ("> 80%", 10, "inconclusive", "80 % fewer, and > 80% needs 11 events or more; 80 % were measured"),
        ("> 80%", 11, "pass", "81.82 % meets > 80%"),
        (">= 80%", 10, "pass", "80 % meets >= 80%"),
        (">= 80%", 9, "inconclusive", "77.78 % fewer, and >= 80% needs 10 events or more"),
        ("> 95%", 40, "inconclusive", "95 % fewer, and > 95% needs 41 events or more"),
        (">= 99.9%", 40, "inconclusive", "needs 2000 events or more"),
        (">= 100%", 40, "inconclusive", ">= 100% cannot be, for each root cause has an issue"),
        ("< 99%", 4, "pass", "50 % meets < 99%"),
    ],
)
def test_a_reduction_that_could_not_be_is_inconclusive(
    gate: str, events: int, verdict: str, why: str
) -> None:
    """With so few events not even perfect grouping would do; the sentence says how many are needed."""
    half = events // 2
    info = told(*times(half, "a", raised("a")), *times(events - half, "b", raised("b")))
    found = verdicts(info, ("noise.reduction", gate))["noise.reduction"]
    assert found[0] == verdict
    assert why in found[1]
    if verdict == "inconclusive":
        assert found[1].startswith(f"2 root causes in {events} events: ")


@given(st.integers(1, 40), st.integers(0, 400), st.integers(0, 1000), st.sampled_from([">", ">="]))
def test_the_number_of_events_that_is_asked_for_is_the_least(
    causes: int, more: int, thousandths: int, comparison: str
) -> None:
    """With it, one issue for each cause meets the gate; with one event less it does not."""
    info = replace(
        GOOD,
        causes=tuple(replace(GOOD.causes[0], name=str(number), events=1) for number in range(causes)),
        events=causes + more,
        issues=causes,
    )
    gate = parse_gate("noise.reduction", f"{comparison} {thousandths / 10}%", "test")
    found = measure(info, [gate])["noise.reduction"]
    needed = re.search(r"needs (\d+) events", found.note)
    if needed is None:
        assert (found.value is not None) != ("cannot be" in found.note)
        return
    (low, high) = (
        measure(replace(info, events=int(needed[1]) - less), [gate])["noise.reduction"] for less in (1, 0)
    )
    assert (low.value, high.note) == (None, "")


def test_one_root_cause_alone_proves_nothing() -> None:
    """Nothing could be merged with it. What is split is split all the same."""
    alone = told(*times(20, "a", raised("a")), ("b", "b", raised("b")))
    assert verdicts(alone)["noise.causes"] == ("inconclusive", "not enough evidence: 1 does not meet >= 2")
    split = told(*times(10, "a", raised("a")), *times(10, "a", raised("b")))
    assert failed(split) == {"noise.split"}


def test_a_run_without_events_proves_nothing() -> None:
    """Counts of what was not found say so."""
    info = told(faults=["a", "b"])
    for metric in ("reduction", "merged", "split"):
        assert verdicts(info)[f"noise.{metric}"] == ("inconclusive", "no error event of a fault arrived")
    found = measure(info)
    assert found["noise.duplicates"].value is None
    assert found["noise.precision"].note == "no two events of faults are in one issue"
    assert found["noise.recall"].note == "no two events are of one root cause"
    assert (found["noise.causes"].value, info.reduction) == (0, None)


def test_a_fault_of_which_nothing_arrived_is_doubted() -> None:
    """If it fired, and something was to arrive; and events that nobody could read are doubted, too."""
    info = replace(told(*times(2, "a", raised()), faults=["b", "c"]), unread=3)
    assert doubts(info, {"a", "b"}) == [
        "fault 'b': no event arrived that is of it alone, so nothing is known of its issues",
        "3 events could not be read, so nothing is known of their issues",
    ]
    assert doubts(GOOD, {"save", "pay"}) == []


# ---- bounded, and never broken by what arrives -------------------------------------------------


@pytest.mark.slow
def test_tables_are_bounded_and_the_worst_comes_first() -> None:
    """However many issues there are, and however long their texts."""
    many = [("a", str(number), said("x" * 5000, fingerprint=[f"f{number}"])) for number in range(200)]
    info = told(*many, *times(30, "b", raised("b")), *times(2, "c", raised("c")), *times(2, "d", raised("c")))
    assert (info.issues, len(info.table), info.split_causes) == (202, MOST_ROWS, 1)
    assert info.table[0].causes == (("c", 2), ("d", 2))
    assert info.table[1].split == ("a",)
    assert len(info.split[0].issues) == 20
    assert info.split[0].count == 200
    assert findings(info)[1].culprit.startswith("200 issues (1, 2, 3, 4, 5 and 195 more): ")
    texts = [text for row in info.table for text in (row.title, row.culprit, *row.because)]
    assert max(map(len, texts)) <= 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["exception", "values", "type", "value", "logentry", "level"]), inner
        )
    ),
    max_leaves=12,
)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "a+b", None]), st.sampled_from("xyz"), JSON), max_size=8)
)
def test_whatever_arrives_the_account_closes(rows: list[Told]) -> None:
    """Every event is in one row or of no fault; figures stay in their bounds, and all of it can be judged."""
    info = told(*rows, expect={"a": Expect(category="network", severity="low")}, faults=["a", "b"])
    assert info.events + info.unlabelled == len(rows)
    assert sum(row.events for row in info.table) == sum(cause.events for cause in info.causes) == info.events
    assert len(info.table) == info.issues <= max(info.events, 0)
    assert 0 <= info.duplicates <= info.events
    assert info.wrong("category") <= info.with_category == info.with_severity
    for metric, measured in measure(info, GATES).items():
        assert measured.value is None or measured.value >= 0, metric
    assert {Verdict(verdict) for verdict, _ in verdicts(info).values()}


# ---- the runbook -------------------------------------------------------------------------------


def test_the_runbook_has_a_section_for_every_metric() -> None:
    """Each metric of the index leads to a section that says what it means, how to confirm it, what to change."""
    text = (ROOT / "docs" / "runbooks" / "noise.md").read_text()
    indexed = re.findall(r"^\| `(noise\.[\w.]+)` \|.*\(#\w+\) \|$", text, re.MULTILINE)
    assert indexed == [name for name in METRICS if name.startswith("noise.")]
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [each.split("\n")[0] for each in sections] == [name.removeprefix("noise.") for name in indexed]
    for each in sections:
        assert re.findall(r"^\*\*(\w+)\*\*", each, re.MULTILINE) == ["Means", "Confirm", "Change"]


def test_every_reason_can_be_looked_up() -> None:
    """Those that twins are found as; the runbook's index has no others than those that there are."""
    text = (ROOT / "docs" / "runbooks" / "noise.md").read_text()
    twins = load_scenario(ROOT / "scenarios" / "noise.toml").twins
    of_capture = {"not_in_the_event", "swallowed"}
    planted = {reason for twin in twins for reason in twin.finds.reasons} - of_capture
    assert planted <= set(re.findall(r"`(\w+)`", text))
    index = [line.split(" | ")[1] for line in text.splitlines() if line.startswith("| `noise.")]
    assert {reason for cell in index for reason in re.findall(r"`(\w+)`", cell)} <= REASONS
