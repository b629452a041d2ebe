"""From dashboards and what arrived to what is to be said of each widget. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..model.dashboards import (
    STATUSES,
    DashboardsInfo,
    DashboardTold,
    Held,
    ShownTold,
    WidgetStatus,
    WidgetTold,
)
from ..model.scenario import Shows
from ..monitor.dashboards import Dashboard, Finding, Query, Rows, Widget, WidgetReport, check_dashboard
from ..monitor.dashboards.evaluation import window_of
from ..monitor.dashboards.model import ALL_PROJECTS, KINDS_OF
from .dashboards_held import Meant, hold, meant_by
from .dashboards_known import Known
from .dashboards_words import number

MOST_WIDGETS = 200
_MOST_NUMBERS = 20
_MOST_SENTENCES = 6
_MOST_TEXT = 400
_REASONS = {
    "invalid": "not_valid",
    "no_data": "nothing_arrived",
    "misspelt_field": "misspelt_field",
    "wrong_environment": "wrong_environment",
    "wrong_value": "wrong_value",
    "wrong_type": "wrong_type",
    "wrong_unit": "wrong_unit",
    "stale": "behind",
}
_SAYS_NOTHING = ("doubt", "quiet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A dashboard, and where it is from."""

    dashboard: Dashboard
    source: str


def account_of(
    loaded: Sequence[Loaded],
    rows: Rows,
    shows: Sequence[Shows],
    known: Known,
    *,
    began: float,
    now: float,
    freshness: float,
    unread: int = 0,
) -> DashboardsInfo:
    """Look at every widget at ``now``, and hold those that ``shows`` are about against what is ``known``.

    ``began``: when the run did, in seconds since the epoch, as ``now``. Raises ``ScenarioError`` as ``meant_by`` does.
    O(rows x widgets x conditions).
    """
    dashboards = [_of_run(each.dashboard, rows) for each in loaded]
    meant: defaultdict[tuple[int, int], list[tuple[Shows, Meant]]] = defaultdict(list)
    doubts: list[str] = []
    notes = [warning for each in dashboards for warning in each.warnings]
    for each in shows:
        found = meant_by(each, dashboards)
        if found is None:
            if any(one.unsupported and one.title == each.widget for of in dashboards for one in of.refused):
                doubts.append(_cannot(each))
            continue
        start, end = window_of(dashboards[found.dashboard], now)
        if start > began or end < now:
            doubts.append(
                f"dashboard {dashboards[found.dashboard].title!r} does not show the whole run, so that {each.widget!r} cannot be "
                "held against it: give the dashboard a longer period, or one that ends now"
            )
            continue
        meant[found.dashboard, found.index].append((each, found))
    arrived: dict[str, int] = {kind: len(of) for kind, of in rows.items()}
    widgets = []
    for place, dashboard in enumerate(dashboards):
        reports = check_dashboard(dashboard, rows, now=now, freshness=freshness)
        for report in reports:
            held = []
            for each, found in meant[place, report.index]:
                beside = hold(each, found, report, known, _arrived(dashboard, report, arrived), now - began)
                if beside is None:
                    doubts.append(_not_held(each, report))
                    continue
                held.append(beside)
                if beside.agrees and beside.known and each.within and each.within.allows(0.0, beside.known):
                    notes.append(
                        f"widget {each.widget!r} may be off by {beside.within}, and known is {number(beside.known, beside.unit)}: "
                        "that it agrees says little"
                    )
            widgets.append(_told(dashboard, report, held))
    counted = Counter(each.status for each in widgets)
    windows = [window_of(each, now) for each in dashboards]
    return DashboardsInfo(
        now=now,
        limit=freshness,
        dashboards=tuple(
            DashboardTold(
                title=each.dashboard.title,
                source=each.source,
                widgets=len(each.dashboard.widgets) + len(each.dashboard.refused),
                start=start,
                end=end,
            )
            for each, (start, end) in zip(loaded, windows, strict=True)
        ),
        statuses={status: counted[status] for status in STATUSES},
        widgets=tuple(sorted(widgets, key=lambda each: STATUSES.index(each.status)))[:MOST_WIDGETS],
        compared=sum(bool(each.held) for each in widgets),
        behind=max((each.behind for each in widgets if each.behind is not None), default=None),
        rows={str(kind): count for kind, count in arrived.items()},
        doubts=tuple(dict.fromkeys(doubts)),
        notes=tuple(map(_cut, dict.fromkeys(notes))),
        unread=unread,
    )


def _of_run(dashboard: Dashboard, rows: Rows) -> Dashboard:
    """``dashboard``, of the project of this run when its own are others: those of an export are numbers of Sentry."""
    asked = {str(each) for each in dashboard.projects}
    if not asked or dashboard.projects == (ALL_PROJECTS,):
        return dashboard
    sent: set[str] = set()
    for row in (row for of in rows.values() for row in of):
        if row.project in asked:
            return dashboard
        sent.add(row.project)
    if not sent:
        return dashboard
    said = (
        f"dashboard {dashboard.title!r} is of project {', '.join(sorted(asked))}, which sent nothing: it is taken for the "
        f"project of this run, {', '.join(sorted(sent))}"
    )
    return replace(dashboard, projects=(), warnings=(*dashboard.warnings, said))


def _arrived(dashboard: Dashboard, report: WidgetReport, arrived: Mapping[str, int]) -> int | None:
    """How many of what the widget is about arrived; None for sessions, of which a row is many."""
    widget = _widget(dashboard, report.index)
    kinds = () if widget is None else KINDS_OF[widget.widget_type]
    return None if "session" in kinds else sum(arrived.get(kind, 0) for kind in kinds)


def _widget(dashboard: Dashboard, index: int) -> Widget | None:
    positions = dashboard.positions or tuple(range(len(dashboard.widgets)))
    return dashboard.widgets[positions.index(index)] if index in positions else None


def _not_held(shows: Shows, report: WidgetReport) -> str:
    if report.shown is None:
        return _cannot(shows)
    what = f"operation {shows.operation!r}" if shows.operation else f"requests {', '.join(shows.requests)}"
    return f"widget {shows.widget!r} was not held against the ledger, which knows nothing of {what}"


def _cannot(shows: Shows) -> str:
    return f"widget {shows.widget!r} cannot be evaluated here, and was not held against the ledger"


def _told(dashboard: Dashboard, report: WidgetReport, held: Sequence[Held]) -> WidgetTold:
    wrong = [each for each in held if not each.agrees]
    status = _status(report, wrong)
    reason, because = _because(report, status, wrong)
    widget = _widget(dashboard, report.index)
    numbers = _numbers(report, () if widget is None else widget.queries)
    behind = [each for each in (report.lag, report.slowest) if each is not None]
    return WidgetTold(
        dashboard=dashboard.title,
        index=report.index,
        title=report.title,
        status=status,
        reason=reason,
        because=tuple(map(_cut, because[:_MOST_SENTENCES])),
        doubts=tuple(_cut(each.text) for each in report.findings if each.kind == "doubt")[:_MOST_SENTENCES],
        shown=numbers,
        held=tuple(held),
        matched=report.matched,
        considered=report.considered,
        behind=max(behind, default=None),
    )


def _status(report: WidgetReport, wrong: Sequence[Held]) -> WidgetStatus:
    """What the widget is by itself, unless it shows another number than is known."""
    if not wrong or report.status in ("empty", "wrong"):
        return report.status
    return "empty" if all(not each.shown for each in wrong) else "wrong"


def _because(report: WidgetReport, status: WidgetStatus, wrong: Sequence[Held]) -> tuple[str, list[str]]:
    findings = [each for each in report.findings if each.kind not in _SAYS_NOTHING]
    differences = [_difference(each) for each in wrong]
    quiet = [each.text for each in report.findings if each.kind == "quiet"]
    if status in ("ok", "quiet"):
        return "", quiet
    if status == report.status:
        reason = next((reason for reason in map(_reason, findings) if reason), "")
        otherwise = "never_occurs" if status == "empty" else "not_evaluated"
        return reason or (wrong[0].reason if wrong else otherwise), [
            *(each.text for each in findings),
            *differences,
            *quiet,
        ]
    # It became worse by what the ledger knows.
    reason = "never_arrived" if report.status == "no_data" else wrong[0].reason
    return reason, [*differences, *quiet, *(each.text for each in findings)]


def _reason(finding: Finding) -> str:
    if finding.kind == "empty":
        return "outside_window" if finding.where == "period" else ""
    return _REASONS.get(finding.kind, "")


def _difference(held: Held) -> str:
    group = f" of {held.group}" if held.group else ""
    shown, known = number(held.shown, held.unit), number(held.known, held.unit)
    within = f" ± {held.within}" if held.within else ""
    why = f": {held.why}" if held.why else ""
    return f"{held.aggregate}{group} shows {shown}, known is {known}{within} ({held.source}){why}"


def _numbers(report: WidgetReport, queries: Sequence[Query]) -> tuple[ShownTold, ...]:
    units = {
        text: measure.aggregates[0].unit if len(measure.aggregates) == 1 else "number"
        for query in queries
        for text, measure in zip(query.aggregates, query.measures, strict=True)
    }
    found: list[ShownTold] = []
    for row in report.shown.rows if report.shown else ():
        names = [f"{column} {value if value is not None else '(none)'}" for column, value in row.group]
        group = ", ".join([*([row.query] if row.query else []), *names])
        if not row.values and not found:
            # A row of a table as it is; how many there are is told apart.
            found.append(ShownTold(group=_cut(group), aggregate="", value=None, unit="number"))
        found += [
            ShownTold(group=_cut(group), aggregate=text, value=value, unit=units.get(text, "number"))
            for text, value in row.values
        ]
        if len(found) >= _MOST_NUMBERS:
            break
    return tuple(found[:_MOST_NUMBERS])


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"
