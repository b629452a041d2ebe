"""Plans as values: what they are made of, how they print, and the scenario files they become."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("hypothesis")

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import pretty

from pytest_sentry_harness.errors import UsageError
from pytest_sentry_harness.injection.effects.raise_ import exception_class
from pytest_sentry_harness.model.scenario import LinkRule, Target
from pytest_sentry_harness.plan.scenario import parse_scenario
from pytest_sentry_harness.plan.terms import parse_chain, raise_arguments
from pytest_sentry_harness.testing import hostile, strategies
from pytest_sentry_harness.testing.plan import Plan, PlannedFault, Send, faults_at, faults_of
from pytest_sentry_harness.testing.scenario_text import toml_value

TARGET = Target(
    command="{python} app.py {port}",
    ready="/health",
    env={"SENTRY_DSN": "{dsn}", "NOTE": 'quotes " and \\ and \x07'},
    cwd=Path("/srv/app"),
    ready_timeout=12.5,
    stop_signal="SIGINT",
)
POINTS = {"shop.cart:charge": ["raise(TimeoutError)", "return(None)"], "shop:Till.open": ["sleep(1ms)"]}
NAMES = {name: value for name, value in globals().items() if name in ("Plan", "PlannedFault", "Send")}
NAMES["LinkRule"] = LinkRule


def replay(plan: Plan) -> Plan:
    """The plan that ``plan``'s scenario file tells."""
    text = plan.to_scenario(TARGET, name="replayed", question="again?")
    scenario = parse_scenario(text, Path("plan.toml"))
    assert scenario.target == TARGET
    assert scenario.load is not None
    faults = {
        fault.name: PlannedFault(fault.at, fault.do, fault.name, fault.expect.captured)
        for fault in scenario.faults
    }
    return Plan(
        [
            Send(
                f"{request.method} {request.path}",
                [faults[name] for name in request.faults or ()],
                request.json,
                request.body,
                request.headers,
            )
            for request in scenario.load.requests
        ],
        scenario.link,
    )


def test_a_plan_prints_as_the_python_that_makes_it() -> None:
    """Also in Hypothesis' own printing."""
    charge, named = (
        PlannedFault("shop:charge", "raise(OSError)"),
        PlannedFault("a:b", "sleep(1s)", "slow", False, ["GET /*"]),
    )
    plan = Plan(
        [
            Send("POST /orders", [charge, named], json={"a": [1]}, headers={"X-A": "b"}),
            Send("GET /", body="x"),
        ],
        [LinkRule(status=503)],
    )
    assert eval(repr(plan), dict(NAMES)) == plan
    assert repr(Plan([Send("GET /")])) == "Plan([\n    Send('GET /'),\n])"
    assert repr(Plan([])) == "Plan([])"
    assert repr(named) == "PlannedFault('a:b', 'sleep(1s)', name='slow', captured=False, on=['GET /*'])"
    assert pretty(plan) == repr(plan)
    assert (plan.size, plan.faults) == (2, (charge, named))


def test_faults_are_named_by_what_they_are() -> None:
    """Readable, valid in scenario files, and different for different faults."""
    faults = faults_at(POINTS)
    assert [fault.name[:-7] for fault in faults] == [
        "charge-raise-TimeoutError",
        "charge-return-None",
        "Till-open-sleep-1ms",
    ]
    assert faults_at(faults) == faults
    long = PlannedFault("shop:charge", f"raise(ValueError({'x' * 200!r}))")
    assert len(long.name) <= 64
    assert PlannedFault("a:b", "raise(pkg.errors.Gone)").name.startswith("b-raise-Gone-")
    assert PlannedFault("a:b", "raise(pkg.errors.Gone)").name != PlannedFault("a:b", "raise(other.Gone)").name


def test_a_fault_says_which_requests_are_worth_trying() -> None:
    """By globs, the query left aside."""
    fault = PlannedFault("a:b", "raise(OSError)", on=("GET /quotes/*",))
    assert fault.fits("GET /quotes/ACME?x=1")
    assert not fault.fits("POST /quotes/ACME")
    assert PlannedFault("a:b", "raise(OSError)").fits("GET /")


def test_the_faults_of_a_scenario_file(tmp_path: Path) -> None:
    """Those that a request can meet, with all that is said of them."""
    fault = PlannedFault("shop:charge", "raise(OSError)", "broken", captured=False)
    path = tmp_path / "one.toml"
    path.write_text(Plan([Send("GET /", [fault])]).to_scenario(TARGET), encoding="utf-8")
    assert faults_of(path) == (fault,)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Send("orders"), "'orders' is not a request\n  hint: write Send('POST /orders')"),
        (lambda: Send("POST /a b"), "'POST /a b' is not a request"),
        (
            lambda: Send("POST /", json=1, body="1"),
            "Send: POST / has two bodies\n  hint: give json or body, not both",
        ),
        (lambda: Plan([]).to_scenario(TARGET), "Plan([]): a plan without faults makes no scenario"),
        (lambda: strategies.plans({}, ["GET /"]), "plans() needs faults to choose from"),
        (lambda: strategies.plans(POINTS, []), "plans() needs requests to choose from"),
        (lambda: strategies.requests(), "requests() needs a template"),
        (
            lambda: strategies.terms("rise"),
            "there are no terms of kind rise\n  hint: use raise, return, sleep",
        ),
    ],
)
def test_what_cannot_be_is_refused(wrong, says: str) -> None:
    """With what to write instead."""
    with pytest.raises(UsageError) as error:
        wrong()
    assert str(error.value).startswith(says)


ALL_REQUESTS = strategies.requests(
    "GET /articles/{}",
    "POST /orders?note={}",
    "PUT /a",
    json=strategies.json_values(),
    headers=strategies.headers(),
)


@settings(deadline=None)
@given(strategies.plans(POINTS, ALL_REQUESTS, link=strategies.links()))
def test_a_scenario_file_tells_the_same_plan(plan: Plan) -> None:
    """Requests, bodies, headers, faults and link come back as they went; JSON that TOML cannot hold as text."""
    assume(plan.faults)
    again = replay(plan)
    assert (again.link, len(again.sends)) == (plan.link, len(plan.sends))
    for was, now in zip(plan.sends, again.sends, strict=True):
        assert (now.request, [f.name for f in now.meets]) == (was.request, [f.name for f in was.meets])
        assert dict(now.headers) | dict(was.headers) == dict(now.headers)
        if now.body is None:
            assert now.json == was.json
        else:
            assert now.headers["Content-Type"] == "application/json"
            assert json.loads(now.body) == was.json


@given(st.sampled_from(strategies.TERMS))
def test_every_term_is_valid_and_its_exception_can_be_had(term: str) -> None:
    """So a rig can be armed with all of them."""
    (parsed,) = parse_chain(term)
    if parsed.kind == "raise":
        wanted = raise_arguments(parsed)
        assert isinstance(exception_class(wanted.exception)(*wanted.args), Exception)


@given(strategies.terms("return", "sleep"))
def test_terms_of_some_kinds(term: str) -> None:
    """Only those."""
    assert term.startswith(("return", "sleep"))


@given(
    strategies.plans(
        [PlannedFault("a:b", "raise(OSError)", on=("POST /*",))],
        ["GET /", Send("POST /x", json=1)],
        max_faults=1,
    )
)
def test_plans_meet_only_faults_that_fit(plan: Plan) -> None:
    """And keep what the requests are."""
    for send in plan.sends:
        assert send.request == "POST /x" or not send.meets
        assert send.json == (1 if send.request == "POST /x" else None)


def test_hostile_exceptions_are_what_they_say() -> None:
    """Chained, grouped, cyclic, deep, without a text, huge, false, not to be compared or copied."""
    chained, cyclic, deep = hostile.ChainedError(), hostile.CyclicError(), hostile.DeepError()
    assert isinstance(chained.__cause__, ValueError)
    assert isinstance(chained.__cause__.__context__, KeyError)
    assert cyclic.__cause__ is not None
    assert cyclic.__cause__.__cause__ is cyclic
    link, links = deep.__cause__, 0
    while link is not None:
        link, links = link.__cause__, links + 1
    assert links == 60
    assert len(hostile.GroupedError().exceptions) == 2
    for show in (str, repr):
        with pytest.raises(ValueError, match="no text"):
            show(hostile.UnprintableError())
    with pytest.raises(UnicodeEncodeError):
        str(hostile.UndecodableError()).encode()
    assert len(str(hostile.HugeError())) == 1 << 20
    falsy = hostile.FalsyError()
    assert not falsy
    assert len(falsy) == 0
    unequal = hostile.UnequalError()
    with pytest.raises(TypeError, match="not to be compared"):
        assert unequal == unequal  # noqa: PLR0124
    with pytest.raises(TypeError, match="not to be copied"):
        unequal.__reduce__()


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "TOML has no word for None"),
        (2**70, "too large for TOML"),
        (float("inf"), "inf is no JSON number"),
        ("\ud800", "no word for a lone surrogate"),
    ],
)
def test_what_toml_cannot_hold_is_a_type_error(value: object, says: str) -> None:
    """The writer then takes another way."""
    with pytest.raises(TypeError, match=says):
        toml_value([value])


def test_limits_and_details_of_the_file() -> None:
    """Repeats, the safety table, what a rule of the link says."""
    plain, met = Send("GET /"), Send("GET /", [PlannedFault("a:b", "raise(OSError)")])
    text = Plan([plain, met], [LinkRule(delay=0.25, seconds=2)]).to_scenario(TARGET, hosts=["shop.test"])
    assert 'hosts = ["shop.test"]' in text
    assert 'delay = "0.250000s"\nseconds = "2.000000s"' in text
    assert "faults = []" in text
    assert toml_value({}) == "{}"
    assert toml_value({"a b": True}) == '{ "a b" = true }'
