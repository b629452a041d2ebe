"""How a process ended, as its own journal and whoever waited for it tell."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_sentry_harness.model.account import LossClass, State
from pytest_sentry_harness.model.ledger import (
    ChildEnded,
    Fate,
    Fired,
    HardExit,
    Place,
    SdkInit,
    SdkPending,
)
from pytest_sentry_harness.reconcile.reconcile import reconcile
from pytest_sentry_harness.testing.builders import Story

PID = 100
HERE = Place(file="app.py", line=9)
SOMEBODY = ("killed by somebody (kill -9, a time limit)", "killed by the system, which was out of memory")
NATIVE = ("os._exit called by native code", "another program run in its place (exec)")


def story(**options: Any) -> Story:
    """Handed to the transport, and never arrived."""
    told = Story()
    told.process(pid=PID)
    integrations = options.pop("integrations", ("atexit",))
    told.add(
        SdkInit,
        version="2.75.0",
        active=True,
        dsn="http://…@127.0.0.1:1/1",
        options={"shutdown_timeout": 2, **options},
        integrations=integrations,
        place=HERE,
    )
    told.fired(1)
    told.seen(1)
    return told


def loss_of(told: Story) -> LossClass:
    (loss,) = reconcile(told.records(), told.arrivals(), {}).account.losses
    assert loss.state is State.EXPLAINED
    assert loss.source == "target"
    return loss


def by_fault(told: Story, term: str) -> None:
    told.add(Fired, fault_id="end-1", fault="end", point="app:end", effect="exit", term=term, place=HERE)


@pytest.mark.parametrize(
    "ended,words,could_be",
    [
        ({"signal": "SIGTERM"}, "ended by SIGTERM, which it does not handle", ()),
        ({"signal": "SIGKILL"}, "ended by SIGKILL", SOMEBODY),
        ({"signal": "SIGSEGV"}, "crashed in native code (SIGSEGV)", ()),
        ({"signal": "SIGABRT"}, "crashed in native code (SIGABRT)", ()),
        ({"exit_code": 3}, "ended with exit code 3, without exit hooks", NATIVE),
    ],
)
def test_whoever_waited_tells(ended: dict[str, Any], words: str, could_be: tuple[str, ...]) -> None:
    """It stands in another journal, read before or after."""
    told = story()
    told.process("harness", pid=1)
    told.add(ChildEnded, pid=PID, **ended)
    loss = loss_of(told)
    assert (loss.reason, loss.culprit, loss.could_be) == ("lost_at_exit", words, could_be)


def test_the_ending_of_another_process_says_nothing() -> None:
    """Another one's, or that of an earlier process with the same id."""
    told = Story()
    told.process("harness", pid=1)
    told.add(ChildEnded, pid=PID, signal="SIGTERM")
    told.add(ChildEnded, pid=PID + 1, signal="SIGTERM")
    told._records.extend(story().records())
    for number, record in enumerate(told._records[3:]):
        object.__setattr__(record, "mono", told.now + 1 + number)
    loss = loss_of(told)
    assert loss.culprit == "ended without running its exit hooks"
    assert len(loss.could_be) == 3


def test_os_exit_is_known_by_who_called_it() -> None:
    """Also when the parent was told the code."""
    told = story()
    told.add(HardExit, code=0, place=HERE)
    told.add(ChildEnded, pid=PID, exit_code=0)
    loss = loss_of(told)
    assert (loss.culprit, loss.place, loss.could_be) == ("ended by os._exit(0)", HERE, ())


@pytest.mark.parametrize(
    "term,ended,words",
    [
        ("exit(SIGKILL)", None, "ended by the fault 'end': exit(SIGKILL)"),
        ("exit(SIGKILL)", {"signal": "SIGKILL"}, "ended by SIGKILL, as the fault 'end' says"),
        ("exit(os._exit, 3)", {"exit_code": 3}, "ended by os._exit(3), as the fault 'end' says"),
    ],
)
def test_a_fault_that_was_to_end_it_did(term: str, ended: dict[str, Any] | None, words: str) -> None:
    """There is nothing left to tell apart then."""
    told = story()
    by_fault(told, term)
    if ended is not None:
        told.process("harness", pid=1)
        told.add(ChildEnded, pid=PID, **ended)
    losses = reconcile(told.records(), told.arrivals(), {}).account.losses
    (loss,) = [each for each in losses if each.fault == told.fault]
    assert (loss.culprit, loss.place, loss.could_be) == (words, HERE, ())


def test_a_fault_that_only_asked_it_to_end_does_not_explain_why_it_ended_hard() -> None:
    """SIGTERM may be handled."""
    told = story()
    by_fault(told, "exit(SIGTERM)")
    losses = reconcile(told.records(), told.arrivals(), {}).account.losses
    (loss,) = [each for each in losses if each.fault == told.fault]
    assert len(loss.could_be) == 3


@pytest.mark.parametrize(
    "options,sender,words",
    [
        ({}, "", "shutdown_timeout=2: the flush at exit gave up"),
        (
            {"integrations": ("excepthook",)},
            "",
            "AtexitIntegration is off: the end of the process did not wait for the queue",
        ),
        (
            {},
            "missing",
            "the SDK could not start the thread that sends: no memory for it, or too late in the end",
        ),
        ({}, "back", "shutdown_timeout=2: the flush at exit gave up"),
        ({"shutdown_timeout": None}, "", "the process ended without flushing"),
    ],
)
def test_an_orderly_end_that_left_a_queue(options: dict[str, Any], sender: str, words: str) -> None:
    """The option or integration that is to blame is named."""
    told = story(**options)
    told.add(SdkPending, queued=1, sender="missing")
    told.add(SdkPending, queued=1, sender=sender or "back")
    told.add(SdkPending, queued=1)
    told.goodbye()
    loss = loss_of(told)
    assert loss.reason == "lost_at_exit"
    assert loss.culprit.startswith(words)


@pytest.mark.parametrize("alive", [None, True])
def test_an_exception_that_was_on_its_way_when_the_process_was_killed(alive: bool | None) -> None:
    """Whether it would have been reported, nobody can say: both are named."""
    told = Story()
    told.process(pid=PID)
    told.sdk()
    told.fired(1)
    if alive:
        told.add(Fate, fault_id=told.fault_id(1), handling="caught", place=HERE, alive=True)
    told.process("harness", pid=1)
    told.add(ChildEnded, pid=PID, signal="SIGTERM")
    loss = loss_of(told)
    assert loss.reason == "lost_at_exit or swallowed"
    assert (
        loss.culprit
        == "ended by SIGTERM, which it does not handle; the exception had not been reported by then"
    )
    assert (loss.place, len(loss.could_be)) == (HERE if alive else None, 2)


@pytest.mark.parametrize(
    ("thread", "earlier", "reason"),
    [("daemon", 0, "lost_at_exit or swallowed"), ("MainThread", 0, ""), ("daemon", 5, "")],
)
def test_a_daemon_thread_in_the_last_moment(thread: str, earlier: int, reason: str) -> None:
    """A fault that fired when the last look had been taken; in the main thread, or long before, it is a riddle."""
    told = Story()
    told.process(pid=PID)
    told.sdk()
    told.fired(1, thread=thread)
    told.now += earlier
    told.goodbye()
    (loss,) = reconcile(told.records(), told.arrivals(), {}).account.losses
    assert loss.reason == reason
    assert not reason or loss.culprit.startswith("the program ended while a daemon thread was at it")


def test_os_exit_leaves_no_doubt_about_what_was_caught() -> None:
    """The agent has had its last word: what it says was stopped was stopped for good."""
    told = Story()
    told.process(pid=PID)
    told.sdk()
    told.fired(1)
    told.caught(1)
    told.add(HardExit, code=0, place=HERE)
    assert loss_of(told).reason == "swallowed"


def test_a_fault_met_in_another_process_was_reached() -> None:
    """It fired under an id of that process: its own id is not one that never fired."""
    told = story()
    told.intent(7)
    told.intent(8)
    told.add(
        Fired,
        fault_id=f"{told.fault_id(7)}+p12",
        fault=told.fault,
        point="app:save",
        effect="raise",
        term="raise",
        exception_type="TimeoutError",
    )
    states = reconcile(told.records(), told.arrivals(), {}).account.states
    assert states[State.NOT_REACHED] == 1
