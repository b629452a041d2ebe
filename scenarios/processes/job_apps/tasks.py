"""A job of asyncio tasks."""

import asyncio
import os

import sentry_sdk
from sentry_sdk.integrations.asyncio import AsyncioIntegration
from sentry_sdk.integrations.logging import LoggingIntegration

from job_apps.work import handle

DEFECT = os.environ.get("DEFECT", "")
KEPT: list[asyncio.Task[int]] = []


async def task(number: int) -> int:
    """A task."""
    await asyncio.sleep(0)
    return handle(number)


async def kept() -> None:
    """Tasks that somebody keeps, and nobody asks: asyncio would log their errors when they are collected."""
    KEPT.extend(asyncio.create_task(task(number)) for number in range(30))
    await asyncio.sleep(0.2)


async def forgotten() -> None:
    """Tasks that nobody keeps or asks: asyncio logs their errors when they are collected."""
    for number in range(30):
        asyncio.create_task(task(number))  # noqa: RUF006 - forgotten on purpose
    await asyncio.sleep(0.2)


async def main() -> None:
    """Thirty tasks."""
    if DEFECT == "":
        # Inside the loop: the integration patches the running one.
        sentry_sdk.init(integrations=[AsyncioIntegration()], shutdown_timeout=30)
        await forgotten()
    elif DEFECT == "kept":
        sentry_sdk.init()
        await kept()
    elif DEFECT == "no-log-events":
        sentry_sdk.init(integrations=[LoggingIntegration(event_level=None)])
        await forgotten()


if __name__ == "__main__":
    if DEFECT == "init-outside":
        sentry_sdk.init(integrations=[AsyncioIntegration()])
        asyncio.run(kept())
    else:
        asyncio.run(main())
