"""Rules of one's own: what they match, in which order, and what is said about those that are not valid."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_sentry_harness.errors import RulesError
from pytest_sentry_harness.monitor.classification import DEFAULT, classify, parse_rules

DATA: dict[str, Any] = {
    "level": "warning",
    "logger": "shop.orders",
    "transaction": "/orders/{id}",
    "message": "card refused",
    "contexts": {"response": {"status_code": 402}},
    "exception": {
        "values": [
            {"type": "OperationalError", "module": "psycopg", "value": "gone"},
            {
                "type": "CardDeclined",
                "module": "shop.errors",
                "value": "Declined by bank 7",
                "mechanism": {"type": "celery", "handled": True},
            },
        ]
    },
}


@pytest.mark.parametrize(
    "condition",
    [
        'type = "CardDeclined"',
        'type = ["Nothing", "shop.errors.Card*"]',
        'module = "shop.*"',
        'module = "psycopg"',  # any exception of the chain
        'message = "*BANK ?*"',
        'message = "card *"',
        'type = "Card*"\nmodule = "shop.*"\nmessage = "declined*"',
        'type = "Card*"\nmessage = "card refused"',
        'mechanism = "celery"',
        "handled = true",
        'level = ["error", "warning"]',
        'status = "402"',
        'status = "4xx"',
        'logger = "shop.*"',
        'transaction = "/orders/*"',
    ],
)
def test_conditions_that_hold(condition: str) -> None:
    """Each condition alone finds the event."""
    rules = parse_rules(f'[[rule]]\ncategory = "network"\n{condition}\n', "own.toml")
    assert classify(DATA, rules).category == "network"


@pytest.mark.parametrize(
    "condition",
    [
        'type = "Card"',
        'type = "Card*"\nmodule = "psycopg"',  # of two different exceptions
        'type = "Card*"\nmessage = "gone"',
        'mechanism = "django"',
        "handled = false",
        'level = "error"',
        'status = ["5xx", "403"]',
        'logger = "shop"',
        'transaction = "/orders"',
        'message = "bank"',
        'type = "Card*"\nlevel = "fatal"',
    ],
)
def test_conditions_that_do_not_hold(condition: str) -> None:
    """One that fails is enough, and globs match the whole text."""
    rules = parse_rules(f'[[rule]]\ncategory = "network"\n{condition}\n', "own.toml")
    assert classify(DATA, rules).category != "network"


def test_a_status_is_not_matched_where_there_is_none() -> None:
    """An event without an answer has no status."""
    rules = parse_rules('[[rule]]\ncategory = "network"\nstatus = "4xx"', "own.toml")
    assert classify({}, rules).category == "unknown"


def test_the_first_match_wins_for_each_of_the_two() -> None:
    """A rule that gives only a severity leaves the category to those below it."""
    rules = parse_rules(
        """
        [[rule]]
        name = "declined cards are daily business"
        type = "CardDeclined"
        severity = "low"
        [[rule]]
        module = "shop.*"
        category = "business_logic"
        severity = "critical"
        [[rule]]
        module = "shop.*"
        category = "network"
        """,
        "own.toml",
    )
    found = classify(DATA, rules)
    assert (found.category, found.severity) == ("business_logic", "low")
    assert [(each.what, each.text, each.why) for each in found.why] == [
        ("rule", "rule[1]", "your rule says business_logic"),
        ("rule", "declined cards are daily business", "your rule says low"),
    ]


def test_what_no_rule_gives_is_built_in() -> None:
    """A category of one's own keeps the usual severity, with its steps."""
    rules = parse_rules('[[rule]]\ncategory = "resource"\ntype = "CardDeclined"', "own.toml")
    found = classify(DATA, rules)
    assert (found.category, found.severity) == ("resource", "medium")
    assert "the answer blames the caller" in found.why[-1].why
    assert DEFAULT.rules == ()


@pytest.mark.parametrize(
    "text,where,what,hint",
    [
        ("[[rule]", "own.toml", "not valid TOML", "https://toml.io"),
        ("", "own.toml", "there is no rule", "write [[rule]]"),
        ("[[rules]]\n", "own.toml: rules", "unknown key 'rules'", "did you mean 'rule'?"),
        ("rule = 1", "own.toml: rule", "rule must be a list of tables: write [[rule]], not a number", None),
        ('[[rule]]\nseverity = 3\ntype = "A"', "own.toml: rule[0].severity", "severity must be a string, not a number", None),
        ("rule = [1]", "own.toml: rule[0]", "must be a table, not a number", None),
        ('[[rule]]\ncategory = "netwrok"\ntype = "A"', "own.toml: rule[0].category", "category = 'netwrok' is not allowed", "did you mean 'network'? (allowed: validation, "),
        ('[[rule]]\nseverity = "urgent"\ntype = "A"', "own.toml: rule[0].severity", "severity = 'urgent' is not allowed", "allowed: critical, high, medium, low"),
        ('[[rule]]\ntype = "A"', "own.toml: rule[0]", "decides nothing", "give it a category, a severity, or both"),
        ('[[rule]]\nseverity = "low"', "own.toml: rule[0]", "has no condition and would match every event", "type, module, message"),
        ('[[rule]]\nseverity = "low"\ntype = 3', "own.toml: rule[0].type", "type must be a list of strings, not a number", None),
        ('[[rule]]\nseverity = "low"\ntype = []', "own.toml: rule[0].type", "type is empty", "name at least one"),
        ('[[rule]]\nseverity = "low"\ntype = ["A", 3]', "own.toml: rule[0].type[1]", "must be a string that is not empty, not 3", None),
        ('[[rule]]\nseverity = "low"\ntype = "A"\n[[rule]]\nseverity = "low"\nmesage = "b"', "own.toml: rule[1].mesage", "unknown key 'mesage'", "did you mean 'message'"),
        ('[[rule]]\nseverity = "low"\nhandled = "no"', "own.toml: rule[0].handled", "handled must be true or false, not a string", None),
        ('[[rule]]\nseverity = "low"\nlevel = "warn"', "own.toml: rule[0].level[0]", "'warn' is not a level", "allowed: fatal, error, warning, info, debug"),
        ('[[rule]]\nseverity = "low"\nstatus = "404,500"', "own.toml: rule[0].status[0]", "'404,500' is not a status", "allowed: three digits such as 503, or 4xx"),
        ('[[rule]]\nseverity = ""\ntype = "A"', "own.toml: rule[0].severity", "severity is empty", "give it a value, or leave the key out"),
    ],
)  # fmt: skip
def test_what_is_not_valid(text: str, where: str, what: str, hint: str | None) -> None:
    """The message names file, key, value and what is allowed."""
    with pytest.raises(RulesError) as refused:
        parse_rules(text, "own.toml")
    assert refused.value.where == where or ("key" in what and str(refused.value.where).startswith(where))
    assert what in refused.value.what
    assert hint is None or hint in str(refused.value.hint)


def test_nesting_without_end_is_refused() -> None:
    """A file that no parser can follow is refused, not fatal."""
    with pytest.raises(RulesError) as refused:
        parse_rules("rule = " + "[" * 100_000, "own.toml")
    assert refused.value.where == "own.toml"
