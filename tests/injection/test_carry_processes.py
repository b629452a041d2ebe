"""Faults of a request in the processes and pools that work for it."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_sentry_harness.injection import carry_processes
from pytest_sentry_harness.injection.carry_processes import Carried, carried
from pytest_sentry_harness.injection.entries.requests import Requests
from pytest_sentry_harness.injection.injected import InjectedExceptions
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.injection.selection import PRESENT, RequestFaults
from pytest_sentry_harness.model.arming import ArmedFault
from pytest_sentry_harness.model.ledger import Fate, Fired, Hello, Note
from pytest_sentry_harness.protocol.fault_header import Selected

from .tools import KEY, TRACE, TargetRun, get, header

SERVICE = """
def work(number=0):
    return "worked"
"""
APP = """
import concurrent.futures, multiprocessing, multiprocessing.pool, os, sys
from wsgiref.simple_server import make_server
from service import work

def attempt(number=0):
    try:
        return work(number)
    except KeyError:
        return "missed"

def process(method):
    child = multiprocessing.get_context(method).Process(target=attempt)
    child.start()
    child.join()
    return str(child.exitcode)

def executor(method):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return " ".join(pool.map(attempt, range(2)))

def pool(how):
    # Closed and joined, not terminated: a measured worker that gets SIGTERM while it sends a result may live on,
    # for the handlers coverage leaves in it raise, and the worker takes that for a result it cannot send.
    pool = multiprocessing.get_context("fork").Pool(1)
    try:
        if how == "apply":
            return pool.apply(attempt)
        if how == "map":
            return " ".join(pool.map(attempt, range(2)))
        return " ".join(getattr(pool, how)(attempt, range(2)))
    finally:
        pool.close()
        pool.join()

def threads(how):
    with multiprocessing.pool.ThreadPool(1) as pool:
        return pool.apply(attempt) + " " + attempt()

LATER = concurrent.futures.ThreadPoolExecutor(1)

def later(how):
    return LATER.submit(attempt).result()

def application(environ, start_response):
    kind, _, how = environ["PATH_INFO"].strip("/").partition("/")
    answer = globals()[kind](how) if how else "ready"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]

if __name__ == "__main__":
    with make_server("127.0.0.1", int(sys.argv[1]), application) as server:
        server.serve_forever(poll_interval=0.05)
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TargetRun, str]]:
    folder = tmp_path_factory.mktemp("carry")
    fault = ArmedFault(name="f", at="service:work", do="raise(KeyError('x'))")
    run = TargetRun(folder, fault)
    run.write("service.py", SERVICE)
    run.write("app.py", APP)
    with run.server(sys.executable, "app.py", "{port}") as url:
        yield run, url


def fired(run: TargetRun, fault_id: str) -> list[str]:
    return [record.fault_id for record in run.records(Fired) if record.fault_id.startswith(fault_id)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "path,answer",
    [
        ("/process/fork", "0"),
        ("/process/spawn", "0"),
        ("/process/forkserver", "0"),
        ("/executor/fork", "missed worked"),
        ("/executor/spawn", "missed worked"),
        ("/pool/apply", "missed"),
        ("/pool/map", "missed worked"),
        ("/pool/imap", "missed worked"),
        ("/pool/imap_unordered", "missed worked"),
    ],
)
def test_the_faults_of_a_request_are_met_where_its_work_is_done(
    service: tuple[TargetRun, str], path: str, answer: str
) -> None:
    """Once, in the child, under an id of its own, in the request's trace; the next request carries none."""
    run, url = service
    fault_id = f"f-{path.replace('/', '')}"
    assert get(url + path, header(("f", fault_id, 0))) == (200, answer)
    (met,) = fired(run, fault_id)
    assert met.startswith(f"{fault_id}+p")
    (record,) = [each for each in run.records(Fired) if each.fault_id == met]
    assert record.trace_id == TRACE
    assert int(met.rpartition("+p")[2]) in {hello.pid for hello in run.records(Hello)}
    assert "missed" not in get(url + path)[1]


def test_a_pool_of_threads_meets_the_request_s_own_fault(service: tuple[TargetRun, str]) -> None:
    """In the same process the id is the same, and it is met once."""
    run, url = service
    assert get(url + "/threads/x", header(("f", "f-threads", 0))) == (200, "missed worked")
    assert fired(run, "f-threads") == ["f-threads"]


def test_a_thread_started_for_one_request_works_for_others(service: tuple[TargetRun, str]) -> None:
    """An executor's thread keeps nothing of the request during which it was started."""
    run, url = service
    unmet = header(("g", "g-1", 0), ("f", "f-later", 0))
    assert get(url + "/later/x", unmet)[1] == "missed"
    assert get(url + "/later/x")[1] == "worked"
    assert fired(run, "f-later") == ["f-later"]


@pytest.mark.slow
def test_an_executor_does_not_hide_where_an_exception_was_stopped(tmp_path: Path) -> None:
    """ProcessPoolExecutor clears the traceback before it pickles the exception."""
    run = TargetRun(
        tmp_path, ArmedFault(name="f", at="service:work", do="raise(KeyError('x'))", select="call")
    )
    run.write("service.py", SERVICE)
    done = run.script(
        """
        import concurrent.futures, multiprocessing
        from service import work
        context = multiprocessing.get_context("fork")
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            print(repr(pool.submit(work).exception()))
        """
    )
    assert "KeyError" in done.stdout, done.stderr
    places = [fate.place for fate in run.records(Fate)]
    assert places
    assert all(place is not None and place.file.endswith("concurrent/futures/process.py") for place in places)


def parcels(recorder: MemoryRecorder, live: bool = True) -> Requests:
    return Requests(
        recorder,
        InjectedExceptions(recorder),
        run_id="run-1",
        key=KEY,
        hosts=("localhost",),
        live=lambda: live,
    )


def test_what_is_left_is_packed_and_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Same process: same ids. Another: ids of its own. Nothing left: nothing is packed."""
    requests = parcels(MemoryRecorder())
    request = RequestFaults([Selected("f", "f-1", 0), Selected("f", "f-2", 0)], TRACE)
    assert request.take("f") == Selected("f", "f-1", 0)
    packed = requests.pack(request)
    here = requests.unpack(packed)
    assert here is not None
    assert (here.left(), here.trace_id) == ((Selected("f", "f-2", 0),), TRACE)
    real = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: real + 1)
    there = requests.unpack(packed)
    assert there is not None
    assert there.left() == (Selected("f", f"f-2+p{real + 1}", 0),)
    monkeypatch.undo()
    assert request.take("f") is not None
    assert requests.pack(request) is None
    assert requests.pack(None) is None


@pytest.mark.parametrize("text", [None, "", "1", "1 1;e30=;00", 7])
def test_what_is_not_ours_does_not_count(text: object) -> None:
    """It is not signed with the key of the run."""
    recorder = MemoryRecorder()
    assert parcels(recorder).unpack(text) is None
    (note,) = recorder.records(Note)
    assert "not signed with the key of this run" in note.text


def test_nothing_is_unpacked_once_disarmed() -> None:
    """The lease has lapsed, perhaps, while the task waited."""
    request = RequestFaults([Selected("f", "f-1", 0)], TRACE)
    packed = parcels(MemoryRecorder()).pack(request)
    assert parcels(MemoryRecorder(), live=False).unpack(packed) is None


def test_a_task_looks_like_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is pickled by reference, shows as the function it is, and runs without an agent, too."""
    requests = parcels(MemoryRecorder())
    assert carried(len, requests) is len
    token = PRESENT.set(RequestFaults([Selected("f", "f-1", 0)], TRACE))
    try:
        task = carried(len, requests)
    finally:
        PRESENT.reset(token)
    assert isinstance(task, Carried)
    assert repr(task) == repr(len)
    monkeypatch.setattr(carry_processes, "_HERE", [])
    assert pickle.loads(pickle.dumps(task))("four") == 4
