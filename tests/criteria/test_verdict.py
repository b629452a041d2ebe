"""Measurement and gate to verdict."""

from __future__ import annotations

import pytest

from pytest_sentry_harness.criteria import capture
from pytest_sentry_harness.criteria.judge import judge_criteria, trouble_in
from pytest_sentry_harness.criteria.verdict import judge, show
from pytest_sentry_harness.model.account import Account, State
from pytest_sentry_harness.model.ledger import Note
from pytest_sentry_harness.model.verdict import Measurement, Verdict, worst
from pytest_sentry_harness.plan.gates import default_gates, parse_gate


def account(captured: int, lost: int, *, not_reached: int = 0, unexplained: int = 0) -> Account:
    states = dict.fromkeys(State, 0) | {
        State.CAPTURED: captured,
        State.EXPLAINED: lost - unexplained,
        State.UNEXPLAINED_LOSS: unexplained,
        State.NOT_REACHED: not_reached,
    }
    fired = captured + lost
    return Account(
        injected=fired + not_reached,
        fired=fired,
        expected=fired,
        captured=captured,
        states=states,
        by_fault={},
        losses=(),
        duplicates=0,
        unexpected=0,
        wrong_level=0,
    )


def verdict_of(found: Account, **more: list[str]) -> Verdict:
    (result,) = judge_criteria({"capture": capture.measure(found)}, default_gates("capture", set()), **more)
    return result.verdict


@pytest.mark.parametrize(
    "captured,lost,expected",
    [
        (1000, 0, "pass"),
        (999, 1, "fail"),
        (72, 0, "pass"),
        (71, 0, "inconclusive"),
        (5, 1, "fail"),
        (0, 0, "inconclusive"),
        (0, 9, "fail"),
    ],
)
def test_default_gates_on_capture(captured: int, lost: int, expected: str) -> None:
    """No loss in enough faults passes; any loss fails; too few, or none, is inconclusive."""
    assert verdict_of(account(captured, lost)) == expected


def test_doubts_turn_a_pass_into_inconclusive_and_leave_a_fail() -> None:
    """Evidence that is not complete cannot prove that nothing was lost, but it can prove that something was."""
    assert verdict_of(account(1000, 0), doubts=["torn"]) is Verdict.INCONCLUSIVE
    assert verdict_of(account(1000, 5), doubts=["torn"]) is Verdict.FAIL
    assert verdict_of(account(1000, 5), trouble=["agent broke"]) is Verdict.ERROR


@pytest.mark.parametrize(
    "text,captured,lost,expected",
    [
        (">= 99%", 1000, 0, "pass"),
        (">= 99%", 990, 10, "inconclusive"),
        (">= 99%", 900, 100, "fail"),
        (">= 99%", 100, 0, "inconclusive"),
        ("> 50%", 100, 0, "pass"),
        ("< 50%", 100, 0, "fail"),
    ],
)
def test_a_gate_below_the_limit_is_judged_by_the_interval(
    text: str, captured: int, lost: int, expected: str
) -> None:
    """The whole interval must meet the gate to pass, and none of it to fail."""
    rate = capture.measure(account(captured, lost))["capture.rate"]
    assert judge(rate, parse_gate("capture.rate", text, "")).verdict == expected


def test_the_reason_for_nothing_to_measure_is_said() -> None:
    """No data is never a pass, and says which data is missing."""
    gate = parse_gate("capture.rate", ">= 100%", "")
    nothing = judge(capture.measure(account(0, 0))["capture.rate"], gate)
    assert (nothing.verdict, "no fault was asked for" in nothing.why) == (Verdict.INCONCLUSIVE, True)
    unreached = judge(capture.measure(account(0, 0, not_reached=5))["capture.rate"], gate)
    assert "no request reached a fault point" in unreached.why
    only_sleeps = capture.measure(account(0, 0))["capture.rate"]
    assert only_sleeps.samples == 0


def test_unexplained_losses_have_a_gate_of_their_own() -> None:
    """A scenario may allow losses and still refuse those that nobody can explain."""
    gates = [parse_gate("capture.rate", ">= 50%", ""), parse_gate("capture.unexplained", "= 0", "")]
    (result,) = judge_criteria({"capture": capture.measure(account(900, 10, unexplained=1))}, gates)
    assert [gate.verdict for gate in result.gates] == [Verdict.PASS, Verdict.FAIL]


@pytest.mark.parametrize(
    "value,unit,text",
    [
        (1.0, "ratio", "100 %"),
        (0.9999999, "ratio", "99.99999 %"),
        (0.99996, "ratio", "99.996 %"),
        (1 - 1e-12, "ratio", "99.9999999999 %"),
        (0.0, "ratio", "0 %"),
        (1e-7, "ratio", "0.00001 %"),
        (0.125, "ratio", "12.5 %"),
        (12345.0, "count", "12 345"),
        (0.0125, "seconds", "12.5 ms"),
        (12.5, "seconds", "12.5 s"),
        (None, "ratio", "-"),
    ],
)
def test_values_are_never_rounded_to_perfection(value: float | None, unit: str, text: str) -> None:
    """99.99999 % is not 100 %."""
    shown = show(value, unit)
    assert shown == text or (value is not None and unit == "ratio" and shown.startswith("99.99999999"))


def test_the_worst_verdict_wins() -> None:
    """A broken harness outranks a failure, and no verdict at all is inconclusive."""
    assert worst([]) is Verdict.INCONCLUSIVE
    assert worst([Verdict.PASS, Verdict.FAIL, Verdict.ERROR]) is Verdict.ERROR
    assert worst([Verdict.PASS, Verdict.INCONCLUSIVE]) is Verdict.INCONCLUSIVE


def test_exact_measurements_are_judged_by_their_value() -> None:
    """A full count has no interval."""
    count = Measurement(
        metric="capture.lost", value=3, low=None, high=None, samples=9, unit="count", exact=True
    )
    assert judge(count, parse_gate("capture.lost", "< 3", "")).verdict is Verdict.FAIL
    assert judge(count, parse_gate("capture.lost", "<= 3", "")).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(1, 5, Verdict.INCONCLUSIVE), (4, 9, Verdict.FAIL), (3, 3, Verdict.PASS)]
)
def test_an_estimate_is_not_proved_equal_by_wide_bounds(low: float, high: float, expected: Verdict) -> None:
    """The poorer the evidence, the wider they are."""
    estimated = Measurement(metric="capture.lost", value=low, low=low, high=high, samples=9, unit="count")
    assert judge(estimated, parse_gate("capture.lost", "= 3", "")).verdict is expected


def test_a_gate_on_what_was_not_measured_does_not_vanish() -> None:
    """Neither beside others of its criterion nor when there is nothing of its criterion at all."""
    gates = [
        parse_gate(*each, "")
        for each in (("capture.rate", ">= 1%"), ("capture.lost", "= 0"), ("load.failed", "<= 1%"))
    ]
    rate = {"capture.rate": capture.measure(account(1000, 0))["capture.rate"]}
    found = judge_criteria({"capture": rate}, gates)
    assert [(each.criterion, each.verdict, [gate.why for gate in each.gates]) for each in found] == [
        (
            "capture",
            Verdict.INCONCLUSIVE,
            ["all of 99.63 % to 100 % (95 %) meets >= 1%", "this run does not measure capture.lost"],
        ),
        ("load", Verdict.INCONCLUSIVE, ["this run does not measure load.failed"]),
    ]


def test_only_error_notes_are_trouble() -> None:
    """Each error counts once; remarks do not."""
    notes = [
        Note(at=0, mono=0, level=level, text=text)
        for level, text in (("error", "a"), ("error", "a"), ("info", "b"))
    ]  # type: ignore[arg-type]
    assert trouble_in(notes) == ["a"]
