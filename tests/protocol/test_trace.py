"""Trace headers: ``sentry-trace``, ``baggage``, and what starts a trace of our own."""

from __future__ import annotations

import pytest
import sentry_sdk
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import ProtocolError, UsageError
from pytest_sentry_harness.protocol.trace import (
    Baggage,
    SentryTrace,
    TraceHeaders,
    format_sample_rand,
    parse_baggage,
    parse_sentry_trace,
    write_baggage,
)

from .real_sdk import KeepingTransport

TRACE, SPAN = "0123456789abcdef" * 2, "fedcba9876543210"


@pytest.mark.parametrize(
    ("value", "sampled"),
    [(f"{TRACE}-{SPAN}", None), (f"{TRACE}-{SPAN}-1", True), (f" {TRACE}-{SPAN}-0\t", False)],
)
def test_sentry_trace(value: str, sampled: bool | None) -> None:
    """With and without a decision; written the same."""
    trace = parse_sentry_trace(value)
    assert trace == SentryTrace(TRACE, SPAN, sampled)
    assert str(trace) == value.strip()


@pytest.mark.parametrize(
    "value",
    ["", "abc", TRACE, f"{TRACE}-{SPAN}-2", f"{TRACE}-{SPAN}-", f"{TRACE[1:]}-{SPAN}", f"{TRACE}-{SPAN}-1-1"],
)
def test_sentry_trace_refusals(value: str) -> None:
    """Anything else is refused with the expected form."""
    with pytest.raises(
        ProtocolError, match="sentry-trace must be 32 and 16 hexadecimal digits and an optional 0 or 1"
    ):
        parse_sentry_trace(value)


def test_baggage() -> None:
    """Sentry's members decoded, foreign members kept as they came, odd ones skipped."""
    baggage = parse_baggage(
        "other=1;p=2, sentry-trace_id=abc , sentry-release=a%40b%2C%20c;x=y,sentry-sample_rate=0.25,"
        "sentry-sample_rand=0.125,sentry-sampled=true,,sentry-empty,lone, sentry-environment="
    )
    assert dict(baggage.sentry) == {
        "trace_id": "abc",
        "release": "a@b, c",
        "sample_rate": "0.25",
        "sample_rand": "0.125",
        "sampled": "true",
        "environment": "",
    }
    assert baggage.foreign == ("other=1;p=2", "lone")
    assert (baggage.sample_rate, baggage.sample_rand, baggage.sampled) == (0.25, 0.125, True)
    assert str(baggage).startswith("other=1;p=2,lone,sentry-trace_id=abc,sentry-release=a%40b%2C%20c,")
    assert parse_baggage(str(baggage)) == baggage


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("sample_rate", "1", 1.0),
        ("sample_rate", "1.1", None),
        ("sample_rate", "1e-3", 0.001),
        ("sample_rate", "nan", None),
        ("sample_rand", "0.999999", 0.999999),
        ("sample_rand", "1", None),
        ("sample_rand", "x", None),
        ("sampled", "false", False),
        ("sampled", "maybe", None),
    ],
)
def test_sampling_members(key: str, value: str, expected: object) -> None:
    """Numbers out of range and words that are no decision count as absent."""
    assert getattr(Baggage({key: value}), key) == expected


def test_empty_baggage() -> None:
    """No members: nothing known, nothing written."""
    baggage = parse_baggage("")
    assert (baggage.sample_rate, baggage.sample_rand, baggage.sampled) == (None, None, None)
    assert write_baggage(baggage) == ""


@pytest.mark.parametrize(
    ("baggage", "message"),
    [
        (Baggage({"a b": "1"}), "'a b' cannot be a baggage key"),
        (Baggage({"": "1"}), "'' cannot be a baggage key"),
        (Baggage({}, ("a=1,b=2",)), "'a=1,b=2' is not one baggage member"),
        (Baggage({}, ("",)), "'' is not one baggage member"),
        (Baggage({}, ("a=\r\nx",)), "is not one baggage member"),
        (Baggage({}, ("sentry-x=1",)), "is not a foreign baggage member: its key starts with sentry-"),
    ],
)
def test_baggage_that_cannot_be_written(baggage: Baggage, message: str) -> None:
    """Nothing is written that would read differently."""
    with pytest.raises(UsageError, match=message):
        write_baggage(baggage)


KEYS = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FOREIGN = st.from_regex(r"[a-r][a-z0-9]{0,5}=[!-+\--~]{0,8}", fullmatch=True)


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.lists(FOREIGN, max_size=3))
def test_baggage_round_trip(sentry: dict[str, str], foreign: list[str]) -> None:
    """Any values survive percent-encoding."""
    text = write_baggage(Baggage(sentry, tuple(foreign)))
    assert text.isascii()
    found = parse_baggage(text)
    assert dict(found.sentry) == sentry
    assert found.foreign == tuple(foreign)


@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    """Any text is baggage; as sentry-trace it is one or a ``ProtocolError``."""
    baggage = parse_baggage(text)
    assert baggage.sample_rand is None or 0 <= baggage.sample_rand < 1
    try:
        parse_sentry_trace(text)
    except ProtocolError:
        return


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.000000"),
        (0.5, "0.500000"),
        (0.29, "0.290000"),
        (0.9999999, "0.999999"),
        (0.000003, "0.000003"),
        (1e-9, "0.000000"),
        (0.1234567, "0.123456"),
    ],
)
def test_sample_rand_format(value: float, text: str) -> None:
    """Six decimals, cut and not rounded."""
    assert format_sample_rand(value) == text


@given(st.floats(0, 1, exclude_max=True))
def test_sample_rand_stays_in_range(value: float) -> None:
    """What is written is below 1, never above the value, and stable."""
    text = format_sample_rand(value)
    assert 0 <= float(text) <= value < 1
    assert format_sample_rand(float(text)) == text


@pytest.mark.parametrize("value", [1.0, -0.1, float("nan")])
def test_sample_rand_refusals(value: float) -> None:
    """Out of [0, 1) is a mistake of the caller."""
    with pytest.raises(UsageError, match="sample_rand must be at least 0 and less than 1"):
        format_sample_rand(value)


def test_fresh() -> None:
    """The two headers, with and without a decision."""
    assert TraceHeaders.fresh(TRACE, SPAN, 0.25) == {
        "sentry-trace": f"{TRACE}-{SPAN}",
        "baggage": f"sentry-trace_id={TRACE},sentry-sample_rand=0.250000",
    }
    assert TraceHeaders.fresh(TRACE, SPAN, 0.25, sampled=False) == {
        "sentry-trace": f"{TRACE}-{SPAN}-0",
        "baggage": f"sentry-trace_id={TRACE},sentry-sample_rand=0.250000,sentry-sampled=false",
    }


@pytest.mark.parametrize(
    ("trace_id", "span_id", "message"),
    [
        (TRACE.upper(), SPAN, "a trace id has 32 lower-case hexadecimal digits"),
        (TRACE, SPAN[1:], "a span id has 16 lower-case hexadecimal digits"),
    ],
)
def test_fresh_refusals(trace_id: str, span_id: str, message: str) -> None:
    """Wrong ids are found before they are sent."""
    with pytest.raises(UsageError, match=message):
        TraceHeaders.fresh(trace_id, span_id, 0.5)


@pytest.mark.parametrize("sample_rand", [0.0, 0.299999, 0.3, 0.7])
def test_a_real_sdk_samples_by_our_random_number(sample_rand: float) -> None:
    """The SDK continues the trace and decides exactly by ``sample_rand < rate``."""
    client = sentry_sdk.Client(
        dsn="http://key@localhost:9/1",
        transport=KeepingTransport(),
        default_integrations=False,
        traces_sample_rate=0.3,
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        transaction = sentry_sdk.continue_trace(
            TraceHeaders.fresh(TRACE, SPAN, sample_rand), op="x", name="y"
        )
        with sentry_sdk.start_transaction(transaction) as started:
            assert started.trace_id == TRACE
            assert started.sampled is (sample_rand < 0.3)
    client.close(timeout=0)
