"""Numbers that widgets show, held against those that are known: which is meant, whether they agree, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ScenarioError, did_you_mean
from ..model.dashboards import Held
from ..model.scenario import Shows, Within
from ..monitor.dashboards import Dashboard, Query, Shown, ShownRow, Widget, WidgetReport
from .dashboards_known import Known, is_measured, known_value, source_of, unknown_to
from .dashboards_units import check_units, too_wide
from .dashboards_words import number

_EXACTLY = Within(amount=0.0)
_NEAR = 0.05
"""How near to a thousand times, or a thousandth, a number in another unit is; a share."""
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Which number of which widget is meant."""

    dashboard: int
    """Its index among all dashboards."""
    index: int
    """Of the widget in the dashboard."""
    query: Query
    measure: int
    """Index of the aggregate in the query."""

    @property
    def aggregate(self) -> str:
        """As it is written in the widget."""
        return self.query.aggregates[self.measure]

    @property
    def unit(self) -> str:
        """Of the number; that of an equation is not known."""
        aggregates = self.query.measures[self.measure].aggregates
        return aggregates[0].unit if len(aggregates) == 1 else "number"


def meant_by(shows: Shows, dashboards: Sequence[Dashboard]) -> Meant | None:
    """The number that ``shows`` is about; None when its widget is not valid, so that it shows nothing.

    Raises ``ScenarioError``, whose ``where`` is the key alone, when there is no such widget, query, aggregate or row, or when
    what is named does not know such a number.
    """
    place, dashboard = _dashboard(shows, dashboards)
    refused = [each.title for each in dashboard.refused]
    if shows.widget in refused:
        return None
    found = [each for each in dashboard.widgets if each.title == shows.widget]
    if len(found) != 1:
        titles = [each.title for each in dashboard.widgets] + refused
        what = f"{len(found)} widgets are" if found else "no widget is"
        raise ScenarioError(
            f"{what} called {shows.widget!r} in dashboard {dashboard.title!r}",
            where="widget",
            hint="give each a title of its own" if found else did_you_mean(shows.widget, titles),
        )
    query = _query(shows, found[0])
    measure = _measure(shows, query)
    _check_group(shows, query)
    for aggregate in query.measures[measure].aggregates:
        why = unknown_to(shows, aggregate)
        if why:
            raise ScenarioError(
                why, where="aggregate", hint="write value = …, when you know the number; or leave it out"
            )
        if shows.within is None and is_measured(shows, aggregate):
            raise ScenarioError(
                f"{aggregate.text} is measured on both sides, and no two measurements are equal",
                where="within",
                hint='say how far they may be apart: within = "20ms", or within = "5%"',
            )
    check_units(shows, query.measures[measure])
    positions = dashboard.positions or range(len(dashboard.widgets))
    index = positions[dashboard.widgets.index(found[0])]
    return Meant(dashboard=place, index=index, query=query, measure=measure)


def hold(
    shows: Shows, meant: Meant, report: WidgetReport, known: Known, arrived: int | None, ran: float
) -> Held | None:
    """The shown number beside the known one; None when nothing is known, or when the widget was not evaluated.

    ``arrived``: how many rows of the kinds that the widget is about; None where rows are no requests, as of sessions.
    ``ran``: seconds of the run.
    """
    shown = report.shown
    if shown is None:
        return None
    expected = known_value(shows, meant.query, meant.measure, shown.end - shown.start, known)
    if expected is None:
        return None
    row = _row(shows, meant.query, shown)
    value = None if row is None else dict(row.values).get(meant.aggregate)
    within = shows.within or _EXACTLY
    # Nothing is never near enough to something.
    agrees = within.allows(value or 0.0, expected) if value or not expected else False
    reason, why = ("", "")
    if too_wide(meant.unit, within, expected, ran):
        agrees, reason = False, "tolerance_too_wide"
        why = "so far off may it be that a widget that shows nothing, or anything, would pass as well"
    elif not agrees:
        others = shown.rows if row is None and shows.group else ()
        reason, why = _why(shows, meant, others, value, expected, known, arrived)
    return Held(
        group=", ".join(f"{column} {wanted}" for column, wanted in shows.group.items()),
        aggregate=meant.aggregate,
        unit=meant.unit,
        shown=value,
        known=expected,
        within=within.text,
        source=source_of(shows, known),
        agrees=agrees,
        reason=reason,
        why=why,
    )


def _why(
    shows: Shows,
    meant: Meant,
    rows: Sequence[ShownRow],
    value: float | None,
    expected: float,
    known: Known,
    arrived: int | None,
) -> tuple[str, str]:
    """A word and a sentence on why the numbers differ."""
    if rows:
        those = "; ".join(_named(each) for each in rows[:_MOST_NAMED])
        return "no_such_row", f"it has no such row; those it has: {those}"
    if _counts(meant) and shows.faults:
        return _why_of_faults(shows, value or 0.0, known)
    if _counts(meant) and shows.requests:
        return _why_of_requests(value or 0.0, expected, known, arrived)
    if shows.faults:
        return "differs", "its issues are not one for each root cause; the criterion noise says why"
    for factor, words in ((1000.0, "1000 times"), (0.001, "a thousandth of")):
        if value and expected and abs(value / expected / factor - 1) < _NEAR:
            return "wrong_unit", f"it is {words} what is known"
    return "differs", ""


def _why_of_faults(shows: Shows, value: float, known: Known) -> tuple[str, str]:
    faults = [known.faults[name] for name in shows.faults if name in known.faults]
    fired, lost = sum(each.fired for each in faults), sum(each.lost for each in faults)
    twice = sum(each.reported_twice for each in faults)
    if value > fired:
        if twice and value <= fired + twice:
            return "reported_twice", f"{twice} events are of faults that another event is of as well"
        others = f"; {known.unexpected} error events are of no fault" if known.unexpected else ""
        return "counts_others", f"it counts what is none of these faults{others}"
    if lost:
        because = next((each.because for each in faults if each.lost and each.because), "")
        rest = "" if value >= fired - lost else "; and it leaves out some that arrived"
        return "never_arrived", f"{lost} never arrived{f' ({because})' if because else ''}{rest}"
    return "left_out", "all of them arrived: its conditions, its dataset or its window leave some out"


def _why_of_requests(value: float, expected: float, known: Known, arrived: int | None) -> tuple[str, str]:
    if value > expected:
        return (
            "counts_others",
            "it counts what the load did not send, such as health checks, or other kinds of data",
        )
    sent = sum(each.count for each in known.requests.values())
    if arrived is not None and arrived < sent:
        return (
            "never_arrived",
            f"of {sent} requests {arrived} have arrived: the others were not sampled, or were lost",
        )
    return "left_out", "they arrived: its conditions, its dataset or its window leave some out"


def _counts(meant: Meant) -> bool:
    """Whether more rows make the number larger."""
    aggregates = meant.query.measures[meant.measure].aggregates
    first = aggregates[0]
    return len(aggregates) == 1 and (first.function == "count" or first.unit in ("per minute", "per second"))


def _dashboard(shows: Shows, dashboards: Sequence[Dashboard]) -> tuple[int, Dashboard]:
    titles = [each.title for each in dashboards]
    named = [
        (place, each)
        for place, each in enumerate(dashboards)
        if each.title == shows.dashboard or (not shows.dashboard and shows.widget in _titles(each))
    ]
    if len(named) == 1:
        return named[0]
    if shows.dashboard:
        raise ScenarioError(
            f"{len(named)} dashboards are called {shows.dashboard!r}"
            if named
            else f"no dashboard is called {shows.dashboard!r}",
            where="dashboard",
            hint="give each a title of its own" if named else did_you_mean(shows.dashboard, titles),
        )
    if named:
        those = " and ".join(repr(each.title) for _, each in named)
        raise ScenarioError(
            f"dashboards {those} both have a widget {shows.widget!r}",
            where="widget",
            hint=f"write dashboard = {named[0][1].title!r}",
        )
    raise ScenarioError(
        f"no dashboard has a widget {shows.widget!r}",
        where="widget",
        hint=did_you_mean(shows.widget, [title for each in dashboards for title in _titles(each)]),
    )


def _titles(dashboard: Dashboard) -> list[str]:
    return [each.title for each in dashboard.widgets] + [each.title for each in dashboard.refused]


def _query(shows: Shows, widget: Widget) -> Query:
    names = [each.name for each in widget.queries]
    if not names:
        raise ScenarioError(f"widget {shows.widget!r} shows no number", where="widget", hint="leave it out")
    if shows.query and shows.query not in names:
        hint = did_you_mean(shows.query, filter(None, names)) if any(names) else "its queries have no names"
        raise ScenarioError(f"the widget has no query {shows.query!r}", where="query", hint=hint)
    if len(set(names)) < len(names):
        raise ScenarioError(
            f"two queries of widget {shows.widget!r} have one name, so that their rows cannot be told apart",
            where="widget",
            hint="give each a name in the dashboard",
        )
    return widget.queries[names.index(shows.query) if shows.query else 0]


def _measure(shows: Shows, query: Query) -> int:
    texts = [each.replace(" ", "") for each in query.aggregates]
    if not texts:
        raise ScenarioError(f"widget {shows.widget!r} shows no number", where="widget", hint="leave it out")
    wanted = shows.aggregate.replace(" ", "")
    if wanted and wanted not in texts:
        raise ScenarioError(
            f"the widget does not show {shows.aggregate}",
            where="aggregate",
            hint=did_you_mean(shows.aggregate, query.aggregates),
        )
    return texts.index(wanted) if wanted else 0


def _check_group(shows: Shows, query: Query) -> None:
    for column in shows.group:
        if column not in query.columns:
            hint = (
                did_you_mean(column, query.columns)
                if query.columns
                else "the widget has no columns: drop group"
            )
            raise ScenarioError(f"the widget has no column {column!r}", where="group", hint=hint)
    missing = [column for column in query.columns if column not in shows.group]
    if missing:
        raise ScenarioError(
            f"the widget has a number for each {' and '.join(query.columns)}: which is meant?",
            where="group",
            hint=f"write group = {{ {', '.join(f'{_key(each)} = …' for each in query.columns)} }}",
        )


def _row(shows: Shows, query: Query, shown: Shown) -> ShownRow | None:
    for row in shown.rows:
        if row.query == query.name and all(
            (value or "") == shows.group[column] for column, value in row.group
        ):
            return row
    return None


def _named(row: ShownRow) -> str:
    values = ", ".join(f"{text} {number(value, '')}" for text, value in row.values[:1])
    return f"{', '.join(f'{column} {value}' for column, value in row.group)}: {values}"


def _key(column: str) -> str:
    return column if column.replace("_", "").isalnum() else f'"{column}"'
