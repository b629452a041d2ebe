"""What goes wrong between FastAPI and Sentry: one function for each defect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration
from starlette.types import ASGIApp, Receive, Scope, Send

from . import shop

Next: TypeAlias = Callable[[Request], Awaitable[Response]]


def options(defect: str) -> dict[str, Any]:
    """What the defect changes in the set-up."""
    if defect == "integrations-off":
        # Written to be rid of errors that come twice: then nobody is left who reports them.
        return {"disabled_integrations": [StarletteIntegration(), FastApiIntegration(), LoggingIntegration()]}
    if defect == "status-codes":
        return {"integrations": [StarletteIntegration(failed_request_status_codes=set())]}
    return {}


def plant(defect: str, app: FastAPI) -> None:
    """Spoil ``app``."""
    planted = {
        "error-handler": error_handler,
        "middleware-answers": middleware_answers,
        "client-error": client_error,
        "background-swallows": background_swallows,
    }.get(defect)
    if planted is not None:
        planted(app)


def error_handler(app: FastAPI) -> None:
    """Answer every error as JSON: the handler takes the error, and the SDK is told nothing."""

    @app.exception_handler(OSError)
    async def as_json(_request: Request, error: OSError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status_code=500)


def middleware_answers(app: FastAPI) -> None:
    """Turn errors into answers in a middleware, before they get to the SDK's."""
    app.add_middleware(Answering)


class Answering:
    """An ASGI middleware that lets no error pass."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 500 where the application fails before it answers."""
        try:
            await self._app(scope, receive, send)
        except (OSError, LookupError):
            await JSONResponse({"error": "try again"}, status_code=500)(scope, receive, send)


def client_error(app: FastAPI) -> None:
    """Blame the client: Starlette answers an ``HTTPException`` by itself, and the SDK reports those of 5xx only."""

    @app.post("/orders")
    async def order() -> int:
        try:
            return shop.save(1)
        except OSError as error:
            raise HTTPException(409, "the order could not be stored") from error


def background_swallows(app: FastAPI) -> None:
    """Guard the background task, so that it never fails visibly."""

    @app.post("/orders/notify")
    def notify(jobs: BackgroundTasks) -> str:
        jobs.add_task(guarded)
        return "queued"


def guarded() -> None:
    """Do not let the task fail."""
    try:
        shop.notify(1)
    except ConnectionError:
        return
