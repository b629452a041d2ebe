"""The account of measured durations: each ends in one state, and the reason is the right one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.model.arrival import Arrival, Discarded
from pytest_sentry_harness.model.ledger import Hello, Intent, Record, SdkDiscarded, SdkInit, Sent, Timed
from pytest_sentry_harness.model.scenario import Operation
from pytest_sentry_harness.model.timing import Timings, Told
from pytest_sentry_harness.protocol.spans import SpanTold, TransactionTold
from pytest_sentry_harness.reconcile.timings import MOST_SPANS, join_timings

WALL = 1_700_000_000.0
"""Wall clock minus monotonic clock of the machine."""
QUERY = Operation(name="query", at="app:query", kind="sql", op="db*", description="SELECT *")
WHOLE = Operation(name="serve", at="app:serve", kind="async", route="/orders")


def trace(number: int) -> str:
    return f"{number:032x}"


def hello(role: Literal["target", "load", "harness"], mono: float = 0.0, wall: float = WALL) -> Hello:
    return Hello(
        at=wall + mono,
        mono=mono,
        run_id="r",
        role=role,
        pid=1,
        parent_pid=0,
        argv=(),
        python="3",
        harness="1",
    )


def sent(number: int, rand: float = 0.0, request: str = "GET /orders") -> Sent:
    return Sent(at=WALL, mono=0.0, trace_id=trace(number), request=request, sample_rand=rand)


def timed(number: int | None, end: float, seconds: float, operation: str = "query") -> Timed:
    """The target's wall clock is a day off, which must not matter."""
    return Timed(
        at=end - 86400,
        mono=end,
        operation=operation,
        trace_id=None if number is None else trace(number),
        seconds=seconds,
    )


def init(rate: float | None = 1.0, **options: Any) -> SdkInit:
    return SdkInit(
        at=0, mono=0, version="2", active=True, dsn="d", options={"traces_sample_rate": rate, **options}
    )


def discarded(reason: str, quantity: int = 1, category: str = "transaction") -> SdkDiscarded:
    return SdkDiscarded(at=0, mono=0, event_id=None, reason=reason, category=category, quantity=quantity)


def ledger(*load: Record, target: Sequence[Record] = (), sdk: SdkInit | None = None) -> list[Record]:
    found: list[Record] = [hello("load"), *load, hello("target", wall=5.0), *([sdk] if sdk else [])]
    return [*found, *target]


def span(start: float, seconds: float, op: str = "db", description: str = "SELECT 1") -> SpanTold:
    return SpanTold(
        trace_id=trace(1),
        span_id="b" * 16,
        op=op,
        description=description,
        start=WALL + start,
        end=WALL + start + seconds,
    )


def transaction(number: int, *spans: SpanTold, **more: Any) -> TransactionTold:
    values: dict[str, Any] = {
        "mode": "static",
        "event_id": None,
        "trace_id": trace(number),
        "span_id": "a" * 16,
        "name": "/orders",
        "start": WALL + 9.0,
        "end": WALL + 12.0,
        "spans": spans,
        **more,
    }
    return TransactionTold(**values)


def states(found: Timings) -> dict[str, int]:
    return dict(Counter(f"{each.state} {each.reason}".strip() for each in found.durations))


def test_a_span_is_held_against_its_call() -> None:
    """Signed errors of duration and start; the start by the clock of load and harness, not by the target's."""
    records = ledger(sent(1), target=[timed(1, 10.5, 0.5)], sdk=init())
    found = join_timings([QUERY], records, [transaction(1, span(10.02, 0.45), span(10, 9, op="http.client"))])
    (each,) = found.durations
    assert (each.operation, each.kind, each.state, each.mode) == ("query", "sql", Told.MATCHED, "static")
    assert each.error == pytest.approx(-0.05, abs=1e-6)
    assert each.start_error == pytest.approx(0.02, abs=1e-6)
    assert (found.rate, found.traces, found.oversampled, found.undersampled) == (1.0, 1, (), ())


def test_calls_of_one_trace_are_matched_in_the_order_of_their_starts() -> None:
    """Operations that say the same of their spans share them."""
    same = Operation(name="same", at="app:same", kind="sql", op="db*", description="SELECT *")
    calls = [timed(1, 13.0, 1.0), timed(1, 11.0, 0.5, "same"), timed(1, 12.0, 0.2)]
    records = ledger(sent(1), target=calls, sdk=init())
    told = [transaction(1, span(12.0, 1.0)), transaction(1, span(11.8, 0.2), span(10.5, 0.5))]
    found = join_timings([QUERY, same], records, told)
    assert [each.error for each in found.durations] == pytest.approx([0, 0, 0], abs=1e-6)
    assert [each.operation for each in found.durations] == ["same", "query", "query"]


def test_the_transaction_itself() -> None:
    """Without op and description the transaction is meant, on its route; a broken segment has none."""
    records = ledger(
        sent(1), sent(2), sent(3), target=[timed(n, 12.0, 3.0, "serve") for n in (1, 2, 3)], sdk=init()
    )
    told = [
        transaction(1),
        transaction(1, name="/other"),
        transaction(2, mode="stream", whole=False),
        transaction(3, name="/other"),
    ]
    found = join_timings([WHOLE], records, told)
    assert states(found) == {"matched": 1, "no_span no_such_span": 1, "no_transaction other_route": 1}
    assert found.durations[0].error == pytest.approx(0)


def test_which_span_is_whose_is_not_guessed() -> None:
    """More spans than calls leave all in doubt; fewer leave as many without a span, and the others in doubt."""
    records = ledger(
        sent(1),
        sent(2),
        sent(3),
        target=[timed(1, 10, 1), timed(2, 10, 1), timed(2, 11, 1), timed(2, 12, 1), timed(3, 10, 1)],
        sdk=init(),
    )
    many = [span(10, 0.001, op="function") for _ in range(MOST_SPANS)]
    told = [
        transaction(1, span(9, 1), span(9, 1)),
        transaction(2, span(9, 1)),
        transaction(3, *many),
    ]
    assert states(join_timings([QUERY], records, told)) == {
        "ambiguous more_spans_than_calls": 1,
        "ambiguous fewer_spans_than_calls": 1,
        "no_span no_such_span": 2,
        "no_span max_spans": 1,
    }
    records.append(discarded("buffer_overflow", category="span"))
    assert states(join_timings([QUERY], records, told[1:2]))["no_span max_spans"] == 2


def test_sampled_by_the_number_of_the_trace() -> None:
    """Left out rightly at or above the rate; against it, both ways, is missampled."""
    rands = [0.1, 0.2, 0.5, 0.7, 0.9]
    records = ledger(
        *(sent(number, rand) for number, rand in enumerate(rands)),
        target=[timed(number, 10, 1) for number in range(5)],
        sdk=init(0.5, traces_sampler="shop.dice (shop.py:3)"),
    )
    told = [transaction(number, span(9, 1)) for number in (0, 3)]
    records.append(discarded("sample_rate", 2))
    found = join_timings([QUERY], records, told)
    assert states(found) == {"matched": 2, "unsampled sample_rate": 2, "no_transaction unexplained": 1}
    # One more was left out than should be: that is who took the missing one.
    found = join_timings([QUERY], [*records, discarded("sample_rate")], told)
    assert states(found) == {"matched": 2, "unsampled sample_rate": 2, "missampled sample_rate": 1}
    assert (found.oversampled, found.undersampled) == ((trace(3),), (trace(1),))
    assert (found.traces, found.sampler) == (5, "shop.dice (shop.py:3)")


@pytest.mark.parametrize(
    "records,arrivals,expected",
    [
        ([], [], "no_transaction unexplained"),
        (
            [discarded("queue_overflow"), discarded("network_error")],
            [],
            "no_transaction network_error or queue_overflow",
        ),
        ([], [("refused", "rate_limited")], "no_transaction rate_limited"),
        ([], [("invalid", "")], "no_transaction invalid"),
        ([], [("duplicate", "duplicate")], "no_transaction unexplained"),
        ([], [("report", "backpressure")], "no_transaction backpressure"),
    ],
)
def test_why_no_transaction_arrived(
    records: list[Record], arrivals: list[tuple[str, str]], expected: str
) -> None:
    """The server's refusal, what the SDK counted, what its reports say; else it is not explained."""
    came = []
    for outcome, reason in arrivals:
        more: dict[str, Any] = {"item_type": "transaction", "outcome": outcome, "reason": reason}
        if outcome == "report":
            line = Discarded(reason=reason, category="transaction", quantity=1)
            more = {"item_type": "client_report", "outcome": "accepted", "discarded": (line,)}
        came.append(
            Arrival(
                cursor=1,
                request=1,
                position=0,
                project="1",
                received_at=0,
                received_mono=0,
                status=200,
                trace_id=trace(1),
                **more,
            )
        )
    found = join_timings(
        [QUERY], [*ledger(sent(1), target=[timed(1, 10, 1)], sdk=init()), *records], [], came
    )
    assert states(found) == {expected: 1}


@pytest.mark.parametrize(
    "load,sdk,told,expected",
    [
        (sent(1, request="HEAD /orders"), init(), [], "no_transaction method_head"),
        (sent(1), init(None), [], "no_transaction tracing_off"),
        (sent(1), init(), [transaction(77)], "no_transaction trace_lost"),
        (sent(1), None, [], "no_transaction unexplained"),
    ],
)
def test_other_reasons(load: Sent, sdk: SdkInit | None, told: list[TransactionTold], expected: str) -> None:
    """No transaction is made, tracing is off, or what arrived bears another trace."""
    found = join_timings([QUERY], ledger(load, target=[timed(1, 10, 1)], sdk=sdk), told)
    assert states(found) == {expected: 1}


def test_a_sampler_that_promises_no_rate() -> None:
    """What it left out is taken as its will, as far as the SDK counted it."""
    records = ledger(
        sent(1, 0.1),
        sent(2, 0.1),
        target=[timed(1, 10, 1), timed(2, 10, 1)],
        sdk=init(None, traces_sampler="s"),
    )
    told = [transaction(1, span(9, 1))]
    assert states(join_timings([QUERY], records, told))["no_transaction unexplained"] == 1
    found = join_timings([QUERY], [*records, discarded("sample_rate")], told)
    assert states(found)["unsampled traces_sampler"] == 1
    assert (found.rate, found.oversampled, found.undersampled) == (None, (), ())


def test_processes_that_promise_different_rates_promise_none() -> None:
    """A worker that samples otherwise: no rate can be held against the traces."""
    records = [*ledger(sent(1, 0.5), target=[timed(1, 10, 1)], sdk=init(0.9)), hello("target"), init(0.1)]
    found = join_timings([QUERY], records, [])
    assert (found.rate, states(found)) == (None, {"no_transaction unexplained": 1})


def test_outside_of_requests_nothing_is_promised() -> None:
    """No trace, or one the load never sent; calls of functions that are no operations are not counted."""
    records = ledger(
        sent(1), target=[timed(None, 10, 1), timed(9, 10, 1), timed(1, 10, 1, "unknown")], sdk=init()
    )
    assert states(join_timings([QUERY], records, [])) == {"outside outside_of_requests": 2}


def test_an_intent_tells_the_sampling_number_too() -> None:
    """Requests with faults say it in their intent."""
    intent = Intent(
        at=0, mono=0, fault_id="f", fault="f", trace_id=trace(1), request="GET /", sample_rand=0.7
    )
    records = ledger(intent, target=[timed(1, 10, 1)], sdk=init(0.5))
    assert states(join_timings([QUERY], records, [])) == {"unsampled sample_rate": 1}


def test_in_stream_mode_spans_are_what_is_counted() -> None:
    """The SDK counts the segments it left out as spans."""
    records = ledger(sent(1, 0.1), sent(2, 0.1), target=[timed(1, 10, 1), timed(2, 10, 1)], sdk=init(0.5))
    told = [transaction(1, span(9, 1), mode="stream")]
    found = join_timings([QUERY], [*records, discarded("sample_rate", category="span")], told)
    assert states(found) == {"matched": 1, "missampled sample_rate": 1}
    assert found.durations[0].mode == "stream"


def test_without_journals_of_load_or_harness_the_true_start_is_not_known() -> None:
    """The target's own wall clock is not believed."""
    records: list[Record] = [hello("target"), sent(1), timed(1, 10, 1)]
    (each,) = join_timings([QUERY], records, [transaction(1, span(9, 1))]).durations
    assert (each.state, each.start_error) == (Told.MATCHED, None)


def test_the_wall_clock_of_the_nearest_second_counts() -> None:
    """A machine whose clock was set in mid-run: the harness read it before and after."""
    load: list[Record] = [sent(1), hello("harness", 0.2), hello("harness", 100.2, WALL + 30)]
    records = [*ledger(*load, target=[timed(1, 10, 1), timed(1, 99, 1)], sdk=init())]
    found = join_timings([QUERY], records, [transaction(1, span(9, 1), span(98 + 30, 1))])
    assert [each.start_error for each in found.durations] == pytest.approx([0, 0], abs=1e-6)


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.floats(0, 1), st.sampled_from(["query", "serve", "x"])), max_size=12
    ),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), max_size=8),
    st.lists(st.floats(0, 0.999), min_size=3, max_size=3),
    st.sampled_from([None, 0.0, 0.5, 1.0]),
)
def test_the_account_closes(
    calls: list[tuple[int, float, str]], told: list[tuple[int, int]], rands: list[float], rate: float | None
) -> None:
    """Every measured call of an operation ends in exactly one state, whatever arrives."""
    records = ledger(
        *(sent(number, rand) for number, rand in enumerate(rands)),
        target=[
            timed(number, 10 + index, seconds, name) for index, (number, seconds, name) in enumerate(calls)
        ],
        sdk=init(rate),
    )
    arrived = [transaction(number, *[span(9, 1)] * count) for number, count in told]
    found = join_timings([QUERY, WHOLE], records, arrived)
    assert len(found.durations) == sum(name != "x" for _, _, name in calls)
    assert all((each.reported is not None) == (each.state is Told.MATCHED) for each in found.durations)
