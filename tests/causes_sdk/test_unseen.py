"""Why the SDK was never handed a fault: by its exception's fate, by handlers and log lines, by the SDK's set-up."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_sentry_harness.model.account import LossClass, State
from pytest_sentry_harness.model.ledger import Fate, Fired, Handled, Logged, Place, SdkInit
from pytest_sentry_harness.reconcile.reconcile import reconcile
from pytest_sentry_harness.testing.builders import Story

APP = Place(file="/srv/shop/orders.py", line=12, function="save")
LINE = Place(file="/srv/shop/orders.py", line=14, function="save")
INIT = Place(file="/srv/shop/app.py", line=3)
STARLETTE = "/venv/site-packages/starlette/routing.py"
FLASK = "/venv/site-packages/flask/app.py"
UVICORN = "/venv/site-packages/uvicorn/protocols/http/h11_impl.py"
THREADING = "/usr/lib/python3.11/threading.py"
SDK_THREADING = "/venv/site-packages/sentry_sdk/integrations/threading.py"


class Told(Story):
    """A story of one fault that the SDK never saw."""

    def init(self, *integrations: str, **changes: Any) -> None:
        """The SDK is initialised."""
        fields = {
            "version": "2.75.0",
            "active": True,
            "dsn": "http://***@h/1",
            "key": "k",
            "integrations": integrations,
            "place": INIT,
        }
        self.add(SdkInit, **{**fields, **changes})

    def fires(self, number: int = 1, **changes: Any) -> str:
        """The fault fires, in the main thread if not said otherwise."""
        fields = {
            "fault_id": self.fault_id(number),
            "fault": self.fault,
            "point": "shop.orders:save",
            "effect": "raise",
            "term": "raise(TimeoutError)",
            "exception_type": "TimeoutError",
            "thread": "MainThread",
        }
        self.add(Fired, **{**fields, **changes})
        return self.fault_id(number)

    def ends(self, handling: str, place: Place | None, *files: str, alive: bool = False) -> None:
        """What became of its exception."""
        chain = tuple(Place(file=file, line=1) for file in files)
        self.add(Fate, fault_id=self.fault_id(1), handling=handling, place=place, chain=chain, alive=alive)

    def handled(self, **changes: Any) -> None:
        """A framework gave it to a handler."""
        fields = {
            "fault_ids": (self.fault_id(1),),
            "framework": "starlette",
            "handler": "shop.sorry",
            "exception": "OrderFailed",
            "place": LINE,
            "sdk": "in place",
        }
        self.add(Handled, **{**fields, **changes})

    def logged(self, **changes: Any) -> None:
        """Somebody logged something meanwhile."""
        fields = {
            "fault_ids": (self.fault_id(1),),
            "logger": "shop.orders",
            "level": "ERROR",
            "with_exception": False,
            "place": LINE,
        }
        self.add(Logged, **{**fields, **changes})

    def loss(self) -> LossClass:
        """The one loss."""
        self.goodbye()
        account = reconcile(self.records(), self.arrivals(), {}).account
        (loss,) = account.losses
        assert loss.state is State.EXPLAINED
        return loss


@pytest.fixture
def told() -> Told:
    story = Told()
    story.process()
    return story


def test_swallowed_where_it_was_caught(told: Told) -> None:
    """No handler, no log line: the place of the except is all there is."""
    told.init("logging")
    told.fires()
    told.ends("caught", APP)
    loss = told.loss()
    assert (loss.reason, loss.culprit, loss.place) == ("swallowed", "caught and never reported", APP)


def test_logged_without_the_exception(told: Told) -> None:
    """The log line is named, with the SDK's reason to make no event of it."""
    told.init("logging")
    told.fires()
    told.ends("caught", APP)
    told.logged(level="WARNING", unreported="LoggingIntegration(event_level=ERROR)")
    loss = told.loss()
    assert (loss.reason, loss.place) == ("logged_without_exception", LINE)
    assert loss.culprit == "logger shop.orders, WARNING: LoggingIntegration(event_level=ERROR)"


def test_a_line_that_carries_the_exception_tells_more(told: Told) -> None:
    """Of several lines the one with the exception counts."""
    told.init("logging")
    told.fires()
    told.ends("caught", APP)
    told.logged()
    told.logged(logger="shop.audit", with_exception=True, unreported="ignore_logger('shop.audit')")
    loss = told.loss()
    assert (loss.reason, loss.culprit) == (
        "logged_not_reported",
        "logger shop.audit, ERROR: ignore_logger('shop.audit')",
    )


@pytest.mark.parametrize("file", ["/venv/site-packages/urllib3/retry.py", "/usr/lib/python3.11/x.py"])
def test_what_a_library_logs_meanwhile_says_nothing(told: Told, file: str) -> None:
    """A warning of a library in the middle of an except block is not about the exception."""
    told.init("logging")
    told.fires()
    told.ends("caught", APP)
    told.logged(logger="urllib3", place=Place(file=file, line=1))
    assert told.loss().reason == "swallowed"


def test_a_future_keeps_its_exception(told: Told) -> None:
    """The code of the executor stopped it: it is in the future."""
    told.init("logging")
    told.fires()
    told.ends("caught", Place(file="/usr/lib/python3.11/concurrent/futures/thread.py", line=58))
    loss = told.loss()
    assert loss.reason == "swallowed"
    assert "a future whose result nobody asked for" in loss.culprit


def test_a_handler_of_the_application(told: Told) -> None:
    """Framework, exception and handler are named, and where the handler stands."""
    told.init("starlette")
    told.fires()
    told.ends("caught", None)
    told.handled()
    loss = told.loss()
    assert (loss.reason, loss.culprit, loss.place) == (
        "handled_by_framework",
        "starlette gave OrderFailed to shop.sorry",
        LINE,
    )


def test_a_status_that_the_integration_leaves_out(told: Told) -> None:
    """The integration stood in between, and its option left the status out."""
    told.init("starlette", options={"starlette.failed_request_status_codes": "500"})
    told.fires()
    told.ends("caught", None)
    told.handled(status=503)
    loss = told.loss()
    assert loss.culprit.startswith("failed_request_status_codes=500 leaves out 503: starlette gave")
    assert loss.place == INIT


def test_handlers_that_were_set_up_before_the_sdk(told: Told) -> None:
    """An integration that is on and in front of no handler came too late."""
    told.init("starlette")
    told.fires()
    told.ends("caught", None)
    told.handled(status=500, sdk="absent")
    loss = told.loss()
    assert (loss.reason, loss.culprit, loss.place) == (
        "late_init",
        "sentry_sdk.init ran after starlette had set up its handlers",
        INIT,
    )


def test_handlers_without_the_integration(told: Told) -> None:
    """An integration that is off is in front of no handler either: that is the cause then."""
    told.init("logging", options={"auto_enabling_integrations": False})
    told.fires()
    told.ends("caught", None)
    told.handled(status=500, sdk="absent")
    loss = told.loss()
    assert (loss.reason, loss.culprit) == (
        "integration_off",
        "auto_enabling_integrations=False, so without StarletteIntegration",
    )


def test_an_answer_by_itself(told: Told) -> None:
    """Without a handler the exception is the answer; what made it of the fault is the place."""
    told.init("flask")
    told.fires()
    told.ends("caught", APP)
    told.handled(
        framework="flask", handler="", exception="ServiceUnavailable", status=503, place=None, sdk=""
    )
    loss = told.loss()
    assert loss.culprit == "flask gave ServiceUnavailable, which is an answer by itself"
    assert loss.place == APP


def test_another_excepthook(told: Told) -> None:
    """The hook that took the place of the SDK's is named."""
    told.init("excepthook")
    told.fires()
    told.ends("escaped", None, "/srv/shop/app.py")
    told.handled(framework="sys", handler="shop.say_sorry", sdk="bypassed")
    loss = told.loss()
    assert (loss.reason, loss.place) == ("excepthook_replaced", LINE)
    assert loss.culprit == "sys.excepthook=shop.say_sorry, in place of the SDK's"


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ((UVICORN, STARLETTE, "/srv/shop/app.py"), "StarletteIntegration"),
        ((FLASK, "/srv/shop/app.py"), "FlaskIntegration"),
        ((THREADING, "/srv/shop/app.py"), "ThreadingIntegration"),
        (("/srv/shop/app.py",), "ExcepthookIntegration"),
    ],
)
def test_the_integration_that_is_off_is_named(told: Told, files: tuple[str, ...], name: str) -> None:
    """By the code that the exception passed, and the option that took the integration away."""
    told.init(options={"disabled_integrations": [f"sentry_sdk.integrations.x.{name}"]})
    told.fires(thread="MainThread" if name != "ThreadingIntegration" else "Thread-1")
    told.ends("escaped", None, *files)
    loss = told.loss()
    assert (loss.reason, loss.culprit, loss.place) == (
        "integration_off",
        f"disabled_integrations=[{name}]",
        INIT,
    )


def test_a_framework_that_stops_it_without_its_integration(told: Told) -> None:
    """Flask answers 500 by itself; the exception never leaves it."""
    told.init("logging", refused={"flask": "Integration only supports flask 1.1.4 or newer."})
    told.fires()
    told.ends("caught", Place(file=FLASK, line=1), FLASK, "/srv/shop/app.py")
    loss = told.loss()
    assert (loss.reason, loss.culprit) == (
        "integration_refused",
        "FlaskIntegration: Integration only supports flask 1.1.4 or newer.",
    )


def test_an_integration_that_an_earlier_call_disabled(told: Told) -> None:
    """Integrations are set up once in the life of a process."""
    earlier = Place(file="/srv/lib.py", line=9)
    told.init(options={"disabled_integrations": ["a.ThreadingIntegration"]}, place=earlier)
    told.init()
    told.fires(thread="Thread-1")
    told.ends("escaped", None, THREADING)
    loss = told.loss()
    assert (loss.reason, loss.place) == ("integration_off", earlier)


def test_a_thread_from_before_the_sdk(told: Told) -> None:
    """None of the integration's code was on the way, though it is on."""
    told.init("threading")
    told.fires(thread="Thread-1")
    told.ends("escaped", None, THREADING, "/srv/shop/app.py")
    loss = told.loss()
    assert (loss.reason, loss.culprit, loss.place) == (
        "late_init",
        "sentry_sdk.init ran after this thread had been started",
        INIT,
    )


def test_a_thread_that_the_integration_did_see(told: Told) -> None:
    """Then nothing is known of why it was not reported, and nothing is made up."""
    told.init("threading")
    told.fires(thread="Thread-1")
    told.ends("escaped", None, THREADING, SDK_THREADING, "/srv/shop/app.py")
    assert told.loss().reason == "not_seen_by_sdk"


def test_a_bare_application_under_a_server(told: Told) -> None:
    """Without a framework there is no integration; the middleware is missing."""
    told.init("logging")
    told.fires(thread="Thread-1")
    told.ends("escaped", None, UVICORN, "/srv/shop/app.py")
    loss = told.loss()
    assert loss.reason == "not_seen_by_sdk"
    assert loss.culprit.endswith("there is no SentryAsgiMiddleware around the application")


def test_no_exception_is_let_pass(told: Told) -> None:
    """SystemExit ends a thread, and integrations do not report it."""
    told.init("threading")
    told.fires(thread="Thread-1", exception_type="SystemExit", is_error=False)
    told.ends("escaped", None, THREADING)
    loss = told.loss()
    assert loss.reason == "base_exception"
    assert loss.culprit.startswith("SystemExit is no Exception")


def test_the_end_of_a_program_has_no_traceback_yet(told: Told) -> None:
    """A SystemExit on its way out of the program looks like one whose traceback was cleared."""
    told.init("excepthook")
    told.fires(exception_type="SystemExit", is_error=False)
    told.ends("caught", None)
    assert told.loss().reason == "base_exception"


def test_a_fault_before_the_first_init(told: Told) -> None:
    """It is not the fault of an integration that nothing was reported then."""
    told.fires()
    told.ends("escaped", None, "/srv/shop/app.py")
    told.init("excepthook")
    loss = told.loss()
    assert (loss.reason, loss.culprit, loss.place) == (
        "late_init",
        "sentry_sdk.init ran only after this had happened",
        INIT,
    )


def test_swallowed_before_the_first_init_is_swallowed(told: Told) -> None:
    """An earlier init would not have helped."""
    told.fires()
    told.ends("caught", APP)
    told.init("excepthook")
    assert told.loss().reason == "swallowed"


def test_no_dsn_is_said_before_anything_else(told: Told) -> None:
    """With the place of the call that had none."""
    told.init(active=False, dsn=None, key="")
    told.fires()
    told.ends("caught", APP)
    loss = told.loss()
    assert (loss.reason, loss.place) == ("no_dsn", INIT)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"pid": 1}, "ran in the parent process only"),
        ({"pid": 300, "parent_pid": 100}, "ran in a child process only"),
        ({"pid": 300, "parent_pid": 7}, "was never called"),
    ],
)
def test_where_else_the_sdk_was_initialised(other: dict[str, int], words: str) -> None:
    """The parent's or a child's call does not help this process, and is worth naming."""
    story = Told()
    story.process()
    story.fires()
    story.ends("escaped", None, "/srv/shop/app.py")
    story.goodbye()
    story.process(pid=other["pid"])
    hello = story._records[-1]
    if "parent_pid" in other:
        object.__setattr__(hello, "parent_pid", other["parent_pid"])
    story.init("logging")
    loss = story.loss()
    assert (loss.reason, loss.place is None) == ("not_initialised", words == "was never called")
    assert words in loss.culprit
