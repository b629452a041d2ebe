"""The watch over a real SDK: hooks that spoil events, reports the SDK cannot make, log lines, handlers."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import flask
import pytest
import sentry_sdk
from sentry_sdk.integrations import DidNotEnable, Integration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger, unignore_logger
from sentry_sdk.integrations.starlette import StarletteIntegration
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pytest_sentry_harness.injection.sdk_watch import describe
from pytest_sentry_harness.model.ledger import Handled, Logged, Note, SdkDropped, SdkInit, SdkSaw

from ..injection.tools import Sink
from .bench import Bench, benched, work

logger = logging.getLogger("shop.orders")


# ---- hooks ---------------------------------------------------------------------------------------


def to_text(event: Any, hint: Any) -> Any:
    return "text"


def also_to_text(event: Any, hint: Any) -> Any:
    return event if event.get("level") == "debug" else "text"


def breaks(event: Any, hint: Any) -> Any:
    raise KeyError("nothing is lost by that")


def sometimes(event: Any, hint: Any) -> Any:
    if event.get("level") == "debug":
        return event
    return None


def test_a_processor_that_returns_no_event(bench: Bench) -> None:
    """It is named, not the SDK that fails over what it returned."""
    bench.init()
    sentry_sdk.get_isolation_scope().add_event_processor(to_text)
    bench.fail()
    dropped = bench.dropped()
    assert (dropped.stage, dropped.reason) == ("event_processor", "internal_sdk_error")
    assert dropped.culprit == f"event_processor={__name__}.to_text"
    assert dropped.place is not None
    assert dropped.place.function == "to_text"


def test_which_of_two_processors_it_was_is_not_guessed(bench: Bench) -> None:
    """Both are named, and no place."""
    bench.init()
    sentry_sdk.get_global_scope().add_event_processor(also_to_text)
    sentry_sdk.get_isolation_scope().add_event_processor(to_text)
    bench.fail()
    dropped = bench.dropped()
    assert dropped.culprit == f"event_processor={__name__}.also_to_text or event_processor={__name__}.to_text"
    assert dropped.place is None


def test_a_processor_that_raises_loses_nothing(bench: Bench) -> None:
    """The SDK keeps the event."""
    bench.init()
    sentry_sdk.get_isolation_scope().add_event_processor(breaks)
    bench.fail()
    (saw,) = bench.recorder.records(SdkSaw)
    assert saw.event_id is not None
    assert bench.recorder.records(SdkDropped) == []


def test_a_hook_that_returns_something_on_some_path_is_not_said_to_forget(bench: Bench) -> None:
    """Only what never returns anything is."""
    bench.init(before_send=sometimes)
    bench.fail()
    assert bench.dropped().culprit == f"before_send={__name__}.sometimes"


def test_the_type_that_was_reported(bench: Bench) -> None:
    """The injected exception, or the one that holds it; and the logger."""
    bench.init(integrations=[LoggingIntegration()])
    bench.fail(wrap_and_report)
    bench.fail(lambda error: logger.error("failed", exc_info=error))
    first, second = bench.recorder.records(SdkSaw)
    assert (first.exception, first.logger) == ("LookupError", "")
    assert (second.exception, second.logger, second.mechanism) == ("ValueError", "shop.orders", "logging")


def wrap_and_report(error: BaseException) -> None:
    try:
        raise LookupError("wrapped") from error
    except LookupError as other:
        sentry_sdk.capture_exception(other)


class Secretive(Exception):
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("do not ask")


def test_a_report_that_the_sdk_cannot_make(sink: Sink) -> None:
    """It fails over the exception itself, and the application gets to feel it."""
    with benched(sink, f"raise({__name__}.Secretive)") as bench:
        bench.init()
        with pytest.raises(RuntimeError, match="do not ask"):
            try:
                work()
            except Secretive as error:
                sentry_sdk.capture_exception(error)
        dropped = bench.dropped()
        assert (dropped.stage, dropped.reason, dropped.culprit) == (
            "unknown",
            "internal_sdk_error",
            "the SDK failed",
        )
        assert dropped.error == "RuntimeError: do not ask"
        assert dropped.place is not None
        assert dropped.place.function == "Secretive.__getattr__"


def test_trouble_with_a_breadcrumb_is_no_loss(bench: Bench) -> None:
    """The SDK's failures over other things are not charged to the exception that is being handled."""
    bench.init(integrations=[LoggingIntegration()], before_breadcrumb=breaks)
    bench.fail(lambda error: logger.warning("a breadcrumb"))
    assert bench.recorder.records(SdkDropped) == []


# ---- log lines -----------------------------------------------------------------------------------


def test_a_line_without_the_exception(bench: Bench) -> None:
    """Logged while it is handled: an event is made, and not of the exception."""
    bench.init(integrations=[LoggingIntegration()])
    bench.fail(lambda error: logger.error("failed: %s", error))
    (line,) = bench.recorder.records(Logged)
    assert (line.fault_ids, line.logger, line.level) == (("f-000000",), "shop.orders", "ERROR")
    assert (line.with_exception, line.unreported) == (False, "")
    assert line.place is not None
    assert line.place.file == __file__
    assert bench.recorder.records(SdkSaw) == []


@pytest.mark.parametrize(
    ("options", "unreported"),
    [
        ({"integrations": []}, "LoggingIntegration is off"),
        ({"integrations": [LoggingIntegration(event_level=None)]}, "LoggingIntegration(event_level=None)"),
        (
            {"integrations": [LoggingIntegration(event_level=logging.CRITICAL)]},
            "LoggingIntegration(event_level=CRITICAL)",
        ),
        ({"integrations": [LoggingIntegration()]}, ""),
    ],
)
def test_why_a_line_makes_no_event(bench: Bench, options: dict[str, Any], unreported: str) -> None:
    """The integration is off, or told to leave such lines alone."""
    bench.init(**options)
    bench.fail(lambda error: logger.exception("failed"))
    (line,) = bench.recorder.records(Logged)
    assert (line.with_exception, line.unreported) == (True, unreported)
    assert bool(bench.recorder.records(SdkSaw)) == (not unreported)


def test_a_logger_that_is_ignored(bench: Bench) -> None:
    """With the pattern it is ignored by."""
    bench.init(integrations=[LoggingIntegration()])
    ignore_logger("shop.*")
    try:
        bench.fail(lambda error: logger.exception("failed"))
    finally:
        unignore_logger("shop.*")
    (line,) = bench.recorder.records(Logged)
    assert line.unreported == "ignore_logger('shop.*')"


def test_lines_about_nothing_injected_are_not_recorded(bench: Bench) -> None:
    """Nor those below a warning, nor the SDK's own."""
    bench.init(integrations=[LoggingIntegration()])
    logger.error("just so")
    bench.fail(lambda error: logger.info("a detail: %s", error))
    bench.fail(lambda error: logging.getLogger("sentry_sdk.errors").error("about itself"))
    try:
        raise LookupError("of the application's own")
    except LookupError:
        logger.exception("not ours")
    assert bench.recorder.records(Logged) == []


# ---- handlers ------------------------------------------------------------------------------------


def sorry(request: Any, error: Exception) -> PlainTextResponse:
    return PlainTextResponse("sorry", status_code=500)


async def fails(request: Any) -> None:
    work()


async def unavailable(request: Any) -> None:
    try:
        work()
    except ValueError as error:
        raise HTTPException(503) from error


def serve(app: Starlette, path: str) -> int:
    """One request to ``app``, without a server; gives the status."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    asyncio.run(app(scope, receive, send))
    return statuses[0]


def routes() -> list[Route]:
    return [Route("/fails", fails), Route("/unavailable", unavailable)]


def test_starlette_gives_it_to_a_handler(bench: Bench) -> None:
    """Named by function and line."""
    bench.init()
    app = Starlette(routes=routes(), exception_handlers={ValueError: sorry})
    assert serve(app, "/fails") == 500
    (handled,) = bench.recorder.records(Handled)
    assert (handled.framework, handled.handler, handled.exception) == (
        "starlette",
        f"{__name__}.sorry",
        "ValueError",
    )
    assert handled.place is not None
    assert (handled.place.function, handled.status) == ("sorry", None)


def test_starlettes_own_handler_for_its_exceptions(bench: Bench) -> None:
    """The exception that was made of the fault is what was handled; its status is what it asks for."""
    bench.init()
    assert serve(Starlette(routes=routes()), "/unavailable") == 503
    (handled,) = bench.recorder.records(Handled)
    assert (handled.exception, handled.status) == ("HTTPException", 503)
    assert handled.handler.endswith("ExceptionMiddleware.http_exception")


def test_the_sdk_in_front_of_handlers_and_beside_those_for_a_status(bench: Bench) -> None:
    """It stands in front of handlers for classes, and the handler behind it is named; not of those for a status."""
    bench.init(integrations=[StarletteIntegration()])
    assert serve(Starlette(routes=routes(), exception_handlers={ValueError: sorry}), "/fails") == 500
    assert serve(Starlette(routes=routes(), exception_handlers={503: sorry}), "/unavailable") == 500
    between, beside = bench.recorder.records(Handled)
    assert (between.sdk, between.handler) == ("in place", f"{__name__}.sorry")
    assert (beside.sdk, beside.handler) == ("bypassed", f"{__name__}.sorry")


def test_flask_gives_it_to_a_handler(bench: Bench) -> None:
    """Or, without one, an HTTPException is the answer."""
    bench.init()
    app = flask.Flask("shop")
    app.add_url_rule("/fails", "fails", view)
    app.add_url_rule("/aborts", "aborts", aborts)
    app.register_error_handler(ValueError, lambda error: ("sorry", 500))
    client = app.test_client()
    assert client.get("/fails").status_code == 500
    assert client.get("/aborts").status_code == 503
    first, second = bench.recorder.records(Handled)
    assert (first.framework, first.exception, first.status) == ("flask", "ValueError", None)
    assert "test_flask_gives_it_to_a_handler" in first.handler
    assert (second.handler, second.exception, second.status) == ("", "ServiceUnavailable", 503)
    assert second.place is None


def view() -> str:
    work()
    return ""


def aborts() -> str:
    try:
        work()
    except ValueError:
        flask.abort(503)
    return ""


def test_flask_and_an_exception_that_answers_no_questions(sink: Sink) -> None:
    """The watch asks for its status, and neither the application nor the record suffers from the answer."""
    with benched(sink, f"raise({__name__}.Secretive)") as bench:
        bench.init()
        app = flask.Flask("shop")
        app.add_url_rule("/fails", "fails", view)
        app.register_error_handler(Secretive, lambda error: ("sorry", 500))
        assert app.test_client().get("/fails").status_code == 500
        (handled,) = bench.recorder.records(Handled)
        assert (handled.exception, handled.status) == ("Secretive", None)


def test_flask_without_a_handler_handles_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes on to the integration is not recorded here."""
    bench.init()
    app = flask.Flask("shop")
    app.add_url_rule("/fails", "fails", view)
    monkeypatch.setattr(app.logger, "disabled", True)
    assert app.test_client().get("/fails").status_code == 500
    assert bench.recorder.records(Handled) == []


def test_another_excepthook_at_the_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ended the program came to it; the SDK's own hook and Python's say nothing."""
    errors: list[BaseException] = []
    bench.init()
    bench.fail(errors.append)
    monkeypatch.setattr(sys, "last_value", errors[0], raising=False)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    bench.watch.at_exit()
    assert bench.recorder.records(Handled) == []
    monkeypatch.setattr(sys, "excepthook", say_sorry)
    bench.watch.at_exit()
    (handled,) = bench.recorder.records(Handled)
    assert (handled.framework, handled.handler, handled.sdk) == ("sys", f"{__name__}.say_sorry", "bypassed")


def say_sorry(*_: Any) -> None:
    """A hook of the application's own."""


# ---- the set-up ----------------------------------------------------------------------------------


class Refusing(Integration):
    identifier = "refusing"

    @staticmethod
    def setup_once() -> None:
        raise DidNotEnable("Integration only supports refusing 2 or newer.")


def test_integrations_that_refuse_are_recorded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """By identifier, with what they say; not those whose library is not installed."""
    from sentry_sdk import integrations

    def default_integrations(_auto: bool) -> Any:
        sentry_sdk.utils.logger.debug(
            "Did not import default integration %s: %s",
            "sentry_sdk.integrations.sanic.SanicIntegration",
            DidNotEnable("Sanic not installed"),
        )
        yield Refusing

    monkeypatch.setattr(integrations, "iter_default_integrations", default_integrations)
    bench.init(default_integrations=True)
    (init,) = bench.recorder.records(SdkInit)
    assert init.refused == {"refusing": "Integration only supports refusing 2 or newer."}


def test_options_of_integrations_and_the_mark_of_the_key(bench: Bench) -> None:
    """What decides which errors are reported; and DSNs differ by their key without showing it."""
    bench.init(
        integrations=[
            LoggingIntegration(event_level=None),
            StarletteIntegration(failed_request_status_codes={500, 501, 502, 504}),
        ],
        disabled_integrations=[StarletteIntegration],
    )
    bench.init(dsn=bench.sink.dsn.replace("publickey", "another"))
    first, second = bench.recorder.records(SdkInit)
    assert first.options["logging.event_level"] is None
    assert first.options["starlette.failed_request_status_codes"] == "500-502, 504"
    assert first.options["disabled_integrations"] == [
        "sentry_sdk.integrations.starlette.StarletteIntegration"
    ]
    assert first.dsn == second.dsn
    assert first.key != second.key
    assert "publickey" not in first.key


def test_a_forked_child_inherits_the_set_up(bench: Bench) -> None:
    """It says so in its own journal."""
    bench.watch.after_fork()
    assert bench.recorder.records(SdkInit) == []
    bench.init()
    bench.watch.after_fork()
    own, inherited = bench.recorder.records(SdkInit)
    assert (own.inherited, inherited.inherited) == (False, True)
    assert (own.key, own.place) == (inherited.key, inherited.place)


def test_the_main_program_goes_by_its_real_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """``python -m package.module`` calls it __main__, which tells nobody anything."""

    def hook() -> None: ...

    hook.__module__ = "__main__"
    hook.__qualname__ = "hook"
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    assert describe.name_of(hook) == "__main__.hook"
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", sys.modules["json"].__spec__)
    assert describe.name_of(hook) == "json.hook"


def test_status_codes_are_told_as_ranges() -> None:
    """A hundred of them would fill the report."""
    assert describe.ranges(frozenset(range(500, 600))) == "500-599"
    assert describe.ranges({404}) == "404"
    assert describe.ranges(set()) == ""


def test_hooks_whose_errors_cannot_be_shown(bench: Bench) -> None:
    """The type has to do."""
    bench.init(before_send=breaks_badly)
    bench.fail()
    assert bench.dropped().error == "UnshowableError: <str() raised RuntimeError>"


class UnshowableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def breaks_badly(event: Any, hint: Any) -> Any:
    raise UnshowableError


class BoobyTrapped(Exception):
    """Whatever it is asked for, it raises."""

    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no cause")

    @property
    def __context__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no context")

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("no class")


def test_an_exception_that_lays_traps_is_known_all_the_same(sink: Sink) -> None:
    """The SDK fails over it; the watch does not, and says that it was that."""
    with benched(sink, f"raise({__name__}.BoobyTrapped)") as bench:
        bench.init()
        try:
            work()
        except Exception as error:
            with pytest.raises(RuntimeError):
                sentry_sdk.capture_exception(error)
        assert bench.dropped().reason == "internal_sdk_error"
        assert bench.recorder.records(Note) == []
