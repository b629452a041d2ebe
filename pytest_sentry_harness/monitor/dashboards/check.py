"""What is to be said of each widget: valid, has data, right field, environment and unit, and how far behind it is."""

from __future__ import annotations

from collections.abc import Sequence

from .diagnosis import missing_fields, why_empty
from .evaluation import Outcome, Rows, evaluate, of_kinds
from .model import (
    KINDS_OF,
    NUMBERS,
    Dashboard,
    Finding,
    FindingKind,
    Query,
    Shown,
    Status,
    Widget,
    WidgetReport,
)
from .occurring import Occurring
from .plausibility import wrong_types, wrong_units

DEFAULT_FRESHNESS = 60.0
"""Seconds a widget may be behind what has arrived."""
_WRONG: frozenset[FindingKind] = frozenset(
    {"misspelt_field", "wrong_environment", "wrong_value", "wrong_type", "wrong_unit"}
)


def check_dashboard(
    dashboard: Dashboard, rows: Rows, *, now: float, freshness: float = DEFAULT_FRESHNESS
) -> tuple[WidgetReport, ...]:
    """Evaluate every widget over ``rows`` at ``now`` (seconds since the epoch), and say what is the matter with it.

    ``freshness``: seconds by which the newest row shown may have arrived before the newest that meets the conditions.
    Widgets that could not be read (``load_dashboard``) are reported as invalid, in their places.
    O(rows x conditions) for each query of a widget.
    """
    positions = dashboard.positions or range(len(dashboard.widgets))
    occurring: dict[str, Occurring] = {}
    reports = [
        WidgetReport(
            index=refused.index,
            title=refused.title,
            status="unsupported" if refused.unsupported else "invalid",
            findings=(
                Finding(
                    kind="unsupported" if refused.unsupported else "invalid",
                    text=str(refused.error),
                    where=refused.error.where or "",
                ),
            ),
        )
        for refused in dashboard.refused
    ]
    for index, widget in zip(positions, dashboard.widgets, strict=True):
        known = occurring.get(widget.widget_type)
        if known is None:
            kinds = KINDS_OF[widget.widget_type]
            known = occurring[widget.widget_type] = Occurring(of_kinds(rows, kinds), kinds)
        reports.append(_report(index, widget, dashboard, rows, known, now, freshness))
    return tuple(sorted(reports, key=lambda report: report.index))


def _report(
    index: int,
    widget: Widget,
    dashboard: Dashboard,
    rows: Rows,
    occurring: Occurring,
    now: float,
    freshness: float,
) -> WidgetReport:
    if widget.display_type not in NUMBERS or not occurring.kinds:
        what = f"a widget of type {widget.display_type}" if occurring.kinds else f"{widget.widget_type} data"
        text = f"{what} is not evaluated here: nothing is known about it"
        return WidgetReport(
            index=index,
            title=widget.title,
            status="unsupported",
            findings=(Finding(kind="unsupported", text=text),),
        )
    outcomes = evaluate(widget, dashboard, rows, now=now)
    findings: list[Finding] = []
    doubts: list[Finding] = []
    for query, outcome in zip(widget.queries, outcomes, strict=True):
        doubts += [Finding(kind="doubt", text=doubt) for doubt in query.search.doubts]
        if not occurring.rows:
            continue
        mistaken = missing_fields(
            widget,
            query,
            occurring,
            [each for obstacle in outcome.obstacles for each in obstacle.conditions]
            if outcome.matched
            else (),
        )
        mistaken += wrong_types(query, occurring)
        if not outcome.matched:
            findings += why_empty(outcome, occurring, now)
        elif not outcome.shown.rows:
            findings.append(_emptied_by_aggregates(query, outcome, occurring))
        elif query.measures and all(value is None for row in outcome.shown.rows for _, value in row.values):
            text = f"{occurring.count(outcome.matched)} meet the conditions, but none of them gives a value"
            findings.append(
                Finding(
                    kind="empty" if any(each.kind != "doubt" for each in mistaken) else "quiet", text=text
                )
            )
        findings += mistaken
        findings += [
            Finding(kind="quiet", text=f"{text} is too large to be a number, and shows nothing", where=text)
            for text in outcome.endless
        ]
        findings += wrong_units(widget, query, outcome.shown.rows, occurring)
    if not occurring.rows:
        text = f"no {occurring.noun} arrived at all: there is nothing it could show"
        findings.append(Finding(kind="no_data", text=text))
    findings += _stale(outcomes, freshness)
    found = tuple(dict.fromkeys(findings + doubts))
    shown = [outcome.newest_shown for outcome in outcomes if outcome.newest_shown is not None]
    met = [outcome.newest_met for outcome in outcomes if outcome.newest_met is not None]
    return WidgetReport(
        index=index,
        title=widget.title,
        status=_status(found),
        findings=found,
        shown=_joined(outcomes),
        matched=sum(outcome.matched for outcome in outcomes),
        considered=len(occurring.rows),
        newest_shown=max(shown, default=None),
        newest_arrived=max(met, default=None),
        slowest=max((each.slowest for each in outcomes if each.slowest is not None), default=None),
    )


def _status(findings: Sequence[Finding]) -> Status:
    kinds = {finding.kind for finding in findings}
    if "no_data" in kinds:
        return "no_data"
    if "empty" in kinds:
        return "empty"
    if kinds & _WRONG:
        return "wrong"
    if "stale" in kinds:
        return "stale"
    return "quiet" if "quiet" in kinds else "ok"


def _joined(outcomes: Sequence[Outcome]) -> Shown:
    first = outcomes[0].shown
    rows = tuple(row for outcome in outcomes for row in outcome.shown.rows)
    return Shown(form=first.form, rows=rows, start=first.start, end=first.end)


def _emptied_by_aggregates(query: Query, outcome: Outcome, occurring: Occurring) -> Finding:
    texts = " and ".join(f"`{condition.text}`" for condition in query.search.having)
    return Finding(
        kind="quiet",
        text=f"it shows nothing: {occurring.count(outcome.matched)} meet the conditions on rows, but no group meets {texts}",
        where=texts,
    )


def _stale(outcomes: Sequence[Outcome], freshness: float) -> list[Finding]:
    """That rows arrived later than the newest that is shown, or later than what they tell of, by more than ``freshness``."""
    found = []
    worst = 0.0
    for outcome in outcomes:
        if outcome.newest_shown is not None and outcome.newest_met is not None:
            worst = max(worst, outcome.newest_met - outcome.newest_shown)
    if worst > freshness:
        text = (
            f"it is {worst:.0f} s behind: newer rows that meet the conditions have arrived, and their own times lie outside "
            "of the window. Is the clock of the application wrong, or does the window end in the past?"
        )
        found.append(Finding(kind="stale", text=text, where="period"))
    slowest = max((each.slowest for each in outcomes if each.slowest is not None), default=0.0)
    if slowest > freshness:
        text = (
            f"what it shows arrived up to {slowest:.0f} s after its own time: it was held back on its way, or the clock of "
            "the application is slow"
        )
        found.append(Finding(kind="stale", text=text, where="timestamp"))
    return found
