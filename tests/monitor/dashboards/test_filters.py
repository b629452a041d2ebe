"""Filters over a whole dashboard: applied to the widgets they are for, or refused with a message."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_sentry_harness.errors import RulesError
from pytest_sentry_harness.monitor.dashboards import (
    Rows,
    WidgetReport,
    check_dashboard,
    dashboard_document,
    dashboard_from,
    load_dashboard,
)
from pytest_sentry_harness.monitor.dashboards.asked import asked_of

from ..fields.rows import T0, error, raised, transaction

ROWS: Rows = {
    "event": [
        error(
            T0 + second,
            timestamp=T0 + second,
            release=f"shop@1.{second}.0",
            exception=raised("PaymentError" if second % 3 else "OSError"),
        )
        for second in range(12)
    ],
    "transaction": [transaction(100, at=T0 + second, release="shop@1.4.0") for second in range(5)],
}
PAYMENT = {
    "dataset": "error-events",
    "tag": {"key": "error.type", "name": "error.type", "kind": "field"},
    "value": "error.type:PaymentError",
    "isTemporary": False,
}


def board(filters: Any = None, **more: Any) -> dict[str, Any]:
    widgets = [
        {"title": kind, "displayType": "big_number", "widgetType": kind, "queries": [{"fields": ["count()"]}]}
        for kind in ("error-events", "transaction-like")
    ]
    return {"title": "d", "period": "1h", "widgets": widgets, "filters": filters or {}} | more


def looked_at(document: dict[str, Any]) -> tuple[WidgetReport, ...]:
    return check_dashboard(dashboard_from(document), ROWS, now=T0 + 60)


def numbers(document: dict[str, Any]) -> list[float | None]:
    return [each.shown.number if each.shown else None for each in looked_at(document)]


@pytest.mark.parametrize(
    "filters, shown",
    [
        ({"globalFilter": [PAYMENT]}, [8, 5]),
        ({"global_filter": [PAYMENT]}, [8, 5]),
        ({"globalFilter": [PAYMENT | {"value": ""}]}, [12, 5]),
        ({"globalFilter": [PAYMENT, PAYMENT | {"dataset": "spans", "value": "span.op:db"}]}, [8, 5]),
        ({"globalFilter": [PAYMENT, PAYMENT | {"value": "release:latest"}]}, [1, 5]),
        ({"release": ["shop@1.4.0"]}, [1, 5]),
        ({"release": ["shop@1.4.0"], "releaseId": ["77"]}, [1, 5]),
        ({"release": ["latest"]}, [1, 5]),
        ({"release": ["latest", "shop@1.4.0"]}, [2, 5]),
        ({"release": [], "releaseId": [], "globalFilter": []}, [12, 5]),
    ],
)
def test_filters_are_applied_to_the_widgets_they_are_for(filters: Any, shown: list[float]) -> None:
    """Releases to all of them, a global filter to those of its dataset; and they are written as they were read."""
    assert numbers(board(filters)) == shown
    exported = dashboard_document(dashboard_from(board(filters)))
    assert set(exported["filters"]) <= set(filters) | {"globalFilter"}
    assert dashboard_from(exported) == dashboard_from(board(filters))


@pytest.mark.parametrize(
    "filters, message",
    [
        ({"release": "shop@9"}, "d.json: filters.release: must be a list of strings, not a string"),
        ({"releaseId": ["5"]}, "d.json: filters.releaseId: releases are told by their numbers in Sentry"),
        ({"relaese": ["a"]}, "d.json: filters.relaese: unknown key 'relaese'\n  hint: did you mean 'release'"),
        ({"globalFilter": {}}, "d.json: filters.globalFilter: must be a list of objects, not a table"),
        ({"globalFilter": [None]}, "filters.globalFilter[0]: must be an object, not null"),
        ({"globalFilter": [PAYMENT | {"dataset": "errors"}]}, "globalFilter[0].dataset: 'errors' is not allowed"),
        ({"globalFilter": [PAYMENT | {"valeu": ""}]}, "globalFilter[0].valeu: unknown key 'valeu'"),
        ({"globalFilter": [PAYMENT | {"tag": {}}]}, "globalFilter[0].tag: the tag has no key"),
        ({"globalFilter": [PAYMENT | {"value": "level:"}]}, "globalFilter[0].value, character 7: there is no value"),
        ({"globalFilter": [PAYMENT | {"value": "count():>5"}]}, "`count():>5` is about groups"),
    ],
)  # fmt: skip
def test_what_would_be_left_out_is_refused(filters: Any, message: str) -> None:
    """No filter is dropped without a word."""
    with pytest.raises(RulesError) as caught:
        dashboard_from(board(filters), "d.json")
    assert message in str(caught.value)


def test_a_filter_that_empties_a_widget_is_named() -> None:
    """With what it says, and what occurs."""
    found = looked_at(board({"globalFilter": [PAYMENT | {"value": "eror.type:PaymentError"}]}))[0]
    assert found.status == "empty"
    assert any(
        "a filter of the dashboard" in each.text and "'error.type'" in each.text for each in found.findings
    )
    assert (
        looked_at(board({"release": ["shop@7"]}))[0]
        .findings[1]
        .text.startswith("`releases shop@7` empties it")
    )


@pytest.mark.parametrize(
    "conditions, shown",
    [
        ("release:latest", 1),
        ("!release:latest", 11),
        ("release:[latest, shop@1.2.0]", 2),
        ("has:release", 12),
    ],
)
def test_the_latest_release(conditions: str, shown: float) -> None:
    """Of each project, by version, where 1.11 comes after 1.9."""
    document = board()
    document["widgets"][0]["queries"][0]["conditions"] = conditions
    assert numbers(document)[0] == shown


def test_the_latest_of_releases_without_versions() -> None:
    """The one that came up last."""
    rows: Rows = {
        "event": [error(T0 + at, timestamp=T0 + at, release=name) for at, name in enumerate("bbaab")]
    }
    report = check_dashboard(dashboard_from(board({"release": ["latest"]})), rows, now=T0 + 60)[0]
    assert report.shown is not None
    assert report.shown.number == 2


@pytest.mark.parametrize(
    "more", [{"projects": [-1, 5]}, {"projects": [5], "allProjects": True}, {"filters": {"allProjects": True}, "projects": [5]}]
)  # fmt: skip
def test_all_projects(more: dict[str, Any]) -> None:
    """Are no condition."""
    assert numbers(board(**more)) == [12, 5]


def test_fields_of_filters_are_foreseen() -> None:
    """In the rows of their dataset alone."""
    asked = asked_of([load_dashboard(board({"globalFilter": [PAYMENT]}))])
    assert "error.type" in asked["event"]
    assert "error.type" not in asked["transaction"]
