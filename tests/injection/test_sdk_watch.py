"""The watch over a real Sentry SDK that sends to a real local server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import Transport

from pytest_sentry_harness.injection.injector import Injector
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.injection.sdk_watch import describe
from pytest_sentry_harness.injection.sdk_watch.patches import Patches
from pytest_sentry_harness.injection.sdk_watch.watch import SdkWatch
from pytest_sentry_harness.model.arming import ArmedFault
from pytest_sentry_harness.model.ledger import Note, SdkDiscarded, SdkDropped, SdkInit, SdkPending, SdkSaw

from . import sample
from .tools import Sink

HERE = __file__
NOTHING = "which returns nothing on any path"


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


class Bench:
    """An armed function, a watch, and what they recorded."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.recorder = MemoryRecorder()
        self.injector = Injector(self.recorder)
        self.environments: list[str] = []
        self.watch = SdkWatch(
            self.recorder,
            self.injector.exceptions,
            hosts=["127.0.0.1"],
            on_environment=self.environments.append,
        )

    def init(self, **options: Any) -> None:
        given = {
            "dsn": self.sink.dsn,
            "default_integrations": False,
            "auto_enabling_integrations": False,
            "integrations": [DedupeIntegration()],
            "shutdown_timeout": 0,
            **options,
        }
        sentry_sdk.init(**given)

    def fail(self, capture: Callable[[BaseException], Any] = sentry_sdk.capture_exception) -> None:
        try:
            sample.plain(1, c=1)
        except ValueError as error:
            capture(error)

    def dropped(self) -> SdkDropped:
        (dropped,) = self.recorder.records(SdkDropped)
        (saw,) = self.recorder.records(SdkSaw)
        assert saw.event_id is None
        assert saw.fault_ids == dropped.fault_ids == ("f-000000",)
        return dropped


@pytest.fixture
def bench(sink: Sink) -> Iterator[Bench]:
    sink.status = 200
    scope = sentry_sdk.get_global_scope()
    bench = Bench(sink)
    bench.injector.arm(
        ArmedFault(name="f", at=f"{sample.__name__}:plain", do="raise(ValueError('v'))", select="call")
    )
    bench.watch.install()
    try:
        with sentry_sdk.isolation_scope():
            yield bench
    finally:
        sentry_sdk.get_client().close(timeout=0)
        scope.set_client(None)
        bench.watch.uninstall()
        bench.injector.disarm()


def unlike_an_event(event: Any, hint: Any) -> Any:
    return {**event, "contexts": 7}


def drop_all(event: Any, hint: Any) -> None:
    return None


def break_down(event: Any, hint: Any) -> Any:
    return event["no such key"]


def keep_none(event: Any, hint: Any) -> float:
    return 0.0


def line(function: Any) -> int:
    number: int = function.__code__.co_firstlineno
    return number


def test_an_event_that_is_sent_on(bench: Bench) -> None:
    """With the id it was handed on under, how it was captured, and the exceptions in its chain."""
    bench.init()
    bench.fail()
    bench.fail(lambda error: wrapped_capture(error))
    sentry_sdk.capture_message("no fault in this one")
    sentry_sdk.flush(10)
    first, second = bench.recorder.records(SdkSaw)
    assert (first.fault_ids, first.mechanism, first.handled) == (("f-000000",), "generic", True)
    assert len(first.event_id or "") == 32
    assert second.fault_ids == ("f-000001",)
    assert bench.recorder.records(SdkDropped) == []


def wrapped_capture(error: BaseException) -> None:
    try:
        raise KeyError("other") from error
    except KeyError as other:
        sentry_sdk.capture_exception(other)


def test_captured_by_an_integration(bench: Bench) -> None:
    """The logging integration captures what is logged with a traceback."""
    bench.init(integrations=[LoggingIntegration()])
    bench.fail(lambda error: logging.getLogger("shop").exception("failed"))
    (saw,) = bench.recorder.records(SdkSaw)
    assert saw.mechanism == "logging"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, {"stage": "inactive", "reason": "not_initialised"}),
        (
            {"dsn": None},
            {"stage": "inactive", "reason": "no_dsn", "culprit": "sentry_sdk.init without a DSN"},
        ),
        (
            {"ignore_errors": ["KeyError", "ValueError"]},
            {"stage": "ignore_errors", "reason": "ignored", "culprit": "ignore_errors=ValueError"},
        ),
        (
            {"ignore_errors": [KeyError, Exception]},
            {"stage": "ignore_errors", "reason": "ignored", "culprit": "ignore_errors=builtins.Exception"},
        ),
        (
            {"before_send": drop_all},
            {
                "stage": "before_send",
                "reason": "before_send",
                "culprit": f"before_send={__name__}.drop_all, {NOTHING}",
            },
        ),
        (
            {"before_send": break_down},
            {
                "stage": "before_send",
                "reason": "callback_error",
                "culprit": f"before_send={__name__}.break_down",
                "error": "KeyError: 'no such key'",
            },
        ),
        ({"sample_rate": 0.0}, {"stage": "sampling", "reason": "sample_rate", "culprit": "sample_rate=0.0"}),
        (
            {"error_sampler": keep_none},
            {"stage": "sampling", "reason": "sample_rate", "culprit": f"error_sampler={__name__}.keep_none"},
        ),
    ],
    ids=[
        "no init",
        "no dsn",
        "ignored by name",
        "ignored by class",
        "before_send",
        "broken",
        "rate",
        "sampler",
    ],
)
def test_every_drop_has_a_culprit(
    bench: Bench, options: dict[str, Any] | None, expected: dict[str, str]
) -> None:
    """Stage, the SDK's own reason, and who decided."""
    if options is not None:
        bench.init(**options)
    bench.fail()
    dropped = bench.dropped()
    assert {name: getattr(dropped, name) for name in expected} == expected


@pytest.mark.parametrize(("hook", "ahead"), [(drop_all, 0), (break_down, 1)])
def test_the_place_of_a_hook(bench: Bench, hook: Any, ahead: int) -> None:
    """Where it is defined, or the very line that raised."""
    bench.init(before_send=hook)
    bench.fail()
    place = bench.dropped().place
    assert place is not None
    assert (place.file, place.line, place.function) == (HERE, line(hook) + ahead, hook.__name__)


def test_event_processors(bench: Bench) -> None:
    """By name and place; one that raises drops nothing."""
    bench.init()
    sentry_sdk.get_isolation_scope().add_event_processor(break_down)
    sentry_sdk.get_isolation_scope().add_event_processor(drop_all)
    bench.fail()
    dropped = bench.dropped()
    assert (dropped.stage, dropped.reason) == ("event_processor", "event_processor")
    assert dropped.culprit == f"event_processor={__name__}.drop_all, {NOTHING}"
    assert dropped.place is not None
    assert dropped.place.line == line(drop_all)
    (discarded,) = bench.recorder.records(SdkDiscarded)
    assert (discarded.reason, discarded.category) == ("event_processor", "error")
    assert discarded.event_id == dropped.event_id


def test_deduplication(bench: Bench) -> None:
    """The same exception object captured twice in a row."""
    bench.init()
    bench.fail(lambda error: [sentry_sdk.capture_exception(error) for _ in range(2)])
    (dropped,) = bench.recorder.records(SdkDropped)
    assert (dropped.stage, dropped.reason) == ("dedupe", "event_processor")
    assert "DedupeIntegration" in dropped.culprit


def test_captures_within_the_pipeline_are_unknown(bench: Bench) -> None:
    """The SDK refuses events from within its own processing."""
    bench.init()
    scope = sentry_sdk.Scope()
    scope._should_capture = False
    bench.fail(lambda error: sentry_sdk.get_client().capture_event(*described(error), scope=scope))
    assert bench.dropped().stage == "unknown"


def described(error: BaseException) -> tuple[Any, Any]:
    return {}, {"exc_info": (type(error), error, error.__traceback__)}


@pytest.mark.parametrize(
    ("status", "reason", "detail"), [(503, "network_error", "HTTP 503"), (413, "send_error", "HTTP 413")]
)
def test_what_the_transport_discards(bench: Bench, status: int, reason: str, detail: str) -> None:
    """With the event's id and the status."""
    bench.sink.status = status
    bench.init()
    bench.fail()
    sentry_sdk.flush(10)
    (saw,) = bench.recorder.records(SdkSaw)
    discarded = next(record for record in bench.recorder.records(SdkDiscarded) if record.category == "error")
    assert (discarded.event_id, discarded.detail) == (saw.event_id, detail)
    assert discarded.reason in (reason, "network_error")  # older SDKs have one reason for both


def test_refused_connections_and_rate_limits(bench: Bench) -> None:
    """The error in words; and what is held back after a 429."""
    bench.init(dsn="http://key@127.0.0.1:1/1")
    bench.fail()
    sentry_sdk.flush(20)
    refused = bench.recorder.records(SdkDiscarded)[0]
    assert refused.reason == "network_error"
    assert "refused" in refused.detail
    bench.sink.status = 429
    bench.init()
    bench.fail()
    sentry_sdk.flush(10)
    bench.fail()
    sentry_sdk.flush(10)
    held = [record for record in bench.recorder.records(SdkDiscarded) if record.reason == "ratelimit_backoff"]
    assert held[0].event_id == bench.recorder.records(SdkSaw)[-1].event_id


def test_a_full_queue(bench: Bench) -> None:
    """Every overflow with its event id; what waits is told when it changes."""
    busy, go_on = threading.Event(), threading.Event()
    bench.init(transport_queue_size=1)
    transport = sentry_sdk.get_client().transport
    assert transport is not None
    transport._worker.submit(lambda: (busy.set(), go_on.wait(60)))  # type: ignore[attr-defined]
    try:
        assert busy.wait(60)
        for _ in range(4):
            bench.fail()
        bench.watch.record_pending()
        bench.watch.record_pending()
        (pending,) = bench.recorder.records(SdkPending)
        assert pending.queued >= 1
    finally:
        go_on.set()
    lost = [
        record.event_id
        for record in bench.recorder.records(SdkDiscarded)
        if record.reason == "queue_overflow"
    ]
    assert len(lost) >= 2
    assert set(lost) <= {record.event_id for record in bench.recorder.records(SdkSaw)}


def five(event: Any, hint: Any) -> Any:
    return 5


def bare(event: Any, hint: Any) -> Any:
    return {"message": "m"}


@pytest.mark.parametrize("hook", [five, bare, unlike_an_event])
def test_an_sdk_that_fails_over_what_a_hook_returned(bench: Bench, hook: Any) -> None:
    """The hook is the culprit; the SDK raises as it would without the watch."""
    bench.init(before_send=hook)
    bench.fail(lambda error: failing_capture(error))
    dropped = bench.dropped()
    assert (dropped.stage, dropped.reason) == ("before_send", "internal_sdk_error")
    assert dropped.culprit == f"before_send={__name__}.{hook.__name__}"
    assert dropped.place is not None
    assert (dropped.place.file, dropped.place.line) == (HERE, line(hook))
    assert (dropped.error or "").startswith(
        ("AttributeError: 'int' object", "TypeError: ", "KeyError: 'event_id'")
    )
    assert len(dropped.event_id or "") == 32


def failing_capture(error: BaseException) -> None:
    with pytest.raises((AttributeError, TypeError, KeyError)):
        sentry_sdk.get_client().capture_event(*described(error))


def test_an_sdk_that_fails_by_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No hook and no transport of the application's own is to blame."""

    def broken(envelope: Any, event: Any) -> None:
        raise KeyError("broken")

    bench.init(before_send=lambda event, hint: event)
    monkeypatch.setattr(sentry_sdk.envelope.Envelope, "add_event", broken)
    bench.fail(lambda error: failing_capture(error))
    dropped = bench.dropped()
    assert (dropped.stage, dropped.reason) == ("unknown", "internal_sdk_error")
    assert (dropped.culprit, dropped.error) == ("the SDK failed", "KeyError: 'broken'")


OTHER_ID = "0123456789abcdef0123456789abcdef"


def rename(event: Any, hint: Any) -> Any:
    event["event_id"] = OTHER_ID
    return event


@pytest.mark.parametrize("by", ["before_send", "processor"])
def test_an_event_that_is_given_another_id(bench: Bench, by: str) -> None:
    """It goes by the id that is sent; so does what becomes of it."""
    bench.sink.status = 413
    bench.init(before_send=rename if by == "before_send" else None)
    if by == "processor":
        sentry_sdk.get_isolation_scope().add_event_processor(rename)
    bench.fail()
    sentry_sdk.flush(10)
    (saw,) = bench.recorder.records(SdkSaw)
    discarded = next(record for record in bench.recorder.records(SdkDiscarded) if record.category == "error")
    assert saw.event_id == discarded.event_id == OTHER_ID


def test_a_drop_after_the_id_has_changed(bench: Bench) -> None:
    """Sampling comes after ``before_send``."""
    bench.init(before_send=rename, sample_rate=0.0)
    bench.fail()
    (discarded,) = bench.recorder.records(SdkDiscarded)
    assert bench.dropped().event_id == discarded.event_id == OTHER_ID


def test_the_options_in_force(bench: Bench) -> None:
    """As plain values; callables by name and place; no key; and who called init."""
    bench.init(before_send=drop_all, release="1.2.3", environment="production", ignore_errors=[KeyError])
    (init,) = bench.recorder.records(SdkInit)
    assert (init.version, init.active) == (sentry_sdk.VERSION, True)
    assert init.dsn == bench.sink.dsn.replace("publickey", "***")
    assert "publickey" not in repr(init)
    assert init.options["before_send"] == f"{__name__}.drop_all ({HERE}:{line(drop_all)})"
    assert (init.options["release"], init.options["ignore_errors"]) == ("1.2.3", ["builtins.KeyError"])
    assert init.options["transport_queue_size"] == 100
    assert "dedupe" in init.integrations
    assert init.place is not None
    assert (init.place.file, init.place.function) == (HERE, "Bench.init")
    assert bench.environments == ["production"]


def test_an_init_that_fails_is_noted(bench: Bench) -> None:
    """And raised as before."""
    with pytest.raises(sentry_sdk.utils.BadDsn):
        bench.init(dsn="http://127.0.0.1/1")
    (note,) = bench.recorder.records(Note)
    assert note.text == "sentry_sdk could not be initialised: BadDsn: Missing public key"


@pytest.mark.parametrize("own", [False, True])
def test_a_foreign_dsn_is_cut_off(bench: Bench, own: bool) -> None:
    """Also with a transport of the application's own."""
    sent: list[Any] = []

    class Own(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            sent.append(envelope)

    bench.init(dsn="http://key@sentry.invalid/1", **({"transport": Own} if own else {}))
    bench.fail()
    sentry_sdk.flush(1)
    assert sent == []
    (note,) = bench.recorder.records(Note)
    assert note.level == "error"
    assert "'sentry.invalid', which this run may not send to" in note.text
    assert "add the host to hosts under [safety]" in note.text
    assert bench.recorder.records(SdkDiscarded) == []


def test_a_client_that_is_there_already(sink: Sink) -> None:
    """Installed late, the watch takes over the present client; uninstalled, nothing of it is left."""
    untouched = {name: vars(sentry_sdk.client._Client)[name] for name in ("__init__", "capture_event")}
    bench = Bench(sink)
    bench.init()
    transport = sentry_sdk.get_client().transport
    before = dict(vars(transport))
    bench.watch.install()
    assert len(bench.recorder.records(SdkInit)) == 1
    assert vars(sentry_sdk.client._Client)["capture_event"] is not untouched["capture_event"]
    bench.watch.uninstall()
    assert vars(transport).keys() == before.keys()
    assert {name: vars(sentry_sdk.client._Client)[name] for name in untouched} == untouched
    sentry_sdk.get_global_scope().set_client(None)
    bench.watch.record_pending()


def test_internals_that_are_not_as_expected(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch steps aside and says so; the rest of it works."""
    bench.watch.uninstall()
    monkeypatch.delattr(sentry_sdk.client._Client, "_should_sample_error")
    monkeypatch.delattr(sentry_sdk.scope.Scope, "_drop")
    bench.watch.install()
    notes = [note.text for note in bench.recorder.records(Note)]
    assert len(notes) == 2
    assert {note.level for note in bench.recorder.records(Note)} == {"info"}
    assert notes[0].startswith(
        f"the watcher steps aside: event processors of sentry_sdk {sentry_sdk.VERSION}"
    )
    assert "_drop" in notes[0]
    bench.watch.uninstall()


def test_a_client_that_cannot_be_watched_is_a_warning(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDK was handed is not known then."""
    bench.watch.uninstall()
    monkeypatch.delattr(sentry_sdk.client._Client, "capture_event")
    monkeypatch.delattr(sentry_sdk.client.BaseClient, "capture_event")
    bench.watch.install()
    notes = bench.recorder.records(Note)
    assert [note.level for note in notes] == ["warning", "info"]
    bench.watch.uninstall()


def test_a_stumbling_watch_is_not_noticed(bench: Bench) -> None:
    """What it cannot read it leaves; said once."""
    bench.init()
    client = sentry_sdk.get_client()
    for _ in range(2):
        assert client.capture_event({"message": "m"}, {"exc_info": (ValueError,)}) is not None
    (note,) = bench.recorder.records(Note)
    assert note.level == "error"
    assert note.text.startswith("the watcher stumbled in Pipeline._ids: IndexError")


class Hook:
    def __call__(self, event: Any, hint: Any) -> None:
        return None

    def method(self, event: Any, hint: Any) -> None:
        return None


def test_callables_of_every_kind_have_names_and_places() -> None:
    """Functions, methods, partials, objects, built-ins."""
    import functools

    assert describe.name_of(functools.partial(drop_all, 1)) == f"{__name__}.drop_all"
    assert describe.name_of(Hook().method) == f"{__name__}.Hook.method"
    assert describe.name_of(Hook()) == f"{__name__}.Hook"
    assert describe.place_of(Hook()) is not None
    assert describe.place_of(len) is None
    assert describe.plain(len) == "builtins.len"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (0.5, 0.5),
        (float("nan"), "nan"),
        ({1}, [1]),
        ("x" * 400, "x" * 300),
        (Hook, f"{__name__}.Hook"),
        (3 + 4j, "<builtins.complex>"),
    ],
)
def test_option_values_are_plain(value: Any, expected: Any) -> None:
    """As JSON can hold them."""
    assert describe.plain(value) == expected


def test_dsns_are_redacted() -> None:
    """Keys never reach the ledger, whatever is wrong with the DSN."""
    assert (
        describe.redacted_dsn("https://k:s@o1.ingest.example.com/7") == "https://***@o1.ingest.example.com/7"
    )
    assert describe.redacted_dsn("http://k@[::1/7") == "***"
    assert describe.redacted_dsn(None) is None
    assert describe.dsn_host("http://k@[::1/7") == ""
    assert describe.raised_at(ValueError()) is None


def test_patches_leave_alone_what_changed_since() -> None:
    """And what has gone away."""

    class Owner:
        value = 1

    patches = Patches()
    patches.wrap(Owner, "value", lambda old: old + 1)
    short_lived = Owner()
    patches.wrap(short_lived, "value", lambda old: old + 1)
    assert short_lived.value == 3
    del short_lived
    Owner.value = 7
    patches.undo()
    assert Owner.value == 7
    with pytest.raises(AttributeError):
        patches.wrap(Owner, "nothing", lambda old: old)
