"""Scenario file to validated ``Scenario``. Strict: what is not understood is refused before anything starts."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Literal, cast

from ..errors import ScenarioError, TermError, did_you_mean
from ..model.classified import CATEGORIES, SEVERITIES, Category, Severity
from ..model.extensions import NO_EXTENSIONS, Extensions
from ..model.scenario import Expect, Fault, Gate, Safety, Scenario, Target
from .alerting_table import check_alerting, read_alerting, read_expected_alerts
from .dashboards_table import check_dashboards_table, read_dashboards
from .gates import check_gates, parse_gate
from .load_table import read_load
from .noise_table import check_noise, read_noise
from .objective_table import check_objectives, read_objectives
from .operations import POINT, read_operations, read_profiling
from .overhead_table import check_overhead, read_overhead
from .tables import Document, Table
from .terms import parse_chain
from .twins import check_twins, read_link, read_twins

_TABLES = (
    "scenario",
    "target",
    "load",
    "fault",
    "operation",
    "profiling",
    "noise",
    "alerting",
    "dashboards",
    "objective",
    "overhead",
    "gates",
    "safety",
    "link",
    "twin",
)
_FAULT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL")
_LEVELS = ("fatal", "error", "warning", "info", "debug")


def load_scenario(
    path: Path, *, check_files: bool = True, extensions: Extensions = NO_EXTENSIONS
) -> Scenario:
    """Read and validate ``path``.

    ``check_files`` off: files the scenario names need not exist (a finished run is judged elsewhere).
    ``extensions``: fault kinds and metrics it may name beside ours.
    Raises ``ScenarioError`` with file, line, key and a hint.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"the scenario cannot be read: {error}", where=str(path)) from error
    return parse_scenario(text, path, check_files=check_files, extensions=extensions)


def parse_scenario(
    text: str, path: Path, *, check_files: bool = True, extensions: Extensions = NO_EXTENSIONS
) -> Scenario:
    """Validate the scenario ``text``; ``path`` is where it stands, for relative paths and messages."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"not valid TOML: {error}", where=str(path)) from error
    except RecursionError as error:
        raise ScenarioError("not valid TOML: nested too deeply", where=str(path)) from error
    document = Document(str(path), text)
    for name in content:
        if name not in _TABLES:
            raise ScenarioError(
                f"unknown table [{name}]", where=document.where(name), hint=did_you_mean(name, _TABLES)
            )
    base = path.parent
    head = Table(document, "scenario", content.get("scenario", {}))
    scenario = Scenario(
        name=head.required("name", 'write [scenario] name = "order storm"'),
        question=head.text("question") or "",
        seed=head.integer("seed", 0, least=0) or 0,
        settle=head.seconds("settle", 75.0),
        allow_inconclusive=head.flag("allow_inconclusive"),
        path=path,
        target=_target(Table(document, "target", content.get("target", {})), base),
        load=read_load(document, content["load"], base, check_files) if "load" in content else None,
        faults=_faults(document, content.get("fault", []), extensions),
        gates=_gates(Table(document, "gates", content.get("gates", {})), extensions),
        safety=_safety(Table(document, "safety", content.get("safety", {}))),
        operations=read_operations(document, content.get("operation", [])),
        profiling=read_profiling(document, content["profiling"]) if "profiling" in content else None,
        noise=read_noise(document, content["noise"], base, check_files) if "noise" in content else None,
        alerting=read_alerting(document, content["alerting"], base, check_files)
        if "alerting" in content
        else None,
        objectives=read_objectives(document, content.get("objective", [])),
        dashboards=read_dashboards(document, content["dashboards"], base, check_files)
        if "dashboards" in content
        else None,
        overhead=read_overhead(document, content["overhead"]) if "overhead" in content else None,
        link=read_link(document, content.get("link", [])),
        twins=read_twins(document, content.get("twin", []), extensions, base=base, check_files=check_files),
        extensions=extensions,
    )
    head.done()
    _check_whole(scenario, document)
    return scenario


def _target(table: Table, base: Path) -> Target:
    given = [key for key in ("command", "url", "app") if key in table]
    if len(given) != 1:
        raise ScenarioError(
            f"a target needs exactly one of command, url, app; given: {', '.join(given) or 'none'}",
            where=table.where(),
            hint='write command = "uvicorn app:app --port {port}"',
        )
    if given == ["app"]:
        raise table.fail(
            "app",
            "a target given by app cannot be judged: faults are injected by an agent that the harness starts",
            hint="start the service with command = …; in-process tests use the sentry_harness fixture of the pytest plugin",
        )
    if given == ["url"]:
        return _running_target(table)
    cwd = table.text("cwd")
    target = Target(
        command=table.text("command"),
        ready=table.text("ready"),
        env=table.mapping("env"),
        cwd=(base / cwd) if cwd else base,
        ready_timeout=table.seconds("ready_timeout", 30.0),
        stop_signal=table.choice("stop_signal", "SIGTERM", _SIGNALS),
        stop_timeout=table.seconds("stop_timeout", 30.0),
        wait=table.flag("wait"),
    )
    if target.ready is not None and not target.ready.startswith("/"):
        raise table.fail("ready", f"ready = {target.ready!r} is not a path", hint='write ready = "/health"')
    _check_process(table, target)
    table.done()
    return target


def _running_target(table: Table) -> Target:
    """A service that runs already, in whatever language, without the agent."""
    target = Target(
        url=table.text("url"),
        dsn=table.required("dsn", 'write dsn = "http://key@127.0.0.1:9311/1": where the service sends'),
        ready=table.text("ready"),
        ready_timeout=table.seconds("ready_timeout", 30.0),
    )
    table.done()
    return target


def _check_process(table: Table, target: Target) -> None:
    """What the operating system would refuse: better now, with a line, than in mid-run."""
    for name in target.env:
        if not name or "=" in name or "\0" in name:
            raise table.fail(
                "env", f"{name!r} cannot name an environment variable", "use letters, digits and _"
            )
    texts = {"command": target.command or ""} | {f"env.{name}": text for name, text in target.env.items()}
    for name, text in texts.items():
        if "\0" in text:
            raise table.fail(
                name.partition(".")[0], f"{name} holds a NUL character", "no process can be given one"
            )


def _faults(document: Document, content: Any, extensions: Extensions) -> tuple[Fault, ...]:
    if not isinstance(content, list):
        raise ScenarioError(
            "faults are a list of tables",
            where=document.where("fault"),
            hint="write [[fault]], with two brackets",
        )
    faults: list[Fault] = []
    for index, entry in enumerate(content):
        fault = _fault(Table(document, "fault", entry, index), extensions)
        if fault.name in (earlier.name for earlier in faults):
            raise ScenarioError(
                f"two faults are named {fault.name!r}",
                where=document.where("fault", index, "name"),
                hint="faults of one name are one root cause: give each [[fault]] a name of its own",
            )
        faults.append(fault)
    return tuple(faults)


def _fault(table: Table, extensions: Extensions) -> Fault:
    name = table.required("name", 'write name = "db-timeout": the root cause')
    if not _FAULT_NAME.fullmatch(name):
        raise table.fail(
            "name", f"{name!r} is not a fault name", hint="use letters, digits, '-', '_' and '.', at most 64"
        )
    if "at" not in table and "do" not in table:
        return _provoked(table, name)
    at = table.required("at", 'write at = "package.module:function"')
    if not POINT.fullmatch(at):
        raise table.fail(
            "at",
            f"{at!r} is not a fault point",
            hint='write "package.module:function" or "package.module:Class.method"',
        )
    do = table.required("do", 'write do = "5%raise(TimeoutError)"')
    try:
        parse_chain(do, extensions.kinds_by_name)
    except TermError as error:
        raise ScenarioError(
            error.what, where=f"{table.where('do')}: {error.where}", hint=error.hint
        ) from error
    fault = Fault(
        name=name,
        at=at,
        do=do,
        on=table.texts("on"),
        select=cast('Literal["request", "call"]', table.choice("select", "request", ("request", "call"))),
        expect=_expect(table),
    )
    if fault.on and fault.select == "call":
        raise table.fail(
            "on", "a fault selected by call meets no request", hint='drop on, or use select = "request"'
        )
    table.done()
    return fault


def _expect(table: Table) -> Expect:
    expect = table.nested("expect")
    captured = expect.flag("captured") if "captured" in expect else None
    level = expect.choice("level", "error", _LEVELS) if "level" in expect else None
    category = expect.choice("category", "unknown", CATEGORIES) if "category" in expect else None
    severity = expect.choice("severity", "high", SEVERITIES) if "severity" in expect else None
    alerts = read_expected_alerts(expect) if "alerts" in expect else None
    incident_gap = expect.seconds("incident_gap", 0.0) if "incident_gap" in expect else None
    if incident_gap == 0:
        raise expect.fail("incident_gap", "incident_gap is not above 0", 'write incident_gap = "2s"')
    expect.done("captured", "level", "category", "severity")
    return Expect(
        captured=captured,
        level=level,
        category=cast("Category | None", category),
        severity=cast("Severity | None", severity),
        alerts=alerts,
        incident_gap=incident_gap,
    )


def _provoked(table: Table, name: str) -> Fault:
    """A fault nobody injects: the requests that ``on`` matches provoke it by themselves."""
    if "on" not in table:
        raise table.fail(
            "name",
            f"fault {name!r} has neither at and do, nor on",
            hint='write at = "package.module:function" and do = "raise(TimeoutError)"; or on = ["GET /boom"] alone '
            "when those requests provoke the error by themselves",
        )
    fault = Fault(name=name, on=table.texts("on"), select="provoked", expect=_expect(table))
    table.done()
    return fault


def _gates(table: Table, extensions: Extensions) -> tuple[Gate, ...]:
    gates, metrics = [], extensions.metrics
    for metric, text in table.items():
        if not isinstance(text, str):
            raise table.fail(
                metric, f"{metric} must be a string", hint='quote both: "capture.rate" = ">= 100%"'
            )
        gates.append(parse_gate(metric, text, table.where(metric), metrics))
    return tuple(gates)


def _safety(table: Table) -> Safety:
    safety = Safety(hosts=table.texts("hosts"), allow_production=table.flag("allow_production"))
    table.done()
    return safety


def _check_whole(scenario: Scenario, document: Document) -> None:
    """Rules that span tables."""
    if scenario.overhead is not None:
        check_overhead(scenario, document)
        check_gates(scenario, document)
        check_twins(scenario, document)
        return
    tables = (
        scenario.faults,
        scenario.operations,
        scenario.objectives,
        scenario.profiling,
        scenario.dashboards,
    )
    if not any(tables):
        raise ScenarioError(
            "a scenario without faults proves nothing",
            where=document.name,
            hint="add a [[fault]] with name, at and do, an [[operation]] with name and at, or an [[objective]]",
        )
    if scenario.load is None and any(fault.select != "call" for fault in scenario.faults):
        raise ScenarioError(
            "faults are selected by request, but nothing sends requests",
            where=document.where("fault"),
            hint='add [load] locustfile = …, or select = "call" for a script',
        )
    _check_url(scenario, document)
    _check_script(scenario, document)
    check_noise(scenario, document)
    check_alerting(scenario, document)
    check_objectives(scenario, document)
    check_dashboards_table(scenario, document)
    check_gates(scenario, document)
    check_twins(scenario, document)
    if scenario.load is None and not scenario.target.wait:
        raise ScenarioError(
            "without [load] the target must end by itself",
            where=document.where("target"),
            hint="add wait = true for a script, or a [load] table for a service",
        )


def _check_url(scenario: Scenario, document: Document) -> None:
    """A service without the agent meets only what its requests provoke."""
    for index, fault in enumerate(scenario.faults):
        if scenario.target.url is not None and fault.select != "provoked":
            raise ScenarioError(
                f"fault {fault.name!r} cannot be injected into a target given by url: no agent is in it",
                where=document.where("fault", index, "at"),
                hint="drop at and do, and name in `on` the requests that provoke an error by themselves; "
                "or start the service with command = …",
            )


def _check_script(scenario: Scenario, document: Document) -> None:
    """The requests of a script name faults that a request can meet."""
    names = [fault.name for fault in scenario.faults if fault.select == "request"]
    for index, request in enumerate(scenario.load.requests if scenario.load else ()):
        for name in request.faults or ():
            if name not in names:
                raise ScenarioError(
                    f"there is no fault {name!r} that a request can meet",
                    where=document.where("load.request", index, "faults"),
                    hint=did_you_mean(name, names),
                )
