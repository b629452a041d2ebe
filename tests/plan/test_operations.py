"""``[[operation]]``: what cannot be told apart is refused with its line, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.plan.scenario import parse_scenario

SCENARIO = """[scenario]
name = "s"
[target]
command = "x"
[load]
[[load.request]]
send = "GET /"
[[operation]]
name = "one"
at = "shop:save"
op = "function"
"""


@pytest.mark.parametrize("route", ["", 'route = "/save"\n'])
def test_two_operations_of_one_function_and_one_span_are_refused(route: str) -> None:
    """Each call would be of both and its one span of neither; routes do not part them, for calls have none."""
    with pytest.raises(ScenarioError) as error:
        parse_scenario(
            f'{SCENARIO}[[operation]]\nname = "two"\nat = "shop:save"\nop = "function"\n{route}',
            Path("s.toml"),
        )
    assert error.value.what == "operations 'one' and 'two' are both shop:save, reported by the same span"
    assert str(error.value.where) == "s.toml:14: [[operation]] at"
    assert "keep one of them, mark another function, or name another span" in str(error.value.hint)


def test_one_function_may_be_told_by_two_spans() -> None:
    """By the span around it, and by the transaction it is all of: both are held against the same calls."""
    found = parse_scenario(f'{SCENARIO}[[operation]]\nname = "two"\nat = "shop:save"\n', Path("s.toml"))
    assert [each.name for each in found.operations] == ["one", "two"]
