"""From recorded launches to measurements, verdicts, and what is wrong with the arms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_sentry_harness.criteria import overhead
from pytest_sentry_harness.criteria.judge import judge_criteria
from pytest_sentry_harness.criteria.verdict import judge, show
from pytest_sentry_harness.harness.overhead.judge import settled
from pytest_sentry_harness.model.metrics import METRICS
from pytest_sentry_harness.model.overhead import Launch, OverheadEvidence
from pytest_sentry_harness.model.verdict import Verdict
from pytest_sentry_harness.plan.gates import default_gates, parse_gate

from .overhead_samples import evidence, launches

GATES = default_gates("overhead", set())


def verdict(found: OverheadEvidence, metric: str = "overhead.cpu", gate: str = "< 5%") -> Verdict:
    return judge(overhead.measure(found)[metric], parse_gate(metric, gate, "here")).verdict


@pytest.mark.parametrize(
    "cost,expected",
    [(10.1, Verdict.PASS), (10.3, Verdict.PASS), (10.5, Verdict.INCONCLUSIVE), (11.0, Verdict.FAIL)],
)
def test_the_verdict_is_about_the_interval(cost: float, expected: Verdict) -> None:
    """1 and 3 % pass, 10 % fails, and 5 % is on the threshold."""
    assert verdict(evidence(launches(8, {"list": cost}))) is expected


def test_every_metric_is_measured_with_its_unit() -> None:
    """Relative changes, bytes, and a full count."""
    measured = overhead.measure(evidence(launches(6, {"list": 11.0})))
    assert set(measured) == {name for name in METRICS if name.startswith("overhead.")} - {
        overhead.INSTRUCTIONS
    }
    assert {name: found.unit for name, found in measured.items()} == {
        name: METRICS[name].unit for name in measured
    }
    assert measured["overhead.cpu"].value == pytest.approx(0.1, abs=0.005)
    assert measured["overhead.latency.p99"].value == pytest.approx(0.1, abs=0.005)
    assert measured["overhead.throughput"].value == pytest.approx(1 - 1 / 1.1, abs=0.005)
    assert measured["overhead.memory"].value == 40 << 20
    assert (measured["overhead.dropped"].value, measured["overhead.dropped"].exact) == (0, True)


def test_throughput_has_its_bounds_the_right_way_round() -> None:
    """It is a loss: low is below high, and around the value."""
    found = overhead.measure(evidence(launches(6, {"list": 11.0})))["overhead.throughput"]
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert found.low < found.value < found.high


def test_the_dearest_kind_is_judged() -> None:
    """One dear kind among cheap ones fails the run, and is named."""
    found = evidence(launches(8, {"list": 10.0, "order": 10.1, "search": 12.0}))
    assert verdict(found) is Verdict.FAIL
    assert overhead.measure(found)["overhead.cpu"].note == "requests 'search', the dearest of 3 kinds"


def test_more_kinds_do_not_make_a_false_fail_likelier() -> None:
    """The lower bound is taken at a shared level: it lies lower than that of one kind alone."""
    alone = overhead.measure(evidence(launches(5, {"list": 11.0})))["overhead.cpu"]
    shared = overhead.measure(evidence(launches(5, {"list": 11.0, "order": 11.0})))["overhead.cpu"]
    assert alone.low is not None
    assert shared.low is not None
    assert shared.low < alone.low
    assert shared.high == pytest.approx(alone.high)


def test_too_few_launches_are_no_verdict() -> None:
    """Two launches: nothing is measured, and the note says how many it takes."""
    found = evidence(launches(2, {"list": 20.0}))
    assert verdict(found) is Verdict.INCONCLUSIVE
    assert overhead.measure(found)["overhead.cpu"].note == (
        "2 complete launches, and 3 are the fewest a verdict can rest on"
    )
    assert overhead.doubts_about(found) == ["2 complete launches, and 3 are the fewest a verdict can rest on"]


def test_nothing_measured_is_no_verdict() -> None:
    """A run that never finished a launch."""
    found = evidence(())
    (result,) = judge_criteria({"overhead": overhead.measure(found)}, GATES)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert overhead.info(found).costs == ()


def test_a_quantile_that_was_not_measured_is_no_verdict() -> None:
    """With fewer than 100 requests there is no p99; the others are judged all the same."""

    def without_p99(launch: Launch) -> Launch:
        return replace(
            launch,
            arms=tuple(
                replace(arm, kinds=tuple(replace(kind, p99=None) for kind in arm.kinds))
                for arm in launch.arms
            ),
        )

    found = evidence([without_p99(launch) for launch in launches(5, {"list": 10.0})])
    assert verdict(found, "overhead.latency.p99") is Verdict.INCONCLUSIVE
    assert "raise [overhead] measure" in overhead.measure(found)["overhead.latency.p99"].note
    assert verdict(found) is Verdict.PASS


def test_launching_ends_when_every_gate_is_clear() -> None:
    """Clear: passed or failed, and not in between; with less than three launches nothing is."""
    assert not settled(evidence(launches(2, {"list": 10.0})), GATES)
    assert settled(evidence(launches(5, {"list": 10.0})), GATES)
    assert settled(evidence(launches(5, {"list": 13.0})), GATES)
    assert not settled(evidence(launches(5, {"list": 10.5})), GATES)


@pytest.mark.parametrize(
    "sent,lost",
    [
        ({"discarded": {"queue_overflow/error": 3}}, 3),
        ({"raised": 10, "errors": 10}, 0),
        ({"raised": 10, "errors": 7}, 3),
        ({"raised": 10, "errors": 7, "discarded": {"queue_overflow/error": 2}}, 3),
        ({"raised": 10, "errors": 7, "discarded": {"queue_overflow/error": 4, "backpressure/span": 5}}, 9),
        # All refused, and the reports of it, too.
        ({"items": {}, "refused": {"500/transaction": 335, "500/internal": 4}}, 335),
        # The SDK reports what was refused once it may again: with what it could not send at all, not beside it.
        ({"refused": {"500/error": 3}, "discarded": {"network_error/error": 3}}, 3),
        ({"refused": {"500/error": 3}, "discarded": {"network_error/error": 5}}, 5),
        ({"refused": {"500/error": 3}, "discarded": {"network_error/error": 2}}, 3),
        ({"refused": {"413/error": 3}, "discarded": {"send_error/error": 3}}, 3),
        ({"refused": {"500/error": 3}, "discarded": {"queue_overflow/error": 2}}, 5),
        # A 429 is the server's to count: what is held back afterwards comes on top.
        ({"refused": {"429/error": 1}, "discarded": {"ratelimit_backoff/error": 6}}, 7),
        ({"refused": {"429/error": 1}, "discarded": {"network_error/error": 1}}, 2),
        ({"refused": {"invalid/error": 1}, "discarded": {"network_error/error": 1}}, 2),
        # An error that raised, and was refused, is missing once.
        ({"raised": 10, "errors": 6, "refused": {"500/error": 4}}, 4),
        ({"raised": 10, "errors": 6, "refused": {"500/error": 3}}, 4),
        # One exception reported twice, of which the SDK drops the second one.
        ({"raised": 10, "errors": 10, "discarded": {"event_processor/error": 10}}, 0),
        # Sizes in bytes, and reports of reports, are no items.
        ({"discarded": {"network_error/log_byte": 4096, "network_error/internal": 2}}, 0),
    ],
)
def test_what_was_lost_is_counted_once(sent: dict[str, object], lost: int) -> None:
    """What the SDK says it dropped, and beyond that the errors that never arrived."""
    found = evidence(launches(3, {"list": 10.0}, sent=sent))
    assert overhead.measure(found)["overhead.dropped"].value == 3 * lost
    assert verdict(found, "overhead.dropped", "= 0") is (Verdict.FAIL if lost else Verdict.PASS)


def test_what_the_server_refused_is_said() -> None:
    """Beside the number, and in the account of the arm."""
    found = evidence(launches(3, {"list": 10.0}, sent={"refused": {"500/error": 2, "invalid/span": 1}}))
    assert overhead.measure(found)["overhead.dropped"].note == "the server refused 9"
    assert overhead.info(found).accounts[1].refused == {"500/error": 6, "invalid/span": 3}


def test_sentry_in_both_arms_is_an_error() -> None:
    """The arm without sent something: there is nothing to compare."""
    found = launches(1, {"list": 10.0})
    arms = (replace(found[0].arms[0], items={"sessions": 2, "event": 1}), found[0].arms[1])
    (said,) = overhead.trouble_in(evidence([replace(found[0], arms=arms)]))
    assert said == (
        "Sentry is in both arms: the arm 'without' sent 2 sessions, 1 event (launch 1); write [overhead] without = "
        '"agent", or let it set a variable that keeps the program from calling sentry_sdk.init'
    )


def test_an_sdk_that_could_send_is_sentry_too() -> None:
    """It sent nothing so far, and yet it is set up: the arm is not without it."""
    found = launches(1, {"list": 10.0})
    arms = (replace(found[0].arms[0], active=1), found[0].arms[1])
    (said,) = overhead.trouble_in(evidence([replace(found[0], arms=arms)]))
    assert "sent nothing, and yet its SDK has somewhere to send to" in said


def test_an_sdk_without_a_dsn_is_sentry_too() -> None:
    """It cannot send, and works for every request all the same: the arm is not without it."""
    found = launches(1, {"list": 10.0})
    arms = (replace(found[0].arms[0], initialised=1), found[0].arms[1])
    (said,) = overhead.trouble_in(evidence([replace(found[0], arms=arms)]))
    assert said.startswith(
        "Sentry is in both arms: the arm 'without' sent nothing, and yet its SDK was initialised: without a DSN, too"
    )
    assert 'write [overhead] without = "agent"' in said


def test_an_arm_whose_items_are_refused_is_not_without() -> None:
    """It sends: that nobody takes it is no sign of absence, in either arm."""
    found = launches(1, {"list": 10.0}, sent={"items": {}, "refused": {"500/transaction": 7}})
    assert overhead.trouble_in(evidence(found)) == []
    arms = (replace(found[0].arms[0], refused={"invalid/error": 1}), found[0].arms[1])
    (said,) = overhead.trouble_in(evidence([replace(found[0], arms=arms)]))
    assert said.startswith("Sentry is in both arms: the arm 'without' sent 1 invalid/error")


@pytest.mark.parametrize(
    "active,initialised,why",
    [
        (0, 0, "its SDK was never initialised"),
        (0, 1, "its SDK was initialised without a DSN"),
        (1, 1, "its SDK is set up"),
    ],
    ids=["off", "nowhere", "silent"],
)
def test_sentry_in_no_arm_is_an_error(active: int, initialised: int, why: str) -> None:
    """Neither arm sent anything: whatever differs is not Sentry."""
    found = evidence(
        launches(1, {"list": 10.0}, sent={"items": {}, "active": active, "initialised": initialised})
    )
    (said,) = overhead.trouble_in(found)
    assert said.startswith(f"no Sentry in either arm: the arm 'with' sent nothing (launch 1; {why})")
    assert "raises = true" in said


def test_a_client_that_was_cut_off_is_an_error() -> None:
    """A DSN of somewhere else in the application itself."""
    found = evidence(launches(1, {"list": 10.0}, sent={"cut_off": ("o1.ingest.sentry.io",)}))
    assert "wanted to send to 'o1.ingest.sentry.io'" in overhead.trouble_in(found)[0]


def test_arms_that_are_alike_on_purpose_are_no_trouble() -> None:
    """For the calibration of the measuring itself."""
    found = evidence(launches(1, {"list": 10.0}, sent={"items": {}}), verified=False)
    assert overhead.trouble_in(found) == []


def test_doubts_of_launches_are_said_once() -> None:
    """With the number of launches they hold for."""
    found = [replace(launch, doubts=("odd", "odd")) for launch in launches(3, {"list": 10.0})]
    assert overhead.doubts_about(evidence(found)) == ["odd (so in 3 launches)"]


def test_every_arm_and_kind_is_in_the_document() -> None:
    """Also those that no gate looks at."""
    found = overhead.info(
        evidence(
            launches(4, {"list": 10.2, "order": 10.3}, slow={"list": 10.4, "order": 10.5}),
        )
    )
    assert found.launches == 4
    cpu = {(cost.arm, cost.kind): cost.value for cost in found.costs if cost.metric == "overhead.cpu"}
    assert set(cpu) == {("with", "list"), ("with", "order"), ("slow", "list"), ("slow", "order")}
    assert [account.arm for account in found.accounts] == ["without", "with", "slow"]
    assert found.accounts[1].items == {"session": 8}
    assert [(base.kind, base.requests) for base in found.baseline] == [("list", 800), ("order", 800)]


def test_any_two_arms_can_be_compared() -> None:
    """One arm against another than the one without, as the breakdown by options needs."""
    found = launches(5, {"list": 12.0}, lean={"list": 11.0})
    estimate = overhead.change("overhead.cpu", "lean", "list", found, than="with")
    assert estimate is not None
    assert estimate.value == pytest.approx(11 / 12 - 1)


@pytest.mark.parametrize(
    "value,unit,text",
    [
        (0.0307, "change", "+3.07 %"),
        (-0.005, "change", "-0.50 %"),
        (1.2, "change", "+120.00 %"),
        (40 << 20, "bytes", "40 MiB"),
        (-(1 << 20), "bytes", "-1 MiB"),
    ],
)
def test_changes_are_shown_with_their_sign(value: float, unit: str, text: str) -> None:
    """A cost may be negative."""
    assert show(value, unit) == text


def test_a_gate_of_hundred_percent_on_a_change_is_judged_by_the_interval() -> None:
    """It is no rate: nothing is special about 100 %."""
    found = evidence(launches(5, {"list": 20.0}))
    assert verdict(found, gate="< 100%") is Verdict.INCONCLUSIVE
