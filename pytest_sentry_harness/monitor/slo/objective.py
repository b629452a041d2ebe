"""Service level objectives as users write them, in TOML.

[[slo]]
name = "orders are answered"
kind = "availability"           # share of requests that do not fail; "latency": of those faster than `below`
target = "99.9%"
window = "30d"
transaction = ["/orders*"]      # globs; left out: all
environment = ["production"]

[[slo.alert]]                   # left out: the three of Google's SRE Workbook
name = "page"
burn = 14.4
long = "1h"
short = "5m"
severity = "critical"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from typing import Literal

from ...errors import RulesError
from ...model.classified import SEVERITIES, Severity
from ..requests import Request
from ..strict import Strict, toml_table

_HOUR, _DAY = 3600.0, 86400.0
_TARGET_HINT = 'write target = "99.9%"'


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRule:
    """Fires while the budget burns faster than ``burn`` over both windows (seconds)."""

    name: str
    burn: float
    """1: the budget lasts for exactly the objective's window."""
    long: float
    short: float
    """It ends the alert soon after the trouble has ended; the Workbook takes a twelfth of the long one."""
    severity: Severity


DEFAULT_RULES: tuple[BurnRule, ...] = (
    BurnRule(name="fast burn", burn=14.4, long=_HOUR, short=300.0, severity="critical"),
    BurnRule(name="burn", burn=6.0, long=6 * _HOUR, short=1800.0, severity="high"),
    BurnRule(name="slow burn", burn=1.0, long=3 * _DAY, short=6 * _HOUR, severity="medium"),
)
"""2 % of a 30-day budget in an hour and 5 % in six hours page somebody, 10 % in three days make a ticket (The Site Reliability
Workbook, 2018, chapter 5, its recommended parameters)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What share of requests shall be good, over which time."""

    name: str
    kind: Literal["availability", "latency"]
    target: float
    """Share of good requests, between 0 and 1."""
    window: float = 30 * _DAY
    """Seconds."""
    below: float | None = None
    """Latency: seconds that a good request stays below."""
    transactions: tuple[str, ...] = ()
    """Globs; empty: all."""
    environments: tuple[str, ...] = ()
    rules: tuple[BurnRule, ...] = DEFAULT_RULES
    fewest_requests: int = 1
    """With fewer in the long window an alert is unsure."""
    evidence: Literal["bounds", "point"] = "bounds"
    """Whether an alert needs the lower bound of the long window's burn rate above the threshold, or only its estimate."""

    @property
    def budget(self) -> float:
        """Share of requests that may be bad."""
        return 1 - self.target

    def is_bad(self, request: Request) -> bool | None:
        """Whether ``request`` counts against the objective; None: it does not count at all.

        Failed requests do not count for latency: a fast failure is not fast service, and availability has charged it.
        """
        if self.kind == "availability":
            return request.failed
        return None if request.failed else self.below is not None and request.seconds >= self.below


@dataclass(frozen=True, slots=True)
class Objectives:
    """The objectives of a file, and what is odd about them though they are valid."""

    objectives: tuple[Objective, ...]
    warnings: tuple[str, ...]


def parse_objectives(text: str, name: str) -> Objectives:
    """The objectives in the TOML ``text``; ``name`` is its file, for messages. Raises ``RulesError``."""
    document = toml_table(text, name)
    tables = document.tables("slo")
    document.done()
    if not tables:
        raise RulesError("there is no objective", where=name, hint="write [[slo]] with name, kind and target")
    objectives: list[Objective] = []
    warnings: list[str] = []
    for table in tables:
        objective = _objective(table)
        if objective.name in {each.name for each in objectives}:
            raise table.fail(
                "name", f"name = {objective.name!r} is there twice", "give each objective its own name"
            )
        objectives.append(objective)
        warnings.extend(f"{table.where()}: {warning}" for warning in warnings_of(objective))
    return Objectives(tuple(objectives), tuple(warnings))


def warnings_of(objective: Objective) -> tuple[str, ...]:
    """What would never happen, one sentence each."""
    if not objective.rules:
        return (f"{objective.name!r} has no alert: its window is shorter than those of the usual ones",)
    most = 1 / objective.budget
    return tuple(
        f"alert {rule.name!r} of {objective.name!r} would never fire: it wants the budget to burn faster than {rule.burn:g} times, "
        f"and when every request is bad it burns {most:.3g} times as fast"
        for rule in objective.rules
        if rule.burn >= most * (1 - 1e-9)
    )


def counts(objective: Objective) -> re.Pattern[str]:
    """What the names of transactions that count match."""
    return re.compile("|".join(f"(?:{translate(glob)})" for glob in objective.transactions or ("*",)))


def _objective(table: Strict) -> Objective:
    name = table.required("name", 'write name = "orders are answered"')
    kind = table.required("kind", 'write kind = "availability" or kind = "latency"')
    table.choice("kind", ("availability", "latency"))
    target = table.share("target", _TARGET_HINT)
    window = table.seconds("window") or 30 * _DAY
    below = table.seconds("below")
    if kind == "latency" and below is None:
        raise table.fail("below", "below is missing: how fast is fast enough?", 'write below = "300ms"')
    if kind == "availability" and below is not None:
        raise table.fail(
            "below", "below is of no use for availability", 'leave it out, or write kind = "latency"'
        )
    evidence = table.choice("evidence", ("bounds", "point"), "bounds")
    objective = Objective(
        name=name,
        kind="latency" if kind == "latency" else "availability",
        target=target,
        window=window,
        below=below,
        transactions=table.texts("transaction"),
        environments=table.texts("environment"),
        rules=tuple(_rule(each, window) for each in table.tables("alert")) or _that_fit(window),
        fewest_requests=table.integer("fewest_requests", 1, least=1),
        evidence="point" if evidence == "point" else "bounds",
    )
    table.done()
    names = [rule.name for rule in objective.rules]
    for index, rule in enumerate(names):
        if rule in names[:index]:
            raise table.fail(
                f"alert[{index}].name", f"name = {rule!r} is there twice", "give each alert its own name"
            )
    return objective


def _rule(table: Strict, window: float) -> BurnRule:
    severity = table.choice("severity", SEVERITIES, "high")
    rule = BurnRule(
        name=table.required("name", 'write name = "page"'),
        burn=table.number("burn", 0.0),
        long=table.seconds("long") or 0.0,
        short=table.seconds("short") or 0.0,
        severity=next(each for each in SEVERITIES if each == severity),
    )
    for key, value, example in (("burn", rule.burn, "14.4"), ("long", rule.long, '"1h"')):
        if not value:
            raise table.fail(key, f"{key} is missing", f"write {key} = {example}")
    if rule.long > window:
        raise table.fail(
            "long", f"long is longer than the objective's window of {window:g} s", "use a shorter one"
        )
    if rule.short >= rule.long:
        raise table.fail("short", "short is not shorter than long", "use a twelfth of it: 5m with 1h")
    table.done()
    return (
        rule
        if rule.short
        else BurnRule(
            name=rule.name, burn=rule.burn, long=rule.long, short=rule.long / 12, severity=rule.severity
        )
    )


def _that_fit(window: float) -> tuple[BurnRule, ...]:
    return tuple(rule for rule in DEFAULT_RULES if rule.long <= window)
