"""Files of rule tests: TOML, strict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from ...errors import RulesError, did_you_mean
from ...model.delays import Delays
from ..alerts.tallies import NoPrevious
from ..strict import Strict, toml_table
from .model import (
    Case,
    CaseFile,
    Change,
    EventSeries,
    Expected,
    SessionSeries,
    StateChange,
    TransactionSeries,
)
from .payload import event_payload, transaction_payload
from .series import SeriesError, parse_series, parse_time

MOST_EVENTS = 1_000_000
"""Of one series: a test that needs more asks for an interval of its own."""
LEVELS = ("fatal", "error", "warning", "info", "debug")
STATUSES = ("triggered", "critical", "warning", "resolved")
_ENDS = ("exited", "errored", "crashed", "abnormal")
_CHANGES = ("resolved", "ignored", "unresolved")
T = TypeVar("T")
_EACH_MINUTE = Delays(metric_every=60.0)


@dataclass(frozen=True, slots=True)
class _Settings:
    """What stands above the tests and may be given in each of them anew."""

    rules: tuple[str, ...] = ()
    interval: float = 60.0
    delays: Delays = _EACH_MINUTE
    no_previous: NoPrevious = "current"
    environment: str = ""


def _settings(table: Strict, base: _Settings) -> _Settings:
    interval = _span(table, "interval", base.interval)
    if interval <= 0:
        raise table.fail("interval", "interval must be above 0", 'write interval = "1m"')
    before = base.delays
    delays = Delays(
        slow_every=_span(table, "slow_every", before.slow_every),
        slow_after=_span(table, "slow_after", before.slow_after),
        metric_every=_span(table, "metric_every", before.metric_every),
        metric_after=_span(table, "metric_after", before.metric_after),
    )
    if delays.metric_every <= 0:
        raise table.fail("metric_every", "metric_every must be above 0", "Sentry decides every 60s")
    return _Settings(
        rules=table.texts("rules") or base.rules,
        interval=interval,
        delays=delays,
        no_previous=cast("NoPrevious", table.choice("no_previous", ("current", "zero"), base.no_previous)),
        environment=table.text("environment") or base.environment,
    )


def read_cases(text: str, name: str) -> CaseFile:
    """The tests in ``text``; ``name`` is the file, for messages. Raises ``RulesError``."""
    table = toml_table(text, name)
    base = _settings(table, _Settings())
    tables = table.tables("test")
    table.done()
    if not tables:
        raise RulesError("there is no test in this file", where=name, hint='write [[test]] name = "…"')
    cases: list[Case] = []
    seen: dict[str, str] = {}
    for entry in tables:
        case = _case(entry, base)
        if case.name in seen:
            raise entry.fail(
                "name", f"{case.name!r} is the name of {seen[case.name]} already", "name it otherwise"
            )
        seen[case.name] = case.where
        cases.append(case)
    return CaseFile(file=name, cases=tuple(cases))


def _case(table: Strict, base: _Settings) -> Case:
    name = table.required("name", 'write name = "fires after 100 errors"')
    own = _settings(table, base)
    if not own.rules:
        raise table.fail("rules", "rules is missing", 'write rules = "alerts.json" here or above all tests')
    events = tuple(_events(entry, own) for entry in table.tables("events"))
    sessions = tuple(_sessions(entry, own) for entry in table.tables("sessions"))
    transactions = tuple(_transactions(entry, own) for entry in table.tables("transactions"))
    issues = tuple(dict.fromkeys(series.issue for series in events))
    changes = tuple(_change(entry, issues) for entry in table.tables("change"))
    expected = tuple(_expected(entry, issues) for entry in table.tables("expect"))
    steps = [(one.start, len(one.counts)) for one in events]
    steps += [(one.start, len(one.counts)) for one in transactions]
    steps += [(one.start, len(values)) for one in sessions for values in one.counts.values()]
    ends = [start + number * own.interval for start, number in steps]
    ends += [change.at for change in changes] + [entry.at for entry in expected]
    case = Case(
        name=name,
        where=table.where(),
        rules=own.rules,
        interval=own.interval,
        until=_span(table, "until", max(ends, default=0.0)),
        delays=own.delays,
        no_previous=own.no_previous,
        events=events,
        sessions=sessions,
        transactions=transactions,
        changes=changes,
        expected=expected,
    )
    late = next((entry for entry in expected if entry.at > case.until), None)
    if late is not None:
        raise table.fail(
            "until",
            f"until is before what is expected at {late.where}",
            "leave until out, or let it be later",
        )
    table.done()
    return case


def _events(table: Strict, own: _Settings) -> EventSeries:
    issue = table.required("issue", 'write issue = "database timeout"')
    counts = _series(table, "count")
    users = table.integer("users", 0, least=0)
    start, spread = _span(table, "start", 0.0), bool(table.flag("spread"))
    data = event_payload(
        issue=issue,
        level=table.choice("level", LEVELS, "error") or "error",
        environment=_environment(table, own),
        release=table.text("release") or "",
        message=table.text("message"),
        kind=table.text("type") or "Error",
        value=table.text("value") or issue,
        transaction=table.text("transaction") or "",
        handled=table.flag("handled"),
        tags=_tags(table),
        more=table.mapping("data"),
    )
    table.done()
    return EventSeries(issue=issue, counts=counts, start=start, data=data, users=users, spread=spread)


def _sessions(table: Strict, own: _Settings) -> SessionSeries:
    counts = {end: _series(table, end) for end in _ENDS if table.text(end) is not None}
    if not counts:
        raise table.fail(
            "", f"a series of sessions needs one of {', '.join(_ENDS)}", 'write exited = "100x10"'
        )
    found = SessionSeries(
        counts=counts,
        start=_span(table, "start", 0.0),
        release=table.text("release") or "1.0",
        environment=_environment(table, own),
    )
    table.done()
    return found


def _transactions(table: Strict, own: _Settings) -> TransactionSeries:
    counts = _series(table, "count")
    data = transaction_payload(
        name=table.text("name") or "/",
        op=table.text("op") or "http.server",
        status=table.text("status") or "ok",
        environment=_environment(table, own),
        release=table.text("release") or "",
        tags=_tags(table),
        more=table.mapping("data"),
    )
    found = TransactionSeries(
        counts=counts,
        durations=_series(table, "duration", 'milliseconds by step, such as duration = "120x10 900x5"'),
        start=_span(table, "start", 0.0),
        data=data,
        users=table.integer("users", 0, least=0),
    )
    table.done()
    return found


def _change(table: Strict, issues: tuple[str, ...]) -> StateChange:
    to = table.choice("to", _CHANGES)
    if to is None:
        raise table.fail("to", "to is missing", f"allowed: {', '.join(_CHANGES)}")
    found = StateChange(
        at=_at(table),
        issue=_issue(table, issues) or "",
        to=cast("Change", to),
        until_events=table.integer("until_events", 0, least=1),
    )
    if not found.issue:
        raise table.fail("issue", "issue is missing", f"one of {', '.join(issues) or '[[test.events]]'}")
    if found.until_events and to != "ignored":
        raise table.fail("until_events", 'until_events belongs to to = "ignored"', "leave it out")
    table.done()
    return found


def _expected(table: Strict, issues: tuple[str, ...]) -> Expected:
    found = Expected(
        at=_at(table),
        rule=table.required("rule", 'write rule = "the name of the rule"'),
        issue=_issue(table, issues),
        status=table.choice("status", STATUSES),
        times=table.integer("times", 1, least=1),
        where=table.where(),
    )
    table.done()
    return found


def _issue(table: Strict, issues: tuple[str, ...]) -> str | None:
    issue = table.text("issue")
    if issue is not None and issue not in issues:
        raise table.fail(
            "issue",
            f"no events of this test are of issue {issue!r}",
            did_you_mean(issue, issues) if issues else None,
        )
    return issue


def _environment(table: Strict, own: _Settings) -> str:
    return table.text("environment") or own.environment or ""


def _tags(table: Strict) -> dict[str, str]:
    tags = table.mapping("tags")
    for key, value in tags.items():
        if not isinstance(value, str | int | float):
            raise table.fail(
                f"tags.{key}", "the value of a tag must be a text", 'write tags = { region = "eu" }'
            )
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in tags.items()}


def _at(table: Strict) -> float:
    text = table.required("at", 'write at = "3m": time since the start of the test')
    return _read(table, "at", text, parse_time)


def _span(table: Strict, key: str, default: float) -> float:
    text = table.text(key)
    return default if text is None else _read(table, key, text, parse_time)


def _series(
    table: Strict, key: str, hint: str = 'numbers by step, such as count = "0 0 5x3 0+2x10"'
) -> tuple[float, ...]:
    values = _read(table, key, table.required(key, hint), parse_series)
    if key != "duration" and sum(values) > MOST_EVENTS:
        raise table.fail(key, f"{sum(values):.0f} in one series are too many", f"at most {MOST_EVENTS}")
    if key != "duration" and any(value != int(value) for value in values):
        raise table.fail(key, f"{key} counts: {table.text(key)!r} has fractions", "write whole numbers")
    return values


def _read(table: Strict, key: str, text: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text)
    except SeriesError as error:
        what, _, hint = str(error).partition("; ")
        raise table.fail(key, f"{key}: {what}", hint or None) from error
