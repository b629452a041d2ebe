"""``[dashboards]``: which dashboards there are, and what their widgets must show by the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import ScenarioError, TermError, did_you_mean
from ..model.extensions import Extensions
from ..model.scenario import (
    ALL_REQUESTS,
    DASHBOARD_TEMPLATES,
    Dashboards,
    Fault,
    Scenario,
    Shows,
    Within,
)
from .tables import Document, Table
from .terms import duration, parse_chain

_OF_TEMPLATES = ("environment", "period", "slow", "business")
_SOURCES = ("faults", "requests", "operation", "value")
_PERIOD = re.compile(r"[1-9]\d{0,5}[smhdw]")
_REQUEST = re.compile(r"[A-Z]{1,20} \S.*")
_ALL = "all"
_VALUE_HINT = 'write a number, or as in "75%" or "120ms"'
_SHOWS_HINT = "write [[dashboards.shows]], with two brackets"


def read_dashboards(document: Document, content: Any, base: Path, check_files: bool) -> Dashboards:
    """``[dashboards]``; paths are relative to ``base``. What is in the files is not read here. Raises ``ScenarioError``."""
    table = Table(document, "dashboards", content)
    tables = [
        Table(document, "dashboards.shows", entry, index) for index, entry in enumerate(_shows_in(table))
    ]
    return _whole(table, Dashboards(**_given(table, tables, base, check_files)))


def read_dashboard_changes(table: Table, base: Path, check_files: bool) -> dict[str, Any]:
    """A twin's ``dashboards = { … }``: the fields of ``Dashboards`` it replaces, by name. Raises ``ScenarioError``."""
    tables = []
    for entry in _shows_in(table):
        if not isinstance(entry, dict):
            raise table.fail(
                "shows", "shows holds tables", 'write shows = [{ widget = "Errors", value = 3 }]'
            )
        tables.append(table.within("shows", entry))
    return _given(table, tables, base, check_files)


def check_dashboards_table(scenario: Scenario, document: Document) -> None:
    """That what widgets must show is something the ledger will know. Raises ``ScenarioError``."""
    for index, shows in enumerate(scenario.dashboards.shows if scenario.dashboards else ()):
        try:
            check_source(scenario, shows)
        except ScenarioError as error:
            raise ScenarioError(
                error.what, where=document.where("dashboards.shows", index, error.where), hint=error.hint
            ) from error


def check_source(scenario: Scenario, shows: Shows) -> None:
    """That faults, requests and operation of ``shows`` are of ``scenario``. Raises ``ScenarioError`` that names the key only."""
    promised = [each.name for each in scenario.faults if promises_event(each, scenario.extensions)]
    for name in shows.faults:
        if name == _ALL and promised:
            continue
        if name in (each.name for each in scenario.faults):
            if name not in promised:
                raise ScenarioError(
                    f"fault {name!r} is not captured, so no widget can count it",
                    where="faults",
                    hint="name faults that raise, or that expect captured = true",
                )
            continue
        hint = did_you_mean(name, promised) if promised else "add a [[fault]] that becomes an event"
        raise ScenarioError(f"there is no fault {name!r}", where="faults", hint=hint)
    operations = [each.name for each in scenario.operations]
    if shows.operation and shows.operation not in operations:
        hint = did_you_mean(shows.operation, operations) if operations else "add an [[operation]]"
        raise ScenarioError(f"there is no operation {shows.operation!r}", where="operation", hint=hint)
    if not shows.requests:
        return
    if scenario.load is None:
        raise ScenarioError("nothing sends requests", where="requests", hint="add [load], or use faults")
    sent = {f"{each.method} {each.path.partition('?')[0]}" for each in scenario.load.requests}
    for name in shows.requests:
        # What a locustfile sends is only known when it has.
        if sent and name != ALL_REQUESTS and name not in sent:
            raise ScenarioError(
                f"the script has no request {name!r}", where="requests", hint=did_you_mean(name, sent)
            )


def promises_event(fault: Fault, extensions: Extensions) -> bool:
    """Whether each firing of ``fault`` should become an event."""
    if fault.expect.captured is not None:
        return fault.expect.captured
    kinds = extensions.kinds_by_name
    return not fault.do or any(term.kind == "raise" for term in parse_chain(fault.do, kinds))


def faults_of(shows: Shows, faults: Iterable[Fault], extensions: Extensions) -> tuple[str, ...]:
    """The names that ``shows.faults`` stands for."""
    if _ALL not in shows.faults:
        return shows.faults
    return tuple(each.name for each in faults if promises_event(each, extensions))


def _given(table: Table, shows: list[Table], base: Path, check_files: bool) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if "files" in table:
        given["files"] = _files(table, base, check_files)
    if "templates" in table:
        given["templates"] = _templates(table)
    if "environment" in table:
        given["environment"] = table.texts("environment")
    if "period" in table:
        given["period"] = _period(table)
    if "slow" in table:
        given["slow"] = _above_zero(table, "slow")
    if "business" in table:
        given["business"] = table.text("business") or ""
    if "freshness" in table:
        given["freshness"] = _above_zero(table, "freshness")
    if "shows" in table:
        given["shows"] = tuple(_shows(each) for each in shows)
    table.done("files", "templates", *_OF_TEMPLATES, "freshness", "shows")
    return given


def _whole(table: Table, found: Dashboards) -> Dashboards:
    """``found``, when its keys go together."""
    if not found.files and not found.templates:
        raise ScenarioError(
            "there is no dashboard: neither files nor templates",
            where=table.where(),
            hint='write files = ["errors.json"], exported from Sentry, or templates = ["errors"]',
        )
    for key in _OF_TEMPLATES:
        if key in table and not found.templates:
            raise table.fail(
                key, f"{key} is for templates, and there is none", "say it in the dashboard's own file"
            )
    return found


def _files(table: Table, base: Path, check_files: bool) -> tuple[Path, ...]:
    paths = []
    for name in table.texts("files"):
        path = base / name
        if path in paths:
            raise table.fail("files", f"{name} is named twice", "each file is read once")
        if check_files and not path.is_file():
            beside = [entry.name for entry in path.parent.glob("*") if entry.is_file()]
            near = did_you_mean(path.name, beside) if beside else "paths are relative to the scenario file"
            raise table.fail("files", f"there is no file {path}", near)
        paths.append(path)
    return tuple(paths)


def _templates(table: Table) -> tuple[str, ...]:
    names = table.texts("templates")
    for name in names:
        if name not in DASHBOARD_TEMPLATES:
            raise table.fail(
                "templates", f"no template is called {name!r}", did_you_mean(name, DASHBOARD_TEMPLATES)
            )
        if names.count(name) > 1:
            raise table.fail("templates", f"{name} is named twice", "each template is made once")
    return names


def _period(table: Table) -> str:
    text = table.text("period") or ""
    if not _PERIOD.fullmatch(text):
        raise table.fail(
            "period", f"{text!r} is not a period", "write a number and a unit: 30s, 5m, 24h, 14d, 2w"
        )
    return text


def _above_zero(table: Table, key: str) -> float:
    seconds = table.seconds(key, 0.0)
    if seconds <= 0:
        raise table.fail(key, f"{key} = {table.text(key)!r} is not above 0", f'write {key} = "30s"')
    return seconds


def _shows_in(table: Table) -> list[Any]:
    content = table.anything("shows")
    if content is not None and not isinstance(content, list):
        raise table.fail("shows", "shows is a list of tables", _SHOWS_HINT)
    return content or []


def _shows(table: Table) -> Shows:
    widget = table.required("widget", 'write widget = "Errors": the title of a widget')
    given = [key for key in _SOURCES if key in table]
    if len(given) != 1:
        raise ScenarioError(
            f"widget {widget!r} needs exactly one of {', '.join(_SOURCES)}; given: {', '.join(given) or 'none'}",
            where=table.where(),
            hint='write faults = "all", requests = "all", operation = "save-order" or value = 3: what it must show',
        )
    shows = Shows(
        dashboard=table.text("dashboard") or "",
        widget=widget,
        query=table.text("query") or "",
        aggregate=table.text("aggregate") or "",
        group=table.mapping("group"),
        faults=_named(table, "faults"),
        requests=_requests(table),
        operation=table.text("operation") or "",
        value=_value(table),
        value_text=str(table.anything("value") if "value" in table else "").strip(),
        within=_within(table),
    )
    table.done()
    return shows


def _named(table: Table, key: str) -> tuple[str, ...]:
    names = table.texts(key)
    if key in table and not names:
        raise table.fail(key, f"{key} names none", f'write {key} = "{_ALL}", or name some')
    if _ALL in names and len(names) > 1:
        raise table.fail(key, f"{key} names {_ALL!r} and others", f'write {key} = "{_ALL}" alone')
    return tuple(dict.fromkeys(names))


def _requests(table: Table) -> tuple[str, ...]:
    names = _named(table, "requests")
    for name in names:
        if name != ALL_REQUESTS and not _REQUEST.fullmatch(name):
            raise table.fail(
                "requests", f"{name!r} is not a request", 'write requests = ["GET /orders"], or "all"'
            )
    return names


def _value(table: Table) -> float | None:
    content = table.anything("value")
    if content is None:
        return None
    if isinstance(content, bool) or not isinstance(content, int | float | str):
        raise table.fail("value", "value must be a number", _VALUE_HINT)
    return _number(table, "value", content)


def _within(table: Table) -> Within | None:
    content = table.anything("within")
    if content is None:
        return None
    if isinstance(content, bool) or not isinstance(content, int | float | str):
        raise table.fail("within", "within must be a number, a share or a duration", _VALUE_HINT)
    amount = _number(table, "within", content)
    if amount < 0:
        raise table.fail("within", f"within = {content!r} is negative", "a distance is not")
    share = isinstance(content, str) and content.strip().endswith("%")
    if share and amount >= 1:
        raise table.fail(
            "within",
            f"within = {content!r} takes a widget that shows nothing",
            'a share of what is known is below 100%: within = "5%"',
        )
    return Within(amount=amount, share=share, text=str(content).strip())


def _number(table: Table, key: str, content: float | str) -> float:
    """``0.2`` of ``20%``, milliseconds of a duration, and what is a number already."""
    if not isinstance(content, str):
        number = float(content)
    else:
        text = content.strip()
        try:
            number = float(text[:-1]) / 100 if text.endswith("%") else duration(text) * 1000
        except (ValueError, TermError) as error:
            raise table.fail(key, f"{key} = {content!r} is not a number", _VALUE_HINT) from error
    if not abs(number) < float("inf"):
        raise table.fail(key, f"{key} = {content!r} is not a number", _VALUE_HINT)
    return number
