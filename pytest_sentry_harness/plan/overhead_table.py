"""``[overhead]``: the arms, the kinds of request, and how long is measured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, cast

from ..errors import ScenarioError, did_you_mean
from ..model.overhead import (
    WITH,
    WITHOUT,
    Overhead,
    OverheadArm,
    OverheadOption,
    OverheadPrepare,
    OverheadRequest,
)
from ..model.scenario import Scenario
from .load_table import HEADER, SEND
from .tables import Document, Table
from .twins import read_link

FEWEST_PAIRS, MOST_PAIRS = 3, 14
"""What the boundary of the sequential test was found for (``statistics.sequential``)."""
MOST_BLOCK, MOST_WARM_UP = 100, 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_BRACED = re.compile(r"\{(\w+)\}")
_WITHOUT_HINT = (
    'write without = "agent": sentry_sdk.init then does nothing; or { env = { … } } with a variable that keeps the program '
    "from calling it. An empty SENTRY_DSN does not, in most programs: the SDK works as hard without one"
)


def read_overhead(document: Document, content: Any) -> Overhead:
    """The table ``content``. Raises ``ScenarioError``."""
    table = Table(document, "overhead", content)
    prepare = tuple(
        _prepare(Table(document, "overhead.prepare", entry, index))
        for index, entry in enumerate(table.list_of_tables("prepare"))
    )
    kept = [name for each in prepare for name in each.keep]
    requests = tuple(
        _request(Table(document, "overhead.request", entry, index), kept)
        for index, entry in enumerate(table.list_of_tables("request"))
    )
    if not requests:
        raise table.fail(
            "request",
            "there is nothing to measure: no kind of request",
            hint='write [[overhead.request]] with name = "list" and send = "GET /path"',
        )
    arms = tuple(
        _arm(document, Table(document, "overhead.arm", entry, index), "overhead.arm")
        for index, entry in enumerate(table.list_of_tables("arm"))
    )
    _unique(document, "overhead.request", [request.name for request in requests])
    if not any(request.judged for request in requests):
        raise table.fail(
            "request", "no kind of request is judged", hint="drop judged = false from at least one of them"
        )
    _unique(document, "overhead.arm", [arm.name for arm in arms])
    options = tuple(
        _option(Table(document, "overhead.option", entry, index))
        for index, entry in enumerate(table.list_of_tables("option"))
    )
    _unique(document, "overhead.option", [option.name for option in options])
    overhead = Overhead(
        without=_without(table),
        arms=arms,
        requests=requests,
        prepare=prepare,
        options=options,
        count=cast('Literal["", "instructions"]', table.choice("count", "", ("", "instructions"))),
        pairs=_pairs(table),
        block=_bounded(
            table, "block", 4, least=1, most=MOST_BLOCK, why="the arms have to take turns within moments"
        ),
        warm_up=_bounded(
            table, "warm_up", 300, least=0, most=MOST_WARM_UP, why="nothing is measured meanwhile"
        ),
        measure=table.seconds("measure", 1.5),
    )
    if not 0.05 <= overhead.measure <= 60:
        raise table.fail(
            "measure",
            f"measure = {overhead.measure:g} s is out of range",
            hint="use 50ms to 60s; 1.5s is usual",
        )
    table.done()
    return overhead


def _pairs(table: Table) -> int:
    pairs = table.integer("pairs", MOST_PAIRS, least=FEWEST_PAIRS) or MOST_PAIRS
    if pairs > MOST_PAIRS:
        raise table.fail(
            "pairs",
            f"pairs = {pairs} is too many",
            hint=f"use {FEWEST_PAIRS} to {MOST_PAIRS}: the error rates of the verdict are known for these",
        )
    return pairs


def _bounded(table: Table, key: str, default: int, *, least: int, most: int, why: str) -> int:
    number = table.integer(key, default, least=least)
    assert number is not None  # there is a default
    if number > most:
        raise table.fail(
            key, f"{key} = {number} is too many", hint=f"use {least} to {most}: {why}; {default} is usual"
        )
    return number


def _without(table: Table) -> OverheadArm:
    given = table.anything("without")
    if given is None:
        raise table.fail(
            "without", "without is missing: how is the target started without Sentry?", hint=_WITHOUT_HINT
        )
    if given == "agent":
        return OverheadArm(name=WITHOUT, init=False)
    if not isinstance(given, dict):
        raise table.fail("without", f"without = {given!r} is not a way to start it", hint=_WITHOUT_HINT)
    inner = table.nested("without")
    arm = OverheadArm(name=WITHOUT, env=inner.mapping("env"), command=inner.text("command"))
    inner.done("env", "command")
    if arm.env == {} and arm.command is None:
        raise table.fail(
            "without", "without changes nothing: both arms would be the same", hint=_WITHOUT_HINT
        )
    return arm


def _arm(document: Document, table: Table, label: str) -> OverheadArm:
    name = _named(table, 'write name = "unreachable"')
    if name in (WITH, WITHOUT):
        raise table.fail(
            "name",
            f"{name!r} is the name of an arm that is always there",
            hint="the target as it stands is the arm 'with'; choose another name for what differs from it",
        )
    arm = OverheadArm(
        name=name,
        env=table.mapping("env"),
        command=table.text("command"),
        link=read_link(document, table.anything("link"), label) if "link" in table else (),
    )
    table.done()
    return arm


def _option(table: Table) -> OverheadOption:
    name = _named(table, 'write name = "locals": what is toggled')
    if name in (WITH, WITHOUT):
        raise table.fail(
            "name", f"{name!r} is the name of an arm that is always there", hint="name what is toggled"
        )
    option = OverheadOption(
        name=name,
        env=table.mapping("env"),
        command=table.text("command"),
        advice=table.text("advice") or "",
    )
    if not option.env and option.command is None:
        raise table.fail(
            "name",
            f"option {name!r} toggles nothing",
            hint="write env = { … } or command = …: what differs from [target]",
        )
    table.done()
    return option


def _request(table: Table, kept: Sequence[str]) -> OverheadRequest:
    name = _named(table, 'write name = "list": what results call it')
    method, path = _send(table)
    request = OverheadRequest(
        name=name,
        method=method,
        path=path,
        json=table.anything("json"),
        headers=_headers(table, kept),
        raises=table.flag("raises"),
        judged=table.flag("judged", True),
    )
    table.done()
    return request


def _prepare(table: Table) -> OverheadPrepare:
    method, path = _send(table)
    prepare = OverheadPrepare(
        method=method,
        path=path,
        json=table.anything("json"),
        headers=_headers(table, ()),
        keep=table.mapping("keep"),
    )
    table.done()
    return prepare


def _send(table: Table) -> tuple[str, str]:
    send = table.required("send", 'write send = "GET /path"')
    match = SEND.fullmatch(send)
    if match is None:
        raise table.fail("send", f"{send!r} is not a request", hint='write send = "POST /orders"')
    return match[1], match[2]


def _headers(table: Table, kept: Sequence[str]) -> dict[str, str]:
    headers = table.mapping("headers")
    for name, value in headers.items():
        if not HEADER.fullmatch(name) or not value.isprintable() or not value.isascii():
            raise table.fail(
                "headers", f"{name!r} = {value!r} is not a header", hint="use ASCII, without line breaks"
            )
        for word in _BRACED.findall(value):
            if word not in kept:
                raise table.fail(
                    "headers",
                    f"{{{word}}} stands for nothing",
                    hint=did_you_mean(word, kept)
                    if kept
                    else 'keep it from a [[overhead.prepare]]: keep = { token = "access_token" }',
                )
    return headers


def check_overhead(scenario: Scenario, document: Document) -> None:
    """What goes with ``[overhead]`` and what does not. Raises ``ScenarioError``."""
    if scenario.target.command is None or scenario.target.wait:
        raise ScenarioError(
            "what Sentry costs is measured on a service that the harness starts, once with it and once without",
            where=document.where("target"),
            hint='write command = "uvicorn app:app --port {port}" under [target]',
        )
    _check_arms(scenario, document)
    others = {
        "load": scenario.load is not None,
        "fault": bool(scenario.faults),
        "operation": bool(scenario.operations),
        "profiling": scenario.profiling is not None,
        "noise": scenario.noise is not None,
        "alerting": scenario.alerting is not None,
        "dashboards": scenario.dashboards is not None,
        "objective": bool(scenario.objectives),
    }
    for name, given in others.items():
        if given:
            raise ScenarioError(
                f"[overhead] does not go with [{name}]: whatever else the run did would be measured, too",
                where=document.where(name),
                hint="make it two scenarios; the requests to be measured are [[overhead.request]]",
            )


def _check_arms(scenario: Scenario, document: Document) -> None:
    """Every arm must differ from the target as it stands: else two arms are the same, and the comparison is noise."""
    overhead = scenario.overhead
    assert overhead is not None
    if overhead.without.init and not _differs(scenario, overhead.without.env, overhead.without.command):
        raise ScenarioError(
            "without changes nothing: what it sets is what [target] says already, so both arms would be the same",
            where=document.where("overhead", key="without"),
            hint=_WITHOUT_HINT,
        )
    for index, arm in enumerate(overhead.arms):
        if arm.link == scenario.link and not _differs(scenario, arm.env, arm.command):
            raise ScenarioError(
                f"arm {arm.name!r} changes nothing: it would be the arm 'with' once more",
                where=document.where("overhead.arm", index, "name"),
                hint="give it env, command or link that differ from what [target] and [[link]] say",
            )
    for index, option in enumerate(overhead.options):
        if not _differs(scenario, option.env, option.command):
            raise ScenarioError(
                f"option {option.name!r} toggles nothing: what it sets is what [target] says already",
                where=document.where("overhead.option", index, "name"),
                hint="write env = { … } or command = …: what differs from [target]",
            )


def _differs(scenario: Scenario, env: dict[str, str], command: str | None) -> bool:
    target = scenario.target
    return any(target.env.get(name) != value for name, value in env.items()) or command not in (
        None,
        target.command,
    )


def fill_headers(headers: dict[str, str], kept: dict[str, str]) -> dict[str, str]:
    """``headers`` with each ``{name}`` of ``kept`` in its place."""
    return {name: _BRACED.sub(lambda match: kept[match[1]], value) for name, value in headers.items()}


def _named(table: Table, hint: str) -> str:
    name = table.required("name", hint)
    if not _NAME.fullmatch(name):
        raise table.fail(
            "name", f"{name!r} is not a name", hint="use letters, digits, '-', '_' and '.', at most 64"
        )
    return name


def _unique(document: Document, label: str, names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ScenarioError(
                f"two are named {name!r}",
                where=document.where(label, index, "name"),
                hint="give each a name of its own: results are told apart by it",
            )
