"""Sliding windows against counting by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.monitor.alerts.windows import Distinct, TimeLine, Weights

TIMES = st.lists(st.integers(0, 300), max_size=200).map(sorted)


@given(TIMES, st.integers(1, 100), st.integers(0, 100), st.integers(1, 100))
def test_time_line(times: list[int], window: int, back: int, slack: int) -> None:
    """The number in (after, until] is exact for every window it was told to keep."""
    line = TimeLine(window + back + slack)
    for number, at in enumerate(times):
        line.add(at)
        until = at - back
        seen = times[: number + 1]
        assert line.count(until - window, until) == sum(until - window < one <= until for one in seen)
    assert line.last == (times[-1] if times else float("-inf"))


def test_late_times_are_put_where_they_belong() -> None:
    """A clock that steps back a little loses nothing that is still in the window."""
    line = TimeLine(60)
    for at in (10.0, 12.0, 11.0, 9.0):
        line.add(at)
    assert line.count(9.0, 11.0) == 2
    assert TimeLine(60).count(0, 10) == 0


def test_a_time_line_forgets() -> None:
    """What no window can reach is let go: memory follows the window, not the time that passes."""
    line = TimeLine(10)
    for at in range(10_000):
        line.add(at)
    assert line.count(-1, 10_000) < 200
    assert len(line._times) < 300


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc")), max_size=100),
    st.integers(1, 20),
    st.integers(0, 20),
)
def test_distinct(steps: list[tuple[int, str]], interval: int, back: int) -> None:
    """The number of different values in (now - back - interval, now - back] is exact at each moment."""
    window, now = Distinct(interval, back), 0
    entries: list[tuple[int, str]] = []
    for gap, value in steps:
        now += gap
        window.add(now, value)
        entries.append((now, value))
        expected = {value for at, value in entries if now - back - interval < at <= now - back}
        assert window.count(now) == len(expected)
    window.count(now + back + interval)
    assert window.empty


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), max_size=150), st.integers(1, 30))
def test_weights(steps: list[tuple[int, int]], keep: int) -> None:
    """Sums in any window that is kept are exact."""
    weights, now = Weights(keep), 0
    entries: list[tuple[int, int]] = []
    for gap, weight in steps:
        now += gap
        weights.add(now, weight)
        entries.append((now, weight))
        assert weights.sum(now - keep, now) == sum(one for at, one in entries if now - keep < at <= now)
    assert Weights(5).sum(0, 10) == 0


def test_weights_forget() -> None:
    """Memory follows the window, and a late weight counts as of the newest time."""
    weights = Weights(10)
    for at in range(5_000):
        weights.add(at, 2)
    weights.add(100, 1)
    assert weights.sum(4_989, 4_999) == 21
    assert len(weights._times) < 300
