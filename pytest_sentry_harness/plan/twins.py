"""Twins: the scenario with a planted defect, by which it proves that it can fail."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..errors import ScenarioError, TermError, UsageError, did_you_mean
from ..model.extensions import NO_EXTENSIONS, Extensions
from ..model.metrics import Metric
from ..model.reasons import REASONS, unknown_reason
from ..model.scenario import Finds, LinkRule, Scenario, Twin
from .alerting_table import read_changes
from .dashboards_table import check_source, read_dashboard_changes
from .gates import UNIT_WORDS
from .tables import Document, Table
from .terms import duration, parse_chain

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RESETS = ("before", "after")
_SIZED = 'write both, as in value = "150ms", within = "10ms"'


def read_link(document: Document, content: Any, label: str = "link") -> tuple[LinkRule, ...]:
    """``[[link]]``: how the embedded server behaves, rule after rule. Raises ``ScenarioError``."""
    if not isinstance(content, list):
        raise ScenarioError(
            "the link's rules are a list of tables", where=document.where(label), hint="write [[link]]"
        )
    return tuple(_rule(Table(document, label, entry, index)) for index, entry in enumerate(content))


def _rule(table: Table) -> LinkRule:
    if not table:
        raise table.fail("status", "the rule says nothing", hint="write status = 429, or reset = 'before'")
    rule = LinkRule(
        status=table.integer("status", None, least=200),
        headers=table.mapping("headers"),
        body=table.text("body"),
        delay=table.seconds("delay", 0.0),
        reset="before" if "reset" in table and table.choice("reset", "", _RESETS) == "before" else "",
        hang=table.flag("hang"),
        truncate=table.flag("truncate"),
        requests=table.integer("requests", None, least=1),
        seconds=table.seconds("seconds", 0.0) or None,
    )
    if "reset" in table and not rule.reset:
        rule = replace(rule, reset="after")
    table.done(*(field.name for field in fields(LinkRule)))
    return rule


def read_twins(
    document: Document,
    content: Any,
    extensions: Extensions = NO_EXTENSIONS,
    *,
    base: Path = Path(),
    check_files: bool = False,
) -> tuple[Twin, ...]:
    """``[[twin]]``; paths are relative to ``base``. Raises ``ScenarioError``."""
    if not isinstance(content, list):
        raise ScenarioError("twins are a list of tables", where=document.where("twin"), hint="write [[twin]]")
    twins: list[Twin] = []
    for index, entry in enumerate(content):
        table = Table(document, "twin", entry, index)
        alerting = read_changes(table.nested("alerting"), base, check_files)
        dashboards = read_dashboard_changes(table.nested("dashboards"), base, check_files)
        twin = replace(_twin(document, table, extensions, alerting), dashboards=dashboards)
        if twin.name in (earlier.name for earlier in twins):
            raise table.fail("name", f"two twins are named {twin.name!r}", hint="give each a name of its own")
        twins.append(twin)
    return tuple(twins)


def _twin(document: Document, table: Table, extensions: Extensions, alerting: dict[str, Any]) -> Twin:
    name = table.required("name", 'write name = "before-send-drops": the planted defect')
    if not _NAME.fullmatch(name):
        raise table.fail("name", f"{name!r} is not a name", hint="use letters, digits, '-', '_' and '.'")
    do = table.mapping("do")
    for fault, term in do.items():
        try:
            parse_chain(term, extensions.kinds_by_name)
        except TermError as error:
            raise table.fail("do", f"{fault}: {error.what}", hint=error.hint) from error
    finds = table.nested("finds")
    metric = finds.text("metric") or "capture.rate"
    if metric not in extensions.metrics:
        raise table.fail("finds", f"unknown metric {metric!r}", hint=did_you_mean(metric, extensions.metrics))
    reasons = finds.texts("reason")
    if metric.startswith(
        ("capture.", "timing.", "noise.", "alerting.", "objectives.", "dashboards.")
    ):  # other criteria have words of their own
        for unknown in filter(None, map(unknown_reason, reasons)):
            raise table.fail(
                "finds", f"unknown reason {unknown!r}", hint=did_you_mean(unknown, sorted(REASONS))
            )
    value, within = (_size(finds, key, extensions.metrics[metric]) for key in ("value", "within"))
    if within is not None and within < 0:
        raise table.fail(
            "finds", f"within is {finds.text('within')!r}, and a distance is not negative", _SIZED
        )
    if value is None and ("within" in finds or "operation" in finds):
        raise table.fail("finds", "within and operation say more about value, and there is no value", _SIZED)
    twin = Twin(
        name=name,
        stories=table.texts("stories"),
        env=table.mapping("env"),
        command=table.text("command"),
        do=do,
        link=read_link(document, table.anything("link"), "twin") if "link" in table else None,
        hosts=table.texts("hosts") if "hosts" in table else None,
        settle=table.seconds("settle", 0.0) or None,
        alerting=alerting,
        finds=Finds(
            reasons=reasons,
            culprit=finds.text("culprit") or "",
            file=finds.text("file") or "",
            metric=metric,
            value=value,
            within=within or 0.0,
            operation=finds.text("operation") or "",
            passes=_passes(finds, extensions),
            verdict="error" if finds.choice("verdict", "fail", ("fail", "error")) == "error" else "fail",
            note=finds.text("note") or "",
        ),
    )
    finds.done()
    table.done()
    return twin


def _passes(finds: Table, extensions: Extensions) -> tuple[str, ...]:
    names = finds.texts("passes")
    for name in names:
        if name not in extensions.metrics:
            raise finds.fail("passes", f"unknown metric {name!r}", did_you_mean(name, extensions.metrics))
    return names


def _size(finds: Table, key: str, metric: Metric) -> float | None:
    """A size in the unit of ``metric``, with a sign where it is negative; None when it is not given."""
    text = finds.text(key)
    if text is None:
        return None
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    try:
        if metric.unit == "seconds":
            return sign * duration(digits)
        return sign * (float(digits[:-1]) / 100 if digits.endswith("%") else float(digits))
    except (ValueError, TermError) as error:
        raise finds.fail(
            key,
            f"{text!r} is no size of {metric.name}, which {UNIT_WORDS[metric.unit]}",
            hint='write it as in "150ms" (times), "3%" (ratios) or "12" (counts)',
        ) from error


def check_twins(scenario: Scenario, document: Document) -> None:
    """What twins say of the scenario around them. Raises ``ScenarioError``."""
    names = [fault.name for fault in scenario.faults]
    operations = [each.name for each in scenario.operations]
    for index, twin in enumerate(scenario.twins):
        if twin.finds.operation and twin.finds.operation not in operations:
            raise ScenarioError(
                f"there is no operation {twin.finds.operation!r}",
                where=document.where("twin", index, "finds"),
                hint=did_you_mean(twin.finds.operation, operations),
            )
        for fault in twin.do:
            if fault not in names:
                raise ScenarioError(
                    f"there is no fault {fault!r}",
                    where=document.where("twin", index, "do"),
                    hint=did_you_mean(fault, names),
                )
        if twin.alerting and scenario.alerting is None:
            raise ScenarioError(
                f"twin {twin.name!r} changes [alerting], and there is none",
                where=document.where("twin", index, "alerting"),
                hint="add [alerting] to the scenario: a twin replaces some of its keys",
            )
        if twin.dashboards and scenario.dashboards is None:
            raise ScenarioError(
                f"twin {twin.name!r} changes [dashboards], and there is none",
                where=document.where("twin", index, "dashboards"),
                hint="add [dashboards] to the scenario: a twin replaces some of its keys",
            )
        for shows in twin.dashboards.get("shows", ()):
            try:
                check_source(scenario, shows)
            except ScenarioError as error:
                place = document.where("twin", index, "dashboards")
                raise ScenarioError(error.what, where=place, hint=error.hint) from error
        if replace(twin_of(scenario, twin.name), twin="") == scenario:
            raise ScenarioError(
                f"twin {twin.name!r} changes nothing: it is the scenario as written, and has no defect to be found",
                where=document.where("twin", index, "name"),
                hint="plant one with env, command, do, link, hosts, settle, alerting or dashboards, other than in the scenario itself",
            )


def twin_of(scenario: Scenario, name: str) -> Scenario:
    """``scenario`` with the defect of its twin ``name``. Raises ``UsageError`` when there is none."""
    twin = next((each for each in scenario.twins if each.name == name), None)
    if twin is None:
        known = [each.name for each in scenario.twins]
        raise UsageError(
            f"the scenario has no twin {name!r}",
            where=str(scenario.path),
            hint=did_you_mean(name, known) if known else "it has no [[twin]] at all",
        )
    target = replace(scenario.target, env={**scenario.target.env, **twin.env})
    if twin.command is not None:
        target = replace(target, command=twin.command)
    faults = tuple(replace(fault, do=twin.do.get(fault.name, fault.do)) for fault in scenario.faults)
    safety = scenario.safety
    if twin.hosts is not None:
        safety = replace(safety, hosts=(*safety.hosts, *twin.hosts))
    return replace(
        scenario,
        target=target,
        faults=faults,
        safety=safety,
        link=scenario.link if twin.link is None else twin.link,
        settle=twin.settle or scenario.settle,
        alerting=scenario.alerting and replace(scenario.alerting, **twin.alerting),
        dashboards=scenario.dashboards and replace(scenario.dashboards, **twin.dashboards),
        twin=name,
    )
