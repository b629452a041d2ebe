"""Which handlers of Django and of event loops got an injected exception, as the agent records it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.model.arming import ArmedFault
from pytest_sentry_harness.model.ledger import Handled

from ..injection.tools import TargetRun

WORK = """
def work():
    return "worked"
"""
DJANGO = """
import asyncio, io
import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import Http404, HttpResponse
from django.urls import path
from service import work

class Sorry:
    async_capable = sync_capable = True
    def __init__(self, get_response): self.get_response = get_response
    def __call__(self, request): return self.get_response(request)
    def process_exception(self, request, error):
        if "asked" in request.path:
            return HttpResponse("sorry")

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x", LOGGING_CONFIG=None,
                   MIDDLEWARE=["__main__.Sorry"])
django.setup()

def asked(request):
    return HttpResponse(work())

def missing(request):
    try:
        work()
    except OSError as error:
        raise Http404("gone") from error

urlpatterns = [path("asked", asked), path("fails", asked), path("missing", missing)]

def wsgi(where):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": where, "SERVER_NAME": "x", "SERVER_PORT": "80",
               "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http", "HTTP_HOST": "localhost"}
    response = WSGIHandler()(environ, lambda *_: None)
    response.close()
    print(response.status_code)

async def asgi(where):
    sent, asked = [], []
    async def send(message): sent.append(message)
    async def receive():
        if asked:
            await asyncio.Event().wait()
        asked.append(1)
        return {"type": "http.request", "body": b""}
    scope = {"type": "http", "method": "GET", "path": where, "query_string": b"",
             "headers": [(b"host", b"localhost")]}
    await ASGIHandler()(scope, receive, send)
    print(sent[0]["status"])

for where in ("/asked", "/missing", "/fails"):
    wsgi(where)
asyncio.run(asgi("/asked"))
"""
LOOP = """
import asyncio, {module}
from service import work

def quietly(loop, context): pass

async def main():
    loop = asyncio.get_running_loop()
    loop.call_soon(work)
    await asyncio.sleep(0.05)
    loop.set_exception_handler(quietly)
    loop.call_soon(work)
    loop.call_exception_handler({{"message": "no exception here"}})
    await asyncio.sleep(0.05)
    loop.set_exception_handler(None)
    print(loop.get_exception_handler())

{module}.run(main())
"""


def service(folder: Path) -> TargetRun:
    fault = ArmedFault(name="work", at="service:work", do="raise(OSError('t'))", select="call")
    run = TargetRun(folder, fault)
    run.write("service.py", WORK)
    return run


@pytest.mark.slow
def test_djangos_middleware_and_djangos_own_answers(tmp_path: Path) -> None:
    """The middleware that answered is named by its method; an Http404 is an answer; a failure is neither."""
    run = service(tmp_path)
    done = run.script(DJANGO)
    assert done.stdout.split() == ["200", "404", "500", "200"], done.stderr
    middleware, answer, behind_asgi = run.records(Handled)
    for each in (middleware, behind_asgi):
        assert (each.framework, each.handler, each.exception) == (
            "django",
            "__main__.Sorry.process_exception",
            "OSError",
        )
        assert each.place is not None
        assert each.place.function == "Sorry.process_exception"
    assert (answer.handler, answer.exception, answer.place) == ("", "Http404", None)


@pytest.mark.slow
@pytest.mark.parametrize("module", ["asyncio", "uvloop"])
def test_an_event_loops_exception_handler(tmp_path: Path, module: str) -> None:
    """The application's is named; the loop's own, which logs, is none."""
    run = service(tmp_path)
    done = run.script(LOOP.format(module=module))
    assert done.stdout.split() == ["None"], done.stderr
    (handled,) = run.records(Handled)
    assert (handled.framework, handled.handler) == ("asyncio", "__main__.quietly")
    assert "sentry_harness" not in done.stderr
