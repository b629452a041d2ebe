"""Placeholders in commands and environments."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.targets.placeholders import MEANINGS, fill, fill_all, names, standard_values

VALUES = standard_values(
    port=8123,
    dsn="http://k@127.0.0.1:9/1",
    run_dir=Path("/runs/1"),
    sentry_host="127.0.0.1:9",
    project="1",
)


def test_every_placeholder_has_a_value_and_a_meaning() -> None:
    """What is allowed can be filled."""
    assert set(VALUES) == set(MEANINGS)
    assert fill("{python} -m app --port {port}", VALUES, where="w") == f"{sys.executable} -m app --port 8123"
    assert names("{dsn} {port} {dsn}", where="w") == ("dsn", "port", "dsn")


def test_doubled_braces_are_literal() -> None:
    """JSON in a command stays possible."""
    assert fill('{{"port": {port}}}', VALUES, where="w") == '{"port": 8123}'


@pytest.mark.parametrize("text", ["{prt}", "{}", "{0}", "{port!r}", "{port:>5}", "{port.real}", "{DSN}"])
def test_an_unknown_placeholder_is_refused_with_the_nearest_name(text: str) -> None:
    """A misspelling never reaches the target."""
    with pytest.raises(ScenarioError) as caught:
        fill(text, VALUES, where="s.toml:3: [target] command")
    assert "s.toml:3: [target] command: unknown placeholder" in str(caught.value)
    assert "literal braces" in str(caught.value)
    if text == "{prt}":
        assert "did you mean 'port'" in str(caught.value)


@pytest.mark.parametrize("text", ["{port", "port}", "{{port}"])
def test_a_lone_brace_is_refused(text: str) -> None:
    """The error says how to write a literal one."""
    with pytest.raises(ScenarioError, match="brace without its other half"):
        fill(text, VALUES, where="w")


def test_the_environment_names_the_key() -> None:
    """All values are filled; the error tells which one was wrong."""
    assert fill_all({"A": "{port}", "B": "x"}, VALUES, where="env") == {"A": "8123", "B": "x"}
    with pytest.raises(ScenarioError, match=r"env\.B: unknown placeholder \{run\}"):
        fill_all({"A": "x", "B": "{run}"}, VALUES, where="env")


@given(st.text())
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    """Doubling the braces protects any text."""
    assert fill(text.replace("{", "{{").replace("}", "}}"), VALUES, where="w") == text
