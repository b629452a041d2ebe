"""The fixture ``sentry_harness``: what it injects, what it captures, and how it explains what was lost."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.transport import HttpTransport, Transport

from pytest_sentry_harness.errors import InjectionError, TermError, UsageError
from pytest_sentry_harness.model.account import State
from pytest_sentry_harness.pytest_plugin.harness import SentryHarness
from pytest_sentry_harness.pytest_plugin.inbox import HOST

from . import shop

CHARGE = "tests.pytest_plugin.shop:charge"
ACHARGE = "tests.pytest_plugin.shop:acharge"
REAL = "https://abc@o12.ingest.sentry.io/42"
SHOP = Path(shop.__file__)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Refuses every look-up and connection, and fails the test if there was one."""
    asked: list[object] = []

    def refuse(*arguments: object, **_: object) -> None:
        asked.append(arguments)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield asked
    assert asked == []


def line_of(text: str) -> str:
    """``shop.py:<line>`` of the first line of the application that holds ``text``."""
    lines = SHOP.read_text(encoding="utf-8").splitlines()
    return f"shop.py:{next(n for n, line in enumerate(lines, 1) if text in line)}"


def test_a_reported_fault_is_captured(sentry_harness: SentryHarness, network: list[object]) -> None:
    """The event about the fault is handed back, and nothing asks the network for anything."""
    sentry_sdk.init(dsn=REAL)
    fault = sentry_harness.inject(CHARGE, "raise(TimeoutError('late'))")
    assert shop.checkout() == 0
    (event,) = sentry_harness.assert_captured(fault, times=1, level="error")
    assert event["exception"]["values"][-1]["value"] == "late"
    assert event["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "charge"
    (outcome,) = sentry_harness.outcomes(fault)
    assert (outcome.state, outcome.event_id) == (State.CAPTURED, event["event_id"])
    text = sentry_harness.explain(fault)
    assert f"fault 'charge' at {CHARGE}, raise(TimeoutError('late')): fired once" in text
    assert f"captured, as event {event['event_id']}" in text
    assert f"o12.ingest.sentry.io) is never contacted in a test; {HOST} stood in for it" in text
    assert "arrived: 1 event" in text


@pytest.mark.asyncio
async def test_a_reported_fault_is_captured_in_async_code(sentry_harness: SentryHarness) -> None:
    """Coroutines are fault points like functions."""
    sentry_sdk.init()
    fault = sentry_harness.inject(ACHARGE, "raise(ConnectionError)")
    assert await shop.acheckout() == 0
    sentry_harness.assert_captured(fault, times=1)


def test_a_fault_in_a_thread_is_waited_for(sentry_harness: SentryHarness) -> None:
    """``wait`` returns as soon as the event is there."""
    sentry_sdk.init()
    sentry_harness.inject(CHARGE, "sleep(100ms)")
    sentry_harness.inject(CHARGE, "raise(TimeoutError)", name="late")
    thread = shop.in_background()
    events = sentry_harness.wait(lambda event: event["exception"]["values"][0]["type"] == "TimeoutError")
    thread.join()
    assert len(events) == 1
    assert "done; it raises nothing, so no event is expected" in sentry_harness.explain("charge")
    sentry_harness.assert_captured()


def test_waiting_ends_with_an_explanation(sentry_harness: SentryHarness) -> None:
    """What does not come is explained like any other failure."""
    sentry_sdk.init()
    sentry_harness.inject(CHARGE, "raise(TimeoutError)")
    shop.hush()
    with pytest.raises(AssertionError, match=r"2 events did not arrive within 0\.1 s; 0 did") as caught:
        sentry_harness.wait(2, timeout=0.1)
    assert "swallowed" in str(caught.value)
    with pytest.raises(AssertionError, match="an event as described did not arrive"):
        sentry_harness.wait(lambda event: True, timeout=0.05)


def test_a_swallowed_fault_is_named_with_file_and_line(sentry_harness: SentryHarness) -> None:
    """The failing assertion names who caught the exception, and what to do."""
    sentry_sdk.init()
    fault = sentry_harness.inject(CHARGE, "raise(TimeoutError)")
    shop.hush()
    with pytest.raises(AssertionError) as caught:
        sentry_harness.assert_captured(fault)
    text = str(caught.value)
    assert text.startswith("fault 'charge' was not captured: lost: swallowed, caught and never reported, at ")
    assert re.search(r"at \S*shop\.py:\d+ in hush", text)
    assert "report it there with sentry_sdk.capture_exception()" in text
    assert "DSN: the application gave none, so the test supplied one" in text


def test_before_send_returning_nothing_is_named(sentry_harness: SentryHarness) -> None:
    """The hook stands there by name, file and line, and the SDK's own count beside it."""
    sentry_sdk.init(before_send=shop.drop)  # type: ignore[arg-type]
    sentry_harness.inject(CHARGE, "raise(TimeoutError)")
    shop.checkout()
    with pytest.raises(AssertionError) as caught:
        sentry_harness.assert_captured()
    text = str(caught.value)
    assert "lost: before_send, before_send=tests.pytest_plugin.shop.drop" in text
    assert line_of("def drop") in text
    assert "make the hook return the event" in text
    assert "the SDK reports as discarded: 1 before_send (error)" in text
    (report,) = sentry_harness.client_reports
    assert report["discarded_events"] == [{"reason": "before_send", "category": "error", "quantity": 1}]


def test_before_send_raising_is_named(sentry_harness: SentryHarness) -> None:
    """The line that raised is named, and the error's type."""
    sentry_sdk.init(before_send=shop.stumble)
    sentry_harness.inject(CHARGE, "raise(TimeoutError)")
    shop.checkout()
    with pytest.raises(AssertionError) as caught:
        sentry_harness.assert_captured()
    text = str(caught.value)
    assert "lost: callback_error, before_send=tests.pytest_plugin.shop.stumble raised KeyError" in text
    assert line_of('event["no such key"]') in text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"ignore_errors": [TimeoutError]}, "lost: ignored, ignore_errors="),
        ({"sample_rate": 0.0}, "lost: sample_rate, sample_rate=0.0"),
    ],
    ids=["ignore_errors", "sampling"],
)
def test_options_that_drop_are_named(
    sentry_harness: SentryHarness, options: dict[str, Any], told: str
) -> None:
    """The option that decided is named with its value."""
    sentry_sdk.init(**options)
    sentry_harness.inject(CHARGE, "raise(TimeoutError)")
    shop.checkout()
    with pytest.raises(AssertionError, match=re.escape(told)) as caught:
        sentry_harness.assert_captured()
    assert "initialised at " in str(caught.value)
    assert ", with " in str(caught.value)


def test_without_init_the_explanation_says_so(sentry_harness: SentryHarness) -> None:
    """An application that never initialised the SDK is told so."""
    sentry_harness.inject(CHARGE, "raise(TimeoutError)")
    shop.checkout()
    with pytest.raises(AssertionError, match="not_initialised") as caught:
        sentry_harness.assert_captured()
    assert "SDK: sentry_sdk.init was never called" in str(caught.value)
    assert "arrived: nothing" in str(caught.value)


def test_what_only_the_test_catches_has_left_the_application(sentry_harness: SentryHarness) -> None:
    """``pytest.raises`` in the test is not taken for a handler of the application."""
    sentry_sdk.init()
    sentry_harness.inject(CHARGE, "raise(TimeoutError)")
    with pytest.raises(TimeoutError):
        shop.let_go()
    (outcome,) = sentry_harness.outcomes()
    assert outcome.reason == "not_seen_by_sdk"
    assert "the exception left the application" in sentry_harness.explain()


def test_a_fault_that_never_fired_fails_the_assertion(sentry_harness: SentryHarness) -> None:
    """Nothing fired is no proof of anything."""
    sentry_sdk.init()
    fault = sentry_harness.inject(CHARGE, "raise(TimeoutError)")
    with pytest.raises(AssertionError, match="'charge' never fired") as caught:
        sentry_harness.assert_captured(fault)
    assert f"never fired: {CHARGE} was not called" in str(caught.value)
    assert sentry_harness.assert_captured(fault, times=0) == []


def test_numbers_and_levels_are_asserted(sentry_harness: SentryHarness) -> None:
    """``times`` and ``level`` are exact."""
    sentry_sdk.init()
    fault = sentry_harness.inject(CHARGE, "2*raise(TimeoutError)")
    for _ in range(5):
        shop.checkout()
    assert len(sentry_harness.assert_captured(fault, times=2)) == 2
    assert "fired 2 times" in sentry_harness.explain()
    with pytest.raises(AssertionError, match="2 captured, 3 expected"):
        sentry_harness.assert_captured(fault, times=3)
    with pytest.raises(AssertionError, match="the level is error, expected fatal"):
        sentry_harness.assert_captured(fault, level="fatal")


def test_leaving_the_block_stops_the_fault(sentry_harness: SentryHarness) -> None:
    """As a context manager a fault acts in its block only; others go on."""
    sentry_sdk.init()
    sentry_harness.inject("tests.pytest_plugin.shop:Ledger.book", "raise(KeyError)")
    with sentry_harness.inject(CHARGE, "raise(TimeoutError)") as fault:
        shop.checkout()
    assert shop.checkout() == 1
    with pytest.raises(KeyError):
        shop.Ledger().book(1)
    sentry_harness.assert_captured(fault, times=1)
    assert repr(fault) == f"<fault 'charge' at {CHARGE}, raise(TimeoutError)>"


def test_a_return_fault_leads_to_events_of_its_own(sentry_harness: SentryHarness) -> None:
    """A wrong value raises nothing, so it cannot be asserted as captured, and the error says where to look."""
    sentry_sdk.init()
    fault = sentry_harness.inject(CHARGE, "return('nonsense')")
    assert shop.checkout() == "nonsense"
    with pytest.raises(UsageError, match="raises nothing, so no event is about it"):
        sentry_harness.assert_captured(fault)
    sentry_harness.assert_nothing()


def test_a_duplicate_is_told(sentry_harness: SentryHarness) -> None:
    """Two events about one fault make it a duplicate; it is captured all the same."""
    sentry_sdk.init(default_integrations=False)
    twice = sentry_harness.inject(CHARGE, "1*raise(TimeoutError)->raise(KeyError)", name="both")
    try:
        shop.charge(1)
    except TimeoutError as error:
        sentry_sdk.capture_exception(error)
        sentry_sdk.capture_exception(error)
        try:
            shop.charge(1)
        except KeyError as second:
            first = second
    sentry_sdk.capture_exception(first)
    states = [outcome.state for outcome in sentry_harness.outcomes(twice)]
    assert states == [State.DUPLICATE, State.CAPTURED]
    assert len(sentry_harness.assert_captured(twice)) == 2


def test_two_faults_in_one_event_are_merged(sentry_harness: SentryHarness) -> None:
    """The fault further down the chain arrived within the event of the other."""
    sentry_sdk.init()
    sentry_harness.inject(CHARGE, "raise(TimeoutError)")
    try:
        try:
            shop.charge(1)
        except TimeoutError:
            shop.charge(2)
    except TimeoutError:
        sentry_sdk.capture_exception()
    assert {outcome.state for outcome in sentry_harness.outcomes()} == {State.CAPTURED, State.MERGED}
    sentry_harness.assert_captured(times=2)


def test_nothing_is_asserted_after_a_flush(sentry_harness: SentryHarness) -> None:
    """What is still in the SDK's queue counts, and each event is told with its place."""
    sentry_sdk.init()
    sentry_harness.assert_nothing()
    sentry_harness.inject(CHARGE, "raise(TimeoutError('late'))")
    shop.checkout()
    sentry_sdk.capture_message("hello", level="warning")
    with pytest.raises(AssertionError, match="2 events arrived, none expected") as caught:
        sentry_harness.assert_nothing()
    text = str(caught.value)
    assert re.search(r"error: TimeoutError: late at \S*shop\.py:\d+ in charge \(fault 'charge'\)", text)
    assert "warning: hello" in text


def test_without_faults_any_event_is_asserted(sentry_harness: SentryHarness) -> None:
    """A test may break the application by other means."""
    sentry_sdk.init()
    with pytest.raises(AssertionError, match="no error event arrived") as caught:
        sentry_harness.assert_captured()
    assert "no fault was injected in this test" in str(caught.value)
    sentry_sdk.capture_exception(ValueError("own"))
    assert len(sentry_harness.assert_captured()) == 1


def test_everything_sent_can_be_read(sentry_harness: SentryHarness, network: list[object]) -> None:
    """Transactions, sessions and attachments come as they were sent."""
    sentry_sdk.init(dsn=REAL, traces_sample_rate=1.0, release="shop@1")
    with sentry_sdk.start_transaction(name="buy"):
        sentry_sdk.get_current_scope().add_attachment(bytes=b"receipt", filename="r.txt")
        sentry_sdk.capture_exception(ValueError("x"))
    (transaction,) = sentry_harness.transactions
    (event,) = sentry_harness.events
    assert transaction["transaction"] == "buy"
    assert event["contexts"]["trace"]["trace_id"] == transaction["contexts"]["trace"]["trace_id"]
    (attachment,) = [item for item in sentry_harness.items if item.type == "attachment"]
    assert (attachment.payload, attachment.headers["filename"]) == (b"receipt", "r.txt")
    with pytest.raises(ValueError, match="Expecting value"):
        attachment.json()
    assert event["event_id"] in {envelope.headers.get("event_id") for envelope in sentry_harness.envelopes}


@pytest.mark.parametrize(
    ("at", "do", "error", "told"),
    [
        (
            "tests.pytest_plugin.shop:charg",
            "raise",
            InjectionError,
            "did you mean tests.pytest_plugin.shop:charge",
        ),
        ("tests.pytest_plugin.shp:charge", "raise", InjectionError, "did you mean tests.pytest_plugin.shop"),
        ("shop.charge", "raise", InjectionError, "is not an import path of the form"),
        ("tests.pytest_plugin.broken:f", "raise", InjectionError, "cannot be imported: ZeroDivisionError"),
        (
            "tests.pytest_plugin.lacking:f",
            "raise",
            InjectionError,
            "No module named 'there_is_no_such_module'",
        ),
        (CHARGE, "rise(TimeoutError)", TermError, "did you mean 'raise'"),
        (CHARGE, "raise(TimeoutErr)", InjectionError, "did you mean 'TimeoutError'"),
        (CHARGE, "raise(UnicodeDecodeError)", InjectionError, "cannot be built: TypeError"),
    ],
)
def test_what_cannot_be_injected_is_refused_at_once(
    sentry_harness: SentryHarness, at: str, do: str, error: type[Exception], told: str
) -> None:
    """Bad points, terms and exceptions are errors that name the test, the fault and the nearest name."""
    with pytest.raises(error) as caught:
        sentry_harness.inject(at, do)
    assert told in str(caught.value)
    assert "test_what_cannot_be_injected_is_refused_at_once" in str(caught.value)
    assert shop.charge(3) == 3


def test_names_of_faults_are_unique_and_known(sentry_harness: SentryHarness) -> None:
    """Names are made from the point; a given one must be new; an unknown one is refused with the nearest."""
    names = [sentry_harness.inject(CHARGE, "off").name for _ in range(2)]
    assert names == ["charge", "charge-2"]
    assert [fault.name for fault in sentry_harness.faults] == names
    with pytest.raises(UsageError, match="a fault named 'charge' was injected before"):
        sentry_harness.inject(CHARGE, "off", name="charge")
    with pytest.raises(UsageError, match="did you mean 'charge'"):
        sentry_harness.explain("chage")


def test_an_unknown_fault_without_any_is_refused(sentry_harness: SentryHarness) -> None:
    """The hint fits when nothing was injected."""
    with pytest.raises(UsageError, match="inject it first"):
        sentry_harness.assert_captured("charge")


class Mail(Transport):
    """A transport of the application's own, that must not be called."""

    def capture_envelope(self, envelope: Any) -> None:
        raise AssertionError("an event has left")


class Careful(HttpTransport):
    """An HTTP transport of the application's own: it stays at work, up to the request."""

    seen = 0

    def capture_envelope(self, envelope: Any) -> None:
        type(self).seen += 1
        super().capture_envelope(envelope)

    def _request(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("an event has left")


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({"transport": Mail}, "Mail was not called, since nobody knows where it sends to"),
        ({"transport": Mail()}, "Mail was not called"),
        ({"dsn": REAL, "_experiments": {"transport_async": True}}, "the threaded one stood in for it"),
        ({"dsn": REAL, "spotlight": True}, ""),
        ({"dsn": "", "spotlight": "http://127.0.0.1:9/stream"}, ""),
        ({"dsn": REAL, "transport": Careful}, ""),
        ({"dsn": REAL, "_experiments": {"transport_http2": True}}, ""),
    ],
    ids=["class", "instance", "async", "spotlight", "spotlight-url", "http-subclass", "http2"],
)
def test_no_way_out_is_open(
    sentry_harness: SentryHarness, network: list[object], options: dict[str, Any], note: str
) -> None:
    """Whatever transport the application asks for, the event ends in the test."""
    sentry_sdk.init(**options)
    sentry_sdk.capture_exception(ValueError("x"))
    assert len(sentry_harness.events) == 1
    assert note in sentry_harness.explain()


def test_a_subclass_of_the_http_transport_stays_at_work(sentry_harness: SentryHarness) -> None:
    """Only its request is replaced."""
    before = Careful.seen
    sentry_sdk.init(dsn=REAL, transport=Careful)
    sentry_sdk.capture_exception(ValueError("x"))
    assert len(sentry_harness.events) == 1
    assert Careful.seen > before


@pytest.fixture
def kept_aside() -> Iterator[sentry_sdk.Client]:
    """A client of the application that no scope knows of, made before the harness."""
    client = sentry_sdk.Client(dsn=REAL)
    yield client
    client.close(timeout=0)


def test_a_client_kept_aside_is_diverted(
    kept_aside: sentry_sdk.Client, sentry_harness: SentryHarness, network: list[object]
) -> None:
    """Its own transport gets nothing, whether the client is bound to a scope or not."""
    own = kept_aside.transport
    kept_aside.capture_event({"message": "unbound"})
    with sentry_sdk.new_scope() as scope:
        scope.set_client(kept_aside)
        sentry_sdk.capture_message("bound")
        scope.set_client(None)
    assert {event["message"] for event in sentry_harness.events} == {"unbound", "bound"}
    assert kept_aside.transport is not own


def test_the_dsn_of_the_environment_is_the_tests(
    sentry_harness: SentryHarness, network: list[object]
) -> None:
    """Code that looks for SENTRY_DSN finds one that leads nowhere, with the label of an organisation when it had one."""
    assert HOST in os.environ["SENTRY_DSN"]
    sentry_sdk.init()
    assert sentry_sdk.get_client().dsn == os.environ["SENTRY_DSN"]
    sentry_sdk.init(dsn=REAL)
    assert f"@o12.{HOST}/" in str(sentry_sdk.get_client().dsn)


def test_a_malformed_envelope_is_refused_as_by_a_server(sentry_harness: SentryHarness) -> None:
    """The inbox answers with the status of the protocol, and the SDK counts the loss."""
    sentry_sdk.init()
    transport: Any = sentry_sdk.get_client().transport
    assert transport._request("POST", None, b"not an envelope", {}).status == 400
    assert "arrived: 1 unreadable" in sentry_harness.explain()


@pytest.mark.parametrize("at", ["json:loads", "builtins:len", "time:time"])
def test_what_the_harness_depends_on_is_refused(sentry_harness: SentryHarness, at: str) -> None:
    """A fault there would fire in the harness itself."""
    with pytest.raises(
        InjectionError, match="the agent itself depends on it; choose a function of the application"
    ):
        sentry_harness.inject(at, "raise(ValueError)")


def test_other_libraries_can_be_armed(sentry_harness: SentryHarness) -> None:
    """A library function is as good a place as one of the application, and the harness does not meet it."""
    sentry_sdk.init()
    sentry_sdk.capture_message("hello")
    with sentry_harness.inject("base64:b64decode", "raise(ValueError)"):
        assert [event["message"] for event in sentry_harness.events] == ["hello"]
    assert sentry_harness.outcomes() == ()


def test_many_ways_to_get_lost_are_cut_short(sentry_harness: SentryHarness) -> None:
    """The explanation stays readable: twenty kinds, and how many more there are."""
    sentry_sdk.init()
    sentry_harness.inject(CHARGE, "raise(TimeoutError)")
    for number in range(22):
        code = f"try:\n    shop.charge(1)\nexcept TimeoutError:\n    x = {number}\n"
        exec(compile("\n" * number + code, "many.py", "exec"), {"shop": shop})
    assert "  and 2 other outcomes" in sentry_harness.explain()


def test_a_firing_that_could_not_be_is_told(sentry_harness: SentryHarness) -> None:
    """What kept a fault from firing stands under it."""
    sentry_sdk.init()
    sentry_harness.inject(CHARGE, "raise(tests.pytest_plugin.shop.Fussy)")
    shop.Fussy.patience = 0
    try:
        assert shop.checkout() == 1
    finally:
        shop.Fussy.patience = 1
    text = sentry_harness.explain()
    assert f"never fired: {CHARGE} was not called" not in text
    assert "did not fire: " in text
    assert "Fussy() cannot be built: RuntimeError: enough" in text


def test_a_client_closed_by_the_application_stays_closed(sentry_harness: SentryHarness) -> None:
    """Closing is the application's affair; the harness copes."""
    sentry_sdk.init()
    sentry_sdk.capture_message("last words")
    sentry_sdk.get_client().close()
    sentry_sdk.capture_message("unheard")
    assert [event["message"] for event in sentry_harness.events] == ["last words"]
