"""Where the time of slow operations was put, judged from ledgers and transactions made by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_sentry_harness.model.ledger import Place
from pytest_sentry_harness.model.scenario import Profiling
from pytest_sentry_harness.reconcile.calls import read_calls
from pytest_sentry_harness.reconcile.intervals import length, shared, without
from pytest_sentry_harness.reconcile.n_plus_one import without_values
from tests.reconcile.told import ROOT, TRACE, ZERO, Told, span

ATTRIBUTED = "profiling.attributed"
MISSED = "profiling.n_plus_one.missed"
FALSE = "profiling.n_plus_one.false"
BARE = "profiling.uninstrumented"
NO_LINE = "found, but no span says which line asks"


def story(*, start: float = 0.1, end: float = 0.3, **operation: Any) -> Told:
    """One slow call, told by nobody so far."""
    told = Told()
    told.process()
    told.operation(**operation)
    told.timed(start, end)
    return told


# ---- intervals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        ([], [(1, 4)]),
        ([(2, 3)], [(1, 2), (3, 4)]),
        ([(0, 2), (3, 9)], [(2, 3)]),
        ([(2, 3), (1.5, 2.5)], [(1, 1.5), (3, 4)]),
        ([(0, 9)], []),
        ([(0, 1), (4, 5), (6, 7)], [(1, 4)]),
    ],
)
def test_what_is_left_of_a_stretch(taken: list[tuple[float, float]], left: list[tuple[float, float]]) -> None:
    """What is taken may overlap, and reach beyond both ends."""
    assert list(without((1, 4), taken)) == left
    assert length(left) == sum(end - begin for begin, end in left)


def test_what_two_have_in_common() -> None:
    """Both are lists of stretches."""
    assert shared([(0, 2), (3, 6)], [(1, 4), (5, 9)]) == 1 + 1 + 1
    assert shared([(0, 1)], [(1, 2)]) == 0
    assert shared([], [(1, 2)]) == 0


# ---- the right span, the right route -------------------------------------------------------------


def test_time_in_the_named_span_is_attributed() -> None:
    """The span covers the call, and the transaction is that of the route."""
    told = story(op="function", description="render*", route="/orders")
    told.transaction(0, 0.4, span(1, 0.1, 0.3, "function", "render report"))
    found = told.look()
    (operation,) = found.info.operations
    assert (operation.calls, operation.slow, operation.attributed) == (1, 1, 1)
    assert operation.expected == "span function 'render*' on /orders"
    assert found.findings == ()


def test_time_of_an_operation_without_a_span_belongs_to_the_transaction() -> None:
    """Middleware around it does not count: it only says which way the request went."""
    told = story()
    told.transaction(0, 0.4, span(1, 0.01, 0.39, "middleware.starlette", "CORSMiddleware"))
    assert told.wrong(ATTRIBUTED) == []


def test_time_in_another_span_is_named() -> None:
    """A span of something else covers it."""
    told = story(op="db")
    told.transaction(0, 0.4, span(1, 0.1, 0.3, "function", "render"), span(2, 0.3, 0.31, "db", "SELECT 1"))
    assert told.wrong(ATTRIBUTED) == [
        ("work", "wrong_span", "it is in span function 'render' of '/orders', not in span db", 1)
    ]


def test_a_child_takes_the_time_from_its_parent() -> None:
    """Only what no child covers is a span's own."""
    told = story(op="function")
    told.transaction(
        0, 0.4, span(1, 0.05, 0.35, "function", "f"), span(2, 0.1, 0.3, "db", "SELECT 1", parent=1)
    )
    assert told.wrong(ATTRIBUTED) == [
        ("work", "wrong_span", "it is in span db 'SELECT 1' of '/orders', not in span function", 1)
    ]


def test_a_span_around_the_wrong_call_is_told_from_a_missing_one() -> None:
    """In both, the transaction itself has the time."""
    told = story(op="function", description="render")
    told.transaction(0, 0.4, span(1, 0.31, 0.32, "function", "render"))
    where = "it is in the transaction '/orders' itself: span function 'render' is"
    assert told.wrong(ATTRIBUTED) == [("work", "wrong_span", f"{where} there, and does not cover it", 1)]
    told.items.clear()
    told.transaction(0, 0.4)
    assert told.wrong(ATTRIBUTED) == [("work", "no_span", f"{where} not there", 1)]


def test_a_transaction_of_another_route_is_named() -> None:
    """The span is right, its transaction is not."""
    told = story(op="function", route="/orders/{id}")
    told.transaction(0, 0.4, span(1, 0.1, 0.3, "function", "f"), name="/static")
    assert told.wrong(ATTRIBUTED) == [
        ("work", "wrong_route", "it is on route '/static', not '/orders/{id}'", 1)
    ]


def test_a_transaction_that_had_ended_covers_nothing() -> None:
    """Such as one for a request whose work goes on in the background."""
    told = story(start=0.5, end=0.7)
    told.transaction(0, 0.4)
    assert told.wrong(ATTRIBUTED) == [
        ("work", "outside_transaction", "transaction '/orders' was not running then", 1)
    ]


def test_spans_of_calls_side_by_side_share_the_time() -> None:
    """Each call is covered by both spans; its own is among them."""
    told = story(op="http.client", description="GET a", kind="http")
    told.operation("other", op="http.client", description="GET b", kind="http")
    told.timed(0.1, 0.31, "other")
    told.transaction(
        0, 0.4, span(1, 0.1, 0.3, "http.client", "GET a"), span(2, 0.1, 0.31, "http.client", "GET b")
    )
    assert told.wrong(ATTRIBUTED) == []


def test_the_better_of_two_transactions_of_a_trace_counts() -> None:
    """The service that was asked has a transaction of its own in the same trace."""
    told = story(op="http.client", route="/orders", kind="http")
    for _ in range(2):
        told.transaction(0.11, 0.29, name="/upstream", event="d" * 32, root="1" * 16)
        told.transaction(0, 0.4, span(1, 0.1, 0.3, "http.client", "GET u"))
    assert told.wrong(ATTRIBUTED) == []


def test_a_call_within_another_has_its_time_for_itself() -> None:
    """The outer call is not slow by itself, and so is not looked for."""
    told = story(op="db", kind="sql")
    told.operation("outer")
    told.timed(0.08, 0.32, "outer")
    told.transaction(0, 0.4, span(1, 0.1, 0.3, "db", "SELECT 1"))
    inner, outer = told.look().info.operations
    assert (inner.slow, outer.calls, outer.slow) == (1, 1, 0)


def gathered(*spans: dict[str, Any]) -> Told:
    """Two coroutines side by side, one of them wholly in the time of the other."""
    told = story(start=0.1, end=0.2, op="function", description="work", kind="async")
    told.records.pop()
    told.operation("other", op="function", description="other", kind="async")
    told.timed(0.1, 0.2, task="Task-1")
    told.timed(0.104, 0.194, "other", task="Task-2")
    told.transaction(0, 0.4, *spans)
    return told


def test_what_runs_at_the_same_time_in_another_task_is_not_within() -> None:
    """A call without a span is slow, whatever other tasks do meanwhile."""
    told = gathered(span(1, 0.104, 0.194, "function", "other"))
    assert [(each.slow, each.attributed) for each in told.look().info.operations] == [(1, 0), (1, 1)]
    words = "it is in span function 'other' of '/orders', not in span function 'work'"
    assert told.wrong(ATTRIBUTED) == [("work", "wrong_span", words, 1)]
    told = gathered(span(1, 0.104, 0.194, "function", "other"), span(2, 0.1, 0.2, "function", "work"))
    assert told.wrong(ATTRIBUTED) == []


def test_a_call_that_waits_for_one_in_another_task_may_have_its_span_around_it() -> None:
    """The span below its own tells of the other one, and takes nothing away; any other span does."""
    told = gathered(
        span(1, 0.1, 0.2, "function", "work"), span(2, 0.104, 0.194, "function", "other", parent=1)
    )
    assert told.wrong(ATTRIBUTED) == []
    # Integrations put a span of the task between them.
    told = gathered(
        span(1, 0.1, 0.2, "function", "work"),
        span(2, 0.102, 0.196, "task", "run", parent=1),
        span(3, 0.104, 0.194, "function", "other", parent=2),
    )
    assert told.wrong(ATTRIBUTED) == []
    told = gathered(
        span(1, 0.1, 0.2, "function", "work"), span(2, 0.104, 0.194, "function", "third", parent=1)
    )
    assert {each[:2] for each in told.wrong(ATTRIBUTED)} == {("other", "wrong_span"), ("work", "wrong_span")}


def test_calls_of_other_threads_and_processes_are_not_within() -> None:
    """Only in one thread of one process is what runs within a call surely its own."""
    told = story(start=0.1, end=0.3)
    told.timed(0.15, 0.25, thread="Thread-1")
    assert [round(call.seconds, 6) for call in read_calls(told.records, told.operations)] == [0.2, 0.1]
    told = story(start=0.1, end=0.3)
    told.process()
    told.timed(0.15, 0.25)
    assert [round(call.seconds, 6) for call in read_calls(told.records, told.operations)] == [0.2, 0.1]


def test_calls_at_the_same_time_keep_it_both() -> None:
    """Neither is within the other."""
    told = story()
    told.timed(0.1, 0.3)
    told.timed(0.9, 1.0)
    calls = read_calls(told.records, told.operations)
    assert [round(call.seconds, 6) for call in calls] == [0.2, 0.2, 0.1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "no transaction of its trace arrived"),
        ({"traces_sample_rate": None}, "no transaction of its trace arrived: traces_sample_rate=None"),
        ({"traces_sample_rate": 0.0}, "no transaction of its trace arrived: traces_sample_rate=0.0"),
        ({"traces_sample_rate": None, "traces_sampler": "f"}, "no transaction of its trace arrived"),
    ],
)
def test_a_trace_without_transaction(options: dict[str, Any], words: str) -> None:
    """The option is named that leaves it out."""
    told = Told()
    told.process(**options)
    told.operation()
    told.sent(0.3)
    told.timed(0, 0.2)
    assert told.wrong(ATTRIBUTED) == [("work", "no_transaction", words, 1)]


UNKNOWN = "operation 'work': nothing is known about it, "


def test_a_trace_that_the_promised_rate_leaves_out_is_not_looked_for() -> None:
    """Its number is not below the rate. Where that is true of all, nothing is known about the operation."""
    told = Told()
    told.process(traces_sample_rate=0.2)
    told.operation()
    told.sent(0.2)
    told.timed(0, 0.2)
    found = told.look()
    assert (found.info.operations[0].slow, found.findings) == (0, ())
    (doubt,) = found.doubts
    assert (
        doubt
        == f"{UNKNOWN}sampling left out the traces of all of its 1 slow calls: sample more, or send more requests"
    )


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (["before_send"], "no transaction of its trace arrived: before_send"),
        (
            ["sample_rate"],
            "no transaction of its trace arrived: sampling left it out although its sample_rand is below 0.99",
        ),
        ([], "no transaction of its trace arrived"),
    ],
)
def test_a_rate_below_one_is_no_excuse_for_traces_it_does_not_leave_out(
    reasons: list[str], words: str
) -> None:
    """A hook that drops a whole route is found as surely as where everything is sampled."""
    told = Told()
    told.process(traces_sample_rate=0.99)
    told.operation()
    for number in range(30):
        trace = f"{number:032x}"
        told.sent(number / 30, trace)
        told.timed(number, number + 0.2, trace=trace)
    for reason in reasons:
        told.discarded(reason, 30)
    found = told.look()
    assert (found.info.operations[0].slow, found.info.operations[0].attributed) == (30, 0)
    assert told.wrong(ATTRIBUTED) == [("work", "no_transaction", words, 30)]
    assert found.doubts == ()


def test_what_a_sampler_says_it_left_out_is_not_looked_for() -> None:
    """It promises no rate, so its count is all there is; what is beyond that count is lost."""
    told = Told()
    told.process(traces_sample_rate=None, traces_sampler="shop.sampler")
    told.operation()
    told.sent(0.3)
    told.timed(0, 0.2)
    told.discarded("sample_rate")
    assert told.wrong(ATTRIBUTED) == []
    assert len(told.look().doubts) == 1


def test_of_processes_with_rates_of_their_own_that_of_the_call_counts() -> None:
    """Nobody knows which of them began the trace."""
    for rand, slow in ((0.3, 1), (0.6, 0)):
        told = Told()
        told.process(traces_sample_rate=0.9)
        told.process(traces_sample_rate=0.5)
        told.operation()
        told.sent(rand)
        told.timed(0, 0.2)
        assert told.look().info.operations[0].slow == slow


def test_an_operation_that_is_never_slow_is_not_known() -> None:
    """It was called, and there was nothing to look for; one that was never called is said elsewhere."""
    told = story(end=0.14)
    told.operation("never")
    told.transaction(0, 0.4)
    assert told.look().doubts == (
        f"{UNKNOWN}none of its 1 calls took 0.05 s or more by itself: lower slow, or take the operation out",
    )


def test_a_run_in_which_nothing_is_asked_of_anything_is_not_known() -> None:
    """Without operations and declared queries, only queries that nobody declared can be found: there must be queries."""
    told = Told()
    for number in range(25):
        told.transaction(0, 0.4, *([span(1, 0.1, 0.2, "db", "SELECT 1")] if number < 19 else []))
    (doubt,) = told.look().doubts
    assert doubt.startswith("only 19 of 25 transactions hold a query of a database")
    told.transaction(0, 0.4, span(1, 0.1, 0.2, "db", "SELECT 1"))
    assert told.look().doubts == ()
    told.items.clear()
    for promised in (Profiling(profiles=1.0), Profiling()):
        told.profiling = promised
        assert len(told.look().doubts) == (0 if promised.profiles else 1)
    told.planted()
    assert told.look().doubts == ()


def test_a_call_without_request_or_sdk() -> None:
    """Both are said as they are."""
    told = Told()
    told.operation()
    told.timed(0, 0.2, trace=None)
    told.timed(0, 0.2)
    assert sorted(told.wrong(ATTRIBUTED)) == [
        ("work", "no_request", "it ran for no request that the load sent", 1),
        (
            "work",
            "no_transaction",
            "no transaction of its trace arrived, and no SDK was set up in its process",
            1,
        ),
    ]


def test_quick_calls_and_calls_of_other_operations_are_left_alone() -> None:
    """``slow`` is the scenario's to say."""
    told = story(end=0.14)
    told.timed(0, 1, "unknown")
    assert told.look().info.operations[0].slow == 0
    told.profiling = Profiling(slow=0.03)
    assert told.look().info.operations[0].slow == 1


def test_an_item_nobody_can_read_is_counted() -> None:
    """It is not silently left out."""
    told = story()
    told.items.append(("transaction", b"{}"))
    told.profiles.append(("profile", b"{}"))
    assert told.look().info.unread == 2


def test_a_stretch_of_streamed_spans_is_a_transaction() -> None:
    """Streamed spans come one by one, and their first span is the transaction."""
    told = story(op="function")
    common = {"trace_id": TRACE, "status": "ok"}
    spans = [
        {
            **common,
            "span_id": ROOT,
            "is_segment": True,
            "name": "/orders",
            "start_timestamp": ZERO,
            "end_timestamp": ZERO + 0.4,
        },
        {
            **common,
            "span_id": "1" * 16,
            "parent_span_id": ROOT,
            "name": "render",
            "start_timestamp": ZERO + 0.1,
            "end_timestamp": ZERO + 0.3,
            "attributes": {
                "sentry.op": {"value": "function", "type": "string"},
                "sentry.segment.id": {"value": ROOT, "type": "string"},
            },
        },
    ]
    told.items.append(("span", json.dumps({"items": spans}).encode()))
    assert told.wrong(ATTRIBUTED) == []
    assert told.look().info.transactions == 1


# ---- N+1 queries ---------------------------------------------------------------------------------


def test_declared_queries_are_found_with_their_line() -> None:
    """The query, how often, how long, and where it is asked."""
    told = Told()
    told.planted(file="shop/orders.py")
    told.queries(6, **{"code.filepath": "shop/orders.py", "code.lineno": 31, "code.function": "items"})
    found = told.look()
    (queries,) = found.info.n_plus_one
    assert (queries.name, queries.route, queries.count, queries.transactions) == ("items", "/orders", 6, 1)
    assert queries.seconds == pytest.approx(0.12, abs=1e-5)
    assert queries.place == Place(file="shop/orders.py", line=31, function="items")
    assert (found.info.missed, found.info.undeclared, found.findings) == (0, 0, ())


def test_streamed_spans_name_the_line_otherwise() -> None:
    """Attributes have names of their own."""
    told = Told()
    told.planted(file="orders.py")
    told.queries(6, **{"code.file.path": "shop/orders.py", "code.line.number": 31})
    assert told.wrong(MISSED) == []


@pytest.mark.parametrize(
    ("queries", "declared", "reason", "words"),
    [
        ({"count": 4}, {}, "too_few_spans", "fewer than 5 spans of the query follow one another"),
        ({"count": 6}, {"count": 9}, "too_few_spans", "fewer than 9 spans of the query follow one another"),
        ({"count": 6, "each": 0.001}, {}, "too_quick", "its spans take less than 0.05 s together"),
        ({"count": 6, "source": False}, {}, "no_source_query", "no span of another query comes before it"),
        (
            {"count": 6, "query": "SELECT name, items..."},
            {},
            "query_cut_off",
            "the SDK left out the end of the query",
        ),
        ({"count": 0}, {}, "no_query_span", "no span has the query"),
        ({"count": 6}, {"file": "orders.py"}, "no_line", NO_LINE),
        (
            {"count": 6, "code.filepath": "other.py", "code.lineno": 3},
            {"file": "orders.py"},
            "wrong_line",
            "found, but said to be asked at other.py:3",
        ),
        (
            {"count": 6, "code.filepath": "orders.py", "code.lineno": "x"},
            {"file": "orders.py"},
            "no_line",
            NO_LINE,
        ),
    ],
)
def test_declared_queries_that_are_missed(
    queries: dict[str, Any], declared: dict[str, Any], reason: str, words: str
) -> None:
    """The report says which of the detector's conditions is not met."""
    told = Told()
    told.planted(**declared)
    told.queries(**queries)
    assert told.wrong(MISSED) == [("items", reason, f"{words} on '/orders'", 1)]
    assert told.look().info.missed == 1


def test_declared_queries_whose_route_never_arrived() -> None:
    """Nothing is found where nothing is."""
    told = Told()
    told.planted(route="/basket")
    told.queries(6)
    assert told.wrong(MISSED) == [("items", "no_transaction", "no transaction on route '/basket' arrived", 1)]
    assert told.look().info.undeclared == 1


def test_queries_nobody_declared() -> None:
    """Found all the same, for each transaction they are in."""
    told = Told()
    place = {"code.filepath": "shop/orders.py", "code.lineno": 31}
    told.queries(6, query="SELECT name FROM items WHERE id = %d", **place)
    told.queries(6, query="SELECT name FROM items WHERE id = %d", **place)
    (finding,) = told.look().findings
    assert (finding.metric, finding.reason, finding.count) == (FALSE, "not_declared", 2)
    assert finding.culprit == "'SELECT name FROM items WHERE id = %s' on '/orders'"
    assert finding.place == Place(file="shop/orders.py", line=31)
    assert told.look().info.undeclared == 2


def test_only_queries_in_a_row_below_one_parent_count() -> None:
    """Others in between, overlaps, other parents and other spans all break the row."""
    told = Told()
    again = [span(n, n * 0.1, n * 0.1 + 0.05, "db", "SELECT 1 FROM items") for n in range(2, 8)]
    between = [span(20 + n, n * 0.1 + 0.06, n * 0.1 + 0.08, "db", "COMMIT") for n in range(2, 8)]
    parallel = [span(40 + n, 1, 1.5, "db", "SELECT 2 FROM shops") for n in range(6)]
    cache = [span(60 + n, 2 + n, 2.5 + n, "db.redis", "GET key") for n in range(6)]
    parted = [span(80 + n, 3 + n, 3.5 + n, "db", "SELECT 3 FROM x", parent=n % 2 + 2) for n in range(8)]
    told.transaction(0, 20, *again, *between, *parallel, *cache, *parted)
    assert told.look().info.n_plus_one == ()


@pytest.mark.parametrize(
    ("query", "plain"),
    [
        ("SELECT 1", "SELECT %s"),
        ("SELECT a1 FROM t_2 WHERE x = -3.5", "SELECT a1 FROM t_2 WHERE x = %s"),
        ("SELECT a  FROM t\n WHERE x = 'it''s'", "SELECT a FROM t WHERE x = %s"),
        ("SELECT a FROM t WHERE id IN (1, 2, 3)", "SELECT a FROM t WHERE id IN (%s)"),
        ("SELECT a FROM t WHERE id IN (?, ?)", "SELECT a FROM t WHERE id IN (%s)"),
        ("SELECT a FROM t WHERE id = $1", "SELECT a FROM t WHERE id = $1"),
    ],
)
def test_queries_without_their_values(query: str, plain: str) -> None:
    """Queries that differ by values only are the same query."""
    assert without_values(query) == plain


# ---- profiles ------------------------------------------------------------------------------------

BURN = [("json", "loads", False), ("shop", "work", True), ("app", "view", True)]
OTHER = [("app", "view", True)]


def burning(**fields: Any) -> Told:
    """A call that computed for 200 ms, in a transaction of 400 ms."""
    told = Told()
    told.process()
    told.operation(**fields)
    told.timed(0.1, 0.3, cpu=0.19)
    told.transaction(0, 0.4, profiler="p")
    return told


def test_the_burnt_function_is_on_top() -> None:
    """The innermost frame of the application's own counts, in the time of the call only."""
    told = burning()
    told.sampled([0.01, 0.02, 0.03, 0.04], OTHER)
    told.sampled([0.15, 0.2, 0.25], BURN)
    (operation,) = told.look().info.operations
    assert (operation.burnt, operation.on_top) == (1, 1)


def test_a_method_is_on_top_by_either_name() -> None:
    """Some Pythons tell the class, others do not."""
    for name in ("Shop.work", "work"):
        told = burning(at="shop:Shop.work")
        told.sampled([0.15, 0.2, 0.25], [("shop", name, True)])
        assert told.look().info.operations[0].on_top == 1


def test_what_is_on_top_instead_is_named() -> None:
    """The report says which function took its place."""
    told = burning()
    told.sampled([0.15, 0.2, 0.25], [("shop", "work", False), ("app", "view", True)])
    assert told.wrong("profiling.top") == [("work", "not_on_top", "on top is app:view", 1)]


def test_a_profile_without_samples_of_the_call() -> None:
    """It has not shown the function."""
    told = burning()
    told.sampled([0.01, 0.02], OTHER)
    assert told.wrong("profiling.top") == [
        ("work", "not_on_top", "the profile has no sample of that time", 1)
    ]


def test_samples_of_other_threads_are_left_out() -> None:
    """The call's thread is told by its name, else the transaction's."""
    told = burning()
    told.sampled([0.15, 0.2], OTHER, thread="2", name="Thread-9")
    told.sampled([0.15, 0.2], BURN)
    told.profiles[0] = (
        "profile",
        told.profiles[0][1].replace(b'"active_thread_id": "2"', b'"active_thread_id": 1'),
    )
    assert told.look().info.operations[0].on_top == 1


def test_chunks_of_a_continuous_profile_count_as_well() -> None:
    """A transaction names the profiler; the chunk's time has to fit."""
    told = burning()
    told.chunk([5.0, 5.1], OTHER)
    assert told.look().info.profiles.profiled == 0
    told.chunk([0.05, 0.15, 0.2, 0.25], BURN)
    told.chunk([0.15], OTHER, profiler="another")
    found = told.look().info
    assert (found.profiles.profiled, found.operations[0].burnt, found.operations[0].on_top) == (1, 1, 1)


def test_a_sample_without_a_time_says_nothing() -> None:
    """Neither in a profile nor in a chunk."""
    told = burning()
    told.sampled([0.15, 0.2], BURN)
    for wrong in (b'"elapsed_since_start_ns": "soon"', b'"elapsed": "1"'):
        kind, payload = told.profiles[0]
        told.profiles = [(kind, payload.replace(b'"elapsed_since_start_ns": "150000000"', wrong))]
        assert told.look().info.operations[0].on_top == 1
    told.profiles = []
    told.chunk([0.15], BURN)
    told.profiles = [(kind, payload.replace(b"timestamp", b"when")) for kind, payload in told.profiles]
    assert told.look().info.profiles.profiled == 0


def test_waiting_is_no_computing() -> None:
    """A function that waits need not be on top."""
    told = burning()
    told.records.pop()
    told.timed(0.1, 0.3, cpu=0.01)
    told.sampled([0.15, 0.2], OTHER)
    assert told.look().info.operations[0].burnt == 0


def test_transactions_too_short_for_a_profile_are_not_counted() -> None:
    """By their length, or by the SDK's word, which excuses the shortest ones only."""
    told = Told()
    for number, seconds in enumerate((0.01, 0.06, 0.07, 0.4, 0.9)):
        told.transaction(number, number + seconds, event=f"{number:032x}")
    told.sampled([4.1, 4.2], OTHER, event=f"{4:032x}", started=4.0)
    profiles = told.look().info.profiles
    assert (profiles.transactions, profiles.profiled, profiles.short) == (4, 1, 1)
    told.dropped = {"insufficient_data": 3}
    profiles = told.look().info.profiles
    assert (profiles.transactions, profiles.profiled, profiles.short) == (2, 1, 3)
    told.dropped = {"insufficient_data": 9}
    assert told.look().info.profiles.transactions == 2, "0.4 s are enough for two samples"


# ---- libraries in use ----------------------------------------------------------------------------


def bare(kind: str, *integrations: str, **options: Any) -> Told:
    """A slow call that asks somebody, and a transaction without a span of it."""
    told = Told()
    told.process(*integrations, **options)
    told.operation("fetch", kind=kind)
    told.timed(0.1, 0.3, "fetch")
    told.transaction(0, 0.4)
    return told


HTTPX_OFF = {"disabled_integrations": ["sentry_sdk.integrations.httpx.HttpxIntegration"]}


def test_a_library_whose_integration_is_off_is_named_with_its_line() -> None:
    """Which library, where, which integration, which option."""
    told = bare("http", "stdlib", **HTTPX_OFF)
    told.uses("httpx", "fetch")
    words = (
        "httpx is used at /srv/shop/shop.py:12 in fetch and HttpxIntegration is off: "
        "disabled_integrations=[HttpxIntegration]"
    )
    assert told.wrong(BARE) == [("fetch", "integration_off", words, 1)]
    assert told.look().info.uninstrumented == 1


def test_a_library_that_leaves_a_span_is_none_of_them() -> None:
    """Nor is one whose integration is on, or one of another kind."""
    told = bare("http", "stdlib", **HTTPX_OFF)
    told.uses("httpx", "fetch")
    told.items.clear()
    told.transaction(0, 0.4, span(1, 0.15, 0.2, "http.client", "GET /"))
    assert told.wrong(BARE) == []
    told = bare("http", "httpx")
    told.uses("httpx", "fetch")
    told.uses("sqlalchemy", "fetch")
    told.uses("unheard_of", "fetch")
    assert told.wrong(BARE) == []


def test_a_library_the_sdk_has_no_integration_of() -> None:
    """Nothing to switch on: it needs a span made by hand."""
    told = bare("sql", "sqlalchemy")
    told.uses("sqlite3", "fetch")
    words = "sqlite3 is used at /srv/shop/shop.py:12 in fetch, and the SDK has no integration of it"
    assert told.wrong(BARE) == [("fetch", "no_integration", words, 1)]


def test_a_library_that_is_not_known() -> None:
    """When no integration of any such library is on, that is all that can be said."""
    assert bare("sql", "sqlalchemy").wrong(BARE) == []
    assert bare("sql", "stdlib").wrong(BARE) == [
        (
            "fetch",
            "integration_off",
            "shop:fetch asks a database, and no integration of such a library is on",
            1,
        )
    ]
    told = bare("http")
    told.records = [record for record in told.records if record.KIND not in ("sdk_init", "hello")]
    assert told.wrong(BARE) == []
