"""Ledger and arrivals to outcomes: every state, every piece of evidence, and an account that closes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.errors import EvidenceError
from pytest_sentry_harness.model.account import Account, LossClass, State
from pytest_sentry_harness.model.arrival import Discarded
from pytest_sentry_harness.model.ledger import (
    Answered,
    Fate,
    Goodbye,
    Note,
    Place,
    PointState,
    SdkPending,
    SdkSaw,
)
from pytest_sentry_harness.model.scenario import Expect
from pytest_sentry_harness.reconcile.reconcile import Reconciliation, reconcile
from pytest_sentry_harness.testing.builders import Story, event_id_of


def story(*, sdk: bool = True, active: bool = True) -> Story:
    told = Story()
    told.process()
    if sdk:
        told.sdk(active=active)
    return told


def settle(told: Story, expect: Expect | None = None, late_after: float = 75.0) -> Reconciliation:
    expectations = {} if expect is None else {told.fault: expect}
    return reconcile(told.records(), told.arrivals(), expectations, late_after=late_after)


def account_of(told: Story, expect: Expect | None = None, late_after: float = 75.0) -> Account:
    account = settle(told, expect, late_after).account
    assert account.injected == sum(account.states.values())
    return account


def only_loss(account: Account) -> LossClass:
    (loss,) = account.losses
    return loss


def test_all_captured() -> None:
    """Faults whose events arrive are captured, and nothing is listed as lost."""
    told = story()
    for number in range(5):
        told.captured(number)
    account = account_of(told)
    assert (account.captured, account.expected, account.losses) == (5, 5, ())


@pytest.mark.parametrize("lost", [0, 1, 7, 100])
def test_exactly_the_planted_losses_are_reported(lost: int) -> None:
    """Of 1000 faults, the k whose events were dropped are named, no more and no fewer."""
    told = story()
    planted = set(random.Random(lost).sample(range(1000), lost))
    for number in range(1000):
        if number in planted:
            told.fired(number)
            told.dropped(number)
        else:
            told.captured(number)
    account = account_of(told)
    assert account.captured == 1000 - lost
    named = {fault_id for loss in account.losses for fault_id in loss.fault_ids}
    assert named == {told.fault_id(number) for number in planted}
    assert all(loss.reason == "before_send" for loss in account.losses)


def test_duplicate_events_are_counted_and_still_captured() -> None:
    """A fault with two events is a duplicate; an event received twice is counted too."""
    told = story()
    told.fired(1)
    told.seen(1)
    told.arrives(1)
    told.add(SdkSaw, fault_ids=(told.fault_id(1),), event_id=event_id_of(77))
    told.arrives(77)
    told.captured(2)
    told.arrives(2, "duplicate")
    account = account_of(told)
    assert account.states[State.DUPLICATE] == 1
    assert account.states[State.CAPTURED] == 1
    assert (account.captured, account.duplicates) == (2, 2)


def test_a_fault_in_the_chain_of_another_event_is_merged() -> None:
    """An exception raised while another was handled carries it along: one event, two faults."""
    told = story()
    told.fired(1)
    told.fired(2)
    told.seen(2, 1)
    told.arrives(2)
    account = account_of(told)
    assert account.states[State.MERGED] == 1
    assert (account.captured, account.losses) == (2, ())


def test_an_event_after_the_settle_time_is_late_and_not_captured() -> None:
    """Late is a state of its own; the gate does not take it for captured."""
    told = story()
    told.fired(1)
    told.seen(1)
    told.now += 100
    told.arrives(1)
    account = account_of(told, late_after=75)
    assert (account.states[State.LATE], account.captured) == (1, 0)
    assert only_loss(account).reason == "arrived after 75 s"


def test_not_reached_says_what_the_request_was_answered() -> None:
    """A fault that never fired is not a loss of the monitoring, and does not count as expected."""
    told = story()
    told.process("load")
    fault_id = told.intent(1)
    told.add(Answered, fault_ids=(fault_id,), trace_id="t", status=404, seconds=0.1)
    unanswered = told.intent(2)
    told.add(Answered, fault_ids=(unanswered,), trace_id="t", status=0, seconds=0.1, error="ConnectionError")
    told.intent(3)
    account = account_of(told)
    assert (account.injected, account.fired, account.expected) == (3, 0, 0)
    assert sorted(loss.reason for loss in account.losses) == [
        "answered 404 without reaching the fault point",
        "no answer",
        "no answer: ConnectionError",
    ]


def test_what_the_server_refused_is_the_servers_reason() -> None:
    """The server's own record explains a refused event better than the SDK's network_error."""
    told = story()
    told.fired(1)
    told.seen(1)
    told.discarded(1, "network_error")
    told.arrives(1, "refused", reason="unknown_key")
    loss = only_loss(account_of(told))
    assert (loss.state, loss.reason, loss.source) == (State.EXPLAINED, "unknown_key", "server")


def test_transport_discards_are_matched_by_event_id() -> None:
    """A full queue is named for exactly the events it refused."""
    told = story()
    for number in (1, 2, 3):
        told.fired(number)
        told.seen(number)
        told.discarded(number)
    told.captured(4)
    loss = only_loss(account_of(told))
    assert (loss.count, loss.reason, loss.source) == (3, "queue_overflow", "sdk")
    assert loss.fault_ids == tuple(told.fault_id(n) for n in (1, 2, 3))


def test_a_hook_that_raised_is_named_with_the_error_type_and_line() -> None:
    """Losses of one broken hook are one class, whatever the errors' messages say."""
    told = story()
    for number in (1, 2):
        told.fired(number)
        told.dropped(number, "callback_error", error=f"KeyError: 'user-{number}'")
    loss = only_loss(account_of(told))
    assert (loss.count, loss.reason, loss.culprit) == (
        2,
        "callback_error",
        "before_send=app.scrub raised KeyError",
    )
    assert str(loss.place) == "app.py:7 in scrub"


def test_swallowed_exceptions_name_the_line_that_caught_them() -> None:
    """Two places that swallow are two classes."""
    told = story()
    for number, line in ((1, 12), (2, 12), (3, 40)):
        told.fired(number)
        told.caught(number, line)
    account = account_of(told)
    assert [(loss.reason, loss.count, str(loss.place)) for loss in account.losses] == [
        ("swallowed", 2, "app.py:12 in save"),
        ("swallowed", 1, "app.py:40 in save"),
    ]


def test_no_dsn_and_never_initialised_are_told_apart() -> None:
    """An SDK without a DSN and an SDK that was never initialised need different mending."""
    without_dsn = story(active=False)
    without_dsn.fired(1)
    without_dsn.escaped(1)
    assert only_loss(account_of(without_dsn)).reason == "no_dsn"
    never = story(sdk=False)
    never.fired(1)
    never.escaped(1)
    assert only_loss(account_of(never)).reason == "not_initialised"


def test_a_blind_watch_does_not_claim_that_the_sdk_was_never_initialised() -> None:
    """Events arrive, so there is an SDK; it was only not seen."""
    told = story(sdk=False)
    told.fired(1)
    told.escaped(1)
    told.arrives(99)
    told.goodbye()
    assert only_loss(account_of(told)).state is State.UNEXPLAINED_LOSS


def test_an_escaped_exception_that_no_integration_saw() -> None:
    """The SDK is there, the exception left the request, and nobody handed it over."""
    told = story()
    told.fired(1)
    told.escaped(1)
    assert only_loss(account_of(told)).reason == "not_seen_by_sdk"


def test_a_process_that_died_takes_its_queue_along() -> None:
    """Handed to the transport, never discarded, process gone without goodbye: lost at exit."""
    told = story()
    told.fired(1)
    told.seen(1)
    loss = only_loss(account_of(told))
    assert (loss.reason, loss.source) == ("lost_at_exit", "target")
    assert "without running its exit hooks" in loss.culprit
    assert len(loss.could_be) == 3  # a signal, a crash, os._exit: nobody was told which
    killed_before_capture = story()
    killed_before_capture.fired(1)
    assert only_loss(account_of(killed_before_capture)).reason == "lost_at_exit or swallowed"


def test_an_orderly_end_with_a_full_queue_is_a_missing_flush() -> None:
    """The last look at the queue tells that something was left in it."""
    told = story()
    told.fired(1)
    told.seen(1)
    told.add(SdkPending, queued=4)
    told.goodbye()
    loss = only_loss(account_of(told))
    assert (loss.reason, "ended without flushing" in loss.culprit) == ("lost_at_exit", True)


def test_without_any_evidence_a_loss_stays_unexplained() -> None:
    """Nothing is guessed when process, queue and server have nothing to say."""
    told = story()
    told.fired(1)
    told.seen(1)
    told.fired(2, thread="MainThread")
    told.goodbye()
    account = account_of(told)
    assert account.states[State.UNEXPLAINED_LOSS] == 2


def test_client_reports_explain_only_where_nobody_watched_and_only_as_far_as_they_count() -> None:
    """Counts without names are the last resort: they are used up one by one."""
    told = story(sdk=False)
    for number in range(3):
        told.fired(number)
    told.goodbye()
    told.arrives(
        900,
        item_type="client_report",
        event_id=None,
        discarded=(
            Discarded(reason="queue_overflow", category="error", quantity=1),
            Discarded(reason="network_error", category="error", quantity=1),
            Discarded(reason="sample_rate", category="transaction", quantity=9),
        ),
    )
    account = account_of(told)
    assert account.states[State.EXPLAINED] == 2
    assert account.states[State.UNEXPLAINED_LOSS] == 1
    assert {loss.reason for loss in account.losses} == {
        "network_error or queue_overflow",
        "queue_overflow",
        "",
    }


def test_without_the_watch_the_trace_id_and_type_join() -> None:
    """An event of the same trace and exception type is the fault's; each event serves one fault."""
    told = story(sdk=False)
    told.fired(1)
    told.arrives(1)
    told.fired(2)
    told.arrives(2, exceptions=(("ValueError", "other"),))
    account = account_of(told)
    assert account.states[State.CAPTURED] == 1
    assert account.unexpected == 1


def test_faults_that_should_not_be_captured_are_accounted_but_not_counted() -> None:
    """A sleep provokes no event; an expectation can say the same of a raise."""
    told = story()
    told.fired(1, effect="sleep")
    account = account_of(told)
    assert (account.expected, only_loss(account).reason) == (0, "no_event_expected")
    told = story()
    told.fired(1)
    told.caught(1)
    assert account_of(told, Expect(captured=False)).expected == 0
    told = story()
    told.captured(1)
    account = account_of(told, Expect(captured=False))
    assert (account.expected, account.states[State.CAPTURED]) == (0, 1)


def test_events_of_another_level_are_counted() -> None:
    """An expected level is checked on what arrived; a missing level means error."""
    told = story()
    told.captured(1)
    told.fired(2)
    told.seen(2)
    told.arrives(2, level="warning")
    told.fired(3)
    told.seen(3)
    told.arrives(3, level=None)
    assert account_of(told, Expect(level="error")).wrong_level == 1
    assert account_of(told).wrong_level == 0


def test_events_of_nobody_are_unexpected() -> None:
    """A real error of the target shows up beside the account."""
    told = story()
    told.captured(1)
    told.arrives(99)
    assert account_of(told).unexpected == 1


def test_a_fault_that_fires_in_two_processes_counts_once_and_is_named() -> None:
    """A redirect may carry the signed header to another worker; the account closes all the same."""
    told = story()
    told.captured(1)
    told.process(pid=101)
    told.sdk()
    told.fired(1)
    found = settle(told)
    assert found.repeated == (told.fault_id(1),)
    assert (found.account.injected, found.account.captured) == (1, 1)


def test_faults_asked_for_twice_are_refused() -> None:
    """Two runs in one folder cannot be judged as one."""
    told = story()
    told.intent(1)
    told.intent(1)
    with pytest.raises(EvidenceError, match="the same faults were asked for twice"):
        settle(told)


def test_another_error_of_the_same_type_and_trace_does_not_stand_for_a_swallowed_one() -> None:
    """Where the SDK is watched, only events it was handed for the fault count for the fault."""
    told = story()
    told.fired(1)
    told.caught(1)
    told.arrives(1)
    account = account_of(told)
    assert (only_loss(account).reason, account.unexpected) == ("swallowed", 1)


@pytest.mark.parametrize(
    "file,captured", [("/usr/lib/python3.11/concurrent/futures/thread.py", 1), ("app.py", 0)]
)
def test_a_copy_handed_on_by_an_executor_is_joined_by_trace(file: str, captured: int) -> None:
    """asyncio makes a new TimeoutError of one that leaves an executor: identity ends there, the trace goes on."""
    told = story()
    told.fired(1)
    told.add(Fate, fault_id=told.fault_id(1), handling="caught", place=Place(file=file, line=58))
    told.arrives(1)
    assert account_of(told).captured == captured


def test_a_fate_written_long_before_the_end_does_not_blame_the_end() -> None:
    """A handler that cleared the traceback handled it; an unknown fate stays unexplained."""
    told = story()
    told.fired(1)
    told.add(Fate, fault_id=told.fault_id(1), handling="caught")
    loss = only_loss(account_of(told))
    assert (loss.reason, loss.culprit) == ("swallowed", "handled, and its traceback cleared")
    told = story()
    told.fired(1)
    told.add(Fate, fault_id=told.fault_id(1), handling="unknown")
    assert only_loss(account_of(told)).state is State.UNEXPLAINED_LOSS


def test_an_exception_that_somebody_still_holds_is_open() -> None:
    """It may yet be reported, so the run must not settle on it."""
    told = story()
    told.fired(1)
    told.add(Fate, fault_id=told.fault_id(1), handling="caught", alive=True)
    assert settle(told).open == 1
    told.caught(1)
    assert settle(told).open == 0
    told.fired(2)
    told.seen(2)
    assert settle(told).open == 1


def test_the_level_is_that_of_the_first_event() -> None:
    """Of two events for one fault the earlier one is judged."""
    told = story()
    told.fired(1)
    told.seen(1)
    told.arrives(1, level="warning")
    told.add(SdkSaw, fault_ids=(told.fault_id(1),), event_id=event_id_of(77))
    told.arrives(77, level="error")
    assert account_of(told, Expect(level="error")).wrong_level == 1
    assert account_of(told, Expect(level="warning")).wrong_level == 0


def test_the_summary_keeps_the_most_telling_state_of_a_point() -> None:
    """Armed in one worker and missing in a helper process is armed."""
    told = story()
    told.add(PointState, point="app:save", fault="db-timeout", state="armed", how="code")
    told.add(Note, level="info", text="hello")
    told.process(pid=101)
    told.add(PointState, point="app:save", fault="db-timeout", state="missing", nearest=("safe",))
    told.add(Goodbye, reason="exit")
    summary = settle(told).summary
    assert summary.points["db-timeout", "app:save"].state == "armed"
    assert [note.text for note in summary.notes] == ["hello"]
    assert [process.goodbye is not None for process in summary.targets()] == [False, True]


FATES = st.lists(
    st.sampled_from(
        ["captured", "dropped", "discarded", "caught", "escaped", "refused", "nothing", "asked", "sleep"]
    ),
    max_size=40,
)


@given(fates=FATES, sdk=st.booleans(), active=st.booleans(), bye=st.booleans())
def test_the_account_always_closes(fates: list[str], sdk: bool, active: bool, bye: bool) -> None:
    """Whatever happens to the faults, each is in exactly one state."""
    told = story(sdk=sdk, active=active)
    for number, fate in enumerate(fates):
        if fate == "asked":
            told.intent(number)
        elif fate == "captured":
            told.captured(number)
        else:
            told.fired(number, "sleep" if fate == "sleep" else "raise")
            if fate in ("discarded", "refused"):
                told.seen(number)
            if fate == "refused":
                told.arrives(number, "refused", reason="disabled_key")
            elif fate in ("dropped", "discarded", "caught", "escaped"):
                getattr(told, fate)(number)
    if bye:
        told.goodbye()
    account = account_of(told)
    assert account.injected == len(fates)
    assert account.captured == fates.count("captured")
    lost = sum(loss.count for loss in account.losses)
    assert account.injected == lost + account.captured
