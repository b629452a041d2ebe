"""A service whose errors come from requests, pools, queues and threads, each in the context of its request; unless DEFECT."""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import os
import queue
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

import sentry_sdk
from fastapi import FastAPI, Request
from sentry_sdk.integrations import Integration
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration

DEFECT = os.environ.get("DEFECT", "")
Job = Callable[[], object]
jobs: queue.Queue[Job] = queue.Queue()
reporters: list[threading.Thread] = []
pool = ThreadPoolExecutor(max_workers=2)


# ---- what fails: the fault points ----------------------------------------------------------------


def place_order() -> None:
    """Fails in the request."""


def check_report() -> None:
    """Fails in the request, and is reported by a thread."""


def export() -> None:
    """Fails in a pool."""


def send_mail() -> None:
    """Fails in a worker, behind a queue."""


def use_ticket(ticket: int) -> None:
    """Fails in the request, after something was taken from a generator that all requests share."""


# ---- what hands work on --------------------------------------------------------------------------


def report_all() -> None:
    """The thread that reports: started before any request, it belongs to none."""
    while True:
        jobs.get()()
        jobs.task_done()


def start_reporter() -> None:
    """Once."""
    if not reporters:
        reporters.append(threading.Thread(target=report_all, daemon=True))
        reporters[0].start()


def hand_to_reporter(error: Exception) -> None:
    """Together with the context in which the error happened."""
    if DEFECT in ("reporter_of_first_request", "reporter_without_context"):
        start_reporter()
        jobs.put(lambda: sentry_sdk.capture_exception(error))
    else:
        context = contextvars.copy_context()
        jobs.put(lambda: context.run(sentry_sdk.capture_exception, error))


def trace_headers() -> dict[str, str]:
    """What a message takes along, so that the work on the other side belongs to the same trace."""
    if DEFECT == "no_headers":
        return {}
    return {
        "sentry-trace": sentry_sdk.get_traceparent() or "",
        "baggage": sentry_sdk.get_baggage() or "",
    }


def guarded(work: Callable[[], None]) -> None:
    """Work in a pool, and report what fails there."""
    try:
        work()
    except Exception as error:
        sentry_sdk.capture_exception(error)


def consume(headers: dict[str, str]) -> None:
    """A worker's way with a message: a scope of its own, and the trace of the sender."""
    with sentry_sdk.isolation_scope():
        sentry_sdk.continue_trace(headers)
        guarded(send_mail)


async def tickets(visit: str) -> AsyncIterator[int]:
    """Numbers for all requests, one after the other. The generator runs in the context of whoever asks."""
    for ticket in itertools.count():
        if DEFECT == "scope_in_generator":
            # Entered in the context of one request and left in that of another, where it cannot be undone.
            with sentry_sdk.isolation_scope() as scope:
                scope.set_tag("opened_by", visit)
                yield ticket
        else:
            with sentry_sdk.isolation_scope() as scope:
                scope.set_tag("opened_by", visit)
            yield ticket


shared: list[AsyncIterator[int]] = []


# ---- the service ---------------------------------------------------------------------------------


def integrations() -> list[Integration]:
    """Those that are on by themselves, but for the defect."""
    threads = ThreadingIntegration(propagate_scope=DEFECT != "no_propagation")
    if DEFECT == "no_transactions":
        # Requests of methods that are left out start no transaction, and then continue no trace either.
        none: tuple[str, ...] = ()
        return [
            threads,
            StarletteIntegration(http_methods_to_capture=none),
            FastApiIntegration(http_methods_to_capture=none),
        ]
    return [threads]


sentry_sdk.init(release="contexts@1", integrations=integrations())


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """The reporter comes first, and is done before the last events are sent."""
    if DEFECT != "reporter_of_first_request":
        start_reporter()
    yield
    jobs.join()
    pool.shutdown()
    sentry_sdk.flush(timeout=20)


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    """Ready."""
    return {"status": "ok"}


@app.get("/orders")
async def orders(request: Request) -> dict[str, str]:
    """Some requests say who they are for."""
    if "x-customer" in request.headers:
        visit = (sentry_sdk.get_traceparent() or "")[:32]
        scope = (
            sentry_sdk.get_global_scope() if DEFECT == "global_scope" else sentry_sdk.get_isolation_scope()
        )
        scope.set_tag("visit", visit)
        scope.set_user({"id": visit})
    place_order()
    return {}


@app.get("/report")
async def report() -> dict[str, str]:
    """Fail, and leave it to somebody else to report that."""
    try:
        check_report()
    except OSError as error:
        hand_to_reporter(error)
    return {}


@app.get("/export")
async def start_export() -> dict[str, str]:
    """Work in a pool: the SDK takes the context along."""
    pool.submit(guarded, export)
    return {}


@app.get("/ticket")
async def ticket() -> dict[str, str]:
    """The first request opens the counter."""
    if not shared:
        shared.append(tickets((sentry_sdk.get_traceparent() or "")[:32]))
    use_ticket(await anext(shared[0]))
    return {}


@app.get("/mail")
async def mail() -> dict[str, str]:
    """Work behind a queue: the message takes the trace along."""
    pool.submit(consume, trace_headers())
    return {}
