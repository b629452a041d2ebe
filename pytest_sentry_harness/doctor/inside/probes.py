"""The harmless faults: one of each kind, through the SDK's public functions and its usual integrations."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ... import clock
from .notebook import Notebook

NAME = "sentry-harness-doctor"
"""Transaction, monitor and logger the probes go by."""
BURST = 50
LAST_WORDS = 5
LOGS_OFF = "enable_logs is off"
"""Why no log entry is sent: that is the SDK's default."""
_FLUSH_SECONDS = 10.0
_THREAD_SECONDS = 10.0


def load_points() -> ModuleType:
    """The module with the fault points, in ``sys.modules`` from now on."""
    name = "sentry_harness_probe"
    if name not in sys.modules:
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"there is no module at {path}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


class Probes:
    """Sends the probes of this process and notes each: its kind, when, and what the SDK answered."""

    def __init__(self, notebook: Notebook, points: Any) -> None:
        self._notebook = notebook
        self._points = points

    def send_all(self, sdk: Any) -> None:
        """One of each kind, then a burst, then flush."""
        for kind, send in (
            ("handled", self._handled),
            ("in_thread", self._in_thread),
            ("logged", self._logged),
            ("message", self._message),
            ("transaction", self._transaction),
            ("session", self._session),
            ("check_in", self._check_in),
            ("log", self._log),
        ):
            self._send(kind, sdk, send)
        self._send("burst", sdk, self._burst)
        self._flush(sdk)

    def last_words(self, sdk: Any) -> None:
        """Hand over some errors and return at once."""
        for _ in range(LAST_WORDS):
            with _fresh_trace(sdk):
                _capture(sdk, self._points.last_words)
        self._notebook.write("handed_over", count=LAST_WORDS)

    def _send(self, kind: str, sdk: Any, send: Callable[[Any], Any]) -> None:
        begun = clock.monotonic()
        try:
            with _fresh_trace(sdk):
                answer = send(sdk)
        except Exception as error:  # noqa: BLE001 - noted: the SDK, or what it calls, did not survive the probe
            self._notebook.write(
                "probe", kind=kind, begun=begun, error=f"{type(error).__name__}: {error}"[:300]
            )
            return
        skipped = answer if isinstance(answer, str) and kind == "log" else None
        self._notebook.write(
            "probe", kind=kind, begun=begun, answer=None if answer is None else str(answer), skipped=skipped
        )

    def _handled(self, sdk: Any) -> Any:
        return _capture(sdk, self._points.handled)

    def _in_thread(self, _sdk: Any) -> None:
        thread = threading.Thread(target=self._points.in_thread, name=NAME, daemon=True)
        # Hooks of the application for dying threads would take this one for their own.
        thread._invoke_excepthook = lambda *_: None  # type: ignore[attr-defined]
        thread.start()
        thread.join(_THREAD_SECONDS)

    def _logged(self, _sdk: Any) -> None:
        logger = logging.getLogger(NAME)
        logger.propagate = False  # the application's handlers may send mail
        logger.setLevel(logging.DEBUG)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        try:
            self._points.logged()
        except Exception:
            logger.exception("an error of sentry-harness doctor, logged on purpose")

    def _message(self, sdk: Any) -> Any:
        return sdk.capture_message("a message of sentry-harness doctor, sent on purpose", level="warning")

    def _transaction(self, sdk: Any) -> Any:
        transaction = sdk.start_transaction(op="sentry_harness.doctor", name=NAME, sampled=True)
        with transaction:
            pass
        return transaction.sampled

    def _session(self, sdk: Any) -> None:
        scope = sdk.get_isolation_scope()
        scope.start_session(session_mode="application")
        scope.end_session()

    def _check_in(self, sdk: Any) -> Any:
        from sentry_sdk.crons import capture_checkin

        return capture_checkin(monitor_slug=NAME, status="ok", duration=0.0)

    def _log(self, sdk: Any) -> Any:
        if not sdk.get_client().options.get("enable_logs"):
            return LOGS_OFF
        sdk.logger.warning("a log entry of sentry-harness doctor, sent on purpose")
        return None

    def _burst(self, sdk: Any) -> int:
        for _ in range(BURST):
            with _fresh_trace(sdk):
                _capture(sdk, self._points.burst)
        return BURST

    def _flush(self, sdk: Any) -> None:
        begun = clock.monotonic()
        sdk.flush(timeout=_FLUSH_SECONDS)
        self._notebook.write("flushed", seconds=clock.monotonic() - begun)


def _capture(sdk: Any, point: Callable[[], None]) -> Any:
    try:
        point()
    except Exception as error:  # noqa: BLE001 - this is the probe
        return sdk.capture_exception(error)
    return None


@contextmanager
def _fresh_trace(sdk: Any) -> Iterator[None]:
    """A scope and a trace of its own for each probe, as each request has."""
    with sdk.isolation_scope() as scope:
        scope.set_new_propagation_context()
        yield
