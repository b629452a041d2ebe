"""``[alerting]``: which rules alert, who is told, how late the monitoring backend works, and how receivers behave."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, cast

from ..errors import ScenarioError, did_you_mean
from ..model.delays import NO_DELAYS, SENTRY_DELAYS, Delays
from ..model.scenario import Alerting, ExpectedAlert, ReceiverManner, Scenario
from .tables import Document, Table

_NAMED_DELAYS = {"none": NO_DELAYS, "sentry": SENTRY_DELAYS}
_MOST_TIMES = 1000
_KEYS = ("rules", "notify", "within", "delays", "archived", "receiver", "patience")
_STATUSES = ("warning", "triggered", "critical")
_EXPECTED_HINT = (
    'write alerts = ["name of a rule", { rule = "another", channel = "pager", status = "critical" }]'
)
_DELAYS_HINT = (
    'write delays = "none", delays = "sentry", or delays = { ingest = "12s", metric_every = "60s" }'
)


def read_alerting(document: Document, content: Any, base: Path, check_files: bool) -> Alerting:
    """``[alerting]``; paths are relative to ``base``. What is in the files is not read here. Raises ``ScenarioError``."""
    table = Table(document, "alerting", content)
    tables = [
        Table(document, "alerting.receiver", entry, index)
        for index, entry in enumerate(table.list_of_tables("receiver"))
    ]
    given = _given(table, tables, base, check_files)
    if "rules" not in given:
        raise ScenarioError(
            "rules is missing: nothing can alert",
            where=table.where(),
            hint='name files of alert rules in Sentry\'s JSON: rules = ["alerts.json"]',
        )
    return Alerting(**given)


def read_changes(table: Table, base: Path, check_files: bool) -> dict[str, Any]:
    """A twin's ``alerting = { … }``: the fields of ``Alerting`` it replaces, by name. Raises ``ScenarioError``."""
    content = table.list_of_tables("receiver")
    for entry in content:
        if not isinstance(entry, dict):
            raise table.fail("receiver", "receiver holds tables", 'write receiver = [{ channel = "ops" }]')
    return _given(table, [table.within("receiver", entry) for entry in content], base, check_files)


def read_expected_alerts(expect: Table) -> tuple[str | ExpectedAlert, ...]:
    """``expect.alerts``: names of rules, or tables that say more. Raises ``ScenarioError``."""
    content = expect.anything("alerts")
    entries = content if isinstance(content, list) else [content]
    found: list[str | ExpectedAlert] = []
    before: set[tuple[str, str]] = set()
    for entry in entries:
        if not (isinstance(entry, dict) or (isinstance(entry, str) and entry)):
            raise expect.fail("alerts", "alerts holds names of rules, and tables", _EXPECTED_HINT)
        alert = _expected_alert(expect.within("alerts", entry)) if isinstance(entry, dict) else entry
        rule, channel = (alert, "") if isinstance(alert, str) else (alert.rule, alert.channel)
        twice = {(rule, channel), (rule, "")} if channel else {key for key in before if key[0] == rule}
        if twice & before:
            raise expect.fail(
                "alerts",
                f"alerts names {rule!r} twice",
                "each rule alerts once for an incident and a channel",
            )
        before.add((rule, channel))
        found.append(alert)
    return tuple(found)


def _expected_alert(table: Table) -> ExpectedAlert:
    rule = table.required("rule", _EXPECTED_HINT)
    channel = table.text("channel") or ""
    status = table.choice("status", "critical", _STATUSES) if "status" in table else ""
    table.done("rule", "channel", "status")
    return ExpectedAlert(
        rule=rule, channel=channel, status=cast('Literal["", "warning", "triggered", "critical"]', status)
    )


def _given(table: Table, receivers: list[Table], base: Path, check_files: bool) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if "rules" in table:
        given["rules"] = _rules(table, base, check_files)
    if "notify" in table:
        given["notify"] = _file(table, "notify", table.text("notify") or "", base, check_files)
    for key in ("within", "patience"):
        if key in table:
            given[key] = _above_zero(table, key)
    if "delays" in table:
        given["delays"] = _delays(table)
    if "archived" in table:
        given["archived"] = table.texts("archived")
    if "receiver" in table:
        given["receivers"] = _receivers(receivers)
    table.done(*_KEYS)
    return given


def _rules(table: Table, base: Path, check_files: bool) -> tuple[Path, ...]:
    names = table.texts("rules")
    if not names:
        raise table.fail("rules", "rules names no file", 'write rules = ["alerts.json"]')
    for name in names:
        if names.count(name) > 1:
            raise table.fail("rules", f"{name} is named twice", "each file is read once")
    return tuple(_file(table, "rules", name, base, check_files) for name in names)


def _file(table: Table, key: str, name: str, base: Path, check_files: bool) -> Path:
    path = base / name
    if check_files and not path.is_file():
        beside = [entry.name for entry in path.parent.glob("*") if entry.is_file()]
        near = did_you_mean(path.name, beside) if beside else "paths are relative to the scenario file"
        raise table.fail(key, f"there is no file {path}", hint=near)
    return path


def _above_zero(table: Table, key: str) -> float:
    seconds = table.seconds(key, 0.0)
    if seconds <= 0:
        raise table.fail(key, f"{key} = {table.text(key)!r} is not above 0", f'write {key} = "30s"')
    return seconds


def _delays(table: Table) -> Delays:
    content = table.anything("delays")
    if isinstance(content, str):
        if content not in _NAMED_DELAYS:
            raise table.fail("delays", f"delays = {content!r} is not allowed", _DELAYS_HINT)
        return _NAMED_DELAYS[content]
    if not isinstance(content, dict):
        raise table.fail("delays", "delays must be a name or a table", _DELAYS_HINT)
    inner = table.nested("delays")
    delays = Delays(
        ingest=inner.seconds("ingest", 0.0),
        slow_every=inner.seconds("slow_every", 0.0),
        slow_after=inner.seconds("slow_after", 0.0),
        metric_every=inner.seconds("metric_every", 0.0),
        metric_after=inner.seconds("metric_after", 0.0),
    )
    inner.done()
    return delays


def _receivers(tables: list[Table]) -> tuple[ReceiverManner, ...]:
    found: list[ReceiverManner] = []
    for table in tables:
        manner = _receiver(table)
        for earlier in found:
            if earlier.channel == manner.channel and earlier.times is None:
                raise table.fail(
                    "channel",
                    f"this is never reached: an entry of {manner.channel!r} before it is for all deliveries",
                    "give that one times = 1",
                )
        found.append(manner)
    return tuple(found)


def _receiver(table: Table) -> ReceiverManner:
    manner = ReceiverManner(
        channel=table.required("channel", 'name a channel of the notify file: channel = "ops"'),
        times=table.integer("times", None, least=1),
        down=table.flag("down"),
        takes=table.seconds("takes", 0.0),
        answers=table.seconds("answers", 0.0),
        status=table.integer("status", None, least=200),
        retry_after=table.integer("retry_after", None, least=0),
        hang=table.flag("hang"),
    )
    table.done()
    if manner.times is not None and manner.times > _MOST_TIMES:
        raise table.fail(
            "times", f"times = {manner.times} is too large", f"use at most {_MOST_TIMES}, or leave it out"
        )
    if manner.status is not None and manner.status > 599:
        raise table.fail("status", f"status = {manner.status} is no status", "use 200 to 599")
    answered = bool(manner.answers) or manner.status is not None or manner.retry_after is not None
    if manner.down and (answered or manner.takes or manner.hang):
        raise table.fail(
            "down", "what is down neither takes nor answers anything", "drop down, or the other keys"
        )
    if manner.hang and answered:
        raise table.fail("hang", "what hangs never answers", "drop hang, or answers, status and retry_after")
    if not (manner.down or manner.hang or manner.takes or answered or manner.times):
        raise table.fail(
            "channel", "the entry says nothing", 'write down = true, takes = "12s", or status = 500'
        )
    return manner


def check_alerting(scenario: Scenario, document: Document) -> None:
    """What goes with ``[alerting]`` and what needs it. Raises ``ScenarioError``."""
    if scenario.alerting is not None and not scenario.faults:
        raise ScenarioError(
            "[alerting] needs [[fault]]: what must alert is known of faults alone",
            where=document.where("alerting"),
            hint='add a [[fault]] with expect = { alerts = ["name of a rule"] }',
        )
    for index, fault in enumerate(scenario.faults):
        where, expect = document.where("fault", index, "expect"), fault.expect
        if scenario.alerting is not None and expect.alerts is None:
            raise ScenarioError(
                f"fault {fault.name!r} does not say which rules must alert",
                where=document.where("fault", index, "name"),
                hint='write expect = { alerts = ["name of a rule"] }, or alerts = [] when none may',
            )
        if scenario.alerting is None:
            for key, given in (("alerts", expect.alerts), ("incident_gap", expect.incident_gap)):
                if given is not None:
                    raise ScenarioError(
                        f"expect.{key} says nothing without [alerting], which judges it",
                        where=where,
                        hint=f"add [alerting], or drop {key}",
                    )
        if expect.incident_gap is not None and not expect.alerts:
            raise ScenarioError(
                "expect.incident_gap says nothing where no rule must alert",
                where=where,
                hint="name rules in alerts, or drop incident_gap",
            )
