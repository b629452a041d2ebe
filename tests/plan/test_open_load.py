"""``[load]`` as an open load: rate and shape, or stages, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_sentry_harness.errors import ScenarioError
from pytest_sentry_harness.model.scenario import Load, Stage
from pytest_sentry_harness.plan.arrivals import SHAPES
from pytest_sentry_harness.plan.open_load import OPEN_KEYS
from pytest_sentry_harness.plan.scenario import parse_scenario

DOCS = Path(__file__).parents[2] / "docs"
TEXT = """
[scenario]
name = "open"
[target]
command = "serve"
[load]
LOAD
[[load.request]]
send = "GET /"
[[fault]]
name = "late"
at = "app:work"
do = "raise(TimeoutError)"
"""
LOCUST = TEXT.replace('[[load.request]]\nsend = "GET /"\n', "").replace("LOAD", 'LOAD\nlocustfile = "a.py"')


def load(text: str, whole: str = TEXT) -> Load:
    scenario = parse_scenario(whole.replace("LOAD", text), Path("open.toml"), check_files=False)
    assert scenario.load is not None
    return scenario.load


def test_a_rate_makes_the_load_open() -> None:
    """Steady, for the whole run time, with as many under way as may be needed."""
    read = load('rate = 50\nrun_time = "10s"')
    assert read.stages == (Stage(seconds=10, start=50, end=50),)
    assert (read.arrivals, read.run_time, read.users) == ("poisson", 10, 500)


def test_without_a_rate_users_wait() -> None:
    """The closed load stays what it was."""
    assert (load("").stages, load("").users) == ((), 1)


def test_a_shape_is_stretched_over_the_run_time() -> None:
    """A spike of ten times the rate, unless its peak is given."""
    read = load('rate = 10\nshape = "spike"\nrun_time = "100s"')
    assert [(stage.seconds, stage.start, stage.end) for stage in read.stages] == [
        (45, 10, 10),
        (10, 100, 100),
        (45, 10, 10),
    ]
    assert load('rate = 10\nshape = "burst"\npeak = 70').stages[1].start == 70


def test_stages_one_by_one() -> None:
    """``to`` is ``from`` unless given; the run lasts as long as they do."""
    read = load(
        'stages = [{ for = "2s", from = 5 }, { for = "500ms", from = 5, to = 50 }]\narrivals = "constant"'
    )
    assert read.stages == (Stage(seconds=2, start=5, end=5), Stage(seconds=0.5, start=5, end=50))
    assert (read.run_time, read.arrivals) == (2.5, "constant")


def test_locust_loads_can_be_open_too() -> None:
    """One user receives all visitors, unless several share them."""
    assert load("rate = 5", LOCUST).users == 1
    assert load("rate = 5\nusers = 4", LOCUST).users == 4
    assert load("rate = 5", LOCUST).stages[0].start == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rate = 0", "open.toml:7: [load] rate: rate = 0 is not above 0\n  hint: use a number above 0"),
        ("rate = nan", "rate = nan is not above 0"),
        (
            'shape = "ramp"',
            "shape belongs to an open load, and this one has no rate\n  hint: write rate = 50",
        ),
        ('arrivals = "poisson"', "arrivals belongs to an open load"),
        ('rate = 5\nshape = "rampe"', "shape = 'rampe' is not allowed\n  hint: did you mean 'ramp'?"),
        (
            "rate = 5\npeak = 50",
            "the shape 'steady' has no peak\n  hint: drop it, or write shape = 'spike'",
        ),
        ('rate = 5\nshape = "spike"\npeak = 4', "peak = 4 is below rate = 5"),
        ('rate = 5\narrivals = "even"', "arrivals = 'even' is not allowed"),
        ("rate = 1e9", "bring 60000000000 arrivals, and 1000000 are the most for one run"),
        ('rate = 0.1\nrun_time = "1s"', "these stages bring 0.1 arrivals: nothing would be sent"),
        ("stages = []", "the list of stages is empty\n  hint: write stages = [{ for"),
        ("stages = [5]", "stage 1 must be a table"),
        ("stages = [{ from = 5 }]", "stage 1 does not say how long it lasts"),
        ('stages = [{ for = "2" , from = 5 }]', "'2' is not a duration"),
        ('stages = [{ for = "2s" }]', "stage 1: from is missing"),
        ('stages = [{ for = "2s", from = -1 }]', "stage 1: from = -1 is not a rate"),
        ('stages = [{ for = "2s", from = 5, to = true }]', "stage 1: to = True is not a rate"),
        ('stages = [{ for = "2s", form = 5, from = 5 }]', "unknown key 'form'"),
        ('stages = [{ for = "2s", from = 0 }]', "these stages bring 0 arrivals"),
        (
            'rate = 5\nstages = [{ for = "2s", from = 5 }]',
            "stages say everything about rate and time, and rate is given beside them",
        ),
        ('run_time = "5s"\nstages = [{ for = "2s", from = 5 }]', "and run_time is given beside them"),
    ],
)
def test_what_cannot_be_is_refused_with_a_hint(text: str, message: str) -> None:
    """The line, what is wrong, and what to write."""
    with pytest.raises(ScenarioError, match=re.escape(message)) as error:
        load(text)
    assert str(error.value).startswith("open.toml:7: [load]") or "\n" in text
    assert error.value.hint


def test_the_keys_and_shapes_of_open_loads_are_documented() -> None:
    """The section lists exactly the keys and the shapes there are."""
    page = (DOCS / "reference" / "scenario.md").read_text(encoding="utf-8")
    section = page.partition("### Open loads\n")[2].partition("\n##")[0]
    assert re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE) == [*OPEN_KEYS, *SHAPES]
