"""The account closes, whatever happens: random plans over real services.

``SENTRY_HARNESS_PLANS`` says how many for each service, ``SENTRY_HARNESS_SEED`` which.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given, seed, settings

from pytest_sentry_harness.model.account import State
from pytest_sentry_harness.model.scenario import Target
from pytest_sentry_harness.testing.plan import Plan, PlannedFault, Points, Send
from pytest_sentry_harness.testing.rig import running_rig
from pytest_sentry_harness.testing.strategies import RIG_SETTINGS, TERMS, json_values, plans, requests

from . import targets

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.usefixtures("unmeasured")]

MANY = int(os.environ.get("SENTRY_HARNESS_PLANS", "20"))
SEED = int(os.environ.get("SENTRY_HARNESS_SEED", "1"))
MONKEY = settings(RIG_SETTINGS, max_examples=MANY, database=None)


@dataclass(frozen=True)
class Service:
    """A target, where its faults are, and what to ask of it."""

    target: Target
    points: Points
    requests: object


def reference() -> Service:
    pytest.importorskip("fastapi")
    from pytest_sentry_harness.reference import auth, seed_data

    token = auth.issue(1, secret=targets.SECRET, now=time.time())
    own = {"Authorization": f"Bearer {token}"}
    base = "pytest_sentry_harness.reference."
    (symbol,) = seed_data.symbols(1, 1)
    order = {"symbol": symbol, "side": "buy", "quantity": 1}
    points = {
        "quotes:fetch_quote": ("GET /quotes/*", "POST /orders"),
        "orders:place_order": ("POST /orders",),
        "orders:save": ("POST /orders",),
        "settlement:settle_order": ("POST /orders",),
        "orders:list_orders": ("GET /orders",),
        "portfolio:holdings": ("GET /portfolio",),
        "portfolio:value_positions": ("GET /portfolio", "GET /instruments"),
        "settlement:settle_open": ("POST /settlements",),
    }
    return Service(
        targets.reference(),
        [PlannedFault(base + at, do, on=on) for at, on in points.items() for do in TERMS],
        [
            Send(f"GET /quotes/{symbol}"),
            Send("GET /instruments"),
            Send("POST /orders", json=order, headers=own),
            Send("GET /orders", headers=own),
            Send("GET /portfolio", headers=own),
            Send("POST /settlements", headers=own),
            Send("POST /orders", json={"symbol": None}, headers=own),
        ],
    )


def flask() -> Service:
    pytest.importorskip("flask")
    drawn = requests("GET /articles/{}", "GET /report", "POST /orders", json=json_values())
    points = {
        "load": ("GET /articles/*",),
        "count": ("GET /articles/*",),
        "save": ("POST /orders",),
        "render": ("GET /report", "POST /orders"),
    }
    faults = [PlannedFault(f"__main__:{at}", do, on=on) for at, on in points.items() for do in TERMS]
    return Service(targets.flask_shop(), faults, drawn)


def celery() -> Service:
    pytest.importorskip("flask")
    pytest.importorskip("celery")
    # A MemoryError in a task ends the whole worker: Celery's doing, and seconds to come back from.
    lasting = [term for term in TERMS if "MemoryError" not in term]
    points = {"__main__:publish": TERMS, "celery_shop:pack": lasting, "celery_shop:ship": lasting}
    return Service(targets.celery_shop(), points, ["POST /deliveries"])


@pytest.mark.parametrize("service", [reference, flask, celery])
def test_the_account_of_every_plan_closes(service, capsys) -> None:
    """Each fault of each plan is in exactly one state, none is lost without a cause, and all plans add up."""
    given_service = service()
    began = time.monotonic()
    with running_rig(given_service.target, given_service.points) as rig:

        @seed(SEED)
        @MONKEY
        @given(plans(given_service.points, given_service.requests))
        def each(plan: Plan) -> None:
            played = rig.play(plan)  # raises when it does not close
            assert sum(played.account.states.values()) == played.account.injected >= plan.size
            assert (played.unexplained, played.trouble, played.target_ended) == (0, (), ""), played

        each()
        rig.stop_target()
        whole, tally = rig.total().account, rig.tally
    assert tally.plans >= MANY
    assert tally.strays == []
    assert whole.injected == sum(whole.states.values()) == tally.injected
    assert {state: whole.states[state] for state in State} == {state: tally.states[state] for state in State}
    with capsys.disabled():
        states = ", ".join(f"{tally.states[state]} {state.value}" for state in State if tally.states[state])
        print(
            f"\n{service.__name__}: {tally.plans} plans, {tally.injected} faults in {tally.seconds:.1f} s "
            f"({1000 * tally.seconds / tally.plans:.0f} ms each; {time.monotonic() - began:.1f} s in all): {states}"
        )
