"""Functions over rows by Sentry's names and units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import SearchError
from pytest_sentry_harness.monitor.aggregates import FUNCTIONS, looks_like_aggregate, parse_aggregate
from pytest_sentry_harness.monitor.fields import session_rows
from tests.examples import examples

from .fields.rows import T0, error, transaction

TRANSACTIONS = [
    transaction(
        100.0 * number,
        at=T0 + number,
        status="internal_error" if number in (3, 4) else "cancelled" if number == 5 else "ok",
        user={"id": number % 4},
        tags={"plan": "gold" if number < 4 else "free"},
        measurements={"cart": {"value": number}},
    )
    for number in range(1, 11)
]
SESSIONS = list(
    session_rows(
        [
            ({"attrs": {"release": "a"}, "aggregates": [{"exited": 90, "errored": 6, "crashed": 3, "abnormal": 1}]}, T0),
            *(({"sid": str(n), "did": f"u{n % 5}", "status": "crashed" if n == 0 else "exited", "init": True,
                "attrs": {"release": "a"}}, T0) for n in range(10)),
        ]
    )
)  # fmt: skip


@pytest.mark.parametrize(
    "text, value, unit",
    [
        ("count()", 10, "count"),
        ("count_unique(user)", 4, "count"),
        ("count_unique(nothing)", 0, "count"),
        ("count_if(transaction.duration,greater,900)", 1, "count"),
        ("count_if(transaction.duration,greaterOrEquals,900)", 2, "count"),
        ("count_if(transaction.duration,less,200)", 1, "count"),
        ("count_if(transaction.duration,lessOrEquals,200)", 2, "count"),
        ("count_if(transaction.duration,equals,200)", 1, "count"),
        ("count_if(plan,equals,gold)", 3, "count"),
        ('count_if(plan, notEquals, "gold")', 7, "count"),
        ("failure_count()", 2, "count"),
        ("failure_rate()", 0.2, "ratio"),
        ("failure_count_if(plan,equals,free)", 1, "count"),
        ("avg(transaction.duration)", 550, "milliseconds"),
        ("min(transaction.duration)", 100, "milliseconds"),
        ("max(transaction.duration)", 1000, "milliseconds"),
        ("sum(transaction.duration)", 5500, "milliseconds"),
        ("any(transaction.duration)", 100, "milliseconds"),
        ("sum(measurements.cart)", 55, "number"),
        ("max(timestamp)", T0 + 10, "seconds"),
        ("p50()", 500, "milliseconds"),
        ("p75(transaction.duration)", 800, "milliseconds"),
        ("p90()", 900, "milliseconds"),
        ("p95()", 1000, "milliseconds"),
        ("p99()", 1000, "milliseconds"),
        ("p100()", 1000, "milliseconds"),
        ("percentile(transaction.duration, 0.5)", 500, "milliseconds"),
        ("percentile(transaction.duration,0)", 100, "milliseconds"),
        ("p95(measurements.cart)", 10, "number"),
        ("p95(plan)", None, "number"),
        ("avg(nothing)", None, "number"),
        ("apdex(200)", (2 + 6 / 2) / 10, "ratio"),
        ("apdex()", (3 + 7 / 2) / 10, "ratio"),
        ("count_miserable(user,200)", 2, "count"),
        ("user_misery(200)", (2 + 5.8875) / (4 + 5.8875 + 111.8625), "ratio"),
        ("epm()", 5, "per minute"),
        ("eps()", 10 / 120, "per second"),
        ("tpm()", 5, "per minute"),
        ("last_seen()", T0 + 10, "seconds"),
    ],
)
def test_transactions(text: str, value: float | None, unit: str) -> None:
    """Each function over ten transactions of 100 to 1000 ms."""
    aggregate = parse_aggregate(text)
    assert aggregate.of(TRANSACTIONS, seconds=120) == pytest.approx(value)
    assert aggregate.unit == unit


@pytest.mark.parametrize(
    "text, value",
    [
        ("sum(session)", 110),
        ("crash_rate(session)", 4 / 110),
        ("crash_free_rate(session)", 1 - 4 / 110),
        ("crash_rate(user)", 1 / 5),
        ("crash_free_rate(user)", 4 / 5),
        ("percentage(sessions_crashed,sessions)", 4 / 110),
        ("percentage(users_crashed, users) AS _crash_rate_alert_aggregate", 1 / 5),
        ("count_crashed(session)", 4),
        ("count_healthy(session)", 99),
        ("count_errored(session)", 6),
        ("count_abnormal(session)", 1),
        ("count_crashed(user)", 1),
        ("count_unique(user)", 5),
    ],
)
def test_sessions(text: str, value: float) -> None:
    """Session functions count sessions, not rows."""
    assert parse_aggregate(text).of(SESSIONS) == pytest.approx(value)


@pytest.mark.parametrize("text", ["failure_rate()", "apdex(300)", "p95()", "crash_free_rate(session)", "crash_rate(user)",
                                  "last_seen()", "epm()"])  # fmt: skip
def test_no_data_is_no_value(text: str) -> None:
    """A rate or percentile of nothing is not 0."""
    assert parse_aggregate(text).of([]) is None


def test_alias_and_text() -> None:
    """The alias is kept apart, and the text is as Sentry writes it."""
    aggregate = parse_aggregate("percentage(sessions_crashed, sessions) AS _crash_rate_alert_aggregate")
    assert (aggregate.text, aggregate.alias) == (
        "percentage(sessions_crashed,sessions)",
        "_crash_rate_alert_aggregate",
    )
    assert looks_like_aggregate("count()")
    assert not looks_like_aggregate("transaction")


@pytest.mark.parametrize(
    "text, message",
    [
        ("count", "character 1: 'count' is not a function\n  hint: write it as in count()"),
        ("cuont()", "character 1: unknown function 'cuont'\n  hint: did you mean 'count'"),
        ("failure_rate(x)", "failure_rate takes no argument, got 1"),
        ("percentile(x)", "percentile takes 2 arguments (column, level), got 1"),
        ("count(a,b)", "count takes up to 1 argument (column), got 2"),
        ("percentile(x,95)", "the level of a percentile must be between 0 and 1, got 95"),
        ("percentile(x,high)", "the level of a percentile must be a number, got 'high'"),
        ("apdex(fast)", "the threshold in milliseconds must be a number, got 'fast'"),
        ("apdex(-5)", "the threshold in milliseconds must not be negative, got -5"),
        ("apdex(inf)", "the threshold in milliseconds must be a number"),
        ("count_if(a,is,b)", "'is' is not one of equals, notEquals"),
        ("count_if(a,less,b)", "value must be a number, got 'b'"),
        ("count_if(a,,b)", "an argument is missing or has an odd quote"),
        ("count_if(a,b,)", "an argument is missing or has an odd quote"),
        ('p95("a)', "an argument is missing or has an odd quote"),
        ("crash_rate(sessions)", "the argument must be session or user, got 'sessions'"),
        ("count_crashed(x)", "the argument must be session or user, got 'x'"),
        ("percentage(a,b)", "the arguments must be sessions_crashed,sessions"),
    ],
)
def test_messages(text: str, message: str) -> None:
    """What is wrong with a function, and how it is written."""
    with pytest.raises(SearchError) as caught:
        parse_aggregate(text, where=None)
    assert message in str(caught.value)


def test_misfits() -> None:
    """A function over a field of another type, or over other rows, says so."""
    assert parse_aggregate("p95(transaction)").misfits("transaction") == (
        "p95(transaction): transaction is a field of type text, p95 needs one of type duration or number",
    )
    assert parse_aggregate("failure_rate()").misfits("event") == (
        "failure_rate() is a function of span or transaction rows, these are event rows",
    )
    assert parse_aggregate("avg(session.durtion)").misfits("session") == (
        "avg(session.durtion): session.durtion is no field of sessions",
    )
    assert parse_aggregate("p95()").misfits("transaction") == ()
    assert parse_aggregate("p95(my.tag)").misfits("transaction") == ()
    assert parse_aggregate("count()").misfits() == ()
    assert parse_aggregate("max(timestamp)").misfits("event") == ()


def test_every_function_can_be_read() -> None:
    """The table has no function that cannot be built."""
    examples = {"column": "transaction.duration", "operator": "equals", "value": "5", "level": "0.5", "threshold": "300",
                "of": "session", "part": "sessions_crashed", "whole": "sessions", "interval": "60"}  # fmt: skip
    for name, function in FUNCTIONS.items():
        text = f"{name}({','.join(examples[each] for each in function.takes)})"
        parse_aggregate(text).of([*TRANSACTIONS, error(), *SESSIONS], seconds=60)


@examples(100)
@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=40), st.sampled_from([50, 75, 90, 95, 99, 100]))
def test_percentiles_are_values_of_the_sample(durations: list[int], level: int) -> None:
    """At least that share of the values lies at or below the percentile, and it is one of them."""
    rows = [transaction(duration) for duration in durations]
    found = parse_aggregate(f"p{level}()").of(rows)
    assert found is not None
    assert found in [pytest.approx(duration) for duration in durations]
    assert sum(duration <= found + 0.01 for duration in durations) >= level / 100 * len(durations) - 1e-9


@examples(200)
@given(st.text(alphabet='pcount95_if(),"\\ aAS.', max_size=25))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is written gives an aggregate or an error with a place in the text."""
    position = 1
    try:
        parse_aggregate(text).of(TRANSACTIONS)
    except SearchError as caught:
        position = caught.position
    assert 1 <= position <= len(text) + 1
