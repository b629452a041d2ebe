"""Which opportunity meets which fault."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.plan.schedule import Firing, Schedule, draw
from pytest_sentry_harness.statistics import binomial_interval


def fired(schedule: Schedule, opportunities: int) -> list[Firing | None]:
    return [schedule.next() for _ in range(opportunities)]


def test_draws_are_fixed_for_ever() -> None:
    """A plan made today is the same on any machine, in any process."""
    assert draw(7, "db", "", 0, 0) == draw(7, "db", "", 0, 0)
    code = "from pytest_sentry_harness.plan.schedule import draw; print(draw(7, 'db', '\\udcff', 4711).hex())"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert other.stdout.strip() == draw(7, "db", "\udcff", 4711).hex()


@given(st.integers(), st.text(), st.integers())
def test_draws_lie_between_0_and_1(seed: int, label: str, number: int) -> None:
    """One excluded."""
    assert 0 <= draw(seed, label, number) < 1


def test_labels_are_kept_apart() -> None:
    """("a", "bc") is not ("ab", "c")."""
    assert draw(1, "a", "bc") != draw(1, "ab", "c")


def test_counts_are_used_up_and_the_next_term_takes_over() -> None:
    """The first term that is neither used up nor unlucky acts; ids count opportunities."""
    schedule = Schedule.of("db", "2*sleep(1ms)->1*raise->off", seed=1)
    assert fired(schedule, 5) == [
        Firing("db-000000", "db", 0),
        Firing("db-000001", "db", 0),
        Firing("db-000002", "db", 1),
        None,
        None,
    ]
    assert (schedule.opportunities, schedule.fired) == (5, 3)


@pytest.mark.parametrize("percent", [1, 20, 80])
def test_probabilities_hold(percent: int) -> None:
    """Within the exact interval for the fixed seed."""
    schedule = Schedule.of("db", f"{percent}%raise", seed=3)
    hits = sum(firing is not None for firing in fired(schedule, 4000))
    low, high = binomial_interval(hits, 4000, 0.999)
    assert low <= percent / 100 <= high


def test_never_and_always() -> None:
    """0% and a count of 0 never fire; no percentage always does."""
    assert fired(Schedule.of("a", "0%raise", 1), 50) == [None] * 50
    assert fired(Schedule.of("a", "0*raise", 1), 50) == [None] * 50
    assert None not in fired(Schedule.of("a", "raise", 1), 50)


def test_an_unlucky_term_leaves_the_chance_to_the_next() -> None:
    """Every opportunity is taken by one of the two."""
    schedule = Schedule.of("a", "30%raise->return", seed=5)
    terms = [firing.term for firing in fired(schedule, 200) if firing]
    assert len(terms) == 200
    assert set(terms) == {0, 1}


def test_lanes_are_decided_and_named_apart() -> None:
    """Processes side by side neither share ids nor luck."""
    one = fired(Schedule.of("a", "50%raise", 1, lane="w1"), 100)
    two = fired(Schedule.of("a", "50%raise", 1, lane="w2"), 100)
    assert [bool(firing) for firing in one] != [bool(firing) for firing in two]
    assert {f.fault_id for f in one if f}.isdisjoint({f.fault_id for f in two if f})
    assert next(f for f in one if f).fault_id.startswith("a-w1-")
    assert fired(Schedule.of("a", "50%raise", 1, lane="w1"), 100) == one
