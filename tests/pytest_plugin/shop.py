"""A small application: it charges, and reports what goes wrong, or does not."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import sentry_sdk


def charge(amount: int) -> int:
    """The fault point."""
    return amount


async def acharge(amount: int) -> int:
    """The fault point of asynchronous code."""
    await asyncio.sleep(0)
    return amount


class Ledger:
    """Has a method to break."""

    def book(self, amount: int) -> int:
        return charge(amount)


def checkout() -> int:
    """Reports what goes wrong."""
    try:
        return charge(1)
    except Exception:
        sentry_sdk.capture_exception()
        return 0


async def acheckout() -> int:
    try:
        return await acharge(1)
    except Exception:
        sentry_sdk.capture_exception()
        return 0


def hush() -> int:
    """Swallows what goes wrong."""
    try:
        return charge(1)
    except TimeoutError:
        return 0


def let_go() -> int:
    """Lets it go on."""
    return charge(1)


def in_background() -> threading.Thread:
    thread = threading.Thread(target=checkout)
    thread.start()
    return thread


def drop(event: Any, hint: Any) -> None:
    """A before_send that forgets to return the event."""
    event.get("tags")


def stumble(event: Any, hint: Any) -> Any:
    """A before_send that breaks."""
    return event["no such key"]


class Fussy(Exception):
    """Can be built only while it has patience."""

    patience = 1

    def __init__(self) -> None:
        if not type(self).patience:
            raise RuntimeError("enough")
