"""Transports of every kind: the SDK's own, full or left behind, and those of the application."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.integrations.asyncio import AsyncioIntegration
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.transport import HttpTransport, Transport

from pytest_sentry_harness.model.ledger import SdkAnswered, SdkDropped, SdkHandedOver, SdkInit
from pytest_sentry_harness.server.behaviour import Rule

from .bench import DEADLINE, Bench, wait_until

HERE = __file__
needs_async = pytest.mark.skipif(
    not hasattr(sentry_sdk.Client, "flush_async"), reason="this SDK has no transport for asyncio"
)


def forget(event: Any) -> None:
    """A transport that is a function."""


def line(function: Any) -> int:
    number: int = function.__code__.co_firstlineno
    return number


class Forgetful(Transport):
    def capture_envelope(self, envelope: Any) -> None:
        pass


class Broken(Transport):
    def capture_envelope(self, envelope: Any) -> None:
        raise KeyError("no broker")


class Slipping(HttpTransport):
    def _send_envelope(self, envelope: Any) -> None:
        pass


class Failing(HttpTransport):
    def _send_envelope(self, envelope: Any) -> None:
        raise OSError("no buffer")


class Careful(HttpTransport):
    """Does what the SDK does, and a little more."""

    def capture_envelope(self, envelope: Any) -> None:
        super().capture_envelope(envelope)


class Again(HttpTransport):
    """Tries everything twice."""

    def _send_envelope(self, envelope: Any) -> None:
        super()._send_envelope(envelope)
        super()._send_envelope(envelope)


def _requests_above(bench: Bench, number: int) -> bool:
    return bench.client.stats().requests > number


@pytest.mark.parametrize(
    ("transport", "reason", "culprit", "place"),
    [
        (forget, "custom_transport", "forget", line(forget)),
        (Forgetful, "custom_transport", "Forgetful.capture_envelope", line(Forgetful.capture_envelope)),
        (
            Broken,
            "transport_error",
            "Broken.capture_envelope raised KeyError",
            line(Broken.capture_envelope) + 1,
        ),
        (Slipping, "custom_transport", "Slipping", line(Slipping._send_envelope)),
        (Failing, "transport_error", "Failing raised OSError", line(Failing._send_envelope) + 1),
    ],
)
@pytest.mark.filterwarnings("ignore:Function transports are deprecated:DeprecationWarning")
def test_a_transport_of_the_applications_own(
    bench: Bench, transport: Any, reason: str, culprit: str, place: int
) -> None:
    """It had the event last: named with file and line."""
    bench.init(transport=transport)
    bench.fail(2)
    bench.end()
    loss = bench.loss()
    assert (loss.reason, loss.culprit, loss.count) == (reason, f"transport={__name__}.{culprit}", 2)
    assert loss.place is not None
    assert (loss.place.file, loss.place.line) == (HERE, place)


def test_a_transport_that_dies_with_its_process(bench: Bench) -> None:
    """It may have dropped the event, or had it in a queue of its own: both are said."""
    bench.init(transport=Forgetful)
    bench.fail()
    loss = bench.loss()
    assert loss.reason == "custom_transport or lost_at_exit"
    assert len(loss.could_be) == 2
    assert "Forgetful" in loss.could_be[0]
    assert "without running its exit hooks" in loss.could_be[1]


def test_a_transport_that_hands_on_to_the_sdks(bench: Bench) -> None:
    """It is watched as the SDK's own is, and blamed for nothing."""
    bench.init(transport=Careful)
    bench.fail(2)
    bench.play(Rule(status=500))
    bench.fail()
    bench.end()
    assert bench.records(SdkHandedOver) == []
    assert bench.loss().reason == "server_error"
    assert bench.account().captured == 2


def test_the_last_attempt_counts(bench: Bench) -> None:
    """Refused first and lost otherwise later: the later is the cause. Refused first and taken later: no loss."""
    bench.init(transport=Again)
    bench.play(Rule(status=503, requests=1), Rule(reset="after", requests=1))
    bench.fail()
    bench.play(Rule(status=503, requests=1))
    bench.fail()
    bench.end()
    assert len(bench.records(SdkAnswered)) == 4
    assert bench.account().captured == 1
    assert bench.loss().reason == "connection_reset"


def test_a_printing_transport_is_seen_through(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK puts one around its own when it is told to print envelopes."""
    monkeypatch.setenv("SENTRY_PRINT_ENVELOPES", "1")
    bench.init()
    bench.play(Rule(status=500))
    bench.fail()
    bench.end()
    assert bench.loss().reason == "server_error"


@needs_async
def test_the_transport_for_asyncio(bench: Bench) -> None:
    """What it is answered is known as well."""
    bench.play(Rule(requests=1), Rule(status=500, requests=1))

    async def main() -> None:
        options: dict[str, Any] = {
            "integrations": [AsyncioIntegration()],
            "_experiments": {"transport_async": True},
        }
        bench.init(**options)
        for _ in range(2):
            bench.fail(flush=False)
            await sentry_sdk.get_client().flush_async(timeout=DEADLINE)
        await sentry_sdk.get_client().close_async(timeout=DEADLINE)

    asyncio.run(main())
    bench.fail(flush=False)
    bench.end()
    assert [answer.status for answer in bench.records(SdkAnswered)] == [200, 500]
    assert sorted(loss.reason for loss in bench.losses()) == ["client_closed", "server_error"]


@needs_async
def test_an_event_loop_that_ends_cancels_what_is_under_way(bench: Bench) -> None:
    """The exit hook comes after the event loop, and has nothing left to wait for."""
    bench.play(Rule(hang=True))

    async def main() -> None:
        options: dict[str, Any] = {
            "integrations": [AsyncioIntegration(), AtexitIntegration()],
            "_experiments": {"transport_async": True},
        }
        bench.init(**options)
        bench.fail(3, flush=False)
        sent = functools.partial(_requests_above, bench, before + 2)
        await asyncio.to_thread(wait_until, sent, "the requests")

    before = bench.client.stats().requests
    asyncio.run(main())
    sentry_sdk.get_client().transport = None  # its loop is gone: it can only complain
    bench.end()
    loss = bench.loss()
    assert (loss.reason, loss.count) == ("interrupted", 3)
    assert loss.culprit.endswith("sending was broken off by CancelledError")


def test_a_full_queue_names_its_size_and_a_slow_server(bench: Bench) -> None:
    """The option with its value, and how long an answer took."""
    bench.init(transport_queue_size=2)
    bench.play(Rule(delay=0.1))
    bench.fail(8, flush=False)
    bench.flush()
    bench.end()
    loss = bench.loss()
    assert loss.reason == "queue_overflow"
    assert loss.count >= 5
    assert loss.culprit.startswith("transport_queue_size=2, and each answer took about 0.")
    assert loss.count + bench.account().captured == 8


def test_keep_alive_may_be_what_makes_it_slow(bench: Bench) -> None:
    """The option takes TCP_NODELAY from the connection; the server may be slow all the same: both are said."""
    bench.init(transport_queue_size=2, keep_alive=True)
    bench.play(Rule(delay=0.05))
    bench.fail(8, flush=False)
    bench.flush()
    bench.end()
    loss = bench.loss()
    assert loss.reason == "queue_overflow"
    if loss.could_be:  # on a slow machine an answer takes longer than an acknowledgement can be delayed
        assert [text.partition(":")[0] for text in loss.could_be] == ["a slow server", "keep_alive=True"]


def test_the_flush_at_exit_gives_up(bench: Bench) -> None:
    """A slow server, a short time-out: what is left in the queue is lost, and nobody counts it."""
    bench.init(shutdown_timeout=0.01)
    bench.play(Rule(delay=0.3))
    bench.fail(5, flush=False)
    sentry_sdk.get_client().close()
    bench.end()
    sdk = sentry_sdk.get_client()
    wait_until(lambda: sdk.transport is None, "the client to be closed")
    losses = [loss for loss in bench.account().losses if loss.reason == "lost_at_exit"]
    assert sum(loss.count for loss in losses) >= 3
    assert "shutdown_timeout=0.01: the flush at exit gave up" in losses[0].culprit


def test_a_second_init_leaves_the_first_queue_behind(bench: Bench) -> None:
    """The end of the process flushes the last client only."""
    go_on = threading.Event()
    bench.init()
    first = sentry_sdk.get_client().transport
    first._worker.submit(lambda: go_on.wait(DEADLINE))  # type: ignore[union-attr]
    try:
        bench.fail(3, flush=False)
        bench.init(environment="second")
        bench.fail()
        bench.end()
        loss = bench.loss()
        assert (loss.reason, loss.count) == ("lost_at_exit", 3)
        assert "sentry_sdk.init was called again" in loss.culprit
        assert loss.place == bench.records(SdkInit)[1].place
        assert bench.account().captured == 1
    finally:
        go_on.set()


def test_a_client_that_had_been_closed(bench: Bench) -> None:
    """Named with the line that closed it, not taken for a missing DSN."""
    bench.init()
    bench.fail()
    sentry_sdk.get_client().close()
    bench.fail(2)
    bench.end()
    loss = bench.loss()
    assert (loss.reason, loss.count, loss.culprit) == ("client_closed", 2, "the client had been closed")
    assert loss.place is not None
    assert (loss.place.file, loss.place.function) == (HERE, "test_a_client_that_had_been_closed")


def test_spotlight_without_a_dsn(bench: Bench) -> None:
    """The SDK gives an event id, and the event goes to nobody else."""
    bench.init(dsn=None, spotlight="http://127.0.0.1:1/stream")
    bench.fail()
    bench.end()
    loss = bench.loss()
    assert (loss.reason, loss.source) == ("spotlight_only", "sdk")
    assert "without a DSN: events go to Spotlight alone" in loss.culprit
    (dropped,) = bench.records(SdkDropped)
    assert dropped.event_id


def test_spotlight_beside_a_dsn_is_no_loss(bench: Bench) -> None:
    """Sentry gets what Spotlight gets."""
    bench.init(spotlight="http://127.0.0.1:1/stream")
    bench.fail()
    bench.end()
    assert bench.account().captured == 1


def test_a_host_the_run_may_not_send_to(bench: Bench) -> None:
    """The harness itself keeps it back, and says so."""
    bench.init(dsn="https://key@o1.ingest.sentry.example/1")
    bench.fail()
    bench.end()
    loss = bench.loss()
    assert loss.reason == "cut_off"
    assert loss.culprit == "the run may not send to 'o1.ingest.sentry.example'"
    assert bench.records(SdkAnswered) == []


def test_only_error_events_are_followed(bench: Bench) -> None:
    """Transactions, sessions and messages without a fault cost no record but their own."""
    bench.init(traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="t"):
        pass
    bench.flush()
    assert bench.records(SdkAnswered) == []
    bench.fail()
    (answer,) = bench.records(SdkAnswered)
    assert (answer.status, answer.error, answer.trouble) == (200, None, "")
    assert answer.seconds > 0
    assert bench.account().captured == 1


def test_an_sdk_that_fails_while_sending(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own code gave up on the event: it is named, not the server."""
    bench.init()
    transport = sentry_sdk.get_client().transport
    monkeypatch.setattr(type(transport), "_serialize_envelope", lambda self, envelope: 1 // 0)
    bench.fail()
    bench.end()
    loss = bench.loss()
    assert (loss.reason, loss.source) == ("internal_sdk_error", "sdk")
    assert loss.culprit == "sentry_sdk.transport.HttpTransport raised ZeroDivisionError"
