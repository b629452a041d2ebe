"""What is said of a provoked fault, by the evidence there is."""

from __future__ import annotations

import socket
import urllib.error

import pytest

from pytest_sentry_harness.load.load_ledger import never_sent
from pytest_sentry_harness.model.account import Account, LossClass, State
from pytest_sentry_harness.model.arrival import Discarded
from pytest_sentry_harness.model.ledger import Answered, SdkSaw
from pytest_sentry_harness.reconcile.reconcile import Reconciliation, reconcile
from pytest_sentry_harness.testing.builders import Story, event_id_of


def provoked(*statuses: int) -> Story:
    """A load that provoked one fault for each of ``statuses``."""
    told = Story()
    told.process("load")
    for number, status in enumerate(statuses):
        fault_id = told.intent(number)
        error = None if status else "RemoteDisconnected: gone"
        told.add(
            Answered,
            fault_ids=(fault_id,),
            trace_id=event_id_of(number),
            status=status,
            seconds=0.1,
            error=error,
        )
        told.fired(number, effect="provoked")
    return told


def found(told: Story) -> Reconciliation:
    return reconcile(told.records(), told.arrivals(), {})


def account_of(told: Story) -> Account:
    account = found(told).account
    assert account.injected == sum(account.states.values())
    return account


def only_loss(told: Story) -> LossClass:
    (loss,) = account_of(told).losses
    return loss


def test_the_trace_joins() -> None:
    """An event of the request's trace is the fault's; its id and the ids of others do not matter."""
    told = provoked(500, 500)
    for number in range(2):
        told.arrives(number, event_id=event_id_of(100 + number))
    account = account_of(told)
    assert (account.captured, account.expected, account.unexpected, account.losses) == (2, 2, 0, ())
    assert found(told).known_outside == (
        "2 faults were provoked by their requests, outside the agent, and are joined by trace id alone; "
        "answered: 2 with 500",
    )


def test_an_exception_is_a_better_match_than_a_message() -> None:
    """A message logged in the same request comes first, and is counted as what it is: unexpected, when it is an error."""
    told = provoked(500)
    told.arrives(0, event_id=event_id_of(7), exceptions=(), level="error")
    told.arrives(0, event_id=event_id_of(6), exceptions=(), level="warning")
    told.arrives(0, event_id=event_id_of(8))
    account = account_of(told)
    assert (account.captured, account.unexpected) == (1, 1)


def test_an_event_that_the_agent_knows_belongs_to_an_injected_fault() -> None:
    """Where a request both meets and provokes faults, the trace alone must not give one's event to the other."""
    told = provoked(500)
    told.process()
    told.sdk()
    told.add(SdkSaw, fault_ids=("other-000000",), event_id=event_id_of(50))
    told.arrives(0, event_id=event_id_of(50))
    assert only_loss(told).reason == "no_event"


def test_what_the_server_refused_is_its_answer() -> None:
    """The refused request carried the trace."""
    told = provoked(500)
    told.arrives(0, "refused", reason="key_unknown")
    loss = only_loss(told)
    assert (loss.state, loss.reason, loss.source) == (State.EXPLAINED, "key_unknown", "server")
    assert found(told).known_outside[1] == "the server refused events: 1 for key_unknown"


def test_an_event_about_a_broken_hook_is_not_the_event_of_the_fault() -> None:
    """SDKs for JavaScript report what beforeSend threw, with the same trace, in place of the error."""
    told = provoked(500)
    told.arrives(0, mechanism="internal", exceptions=(("ReferenceError", "x is not defined"),))
    loss = only_loss(told)
    assert (loss.state, loss.reason) == (State.EXPLAINED, "callback_error")
    assert loss.culprit == "the SDK reported the ReferenceError of a hook in place of the error"
    assert loss.example.event_id == event_id_of(0)


def test_client_reports_give_counts() -> None:
    """As many losses as the SDK counts are explained by it; the rest is not."""
    told = provoked(500, 500, 500)
    report = (Discarded(reason="before_send", category="error", quantity=2),)
    told.arrives(9, item_type="client_report", event_id=None, trace_id=None, discarded=report, exceptions=())
    states = {(loss.reason, loss.state): loss.count for loss in account_of(told).losses}
    assert states == {("before_send", State.EXPLAINED): 2, ("no_event", State.UNEXPLAINED_LOSS): 1}
    assert (
        found(told).known_outside[-1] == "the SDK's client reports count errors it dropped: 2 for before_send"
    )


@pytest.mark.parametrize(
    ("status", "first", "culprit"),
    [
        (500, "an SDK that is off (no DSN, or never initialised)", "the request was answered 500"),
        (200, "no error at all (answered 200)", "the request was answered 200"),
        (
            0,
            "a connection cut before the request was served",
            "the request got no answer (RemoteDisconnected: gone)",
        ),
    ],
)
def test_silence_leaves_a_set_of_causes(status: int, first: str, culprit: str) -> None:
    """Nothing arrived at all: which of the causes it was cannot be told, and is not guessed."""
    loss = only_loss(provoked(status))
    assert (loss.state, loss.reason) == (State.UNEXPLAINED_LOSS, "nothing_arrived")
    assert loss.could_be[0] == first
    assert loss.could_be[-1] == "a process that ended before it sent anything"
    assert loss.culprit == f"{culprit}; no agent saw more"
    assert found(provoked(status)).known_outside[-1] == "nothing came from an SDK in the whole run"


def test_a_bare_429_is_among_the_causes() -> None:
    """Told to be silent once, an SDK holds back events and its report alike."""
    told = provoked(500, 500)
    told.arrives(0, "refused", reason="misbehaviour:status_429", status=429)
    reasons = {loss.reason: loss for loss in account_of(told).losses}
    assert set(reasons) == {"rate_limited", "no_event"}
    assert reasons["no_event"].could_be[0] == "an event held back after the server answered 429"


def test_a_connection_that_was_cut_leaves_the_question_to_the_other_end() -> None:
    """The server knows only that it never answered: that alone explains nothing."""
    told = provoked(500)
    told.arrives(0, "refused", reason="misbehaviour:reset_before", status=0)
    assert only_loss(told).reason == "no_event"


def wrapped(inner: Exception) -> Exception:
    """As requests and urllib wrap the reason of a failed connection."""
    return ConnectionError(urllib.error.URLError(inner))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionRefusedError(111, "refused"), True),
        (socket.gaierror(-2, "unknown"), True),
        (wrapped(ConnectionRefusedError(111, "refused")), True),
        (ConnectionResetError(104, "reset"), False),
        (TimeoutError("timed out"), False),
        (wrapped(ConnectionResetError(104, "reset")), False),
    ],
)
def test_only_what_made_no_connection_was_never_sent(error: Exception, expected: bool) -> None:
    """A request that came somewhere may have provoked its error, even if nobody answered."""
    assert never_sent(error) is expected


def test_a_chain_of_exceptions_that_bites_its_tail_ends() -> None:
    """Hostile chains do not hang the load."""
    first, second = ValueError(), ValueError()
    first.__cause__, second.__cause__ = second, first
    assert not never_sent(first)
