"""``[dashboards]``: read strictly, refused where it would say nothing, and changed by twins."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.model.scenario import DASHBOARD_TEMPLATES, Dashboards, Scenario, Shows, Within
from pytest_sentry_harness.monitor.dashboards import TEMPLATES
from pytest_sentry_harness.plan.dashboards_table import faults_of
from pytest_sentry_harness.plan.gates import criteria_of, with_defaults
from pytest_sentry_harness.plan.scenario import parse_scenario
from pytest_sentry_harness.plan.twins import twin_of

HEAD = """[scenario]
name = "x"
[target]
command = "x"
[load]
[[load.request]]
send = "GET /orders?page=1"
[[fault]]
name = "late"
at = "app:work"
do = "raise(TimeoutError)"
[[fault]]
name = "slow"
at = "app:work"
do = "sleep(1ms)"
[[operation]]
name = "work"
at = "app:work"
"""
BOARD = '[dashboards]\ntemplates = ["errors"]\n'
SHOWS = f'{BOARD}[[dashboards.shows]]\nwidget = "Errors"\n'


def read(text: str, folder: Path = Path(), *, check_files: bool = True, head: str = HEAD) -> Scenario:
    return parse_scenario(head + text, folder / "x.toml", check_files=check_files)


def refused(text: str, folder: Path = Path(), head: str = HEAD) -> ScenarioError:
    with pytest.raises(ScenarioError) as error:
        read(text, folder, head=head)
    return error.value


def shown(text: str) -> Shows:
    dashboards = read(SHOWS + text).dashboards
    assert dashboards is not None
    return dashboards.shows[0]


def test_all_that_can_be_said(tmp_path: Path) -> None:
    """Paths are relative to the scenario; each number may be written in its own unit."""
    (tmp_path / "shop.json").touch()
    text = """[dashboards]
files = ["shop.json"]
templates = ["errors", "business"]
environment = "production"
period = "6h"
slow = "200ms"
business = "transaction:/orders"
freshness = "30s"
[[dashboards.shows]]
dashboard = "Errors"
widget = "Errors by release"
query = "now"
aggregate = "count()"
group = { release = "shop@1" }
faults = ["late"]
[[dashboards.shows]]
widget = "Throughput"
requests = "all"
within = "5%"
[[dashboards.shows]]
widget = "p95"
operation = "work"
within = "20ms"
[[dashboards.shows]]
widget = "Crash-free sessions"
value = "75%"
within = 2
"""
    assert read(text, tmp_path).dashboards == Dashboards(
        files=(tmp_path / "shop.json",),
        templates=("errors", "business"),
        environment=("production",),
        period="6h",
        slow=0.2,
        business="transaction:/orders",
        freshness=30.0,
        shows=(
            Shows(
                dashboard="Errors",
                widget="Errors by release",
                query="now",
                aggregate="count()",
                group={"release": "shop@1"},
                faults=("late",),
            ),
            Shows(widget="Throughput", requests=("all",), within=Within(amount=0.05, share=True, text="5%")),
            Shows(widget="p95", operation="work", within=Within(amount=20.0, text="20ms")),
            Shows(widget="Crash-free sessions", value=0.75, within=Within(amount=2.0, text="2")),
        ),
    )
    assert read("").dashboards is None
    assert tuple(TEMPLATES) == DASHBOARD_TEMPLATES


@pytest.mark.parametrize(
    ("text", "value"), [("value = 0", 0.0), ("value = 2.5", 2.5), ('value = "120ms"', 120.0)]
)
def test_what_is_known_without_a_measurement(text: str, value: float) -> None:
    """A number, 0 included, a share or a duration, which dashboards have in milliseconds."""
    assert shown(text).value == value


def test_all_faults_are_those_that_become_events() -> None:
    """One that only sleeps is in no widget."""
    scenario = read(SHOWS + 'faults = "all"')
    assert faults_of(shown('faults = "all"'), scenario.faults, scenario.extensions) == ("late",)
    assert faults_of(shown('faults = "late"'), scenario.faults, scenario.extensions) == ("late",)


@pytest.mark.parametrize(
    ("within", "shown_as", "true", "allowed"),
    [
        (Within(amount=0.0), 3.0, 3.0, True),
        (Within(amount=0.0), 0.1 + 0.2, 0.3, True),
        (Within(amount=0.0), 3.0, 4.0, False),
        (Within(amount=20.0), 120.0, 100.0, True),
        (Within(amount=20.0), 121.0, 100.0, False),
        (Within(amount=0.05, share=True), 95.0, 100.0, True),
        (Within(amount=0.05, share=True), 94.0, 100.0, False),
    ],
)
def test_how_far_numbers_may_be_apart(within: Within, shown_as: float, true: float, allowed: bool) -> None:
    """By an amount, or by a share of what is true; rounding of floats never counts."""
    assert within.allows(shown_as, true) is allowed


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Its neighbour is named; a finished run is judged without looking."""
    (tmp_path / "shop.json").touch()
    text = '[dashboards]\nfiles = ["shops.json"]\n'
    error = refused(text, tmp_path)
    assert error.what == f"there is no file {tmp_path / 'shops.json'}"
    assert error.hint == "did you mean 'shop.json'?"
    assert read(text, tmp_path, check_files=False).dashboards is not None
    assert (
        refused('[dashboards]\nfiles = ["a/b.json"]\n', tmp_path).hint
        == "paths are relative to the scenario file"
    )


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("dashboards = 3\n", "dashboards must be a table, not a number", "write [dashboards]"),
        (
            "[dashboards]\n",
            "there is no dashboard: neither files nor templates",
            'write files = ["errors.json"], exported from Sentry, or templates = ["errors"]',
        ),
        (
            '[dashboards]\ntemplates = ["eror"]\n',
            "no template is called 'eror'",
            "did you mean 'errors'?",
        ),
        (
            '[dashboards]\ntemplates = ["errors", "errors"]\n',
            "errors is named twice",
            "each template is made once",
        ),
        (f'{BOARD}freshnes = "1s"\n', "unknown key 'freshnes'", "did you mean 'freshness'?"),
        (f'{BOARD}freshness = "0s"\n', "freshness = '0s' is not above 0", 'write freshness = "30s"'),
        (
            f'{BOARD}period = "a day"\n',
            "'a day' is not a period",
            "write a number and a unit: 30s, 5m, 24h, 14d, 2w",
        ),
        (f"{BOARD}shows = 3\n", "shows is a list of tables", "write [[dashboards.shows]], with two brackets"),
        (
            f"{BOARD}[[dashboards.shows]]\n",
            "widget is missing",
            'write widget = "Errors": the title of a widget',
        ),
        (
            SHOWS,
            "widget 'Errors' needs exactly one of faults, requests, operation, value; given: none",
            'write faults = "all", requests = "all", operation = "save-order" or value = 3: what it must show',
        ),
        (
            f'{SHOWS}faults = "all"\nvalue = 3\n',
            "widget 'Errors' needs exactly one of faults, requests, operation, value; given: faults, value",
            'write faults = "all", requests = "all", operation = "save-order" or value = 3: what it must show',
        ),
        (f'{SHOWS}faults = "all"\ngroups = 3\n', "unknown key 'groups'", "did you mean 'group'?"),
        (f"{SHOWS}faults = []\n", "faults names none", 'write faults = "all", or name some'),
        (
            f'{SHOWS}faults = ["all", "late"]\n',
            "faults names 'all' and others",
            'write faults = "all" alone',
        ),
        (f'{SHOWS}faults = "lat"\n', "there is no fault 'lat'", "did you mean 'late'?"),
        (
            f'{SHOWS}faults = "slow"\n',
            "fault 'slow' is not captured, so no widget can count it",
            "name faults that raise, or that expect captured = true",
        ),
        (
            f'{SHOWS}requests = "orders"\n',
            "'orders' is not a request",
            'write requests = ["GET /orders"], or "all"',
        ),
        (
            f'{SHOWS}requests = "GET /order"\n',
            "the script has no request 'GET /order'",
            "did you mean 'GET /orders'?",
        ),
        (f'{SHOWS}operation = "works"\n', "there is no operation 'works'", "did you mean 'work'?"),
        (f"{SHOWS}value = true\n", "value must be a number", 'write a number, or as in "75%" or "120ms"'),
        (f"{SHOWS}value = nan\n", "value = nan is not a number", 'write a number, or as in "75%" or "120ms"'),
        (
            f'{SHOWS}value = "many"\n',
            "value = 'many' is not a number",
            'write a number, or as in "75%" or "120ms"',
        ),
        (
            f"{SHOWS}value = 3\nwithin = []\n",
            "within must be a number, a share or a duration",
            'write a number, or as in "75%" or "120ms"',
        ),
        (
            f'{SHOWS}value = 3\nwithin = "100%"\n',
            "within = '100%' takes a widget that shows nothing",
            'a share of what is known is below 100%: within = "5%"',
        ),
        (f"{SHOWS}value = 3\nwithin = -1\n", "within = -1 is negative", "a distance is not"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, what: str, hint: str) -> None:
    """With the line, and what to write instead."""
    error = refused("", head=text + HEAD) if text.startswith("dashboards") else refused(text)
    assert (error.what, error.hint) == (what, hint)
    assert error.where is not None
    assert "x.toml" in error.where


def test_what_is_for_templates_needs_one(tmp_path: Path) -> None:
    """A dashboard of one's own says all that itself; and none is read twice."""
    (tmp_path / "a.json").touch()
    error = refused('[dashboards]\nfiles = ["a.json"]\nslow = "1s"\n', tmp_path)
    assert error.what == "slow is for templates, and there is none"
    assert refused('[dashboards]\nfiles = ["a.json", "a.json"]\n', tmp_path).what == "a.json is named twice"


def test_what_the_scenario_lacks_altogether() -> None:
    """Neither faults nor operations nor requests."""
    script = '[scenario]\nname = "x"\n[target]\ncommand = "x"\nwait = true\n'
    fault = '[[fault]]\nname = "a"\nat = "a:b"\ndo = "sleep(1ms)"\nselect = "call"\n'
    assert refused(f'{SHOWS}faults = "late"\n', head=script).hint == "add a [[fault]] that becomes an event"
    assert refused(f'{SHOWS}faults = "all"\n', head=script + fault).what == "there is no fault 'all'"
    assert refused(f'{SHOWS}operation = "late"\n', head=script).hint == "add an [[operation]]"
    assert refused(f'{SHOWS}requests = "all"\n', head=script).what == "nothing sends requests"


def test_the_table_makes_dashboards_a_criterion() -> None:
    """With its default gates; it is a subject of its own, and operations that widgets show are judged for them alone."""
    assert criteria_of(read(f'{SHOWS}operation = "work"\n')) == ("capture", "dashboards")
    assert criteria_of(read(f'{SHOWS}faults = "all"\n')) == ("capture", "timing", "dashboards")
    alone = '[scenario]\nname = "x"\n[target]\ncommand = "x"\n[load]\n[[load.request]]\nsend = "GET /"\n'
    scenario = read(f'{SHOWS}requests = "all"\n', head=alone)
    assert criteria_of(scenario) == ("dashboards",)
    gates = {gate.metric: gate.text for gate in with_defaults(scenario, criteria_of(scenario))}
    names = ("invalid", "empty", "wrong", "stale", "no_data")
    assert gates == {f"dashboards.{name}": "= 0" for name in names} | {"dashboards.compared": ">= 1"}
    error = refused('[gates]\n"dashboards.wrong" = "= 0"\n')
    assert error.what == (
        "dashboards.wrong = '= 0' cannot be judged: it needs [dashboards], which the scenario does not have"
    )


def test_a_twin_replaces_keys(tmp_path: Path) -> None:
    """Those it names, and no other."""
    (tmp_path / "bad.json").touch()
    twin = (
        '[[twin]]\nname = "bad"\ndashboards = { files = ["bad.json"], shows = [{ widget = "A", value = 1 }] }\n'
        'finds = { metric = "dashboards.wrong", reason = "misspelt_field" }\n'
    )
    changed = twin_of(read(f'{SHOWS}faults = "all"\n{twin}', tmp_path), "bad").dashboards
    assert changed == Dashboards(
        files=(tmp_path / "bad.json",), templates=("errors",), shows=(Shows(widget="A", value=1.0),)
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{ freshness = 3 }", 'freshness must be a duration such as "30s", not a number'),
        ('{ fresh = "3s" }', "unknown key 'fresh'"),
        ("{ shows = [3] }", "shows holds tables"),
        ('{ shows = [{ widget = "A", faults = "lat" }] }', "there is no fault 'lat'"),
        (
            '{ freshness = "60s" }',
            "twin 'bad' changes nothing: it is the scenario as written, and has no defect to be found",
        ),
    ],
)
def test_a_twin_is_read_as_strictly(text: str, what: str) -> None:
    """And one without anything to change is refused."""
    twin = f'[[twin]]\nname = "bad"\ndashboards = {text}\nfinds = {{ metric = "dashboards.wrong" }}\n'
    assert refused(BOARD + twin).what == what


def test_a_twin_of_a_scenario_without_dashboards() -> None:
    """It has no keys to replace."""
    twin = '[[twin]]\nname = "bad"\ndashboards = { freshness = "3s" }\n'
    assert refused(twin).what == "twin 'bad' changes [dashboards], and there is none"


def test_a_reason_nobody_gives_is_refused() -> None:
    """As for the other criteria."""
    twin = (
        '[[twin]]\nname = "bad"\nenv = { A = "b" }\n'
        'finds = { metric = "dashboards.wrong", reason = "mispelt_field" }\n'
    )
    assert refused(BOARD + twin).hint == "did you mean 'misspelt_field'?"


def test_it_does_not_go_with_overhead() -> None:
    """Whatever else the run did would be measured, too."""
    head = '[scenario]\nname = "x"\n[target]\ncommand = "x"\n'
    text = f'[overhead]\nwithout = "agent"\n[[overhead.request]]\nname = "a"\nsend = "GET /"\n{BOARD}'
    assert refused(text, head=head).what.startswith("[overhead] does not go with [dashboards]")
