"""``[overhead]`` in a scenario: what it may say, and how it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.model.overhead import Overhead
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.plan.gates import criteria_of, parse_gate
from pytest_sentry_harness.plan.overhead_table import FEWEST_PAIRS, MOST_PAIRS, fill_headers
from pytest_sentry_harness.plan.scenario import parse_scenario
from pytest_sentry_harness.statistics.sequential import FEWEST, MOST

HEAD = """
[scenario]
name = "cost"

[target]
command = "serve --port {port}"
ready = "/health"
"""
WITHOUT = """
[overhead]
without = { env = { SENTRY = "off" } }
"""
REQUEST = """
[[overhead.request]]
name = "list"
send = "GET /list"
"""


def parse(text: str) -> Scenario:
    return parse_scenario(text, Path("cost.toml"))


def overhead(text: str) -> Overhead:
    found = parse(text).overhead
    assert found is not None
    return found


def refused(text: str) -> ScenarioError:
    with pytest.raises(ScenarioError) as caught:
        parse(text)
    return caught.value


def test_the_least_that_can_be_said() -> None:
    """Defaults: 14 launches, blocks of 4, 300 to warm up, 1.5 s of measuring."""
    found = overhead(HEAD + WITHOUT + REQUEST)
    assert (found.pairs, found.block, found.warm_up, found.measure) == (14, 4, 300, 1.5)
    assert found.without.env == {"SENTRY": "off"}
    assert found.without.init
    assert [(each.name, each.method, each.path, each.raises) for each in found.requests] == [
        ("list", "GET", "/list", False)
    ]


def test_all_that_can_be_said() -> None:
    """Arms, requests with bodies and headers, a login before them."""
    found = overhead(
        HEAD
        + """
[overhead]
without = "agent"
pairs = 6
block = 2
warm_up = 0
measure = "500ms"

[[overhead.prepare]]
send = "POST /login"
json = { user = "ann" }
headers = { X-Tenant = "a" }
keep = { token = "access_token" }

[[overhead.request]]
name = "order"
send = "POST /orders"
json = { symbol = "ACME" }
headers = { Authorization = "Bearer {token}" }
raises = true

[[overhead.arm]]
name = "slow"
env = { A = "1" }
command = "other"
link = [{ delay = "300ms" }]
"""
    )
    assert not found.without.init
    assert (found.pairs, found.block, found.warm_up, found.measure) == (6, 2, 0, 0.5)
    assert found.prepare[0].keep == {"token": "access_token"}
    assert found.requests[0].raises
    assert found.requests[0].json == {"symbol": "ACME"}
    (arm,) = found.arms
    assert (arm.name, arm.env, arm.command, arm.link[0].delay) == ("slow", {"A": "1"}, "other", 0.3)


def test_overhead_is_what_is_judged() -> None:
    """With the table, its criterion judges the scenario, and no other."""
    assert criteria_of(parse(HEAD + WITHOUT + REQUEST)) == ("overhead",)


def test_kept_words_are_put_into_headers() -> None:
    """``{token}`` becomes what the login answered."""
    assert fill_headers({"A": "Bearer {token}", "B": "x"}, {"token": "t0"}) == {"A": "Bearer t0", "B": "x"}


@pytest.mark.parametrize(
    "text,what,hint",
    [
        ("[overhead]\n" + REQUEST, "without is missing", 'without = "agent"'),
        ('[overhead]\nwithout = "magic"\n' + REQUEST, "without = 'magic' is not a way", 'without = "agent"'),
        ("[overhead]\nwithout = {}\n" + REQUEST, "both arms would be the same", 'without = "agent"'),
        ("[overhead]\nwithout = { envy = {} }\n" + REQUEST, "unknown key 'envy'", "env"),
        (WITHOUT, "no kind of request", "[[overhead.request]]"),
        (WITHOUT + "pairs = 15\n" + REQUEST, "pairs = 15 is too many", "3 to 14"),
        (WITHOUT + "pairs = 2\n" + REQUEST, "pairs = 2 is too small", "at least 3"),
        (WITHOUT + 'measure = "10ms"\n' + REQUEST, "measure = 0.01 s is out of range", "1.5s"),
        (WITHOUT + 'measure = "2min"\n' + REQUEST, "out of range", "50ms to 60s"),
        (WITHOUT + "pairs = 1000000000\n" + REQUEST, "pairs = 1000000000 is too many", "3 to 14"),
        (WITHOUT + "warm_up = 1000000000\n" + REQUEST, "warm_up = 1000000000 is too many", "0 to 10000"),
        (WITHOUT + "block = 101\n" + REQUEST, "block = 101 is too many", "1 to 100"),
        (WITHOUT + "block = 0\n" + REQUEST, "block = 0 is too small", "at least 1"),
        (WITHOUT + 'measure = "1000000000s"\n' + REQUEST, "out of range", "50ms to 60s"),
        (WITHOUT + "bloc = 4\n" + REQUEST, "unknown key 'bloc'", "block"),
        (WITHOUT + REQUEST + REQUEST, "two are named 'list'", "name of its own"),
        (
            WITHOUT + '[[overhead.request]]\nname = "a b"\nsend = "GET /"\n',
            "'a b' is not a name",
            "letters",
        ),
        (WITHOUT + '[[overhead.request]]\nname = "a"\nsend = "get"\n', "'get' is not a request", "POST"),
        (
            WITHOUT + REQUEST + 'headers = { A = "ä" }\n',
            "is not a header",
            "ASCII",
        ),
        (
            WITHOUT + REQUEST + 'headers = { A = "{token}" }\n',
            "{token} stands for nothing",
            "[[overhead.prepare]]",
        ),
        (
            WITHOUT
            + '[[overhead.prepare]]\nsend = "GET /t"\nkeep = { token = "t" }\n'
            + REQUEST
            + 'headers = { A = "{tokem}" }\n',
            "{tokem} stands for nothing",
            "'token'",
        ),
        (
            WITHOUT + REQUEST + '[[overhead.arm]]\nname = "with"\n',
            "'with' is the name of an arm that is always there",
            "choose another name",
        ),
        (
            WITHOUT + REQUEST + '[[overhead.arm]]\nname = "slow"\nlink = [{ dely = "1s" }]\n',
            "unknown key 'dely'",
            "delay",
        ),
    ],
)
def test_mistakes_are_refused_with_a_hint(text: str, what: str, hint: str) -> None:
    """Each says what is wrong, where, and what to write."""
    error = refused(HEAD + text)
    assert what in error.what
    assert error.hint is not None
    assert hint in error.hint
    assert error.where is not None
    assert error.where.startswith("cost.toml:")


HEAD_WITH_MORE = HEAD + 'env = { DSN = "{dsn}", RATE = "1" }\n'


@pytest.mark.parametrize(
    "text,what,line",
    [
        ('[overhead]\nwithout = { env = { RATE = "1" } }\n' + REQUEST, "without changes nothing", 10),
        (
            '[overhead]\nwithout = { command = "serve --port {port}" }\n' + REQUEST,
            "without changes nothing",
            10,
        ),
        (
            WITHOUT + REQUEST + '[[overhead.arm]]\nname = "again"\nenv = { RATE = "1" }\n',
            "arm 'again' changes nothing",
            17,
        ),
        (WITHOUT + REQUEST + '[[overhead.arm]]\nname = "again"\n', "arm 'again' changes nothing", 17),
        (
            WITHOUT + REQUEST + '[[overhead.option]]\nname = "rate"\nenv = { RATE = "1" }\n',
            "option 'rate' toggles nothing",
            17,
        ),
    ],
    ids=["without by env", "without by command", "arm", "bare arm", "option"],
)
def test_what_changes_nothing_is_refused(text: str, what: str, line: int) -> None:
    """It would compare the target with itself, and call what noise says a cost."""
    error = refused(HEAD_WITH_MORE + text)
    assert what in error.what
    assert str(error.where).startswith(f"cost.toml:{line}: ")
    assert error.hint


def test_an_arm_may_differ_by_its_link_alone() -> None:
    """Also by having none, where the target has one."""
    slow = '[[overhead.arm]]\nname = "slow"\nlink = [{ delay = "1s" }]\n'
    assert overhead(HEAD + WITHOUT + REQUEST + slow).arms[0].link
    plain = '[[overhead.arm]]\nname = "plain"\n[[link]]\ndelay = "1s"\n'
    assert not overhead(HEAD + WITHOUT + REQUEST + plain).arms[0].link


@pytest.mark.parametrize(
    "extra,table",
    [
        ('[[load.request]]\nsend = "GET /"\n', "load"),
        ('[[fault]]\nname = "f"\nat = "a:b"\ndo = "raise(KeyError)"\n', "fault"),
        ('[[operation]]\nname = "o"\nat = "a:b"\n', "operation"),
        ("[profiling]\n", "profiling"),
    ],
)
def test_nothing_else_goes_with_it(extra: str, table: str) -> None:
    """Whatever else the run did would be measured, too."""
    error = refused(HEAD + WITHOUT + REQUEST + extra)
    assert f"[overhead] does not go with [{table}]" in error.what
    assert "two scenarios" in str(error.hint)


def test_the_harness_starts_the_service() -> None:
    """What runs already cannot be started without Sentry."""
    text = HEAD.replace('command = "serve --port {port}"\nready = "/health"', 'command = "job"\nwait = true')
    error = refused(text + WITHOUT + REQUEST)
    assert "on a service that the harness starts" in error.what
    assert "[target]" in str(error.where)


@pytest.mark.parametrize(
    "metric,text,threshold",
    [
        ("overhead.cpu", "< 5%", 0.05),
        ("overhead.cpu", "< 120%", 1.2),
        ("overhead.memory", "< 64MiB", 64 * 2**20),
        ("overhead.memory", "< 1.5MB", 1.5e6),
    ],
)
def test_gates_of_changes_and_memory(metric: str, text: str, threshold: float) -> None:
    """Changes may be above 100 %, and memory has units of its own."""
    assert parse_gate(metric, text, "here").threshold == pytest.approx(threshold)


@pytest.mark.parametrize(
    "metric,text", [("overhead.cpu", "< 0.05"), ("overhead.memory", "< 5"), ("overhead.memory", "< 5%")]
)
def test_gates_of_changes_and_memory_need_their_unit(metric: str, text: str) -> None:
    """A number alone could be meant either way."""
    with pytest.raises(ScenarioError, match="the unit does not fit"):
        parse_gate(metric, text, "here")


def test_the_launches_allowed_are_those_the_boundary_was_found_for() -> None:
    """Plan and statistics know nothing of each other, and have to agree."""
    assert (FEWEST_PAIRS, MOST_PAIRS) == (FEWEST, MOST)
