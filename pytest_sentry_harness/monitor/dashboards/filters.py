"""Filters over a whole dashboard: releases, and searches for the widgets of one dataset.

They follow Sentry's front end (``static/app/views/dashboards``: ``DashboardFilters``, ``applyDashboardFilters``): releases go
before every widget, a global filter is a search that is added to the conditions of all widgets of its dataset.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import RulesError, SearchError
from ..fields import Fields, Kind, Row, first_text
from ..search import Condition, parse_search
from ..search.values import version_key
from .keys import Keys
from .model import KINDS_OF, GlobalFilter

LATEST = "latest"
"""In place of a release: the newest. Sentry docs, "Searchable Properties": ``release:latest``."""
_VERSIONED: tuple[Kind, ...] = ("event", "transaction", "span", "session")
"""Kinds of rows that name releases; issues have those of their events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What ``filters`` of a dashboard say."""

    releases: tuple[str, ...] = ()
    searches: tuple[GlobalFilter, ...] = ()
    all_projects: bool = False


def filters_of(keys: Keys) -> Filters:
    """Read ``filters``. Raises ``RulesError`` for whatever would be left out without a word."""
    inner = Keys(keys.mapping("filters") or {}, keys.name, "filters")
    releases = inner.texts("release") or ()
    numbers = inner.anything("releaseId")
    if numbers and not releases:
        inner.refuse(
            "releaseId",
            "releases are told by their numbers in Sentry, which nobody knows here",
            'name them: "release": ["shop@1.2"]',
        )
    searches = [
        _search(each, keys.name, f"filters.globalFilter[{index}]")
        for index, each in enumerate(inner.objects("globalFilter"))
    ]
    all_projects = inner.flag("allProjects")
    inner.rest(())
    return Filters(
        releases=releases, searches=tuple(each for each in searches if each), all_projects=all_projects
    )


def _search(content: object, name: str, path: str) -> GlobalFilter | None:
    """One global filter; None for one of which no value is chosen, which filters nothing."""
    keys = Keys(content, name, path)
    dataset = keys.choice("dataset", KINDS_OF, None)
    tag = keys.mapping("tag")
    text = keys.text("value").strip()
    keys.rest(("isTemporary",))
    if tag is not None and not isinstance(tag.get("key"), str):
        keys.refuse("tag", "the tag has no key", 'write "tag": {"key": "browser.name"}')
    if not text:
        return None
    kinds = KINDS_OF[dataset]
    try:
        search = parse_search(text, kind=kinds[0] if len(kinds) == 1 else None, where=keys.where("value"))
    except SearchError as error:
        raise RulesError(error.what, where=error.where, hint=error.hint) from error
    if search.having:
        keys.refuse("value", f"`{search.having[0].text}` is about groups", "a filter is about fields of rows")
    return GlobalFilter(dataset=dataset, search=search)


def latest_releases(rows: Mapping[Kind, Sequence[Row]]) -> dict[str, str]:
    """The latest release of each project: of the highest version where all are versions, else that which came up last.

    O(rows), and only needed where ``latest`` is asked for.
    """
    came_up: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for kind in _VERSIONED:
        for row in rows.get(kind, ()):
            name = first_text(row("release"))
            if name:
                known = came_up[row.project]
                known[name] = min(row.at, known.get(name, row.at))
    return {project: _latest(known) for project, known in came_up.items()}


def _latest(came_up: Mapping[str, float]) -> str:
    versions = {name: _version(name) for name in came_up}
    if all(version is not None for version in versions.values()):
        return max(came_up, key=lambda name: (versions[name], came_up[name]))
    return max(came_up, key=lambda name: (came_up[name], name))


def _version(name: str) -> Any:
    """What orders ``shop@1.10.0`` after ``shop@1.9.2``; None for a name without a version, such as a commit."""
    package, at, version = name.rpartition("@")
    numbers = version.partition("+")[0].partition("-")[0].split(".")
    if not (package and at and len(numbers) > 1 and all(each.isdigit() for each in numbers)):
        return None
    return version_key(version)


def names_latest(conditions: Iterable[Condition]) -> bool:
    """Whether one of ``conditions`` asks for the latest release."""
    return any(each.key == "release" and LATEST in each.values for each in conditions)


def with_latest(
    test: Callable[[Fields, float], bool], latest: Mapping[str, str]
) -> Callable[[Row, float], bool]:
    """``test``, to which the latest release of a project is called ``latest`` as well."""

    def of_row(row: Row, now: float) -> bool:
        def values(name: str) -> Sequence[object]:
            found = row(name)
            if name == "release" and found and first_text(found) == latest.get(row.project):
                return (*found, LATEST)
            return found

        return test(values, now)

    return of_row
