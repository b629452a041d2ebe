"""The pages about search and alert rules name what there is, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_sentry_harness.monitor.aggregates import FUNCTIONS
from pytest_sentry_harness.monitor.alerts.attributes import names_of_attributes
from pytest_sentry_harness.monitor.alerts.checks import MATCHES
from pytest_sentry_harness.monitor.alerts.conditions_json import _BY_ID, _BY_TYPE
from pytest_sentry_harness.monitor.fields import known_fields
from pytest_sentry_harness.monitor.grouping.matchers import MATCHERS
from pytest_sentry_harness.monitor.grouping.variables import VARIABLES
from pytest_sentry_harness.monitor.search import parse_search

DOCS = Path(__file__).parents[2] / "docs"
RULES = (DOCS / "reference" / "alert-rules.md").read_text(encoding="utf-8")
SEARCH = (DOCS / "reference" / "search.md").read_text(encoding="utf-8")
GROUPING = (DOCS / "explanation" / "grouping.md").read_text(encoding="utf-8")


def named(text: str) -> set[str]:
    """Everything that is written as code, within lines."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))


def test_every_condition_is_documented_and_no_other() -> None:
    """Of both generations; attributes and operators likewise."""
    table = RULES[RULES.index("### Conditions and filters") : RULES.index("### Attributes and operators")]
    cells = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `") or "| | `" in line]
    old = {name for cell, _ in cells for name in named(cell)}
    new = {name for _, cell in cells for name in named(cell)}
    ids = {re.sub(r"^sentry\.rules\.(conditions|filters)\.", "", name) for name in _BY_ID}
    ids = {"…WithConditions" if name.endswith("WithConditions") else name for name in ids}
    assert (old, new) == (ids, set(_BY_TYPE))
    assert set(names_of_attributes()) | set(MATCHES) <= named(RULES)


def test_every_field_and_function_is_documented() -> None:
    """Families stand for their members; what is not searched for by people may be left out nowhere."""
    found = named(SEARCH)
    families = tuple(name[:-1] for name in found if name.endswith(".*"))
    bare = {name.rstrip(".") for name in families} | {"type", "mechanism", "handled"}
    missing = {
        name
        for name in known_fields()
        if name not in found | bare and not name.startswith(families) and name not in ALIASES
    }
    assert missing == set()
    functions = {call.partition("(")[0] for call in found}
    assert {name for name in FUNCTIONS if name not in functions} == set()


ALIASES = {
    "event.timestamp", "first-release", "user", "user.display", "platform.name", "project.id", "bookmarks",
    "assigned_or_suggested", "spans.total.time",
}  # fmt: skip
"""Other names of fields that the page has, and those that always are empty."""


def test_the_searches_of_the_page_can_be_read() -> None:
    """The example and each line of the first table."""
    table = SEARCH[SEARCH.index("| written |") : SEARCH.index("Names are case-sensitive")]
    written = [cell for line in table.splitlines()[2:] for cell in named(line.split(" | ")[0])]
    searches = [*re.findall(r"```text\n(.+)\n```", SEARCH), *(each for each in written if ":" in each)]
    assert len(searches) >= 20
    for text in searches:
        if "…" not in text:
            assert parse_search(text).doubts == ()


def test_every_matcher_and_variable_is_documented() -> None:
    """Those of fingerprint rules."""
    found = named(GROUPING)
    assert set(MATCHERS) <= found
    short = {"type", "value", "path", "module", "function", "package"}
    assert {f"{{{{ {name} }}}}" for name in VARIABLES if name not in short} <= found
