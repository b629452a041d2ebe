"""What a real SDK hands on: ids and exceptions changed by hooks, long chains, replaced transports."""

from __future__ import annotations

from typing import Any

import sentry_sdk

from pytest_sentry_harness.model.ledger import SdkHandedOver, SdkInit, SdkSaw

from .bench import Bench, work


def same_id(event: Any, hint: Any) -> Any:
    event["event_id"] = "a" * 32
    return event


def strip(event: Any, hint: Any) -> Any:
    del event["exception"]
    return event


def test_a_hook_that_changes_the_id(bench: Bench) -> None:
    """It is named, with its place."""
    bench.init(before_send=same_id)
    bench.fail()
    (saw,) = bench.recorder.records(SdkSaw)
    assert (saw.event_id, saw.changed) == ("a" * 32, ("event_id",))
    assert saw.changed_by == f"before_send={__name__}.same_id"
    assert saw.changed_at is not None


def test_a_hook_that_takes_the_exception_out(bench: Bench) -> None:
    """It is named; a processor is, as far as known."""
    bench.init(before_send=strip)
    bench.fail()
    bench.init()
    sentry_sdk.get_isolation_scope().add_event_processor(strip)
    bench.fail()
    first, second = bench.recorder.records(SdkSaw)
    assert first.changed == second.changed == ("exception",)
    assert first.changed_by.startswith("before_send=")
    assert second.changed_by == "an event processor"


def test_a_hook_that_changes_nothing(bench: Bench) -> None:
    """Nobody is named."""
    bench.init(before_send=lambda event, hint: event)
    bench.fail()
    (saw,) = bench.recorder.records(SdkSaw)
    assert (saw.changed, saw.changed_by) == ((), "")


def test_a_chain_of_hundreds(bench: Bench) -> None:
    """The injected exception is found at the end of what the SDK walks."""
    bench.init()
    last: BaseException
    try:
        work()
    except ValueError as error:
        last = error
    for number in range(300):
        try:
            raise LookupError(number) from last
        except LookupError as error:
            last = error
    sentry_sdk.capture_exception(last)
    (saw,) = bench.recorder.records(SdkSaw)
    assert len(saw.fault_ids) == 1


def test_a_transport_replaced_after_the_start(bench: Bench) -> None:
    """The application's own function got the event."""
    bench.init()
    transport: Any = sentry_sdk.get_client().transport
    transport.capture_envelope = lambda envelope: None
    bench.fail()
    (handed,) = bench.recorder.records(SdkHandedOver)
    assert (handed.why, "capture_envelope=" in handed.to) == ("own", True)


def test_a_client_made_by_hand_is_told_from_init(bench: Bench) -> None:
    """Only ``sentry_sdk.init`` sets up a process."""
    bench.init()
    sentry_sdk.Client(
        dsn=bench.sink.dsn, default_integrations=False, auto_enabling_integrations=False
    ).close()
    assert [init.by_hand for init in bench.recorder.records(SdkInit)] == [False, True]
