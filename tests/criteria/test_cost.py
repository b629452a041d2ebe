"""The breakdown of the cost, from launches as they might have been recorded."""

from __future__ import annotations

import pytest

from pytest_sentry_harness.criteria.cost import cost_table
from pytest_sentry_harness.model.cost import Bounded
from pytest_sentry_harness.model.overhead import OverheadOption
from tests.criteria.overhead_samples import evidence, launches

OPTIONS = (OverheadOption(name="locals", advice="leave them out"), OverheadOption(name="lean"))


def test_each_option_is_held_against_sentry_as_configured() -> None:
    """Sentry as configured against none, each option against that; dearest first, in time and as a share of the request."""
    found = launches(5, {"order": 11.0}, locals={"order": 13.0}, lean={"order": 10.5})
    (order,) = cost_table("s", evidence(found), OPTIONS, 60.0).kinds
    assert order.without == pytest.approx(0.010)
    assert order.configured.cpu.value == pytest.approx(0.001, rel=0.01)
    assert order.configured.share.value == pytest.approx(0.10, rel=0.01)
    assert [each.option for each in order.options] == ["locals", "lean"]
    assert [each.cpu.value for each in order.options] == pytest.approx([0.002, -0.0005], rel=0.01)
    assert order.options[0].cpu.told_apart
    assert order.options[0].advice == "leave them out"
    assert order.requests == 1000


def test_one_launch_has_no_interval() -> None:
    """A value is shown, and nothing is claimed of it."""
    found = launches(1, {"order": 11.0}, locals={"order": 13.0}, lean={"order": 10.5})
    table = cost_table("s", evidence(found), OPTIONS, 60.0)
    assert table.kinds[0].configured.cpu.low is None
    assert not table.kinds[0].configured.cpu.told_apart
    assert "1 complete launches, and 3 are the fewest a verdict can rest on" in table.doubts


def test_an_arm_that_loses_is_named() -> None:
    """What is not sent costs less."""
    sent = {"discarded": {"queue_overflow/error": 2}}
    found = launches(3, {"order": 11.0}, sent=sent, locals={"order": 13.0}, lean={"order": 10.5})
    assert (
        "arm 'with' lost 6 items: its figures are too low, since what is not sent costs less"
        in cost_table("s", evidence(found), OPTIONS, 1.0).doubts
    )


@pytest.mark.parametrize(("low", "high", "apart"), [(1.0, 2.0, True), (-2.0, -1.0, True), (-1.0, 1.0, False)])
def test_an_interval_that_holds_zero_tells_nothing_apart(low: float, high: float, apart: bool) -> None:
    """Either side of zero will do."""
    assert Bounded(value=0.5, low=low, high=high).told_apart is apart
