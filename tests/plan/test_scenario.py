"""Scenario files: what is read, and what a person is told when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.errors import ScenarioError, UsageError
from pytest_sentry_harness.plan.gates import default_gates
from pytest_sentry_harness.plan.scenario import load_scenario, parse_scenario
from pytest_sentry_harness.plan.twins import twin_of

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
        ":7: [target]: dsn is missing\n  hint: write dsn =",
    ),
    (
        'command = "uvicorn app:app --port {port}"',
        'app = "app:app"',
        ":8: [target] app: a target given by app cannot be judged",
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
    (
        'locustfile = "trading.py"\n',
        "",
        ":14: [load] locustfile: a load needs exactly one of locustfile and [[load.request]]",
    ),
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


SCRIPT = """\
[scenario]
name = "script"

[target]
command = "app --port {port}"

[load]
users = 2

[[load.request]]
send = "POST /orders?dry=1"
times = 3
faults = ["db-timeout"]
json = { symbol = "ACME" }
headers = { X-Tenant = "7" }

[[load.request]]
send = "GET /boom"

[[fault]]
name = "db-timeout"
at = "app:save"
do = "raise(TimeoutError)"

[[fault]]
name = "boom"
on = "GET /boom"

[[link]]
status = 429
headers = { Retry-After = "1" }
requests = 2

[[link]]
delay = "250ms"
seconds = "2s"

[[twin]]
name = "killed"
stories = ["A3"]
env = { DEFECT = "kill" }
do = { db-timeout = "exit(SIGKILL)" }
link = [{ reset = "after" }]
hosts = ["elsewhere.invalid"]
settle = "5s"
finds = { reason = ["lost_at_exit", "network_error"], culprit = "SIGKILL", file = "app.py" }
"""


def test_scripts_links_and_twins_are_read(place: Path) -> None:
    """Every key arrives where it belongs, and a twin changes what it says and nothing else."""
    scenario = parse_scenario(SCRIPT, place)
    assert scenario.load is not None
    first, second = scenario.load.requests
    assert (first.method, first.path, first.times, first.faults) == (
        "POST",
        "/orders?dry=1",
        3,
        ("db-timeout",),
    )
    assert (first.json, first.headers) == ({"symbol": "ACME"}, {"X-Tenant": "7"})
    assert (second.times, second.faults, scenario.load.users) == (1, None, 2)
    assert (scenario.faults[1].select, scenario.faults[1].on) == ("provoked", ("GET /boom",))
    assert [(rule.status, rule.requests, rule.delay, rule.seconds) for rule in scenario.link] == [
        (429, 2, 0.0, None),
        (None, None, 0.25, 2.0),
    ]
    changed = twin_of(scenario, "killed")
    assert (changed.twin, changed.faults[0].do, changed.target.env) == (
        "killed",
        "exit(SIGKILL)",
        {"DEFECT": "kill"},
    )
    assert ([rule.reset for rule in changed.link], changed.settle) == (["after"], 5.0)
    assert changed.safety.hosts == ("elsewhere.invalid",)
    assert (changed.load, changed.gates, changed.target.command) == (
        scenario.load,
        scenario.gates,
        scenario.target.command,
    )
    finds = scenario.twins[0].finds
    assert finds.reasons == ("lost_at_exit", "network_error")
    assert (finds.culprit, finds.file, finds.metric) == ("SIGKILL", "app.py", "capture.rate")


def test_a_twin_there_is_not(place: Path) -> None:
    """The nearest name is told, or that there are none."""
    scenario = parse_scenario(SCRIPT, place)
    with pytest.raises(UsageError, match="no twin 'kiled'\n  hint: did you mean 'killed'"):
        twin_of(scenario, "kiled")
    with pytest.raises(UsageError, match=r"it has no \[\[twin\]\] at all"):
        twin_of(parse_scenario(SCRIPT[: SCRIPT.index("[[twin]]")], place), "killed")


BAD_SCRIPTS: list[tuple[str, str, str]] = [
    ('send = "GET /boom"', 'send = "GET boom"', ":18: [[load.request]] send: 'GET boom' is not a request"),
    ('send = "GET /boom"', 'sent = "GET /boom"', ":17: [[load.request]]: send is missing\n  hint: is 'sent'"),
    ('send = "GET /boom"', 'send = "GET /a b"', "'GET /a b' is not a request"),
    ('send = "GET /boom"', 'send = "GET /"\ntime = 3', "unknown key 'time'\n  hint: did you mean 'times'?"),
    ('send = "GET /boom"', 'send = "GET /"\ntimes = 0', "times = 0 is too small"),
    ('send = "GET /boom"', 'send = "GET /"\ntimes = 2_000_000', "more than 1000000 requests"),
    ("times = 3", 'body = "x"', "a request has one body: give json or body, not both"),
    ('X-Tenant = "7"', 'X-Tenant = "7\\r\\nX: 1"', "is not a header"),
    ('X-Tenant = "7"', '"X Tenant" = "7"', "'X Tenant' = '7' is not a header"),
    (
        'faults = ["db-timeout"]',
        'faults = ["db-timout"]',
        "there is no fault 'db-timout' that a request can meet",
    ),
    ('faults = ["db-timeout"]', 'faults = ["boom"]', "there is no fault 'boom' that a request can meet"),
    (
        "users = 2",
        'users = 2\nlocustfile = "x.py"',
        "a load needs exactly one of locustfile and [[load.request]]",
    ),
    ("users = 2", "users = 2\nspawn_rate = 3", "unknown key 'spawn_rate'"),
    ('on = "GET /boom"', "", ":26: [[fault]] name: fault 'boom' has neither at and do, nor on"),
    ('on = "GET /boom"', 'on = "GET /boom"\ndo = "raise"', "at is missing"),
    (
        "status = 429",
        "status = 99",
        ":30: [[link]] status: status = 99 is too small\n  hint: use at least 200",
    ),
    ("status = 429", "state = 429", "unknown key 'state'\n  hint: did you mean 'status'"),
    ('seconds = "2s"', "seconds = 2", "seconds must be a duration"),
    ('link = [{ reset = "after" }]', 'link = [{ reset = "now" }]', "reset = 'now' is not allowed"),
    ('link = [{ reset = "after" }]', "link = [{ }]", "the rule says nothing"),
    ('link = [{ reset = "after" }]', "link = 3", "the link's rules are a list of tables"),
    ('db-timeout = "exit(SIGKILL)"', 'db-timeout = "exit(SIGHALT)"', ":42: [[twin]] do: db-timeout: "),
    ('db-timeout = "exit(SIGKILL)"', 'db = "exit(SIGKILL)"', ":42: [[twin]] do: there is no fault 'db'"),
    ('name = "killed"', 'name = "kil led"', ":39: [[twin]] name: 'kil led' is not a name"),
    ('culprit = "SIGKILL"', 'cause = "SIGKILL"', ":46: [[twin]] finds: unknown key 'cause'"),
    ('culprit = "SIGKILL"', 'metric = "capture.rat"', "unknown metric 'capture.rat'"),
    ('stories = ["A3"]', "stories = 3", ":40: [[twin]] stories: stories must be a list of strings"),
    (
        'culprit = "SIGKILL"',
        'metric = "timing.error.p99", value = "150ms", within = "-10ms"',
        ":46: [[twin]] finds: within is '-10ms', and a distance is not negative\n  hint: write both, as in value =",
    ),
    (
        'culprit = "SIGKILL"',
        'metric = "timing.error.p99", within = "10ms"',
        ":46: [[twin]] finds: within and operation say more about value, and there is no value\n  hint: write both",
    ),
    (
        'culprit = "SIGKILL"',
        'metric = "timing.error.p99", operation = "save"',
        ":46: [[twin]] finds: within and operation say more about value, and there is no value",
    ),
    (
        'culprit = "SIGKILL"',
        'metric = "timing.error.p99", value = "much"',
        "'much' is no size of timing.error.p99, which is measured in seconds",
    ),
    (
        'finds = { reason = ["lost_at_exit", "network_error"], culprit = "SIGKILL", file = "app.py" }',
        '[[twin]]\nname = "idle"\ndo = { db-timeout = "raise(TimeoutError)" }',
        ":47: [[twin]] name: twin 'idle' changes nothing: it is the scenario as written, and has no defect to be found\n"
        "  hint: plant one with env, command, do, link, hosts, settle, alerting",
    ),
    (
        'finds = { reason = ["lost_at_exit", "network_error"], culprit = "SIGKILL", file = "app.py" }',
        '[[twin]]\nname = "killed"',
        ":47: [[twin]] name: two twins are named 'killed'",
    ),
    (
        'command = "app --port {port}"',
        'url = "http://127.0.0.1:1"\ndsn = "http://key@127.0.0.1:9311/1"',
        "fault 'db-timeout' cannot be injected into a target given by url: no agent is in it",
    ),
]


@pytest.mark.parametrize(
    "old,new,message", BAD_SCRIPTS, ids=[f"{number:02d}" for number in range(len(BAD_SCRIPTS))]
)
def test_bad_scripts_links_and_twins_say_where_and_why(place: Path, old: str, new: str, message: str) -> None:
    """The message names file, line, key, reason and remedy."""
    assert old in SCRIPT
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(SCRIPT.replace(old, new), place)
    assert str(caught.value).startswith(str(place))
    assert message in str(caught.value)


def test_lists_of_tables_are_lists(place: Path) -> None:
    """One bracket where there should be two is told as that."""
    with pytest.raises(ScenarioError, match=r"write \[\[twin\]\]"):
        parse_scenario(SCRIPT[: SCRIPT.index("[[twin]]")] + '[twin]\nname = "x"\n', place)
    with pytest.raises(ScenarioError, match="request must be a list of tables"):
        parse_scenario(GOOD.replace('locustfile = "trading.py"', "request = 3"), place)
    with pytest.raises(ScenarioError, match="the script of requests is empty"):
        parse_scenario(GOOD.replace('locustfile = "trading.py"', "request = []"), place)


def test_a_reason_that_nothing_is_explained_by_is_refused(place: Path) -> None:
    """The nearest is named; reasons the evidence cannot tell apart, and the link's own rules, are allowed."""
    head = SCRIPT[: SCRIPT.index("[[twin]]")]
    for reason in ('"lost_at_exit or swallowed"', '"misbehaviour:status_429"'):
        twin = f'\n[[twin]]\nname = "t"\nsettle = "5s"\nfinds = {{ reason = {reason} }}\n'
        assert parse_scenario(head + twin, place).twins[0].finds.reasons == (reason.strip('"'),)
    twin = '\n[[twin]]\nname = "t"\nfinds = { reason = "before_sent" }\n'
    with pytest.raises(
        ScenarioError, match="unknown reason 'before_sent'\n  hint: did you mean 'before_send'"
    ):
        parse_scenario(head + twin, place)
