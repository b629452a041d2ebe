"""The reference service as an ASGI application: ``uvicorn pytest_sentry_harness.reference.app:app``."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import sentry_sdk
from fastapi import FastAPI

from . import seed_data
from .database import Database
from .quotes import new_client
from .quotes_service import QuoteService
from .routes import Services, router
from .sentry import RELEASE, init_sentry
from .settings import Settings
from .settlement import sweep_forever

log = logging.getLogger(__name__)


def create_app(
    settings: Settings | None = None, *, sentry_options: Mapping[str, Any] | None = None
) -> FastAPI:
    """Build the application. ``sentry_options`` replace single options of the Sentry set-up."""
    chosen = settings if settings is not None else Settings.from_environment()
    # First of all: the SDK hooks into the framework while routes are being added.
    init_sentry(**(sentry_options or {}))

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            # uvicorn ends by raising the SIGTERM it got once more, so nothing registered with atexit runs:
            # whatever is still in the SDK's queue must be sent here or is lost.
            stack.push_async_callback(asyncio.to_thread, sentry_sdk.flush, chosen.flush_seconds)
            app.state.services = await _open(chosen, stack)
            yield

    app = FastAPI(title="Reference trading service", version=RELEASE.partition("@")[2], lifespan=lifespan)
    app.include_router(router)
    return app


async def _open(settings: Settings, stack: contextlib.AsyncExitStack) -> Services:
    database = Database(settings.database)
    stack.callback(database.close)
    database.create()
    seed_data.fill(
        database,
        seed=settings.seed,
        users=settings.users,
        instruments=settings.instruments,
        history=settings.history,
    )
    quotes_url = settings.quotes_url
    if quotes_url is None:
        upstream = QuoteService()
        upstream.start()
        stack.push_async_callback(asyncio.to_thread, upstream.stop)
        quotes_url = upstream.url
    client = new_client(quotes_url)
    stack.push_async_callback(client.aclose)
    sweep = asyncio.create_task(sweep_forever(database, settings.sweep_seconds), name="settlement-sweep")
    stack.push_async_callback(_cancel, sweep)
    log.info("serving from %s, quotes from %s", settings.database, quotes_url)
    return Services(settings=settings, database=database, quotes=client)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@functools.cache
def _default_app() -> FastAPI:
    return create_app()


def __getattr__(name: str) -> FastAPI:
    # ``app`` is built when a server asks for it, so that importing this module has no effects.
    if name == "app":
        return _default_app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
