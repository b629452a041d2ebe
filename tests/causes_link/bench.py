"""A real SDK under the watch, a real server, and the account of what one sent to the other."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration

from pytest_sentry_harness.injection.injector import Injector
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.injection.sdk_watch.watch import SdkWatch
from pytest_sentry_harness.model.account import Account, LossClass, State
from pytest_sentry_harness.model.arming import ArmedFault
from pytest_sentry_harness.model.ledger import Goodbye, Hello, Record, SdkPending
from pytest_sentry_harness.reconcile.reconcile import reconcile
from pytest_sentry_harness.server.behaviour import Rule
from pytest_sentry_harness.server.client import EmbeddedServer, ServerClient
from pytest_sentry_harness.server.views import Project

DEADLINE = 60.0


def work(number: int) -> int:
    """The function under fault."""
    return number + 1


class Bench:
    """An armed function, the watch over the SDK, one project of a server."""

    def __init__(self, server: EmbeddedServer, client: ServerClient, project: Project) -> None:
        self.server, self.client, self.project = server, client, project
        self.recorder = MemoryRecorder()
        self.recorder.write(
            Hello,
            run_id="run",
            role="target",
            pid=os.getpid(),
            parent_pid=os.getppid(),
            argv=("app",),
            python="3",
            harness="0",
        )
        self.injector = Injector(self.recorder)
        self.watch = SdkWatch(self.recorder, self.injector.exceptions, hosts=["127.0.0.1", "no-such.invalid"])

    def init(self, **options: Any) -> None:
        given: dict[str, Any] = {
            "dsn": self.project.dsn,
            "default_integrations": False,
            "auto_enabling_integrations": False,
            "integrations": [DedupeIntegration(), AtexitIntegration(callback=lambda pending, timeout: None)],
            **options,
        }
        sentry_sdk.init(**given)

    def play(self, *rules: Rule) -> None:
        """The server behaves by ``rules`` from now on."""
        self.client.behave(self.project.project_id, rules)

    def fail(self, times: int = 1, *, flush: bool = True) -> None:
        """Meet the fault ``times`` times, each captured and, unless told otherwise, sent before the next."""
        for number in range(times):
            try:
                work(number)
            except ValueError as error:
                sentry_sdk.capture_exception(error)
            if flush:
                self.flush()

    def flush(self) -> None:
        """Wait until the transport has nothing left to do."""
        transport = sentry_sdk.get_client().transport
        if transport is not None:
            transport.flush(DEADLINE)

    def end(self) -> None:
        """The process ends in order, as far as the ledger is concerned."""
        self.watch.record_pending()
        self.recorder.write(Goodbye, reason="exit")

    def account(self) -> Account:
        """What became of the faults."""
        page = self.client.arrivals(project=self.project.project_id)
        account = reconcile(self.recorder.records(), page.arrivals, {}).account
        assert account.injected == sum(account.states.values())
        return account

    def losses(self) -> list[LossClass]:
        """Every kind of loss; none of them unexplained."""
        account = self.account()
        assert not account.states[State.UNEXPLAINED_LOSS], account.losses
        return list(account.losses)

    def loss(self) -> LossClass:
        """The only kind of loss."""
        (loss,) = self.losses()
        return loss

    def records(self, kind: type[Any] = Record) -> list[Any]:
        return self.recorder.records(kind)

    def last_pending(self) -> int:
        pending = self.recorder.records(SdkPending)
        return pending[-1].queued if pending else 0


@contextlib.contextmanager
def running(server: EmbeddedServer, name: str) -> Iterator[Bench]:
    """A bench in use; afterwards everything is as it was."""
    with server.client() as client:
        bench = Bench(server, client, client.create_project(name[:100]))
        bench.injector.arm(
            ArmedFault(name="f", at=f"{__name__}:work", do="raise(ValueError('v'))", select="call")
        )
        bench.watch.install()
        try:
            with sentry_sdk.isolation_scope():
                yield bench
        finally:
            sentry_sdk.get_client().close(timeout=0)
            sentry_sdk.get_global_scope().set_client(None)
            bench.watch.uninstall()
            bench.injector.disarm()


@dataclass(slots=True)
class Front:
    """Something between SDK and server that answers by itself: a proxy, a login page, a broken relay."""

    server: ThreadingHTTPServer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def dsn(self) -> str:
        return self.url.replace("//", "//key@") + "/1"


@contextlib.contextmanager
def front(status: int = 200, body: bytes = b"{}", **headers: str) -> Iterator[Front]:
    """A front that answers everything with ``status``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Front(server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(DEADLINE)


def wait_until(true: Callable[[], Any], what: str) -> Any:
    """Poll until ``true()``; fail with ``what`` after a generous deadline."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if answer := true():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}")
