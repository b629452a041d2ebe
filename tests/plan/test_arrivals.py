"""Arrivals of open loads: when they are due, and that the same plan gives the same times."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.model.scenario import Stage
from pytest_sentry_harness.plan.arrivals import SHAPES, arrival_times, duration_of, expected, shaped

STEADY = (Stage(seconds=10, start=50, end=50),)
RAMP = (Stage(seconds=10, start=0, end=20),)
stages = st.lists(
    st.builds(
        Stage,
        seconds=st.floats(0.1, 5),
        start=st.floats(0, 60),
        end=st.floats(0, 60),
    ),
    min_size=1,
    max_size=4,
)


def test_a_constant_rate_gives_even_times() -> None:
    """Fifty a second for ten seconds: one each 20 ms, the first at once."""
    times = list(arrival_times(STEADY, "constant", 1))
    assert len(times) == 500
    assert times == pytest.approx([0.02 * number for number in range(500)])


def test_a_ramp_follows_its_cumulative_rate() -> None:
    """From 0 to 20 a second in ten: L(t) = t^2, so arrival k is due at its root."""
    times = list(arrival_times(RAMP, "constant", 1))
    assert times == pytest.approx([math.sqrt(number) for number in range(100)])


def test_a_pause_between_stages_is_kept() -> None:
    """Nothing is due where the rate is zero, and the next stage begins where it should."""
    plan = (
        Stage(seconds=1, start=2, end=2),
        Stage(seconds=5, start=0, end=0),
        Stage(seconds=1, start=2, end=2),
    )
    assert list(arrival_times(plan, "constant", 1)) == pytest.approx([0, 0.5, 6, 6.5])


def test_poisson_arrivals_have_the_rate_and_the_spread_of_a_poisson_process() -> None:
    """Count, mean gap and share of gaps above the mean (1/e) of some ten thousand arrivals."""
    times = list(arrival_times((Stage(seconds=200, start=50, end=50),), "poisson", 3))
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert abs(len(times) - 10_000) < 5 * 100
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(0.02, rel=0.05)
    assert sum(gap > mean for gap in gaps) / len(gaps) == pytest.approx(1 / math.e, abs=0.025)


def test_poisson_arrivals_follow_a_ramp() -> None:
    """A quarter of the arrivals of a ramp from zero comes in its first half."""
    times = list(arrival_times((Stage(seconds=100, start=0, end=200),), "poisson", 5))
    assert sum(time < 50 for time in times) / len(times) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("manner", ["poisson", "constant"])
def test_the_same_seed_gives_the_same_times(manner: str) -> None:
    """A plan is a function of scenario and seed; another seed gives another Poisson plan."""
    first = list(arrival_times(STEADY, manner, 7))
    assert first == list(arrival_times(STEADY, manner, 7))
    assert (first == list(arrival_times(STEADY, manner, 8))) == (manner == "constant")


@pytest.mark.parametrize("manner", ["poisson", "constant"])
def test_generators_side_by_side_share_the_plan(manner: str) -> None:
    """Four lanes with a quarter each bring as many as one, and no two the same."""
    plan = (Stage(seconds=100, start=20, end=60),)
    lanes = [list(arrival_times(plan, manner, 1, f"w{number}", 0.25)) for number in range(4)]
    assert abs(sum(map(len, lanes)) - 4000) < 5 * math.sqrt(4000)
    assert len({times[0] for times in lanes}) == 4


@given(plan=stages, manner=st.sampled_from(["poisson", "constant"]), seed=st.integers(0, 5))
def test_times_are_in_order_within_the_plan_and_as_many_as_expected(
    plan: list[Stage], manner: str, seed: int
) -> None:
    """For any stages."""
    times = list(arrival_times(plan, manner, seed))
    count = expected(plan)
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert all(0 <= time <= duration_of(plan) * (1 + 1e-9) for time in times)
    assert abs(len(times) - count) <= (1 if manner == "constant" else 6 * math.sqrt(count) + 6)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_takes_the_time_it_is_given(shape: str) -> None:
    """The shares of a shape add up to the whole, and it brings something."""
    plan = shaped(shape, seconds=30, rate=10, peak=100)
    assert duration_of(plan) == pytest.approx(30)
    assert expected(plan) > 0
    assert max(stage.end for stage in plan[: len(plan) // 2 + 1]) == (
        100 if shape in ("spike", "burst") else 10
    )
