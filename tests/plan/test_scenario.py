"""Scenario files: what is read, and what a person is told when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.plan.gates import default_gates
from pytest_sentry_harness.plan.scenario import load_scenario, parse_scenario

GOOD = """\
[scenario]
name = "order storm"
question = "Do we see every failed order?"
seed = 7
settle = "20s"

[target]
command = "uvicorn app:app --port {port}"
ready = "/health"
env = { SENTRY_DSN = "{dsn}", WORKERS = 2 }
cwd = "service"
stop_signal = "SIGINT"

[load]
locustfile = "trading.py"
users = 20
spawn_rate = 2.5
run_time = "1min"
faults = 1050

[[fault]]
name = "db-timeout"
at = "app.orders:Orders.save"
do = "5%raise(TimeoutError)"
on = ["POST /orders"]
expect = { level = "error", captured = true }

[[fault]]
name = "slow"
at = "app.quotes:fetch"
do = "sleep(250ms)"

[gates]
"capture.rate" = ">= 99.5%"
"capture.fired" = ">= 1000"

[safety]
hosts = ["staging.internal"]
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "trading.py").write_text("")
    return tmp_path / "storm.toml"


def test_a_whole_scenario_is_read(place: Path) -> None:
    """Every key arrives where it belongs, durations in seconds, percentages as ratios."""
    place.write_text(GOOD)
    scenario = load_scenario(place)
    assert (scenario.name, scenario.seed, scenario.settle) == ("order storm", 7, 20.0)
    assert scenario.target.env == {"SENTRY_DSN": "{dsn}", "WORKERS": "2"}
    assert scenario.target.cwd == place.parent / "service"
    assert scenario.target.stop_signal == "SIGINT"
    assert scenario.load is not None
    assert (scenario.load.run_time, scenario.load.spawn_rate, scenario.load.stop_after_faults) == (
        60.0,
        2.5,
        1050,
    )
    assert scenario.load.locustfile == place.parent / "trading.py"
    fault = scenario.faults[0]
    assert (fault.on, fault.expect.level, fault.expect.captured) == (("POST /orders",), "error", True)
    assert scenario.faults[1].expect.captured is None
    assert [(gate.metric, gate.comparison, gate.threshold) for gate in scenario.gates] == [
        ("capture.rate", ">=", 0.995),
        ("capture.fired", ">=", 1000.0),
    ]
    assert scenario.safety.hosts == ("staging.internal",)


def test_defaults_apply_to_what_the_scenario_leaves_open() -> None:
    """The default gates fill in for the metrics the scenario does not judge."""
    gates = default_gates("capture", {"capture.fired"})
    assert [(gate.metric, gate.text) for gate in gates] == [
        ("capture.rate", ">= 100%"),
        ("capture.unexplained", "= 0"),
        ("capture.wrong_level", "= 0"),
    ]


# (what is replaced in GOOD, by what, the message a person gets after the file's name)
BAD: list[tuple[str, str, str]] = [
    ('name = "order storm"\n', "", ":1: [scenario]: name is missing\n  hint: write [scenario] name"),
    ('name = "order storm"', "name = 7", ":2: [scenario] name: name must be a string, not a number"),
    ('name = "order storm"', 'name = ""', ":2: [scenario] name: name is empty"),
    ("seed = 7", "sead = 7", ":4: [scenario] sead: unknown key 'sead'\n  hint: did you mean 'seed'?"),
    ("seed = 7", "seed = -1", ":4: [scenario] seed: seed = -1 is too small\n  hint: use at least 0"),
    ("seed = 7", "seed = true", ":4: [scenario] seed: seed must be a whole number, not true or false"),
    (
        "seed = 7",
        "seed = 7\nallow_inconclusive = 1",
        ":5: [scenario] allow_inconclusive: allow_inconclusive must be true or false, not a number",
    ),
    (
        'settle = "20s"',
        "settle = 20",
        ':5: [scenario] settle: settle must be a duration such as "30s", not a number',
    ),
    (
        'settle = "20s"',
        'settle = "20"',
        ":5: [scenario] settle: settle = '20': '20' is not a duration\n  hint: write a number and a unit",
    ),
    ("[target]", "[targets]", ":7: [targets]: unknown table [targets]\n  hint: did you mean 'target'?"),
    (
        'command = "uvicorn app:app --port {port}"',
        "",
        ":7: [target]: a target needs exactly one of command, url, app; given: none",
    ),
    (
        'ready = "/health"',
        'url = "http://x"',
        ":7: [target]: a target needs exactly one of command, url, app; given: command, url",
    ),
    (
        'command = "uvicorn app:app --port {port}"',
        'url = "http://x"',
        ":8: [target] url: a target given by url cannot be judged",
    ),
    ('ready = "/health"', 'ready = "health"', ":9: [target] ready: ready = 'health' is not a path"),
    (
        'stop_signal = "SIGINT"',
        'stop_signal = "SIGHALT"',
        ":12: [target] stop_signal: stop_signal = 'SIGHALT' is not allowed",
    ),
    ("WORKERS = 2", '"A=B" = 2', ":10: [target] env: 'A=B' cannot name an environment variable"),
    ("WORKERS = 2", 'WORKERS = "\\u0000"', ":10: [target] env: env.WORKERS holds a NUL character"),
    ("--port {port}", "\\u0000", ":8: [target] command: command holds a NUL character"),
    ("WORKERS = 2", "WORKERS = [2]", ":10: [target] env: env.WORKERS must be a string"),
    (
        'cwd = "service"',
        'cdw = "service"',
        ":11: [target] cdw: unknown key 'cdw'\n  hint: did you mean 'cwd'?",
    ),
    ('locustfile = "trading.py"', 'locustfile = "tradin.py"', ":15: [load] locustfile: there is no file"),
    ('locustfile = "trading.py"\n', "", ":14: [load]: locustfile is missing"),
    ("users = 20", "users = 0", ":16: [load] users: users = 0 is too small\n  hint: use at least 1"),
    ("users = 20", 'users = "20"', ":16: [load] users: users must be a whole number, not a string"),
    ("spawn_rate = 2.5", "spawn_rate = 0", ":17: [load] spawn_rate: spawn_rate = 0 is not above 0"),
    (
        'run_time = "1min"',
        'run_time = "1 minute"',
        ":18: [load] run_time: run_time = '1 minute': '1 minute' is not a duration",
    ),
    ('name = "db-timeout"', 'name = "db timeout"', ":22: [[fault]] name: 'db timeout' is not a fault name"),
    ('name = "slow"', 'name = "db-timeout"', ":29: [[fault]] name: two faults are named 'db-timeout'"),
    (
        'at = "app.orders:Orders.save"',
        'at = "app.orders.save"',
        ":23: [[fault]] at: 'app.orders.save' is not a fault point",
    ),
    ('at = "app.quotes:fetch"', "", ":28: [[fault]]: at is missing\n  hint: write at = "),
    (
        'do = "5%raise(TimeoutError)"',
        'do = "5%rise(TimeoutError)"',
        ":24: [[fault]] do: term '5%rise(TimeoutError)', column 3: unknown fault kind 'rise'\n  hint: did you mean 'raise'?",
    ),
    (
        'do = "sleep(250ms)"',
        'do = "sleep(250)"',
        ":31: [[fault]] do: term 'sleep(250)', column 1: '250' is not a duration",
    ),
    ('on = ["POST /orders"]', "on = [1]", ":25: [[fault]] on: on must hold strings"),
    (
        'on = ["POST /orders"]',
        'on = ["POST /orders"]\nselect = "call"',
        ":25: [[fault]] on: a fault selected by call meets no request",
    ),
    (
        'level = "error"',
        'levle = "error"',
        ":26: [[fault]] expect: unknown key 'levle'\n  hint: did you mean 'level'?",
    ),
    ('level = "error"', 'level = "bad"', "level = 'bad' is not allowed"),
    (
        '"capture.rate" = ">= 99.5%"',
        '"capture.rat" = ">= 99.5%"',
        ":34: [gates] capture.rat: unknown metric 'capture.rat'\n  hint: did you mean 'capture.rate'",
    ),
    (
        '"capture.rate" = ">= 99.5%"',
        '"capture.rate" = 99.5',
        ":34: [gates] capture.rate: capture.rate must be a string",
    ),
    (
        '"capture.rate" = ">= 99.5%"',
        '"capture.rate" = "about 99%"',
        "capture.rate = 'about 99%' is not a gate\n  hint: write a comparison",
    ),
    ('"capture.rate" = ">= 99.5%"', '"capture.rate" = ">= 101%"', "more than 100 % cannot be"),
    (
        '"capture.rate" = ">= 99.5%"',
        '"capture.rate" = "< 30s"',
        "the unit does not fit, capture.rate is a ratio",
    ),
    (
        '"capture.rate" = ">= 99.5%"',
        '"capture.rate" = ">= 99.5.1%"',
        "the unit does not fit, capture.rate is a ratio",
    ),
    (
        '"capture.fired" = ">= 1000"',
        '"capture.fired" = ">= 10.5"',
        "the unit does not fit, capture.fired is a count",
    ),
    ('"capture.fired" = ">= 1000"', '"capture.fired" = "5%"', "capture.fired = '5%' is not a gate"),
    ("[gates]", "[gate]", "unknown table [gate]\n  hint: did you mean 'gates'?"),
    ("[load]", "[load", "not valid TOML"),
    ("hosts =", "host =", "[safety] host: unknown key 'host'\n  hint: did you mean 'hosts'?"),
]


@pytest.mark.parametrize("old,new,message", BAD, ids=[f"{number:02d}" for number in range(len(BAD))])
def test_bad_scenarios_say_where_and_why(place: Path, old: str, new: str, message: str) -> None:
    """The message names file, line, key, reason and remedy."""
    assert old in GOOD
    place.write_text(GOOD.replace(old, new))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(place)
    assert str(caught.value).startswith(str(place))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text,message",
    [
        (GOOD.split("[[fault]]")[0], "a scenario without faults proves nothing"),
        (GOOD.replace(GOOD[GOOD.index("[load]") : GOOD.index("[[fault]]")], ""), "nothing sends requests"),
        (
            GOOD.replace(GOOD[GOOD.index("[load]") : GOOD.index("[[fault]]")], "")
            .replace('on = ["POST /orders"]', 'select = "call"')
            .replace('do = "sleep(250ms)"', 'do = "sleep(250ms)"\nselect = "call"'),
            "without [load] the target must end by itself",
        ),
        ('fault = 3\n[scenario]\nname = "x"\n[target]\ncommand = "y"', "faults are a list of tables"),
        ("scenario = 3", "scenario must be a table, not a number"),
        ("a = " + "[" * 5000, "not valid TOML"),
    ],
)
def test_rules_that_span_tables(place: Path, text: str, message: str) -> None:
    """What makes no sense as a whole is refused as well."""
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, place)
    assert message in str(caught.value)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    """A missing file and one that is not text."""
    with pytest.raises(ScenarioError, match=r"gone\.toml: the scenario cannot be read"):
        load_scenario(tmp_path / "gone.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario(tmp_path / "latin.toml")


def test_a_finished_run_is_read_without_its_files(place: Path) -> None:
    """Judging a copied folder needs no locustfile."""
    (place.parent / "trading.py").unlink()
    scenario = parse_scenario(GOOD, place, check_files=False)
    assert scenario.load is not None
