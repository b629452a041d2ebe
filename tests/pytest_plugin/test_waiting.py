"""Waiting for events, asserting that some are absent, and what the failures tell."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import Any

import pytest
import sentry_sdk

from pytest_sentry_harness.errors import UsageError
from pytest_sentry_harness.pytest_plugin.harness import SentryHarness

from . import shop

CHARGE = "tests.pytest_plugin.shop:charge"


def failure(call: Any, *args: Any, **kwargs: Any) -> str:
    """The text of the assertion that fails."""
    with pytest.raises(AssertionError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def test_an_event_is_waited_for_by_what_it_is(sentry_harness: SentryHarness) -> None:
    """Exception, message, level, fault, fields and a function describe it; all that are given must fit."""
    sentry_sdk.init(traces_sample_rate=1.0)
    fault = sentry_harness.inject(CHARGE, "raise(TimeoutError('too late'))")
    with sentry_sdk.start_transaction(name="buy"), sentry_sdk.new_scope() as scope:
        scope.set_tag("colour", "red")
        shop.checkout()
        sentry_sdk.capture_message("hello there", level="warning")
    for described in (
        {"exception": TimeoutError},
        {"exception": "TimeoutError", "message": "late"},
        {"exception": "builtins.TimeoutError", "level": "error"},
        {"fault": fault},
        {"fault": "charge", "message": re.compile("^too")},
        {"like": {"tags": {"colour": "red"}, "exception": {"values": [{"type": "TimeoutError"}]}}},
        {"like": {"event_id": ..., "exception": {"values": [{"value": re.compile("late$")}]}}},
        {"where": lambda event: "exception" in event, "level": "error"},
    ):
        (event,) = sentry_harness.wait_for(**described)  # type: ignore[arg-type]
        assert event["exception"]["values"][0]["value"] == "too late"
    (message,) = sentry_harness.wait_for(message="hello")
    assert message["level"] == "warning"
    assert len(sentry_harness.wait_for(times=2)) == 2
    (transaction,) = sentry_harness.wait_for({"transaction": "buy"}, kind="transaction")
    assert transaction["spans"] == []
    sentry_harness.assert_absent(exception="KeyError")
    sentry_harness.assert_absent(kind="transaction", like={"transaction": "sell"})


def test_what_comes_later_is_waited_for(sentry_harness: SentryHarness) -> None:
    """A thread's event ends the wait as soon as it is there; absence is broken by it just as soon."""
    sentry_sdk.init()
    go = threading.Event()

    def later() -> None:
        go.wait(20)
        sentry_sdk.capture_exception(TimeoutError("late"))

    thread = threading.Thread(target=later)
    thread.start()
    sentry_harness.assert_nothing(within=0.05)
    sentry_harness.assert_absent(exception=TimeoutError, within=0.05)
    go.set()
    assert len(sentry_harness.wait_for(exception=TimeoutError, timeout=30)) == 1
    thread.join()
    text = failure(sentry_harness.assert_absent, exception=TimeoutError, within=60)
    assert text.startswith(
        "an event (exception TimeoutError) was not to arrive, and 1 arrived:\n  error: TimeoutError: late"
    )


def test_what_arrived_instead_is_shown(sentry_harness: SentryHarness) -> None:
    """The nearest event stands first, and under each what is different."""
    sentry_sdk.init()
    sentry_harness.inject(CHARGE, "raise(TimeoutError('too late'))")
    sentry_sdk.capture_message("hello", level="info")
    shop.checkout()
    text = failure(
        sentry_harness.wait_for,
        {"tags": {"colour": "red"}},
        exception=TimeoutError,
        level="fatal",
        timeout=0.05,
    )
    lines = text.splitlines()
    assert lines[0] == (
        "an event (exception TimeoutError, level fatal, like "
        '{"tags": {"colour": "red"}}) did not arrive within 0.05 s'
    )
    assert lines[1] == "what arrived instead:"
    assert re.fullmatch(r"  error: TimeoutError: too late at \S+:\d+ in charge \(fault 'charge'\)", lines[2])
    assert lines[3:7] == [
        "    its level is error, not fatal",
        '    tags: {"colour": "red"} expected, missing',
        "  info: hello",
        "    its exception is none, not TimeoutError",
    ]
    assert "fired once" in text
    assert re.search(
        r"^reproduce: pytest \S+::test_what_arrived_instead_is_shown --sentry-harness-seed=0$", text, re.M
    )
    text = failure(sentry_harness.wait_for, message="hello", times=2, timeout=0.05)
    assert text.startswith('2 events (message with "hello") did not arrive within 0.05 s; 1 did')
    assert 'its message has no "hello"' in text
    text = failure(sentry_harness.wait_for, fault="charge", times=3, timeout=0.05)
    assert "it is about no fault, not 'charge'" in text
    text = failure(sentry_harness.wait_for, where=lambda event: False, timeout=0.05)
    assert "<lambda> says no" in text
    text = failure(sentry_harness.wait_for, kind="transaction", timeout=0.05)
    assert text.startswith("a transaction did not arrive within 0.05 s\nfault")
    many = dict.fromkeys("abcdefg", 1)
    assert "    and 3 other differences" in failure(sentry_harness.wait_for, many, timeout=0.05)
    assert "a session did not arrive" in failure(sentry_harness.wait_for, kind="session", timeout=0.0)


def test_what_is_asked_for_must_make_sense(sentry_harness: SentryHarness) -> None:
    """An argument that nothing could ever meet is refused, not waited for."""
    for wrong, told in (
        (
            {"exception": TimeoutError("late")},
            "exception must be an exception class or its name, not TimeoutError",
        ),
        ({"level": 40}, "level must be text, not int"),
        ({"like": ["tags"]}, "like must be a dictionary, not list"),
        ({"message": b"late"}, "message must be text or a compiled pattern, not bytes"),
        ({"fault": "charge"}, "no fault 'charge' was injected"),
    ):
        with pytest.raises(UsageError, match=re.escape(told)):
            sentry_harness.wait_for(**wrong)  # type: ignore[arg-type]


@pytest.mark.slow
def test_nothing_is_not_claimed_while_the_sdk_holds_something(sentry_harness: SentryHarness) -> None:
    """When flushing does not get through, absence cannot be asserted."""
    sentry_sdk.init()
    free = threading.Event()
    worker: Any = sentry_sdk.get_client().transport
    worker._worker.submit(lambda: free.wait(60))
    try:
        text = failure(sentry_harness.assert_nothing)
    finally:
        free.set()
    assert text.startswith(
        "it cannot be said that no event arrived: the SDK still holds something after 2 s of flushing\n"
    )
    sentry_harness.assert_nothing()


def test_many_events_are_cut_short(sentry_harness: SentryHarness) -> None:
    """Twenty are listed, the others counted."""
    sentry_sdk.init()
    for number in range(23):
        sentry_sdk.capture_message(f"number {number}")
    assert "  and 3 more" in failure(sentry_harness.assert_nothing)


@pytest.mark.asyncio
async def test_a_wait_that_stops_the_loop_says_so(sentry_harness: SentryHarness) -> None:
    """What has yet to happen on the same loop never can; in a thread it is waited for."""
    sentry_sdk.init()

    async def later() -> None:
        await asyncio.sleep(0.05)
        sentry_sdk.capture_message("late")

    task = asyncio.create_task(later())
    text = failure(sentry_harness.wait_for, message="late", timeout=0.1)
    assert "write await asyncio.to_thread(sentry_harness.wait_for, …)" in text
    events = await asyncio.to_thread(sentry_harness.wait_for, message="late", timeout=30)
    await task
    assert len(events) == 1


def test_an_event_is_compared_with_what_matters(sentry_harness: SentryHarness) -> None:
    """Fields beyond the expected do not matter; each place that differs is named."""
    sentry_sdk.init()
    sentry_sdk.set_tag("colour", "red")
    sentry_sdk.capture_exception(ValueError("x"))
    (event,) = sentry_harness.events
    sentry_harness.assert_event(event, {"level": "error", "exception": {"values": [{"value": "x"}]}})
    text = failure(
        sentry_harness.assert_event,
        event,
        {"level": "fatal", "tags": {"colour": "red", "size": 5}, "exception": {"values": []}, "user": ...},
    )
    lines = text.splitlines()
    assert lines[:4] == [
        "the event is not as expected in 4 places:",
        '  level: "fatal" expected, "error" found',
        "  tags.size: 5 expected, missing",
        lines[3],
    ]
    assert lines[3].startswith('  exception.values: [] expected, [{"mechanism":')
    assert lines[4] == "  user: anything expected, missing"
