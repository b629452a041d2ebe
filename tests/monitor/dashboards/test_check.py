"""What widgets show, and what is found to be the matter with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.monitor.dashboards import (
    TEMPLATES,
    Rows,
    WidgetReport,
    check_dashboard,
    dashboard_from,
    load_dashboard,
    template,
)
from pytest_sentry_harness.monitor.fields import (
    Row,
    fields_of_event,
    fields_of_issue,
    fields_of_span,
    session_rows,
    span_rows,
)
from pytest_sentry_harness.protocol.spans import SpanTold, TransactionTold

from ..fields.rows import T0, error, event, issue, raised, transaction

NOW = T0 + 600
EVENTS = [
    error(
        T0 + second,
        timestamp=T0 + second,
        level="fatal" if second % 10 == 0 else "error",
        environment="production",
        release=f"shop@1.{second % 3}",
        transaction="/orders" if second % 4 else "/quotes",
        user={"id": second % 7},
        tags={"server": f"web-{second % 2}"},
        exception=raised("ValueError", "boom", mechanism={"handled": True}),
    )
    for second in range(0, 500, 5)
]
TRANSACTIONS = [
    transaction(
        50 + second,
        at=T0 + second,
        status="internal_error" if second % 50 == 0 else "ok",
        environment="production",
        transaction="/orders" if second % 4 else "/quotes",
        user={"id": second % 7},
        measurements={"cart": {"value": second / 100, "unit": "second" if second % 2 else "byte"}},
        tags={"plan": "gold"},
    )
    for second in range(0, 500, 5)
]
SESSIONS = list(
    session_rows(
        [
            (
                {
                    "attrs": {"release": "shop@1"},
                    "aggregates": [{"started": T0, "exited": 90, "crashed": 10}],
                },
                T0 + 60,
            )
        ]
    )
)
ROWS: Rows = {"event": EVENTS, "transaction": TRANSACTIONS, "session": SESSIONS}


def board(*widgets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"title": "d", "period": "1h", "widgets": list(widgets)} | more


def widget(
    *fields: str, conditions: str = "", kind: str = "error-events", display: str = "big_number", **more: Any
) -> dict[str, Any]:
    orderby = more.pop("orderby", "")
    return {
        "title": "w",
        "displayType": display,
        "widgetType": kind,
        "queries": [{"fields": list(fields), "conditions": conditions, "orderby": orderby}],
    } | more


def report(
    *fields: str, rows: Rows = ROWS, board_more: dict[str, Any] | None = None, **more: Any
) -> WidgetReport:
    dashboard = dashboard_from(board(widget(*fields, **more), **(board_more or {})))
    return check_dashboard(dashboard, rows, now=NOW)[0]


def texts(found: WidgetReport) -> dict[str, str]:
    return {finding.kind: finding.text for finding in found.findings}


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_over_good_data(name: str) -> None:
    """With good data nothing is the matter with any widget of any template."""
    reports = check_dashboard(template(name), ROWS, now=NOW)
    # That nothing was unhandled is the truth here, and no mistake of the widget.
    quiet = [each for each in reports if each.status == "quiet"]
    assert [each.title for each in quiet] == ["Unhandled errors"] * (name == "errors")
    assert all(each.status == "ok" and each.findings == () for each in reports if each not in quiet)
    assert all(each.shown is not None and each.shown.rows for each in reports)


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_without_data(name: str) -> None:
    """No data is neither right nor wrong, and is said."""
    reports = check_dashboard(template(name), {}, now=NOW)
    assert {each.status for each in reports} == {"no_data"}
    assert "arrived at all" in reports[0].findings[0].text


@pytest.mark.parametrize(
    "field, kind, conditions, number",
    [
        ("count()", "error-events", "", 100),
        ("count()", "error-events", "level:fatal", 50),
        ("count_unique(user)", "error-events", "server:web-1", 7),
        ("count()", "discover", "", 200),
        ("failure_rate()", "transaction-like", "", 0.1),
        ("p95(transaction.duration)", "transaction-like", "", 520),
        ("equation|count_if(transaction.duration,less,100) / count()", "transaction-like", "", 0.1),
        ("equation|(1 - failure_rate()) * -100 + 2", "transaction-like", "", -88),
        (
            "equation|count() / failure_count()",
            "transaction-like",
            "!transaction.status:internal_error",
            None,
        ),
        ("equation|avg(measurements.none) - 1", "transaction-like", "", None),
        ("crash_free_rate(session)", "metrics", "", 0.9),
        ("count()", "error-events", "count():>100", None),
        ("count()", "error-events", "count():>99", 100),
    ],
)
def test_numbers(field: str, kind: str, conditions: str, number: float | None) -> None:
    """A big number is what the rows say."""
    shown = report(field, kind=kind, conditions=conditions).shown
    assert shown is not None
    assert shown.form == "number"
    assert shown.number == pytest.approx(number)


def test_series() -> None:
    """A chart has a point for each interval of the window, and its groups by what they sum up to."""
    found = report("release", "count()", display="line", interval="1m", limit=2, orderby="-count()")
    assert found.shown is not None
    assert [row.group for row in found.shown.rows] == [(("release", "shop@1.0"),), (("release", "shop@1.1"),)]
    assert [row.values for row in found.shown.rows] == [(("count()", 34.0),), (("count()", 33.0),)]
    points = found.shown.rows[0].points
    assert len(points) == 61
    assert sum(values[0] or 0 for _, values in points) == 34
    assert all(moment % 60 == 0 for moment, _ in points)
    rates = report(
        "epm()", "p95(transaction.duration)", kind="transaction-like", display="line", interval="5m"
    )
    assert rates.shown is not None
    assert rates.shown.rows[0].points[0][1] == (0.0, None)
    assert max(values[0] or 0 for _, values in rates.shown.rows[0].points) == 12


def test_long_windows_have_longer_intervals() -> None:
    """No chart has more points than Sentry shows."""
    found = report("count()", display="area", interval="1s", board_more={"period": "14d"})
    assert found.shown is not None
    assert len(found.shown.rows[0].points) <= 10_001
    assert sum(values[0] or 0 for _, values in found.shown.rows[0].points) == 100


def test_tables() -> None:
    """A table has a row for each group, in order, up to its limit."""
    found = report("transaction", "count()", display="table", orderby="count()")
    assert found.shown is not None
    assert [(row.group[0][1], row.values[0][1]) for row in found.shown.rows] == [
        ("/quotes", 25),
        ("/orders", 75),
    ]
    by_name = report("transaction", "count()", display="table", orderby="transaction", limit=1)
    assert by_name.shown is not None
    assert [row.group[0][1] for row in by_name.shown.rows] == ["/orders"]
    other = report("transaction", "count()", display="table", orderby="-last_seen()")
    assert other.shown is not None
    assert [row.group[0][1] for row in other.shown.rows] == ["/orders", "/quotes"]
    assert other.shown.rows[0].values == (("count()", 75.0),)


def test_tables_of_rows() -> None:
    """Without an aggregate a table shows rows, the newest first or in order."""
    found = report("release", "level", display="table", limit=2)
    assert found.shown is not None
    assert [row.group for row in found.shown.rows] == [
        (("release", "shop@1.0"), ("level", "error")),
        (("release", "shop@1.1"), ("level", "fatal")),
    ]
    ordered = report("release", "level", display="table", limit=1, orderby="-release")
    assert ordered.shown is not None
    assert ordered.shown.rows[0].group[0] == ("release", "shop@1.2")


def test_issues() -> None:
    """Widgets of issues show issues."""
    rows: Rows = {"issue": [fields_of_issue(issue(), event(exception=raised("ValueError", "boom")))]}
    found = report(
        "title",
        "events",
        kind="issue",
        display="table",
        conditions="is:unresolved",
        orderby="freq",
        rows=rows,
    )
    assert found.shown is not None
    assert found.shown.rows[0].group == (("title", "ValueError: boom"), ("events", "12"))
    assert found.status == "ok"


def test_spans() -> None:
    """Widgets of spans show spans."""
    told = TransactionTold(
        mode="static",
        event_id=None,
        trace_id="t",
        span_id="a",
        name="/o",
        op="http.server",
        start=T0,
        end=T0 + 2,
    )
    found = report("p95(span.duration)", kind="spans", rows={"span": list(span_rows(told))})
    assert found.shown is not None
    assert found.shown.number == 2000


@pytest.mark.parametrize(
    "fields, more, board_more, status, kind, text",
    [
        (["count()"], {"conditions": "level:info"}, {}, "quiet", "quiet",
         "`level:info` empties it: without it there would be 100 events; level is 'fatal', 'error'"),
        (["count()"], {"conditions": "lvel:error"}, {}, "empty", "misspelt_field",
         "none of the events has a field or tag 'lvel'; did you mean 'level', which occurs?"),
        (["count()"], {"conditions": "has:sever level:error"}, {}, "empty", "misspelt_field",
         "`has:sever` empties it: without it there would be 50 events; none of the events has a field or tag 'sever'; did you "
         "mean 'server', which occurs?"),
        (["count()"], {"conditions": "environment:prod"}, {}, "empty", "wrong_environment",
         "environment is 'production'; did you mean 'production'?"),
        (["count()"], {}, {"environment": ["prod"]}, "empty", "wrong_environment",
         "`environment prod` empties it: without it there would be 100 events; environment is 'production'"),
        (["count()"], {}, {"projects": [7]}, "empty", "wrong_value",
         "`projects 7` empties it: without it there would be 100 events; project is '1'"),
        (["count()"], {}, {"filters": {"release": ["x"]}}, "empty", "wrong_value",
         "`releases x` empties it: without it there would be 100 events; release is 'shop@1."),
        (["count()"], {}, {"period": "1m"}, "empty", "empty",
         "`the time window` empties it: without it there would be 100 events; they are from 2023-11-14T22:13:20+00:00 to"),
        (["count()"], {"conditions": "nothing at all"}, {}, "quiet", "quiet", "no message or title has this text"),
        (["count()"], {"conditions": "level:eror"}, {}, "empty", "wrong_value", "did you mean 'error'?"),
        (["count()"], {"conditions": "transaction:[/order, /quot]"}, {}, "empty", "wrong_value", "mean '/orders'?"),
        (["count()"], {"conditions": "server:web-9"}, {}, "quiet", "quiet", "server is 'web-0', 'web-1'"),
        (["count()"], {"conditions": "!level:[error, fatal]"}, {}, "quiet", "quiet", "empties it"),
        (["count()"], {"conditions": "server:x*"}, {}, "quiet", "quiet", "server is 'web-0', 'web-1'"),
        (["count()"], {"conditions": 'level:""'}, {}, "quiet", "quiet", "level is 'fatal', 'error'"),
        (["count()"], {"conditions": "error.unhandled:true"}, {}, "quiet", "quiet", "error.unhandled is 'false'"),
        (["count()"], {"conditions": "dist:5"}, {}, "quiet", "quiet", "none of the events has a dist"),
        (["count()"], {"kind": "transaction-like", "conditions": "transaction.duration:>9s"}, {}, "quiet", "quiet", "`tr"),
        (["equation|count() / failure_count()"], {"kind": "transaction-like", "conditions": "transaction.status:ok"}, {},
         "quiet", "quiet", "90 transactions meet the conditions, but none of them gives a value"),
        (["count()"], {"conditions": "level:a server:b"}, {}, "empty", "quiet",
         "`server:b` is met by none of 100 events; server is 'web-0', 'web-1'"),
        (["count()"], {"conditions": "level:error level:fatal"}, {}, "quiet", "quiet", "`level:error` empties it"),
        (["count()"], {"conditions": "count():>1000"}, {}, "quiet", "quiet",
         "it shows nothing: 100 events meet the conditions on rows, but no group meets `count():>1000`"),
        (["p95(transaction.duratoin)"], {"kind": "transaction-like"}, {}, "empty", "misspelt_field",
         "p95(transaction.duratoin): none of the transactions has a field or tag 'transaction.duratoin'; did you mean "
         "'transaction.duration', which occurs?"),
        (["avg(measurements.lcp)"], {"kind": "transaction-like"}, {}, "empty", "quiet",
         "avg(measurements.lcp): none of the transactions has a measurements.lcp"),
        (["count_unique(usr)"], {}, {}, "wrong", "misspelt_field", "did you mean 'user', which occurs?"),
        (["count_unique(colour)"], {}, {}, "wrong", "misspelt_field", "those that occur: "),
        (["p95(transaction.duration)"], {}, {}, "empty", "wrong_type",
         "transaction.duration is a field of transactions, these are events"),
        (["count()"], {"conditions": "!lvel:info"}, {}, "wrong", "misspelt_field", "`!lvel:info`: none of the events"),
        (["count()"], {"conditions": "!colour:red !has:dist"}, {}, "ok", None, ""),
        (["count()"], {"conditions": "lvel:error OR level:fatal"}, {}, "wrong", "misspelt_field", "did you mean 'level'"),
        (["p95(release)"], {}, {}, "empty", "wrong_type",
         "p95(release): release is a field of type text, p95 needs one of type duration or number"),
        (["avg(plan)"], {"kind": "transaction-like"}, {}, "empty", "wrong_type",
         "avg(plan): plan is text, such as 'gold', and no number"),
        (["failure_rate()"], {}, {}, "wrong", "wrong_type", "failure_rate() is a function of span or transaction rows"),
        (["p95(measurements.cart)"], {"kind": "transaction-like"}, {}, "wrong", "wrong_unit",
         "measurements.cart is sent in byte and millisecond; one number of both means nothing"),
        (["count()"], {"kind": "transaction-like", "conditions": "transaction.duration:>0.3"}, {}, "wrong", "wrong_unit",
         "0.3 is in milliseconds, and every transaction.duration is above it (50 to 545 ms); 0.3 s would be 300"),
        (["count()"], {"kind": "transaction-like", "conditions": "transaction.duration:>0.3ms"}, {}, "ok", None, ""),
        (["count()"], {"kind": "transaction-like", "conditions": "transaction.duration:>300"}, {}, "ok", None, ""),
        (["apdex(0.3)"], {"kind": "transaction-like"}, {}, "wrong", "wrong_unit", "apdex(0.3): 0.3 is in milliseconds"),
        (["p95(transaction.duration)"],
         {"kind": "transaction-like", "thresholds": {"max_values": {"max1": 0.2, "max2": 0.5}, "unit": "millisecond"}}, {},
         "wrong", "wrong_unit", "1040 times the upper threshold of 0.5 milliseconds; are the thresholds meant in seconds?"),
        (["p95(transaction.duration)"],
         {"kind": "transaction-like", "thresholds": {"max_values": {"max1": 0.2, "max2": 0.5}, "unit": "second"}}, {},
         "ok", None, ""),
        (["count()"], {"thresholds": {"max_values": {"max1": 0.2, "max2": 0.5}, "unit": None}}, {}, "ok", None, ""),
        (["count()"], {"kind": "logs"}, {}, "unsupported", "unsupported", "logs data is not evaluated here"),
        (["count()"], {"display": "heatmap"}, {}, "unsupported", "unsupported", "a widget of type heatmap is not"),
        (["count()"], {"conditions": "custom:>5"}, {}, "empty", "doubt", "as a tag it is text"),
    ],
)  # fmt: skip
def test_findings(
    fields: list[str],
    more: dict[str, Any],
    board_more: dict[str, Any],
    status: str,
    kind: str | None,
    text: str,
) -> None:
    """Each thing that can be the matter is found, named, and explained."""
    found = report(*fields, board_more=board_more, **more)
    assert found.status == status
    if kind is None:
        assert found.findings == ()
    else:
        assert any(kind == each.kind and text in each.text for each in found.findings), texts(found)


def test_each_condition_alone_is_fine() -> None:
    """When every condition is met by some rows and never all by one, that is what is said."""
    rows: Rows = {"event": [error(timestamp=NOW, tags=tags) for tags in ({"a": "1"}, {"b": "1"}, {"c": "1"})]}
    found = report("count()", conditions="a:1 b:1 c:1", rows=rows)
    assert texts(found)["quiet"] == (
        "each of `a:1` and `b:1` and `c:1` and `the time window` is met by some of 3 events, but never all together"
    )


def test_seconds_in_an_attribute() -> None:
    """A field without unit whose numbers are seconds, compared with milliseconds."""
    rows: Rows = {
        "transaction": [
            transaction(at=NOW, measurements={"wait": {"value": seconds}}) for seconds in (0.1, 0.5, 2.0)
        ]
    }
    found = report("count()", kind="transaction-like", conditions="measurements.wait:<500", rows=rows)
    assert texts(found)["wrong_unit"] == (
        "`measurements.wait:<500`: every measurements.wait is below 500 (they are 0.1 to 2); if it is in seconds, 500 ms is "
        "written 0.5"
    )


def test_invalid_widgets_are_reported_in_their_places() -> None:
    """What cannot be read is a report like the others."""
    dashboard = load_dashboard(board(widget("count()", limit=0), widget("count()")), "ops.json")
    reports = check_dashboard(dashboard, ROWS, now=NOW)
    assert [(each.index, each.status) for each in reports] == [(0, "invalid"), (1, "ok")]
    assert "ops.json: widgets[0].limit: 0 is not allowed" in reports[0].findings[0].text
    assert reports[0].lag is None


def test_freshness() -> None:
    """Rows whose own time lies outside of the window have arrived and are not shown."""
    rows: Rows = {"event": [error(NOW - 300, timestamp=NOW - 300), error(NOW - 5, timestamp=NOW + 3600)]}
    dashboard = dashboard_from(board(widget("count()")))
    found = check_dashboard(dashboard, rows, now=NOW)[0]
    assert (found.status, found.lag, found.matched, found.considered) == ("stale", 295.0, 1, 2)
    assert "it is 295 s behind" in found.findings[0].text
    assert check_dashboard(dashboard, rows, now=NOW, freshness=300)[0].status == "ok"


def test_fixed_windows() -> None:
    """A dashboard may have a start and an end of its own."""
    more = {"start": "2023-11-14T22:13:20Z", "end": "2023-11-14T22:14:19Z"}
    found = report("count()", board_more=more)
    assert found.shown is not None
    assert (found.shown.number, found.shown.start) == (12, T0)
    del more["end"]
    open_end = report("count()", board_more=more)
    assert open_end.shown is not None
    assert (open_end.shown.number, open_end.shown.end) == (100, NOW)


def test_several_queries() -> None:
    """A chart may have several queries; each has its lines."""
    given = widget("count()", display="line", interval="5m")
    given["queries"] = [
        {"name": name, "fields": ["count()"], "conditions": f"level:{name}"} for name in ("error", "fatal")
    ]
    found = check_dashboard(dashboard_from(board(given)), ROWS, now=NOW)[0]
    assert found.shown is not None
    assert [(row.query, row.values[0][1]) for row in found.shown.rows] == [("error", 50), ("fatal", 50)]
    assert found.matched == 100


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(-4000, 100)), max_size=30),
    st.sampled_from(["", "t:a", "t:a u:x", "!t:a", "t:[a, b] u:y", "t:a OR u:x"]),
    st.sampled_from([[], ["x"]]),
)
def test_one_pass_is_as_good_as_many(
    given_rows: list[tuple[str, str, int]], conditions: str, environment: list[str]
) -> None:
    """Number and what dropping each condition brings back are those of plain filtering."""
    rows = [
        error(NOW + offset, timestamp=NOW + offset, tags={"t": t, "u": u}, environment=u)
        for t, u, offset in given_rows
    ]
    dashboard = dashboard_from(board(widget("count()", conditions=conditions), environment=environment))
    found = check_dashboard(dashboard, {"event": rows}, now=NOW)[0]
    search = dashboard.widgets[0].queries[0].search

    def passes(row: Row, without: str = "") -> bool:
        return (
            all(part.test(row, NOW) for part in search.parts if part.text != without)
            and (not environment or without == "environment x" or row("environment")[0] in environment)
            and (without == "the time window" or NOW - 3600 <= row.at <= NOW)
        )

    assert found.matched == sum(passes(row) for row in rows)
    if rows and not found.matched:
        names = [*(part.text for part in search.parts), "environment x", "the time window"]
        for name in names:
            back = sum(passes(row, name) for row in rows)
            said = any(
                f"`{name}` empties it: without it there would be {back} event" in f.text
                for f in found.findings
            )
            assert said == (back > 0)


def test_failures_of_spans() -> None:
    """A span fails with its transaction, as in Sentry; one that came alone by its own status."""
    rows: list[Row] = []
    for index in range(10):
        child = SpanTold(
            trace_id="t", span_id=f"c{index}", parent_span_id="a", start=T0, end=T0 + 1, op="db", status="ok"
        )
        told = TransactionTold(
            mode="static",
            event_id=None,
            trace_id="t",
            span_id="a",
            start=T0,
            end=T0 + 1,
            status="internal_error" if index < 3 else "ok",
            spans=(child,),
        )
        rows += span_rows(told, {}, received_at=T0 + 10)
    found = report("failure_rate()", kind="spans", rows={"span": rows})
    assert (found.status, found.shown and found.shown.number) == ("ok", 0.3)
    found = report("count()", kind="spans", rows={"span": rows}, conditions="trace.status:internal_error")
    assert (found.status, found.shown and found.shown.number) == ("ok", 6)
    alone = SpanTold(
        trace_id="t", span_id="x", parent_span_id=None, start=T0, end=T0 + 1, op="db", status="aborted"
    )
    found = report("failure_count()", kind="spans", rows={"span": [*rows, fields_of_span(alone)]})
    assert found.shown
    assert found.shown.number == 7


@pytest.mark.parametrize(
    "fields, more",
    [
        (["count_unique(user.email)"], {}),
        (["count_unique(geo.country_code)"], {}),
        (["device.family", "count()"], {"display": "table"}),
    ],
)
def test_a_known_field_that_never_occurs(fields: list[str], more: dict[str, Any]) -> None:
    """Is nothing to look at, although nothing is misspelt."""
    found = report(*fields, **more)
    assert found.status == "quiet"
    assert "none of the events has a " in texts(found)["quiet"]


@pytest.mark.parametrize("name", ["issue.id", "project.name", "project.id"])
def test_names_of_issues_and_projects(name: str) -> None:
    """Are known, and are those of the issue and the project."""
    rows: Rows = {"event": [fields_of_event(event(T0 + at, timestamp=T0 + at), 7) for at in range(3)]}
    found = report(f"count_unique({name})", rows=rows)
    assert (found.status, found.shown and found.shown.number) == ("ok", 1)


def test_a_sum_without_an_end() -> None:
    """Is no number, and said."""
    huge = {"huge": {"value": 1.7e308, "unit": "none"}}
    rows: Rows = {"transaction": [transaction(1, at=T0 + at, measurements=huge) for at in range(2)]}
    found = report("sum(measurements.huge)", kind="transaction-like", rows=rows, display="line")
    assert found.status == "quiet"
    assert found.shown is not None
    assert any("sum(measurements.huge) is too large to be a number" in each.text for each in found.findings)
    assert found.shown.rows[0].values == (("sum(measurements.huge)", None),)
    found = report("equation|max(measurements.huge) * 9", kind="transaction-like", rows=rows)
    assert found.status == "quiet"
    assert found.shown is not None
    assert found.shown.number is None
