"""From dashboards, what arrived and what the ledger knows to the status of each widget, findings and verdicts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.criteria.dashboards import doubts, findings, measure
from pytest_sentry_harness.criteria.dashboards_account import MOST_WIDGETS, Loaded, account_of
from pytest_sentry_harness.criteria.dashboards_known import FaultKnown, Known, RequestsKnown, unknown_to
from pytest_sentry_harness.criteria.dashboards_words import number
from pytest_sentry_harness.criteria.judge import judge_criteria
from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.load.histogram import Histogram
from pytest_sentry_harness.model.dashboards import STATUSES, DashboardsInfo, WidgetTold
from pytest_sentry_harness.model.metrics import METRICS, PROMISES
from pytest_sentry_harness.model.reasons import REASONS
from pytest_sentry_harness.model.scenario import Shows, Within
from pytest_sentry_harness.monitor.aggregates import parse_aggregate
from pytest_sentry_harness.monitor.dashboards import Rows, load_dashboard
from pytest_sentry_harness.monitor.dashboards.model import FindingKind
from pytest_sentry_harness.monitor.fields import session_rows
from pytest_sentry_harness.plan.gates import default_gates
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.lines import advice

from ..monitor.fields.rows import T0, error, raised, transaction

ROOT = Path(__file__).parents[2]
NOW = T0 + 60
DURATION = "transaction.duration"


def times(*seconds: float) -> Histogram:
    found = Histogram()
    for each in seconds:
        found.add(each)
    return found


KNOWN = Known(
    faults={
        "save": FaultKnown(fired=9, lost=0, reported_twice=0),
        "pay": FaultKnown(fired=3, lost=0, reported_twice=0),
    },
    requests={
        "GET /orders": RequestsKnown(count=40, failed=10, times=times(*[0.1] * 38, 0.9, 0.9)),
        "GET /quotes": RequestsKnown(count=2, failed=0, times=times(0.2, 0.2)),
    },
    operations={"order": [0.1] * 38 + [0.9] * 2},
)
ROWS: Rows = {
    "event": [
        error(
            T0 + second,
            timestamp=T0 + second,
            level="fatal" if second >= 9 else "error",
            transaction="/orders",
            environment="production",
            exception=raised("ValueError", "no", mechanism={"handled": False}),
            tags={"server": "web"},
        )
        for second in range(12)
    ],
    "transaction": [
        transaction(
            900 if index < 2 else 100,
            at=T0 + index / 2,
            status="internal_error" if index < 10 else "ok",
            environment="production",
            transaction="/orders",
        )
        for index in range(40)
    ]
    + [transaction(200, at=T0 + 30, environment="production", transaction="/quotes") for _ in range(2)],
    "session": list(
        session_rows(
            [({"attrs": {"release": "shop@1"}, "aggregates": [{"started": T0, "exited": 42}]}, T0 + 9)]
        )
    ),
}


def widget(
    *aggregates: str,
    title: str = "W",
    kind: str = "error-events",
    display: str = "big_number",
    columns: Sequence[str] = (),
    conditions: str = "",
    names: Sequence[str] = ("",),
) -> dict[str, Any]:
    queries = [
        {
            "name": name,
            "fields": [*columns, *aggregates],
            "columns": list(columns),
            "aggregates": list(aggregates),
            "conditions": conditions,
            "orderby": "",
        }
        for name in names
    ]
    return {"title": title, "displayType": display, "widgetType": kind, "queries": queries}


def look(
    *widgets: dict[str, Any],
    shows: Sequence[Shows] = (),
    rows: Rows = ROWS,
    known: Known = KNOWN,
    began: float = T0,
    freshness: float = 60.0,
    **fields: Any,
) -> DashboardsInfo:
    """The account of one dashboard, ``D``."""
    document = {"title": "D", "period": "1h", "widgets": list(widgets), **fields}
    loaded = [Loaded(dashboard=load_dashboard(document, "d.json"), source="d.json")]
    return account_of(loaded, rows, shows, known, began=began, now=NOW, freshness=freshness)


def one(content: dict[str, Any], shows: Shows | None = None, **more: Any) -> WidgetTold:
    """What is told of a widget alone."""
    return look(content, shows=() if shows is None else (shows,), **more).widgets[0]


def refused(content: dict[str, Any], shows: Shows, *others: dict[str, Any]) -> ScenarioError:
    with pytest.raises(ScenarioError) as caught:
        look(content, *others, shows=(shows,))
    return caught.value


def verdicts(info: DashboardsInfo) -> dict[str, tuple[str, str]]:
    (criterion,) = judge_criteria({"dashboards": measure(info)}, default_gates("dashboards", set()))
    return {gate.metric: (str(gate.verdict), gate.why) for gate in criterion.gates}


ALL = ("save", "pay")
ERRORS = widget("count()")
AGREEING: list[tuple[dict[str, Any], Shows, float]] = [
    (ERRORS, Shows(widget="W", faults=ALL), 12),
    (
        widget("count()", display="line", columns=["level"]),
        Shows(widget="W", faults=("save",), group={"level": "error"}),
        9,
    ),
    (widget("count()", conditions="level:warning"), Shows(widget="W", faults=("never",)), 0),
    (widget("count_unique(user)"), Shows(widget="W", value=0.0), 0),
    (widget("eps()"), Shows(widget="W", faults=ALL), 12 / 3600),
    (widget("count()", kind="transaction-like"), Shows(widget="W", requests=("all",)), 42),
    (
        widget("count( )", kind="transaction-like", columns=["transaction"], display="table"),
        Shows(widget="W", requests=("GET /quotes",), group={"transaction": "/quotes"}, aggregate="count()"),
        2,
    ),
    (widget("epm()", kind="transaction-like"), Shows(widget="W", requests=("all",)), 42 / 60),
    (widget("failure_rate()", kind="transaction-like"), Shows(widget="W", requests=("all",)), 10 / 42),
    (widget("failure_count()", kind="transaction-like"), Shows(widget="W", requests=("all",)), 10),
    (
        widget("equation|1 - failure_rate()", kind="transaction-like"),
        Shows(widget="W", requests=("all",)),
        32 / 42,
    ),
    (
        widget(f"count_if({DURATION},greater,500)", kind="transaction-like"),
        Shows(widget="W", requests=("all",)),
        2,
    ),
    (widget("apdex(300)", kind="transaction-like"), Shows(widget="W", requests=("all",)), 41 / 42),
    (
        widget(f"p50({DURATION})", f"p95({DURATION})", kind="transaction-like"),
        Shows(
            widget="W",
            requests=("all",),
            aggregate=f"p95({DURATION})",
            within=Within(amount=0.01, share=True),
        ),
        200,
    ),
    (
        widget(f"avg({DURATION})", kind="transaction-like", conditions="transaction:/orders"),
        Shows(widget="W", operation="order", within=Within(amount=0.5)),
        140,
    ),
    (widget("sum(session)", kind="metrics"), Shows(widget="W", requests=("all",)), 42),
    (widget("count()", names=["now", "then"]), Shows(widget="W", query="then", faults=ALL), 12),
]


@pytest.mark.parametrize(("content", "shows", "value"), AGREEING, ids=lambda each: str(each)[:60])
def test_a_widget_that_shows_what_is_known(content: dict[str, Any], shows: Shows, value: float) -> None:
    """Each function is taken over the ledger as it is over what arrived."""
    (held,) = one(content, shows).held
    assert held.agrees
    assert held.known == pytest.approx(value, rel=0.01)
    assert held.shown == pytest.approx(value, rel=0.01)
    assert (held.reason, held.why) == ("", "")


def told(content: dict[str, Any], shows: Shows, **more: Any) -> tuple[str, str, str]:
    """Status, reason and the sentence about the difference."""
    found = one(content, shows, **more)
    assert not found.held[0].agrees
    (difference,) = [each for each in found.because if "known is" in each]
    return found.status, found.reason, difference


def of_save(**fields: Any) -> Known:
    return Known(
        faults={"save": FaultKnown(**{"fired": 12, "lost": 0, "reported_twice": 0} | fields)}, unexpected=4
    )


SAVE = Shows(widget="W", faults=("save",))


@pytest.mark.parametrize(
    ("content", "shows", "known", "expected"),
    [
        (
            ERRORS,
            SAVE,
            of_save(fired=15, lost=3, because="before_send, shop.scrub"),
            (
                "wrong",
                "never_arrived",
                "12, known is 15 (15 faults fired: save): 3 never arrived (before_send, shop.scrub)",
            ),
        ),
        (
            widget("count()", conditions="level:error"),
            SAVE,
            of_save(fired=15, lost=3),
            (
                "wrong",
                "never_arrived",
                "9, known is 15 (15 faults fired: save): 3 never arrived; and it leaves out some that arrived",
            ),
        ),
        (
            widget("count()", conditions="level:error"),
            SAVE,
            of_save(),
            (
                "wrong",
                "left_out",
                "9, known is 12 (12 faults fired: save): all of them arrived: its conditions, its dataset or its window leave some out",
            ),
        ),
        (
            ERRORS,
            SAVE,
            of_save(fired=9, reported_twice=3),
            (
                "wrong",
                "reported_twice",
                "12, known is 9 (9 faults fired: save): 3 events are of faults that another event is of as well",
            ),
        ),
        (
            ERRORS,
            SAVE,
            of_save(fired=8),
            (
                "wrong",
                "counts_others",
                "12, known is 8 (8 faults fired: save): it counts what is none of these faults; 4 error events are of no fault",
            ),
        ),
        (
            widget("count()", conditions="error.handled:true"),
            SAVE,
            of_save(),
            (
                "empty",
                "left_out",
                "0, known is 12 (12 faults fired: save): all of them arrived: its conditions, its dataset or its window leave some out",
            ),
        ),
        (
            widget("count_unique(issue)", kind="error-events"),
            Shows(widget="W", faults=ALL),
            KNOWN,
            (
                "empty",
                "differs",
                "0, known is 2 (12 faults fired: save, pay): its issues are not one for each root cause; the criterion noise says why",
            ),
        ),
        (
            widget("count()", kind="transaction-like"),
            Shows(widget="W", requests=("GET /orders",)),
            KNOWN,
            (
                "wrong",
                "counts_others",
                "42, known is 40 (40 requests sent: GET /orders): it counts what the load did not send, such as health checks, or other kinds of data",
            ),
        ),
        (
            widget("count()", kind="transaction-like", conditions="transaction:/orders"),
            Shows(widget="W", requests=("all",)),
            KNOWN,
            (
                "wrong",
                "left_out",
                "40, known is 42 (42 requests sent): they arrived: its conditions, its dataset or its window leave some out",
            ),
        ),
        (
            widget("count()", kind="transaction-like"),
            Shows(widget="W", requests=("all",)),
            Known(requests={"GET /": RequestsKnown(count=84, failed=0, times=times(*[0.1] * 84))}),
            (
                "wrong",
                "never_arrived",
                "42, known is 84 (84 requests sent): of 84 requests 42 have arrived: the others were not sampled, or were lost",
            ),
        ),
        (
            widget(f"p50({DURATION})", kind="transaction-like"),
            Shows(widget="W", value=0.1, within=Within(amount=0.0, text="0")),
            KNOWN,
            (
                "wrong",
                "wrong_unit",
                "100 ms, known is 0.1 ms ± 0 (as the scenario says): it is 1000 times what is known",
            ),
        ),
        (
            widget("failure_rate()", kind="transaction-like"),
            Shows(widget="W", value=0.5, within=Within(amount=0.1, share=True, text="10%")),
            KNOWN,
            ("wrong", "differs", "23.81 %, known is 50 % ± 10% (as the scenario says)"),
        ),
        (
            widget("sum(session)", kind="metrics"),
            Shows(widget="W", requests=("GET /quotes",)),
            KNOWN,
            ("wrong", "differs", "42, known is 2 (2 requests sent: GET /quotes)"),
        ),
        (
            widget("count()", display="table", columns=["level"]),
            Shows(widget="W", faults=("save",), group={"level": "info"}),
            KNOWN,
            (
                "empty",
                "no_such_row",
                "nothing, known is 9 (9 faults fired: save): it has no such row; those it has: level error: count() 9; "
                "level fatal: count() 3",
            ),
        ),
        (
            widget("count()", kind="metrics"),
            Shows(widget="W", operation="order"),
            KNOWN,
            ("wrong", "differs", "1, known is 40 (40 calls of order)"),
        ),
    ],
    ids=lambda each: each[1] if isinstance(each, tuple) else None,
)
def test_why_a_number_is_not_the_one_that_is_known(
    content: dict[str, Any], shows: Shows, known: Known, expected: tuple[str, str, str]
) -> None:
    """Both numbers, where the known one is from, and the nearest thing to a cause that the evidence has."""
    status, reason, text = told(content, shows, known=known)
    assert (status, reason) == expected[:2]
    assert text.endswith(expected[2])


def test_nothing_arrived_although_something_happened() -> None:
    """By itself the widget would say that there is no data; the ledger knows better."""
    content = widget("count()", kind="transaction-like")
    assert one(content, rows={"transaction": []}).status == "no_data"
    found = one(content, Shows(widget="W", requests=("all",)), rows={"transaction": []})
    assert (found.status, found.reason) == ("empty", "never_arrived")


def test_what_is_wrong_already_says_so_first() -> None:
    """The reason is that of the widget; the number beside it is one sentence more."""
    found = one(widget("count()", conditions="transaction:/order"), Shows(widget="W", faults=ALL))
    assert (found.status, found.reason) == ("empty", "wrong_value")
    assert found.because[-1].startswith("count() shows 0, known is 12 (12 faults fired: save, pay)")


OTHERS: list[tuple[dict[str, Any], str, str]] = [
    (ERRORS, "ok", ""),
    (widget("p59(x)"), "invalid", "not_valid"),
    (widget("count()", kind="logs"), "unsupported", "not_evaluated"),
    (widget("count()", conditions="level:info"), "quiet", ""),
    (widget("count()", conditions="servr:web"), "empty", "misspelt_field"),
    (widget("count_unique(servr)"), "wrong", "misspelt_field"),
    (widget(f"p95({DURATION})"), "empty", "wrong_type"),
    (widget("apdex(0.5)", kind="transaction-like"), "wrong", "wrong_unit"),
    (widget("sum(session)", kind="metrics", conditions="environment:prod"), "empty", "wrong_environment"),
]


@pytest.mark.parametrize(("content", "status", "reason"), OTHERS)
def test_what_a_widget_is_by_itself(content: dict[str, Any], status: str, reason: str) -> None:
    """Without the ledger, by what arrived alone."""
    found = one(content)
    assert (found.status, found.reason) == (status, reason)


def test_a_window_of_the_past() -> None:
    """It is empty, and cannot be held against the run."""
    info = look(
        ERRORS, shows=[Shows(widget="W", faults=ALL)], period=None, start="2020-01-01", end="2020-02-01"
    )
    assert (info.widgets[0].status, info.widgets[0].reason, info.compared) == ("empty", "outside_window", 0)
    assert doubts(info) == (
        "dashboard 'D' does not show the whole run, so that 'W' cannot be held against it: give the dashboard a longer "
        "period, or one that ends now",
    )
    early = look(ERRORS, shows=[Shows(widget="W", faults=ALL)], began=NOW - 3601)
    assert (early.widgets[0].status, early.compared) == ("ok", 0)


@pytest.mark.parametrize(
    ("slow", "freshness", "status"),
    [(0.0, 60.0, "ok"), (59.0, 60.0, "ok"), (61.0, 60.0, "stale"), (61.0, 62.0, "ok")],
)
def test_how_far_it_is_behind(slow: float, freshness: float, status: str) -> None:
    """What it shows arrived so many seconds after its own time."""
    rows: Rows = {"event": [error(T0 + 5, timestamp=T0 + 5 - slow)]}
    info = look(ERRORS, rows=rows, freshness=freshness)
    assert (info.widgets[0].status, info.widgets[0].behind, info.behind) == (status, slow, slow)
    assert info.widgets[0].reason == ("behind" if status == "stale" else "")


def test_an_invalid_widget_shows_nothing_to_be_held() -> None:
    """It is a finding, and no error of the scenario."""
    info = look(ERRORS, widget("p59(x)", title="V"), shows=[Shows(widget="V", value=1.0)])
    assert (info.compared, info.statuses["invalid"], info.doubts) == (0, 1, ())
    assert [each.title for each in info.widgets] == ["V", "W"]


def test_what_nothing_is_known_of_is_a_doubt() -> None:
    """An operation that was never called, requests that no locustfile sent, a kind of data we do not evaluate."""
    shows = [
        Shows(widget="W", operation="none", within=Within(amount=1.0)),
        Shows(widget="W", requests=("GET /nowhere", "GET /else")),
    ]
    info = look(
        widget(f"p50({DURATION})", "count()", kind="transaction-like"),
        shows=[
            shows[0],
            replace(shows[1], aggregate="count()"),
        ],
    )
    assert doubts(info) == (
        "widget 'W' was not held against the ledger, which knows nothing of operation 'none'",
        "widget 'W' was not held against the ledger, which knows nothing of requests GET /nowhere, GET /else",
    )
    logs = look(widget("count()", kind="logs"), shows=[Shows(widget="W", value=1.0)])
    assert doubts(logs) == ("widget 'W' cannot be evaluated here, and was not held against the ledger",)
    assert doubts(replace(logs, doubts=(), unread=2)) == ("2 items could not be read, and are in no widget",)


TABLE = widget("count()", display="table", columns=["level", "transaction"])


@pytest.mark.parametrize(
    ("content", "shows", "what", "key", "hint"),
    [
        (ERRORS, Shows(widget="V", value=1.0), "no dashboard has a widget 'V'", "widget", "known names: W"),
        (
            ERRORS,
            Shows(dashboard="DD", widget="W", value=1.0),
            "no dashboard is called 'DD'",
            "dashboard",
            "did you mean 'D'?",
        ),
        (
            ERRORS,
            Shows(dashboard="D", widget="Ww", value=1.0),
            "no widget is called 'Ww' in dashboard 'D'",
            "widget",
            "did you mean 'W'?",
        ),
        (
            ERRORS,
            Shows(widget="W", value=1.0, query="a"),
            "the widget has no query 'a'",
            "query",
            "its queries have no names",
        ),
        (
            widget("count()", names=["now", "then"]),
            Shows(widget="W", value=1.0, query="nov"),
            "the widget has no query 'nov'",
            "query",
            "did you mean 'now'?",
        ),
        (
            widget("count()", names=["", ""]),
            Shows(widget="W", value=1.0),
            "two queries of widget 'W' have one name, so that their rows cannot be told apart",
            "widget",
            "give each a name in the dashboard",
        ),
        (
            ERRORS,
            Shows(widget="W", value=1.0, aggregate="count(x)"),
            "the widget does not show count(x)",
            "aggregate",
            "did you mean 'count()'?",
        ),
        (
            widget(display="table", columns=["level"]),
            Shows(widget="W", value=1.0),
            "widget 'W' shows no number",
            "widget",
            "leave it out",
        ),
        (
            {"title": "W", "displayType": "text", "queries": []},
            Shows(widget="W", value=1.0),
            "widget 'W' shows no number",
            "widget",
            "leave it out",
        ),
        (
            ERRORS,
            Shows(widget="W", value=1.0, group={"level": "error"}),
            "the widget has no column 'level'",
            "group",
            "the widget has no columns: drop group",
        ),
        (
            TABLE,
            Shows(widget="W", value=1.0, group={"levl": "error"}),
            "the widget has no column 'levl'",
            "group",
            "did you mean 'level'?",
        ),
        (
            TABLE,
            Shows(widget="W", value=1.0, group={"level": "error"}),
            "the widget has a number for each level and transaction: which is meant?",
            "group",
            "write group = { level = …, transaction = … }",
        ),
        (
            widget("count()", display="table", columns=["error.type"]),
            Shows(widget="W", value=1.0),
            "the widget has a number for each error.type: which is meant?",
            "group",
            'write group = { "error.type" = … }',
        ),
        (
            widget("count_unique(user)"),
            Shows(widget="W", faults=ALL),
            "count_unique(user) cannot be told from the faults that fired, which are counted only",
            "aggregate",
            "write value = …, when you know the number; or leave it out",
        ),
        (
            widget(f"p95({DURATION})", kind="transaction-like"),
            Shows(widget="W", requests=("all",)),
            f"p95({DURATION}) is measured on both sides, and no two measurements are equal",
            "within",
            'say how far they may be apart: within = "20ms", or within = "5%"',
        ),
    ],
)
def test_what_no_widget_shows_is_refused(
    content: dict[str, Any], shows: Shows, what: str, key: str, hint: str
) -> None:
    """The key it is about, and what there is instead."""
    found = refused(content, shows)
    assert (found.what, found.where, found.hint) == (what, key, hint)


def test_titles_that_two_have() -> None:
    """Of widgets in one dashboard, of widgets of several, and of dashboards themselves."""
    assert refused(ERRORS, Shows(dashboard="D", widget="W", value=1.0), ERRORS).what == (
        "2 widgets are called 'W' in dashboard 'D'"
    )
    document = {"title": "D", "widgets": [ERRORS]}
    for titles, shows, what, hint in (
        (
            ("D", "E"),
            Shows(widget="W", value=1.0),
            "dashboards 'D' and 'E' both have a widget 'W'",
            "write dashboard = 'D'",
        ),
        (
            ("D", "D"),
            Shows(dashboard="D", widget="W", value=1.0),
            "2 dashboards are called 'D'",
            "give each a title of its own",
        ),
    ):
        loaded = [
            Loaded(dashboard=load_dashboard({**document, "title": each}, "d"), source="d") for each in titles
        ]
        with pytest.raises(ScenarioError) as caught:
            account_of(loaded, ROWS, [shows], KNOWN, began=T0, now=NOW, freshness=60.0)
        assert (caught.value.what, caught.value.hint) == (what, hint)


@pytest.mark.parametrize(
    ("shows", "text", "known"),
    [
        (Shows(widget="W", value=1.0), "count_unique(user)", True),
        (Shows(widget="W", faults=ALL), "count_unique(issue)", True),
        (Shows(widget="W", faults=ALL), f"p95({DURATION})", False),
        (Shows(widget="W", faults=ALL), "failure_rate()", False),
        (Shows(widget="W", requests=("all",)), "p95(measurements.lcp)", False),
        (Shows(widget="W", requests=("all",)), "count_if(level,equals,error)", False),
        (Shows(widget="W", requests=("all",)), "user_misery(300)", False),
        (Shows(widget="W", requests=("all",)), "crash_free_rate(session)", False),
        (Shows(widget="W", operation="order"), "p95(measurements.order)", True),
        (Shows(widget="W", operation="order"), "percentile(span.duration,0.9)", True),
        (Shows(widget="W", operation="order"), "failure_rate()", False),
        (Shows(widget="W", operation="order"), "sum(session)", False),
    ],
)
def test_what_can_be_told_from_what(shows: Shows, text: str, known: bool) -> None:
    """Faults are counted, requests and calls are counted and timed, and requests fail or not."""
    assert (unknown_to(shows, parse_aggregate(text)) == "") is known


def test_each_widget_counts_once() -> None:
    """The counts of statuses add up to all widgets, and are the metrics."""
    info = look(*[{**content, "title": f"W{index}"} for index, (content, _, _) in enumerate(OTHERS)])
    assert sum(info.statuses.values()) == len(OTHERS) == len(info.widgets)
    assert [each.status for each in info.widgets] == sorted(
        (status for _, status, _ in OTHERS), key=[str(each) for each in STATUSES].index
    )
    found = measure(info)
    assert set(found) == {name for name, metric in METRICS.items() if metric.criterion == "dashboards"}
    assert PROMISES["dashboards"].startswith("every widget valid")
    for name in ("invalid", "empty", "wrong", "stale", "no_data", "unsupported"):
        assert found[f"dashboards.{name}"].value == info.statuses[name]
    judged = {each.status for each in info.widgets} & {"invalid", "empty", "wrong", "stale"}
    assert {each.metric for each in findings(info)} == {f"dashboards.{each}" for each in judged}
    assert sum(each.count for each in findings(info)) == sum(info.statuses[each] for each in judged)
    empty = next(
        each for each in findings(info) if each.reason == "misspelt_field" and "empty" in each.metric
    )
    assert empty.culprit.startswith(
        "D / W4: it shows nothing, although 12 events arrived; `servr:web` empties it"
    )


def test_the_verdicts() -> None:
    """Nothing compared, or nothing arrived, is inconclusive; what is invalid is so without any data."""
    good = look(ERRORS, shows=[Shows(widget="W", faults=ALL)])
    assert {verdict for verdict, _ in verdicts(good).values()} == {"pass"}
    assert verdicts(look(ERRORS))["dashboards.compared"] == (
        "inconclusive",
        "not enough evidence: 0 does not meet >= 1",
    )
    nothing = verdicts(look(ERRORS, widget("p59(x)"), rows={"event": []}))
    assert nothing["dashboards.invalid"] == ("fail", "1 does not meet = 0")
    assert nothing["dashboards.no_data"][0] == "inconclusive"
    for name in ("empty", "wrong", "stale"):
        assert nothing[f"dashboards.{name}"] == ("inconclusive", "nothing arrived that a widget could show")
    late = measure(look(widget("count()", conditions="level:info")))["dashboards.freshness"]
    assert (late.value, late.note) == (None, "no widget shows anything")


def test_tables_are_bounded() -> None:
    """Thirty dashboards of thirty widgets with long lists: the account is complete, the tables are not."""
    many = [
        error(T0 + 1, timestamp=T0 + 1, tags={"server": f"{index}" + "x" * 500}, level="error")
        for index in range(21)
    ]
    content = [
        widget("count()", title=f"W{index}", display="table", columns=["server"]) for index in range(30)
    ]
    loaded = [
        Loaded(dashboard=load_dashboard({"title": f"D{index}", "widgets": content}, "d"), source="d")
        for index in range(8)
    ]
    info = account_of(loaded, {"event": many}, (), KNOWN, began=T0, now=NOW, freshness=60.0)
    assert (sum(info.statuses.values()), len(info.widgets)) == (240, MOST_WIDGETS)
    assert {len(each.shown) for each in info.widgets} == {20}
    assert max(len(each.group) for each in info.widgets[0].shown) == 400


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "count", "nothing"),
        (12.0, "count", "12"),
        (1.5, "number", "1.5"),
        (0.2381, "ratio", "23.81 %"),
        (750.04, "milliseconds", "750 ms"),
        (0.5, "per minute", "0.5 per minute"),
        (T0, "seconds", "2023-11-14T22:13:20+00:00"),
        (1e20, "seconds", "100000000000000000000 s"),
        (1e20, "count", "1e+20"),
    ],
)
def test_numbers_for_people(value: float | None, unit: str, text: str) -> None:
    """With the unit that the function gives."""
    assert number(value, unit) == text


def test_the_runbook_has_every_metric_and_every_reason() -> None:
    """Each metric a section, each reason advice, and each twin a reason that is known."""
    text = (ROOT / "docs" / "runbooks" / "dashboards.md").read_text()
    indexed = re.findall(r"^\| `(dashboards\.[\w.]+)` \|.*\(#\w+\) \|$", text, re.MULTILINE)
    assert indexed == [name for name in METRICS if name.startswith("dashboards.")]
    sections = text.split("\n## ")[1:]
    assert [each.split("\n")[0] for each in sections] == [
        each.removeprefix("dashboards.") for each in indexed
    ]
    for each in sections:
        assert re.findall(r"\*\*(\w+)\*\*", each)[:3] == ["Means", "Confirm", "Change"]
    index = [line.split(" | ")[1] for line in text.splitlines() if line.startswith("| `dashboards.")]
    named = {reason for cell in index for reason in re.findall(r"`(\w+)`", cell)}
    assert named <= REASONS
    assert [reason for reason in named if reason != "differs" and not advice(reason)] == []
    twins = load_scenario(ROOT / "scenarios" / "dashboards.toml").twins
    planted = {reason for twin in twins for reason in twin.finds.reasons} - {"before_send"}
    assert planted <= named


def test_every_kind_of_finding_has_a_reason() -> None:
    """What the monitor says of a widget is told in a word that is known."""
    from typing import get_args

    from pytest_sentry_harness.criteria import dashboards_account

    words: Mapping[str, str] = dashboards_account._REASONS
    told_otherwise = {"empty", "quiet", "doubt", "unsupported"}
    assert set(get_args(FindingKind)) - told_otherwise == set(words)
    assert set(words.values()) <= REASONS


P95 = widget(f"p95({DURATION})", kind="transaction-like")
P100 = widget("p100()", kind="transaction-like")
RATE = widget("failure_rate()", kind="transaction-like")


def near(text: str, amount: float, share: bool = False) -> Within:
    return Within(amount=amount, share=share, text=text)


@pytest.mark.parametrize(
    "content, shows, where, what",
    [
        (
            ERRORS,
            {"faults": ALL, "within": near("20ms", 20)},
            "within",
            "is a duration, and count() gives a count",
        ),
        (RATE, {"requests": ("all",), "within": near("1ms", 1)}, "within", "failure_rate() gives a share"),
        (RATE, {"requests": ("all",), "within": near("2", 2)}, "within", "takes a widget that shows nothing"),
        (
            widget("equation|count() * 2"),
            {"value": 2.0, "within": near("1ms", 1)},
            "within",
            "gives no duration",
        ),
        (P95, {"requests": ("all",), "within": near("20", 20)}, "within", "has no unit, and p95"),
        (
            P95,
            {"value": 30.0, "value_text": "30ms", "within": near("1h", 3.6e6)},
            "within",
            "takes a widget that",
        ),
        (
            ERRORS,
            {"value": 3.0, "value_text": "3", "within": near("3", 3)},
            "within",
            "takes a widget that shows",
        ),
        (
            ERRORS,
            {"value": 30.0, "value_text": "30ms"},
            "value",
            "'30ms' is a duration, and count() gives a count",
        ),
        (ERRORS, {"value": 0.3, "value_text": "30%"}, "value", "'30%' is a share, and count() gives a count"),
        (P95, {"value": 30.0, "value_text": "30"}, "value", "value = 30 has no unit, and p95"),
        (RATE, {"value": 30.0, "value_text": "30"}, "value", "value = 30 is above 1"),
    ],
)
def test_units_of_what_is_meant(
    content: dict[str, Any], shows: dict[str, Any], where: str, what: str
) -> None:
    """A value and a tolerance in another unit than that of the number are refused before the run."""
    error = refused(content, Shows(widget="W", **shows))
    assert error.where == where
    assert what in error.what
    assert error.hint


@pytest.mark.parametrize(
    "content, shows",
    [
        (P100, {"value": 900.0, "value_text": "900ms", "within": near("20ms", 20)}),
        (P95, {"operation": "order", "within": near("1s", 1000)}),
        (RATE, {"value": 10 / 42, "value_text": "23.8%", "within": near("0.01", 0.01)}),
        (widget("equation|p100() / 2", kind="transaction-like"), {"value": 450.0, "value_text": "450ms"}),
        (ERRORS, {"faults": ALL, "within": near("2", 2)}),
    ],
)
def test_units_that_fit(content: dict[str, Any], shows: dict[str, Any]) -> None:
    """Durations for durations, numbers for counts and shares."""
    assert [each.agrees for each in one(content, Shows(widget="W", **shows)).held] == [True]


def test_a_tolerance_that_takes_nothing() -> None:
    """Where it is only known after the run that the number is not above it."""
    told = one(ERRORS, Shows(widget="W", faults=("pay",), within=near("20", 20)))
    assert (told.status, told.reason) == ("wrong", "tolerance_too_wide")
    told = one(P95, Shows(widget="W", operation="order", within=near("1h", 3.6e6)))
    assert (told.status, told.reason) == ("wrong", "tolerance_too_wide")
    info = look(P100, shows=[Shows(widget="W", operation="order", within=near("1s", 1000))])
    assert info.doubts == ()
    assert info.notes == ("widget 'W' may be off by 1s, and known is 900 ms: that it agrees says little",)
    told = one(
        widget("p95(spans.x)", kind="transaction-like"),
        Shows(widget="W", operation="order", within=near("1h", 3.6e6)),
    )
    assert told.held[0].agrees is False


def test_the_project_of_an_export_is_that_of_the_run() -> None:
    """Its number is one of Sentry; one of the run's own stays a condition."""
    told = look(ERRORS, projects=[4505281256], rows={"event": ROWS["event"]})
    assert told.widgets[0].matched == 12
    assert told.doubts == ()
    assert told.notes == (
        "dashboard 'D' is of project 4505281256, which sent nothing: it is taken for the project of this run, 1",
    )
    assert look(ERRORS, projects=[1, 7], rows={"event": ROWS["event"]}).notes == ()
    assert look(ERRORS, projects=[-1], rows={"event": ROWS["event"]}).notes == ()
    assert look(ERRORS, projects=[7], rows={"event": []}).notes == ()
    assert "'revision'" in look(ERRORS, revision=3).notes[0]


def test_what_only_sentry_evaluates_is_a_doubt() -> None:
    """It is in no gate, and was not compared."""
    info = look(widget("corr(a,b)"), shows=[Shows(widget="W", value=1.0)])
    assert info.widgets[0].status == "unsupported"
    assert info.doubts == ("widget 'W' cannot be evaluated here, and was not held against the ledger",)


def test_a_number_that_never_is_one() -> None:
    """A known field that never occurs gives no value, and says so."""
    told = one(widget("avg(measurements.lcp)", kind="transaction-like"))
    assert (told.status, told.reason) == ("empty", "never_occurs")
    assert told.because[-1] == "avg(measurements.lcp): none of the transactions has a measurements.lcp"
    assert number(float("inf"), "count") == "nothing"


def test_rows_as_they_are_show_the_first() -> None:
    """A table without aggregates."""
    told = one(widget(columns=["transaction", "level"], display="table"))
    assert [(each.group, each.aggregate) for each in told.shown] == [("transaction /orders, level fatal", "")]
