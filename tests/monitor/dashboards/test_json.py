"""Sentry's dashboard JSON: read strictly, written as it was read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import RulesError, UsageError
from pytest_sentry_harness.monitor.aggregates import FUNCTIONS
from pytest_sentry_harness.monitor.aggregates.elsewhere import ELSEWHERE
from pytest_sentry_harness.monitor.dashboards import (
    TEMPLATES,
    Layout,
    check_dashboard,
    dashboard_document,
    dashboard_from,
    dashboard_json,
    load_dashboard,
    parse_dashboard,
    template,
)
from pytest_sentry_harness.monitor.dashboards.model import DISPLAY_TYPES, KINDS_OF
from tests.examples import examples

DOCUMENTED: dict[str, Any] = {
    "title": "Ops", "projects": [1], "environment": ["prod"], "period": "7d",
    "widgets": [{"title": "p95 by route", "displayType": "line", "interval": "5m", "widgetType": "transaction-like", "limit": 5,
      "queries": [{"name": "", "fields": ["transaction", "p95(transaction.duration)"],
        "columns": ["transaction"], "aggregates": ["p95(transaction.duration)"],
        "fieldAliases": [], "conditions": "transaction.op:http.server", "orderby": "-p95(transaction.duration)"}],
      "layout": {"x": 0, "y": 0, "w": 2, "h": 2, "minH": 2}}],
}  # fmt: skip


def query(**more: Any) -> dict[str, Any]:
    return {"fields": ["count()"], "conditions": ""} | more


def widget(**more: Any) -> dict[str, Any]:
    return {"title": "w", "displayType": "big_number", "queries": [query()]} | more


def board(*widgets: Any, **more: Any) -> dict[str, Any]:
    return {"title": "d", "widgets": list(widgets)} | more


def test_documented_example() -> None:
    """The example of Sentry's API reference, read and written."""
    dashboard = parse_dashboard(json.dumps(DOCUMENTED))
    only = dashboard.widgets[0]
    assert (dashboard.title, dashboard.period_seconds, dashboard.environment) == ("Ops", 604800, ("prod",))
    assert (only.display_type, only.interval_seconds, only.limit) == ("line", 300, 5)
    assert only.layout == Layout(x=0, y=0, w=2, h=2, min_h=2)
    assert only.queries[0].measures[0].aggregates[0].function == "p95"
    assert dashboard_document(dashboard) == DOCUMENTED | {"filters": {}}
    assert parse_dashboard(dashboard_json(dashboard)) == dashboard


def test_snake_case_is_the_same() -> None:
    """Requests may have either spelling."""
    snake = json.loads(
        json.dumps(DOCUMENTED)
        .replace("displayType", "display_type")
        .replace("widgetType", "widget_type")
        .replace("fieldAliases", "field_aliases")
        .replace("minH", "min_h")
    )
    assert dashboard_from(snake) == dashboard_from(DOCUMENTED)


def test_what_sentry_answers_besides() -> None:
    """Keys of Sentry's answers are kept, and null is as good as absent."""
    answer = board(
        widget(id="5", dateCreated="x", limit=None, layout=None, datasetSource="user", description=None)
        | {"queries": [query(id="6", widgetId="5", isHidden=False, columns=[], aggregates=["count()"])]},
        id="1",
        createdBy={"name": "x"},
        start=None,
        filters={"release": ["a"]},
    )
    dashboard = dashboard_from(answer)
    document = dashboard_document(dashboard)
    assert (document["id"], document["createdBy"], document["filters"]) == (
        "1",
        {"name": "x"},
        {"release": ["a"]},
    )
    assert (document["widgets"][0]["id"], document["widgets"][0]["queries"][0]["widgetId"]) == ("5", "5")
    assert dashboard_from(document) == dashboard


@pytest.mark.parametrize(
    "document, message",
    [
        ("{", "ops.json: not valid JSON: "),
        ([], "ops.json: must be an object, not a list"),
        (None, "ops.json: must be an object, not null"),
        (board(None), "ops.json: widgets[0]: must be an object, not null"),
        ({}, 'ops.json: title is missing or empty\n  hint: add "title": "…"'),
        ({"titel": "x"}, "title is missing or empty\n  hint: is 'titel' meant to be 'title'?"),
        (board(title="x" * 256), "ops.json: title: 256 characters, 255 are allowed"),
        (board(title=5), "ops.json: title: must be a string, not a number"),
        (board(widgts=[]), "ops.json: widgts: unknown key 'widgts'\n  hint: did you mean 'widgets'?"),
        (board(*[widget()] * 31), "ops.json: widgets: 31 widgets, 30 are allowed"),
        (board(period="1 day"), "ops.json: period: '1 day' is not a period\n  hint: write a number and a unit: 30s"),
        (board(period="0h"), "'0h' is not a period"),
        (board(start="x"), "ops.json: start: 'x' is not a time"),
        (board(start="2024-01-02T00:00:00Z", end="2024-01-01T00:00:00Z"), "start 2024-01-02T00:00:00Z is not before"),
        (board(projects=["a"]), "ops.json: projects[0]: must be a whole number, not a string"),
        (board(environment="prod"), "ops.json: environment: must be a list of strings, not a string"),
        (board(environment=[1]), "ops.json: environment[0]: must be a string, not a number"),
        (board(5), "ops.json: widgets[0]: must be an object, not a number"),
        (board(widget(title="")), "ops.json: widgets[0]: title is missing or empty"),
        (board(widget(displayType="lin")), "ops.json: widgets[0].displayType: 'lin' is not allowed\n  hint: did you mean 'line'? allowed: line, area"),
        (board(widget(displayType=None)), "ops.json: widgets[0]: displayType is missing\n  hint: allowed: line"),
        (board(widget() | {"display_type": "line"}), "widgets[0].display_type: display_type and displayType are the same key"),
        (board(widget(widgetType="errors")), "widgets[0].widgetType: 'errors' is not allowed\n  hint: did you mean 'error-events'?"),
        (board(widget(limit=11)), "widgets[0].limit: 11 is not allowed\n  hint: use a whole number, 1 to 10"),
        (board(widget(limit=True)), "widgets[0].limit: True is not allowed"),
        (board(widget(interval="fast")), "widgets[0].interval: 'fast' is not a period"),
        (board(widget(queries=[])), "widgets[0].queries: the widget has no query"),
        (board(widget(queries=[{}])), "widgets[0].queries[0]: fields is missing"),
        (board(widget(queries=[query(fields=["cuont()"])])), "widgets[0].queries[0].fields[0], character 1: unknown function 'cuont'"),
        (board(widget(queries=[query(aggregates=["count("])])), "widgets[0].queries[0].aggregates[0], character 1: 'count(' is not a function"),
        (board(widget(displayType="table", queries=[query(fields=["release", "cuont()"])])), "queries[0].fields[1], character 1: unknown"),
        (board(widget(queries=[query(columns=["count()"])])), "widgets[0].queries[0].columns[0]: 'count()' is an aggregate"),
        (board(widget(queries=[query(fields=["transaction"])])), "a widget of type big_number needs an aggregate"),
        (board(widget(queries=[query(conditions="level:")])), "widgets[0].queries[0].conditions, character 7: there is no value"),
        (board(widget(queries=[query(conditions="is:new")])), "is: is for issues only, these are event rows"),
        (board(widget(queries=[query(orderby="-cuont()")])), "widgets[0].queries[0].orderby, character 1: unknown function 'cuont'"),
        (board(widget(queries=[query(orderby="-cnt")])), "widgets[0].queries[0].orderby: 'cnt' is not among what the query shows\n  hint: allowed: count()"),
        (board(widget(queries=[query(limit=5)])), "widgets[0].queries[0].limit: unknown key 'limit'"),
        (board(widget(queries=[query(fields=["equation|count() **  2"])])), "'equation|count() **  2' is not an equation"),
        (board(widget(queries=[query(fields=["equation|v7 + count()"])])), "fields[0], character 10: 'v7' is neither an aggregate nor a number"),
        (board(widget(queries=[query(fields=["equation|v0 + count()"])])), "'v0' is neither an aggregate nor a number"),
        (board(widget(queries=[query(fields=["equation|count() + ｖ0"])])), "'ｖ0' is neither an aggregate nor a number"),
        (board(widget(queries=[query(fields=["equation|count() * " + "9" * 900])])), "is not an equation"),
        (board(widget(queries=[query(fields=["equation|count() * 1e999"])])), "is not an equation"),
        (board(widget(queries=[query(fields=["equation|1 +"])])), "is not an equation\n  hint: write aggregates, numbers"),
        (board(widget(queries=[query(fields=["equation|1 + 1"])])), "is not an equation"),
        (board(widget(queries=[query(fields=["equation|cuont() / 2"])])), "fields[0], character 10: unknown function 'cuont'"),
        (board(widget(queries=[query(fields=["equation|" + "1+" * 600 + "count()"])])), "is not an equation"),
        (board(widget(layout={"x": 0, "y": 0, "w": 7, "h": 1, "minH": 1})), "widgets[0].layout.w: 7 is not allowed\n  hint: use a whole number, 1 to 6"),
        (board(widget(layout={"x": 5, "y": 0, "w": 2, "h": 1, "minH": 1})), "widgets[0].layout.w: x 5 and w 2 reach beyond the 6 columns\n  hint: use w of 1 or less"),
        (board(widget(layout={"x": 0, "y": -1, "w": 2, "h": 1, "minH": 1})), "widgets[0].layout.y: -1 is not allowed\n  hint: use a whole number, 0 or more"),
        (board(widget(layout={"x": 0, "y": 0})), "widgets[0].layout: w, h, minH missing"),
        (board(*[widget(layout={"x": 0, "y": 0, "w": 2, "h": 2, "minH": 1})] * 2), "widgets[1].layout: the widget overlaps with widgets[0] ('w')"),
        (board(widget(thresholds={"max_values": {"max1": 5, "max2": 5}})), "thresholds.max_values.max2: max2 = 5 is not above max1 = 5"),
        (board(widget(thresholds={"max_values": {"max1": 5}})), "thresholds.max_values: one threshold is missing"),
        (board(widget(thresholds={"max_values": {"max1": -5, "max2": 5}})), "max_values.max1: -5 is not allowed"),
        (board(widget(thresholds={"max_values": {"max3": 5}})), "thresholds.max_values.max3: unknown key 'max3'"),
        (board(widget(description="x" * 256)), "widgets[0].description: 256 characters, 255 are allowed"),
    ],
)  # fmt: skip
def test_messages(document: Any, message: str) -> None:
    """File, key path, value, and what is allowed."""
    with pytest.raises(RulesError) as caught:
        if isinstance(document, str):
            parse_dashboard(document, "ops.json")
        else:
            dashboard_from(document, "ops.json")
    assert message in str(caught.value)


def test_all_that_is_wrong() -> None:
    """Every widget that is not valid is named at once; loading keeps the others, with their positions."""
    document = board(widget(limit=0), widget(), widget(displayType="x"))
    with pytest.raises(RulesError, match=r"(?s)widgets\[0\].limit.*also d: widgets\[2\].displayType"):
        dashboard_from(document, "d")
    dashboard = load_dashboard(json.dumps(document), "d")
    assert [refused.index for refused in dashboard.refused] == [0, 2]
    assert dashboard.positions == (1,)


def test_fields_are_split() -> None:
    """Older dashboards have fields only; columns and aggregates follow from them."""
    only = dashboard_from(
        board(
            widget(
                displayType="table", queries=[query(fields=["release", "count()", "equation|count() / 2"])]
            )
        )
    ).widgets[0]
    assert only.queries[0].columns == ("release",)
    assert only.queries[0].aggregates == ("count()", "equation|count() / 2")


@pytest.mark.parametrize("orderby", ["count()", "-count", "-p95_transaction_duration", "equation[0]", "-transaction",
                                     "-epm()", ""])  # fmt: skip
def test_orders(orderby: str) -> None:
    """An order is a column, an aggregate in either spelling, an equation by number, or another aggregate."""
    fields = ["transaction", "count()", "p95(transaction.duration)", "equation|count() / 2"]
    given = widget(
        displayType="table",
        widgetType="transaction-like",
        queries=[query(fields=fields, orderby=orderby)],
    )
    found = dashboard_from(board(given)).widgets[0].queries[0]
    assert (found.order is not None) == (orderby == "-epm()")


def test_issue_widgets() -> None:
    """Issues have their own columns and orders."""
    given = widget(
        displayType="table",
        widgetType="issue",
        queries=[query(fields=["issue", "events"], conditions="is:unresolved", orderby="freq")],
    )
    assert dashboard_from(board(given)).widgets[0].queries[0].columns == ("issue", "events")


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates(name: str) -> None:
    """Every template is a valid dashboard that survives the way to Sentry and back."""
    dashboard = template(name, environment=["prod"], business="transaction:/orders")
    assert dashboard.widgets
    assert all(each.layout is not None for each in dashboard.widgets)
    assert parse_dashboard(dashboard_json(dashboard)) == dashboard


def test_unknown_template() -> None:
    """Another name is refused with those there are."""
    with pytest.raises(UsageError, match="no dashboard template 'error'\n  hint: did you mean 'errors'"):
        template("error")


CELLS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), unique=True, max_size=5)
QUERIES = st.fixed_dictionaries(
    {
        "name": st.text(max_size=5),
        "fields": st.just(["release", "count()"]),
        "conditions": st.sampled_from(["", "level:error", "server:[a, b] OR !has:user", 'message:"a b"']),
        "orderby": st.sampled_from(["", "-count()", "release"]),
    },
    optional={"fieldAliases": st.lists(st.text(max_size=3), max_size=2), "isHidden": st.booleans()},
)
WIDGETS = st.fixed_dictionaries(
    {
        "title": st.text(min_size=1, max_size=9).filter(str.strip),
        "displayType": st.sampled_from([name for name in DISPLAY_TYPES if name != "big_number"]),
        "queries": st.lists(QUERIES, min_size=1, max_size=3),
        "widgetType": st.sampled_from(["error-events", "discover", "logs"]),
    },
    optional={
        "limit": st.integers(1, 10),
        "interval": st.sampled_from(["1m", "1h"]),
        "description": st.text(max_size=9),
        "thresholds": st.just({"max_values": {"max1": 1, "max2": 2}, "unit": "second"}),
    },
)


@examples(100)
@given(CELLS, st.lists(WIDGETS, min_size=5, max_size=5), st.sampled_from([None, "24h"]))
def test_round_trip(cells: list[tuple[int, int]], widgets: list[dict[str, Any]], period: str | None) -> None:
    """Written and read again, a dashboard is the same, and writing it again gives the same text."""
    placed = [
        each | {"layout": {"x": x * 2, "y": y, "w": 2, "h": 1, "minH": 1}}
        for (x, y), each in zip(cells, widgets, strict=False)
    ]
    dashboard = dashboard_from(board(*placed, period=period))
    text = dashboard_json(dashboard)
    assert parse_dashboard(text) == dashboard
    assert dashboard_json(parse_dashboard(text)) == text


@examples(100)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(1, 6), st.integers(1, 3)), max_size=6
    )
)
def test_overlaps(places: list[tuple[int, int, int, int]]) -> None:
    """A widget is refused exactly when it reaches beyond the grid or shares a cell with one that is placed."""
    taken: set[tuple[int, int]] = set()
    refused = []
    for index, (x, y, w, h) in enumerate(places):
        cells = {(x + i, y + j) for i in range(w) for j in range(h)}
        if x + w > 6 or cells & taken:
            refused.append(index)
        else:
            taken |= cells
    given_widgets = [widget(layout={"x": x, "y": y, "w": w, "h": h, "minH": 1}) for x, y, w, h in places]
    assert [each.index for each in load_dashboard(board(*given_widgets)).refused] == refused


@examples(200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["title", "widgets", "queries", "layout", "displayType", "fields", "x", "thresholds"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_any_document_is_read_or_refused(document: Any) -> None:
    """Whatever JSON is given, the answer is a dashboard or an error that names the place."""
    refused = "d.json"
    try:
        load_dashboard(document, "d.json")
    except RulesError as error:
        refused = str(error)
    assert refused.startswith("d.json")


def test_every_widget_type_has_its_rows() -> None:
    """The table of types is complete for what dashboards are made of."""
    assert KINDS_OF["error-events"] == ("event",)
    assert KINDS_OF["logs"] == ()


def test_exports_grow_keys() -> None:
    """What nobody knows is kept and said; what is a known key misspelt is refused."""
    dashboard = load_dashboard(board(revisionSource="edit", new_thing=[1]), "ops.json")
    assert [each.split(" that ")[0] for each in dashboard.warnings] == [
        "dashboard 'd' has a key 'revisionSource'",
        "dashboard 'd' has a key 'new_thing'",
    ]
    assert dashboard_document(dashboard)["revisionSource"] == "edit"
    with pytest.raises(RulesError, match="did you mean 'environment'"):
        load_dashboard(board(enviroment=["a"]))


def test_half_of_a_pair_and_a_byte_order_mark() -> None:
    """Text that no file can hold is replaced when it is read; a mark at the start is no part of the JSON."""
    text = '{"title": "x\\ud800", "widgets": [{"title": "\\ud83d\\ude00\\udfff"}]}'
    for written in (text, "\ufeff" + text, b"\xef\xbb\xbf" + text.encode()):
        dashboard = load_dashboard(written)
        assert dashboard.title == "x\ufffd"
        assert dashboard.refused[0].title == "\U0001f600\ufffd"
    assert load_dashboard({"title": "x\ud800"}).title == "x\ufffd"
    nested: object = "x"
    for _ in range(5000):
        nested = [nested]
    with pytest.raises(RulesError, match="nested too deeply"):
        load_dashboard({"title": "x", "widgets": nested})


def test_functions_that_only_sentry_has() -> None:
    """A widget with one of them is neither valid nor invalid: nobody evaluates it here."""
    fields = [
        "count_web_vitals(measurements.lcp,good)",
        "performance_score(measurements.score.lcp)",
        "corr(a,b)",
    ]
    dashboard = load_dashboard(
        board(
            *(widget(queries=[query(fields=[each])]) for each in fields),
            widget(queries=[query(conditions="http_error_count():>5")]),
            widget(displayType="table", queries=[query(fields=["timestamp.to_day", "count()"])]),
            widget(queries=[query(fields=["cuont()"])]),
        )
    )
    assert [each.unsupported for each in dashboard.refused] == [True, True, True, True, True, False]
    statuses = [each.status for each in check_dashboard(dashboard, {}, now=0.0)]
    assert statuses == ["unsupported"] * 5 + ["invalid"]
    assert "count_web_vitals is a function of Sentry that is not evaluated here" in str(
        dashboard.refused[0].error
    )
    assert not ELSEWHERE & set(FUNCTIONS)
