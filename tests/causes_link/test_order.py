"""Which of several things that are known of one event is the cause of its loss."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pytest_sentry_harness.model.account import Account, LossClass, State
from pytest_sentry_harness.model.ledger import SdkAnswered, SdkDropped, SdkHandedOver, SdkInit, SdkPending
from pytest_sentry_harness.reconcile.reconcile import Reconciliation, reconcile
from pytest_sentry_harness.server.behaviour import Rule
from pytest_sentry_harness.testing.builders import Story, event_id_of

from .bench import Bench

HOST = "http://127.0.0.1:9000"


def handed_on() -> Story:
    """One fault whose event the SDK handed to its transport."""
    told = Story()
    told.process()
    told.sdk()
    told.fired(1)
    told.seen(1)
    return told


def answer(told: Story, status: int, **fields: Any) -> None:
    given = {"seconds": 0.5, "host": HOST, **fields}
    told.add(SdkAnswered, event_id=event_id_of(1), status=status, **given)


def settle(told: Story) -> Reconciliation:
    return reconcile(told.records(), told.arrivals(), {})


def loss(told: Story) -> LossClass:
    account: Account = settle(told).account
    assert account.injected == sum(account.states.values())
    (only,) = account.losses
    return only


def test_the_servers_word_and_the_answer_are_one_refusal() -> None:
    """The reason is the server's, the words are what the SDK was told."""
    told = handed_on()
    told.arrives(1, "refused", reason="key_unknown", status=403, received_mono=told.now + 1.7)
    answer(told, 403, error="the key is not known here")
    told.goodbye()
    found = loss(told)
    assert (found.reason, found.source) == ("key_unknown", "server")
    assert found.culprit == f"HTTP 403 by {HOST}: the key is not known here"


def test_what_somebody_in_front_says_does_not_hide_a_refusal_behind() -> None:
    """A relay says 200 and is refused by the server afterwards."""
    told = handed_on()
    answer(told, 200)
    told.arrives(1, "refused", reason="project_disabled", status=403)
    told.goodbye()
    found = loss(told)
    assert (found.reason, found.source) == ("project_disabled", "server")


def test_what_came_and_could_not_be_used() -> None:
    """The server said 200, and found the event damaged later."""
    told = handed_on()
    told.arrives(1, "invalid", reason="invalid_json", status=200, received_mono=told.now + 1.7)
    answer(told, 200)
    told.goodbye()
    found = loss(told)
    assert (found.reason, found.source) == ("invalid_json", "server")
    assert found.culprit == "HTTP 200 by this run's server, which could not use the event"


def test_an_earlier_refusal_is_not_the_cause_of_a_later_loss() -> None:
    """Refused, sent again, and then told 200 by somebody who kept nothing."""
    told = handed_on()
    told.arrives(1, "refused", reason="key_unknown", status=403, received_mono=told.now + 1.7)
    answer(told, 403)
    answer(told, 200)
    told.goodbye()
    assert loss(told).reason == "lost_after_200"


@pytest.mark.parametrize(
    ("reason", "status", "found"),
    [
        ("misbehaviour:status_503+delay", 503, "server_error"),
        ("misbehaviour:status_429", 429, "rate_limited"),
        ("misbehaviour:status_404", 404, "refused"),
        ("too_large", 413, "too_large"),
    ],
)
def test_a_refusal_that_only_the_server_knows_of(reason: str, status: int, found: str) -> None:
    """The process ended before it had the answer: what the server did is known all the same."""
    told = handed_on()
    told.arrives(1, "refused", reason=reason, status=status)
    assert (loss(told).reason, loss(told).source) == (found, "server")
    assert loss(told).culprit == f"HTTP {status} by this run's server"


@pytest.mark.parametrize("reason", ["misbehaviour:hang", "misbehaviour:reset_after", "client_gone"])
def test_a_server_that_never_answered_did_not_end_the_process(reason: str) -> None:
    """The end of the process is the cause: it did not wait."""
    told = handed_on()
    told.arrives(1, "refused", reason=reason, status=0)
    assert loss(told).reason == "lost_at_exit"


def test_a_duplicate_report_that_was_dropped_is_not_the_loss() -> None:
    """The first report was handed on and lost; that the second was one too many changes nothing."""
    told = handed_on()
    told.add(
        SdkDropped,
        fault_ids=(told.fault_id(1),),
        event_id=None,
        stage="dedupe",
        reason="event_processor",
        culprit="DedupeIntegration",
    )
    answer(told, 500)
    told.goodbye()
    assert loss(told).reason == "server_error"


def test_a_count_of_the_transport_repeats_its_answer() -> None:
    """``network_error`` follows every answer that is not 200; it says less. Without the answer it is all there is."""
    told = handed_on()
    answer(told, 500)
    told.discarded(1, "network_error")
    assert loss(told).reason == "server_error"
    told = handed_on()
    told.discarded(1, "network_error")
    assert (loss(told).reason, loss(told).culprit) == ("network_error", "the SDK's transport")


def test_a_full_queue_comes_after_an_earlier_answer() -> None:
    """Sent again after a refusal, and then the queue was full."""
    told = handed_on()
    answer(told, 503)
    told.discarded(1, "queue_overflow")
    assert loss(told).reason == "queue_overflow"


def test_an_error_without_a_name_of_its_own() -> None:
    """It keeps the SDK's word for it, and says what it was."""
    told = handed_on()
    answer(told, 0, trouble="other", error="LocationParseError: Failed to parse: ::")
    assert (loss(told).reason, loss(told).culprit) == (
        "network_error",
        f"{HOST}: LocationParseError: Failed to parse: ::",
    )


def test_what_may_still_come_while_the_process_lives() -> None:
    """Behind a relay, or in the queue of a transport of its own, an event may be under way."""
    told = handed_on()
    answer(told, 200)
    assert settle(told).open == 1
    told = handed_on()
    told.add(SdkHandedOver, event_id=event_id_of(1), why="own", to="transport=app.Kafka")
    assert settle(told).open == 1
    told = handed_on()
    answer(told, 500)
    assert settle(told).open == 0


def test_nothing_known_at_all_stays_unexplained() -> None:
    """An orderly end, an empty queue, no answer: nothing is made up."""
    told = handed_on()
    told.add(SdkPending, queued=0)
    told.goodbye()
    account = settle(told).account
    assert account.states[State.UNEXPLAINED_LOSS] == 1
    assert account.losses[0].could_be == ()


OUTCOMES: dict[str, list[Rule]] = {
    "": [
        Rule(headers={"X-Sentry-Rate-Limits": "60:transaction:organization"}),
        Rule(delay=0.01),
        Rule(truncate=True),
    ],
    "server_error": [Rule(status=500), Rule(status=503, headers={"Retry-After": "60"})],
    "refused": [Rule(status=403), Rule(status=400, headers={"X-Sentry-Error": "bad"})],
    "too_large": [Rule(status=413)],
    "redirected": [Rule(status=301)],
    "connection_reset": [Rule(reset="before"), Rule(reset="after")],
    "broken_answer": [Rule(status=500, body="x" * 500, truncate=True)],
    "rate_limited": [Rule(status=429, headers={"X-Sentry-Rate-Limits": "60:session:key"})],
}


@pytest.mark.parametrize("seed", range(3))
def test_every_event_for_what_happened_to_it(bench: Bench, seed: int) -> None:
    """Answers in any order: each lost fault has the cause that hit it, and no other."""
    dice = random.Random(seed)
    planned = [dice.choice(list(OUTCOMES)) for _ in range(60)]
    rules = [dice.choice(OUTCOMES[outcome]) for outcome in planned]
    bench.init(send_client_reports=False)
    bench.play(*(_once(rule) for rule in rules))
    bench.fail(len(planned))
    bench.end()
    found = {fault_id: lost.reason for lost in bench.losses() for fault_id in lost.fault_ids}
    assert [found.get(f"f-{number:06d}", "") for number in range(len(planned))] == planned


def _once(rule: Rule) -> Rule:
    fields = {
        name: getattr(rule, name) for name in ("status", "headers", "body", "delay", "reset", "truncate")
    }
    return Rule(**fields, requests=1)


@pytest.mark.parametrize(
    ("seconds", "said", "choices"),
    [
        (0.01, "", 0),
        (0.04, ", and each answer took about 0.04 s", 2),
        (0.5, ", and each answer took about 0.5 s", 0),
    ],
)
def test_what_made_a_queue_overflow_slow(seconds: float, said: str, choices: int) -> None:
    """The pace of the server; with ``keep_alive`` a delayed acknowledgement looks the same, up to its limit."""
    told = Story()
    told.process()
    told.add(
        SdkInit,
        version="2.75.0",
        active=True,
        dsn=HOST,
        options={"transport_queue_size": 5, "keep_alive": True},
    )
    told.fired(1)
    told.seen(1)
    told.discarded(1)
    for number in range(2, 6):
        told.add(SdkAnswered, event_id=event_id_of(number), status=200, host=HOST, seconds=seconds)
    found = loss(told)
    assert found.culprit == f"transport_queue_size=5{said}"
    assert len(found.could_be) == choices
