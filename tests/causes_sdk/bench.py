"""An armed function, a watch over a real SDK that sends to a real server, and what they recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.dedupe import DedupeIntegration

from pytest_sentry_harness.injection.injector import Injector
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.injection.sdk_watch.watch import SdkWatch
from pytest_sentry_harness.model.arming import ArmedFault
from pytest_sentry_harness.model.ledger import SdkDropped

from ..injection.tools import Sink


def work() -> None:
    """The fault point."""


class Bench:
    """The function above fails whenever it is called; ``recorder`` has what the watch says about that."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.recorder = MemoryRecorder()
        self.injector = Injector(self.recorder)
        self.watch = SdkWatch(self.recorder, self.injector.exceptions, hosts=["127.0.0.1"])

    def init(self, **options: Any) -> None:
        """Initialise the SDK with nothing but deduplication, and ``options``."""
        given = {
            "dsn": self.sink.dsn,
            "default_integrations": False,
            "auto_enabling_integrations": False,
            "integrations": [DedupeIntegration()],
            "shutdown_timeout": 0,
            **options,
        }
        sentry_sdk.init(**given)

    def fail(self, report: Callable[[BaseException], Any] = sentry_sdk.capture_exception) -> None:
        """Meet the fault and report it."""
        try:
            work()
        except ValueError as error:
            report(error)

    def dropped(self) -> SdkDropped:
        """The one drop."""
        (dropped,) = self.recorder.records(SdkDropped)
        return dropped


@contextmanager
def benched(sink: Sink, do: str = "raise(ValueError('v'))") -> Iterator[Bench]:
    """A bench, and everything as it was afterwards."""
    bench = Bench(sink)
    bench.injector.arm(ArmedFault(name="f", at=f"{__name__}:work", do=do, select="call"))
    bench.watch.install()
    scope = sentry_sdk.get_global_scope()
    # Plugins of the test runner that report to Sentry have processors of their own.
    processors: list[Any] = vars(sentry_sdk.scope)["global_event_processors"]
    others = [each for each in processors if not each.__module__.startswith("sentry_sdk.")]
    processors[:] = [each for each in processors if each not in others]
    try:
        with sentry_sdk.isolation_scope():
            yield bench
    finally:
        sentry_sdk.get_client().close(timeout=0)
        scope.set_client(None)
        scope._event_processors.clear()
        processors += others
        bench.watch.uninstall()
        bench.injector.disarm()
