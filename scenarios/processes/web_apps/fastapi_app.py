"""A FastAPI application with a sound Sentry set-up, as ASGI servers run it. ``DEFECT`` spoils it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sentry_sdk
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from . import fastapi_defects, monitoring, shop
from .monitoring import DEFECT

if DEFECT not in ("init-in-the-launcher", "init-in-lifespan"):
    # At import: in each worker, since what a launcher initialises is not there in the processes it spawns; and before
    # the application builds its middleware, which is before the lifespan begins.
    monitoring.start(**fastapi_defects.options(DEFECT))


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Send what waits before the worker ends: uvicorn ends by the signal that stops it, so no exit hook runs."""
    shop.warm_up()
    if DEFECT == "init-in-lifespan":
        monitoring.start()
    yield
    if DEFECT != "no-flush":
        sentry_sdk.flush(timeout=0.2 if DEFECT == "short-flush" else 20)


app = FastAPI(lifespan=lifespan)
fastapi_defects.plant(DEFECT, app)  # of two routes for one path, the first counts


@app.get("/ready")
def ready() -> str:
    """Tell that requests are served."""
    return "ready"


@app.post("/orders")
async def order() -> int:
    """Fail in an endpoint that runs in the event loop."""
    return shop.save(1)


@app.get("/stock")
def stock() -> int:
    """Fail in an endpoint that runs in a thread."""
    return shop.check(1)


@app.get("/invoice")
async def invoice() -> int:
    """Answer an error by another: the SDK reports an ``HTTPException`` of 5xx, and with it what it was raised from."""
    try:
        return shop.invoice(1)
    except TimeoutError as error:
        raise HTTPException(503, "there is no invoice yet") from error


@app.get("/export")
def export() -> StreamingResponse:
    """Fail in the middle of a body that is being sent."""
    return StreamingResponse(shop.lines())


@app.post("/orders/notify")
def notify(jobs: BackgroundTasks) -> str:
    """Fail after the answer."""
    jobs.add_task(shop.notify, 1)
    return "queued"


@app.get("/report")
async def report() -> str:
    """Take the worker along: the scenario decides how."""
    return shop.report()


@app.middleware("http")
async def authorise(request: Request, call_next: fastapi_defects.Next) -> Response:
    """Fail in a middleware, before the application."""
    shop.authorise(request.url.path)
    return await call_next(request)
