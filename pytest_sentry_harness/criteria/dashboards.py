"""The criterion ``dashboards``: every widget is valid, has data, is fresh, and shows the number that the ledger knows.

Each widget counts once, by the worst that is to be said of it. All metrics are counted in full, none is an estimate.
"""

from __future__ import annotations

from ..model.account import Finding
from ..model.dashboards import DashboardsInfo
from ..model.metrics import METRICS
from ..model.verdict import Measurement

_JUDGED = ("invalid", "empty", "wrong", "stale")
_COUNTED = ("empty", "wrong", "stale", "no_data", "unsupported")
_MOST_SENTENCES = 3


def measure(info: DashboardsInfo) -> dict[str, Measurement]:
    """All ``dashboards.*`` metrics of a run, by name."""
    widgets = sum(info.statuses.values())
    nothing = "" if any(info.rows.values()) else "nothing arrived that a widget could show"
    # Which widgets have nothing to show is known without anything having arrived.
    found = [_measured("dashboards.invalid", info.statuses["invalid"], widgets)]
    found += [
        _measured(f"dashboards.{name}", info.statuses[name], widgets, "" if name == "no_data" else nothing)
        for name in _COUNTED
    ]
    late = nothing or "no widget shows anything"
    found.append(_measured("dashboards.freshness", info.behind, widgets, late if info.behind is None else ""))
    found.append(_measured("dashboards.compared", info.compared, widgets))
    return {each.metric: each for each in found}


def findings(info: DashboardsInfo) -> tuple[Finding, ...]:
    """One for each widget that is invalid, empty, wrong or stale."""
    return tuple(
        Finding(
            metric=f"dashboards.{each.status}",
            fault="",
            reason=each.reason,
            source="server",
            culprit=f"{each.dashboard} / {each.title}: {'; '.join(each.because[:_MOST_SENTENCES])}",
            place=None,
            count=1,
            example=None,
        )
        for each in info.widgets
        if each.status in _JUDGED
    )


def doubts(info: DashboardsInfo) -> tuple[str, ...]:
    """What could not be compared, or read, each as a sentence."""
    unread = f"{info.unread} items could not be read, and are in no widget"
    return (*info.doubts, *([unread] if info.unread else []))


def _measured(metric: str, value: float | None, samples: int, nothing: str = "") -> Measurement:
    return Measurement(
        metric=metric,
        value=None if value is None or nothing else float(value),
        low=None,
        high=None,
        samples=samples,
        unit=METRICS[metric].unit,
        exact=True,
        note=nothing,
    )
