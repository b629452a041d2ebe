"""Real servers under the agent."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_sentry_harness.model.arming import ArmedFault
from pytest_sentry_harness.model.ledger import Fate, Finished, Fired, Goodbye, Note, PointState

from .tools import TRACE, TargetRun, get, header, wait_until

SERVICE = """
import asyncio, threading
from concurrent.futures import ThreadPoolExecutor

def work():
    return "worked"

async def awork():
    await asyncio.sleep(0)
    return "worked"

def rows():
    yield "a"
    yield "b"
"""
FASTAPI = """
import asyncio, threading
from concurrent.futures import ThreadPoolExecutor
from fastapi import BackgroundTasks, FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from service import awork, rows, work

app = FastAPI()
tasks = set()

@app.get("/ready")
def ready(): return "ready"

@app.get("/sync")
def sync(): return work()

@app.get("/async")
async def asynchronous(request: Request):
    assert "x-sentry-harness-fault" not in request.headers
    return await awork()

@app.get("/swallow")
async def swallow():
    try:
        return await awork()
    except KeyError:
        return "swallowed"

@app.get("/wrap")
async def wrap():
    try:
        return await awork()
    except KeyError as error:
        raise LookupError("wrapped") from error

@app.get("/thread")
async def thread():
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    return "joined"

@app.get("/pool")
async def pool():
    with ThreadPoolExecutor(1) as executor:
        return repr(executor.submit(work).exception())

@app.get("/executor")
async def executor():
    return await asyncio.get_running_loop().run_in_executor(None, work)

@app.get("/task")
async def task():
    started = asyncio.create_task(awork())
    tasks.add(started)
    return "started"

@app.get("/background")
async def background(jobs: BackgroundTasks):
    jobs.add_task(awork)
    return "queued"

@app.get("/stream")
def stream(): return StreamingResponse(rows())
"""
FAULTS = (
    ArmedFault(name="work", at="service:work", do="1*raise(OSError('t'))->sleep(20ms)"),
    ArmedFault(name="awork", at="service:awork", do="1*raise(KeyError('k'))->sleep(20ms)"),
    ArmedFault(name="rows", at="service:rows", do="return"),
    ArmedFault(name="nope", at="service:wrk", do="raise"),
)


@pytest.fixture(scope="module")
def fastapi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TargetRun, str]]:
    run = TargetRun(tmp_path_factory.mktemp("fastapi"), *FAULTS)
    run.write("service.py", SERVICE)
    run.write("application.py", FASTAPI)
    command = (
        sys.executable,
        "-m",
        "uvicorn",
        "application:app",
        "--port",
        "{port}",
        "--log-level",
        "critical",
    )
    with run.server(*command) as url:
        yield run, url


def meet(
    run: TargetRun, url: str, path: str, fault: str, term: int = 0
) -> tuple[int, str, Fired, Fate | None]:
    fault_id = f"{fault}-{path.strip('/')}-{term}"
    status, body = get(url + path, header((fault, fault_id, term)))

    def firings() -> list[Fired]:
        return [fired for fired in run.records(Fired) if fired.fault_id == fault_id]

    (fired,) = wait_until(firings, f"{fault_id} to fire")

    def fate() -> list[Fate]:
        return [fate for fate in run.records(Fate) if fate.fault_id == fault_id]

    if fired.exception_type is None:
        return status, body, fired, None
    return status, body, fired, wait_until(fate, f"the fate of {fault_id}")[-1]


@pytest.mark.slow
def test_an_unhandled_exception_escapes(fastapi: tuple[TargetRun, str]) -> None:
    """500; ServerErrorMiddleware passes it on to the server; names imported before are armed too."""
    status, _, fired, fate = meet(*fastapi, "/sync", "work")
    assert status == 500
    assert (fired.trace_id, fired.point, fired.effect) == (TRACE, "service:work", "raise")
    assert fired.place is not None
    assert (Path(fired.place.file).name, fired.place.line, fired.place.function) == ("service.py", 5, "work")
    assert fate is not None
    assert (fate.handling, fate.place) == ("escaped", None)
    assert fate.chain[-1] == fired.place


@pytest.mark.slow
@pytest.mark.parametrize(("path", "status", "line"), [("/swallow", 200, 25), ("/wrap", 500, 32)])
def test_a_handled_exception_is_caught_in_its_place(
    fastapi: tuple[TargetRun, str], path: str, status: int, line: int
) -> None:
    """By file and line; the one who wraps it is the one who caught it."""
    answer, _, fired, fate = meet(*fastapi, path, "awork")
    assert answer == status
    assert fired.task
    assert fate is not None
    assert fate.handling == "caught"
    assert fate.place is not None
    assert (Path(fate.place.file).name, fate.place.line) == ("application.py", line)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "fault", "status", "handling"),
    [
        ("/thread", "work", 200, "escaped"),
        ("/pool", "work", 200, "caught"),
        ("/executor", "work", 500, "escaped"),
        ("/task", "awork", 200, "escaped"),
        ("/background", "awork", 200, "escaped"),
    ],
)
def test_work_started_by_a_request_meets_its_faults(
    fastapi: tuple[TargetRun, str], path: str, fault: str, status: int, handling: str
) -> None:
    """In threads, pools, tasks and background tasks."""
    answer, _, fired, fate = meet(*fastapi, path, fault)
    assert answer == status
    assert fired.trace_id == TRACE
    assert fate is not None
    assert fate.handling == handling


@pytest.mark.slow
@pytest.mark.parametrize(("path", "fault"), [("/sync", "work"), ("/async", "awork")])
def test_sleeping_takes_its_true_time(fastapi: tuple[TargetRun, str], path: str, fault: str) -> None:
    """And the request is answered as always."""
    run, url = fastapi
    status, body, fired, _ = meet(run, url, path, fault, 1)
    assert (status, body) == (200, '"worked"')
    (finished,) = [record for record in run.records(Finished) if record.fault_id == fired.fault_id]
    # Half of what was asked for: an event loop's timers are coarse, and may be early by a tick.
    assert finished.seconds >= 0.01


@pytest.mark.slow
def test_a_streamed_generator_can_be_cut_short(fastapi: tuple[TargetRun, str]) -> None:
    """``return`` in a generator ends it before its first value."""
    run, url = fastapi
    assert get(url + "/stream")[1] == "ab"
    status, body, _, _ = meet(run, url, "/stream", "rows")
    assert (status, body) == (200, "")


@pytest.mark.slow
def test_foreign_headers_do_nothing(fastapi: tuple[TargetRun, str]) -> None:
    """Unsigned, of another run, for another host, or for an unknown fault."""
    run, url = fastapi
    before = len(run.records(Fired))
    chosen = ("work", "x", 0)
    for headers in (
        header(chosen, key="stolen"),
        header(chosen, run_id="run-2"),
        {**header(chosen), "Host": "shop.example.com"},
        header(("unknown", "x", 0)),
        header(("work", "x", 99)),
    ):
        assert get(url + "/sync", headers) == (200, '"worked"')
    assert len(run.records(Fired)) == before
    assert len(run.records(Note)) == 3


@pytest.mark.slow
def test_points_tell_what_became_of_them(fastapi: tuple[TargetRun, str]) -> None:
    """Waiting until the import, then armed, or missing with the nearest names."""
    run, _ = fastapi
    states = {state.fault: state for state in run.records(PointState)}
    assert (states["work"].state, states["work"].how) == ("armed", "code")
    assert states["nope"].state == "missing"
    assert states["nope"].nearest[0] == "service:work"


WSGI_APP = """
def app(environ, start_response):
    assert "HTTP_X_SENTRY_HARNESS_FAULT" not in environ
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/lazy":
        return lazily()
    from service import work
    return [work().encode()]

def lazily():
    import service
    yield service.work().encode()
"""
WSGIREF = """
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgi_app import app

class Quiet(WSGIRequestHandler):
    def log_message(self, *args): pass

server = make_server("127.0.0.1", int(sys.argv[1]), app, handler_class=Quiet)
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
"""
FLASK = """
import sys
from flask import Flask, request
from service import work

app = Flask(__name__)

@app.get("/ready")
def ready(): return "ready"

@app.get("/")
def index():
    assert "X-Sentry-Harness-Fault" not in request.headers
    try:
        return work()
    except OSError:
        return "swallowed"

@app.get("/bare")
def bare():
    app.config["PROPAGATE_EXCEPTIONS"] = True
    return work()

try:
    app.run("127.0.0.1", int(sys.argv[1]))
except KeyboardInterrupt:
    pass
"""


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/lazy"])
def test_wsgiref(tmp_path: Path, path: str) -> None:
    """The standard library's server; also work done while the body is read."""
    run = TargetRun(tmp_path, FAULTS[0])
    run.write("service.py", SERVICE)
    run.write("wsgi_app.py", WSGI_APP)
    script = run.write("main.py", WSGIREF)
    with run.server(sys.executable, str(script), "{port}") as url:
        assert get(url + path) == (200, "worked")
        status, _ = get(url + path, header(("work", "w-1", 0)))
        assert status == 500
    (fate,) = {(fate.fault_id, fate.handling): fate for fate in run.records(Fate)}.values()
    assert (fate.fault_id, fate.handling) == ("w-1", "escaped")
    assert len(run.records(Goodbye)) == 1


@pytest.mark.slow
def test_flask(tmp_path: Path) -> None:
    """Served by Werkzeug: swallowed in the view, or passed on to the server."""
    run = TargetRun(tmp_path, FAULTS[0])
    run.write("service.py", SERVICE)
    script = run.write("main.py", FLASK)
    with run.server(sys.executable, str(script), "{port}") as url:
        assert get(url + "/", header(("work", "w-1", 0))) == (200, "swallowed")
        assert get(url + "/bare", header(("work", "w-2", 0)))[0] == 500
        wait_until(lambda: len({fate.fault_id for fate in run.records(Fate)}) == 2, "two fates")
    fates = {fate.fault_id: fate for fate in run.records(Fate)}  # requests end in any order
    caught, escaped = fates["w-1"], fates["w-2"]
    assert caught.place is not None
    assert (caught.handling, Path(caught.place.file).name, caught.place.line) == ("caught", "main.py", 15)
    assert escaped.handling == "escaped"


@pytest.mark.slow
def test_frameworks_read_the_header_under_unknown_servers(tmp_path: Path) -> None:
    """Starlette and Flask called directly, as a server not known to the agent would."""
    run = TargetRun(tmp_path, FAULTS[0])
    run.write("service.py", SERVICE)
    first, second = (header(("work", f"w-{number}", 0)) for number in (1, 2))
    text = f"""
import asyncio
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from service import work

value = {next(iter(first.values()))!r}

def endpoint(request):
    try:
        work()
    except OSError as error:
        return PlainTextResponse(repr(error))
    return PlainTextResponse("worked")

async def asgi(headers):
    sent = []
    async def send(message): sent.append(message)
    scope = {{"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}}
    async def receive(): return {{"type": "http.request"}}
    await Starlette(routes=[Route("/", endpoint)])(scope, receive, send)
    print(sent[1]["body"])

asyncio.run(asgi([(b"host", b"localhost"), (b"x-sentry-harness-fault", value.encode())]))
asyncio.run(asgi([(b"host", b"localhost")]))

flask = Flask("x")
flask.add_url_rule("/", view_func=work)
try:
    with flask.test_client() as client:
        flask.config["PROPAGATE_EXCEPTIONS"] = True
        client.get("/", headers={second!r})
except OSError as error:
    print(repr(error))
"""
    done = run.script(text)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["b\"OSError('t')\"", "b'worked'", "OSError('t')"]
    fates = {fate.fault_id: fate for fate in run.records(Fate)}
    assert {name: (fate.handling, fate.alive) for name, fate in fates.items()} == {
        "w-1": ("caught", False),
        "w-2": ("escaped", False),
    }


ASGI_APP = """
from service import work

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    assert b"x-sentry-harness-fault" not in [name for name, _ in scope["headers"]]
    body = work().encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
    await send({"type": "http.response.body", "body": body})
"""
WSGI_FIRST_WORK = """
from service import work

def app(environ, start_response):
    assert "HTTP_X_SENTRY_HARNESS_FAULT" not in environ
    body = work().encode()
    start_response("200 OK", [("Content-Length", "6")])
    return [body]
"""
GUNICORN = ("-W", "ignore", "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--no-control-socket")


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        (*GUNICORN, "wsgi_app:app"),
        (*GUNICORN, "--preload", "wsgi_app:app"),
        (*GUNICORN, "--worker-class", "gthread", "--threads", "2", "wsgi_app:app"),
        (*GUNICORN, "--worker-class", "asgi", "asgi_app:app"),
        # It waits for a connection that nobody closes, for as long as it may.
        (*GUNICORN, "--graceful-timeout", "1", "-k", "uvicorn.workers.UvicornWorker", "asgi_app:app"),
        ("-m", "uvicorn", "--port", "{port}", "--workers", "2", "asgi_app:app"),
        ("-m", "uvicorn", "--port", "{port}", "--interface", "wsgi", "wsgi_app:app"),
        ("-m", "hypercorn", "--bind", "127.0.0.1:{port}", "asgi_app:app"),
        ("-m", "hypercorn", "--bind", "127.0.0.1:{port}", "wsgi:wsgi_app:app"),
    ],
    ids=[
        "gunicorn-sync",
        "gunicorn-preload",
        "gunicorn-gthread",
        "gunicorn-asgi",
        "gunicorn-uvicorn",
        "uvicorn-workers",
        "uvicorn-wsgi",
        "hypercorn-asgi",
        "hypercorn-wsgi",
    ],
)
def test_servers_let_requests_meet_their_faults(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Each takes the header out and passes it to no application; the exception is known to have got away."""
    # Not an OSError: to gunicorn that is trouble with its socket, and it answers nothing.
    run = TargetRun(tmp_path, ArmedFault(name="work", at="service:work", do="raise(KeyError('k'))"))
    run.write("service.py", SERVICE)
    run.write("wsgi_app.py", WSGI_FIRST_WORK)
    run.write("asgi_app.py", ASGI_APP)
    with run.server(sys.executable, *command) as url:
        assert get(url) == (200, "worked")
        assert get(url, header(("work", "w-1", 0)))[0] == 500
        wait_until(lambda: [fate for fate in run.records(Fate) if fate.fault_id == "w-1"], "its fate")
    assert {fired.trace_id for fired in run.records(Fired)} == {TRACE}
    assert {fate.handling for fate in run.records(Fate) if not fate.alive} <= {"escaped"}
    assert [note.text for note in run.records(Note)] == []


DJANGO = """
import asyncio, sys
import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.urls import path
from service import work

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x")
django.setup()

def view(request):
    assert "X-Sentry-Harness-Fault" not in request.headers
    try:
        return HttpResponse(work())
    except OSError as error:
        return HttpResponse(repr(error))

urlpatterns = [path("", view)]

def wsgi(headers):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "x", "SERVER_PORT": "80",
               "wsgi.input": sys.stdin.buffer, "wsgi.url_scheme": "http", **headers}
    response = WSGIHandler()(environ, lambda *_: None)
    print(b"".join(response).decode())
    response.close()

async def asgi(headers):
    sent = []
    over = asyncio.Event()
    async def send(message):
        sent.append(message)
    async def receive():
        if asked:
            await over.wait()
        asked.append(1)
        return {"type": "http.request", "body": b""}
    asked = []
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
    await ASGIHandler()(scope, receive, send)
    print(sent[1]["body"].decode())
"""


@pytest.mark.slow
def test_django_reads_the_header_under_unknown_servers(tmp_path: Path) -> None:
    """Its WSGI and ASGI handlers called directly, as a server not known to the agent would."""
    run = TargetRun(tmp_path, FAULTS[0])
    run.write("service.py", SERVICE)
    first, second = (next(iter(header(("work", f"w-{number}", 0)).values())) for number in (1, 2))
    text = f"""{DJANGO}
wsgi({{"HTTP_HOST": "localhost", "HTTP_X_SENTRY_HARNESS_FAULT": {first!r}}})
wsgi({{"HTTP_HOST": "localhost"}})
asyncio.run(asgi([(b"host", b"localhost"), (b"x-sentry-harness-fault", {second!r}.encode())]))
asyncio.run(asgi([(b"host", b"localhost")]))
"""
    done = run.script(text)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["OSError('t')", "worked", "OSError('t')", "worked"]
    assert {fate.fault_id: fate.handling for fate in run.records(Fate)} == {"w-1": "caught", "w-2": "caught"}
