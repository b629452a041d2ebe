"""Measured and reported durations to metrics, findings and rows; few samples never pass."""

from __future__ import annotations

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
    """Absolute errors in the quantiles, signed ones in the bias, with the order statistics that bound them."""
    errors = [index / 1000 for index in range(-50, 50)]
    found = timing.measure(timings(*(matched(error) for error in errors)))
    half, bias = found["timing.error.p50"], found["timing.bias"]
    assert half.value == pytest.approx(0.025)
    assert [half.low, half.high] == pytest.approx([0.02, 0.03])
    assert bias.value == pytest.approx(-0.001)
    assert [bias.low, bias.high] == pytest.approx([-0.011, 0.01])
    assert found["timing.error.max"].value == pytest.approx(0.05)
    assert found["timing.error.p95"].high is not None
    assert found["timing.error.p99"].high is None
    assert found["timing.measured"].value == 100


def test_without_any_bound_a_bias_has_no_value() -> None:
    """Five values bound no median: nothing may be judged by them."""
    few = timing.measure(timings(matched(count=5)))["timing.bias"]
    assert (few.value, few.note) == (None, "only 5 were matched, 6 are needed")
    assert timing.measure(timings(matched(count=6)))["timing.bias"].value == pytest.approx(0.001)


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
        ("timing.error.p99", "reported_long", "late reports 150 ms more than it took", 30),
        ("timing.error.p99", "reported_short", "short reports 120 ms less than it took", 10),
        ("timing.start.p99", "starts_off", "tardy starts 200 ms too late", 3),
        ("timing.error.p99", "wrong_unit", "tiny reports a thousandth of what it took", 1),
        ("timing.error.p99", "wrong_unit", "unit reports 1000 times what it took", 5),
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
    assert found.culprit == "query reports 20 ms more than it took"


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
