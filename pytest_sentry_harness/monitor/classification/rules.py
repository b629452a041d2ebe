"""Rules that a user adds in TOML. They are asked before what is built in, and the first that matches wins.

    [[rule]]
    category = "business_logic"        # or severity, or both
    severity = "low"
    type = ["OutOfStock", "*Declined"] # all conditions must hold; a list holds when one of its entries does
    module = "shop.*"

Category and severity are looked for apart: a rule that gives only one of them leaves the other to the rules below it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import translate

from ...errors import RulesError
from ...model.classified import CATEGORIES, SEVERITIES, Category, Severity
from ...model.monitored import Component
from ...protocol.event_fields import LEVELS
from ..strict import Strict, toml_table
from .facts import Facts

_STATUS = re.compile(r"[1-5](?:\d\d|xx)")
_PATTERNS = ("type", "module", "message", "mechanism", "logger", "transaction")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Globs (``*``, ``?``, ``[...]``) for one field; one that matches is enough."""

    globs: tuple[str, ...]
    compiled: re.Pattern[str] = field(compare=False, repr=False)

    def matches(self, text: str) -> bool:
        """Whether the whole ``text`` matches."""
        return bool(text) and self.compiled.match(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; what is None or empty is no condition."""

    name: str
    """For people: its own name, or ``rule[0]``."""
    category: Category | None = None
    severity: Severity | None = None
    type: Pattern | None = None
    """Of any exception of the chain; matched with and without its module."""
    module: Pattern | None = None
    """Of the type of the same exception."""
    message: Pattern | None = None
    """Text of the same exception, or the event's message; case does not matter."""
    mechanism: Pattern | None = None
    logger: Pattern | None = None
    transaction: Pattern | None = None
    levels: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    """Such as ``503`` and ``5xx``."""
    handled: bool | None = None

    def matches(self, facts: Facts) -> bool:
        """Whether all conditions hold."""
        return (
            (self.handled is None or facts.handled is self.handled)
            and (not self.levels or facts.level in self.levels)
            and (not self.statuses or _status_in(facts.status, self.statuses))
            and (self.mechanism is None or self.mechanism.matches(facts.mechanism))
            and (self.logger is None or self.logger.matches(facts.logger))
            and (self.transaction is None or self.transaction.matches(facts.transaction))
            and self._matches_exception(facts)
        )

    def _matches_exception(self, facts: Facts) -> bool:
        if self.type is None and self.module is None:
            return (
                self.message is None
                or self.message.matches(facts.message)
                or any(self.message.matches(raised.value) for raised in facts.raised)
            )
        return any(
            (self.type is None or self.type.matches(raised.type) or self.type.matches(raised.name))
            and (self.module is None or self.module.matches(raised.module))
            and (
                self.message is None
                or self.message.matches(raised.value)
                or self.message.matches(facts.message)
            )
            for raised in facts.raised
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules in the order in which they are asked. Asking costs O(rules x exceptions of the event)."""

    rules: tuple[Rule, ...] = ()

    def category(self, facts: Facts) -> tuple[Category, Component] | None:
        """The category of the first rule that matches and gives one."""
        for rule in self.rules:
            if rule.category is not None and rule.matches(facts):
                return rule.category, _component(rule.name, f"your rule says {rule.category}")
        return None

    def severity(self, facts: Facts) -> tuple[Severity, Component] | None:
        """The severity of the first rule that matches and gives one."""
        for rule in self.rules:
            if rule.severity is not None and rule.matches(facts):
                return rule.severity, _component(rule.name, f"your rule says {rule.severity}")
        return None


DEFAULT = Rules()
"""No rules of one's own."""


def parse_rules(text: str, name: str) -> Rules:
    """The rules in the TOML ``text``; ``name`` is its file, for messages. Raises ``RulesError``."""
    document = toml_table(text, name)
    rules = tuple(_rule(table, f"rule[{index}]") for index, table in enumerate(document.tables("rule")))
    document.done()
    if not rules:
        raise RulesError(
            "there is no rule", where=name, hint="write [[rule]] with a condition and a category or severity"
        )
    return Rules(rules)


def _rule(table: Strict, label: str) -> Rule:
    severity = table.choice("severity", SEVERITIES)
    category = table.choice("category", CATEGORIES)
    patterns = {key: _pattern(table, key) for key in _PATTERNS}
    rule = Rule(
        name=table.text("name", label) or label,
        category=next((each for each in CATEGORIES if each == category), None),
        severity=next((each for each in SEVERITIES if each == severity), None),
        levels=_each(table, "level", lambda value: value in LEVELS, ", ".join(LEVELS)),
        statuses=_each(
            table,
            "status",
            lambda value: _STATUS.fullmatch(value) is not None,
            "three digits such as 503, or 4xx",
        ),
        handled=table.flag("handled"),
        **patterns,
    )
    table.done()
    if rule.category is None and rule.severity is None:
        raise RulesError(
            "decides nothing", where=table.where(), hint="give it a category, a severity, or both"
        )
    if not any((*patterns.values(), rule.levels, rule.statuses)) and rule.handled is None:
        raise RulesError(
            "has no condition and would match every event",
            where=table.where(),
            hint=f"give it one of: {', '.join((*_PATTERNS, 'level', 'status', 'handled'))}",
        )
    return rule


def _pattern(table: Strict, key: str) -> Pattern | None:
    globs = table.texts(key)
    if not globs:
        return None
    flags = re.IGNORECASE if key == "message" else 0
    return Pattern(globs, re.compile("|".join(f"(?:{translate(glob)})" for glob in globs), flags))


def _each(table: Strict, key: str, allowed: Callable[[str], bool], sentence: str) -> tuple[str, ...]:
    values = table.texts(key)
    for index, value in enumerate(values):
        if not allowed(value):
            raise table.fail(f"{key}[{index}]", f"{value!r} is not a {key}", f"allowed: {sentence}")
    return values


def _status_in(status: int | None, wanted: tuple[str, ...]) -> bool:
    return status is not None and (str(status) in wanted or f"{status // 100}xx" in wanted)


def _component(name: str, why: str) -> Component:
    return Component(what="rule", text=name, contributes=True, why=why)
