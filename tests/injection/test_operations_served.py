"""Operations in real processes: whose request a call belongs to, and clocks the application does not own."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from pytest_sentry_harness.injection.entries.requests import asked_trace
from pytest_sentry_harness.model.arming import ArmedFault, ArmedOperation
from pytest_sentry_harness.model.ledger import Goodbye, Note, PointState, RequestOver, Timed

from .test_servers import FASTAPI, SERVICE
from .tools import TRACE, Sink, TargetRun, get, header, wait_until

OPERATIONS = (
    ArmedOperation(name="work", at="service:work"),
    ArmedOperation(name="awork", at="service:awork"),
    ArmedOperation(name="rows", at="service:rows"),
)
FLASK = """
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from flask import Flask, Response
from service import rows, work

app = Flask("shop")

@app.get("/ready")
def ready(): return "ready"

@app.get("/sync")
def sync(): return work()

@app.get("/thread")
def thread():
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    return "joined"

@app.get("/stream")
def stream(): return Response(rows())

@app.get("/spawned")
def spawned():
    child = get_context("spawn").Process(target=work)
    child.start()
    child.join()
    return "joined"

@app.get("/forked")
def forked():
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        return pool.submit(work).result()
"""


def trace_of(number: int) -> str:
    return f"{number:032x}"


def asked(number: int, by: str = "sentry-trace") -> dict[str, str]:
    """The header with which the load asks for a trace."""
    text = f"{trace_of(number)}-{number:016x}"
    return {by: f"00-{text}-01"} if by == "traceparent" else {by: f"{text}-1"}


def timed(run: TargetRun, number: int) -> Timed:
    found: list[Timed] = wait_until(
        lambda: [each for each in run.records(Timed) if each.trace_id == trace_of(number)],
        f"the record of request {number}",
    )
    assert len(found) == 1
    return found[0]


@pytest.mark.slow
def test_an_asgi_service(tmp_path: Path) -> None:
    """Each call is of the trace its request asked for, in pools, tasks and threads, with faults and without."""
    slow = ArmedFault(name="slow", at="service:awork", do="sleep(30ms)")
    run = TargetRun(tmp_path, slow, operations=OPERATIONS)
    run.write("service.py", SERVICE)
    run.write("application.py", FASTAPI)
    command = (sys.executable, "-m", "uvicorn", "application:app", "--port", "{port}", "--log-level", "error")
    ways = [("/sync", "work"), ("/async", "awork"), ("/thread", "work"), ("/pool", "work")]
    ways += [("/executor", "work"), ("/task", "awork"), ("/background", "awork"), ("/stream", "rows")]
    with run.server(*command) as url:
        for number, (path, name) in enumerate(ways, 1):
            by = "traceparent" if number % 2 else "sentry-trace"
            assert get(url + path, asked(number, by))[0] == 200
            record = timed(run, number)
            assert (record.operation, record.raised) == (name, "")
            assert (record.cpu is None) == (name != "work")
            assert (record.task is None) == (path in ("/sync", "/thread", "/pool", "/executor", "/stream"))
        assert get(url + "/sync")[0] == 200
        assert get(url + "/async", header(("slow", "slow-1", 0)))[0] == 200
        wait_until(lambda: any(each.trace_id == TRACE for each in run.records(Timed)), "the slow call")
    (slowed,) = [each for each in run.records(Timed) if each.trace_id == TRACE]
    assert slowed.seconds >= 0.029
    assert [each.operation for each in run.records(Timed) if each.trace_id is None] == ["work"]
    assert [each.trace_id for each in run.records(RequestOver)] == [TRACE]
    assert [note.text for note in run.records(Note) if note.level != "info"] == []


@pytest.mark.slow
def test_a_wsgi_service(tmp_path: Path) -> None:
    """Likewise; also while the response is read, and in processes that the request starts."""
    run = TargetRun(tmp_path, operations=OPERATIONS)
    run.write("service.py", SERVICE)
    run.write("application.py", FLASK)
    command = (sys.executable, "-m", "flask", "--app", "application", "run", "--port", "{port}")
    ways = {"/sync": "work", "/thread": "work", "/stream": "rows", "/spawned": "work", "/forked": "work"}
    with run.server(*command) as url:
        for number, (path, name) in enumerate(ways.items(), 1):
            assert get(url + path, asked(number))[0] == 200
            assert timed(run, number).operation == name
        assert get(url + "/sync")[0] == 200
    assert Counter(each.trace_id is None for each in run.records(Timed)) == {False: len(ways), True: 1}
    assert run.records(RequestOver) == []
    assert [note.text for note in run.records(Note) if note.level != "info"] == []


def test_the_truth_does_not_depend_on_the_applications_clock(tmp_path: Path) -> None:
    """Which it steps, freezes and replaces; nor on what else it does to functions that are needed here."""
    run = TargetRun(tmp_path, operations=(ArmedOperation(name="work", at="__main__:work"),))
    done = run.script(
        """
        import time
        real = time.sleep
        time.time = lambda: 0.0
        time.monotonic = time.perf_counter = lambda: 7.0
        time.thread_time = time.process_time = lambda: 1e9
        time.time_ns = time.monotonic_ns = lambda: 0

        def work():
            real(0.02)

        before = __builtins__, work
        work()
        """
    )
    assert done.returncode == 0, done.stderr
    (record,) = run.records(Timed)
    assert 0.019 <= record.seconds < 60
    assert record.cpu is not None
    assert 0 <= record.cpu < 60
    assert record.at > 1e9


def test_forked_children_measure_for_themselves(tmp_path: Path) -> None:
    """Their calls are theirs; one that began before the fork is the parent's."""
    run = TargetRun(tmp_path, operations=(ArmedOperation(name="work", at="__main__:work"),))
    done = run.script(
        """
        import os

        def work(fork):
            return os.fork() if fork else 0

        child = work(True)
        if child == 0:
            work(False)
            os._exit(0)
        os.waitpid(child, 0)
        """
    )
    assert done.returncode == 0, done.stderr
    assert len(run.records(Timed)) == 2


def test_a_program_that_ends_within_its_operation(tmp_path: Path) -> None:
    """By sys.exit; and points that are nowhere are told apart from those that are refused."""
    named = {"work": "__main__:work", "wrok": "__main__:wrok", "json": "json:dumps", "gone": "no_such:thing"}
    run = TargetRun(tmp_path, operations=tuple(ArmedOperation(name=n, at=at) for n, at in named.items()))
    done = run.script("import sys\ndef work():\n    sys.exit(3)\nwork()\n")
    assert done.returncode == 3
    assert [record.raised for record in run.records(Timed)] == ["SystemExit"]
    last = {state.fault: state for state in run.records(PointState)}
    assert {name: state.state for name, state in last.items()} == {
        "work": "armed",
        "wrok": "missing",
        "json": "refused",
        "gone": "missing",
    }
    assert last["wrok"].nearest == ("__main__:work",)
    assert len(run.records(Goodbye)) == 1


def test_nothing_is_measured_in_production(tmp_path: Path) -> None:
    """As no fault is armed there."""
    run = TargetRun(tmp_path, operations=(ArmedOperation(name="work", at="__main__:work"),))
    done = run.script("def work(): pass\nwork()\n", env={"SENTRY_ENVIRONMENT": "production"})
    assert done.returncode == 0
    assert run.records(Timed) == []
    assert [state.state for state in run.records(PointState)] == ["refused"]


@pytest.mark.slow
def test_greenlets_are_measured_apart(tmp_path: Path) -> None:
    """Calls overlap in one thread; each has its own duration, and processor time says nothing."""
    pytest.importorskip("gevent")
    run = TargetRun(tmp_path, operations=(ArmedOperation(name="work", at="__main__:work"),))
    done = run.script(
        """
        from gevent import monkey
        monkey.patch_all()
        import gevent, time

        def work(seconds):
            time.sleep(seconds)

        gevent.joinall([gevent.spawn(work, 0.02), gevent.spawn(work, 0.2)])
        """
    )
    assert done.returncode == 0, done.stderr
    short, long = sorted(record.seconds for record in run.records(Timed))
    assert short >= 0.019
    assert long >= 0.19
    assert {record.cpu for record in run.records(Timed)} == {None}
    assert [note.text for note in run.records(Note) if note.level != "info"] == []


@pytest.mark.parametrize(
    ("sentry_trace", "traceparent", "trace_id"),
    [
        (None, None, None),
        (f"{TRACE}-{'1' * 16}", None, TRACE),
        (f" {TRACE.upper()}-{'1' * 16}-0 ", f"00-{'2' * 32}-{'1' * 16}-01", TRACE),
        ("nonsense", f"00-{TRACE}-{'1' * 16}-01", TRACE),
        (None, f"cc-{TRACE}-{'1' * 16}-01-more", TRACE),
        (None, f"00-{TRACE[1:]}-{'1' * 16}-01", None),
    ],
)
def test_the_trace_that_a_request_asks_for(
    sentry_trace: str | None, traceparent: str | None, trace_id: str | None
) -> None:
    """Sentry's header before W3C's; what is not well formed is no trace."""
    assert asked_trace(sentry_trace, traceparent) == trace_id


@pytest.mark.slow
def test_what_the_sdk_sends_shows_nothing_of_the_clock(tmp_path: Path) -> None:
    """Stack traces and their variables are those of the application, for errors of its own and injected ones."""
    sink = Sink()
    try:
        fault = ArmedFault(name="f", at="__main__:work", do="raise(KeyError('k'))", select="call")
        names = ("work", "natural", "outer")
        run = TargetRun(
            tmp_path, fault, operations=tuple(ArmedOperation(name=n, at=f"__main__:{n}") for n in names)
        )
        done = run.script(
            f"""
            import sentry_sdk
            sentry_sdk.init({sink.dsn!r}, default_integrations=False, _experiments={{"transport_compression_level": 0}})

            def work(number):
                return number

            def natural(number):
                return number / 0

            def outer(function):
                here = "of outer"
                return function(1)

            for each in (work, natural):
                try:
                    outer(each)
                except Exception:
                    sentry_sdk.capture_exception()
            sentry_sdk.flush()
            """
        )
        assert done.returncode == 0, done.stderr
    finally:
        sink.close()
    events = [json.loads(body.splitlines()[2]) for body in sink.bodies]
    frames = [
        [(frame["function"], frame["lineno"], set(frame["vars"])) for frame in stack]
        for event in events
        if (stack := event["exception"]["values"][0]["stacktrace"]["frames"])
    ]
    assert [[name for name, *_ in stack] for stack in frames] == [
        ["<module>", "outer", "work"],
        ["<module>", "outer", "natural"],
    ]
    assert frames[1][1:] == [("outer", 13, {"function", "here"}), ("natural", 9, {"number"})]
    assert all(b"pytest_sentry_harness" not in body for body in sink.bodies)
    assert (
        sorted(record.raised for record in run.records(Timed)) == ["KeyError"] * 2 + ["ZeroDivisionError"] * 2
    )
