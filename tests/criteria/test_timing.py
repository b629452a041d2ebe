"""Measured and reported durations to metrics, findings and rows; few samples never pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_sentry_harness.criteria import timing
from pytest_sentry_harness.criteria.judge import judge_criteria
from pytest_sentry_harness.criteria.verdict import judge, show
from pytest_sentry_harness.model.timing import Duration, Timings, Told
from pytest_sentry_harness.model.verdict import GateResult, Measurement, Verdict
from pytest_sentry_harness.plan.gates import default_gates, parse_gate


def matched(
    error: float = 0.001,
    count: int = 1,
    *,
    start: float | None = 0.0,
    name: str = "query",
    kind: str = "sql",
    mode: str = "static",
) -> list[Duration]:
    return [
        Duration(
            operation=name,
            kind=kind,
            trace_id="t" * 32,
            true=0.2,
            state=Told.MATCHED,
            mode=mode,
            reported=0.2 + error,
            start_error=start,
        )
        for _ in range(count)
    ]


def untold(
    state: Told, reason: str, count: int = 1, name: str = "query", kind: str = "sql"
) -> list[Duration]:
    each = Duration(operation=name, kind=kind, trace_id="u" * 32, true=0.2, state=state, reason=reason)
    return [each] * count


def timings(*groups: list[Duration], **more: object) -> Timings:
    return Timings(durations=tuple(each for group in groups for each in group), rate=0.5, **more)  # type: ignore[arg-type]


def judged(found: Timings) -> tuple[Verdict, dict[str, GateResult]]:
    (result,) = judge_criteria({"timing": timing.measure(found)}, default_gates("timing", set()))
    return result.verdict, {gate.metric: gate for gate in result.gates}


@pytest.mark.parametrize(
    "found,expected,metric,why",
    [
        (timings(matched(count=400)), "pass", "timing.error.p99", "0.001"),
        (timings(matched(count=395), matched(0.2, 5)), "inconclusive", "timing.error.p99", "straddles"),
        (timings(matched(count=350), matched(-0.2, 50)), "fail", "timing.error.p99", "none of 200 ms to"),
        (
            timings(matched(count=367)),
            "inconclusive",
            "timing.error.p99",
            "only 367 were matched, 368 are needed",
        ),
        (timings(matched(0.2, 20)), "fail", "timing.error.p99", "none of 200 ms to ∞"),
        (timings(matched(count=350), matched(start=-30.0, count=50)), "fail", "timing.start.p99", "30 s"),
        (
            timings(matched(start=None, count=400)),
            "inconclusive",
            "timing.start.p99",
            "true starts are not known",
        ),
        (
            timings(matched(count=400), untold(Told.NO_SPAN, "x")),
            "fail",
            "timing.unmatched",
            "1 does not meet = 0",
        ),
        (timings(matched(count=400), untold(Told.UNSAMPLED, "x")), "pass", "timing.unmatched", "0 meets"),
        (timings(matched(count=400), undersampled=("t",)), "fail", "timing.missampled", "1 does not meet"),
        (timings(), "inconclusive", "timing.error.p99", "no duration was measured"),
        (
            timings(untold(Told.UNSAMPLED, "x", 9)),
            "inconclusive",
            "timing.error.p99",
            "none of 9 measured durations should have been reported",
        ),
        (
            timings(untold(Told.NO_TRANSACTION, "tracing_off", 90)),
            "fail",
            "timing.error.p99",
            "none of 90 measured durations was reported: tracing off",
        ),
        (timings(matched(count=71)), "inconclusive", "timing.measured", "not enough evidence"),
    ],
)
def test_the_default_gates(found: Timings, expected: str, metric: str, why: str) -> None:
    """Enough right ones pass, enough wrong ones fail, and too few say how many are needed."""
    verdict, gates = judged(found)
    assert verdict == expected
    gate = gates[metric]
    assert why in f"{gate.why} {gate.measurement.value}"


def test_the_numbers() -> None:
    """Absolute errors in the quantiles, the median of signed ones in the bias, with the order statistics that bound them."""
    errors = [index / 1000 for index in range(-50, 50)]
    found = timing.measure(timings(*(matched(error) for error in errors)))
    half, bias = found["timing.error.p50"], found["timing.bias"]
    assert half.value == pytest.approx(0.025)
    assert [half.low, half.high] == pytest.approx([0.02, 0.03])
    assert bias.value == pytest.approx(0.001)
    assert [bias.low, bias.high] == pytest.approx([0.0, 0.011])
    assert found["timing.error.max"].value == pytest.approx(0.05)
    assert found["timing.error.p95"].high is not None
    assert found["timing.error.p99"].high is None
    assert found["timing.measured"].value == 100


def test_a_bias_of_few_calls_is_open() -> None:
    """Five values bound no median: it may be any."""
    few = timing.measure(timings(matched(count=5)))["timing.bias"]
    assert (few.low, few.high, few.note) == (0.0, None, "only 5 were matched, 6 are needed")
    assert timing.measure(timings(matched(count=6)))["timing.bias"].high == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("groups", "expected", "why"),
    [
        # Spans around nothing: far too short is as far off as far too long.
        ([matched(-0.03, 600)], "fail", "none of 30 ms to 30 ms (95 %) meets < 20ms"),
        ([matched(0.03, 600)], "fail", "none of 30 ms to 30 ms (95 %) meets < 20ms"),
        ([matched(-0.001, 600)], "pass", "all of 1 ms to 1 ms (95 %) meets < 20ms"),
        ([matched(-0.03, 50), matched(0.03, 50)], "inconclusive", "0 ms to 30 ms (95 %) straddles < 20ms"),
        # Of several the worst one counts, however few calls it has of all.
        ([matched(0.001, 6000), matched(-0.03, 20, name="b")], "fail", "none of 30 ms to 30 ms (95 %) meets"),
        (
            [matched(0.001, 600), matched(-0.03, 5, name="b")],
            "inconclusive",
            "operation 'b': only 5 were matched, 6 are needed",
        ),
    ],
)
def test_the_bias_is_that_of_the_worst_operation_and_has_no_sign(
    groups: list[list[Duration]], expected: str, why: str
) -> None:
    """Too little told is no better than too much, and what one operation reports wrongly no other makes good."""
    measured = timing.measure(timings(*groups))["timing.bias"]
    result = judge(measured, parse_gate("timing.bias", "< 20ms", "here"))
    assert result.verdict == expected
    assert why in result.why


@pytest.mark.parametrize("metric", ["timing.error.p50", "timing.error.p95", "timing.error.p99"])
def test_an_operation_that_is_wrong_is_not_outvoted_by_one_that_is_right(metric: str) -> None:
    """1200 right calls of one operation do not make good three wrong ones of another."""
    found = timings(matched(0.002, 1200, name="a"), matched(2.0, 3, name="b"))
    result = judge(timing.measure(found)[metric], parse_gate(metric, "< 100ms", "here"))
    assert result.verdict in ("fail", "inconclusive")
    assert (result.verdict == "inconclusive") == (metric == "timing.error.p50"), (
        "three may be of the worse half by chance"
    )
    assert result.measurement.value == pytest.approx(2.0)
    (named,) = timing.findings(found)
    assert named.culprit == "b reports 2000 ms more than it took in 3 of 3 calls"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "expected", "why"),
    [
        (matched(0.002, 72, name="b"), "pass", "all of"),
        (matched(0.002, 71, name="b"), "inconclusive", "operation 'b': only 71 were matched, 72 are needed"),
        (
            [*matched(0.002, 1, name="b"), *matched(2.0, 1, name="b")],
            "inconclusive",
            "operation 'b': only 2 were matched, 72 are needed",
        ),
        # One that the machine held up is no fault of the program; half of the calls are.
        ([*matched(0.002, 109, name="b"), *matched(0.2, 1, name="b")], "pass", "all of"),
        (
            [*matched(0.002, 97, name="b"), *matched(0.2, 3, name="b")],
            "inconclusive",
            "worst operation is 'b'",
        ),
        ([*matched(0.002, 50, name="b"), *matched(0.2, 50, name="b")], "fail", "none of 200 ms"),
    ],
)
def test_each_operation_has_to_show_that_it_is_right(other: list[Duration], expected: str, why: str) -> None:
    """By calls of its own: too few of them never pass, and the note says of which operation more are needed."""
    for metric in ("timing.error.p99", "timing.start.p99"):
        moved = [replace(each, start_error=each.error) for each in other]
        measured = timing.measure(timings(matched(0.002, 12000, name="a"), moved))[metric]
        result = judge(measured, parse_gate(metric, "< 100ms", "here"))
        assert result.verdict == expected
        assert why in result.why
        assert measured.value is not None
        assert measured.low is not None
        assert measured.low <= measured.value <= (measured.high or measured.value)


def test_many_operations_that_are_right_stay_right() -> None:
    """Twenty chances to be wrong by chance are held against the confidence together."""
    groups = [
        [*matched(0.001, 109, name=f"o{number}"), *matched(0.2, 1, name=f"o{number}")] for number in range(4)
    ]
    groups += [matched(0.001, 110, name=f"o{number}") for number in range(4, 20)]
    found = timings(*groups)
    assert judged(found)[0] == "pass"
    assert timing.findings(found) == ()


def test_a_bound_that_is_missing_may_lie_anywhere() -> None:
    """An interval that is open on one side passes no gate on that side, and may fail one."""
    measurement = Measurement(
        metric="timing.bias", value=0.2, low=None, high=0.3, samples=9, unit="seconds", note="few"
    )
    verdicts = {
        text: judge(measurement, parse_gate("timing.bias", text, "here"))
        for text in ("< 400ms", "> 100ms", "> 350ms")
    }
    assert [each.verdict for each in verdicts.values()] == ["pass", "inconclusive", "fail"]
    assert verdicts["> 100ms"].why == "-∞ to 300 ms (95 %) straddles > 100ms; few"
    assert show(-0.08, "seconds") == "-80 ms"
    assert show(-30.0, "seconds") == "-30 s"


def test_what_is_wrong_is_named_by_operation_and_cause() -> None:
    """Long, short, in the wrong unit, at the wrong time, not told, sampled wrongly; a few slow ones are no cause."""
    thousand = [
        Duration(
            operation="unit",
            kind="sync",
            trace_id="t",
            true=0.03,
            state=Told.MATCHED,
            mode="static",
            reported=30.0,
        )
    ] * 5
    thousandth = [
        Duration(
            operation="tiny",
            kind="sync",
            trace_id="t",
            true=5.0,
            state=Told.MATCHED,
            mode="static",
            reported=0.005,
        )
    ]
    found = timing.findings(
        timings(
            matched(0.15, 30, name="late"),
            matched(-0.12, 10, name="short"),
            thousand,
            thousandth,
            matched(start=-30.0, count=3, name="early"),
            matched(start=0.2, count=3, name="tardy"),
            matched(count=97, name="held-up"),
            matched(0.3, 3, name="held-up"),
            matched(0.3, start=0.3, count=1, name="held-up"),
            untold(Told.NO_SPAN, "no_such_span", 4, name="blind"),
            oversampled=("a" * 32,),
            undersampled=("b" * 32, "c" * 32),
            sampler="shop.dice (shop.py:3)",
        )
    )
    assert [(each.metric, each.reason, each.culprit, each.count) for each in found] == [
        ("timing.unmatched", "no_such_span", "blind: no span", 4),
        ("timing.start.p99", "starts_off", "early starts 30000 ms too early", 3),
        ("timing.error.p99", "reported_long", "late reports 150 ms more than it took in 30 of 30 calls", 30),
        (
            "timing.error.p99",
            "reported_short",
            "short reports 120 ms less than it took in 10 of 10 calls",
            10,
        ),
        ("timing.start.p99", "starts_off", "tardy starts 200 ms too late", 3),
        ("timing.error.p99", "wrong_unit", "tiny reports a thousandth of what it took in 1 of 1 calls", 1),
        ("timing.error.p99", "wrong_unit", "unit reports 1000 times what it took in 5 of 5 calls", 5),
        (
            "timing.missampled",
            "sampled_against_rand",
            "traces_sampler=shop.dice; sampled although sample_rand is not below 0.5",
            1,
        ),
        (
            "timing.missampled",
            "sampled_against_rand",
            "traces_sampler=shop.dice; left out although sample_rand is below 0.5",
            2,
        ),
    ]
    assert str(found[-1].place) == "shop.py:3"
    assert found[0].example is not None
    assert found[0].example.trace_id == "u" * 32
    (alone,) = timing.findings(timings(undersampled=("t",)))
    assert (alone.culprit, alone.place) == ("left out although sample_rand is below 0.5", None)


def test_the_limits_are_those_of_the_gates() -> None:
    """A stricter gate names smaller errors."""
    wrong = timings(matched(0.02, 10))
    assert timing.findings(wrong) == ()
    (found,) = timing.findings(wrong, {"timing.error.p99": 0.01})
    assert found.culprit == "query reports 20 ms more than it took in 10 of 10 calls"


def test_how_many_calls_are_off_and_by_how_much_all_of_them() -> None:
    """Those beyond the limit alone would say that few calls are off, and by too much."""
    found = timings(matched(-0.08, 470), matched(-0.112, 30))
    (named,) = timing.findings(found)
    assert (named.metric, named.reason, named.count) == ("timing.error.p99", "reported_short", 30)
    assert (
        named.culprit
        == "query reports 112 ms less than it took in 30 of 500 calls, and 80 ms less in the median of all"
    )


def test_a_bias_beyond_its_gate_is_named_once() -> None:
    """Also where no single call is off by as much as would be wrong for it."""
    found = timings(matched(-0.03, 600), matched(0.01, 600, name="right"))
    assert timing.findings(found) == ()
    (named,) = timing.findings(found, {"timing.bias": 0.02})
    assert (named.metric, named.reason, named.count) == ("timing.bias", "reported_short", 600)
    assert named.culprit == "query reports 30 ms less than it took in the median of 600 calls"
    (named,) = timing.findings(timings(matched(0.3, 600)), {"timing.bias": 0.02})
    assert (named.metric, named.reason) == ("timing.error.p99", "reported_long")


def test_the_account_and_its_rows() -> None:
    """States add up; rows by operation and by kind, apart for each span mode; the worst one is named."""
    info = timing.info(
        timings(
            matched(0.01, 8),
            matched(0.02, 2, mode="stream"),
            untold(Told.NO_SPAN, "no_such_span", 3),
            untold(Told.UNSAMPLED, "sample_rate", 2),
            matched(-0.05, 1, name="other"),
            untold(Told.OUTSIDE, "outside_of_requests", 1, name="never", kind="http"),
            notes=("unreadable",),
        )
    )
    assert info.closes
    assert info.measured == sum(info.states.values()) == 17
    assert info.reasons == {"query: no_such_span": 3}
    rows = {(row.operation, row.kind, row.mode): row for row in info.operations}
    assert {key: (row.matched, row.measured) for key, row in rows.items()} == {
        ("never", "http", ""): (0, 1),
        ("other", "sql", "static"): (1, 1),
        ("query", "sql", "static"): (8, 13),
        ("query", "sql", "stream"): (2, 2),
    }
    assert [(row.operation, row.kind, row.mode, row.matched) for row in info.kinds] == [
        ("", "http", "", 0),
        ("", "sql", "static", 9),
        ("", "sql", "stream", 2),
    ]
    row = rows["query", "sql", "static"]
    assert (row.bias, row.bias_low, row.p99, row.start_p99) == pytest.approx((0.01, 0.01, 0.01, 0.0))
    worst = info.kinds[1].worst
    assert worst is not None
    assert worst.reported == pytest.approx(0.15)
    assert info.notes == ("unreadable",)
