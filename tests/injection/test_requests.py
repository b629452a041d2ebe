"""Which requests carry faults, and what happens at their entry and end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.injection.entries import servers
from pytest_sentry_harness.injection.entries.asgi import AsgiEntry
from pytest_sentry_harness.injection.entries.requests import Requests, host_name
from pytest_sentry_harness.injection.entries.wsgi import WsgiEntry
from pytest_sentry_harness.injection.injected import InjectedExceptions
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.injection.selection import PRESENT, MetFaults, RequestFaults
from pytest_sentry_harness.injection.ticker import Ticker
from pytest_sentry_harness.model.ledger import Fate, Note
from pytest_sentry_harness.protocol.fault_header import NAME, Selected

from .tools import DEADLINE, KEY, TRACE, header

KEY_IN_ENVIRON = "HTTP_X_SENTRY_HARNESS_FAULT"


class Bench:
    def __init__(self) -> None:
        self.recorder = MemoryRecorder()
        self.exceptions = InjectedExceptions(self.recorder)
        self.live = True
        self.requests = Requests(
            self.recorder,
            self.exceptions,
            run_id="run-1",
            key=KEY,
            hosts=("LocalHost", "::1"),
            live=lambda: self.live,
        )

    def fly(self) -> BaseException:
        """An injected exception of the present request, raised here."""
        error = ValueError("injected")
        self.exceptions.add(error, "f-1", PRESENT.get())
        return error


@pytest.fixture
def bench() -> Bench:
    return Bench()


def value(**options: str) -> str:
    return header(("f", "f-1", 0), **options)[NAME]


def test_a_signed_header_of_this_run_counts(bench: Bench) -> None:
    """Each of its faults once."""
    request = bench.requests.open(value(), "localhost:8000")
    assert request is not None
    assert request.trace_id == TRACE
    assert request.take("other") is None
    assert request.take("f") == Selected("f", "f-1", 0)
    assert request.take("f") is None


@pytest.mark.parametrize(
    ("text", "host", "why"),
    [
        (value(key="another"), "localhost", "fault header is not signed with the key of this run"),
        ("nonsense", "localhost", "fault header is not signed"),
        (value(run_id="run-2"), "localhost", "it belongs to run 'run-2', this is run 'run-1'"),
        (
            value(),
            "shop.example.com",
            "host 'shop.example.com' is not one this run may point at; add it to hosts",
        ),
        (value(), "", "host '' is not one"),
    ],
)
def test_any_other_header_is_ignored_and_said_so_once(bench: Bench, text: str, host: str, why: str) -> None:
    """A target left armed by mistake cannot be made to fail from outside."""
    assert bench.requests.open(text, host) is None
    assert bench.requests.open(text, host) is None
    (note,) = bench.recorder.records(Note)
    assert note.level == "info"
    assert why in note.text


def test_nothing_counts_when_disarmed(bench: Bench) -> None:
    """Without a word: the lease is gone."""
    bench.live = False
    assert bench.requests.open(value(), "localhost") is None
    assert bench.recorder.records(Note) == []


@pytest.mark.parametrize(
    ("host", "name"),
    [("LocalHost:80", "localhost"), ("[::1]:8000", "::1"), ("[::1]", "::1"), (" a.b ", "a.b"), ("", "")],
)
def test_host_names(host: str, name: str) -> None:
    """Port and brackets stripped."""
    assert host_name(host) == name


def asgi_scope(headers: dict[str, str], kind: str = "http") -> dict[str, Any]:
    pairs = [(b"host", b"localhost:1"), *((k.lower().encode(), v.encode()) for k, v in headers.items())]
    return {"type": kind, "headers": pairs}


def test_asgi_requests_run_within_their_selection(bench: Bench) -> None:
    """The header is gone before the application sees the scope; afterwards the context is clean."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((PRESENT.get(), [name for name, _ in scope.get("headers", ())]))

    async def main() -> None:
        entry = AsgiEntry(app, bench.requests)
        for scope in (
            asgi_scope({NAME: value()}),
            asgi_scope({}),
            asgi_scope({NAME: "x"}),
            {"type": "lifespan"},
        ):
            await entry(scope, None, None)
            assert PRESENT.get() is None

    asyncio.run(main())
    assert isinstance(seen[0][0], RequestFaults)
    assert [faults for faults, _ in seen[1:]] == [None, None, None]
    assert [names for _, names in seen] == [[b"host"], [b"host"], [b"host"], []]


@pytest.mark.parametrize("grouped", [False, True])
def test_what_leaves_an_asgi_application_has_escaped(bench: Bench, grouped: bool) -> None:
    """The object itself, or within a group; it is settled when the request is over, and raised on."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            raise bench.fly()
        except ValueError as error:
            if grouped:
                raise ExceptionGroup("of a task group", [error]) from None
            raise

    async def main() -> None:
        await AsgiEntry(app, bench.requests)(asgi_scope({NAME: value()}), None, None)

    with pytest.raises((ValueError, ExceptionGroup)):
        asyncio.run(main())
    (fate,) = bench.recorder.records(Fate)
    assert (fate.fault_id, fate.handling) == ("f-1", "escaped")


class Body:
    def __init__(self, bench: Bench, *, fail: bool = False, fail_close: bool = False) -> None:
        self.bench, self.fail, self.fail_close = bench, fail, fail_close
        self.within: list[bool] = []

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[bytes]:
        self.within.append(PRESENT.get() is not None)
        yield b"x"
        self.within.append(PRESENT.get() is not None)
        if self.fail:
            raise self.bench.fly()

    def close(self) -> None:
        self.within.append(PRESENT.get() is not None)
        if self.fail_close:
            raise self.bench.fly()


def environ(**more: str) -> dict[str, Any]:
    return {"HTTP_HOST": "localhost", KEY_IN_ENVIRON: value(), **more}


def test_wsgi_requests_run_within_their_selection_to_the_last_byte(bench: Bench) -> None:
    """The body may be made while it is read; between the steps the context is clean."""
    body = Body(bench)
    given = environ()
    answer: Any = WsgiEntry(lambda environ, start: body, bench.requests)(given, None)
    assert KEY_IN_ENVIRON not in given
    assert len(answer) == 1
    for part in answer:
        assert part == b"x"
        assert PRESENT.get() is None
    answer.close()
    assert body.within == [True, True, True]
    assert PRESENT.get() is None
    plain: Any = WsgiEntry(lambda environ, start: body, bench.requests)({"HTTP_HOST": "localhost"}, None)
    assert plain is body


@pytest.mark.parametrize("where", ["call", "body", "close"])
def test_what_leaves_a_wsgi_application_has_escaped(bench: Bench, where: str) -> None:
    """While it is called, while its body is read, or at the end."""

    def app(environ: Any, start: Any) -> Any:
        if where == "call":
            raise bench.fly()
        return Body(bench, fail=where == "body", fail_close=where == "close")

    def serve() -> None:
        answer: Any = WsgiEntry(app, bench.requests)(environ(), None)
        try:
            list(answer)
        finally:
            answer.close()

    with pytest.raises(ValueError, match="injected"):
        serve()
    (fate,) = bench.recorder.records(Fate)
    assert fate.handling == "escaped"
    assert PRESENT.get() is None


def test_a_body_without_close(bench: Bench) -> None:
    """A plain list has none."""
    answer: Any = WsgiEntry(lambda environ, start: [b"x"], bench.requests)(environ(), None)
    assert list(answer) == [b"x"]
    answer.close()


def test_servers_that_are_not_as_expected_are_noted(bench: Bench) -> None:
    """Requests through them carry no faults, and the ledger says so."""
    servers._guarded(servers._PATCHES["uvicorn.config"], "uvicorn.config", bench.requests, bench.recorder)(
        types.ModuleType("uvicorn.config")
    )
    (note,) = bench.recorder.records(Note)
    assert note.text.startswith("uvicorn.config is not as expected (")
    assert "requests that enter through it carry no faults" in note.text


def test_hypercorn_and_gunicorn(bench: Bench) -> None:
    """The shapes these two have: a function that wraps the application, and a worker that loads it."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any, *more: Any) -> None:
        seen.append((PRESENT.get() is not None, more))

    hypercorn: Any = types.SimpleNamespace(wrap_app=lambda app, size, mode: app)
    servers._PATCHES["hypercorn.utils"](hypercorn, bench.requests)
    wrapped = hypercorn.wrap_app(app, 1, mode="asgi")
    asyncio.run(wrapped(asgi_scope({NAME: value()}), None, None, "spawn", "call"))
    asyncio.run(wrapped(asgi_scope({}), None, None, "spawn", "call"))
    assert seen == [(True, ("spawn", "call")), (False, ("spawn", "call"))]

    class Worker:
        wsgi: Any = None

        def load_wsgi(self) -> None:
            self.wsgi = app

    class UvicornWorker(Worker):
        __module__ = "uvicorn.workers"

    servers._PATCHES["gunicorn.workers.base"](types.SimpleNamespace(Worker=Worker), bench.requests)
    for kind, entry in ((Worker, WsgiEntry), (UvicornWorker, type(app))):
        worker = kind()
        worker.load_wsgi()
        assert isinstance(worker.wsgi, entry)
        assert repr(worker.wsgi) == repr(app)


def test_uvicorns_application_is_wrapped_once(bench: Bench) -> None:
    """However often its configuration is loaded."""

    class Config:
        loaded_app: Any = "app"

        def load(self) -> None:
            pass

    servers._PATCHES["uvicorn.config"](types.SimpleNamespace(Config=Config), bench.requests)
    config = Config()
    config.load()
    first = config.loaded_app
    config.load()
    assert config.loaded_app is first
    assert repr(first) == "'app'"


def test_a_tick_that_fails_does_not_stop_the_clock() -> None:
    """The lease has to be watched whatever else breaks."""
    ticks: list[int] = []
    failures: list[Exception] = []
    enough = threading.Event()

    def tick() -> None:
        ticks.append(1)
        if len(ticks) > 2:
            enough.set()
        raise RuntimeError("tick")

    ticker = Ticker(tick, 0.001, failures.append)
    ticker.start()
    assert enough.wait(60)
    ticker.stop()
    assert repr(failures[0]) == "RuntimeError('tick')"


def test_one_header_is_one_injection(bench: Bench) -> None:
    """Clients follow redirects with the header of the first request: it is not met again."""
    first, second = (bench.requests.open(value(), "localhost") for _ in range(2))
    assert first is not None
    assert second is not None
    assert second.take("f") == Selected("f", "f-1", 0)
    assert first.take("f") is None
    third = bench.requests.open(value(), "localhost")
    assert third is not None
    assert third.take("f") is None


def test_what_was_met_is_remembered_within_bounds() -> None:
    """The oldest is forgotten first."""
    met = MetFaults(most=2)
    assert [met.first(name) for name in ("a", "b", "a", "c", "b", "a")] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]


def test_a_child_forked_within_a_request_meets_faults_under_its_own_id(tmp_path: Path) -> None:
    """Ids stay unique; the parent goes on as if nothing had happened."""
    path = tmp_path / "forks.py"
    path.write_text(
        textwrap.dedent(
            """
            import os
            from pytest_sentry_harness.injection.selection import MetFaults, RequestFaults
            from pytest_sentry_harness.protocol.fault_header import Selected

            request = RequestFaults([Selected("f", "f-1", 0), Selected("g", "g-1", 0)], None, MetFaults())
            assert request.take("g").fault_id == "g-1"
            request._lock.acquire()
            request._met._lock.acquire()
            child = os.fork()
            if not child:
                taken = request.take("f")
                good = taken == Selected("f", f"f-1+p{os.getpid()}", 0)
                os._exit(0 if good and request.take("f") is None and request.take("g") is None else 1)
            request._lock.release()
            request._met._lock.release()
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), request.take("f").fault_id)
            """
        )
    )
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.stdout == "0 f-1\n", done.stderr
