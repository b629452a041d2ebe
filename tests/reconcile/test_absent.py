"""Events that arrived and tell nothing of their fault: taken ids, missing exceptions, look-alikes, messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_sentry_harness.model.account import Account, State
from pytest_sentry_harness.model.ledger import Fate, Fired, Place, SdkHandedOver, SdkInit, SdkSaw
from pytest_sentry_harness.model.scenario import Expect
from pytest_sentry_harness.reconcile.integrations import integration, why_off
from pytest_sentry_harness.reconcile.reconcile import reconcile
from pytest_sentry_harness.testing.builders import Story, event_id_of

HOOK = Place(file="/srv/shop/hooks.py", line=7, function="scrub")


def story() -> Story:
    told = Story()
    told.process()
    told.sdk()
    return told


def account_of(told: Story, expect: Expect | None = None) -> Account:
    expectations = {} if expect is None else {told.fault: expect}
    return reconcile(told.records(), told.arrivals(), expectations).account


def stopped_in(told: Story, file: str) -> None:
    told.add(Fate, fault_id=told.fault_id(1), handling="caught", place=Place(file=file, line=58))


@pytest.mark.parametrize(
    ("file", "text", "captured"),
    [
        ("/usr/lib/python3.11/concurrent/futures/thread.py", "late", 1),
        ("/usr/lib/python3.11/concurrent/futures/thread.py", "own mistake", 0),
        ("/usr/lib/python3.11/concurrent/futures/process.py", "own mistake", 0),
        ("/usr/lib/python3.11/multiprocessing/pool.py", "own mistake", 0),
        ("/usr/lib/python3.11/multiprocessing/pool.py", "late", 1),
    ],
)
def test_a_look_alike_does_not_stand_for_the_fault(file: str, text: str, captured: int) -> None:
    """A copy has the same type and the same message; an error of the application's own has another."""
    told = story()
    told.fired(1)
    stopped_in(told, file)
    told.arrives(1, event_id=event_id_of(9), exceptions=(("TimeoutError", text),))
    assert account_of(told).captured == captured


def test_a_future_in_a_thread_hands_on_the_object_itself() -> None:
    """Only asyncio makes new ones, of a few types: all others would have been recognised."""
    told = story()
    told.add(
        Fired,
        fault_id=told.fault_id(1),
        fault=told.fault,
        point="app:save",
        effect="raise",
        term="raise(ValueError('late'))",
        trace_id=event_id_of(1),
        exception_type="ValueError",
        exception_message="late",
    )
    stopped_in(told, "/usr/lib/python3.11/concurrent/futures/thread.py")
    told.arrives(1, event_id=event_id_of(9), exceptions=(("ValueError", "late"),))
    assert account_of(told).captured == 0


def test_events_of_one_id_count_once() -> None:
    """Sentry keeps the first; the others are lost, and the hook that changed the id is named."""
    told = story()
    for number in range(1, 5):
        told.fired(number)
        told.add(
            SdkSaw,
            fault_ids=(told.fault_id(number),),
            event_id="a" * 32,
            changed=("event_id",),
            changed_by="before_send=shop.scrub",
            changed_at=HOOK,
        )
        told.arrives(number, "accepted" if number == 1 else "duplicate", event_id="a" * 32)
    account = account_of(told)
    (loss,) = account.losses
    assert (account.captured, loss.count) == (1, 3)
    assert (loss.state, loss.reason, loss.source) == (State.EXPLAINED, "same_event_id", "server")
    assert (loss.culprit, loss.place) == ("before_send=shop.scrub gave it the id of an earlier event", HOOK)


@pytest.mark.parametrize("changed_by", ["", "before_send=shop.scrub"])
def test_an_event_without_the_exception_is_no_capture(changed_by: str) -> None:
    """Neither type nor message of the fault is in it: whoever reads it learns nothing of the fault."""
    told = story()
    told.fired(1)
    changed = ("exception",) if changed_by else ()
    told.add(
        SdkSaw,
        fault_ids=(told.fault_id(1),),
        event_id=event_id_of(1),
        changed=changed,
        changed_by=changed_by,
        changed_at=HOOK if changed_by else None,
    )
    told.arrives(1, exceptions=(("LookupError", "domain"),))
    account = account_of(told)
    (loss,) = account.losses
    assert (account.captured, loss.reason) == (0, "not_in_the_event")
    assert (changed_by or "from None") in loss.culprit


@pytest.mark.parametrize(
    "exceptions",
    [
        (("asyncio.TimeoutError", "renamed"),),
        (("Wrapped", "save failed: late"),),
        (("TimeoutError", "other"), ("LookupError", "domain")),
    ],
)
def test_type_or_message_is_enough(exceptions: Any) -> None:
    """Hooks rename types and shorten messages: that is still the fault."""
    told = story()
    told.fired(1)
    told.seen(1)
    told.arrives(1, exceptions=exceptions)
    assert account_of(told).captured == 1


@pytest.mark.parametrize(
    ("changes", "wanted", "captured"),
    [
        ({}, None, 1),
        ({"level": None}, None, 1),
        ({"level": "info", "exceptions": ()}, None, 0),
        ({"level": "error", "exceptions": ()}, None, 0),
        ({"level": "info", "exceptions": ()}, "info", 1),
        ({"level": "warning"}, None, 0),
    ],
)
def test_only_an_error_counts_for_a_provoked_fault(changes: Any, wanted: str | None, captured: int) -> None:
    """A message that comes beside proves nothing, unless the scenario expects its level."""
    told = Story()
    told.process("load")
    told.fired(1, "provoked")
    told.arrives(1, **changes)
    account = account_of(told, None if wanted is None else Expect(level=wanted))
    assert account.captured == captured
    if not captured:
        assert "came of its trace, and is not the error" in account.losses[0].culprit


def test_an_error_that_a_hook_called_a_transaction_is_invalid() -> None:
    """The server says what it minds, and that is the cause, not the end of the process."""
    told = story()
    told.fired(1)
    told.seen(1)
    told.arrives(1, "invalid", item_type="transaction", status=200, reason="no timestamp", exceptions=())
    (loss,) = account_of(told).losses
    assert (loss.reason, loss.source) == ("no timestamp", "server")


def test_a_replaced_transport_in_a_process_that_was_killed() -> None:
    """It may have dropped the event, or the end did."""
    told = story()
    told.fired(1)
    told.seen(1)
    told.add(
        SdkHandedOver, event_id=event_id_of(1), why="own", to="HttpTransport.capture_envelope=app.<lambda>"
    )
    (loss,) = account_of(told).losses
    assert loss.reason == "custom_transport or lost_at_exit"


def test_integrations_are_not_put_down_to_a_client_made_by_hand() -> None:
    """The initialisation in force is to blame."""
    make: Callable[..., SdkInit] = lambda line, by_hand: SdkInit(  # noqa: E731 - two of a kind
        at=line,
        mono=line,
        version="2",
        active=True,
        dsn="d",
        place=Place(file="a.py", line=line),
        by_hand=by_hand,
    )
    off = why_off(integration("flask"), [make(3, False), make(9, True)])
    assert off.place == Place(file="a.py", line=3)
