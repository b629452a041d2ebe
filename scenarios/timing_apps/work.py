"""The work itself, one function for each way of spending time: what the scenarios measure."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from tempfile import gettempdir

import httpx
from sqlalchemy import Connection, Engine, create_engine, text

_ROWS = 20_000
"""Enough for SQLite to count for 5 ms or so, and 20 ms where it has to share its core."""
_QUERY = text(
    "WITH RECURSIVE orders(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM orders WHERE n < :rows) "
    "SELECT count(*) FROM orders"
)


def database() -> Engine:
    """A database of its own, in the folder of the run."""
    return create_engine(f"sqlite:///{Path(os.environ.get('TIMING_FOLDER', gettempdir())) / 'timing.sqlite'}")


def render() -> None:
    """A thread of the pool is busy for a while."""
    time.sleep(0.02)


async def await_stock() -> None:
    """The event loop does other things meanwhile."""
    await asyncio.sleep(0.03)


def price() -> None:
    """Runs in a thread of its own."""
    time.sleep(0.15)


def prepare_price() -> None:
    """What goes before it takes no time."""


def count_orders(connection: Connection) -> int:
    """A query that is slow because there is much to count."""
    return int(connection.execute(_QUERY, {"rows": _ROWS}).scalar_one())


def ask_warehouse(client: httpx.Client) -> int:
    """Another service takes its time to answer."""
    return client.get("/warehouse").status_code


def tidy() -> None:
    """Called from a coroutine, and nothing else runs until it is over."""
    time.sleep(0.015)
