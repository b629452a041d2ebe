"""Rate limits: reading, writing, and which one is in force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import ProtocolError, UsageError
from pytest_sentry_harness.protocol.rate_limits import (
    RateLimit,
    active,
    limited_until,
    parse_rate_limits,
    parse_retry_after,
    write_rate_limits,
)


@pytest.mark.parametrize(
    ("header", "limits"),
    [
        ("60:error:organization", [RateLimit(60, ("error",), "organization")]),
        ("60::organization", [RateLimit(60, (), "organization")]),
        ("60:error;transaction:key:quota", [RateLimit(60, ("error", "transaction"), "key", "quota")]),
        (
            "1:metric_bucket:project:quota:custom;transactions",
            [RateLimit(1, ("metric_bucket",), "project", "quota", ("custom", "transactions"))],
        ),
        (
            "60:error:key, 2700::organization:r",
            [RateLimit(60, ("error",), "key"), RateLimit(2700, (), "organization", "r")],
        ),
        ("5:error:key:reason:custom:more:fields", [RateLimit(5, ("error",), "key", "reason", ("custom",))]),
        ("60.5:error:key", [RateLimit(60.5, ("error",), "key")]),
        (" 7 : error ; ; session : key ,, ", [RateLimit(7, ("error", "session"), "key")]),
        ("0:error:", [RateLimit(0, ("error",), "")]),
        ("", []),
    ],
)
def test_reading(header: str, limits: list[RateLimit]) -> None:
    """Every field of the grammar, several limits, more fields than known."""
    assert list(parse_rate_limits(header)) == limits


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "60",
            "the rate limit '60' is not valid: it needs retry_after, categories and scope, separated by colons",
        ),
        (
            "60:error",
            "the rate limit '60:error' is not valid: it needs retry_after, categories and scope, separated by colons",
        ),
        ("x:error:key", "the rate limit 'x:error:key' is not valid: retry_after must be a number of seconds"),
        (
            "-1:error:key",
            "the rate limit '-1:error:key' is not valid: retry_after must be a number of seconds",
        ),
        ("nan::key", "the rate limit 'nan::key' is not valid: retry_after must be a number of seconds"),
    ],
)
def test_refusals(header: str, message: str) -> None:
    """The limit that is wrong is quoted."""
    with pytest.raises(ProtocolError) as caught:
        parse_rate_limits("60:error:key," + header)
    assert caught.value.what == message


def test_writing_rounds_up() -> None:
    """Only whole numbers are written: a client that reads integers only would ignore the rest."""
    assert (
        write_rate_limits([RateLimit(0.2, ("error",), "key"), RateLimit(61.0)])
        == "1:error:key, 61::organization"
    )
    assert write_rate_limits([RateLimit(1, (), "key", "", ("custom",))]) == "1::key::custom"
    assert write_rate_limits([]) == ""


@pytest.mark.parametrize(
    "limit",
    [
        RateLimit(1, ("a;b",)),
        RateLimit(1, ("a",), "x:y"),
        RateLimit(1, ("a",), "x", "r,s"),
        RateLimit(1, (" a",)),
        RateLimit(1, ("é",)),
    ],
)
def test_writing_refuses_names(limit: RateLimit) -> None:
    """A name with a separator in it would say something else."""
    with pytest.raises(UsageError, match="cannot stand in a rate limit"):
        write_rate_limits([limit])


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_writing_refuses_seconds(seconds: float) -> None:
    """A limit lasts a finite time."""
    with pytest.raises(UsageError, match="a rate limit of .* seconds cannot be written"):
        write_rate_limits([RateLimit(seconds)])


NAME = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True)
NAMES = st.lists(NAME, max_size=3).map(tuple)


@given(
    st.lists(st.builds(RateLimit, st.integers(0, 10**9), NAMES, NAME, NAME | st.just(""), NAMES), max_size=4)
)
def test_round_trip(limits: list[RateLimit]) -> None:
    """Any limits with whole seconds come back."""
    assert list(parse_rate_limits(write_rate_limits(limits))) == limits


@given(st.text(max_size=60) | st.from_regex(r"[0-9:;, a-e.]{0,40}", fullmatch=True))
def test_any_text(text: str) -> None:
    """Any header is limits or a ``ProtocolError``."""
    try:
        limits = parse_rate_limits(text)
    except ProtocolError:
        return
    assert all(limit.seconds >= 0 for limit in limits)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        (None, 60.0),
        ("", 60.0),
        ("soon", 60.0),
        ("-5", 60.0),
        ("1.5", 60.0),
        ("Thu, 99 Jan 99999 00:00:01 GMT", 60.0),
    ],
)
def test_retry_after(value: str | None, seconds: float) -> None:
    """Integer or HTTP date; a minute when there is nothing to go by."""
    assert parse_retry_after(value, 10.0) == seconds


@given(st.text(max_size=40))
def test_retry_after_any_text(text: str) -> None:
    """Any value gives some time that is not negative."""
    assert parse_retry_after(text, 0.0) >= 0


def test_the_longest_wins() -> None:
    """A shorter limit never ends a longer one; passed ones vanish; an empty list means everything."""
    deadlines = active(parse_rate_limits("60:error:key,10:error;session:key"), 100.0)
    assert deadlines == {"error": 160.0, "session": 110.0}
    deadlines = active(parse_rate_limits("5:error:key,20::organization,0:span:key"), 120.0, deadlines)
    assert deadlines == {"error": 160.0, "": 140.0}
    assert limited_until(deadlines, "error", 120.0) == 160.0
    assert limited_until(deadlines, "span", 120.0) == 140.0
    assert limited_until(deadlines, "span", 140.0) is None


def test_namespaces() -> None:
    """A limit for foreign metric namespaces limits nothing here; ``custom`` does."""
    assert active(parse_rate_limits("9:metric_bucket:key:r:sessions"), 0.0) == {}
    assert active(parse_rate_limits("9:metric_bucket:key:r:sessions;custom"), 0.0) == {"metric_bucket": 9.0}
