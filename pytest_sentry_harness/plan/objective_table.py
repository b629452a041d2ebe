"""``[[objective]]``: what share of requests shall be good, and how fast its error budget may burn."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast

from ..errors import ScenarioError, TermError, did_you_mean
from ..model.classified import SEVERITIES, Severity
from ..model.scenario import Objective, ObjectiveBurn, Scenario
from .tables import Document, Table
from .terms import duration

_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_DAYS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([dw])\s*")
_DAY = 86400.0
_TARGET = 'write target = "99.9%"'
_USUAL_WINDOW = 30 * _DAY
_SHORTEST_WINDOW = 6 * 3600.0
"""The run stands for that long; a budget for less would not last for it."""


def read_objectives(document: Document, content: Any) -> tuple[Objective, ...]:
    """``[[objective]]``. What ``search`` says is not read here. Raises ``ScenarioError``."""
    if not isinstance(content, list):
        raise ScenarioError(
            "objectives are a list of tables",
            where=document.where("objective"),
            hint="write [[objective]], with two brackets",
        )
    objectives: list[Objective] = []
    for index, entry in enumerate(content):
        table = Table(document, "objective", entry, index)
        objective = _objective(table)
        if objective.name in (earlier.name for earlier in objectives):
            raise table.fail(
                "name", f"two objectives are named {objective.name!r}", hint="give each a name of its own"
            )
        objectives.append(objective)
    return tuple(objectives)


def load_objectives(path: Path) -> tuple[Objective, ...]:
    """The ``[[objective]]`` tables of a file that has nothing else. Raises ``ScenarioError``."""
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"the objectives cannot be read: {error}", where=str(path)) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ScenarioError(f"not valid TOML: {error}", where=str(path)) from error
    document = Document(str(path), text)
    for name in content:
        if name != "objective":
            raise ScenarioError(
                f"unknown table [{name}]",
                where=document.where(name),
                hint="write [[objective]], and nothing else",
            )
    if "objective" not in content:
        raise ScenarioError("there is no objective", where=str(path), hint="write [[objective]]")
    return read_objectives(document, content["objective"])


def check_objectives(scenario: Scenario, document: Document) -> None:
    """What goes with ``[[objective]]``. Raises ``ScenarioError``."""
    for index, objective in enumerate(scenario.objectives):
        if objective.on and scenario.load is None:
            raise ScenarioError(
                f"objective {objective.name!r} says with on which requests count, and nothing sends requests",
                where=document.where("objective", index, "on"),
                hint="add [load], or say with search which transactions count",
            )
        _check_globs(scenario, document, index, objective)


def _check_globs(scenario: Scenario, document: Document, index: int, objective: Objective) -> None:
    """That each glob of ``on`` matches a request of the script. What a locustfile sends is only known when it has."""
    requests = scenario.load.requests if scenario.load else ()
    sent = sorted({f"{each.method} {each.path.partition('?')[0]}" for each in requests})
    for glob in objective.on if sent else ():
        if not any(fnmatchcase(name, glob) for name in sent):
            raise ScenarioError(
                f"objective {objective.name!r}: no request of the script matches {glob!r}",
                where=document.where("objective", index, "on"),
                hint=did_you_mean(glob, sent),
            )


def _objective(table: Table) -> Objective:
    name = table.required("name", 'write name = "orders are answered"')
    table.required("what", 'write what = "availability" or what = "latency"')
    what = cast(
        'Literal["availability", "latency"]',
        table.choice("what", "availability", ("availability", "latency")),
    )
    by = cast(
        'Literal["transactions", "sessions"]',
        table.choice("by", "transactions", ("transactions", "sessions")),
    )
    target = _target(table)
    threshold = table.seconds("threshold", 0.0) or None
    if what == "latency" and threshold is None:
        raise table.fail(
            "threshold",
            "threshold is missing, or 0: how fast is fast enough?",
            hint='write threshold = "300ms"',
        )
    if what == "availability" and threshold is not None:
        raise table.fail(
            "threshold", "threshold says nothing of availability", hint='drop it, or write what = "latency"'
        )
    objective = Objective(
        name=name,
        what=what,
        target=target,
        threshold=threshold,
        window=_window(table),
        on=table.texts("on"),
        search=table.text("search") or "",
        by=by,
        burns=_burns(table),
    )
    if by == "sessions":
        _check_sessions(table, objective)
    table.done()
    return objective


def _check_sessions(table: Table, objective: Objective) -> None:
    if objective.what == "latency":
        raise table.fail("by", "sessions know nothing of latency", hint='drop by, or use "transactions"')
    for key, given in (("on", objective.on), ("search", objective.search)):
        if given:
            raise table.fail(
                key,
                f"{key} chooses among requests, and sessions do not say of which they are",
                hint=f'drop {key}, or use by = "transactions"',
            )


def _target(table: Table) -> float:
    text = table.required("target", _TARGET)
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise table.fail("target", f"target = {text!r} is not a percentage", hint=_TARGET)
    # The nearest float to what is written: 999 of 1000 meet 99.9 %.
    found = float(Fraction(match[1]) / 100)
    if not 0 < found < 1:
        raise table.fail(
            "target",
            f"target = {text!r} is not between 0% and 100%",
            hint="100% leaves no error budget, and no service meets it: use less, as 99.9%",
        )
    return found


def _window(table: Table) -> float:
    text = table.text("window")
    if text is None:
        return _USUAL_WINDOW
    if match := _DAYS.fullmatch(text):
        seconds = float(match[1]) * (_DAY if match[2] == "d" else 7 * _DAY)
    else:
        try:
            seconds = duration(text)
        except TermError as error:
            raise table.fail(
                "window", f"window = {text!r} is not a time", hint='write window = "30d", "4w" or "12h"'
            ) from error
    if seconds < _SHORTEST_WINDOW:
        raise table.fail(
            "window",
            f"window = {text!r} is shorter than 6 h, for which the run stands",
            hint="write for how long the error budget has to last in production, as 30d",
        )
    return seconds


def _burns(table: Table) -> tuple[ObjectiveBurn, ...]:
    burns: list[ObjectiveBurn] = []
    for entry in table.list_of_tables("burn"):
        if not isinstance(entry, dict):
            raise table.fail("burn", "each burn is a table", hint=_EXAMPLE)
        burn = _burn(table.within("burn", entry))
        if burn.name in (earlier.name for earlier in burns):
            raise table.fail("burn", f"two burns are named {burn.name!r}", hint="give each a name of its own")
        burns.append(burn)
    return tuple(burns)


_EXAMPLE = 'write burn = [{ name = "page", over = 14.4, long = "2s" }]'


def _burn(table: Table) -> ObjectiveBurn:
    name = table.required("name", _EXAMPLE)
    long = table.seconds("long", 0.0)
    short = table.seconds("short", long / 12)
    for key, there in (("over", "over" in table), ("long", long > 0)):
        if not there:
            raise table.fail(key, f"{key} is missing, or 0", hint=_EXAMPLE)
    if not 0 < short < long:
        raise table.fail(
            "short", "short must be above 0 and shorter than long", hint="leave it out: a twelfth of long"
        )
    burn = ObjectiveBurn(
        name=name,
        burn=table.number("over", 0.0),
        long=long,
        short=short,
        severity=cast("Severity", table.choice("severity", "high", SEVERITIES)),
    )
    table.done()
    return burn
