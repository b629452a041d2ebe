"""The work of a shop, slow in ways that monitoring has to tell apart."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import Any

import httpx
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.pool import StaticPool

DEFECT = os.environ.get("DEFECT", "")
ORDERS = 10
SLOW = 0.08
"""Seconds that each slow thing takes at least."""
engine = create_engine(
    "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}, pool_reset_on_return=None
)
upstream = httpx.Client(base_url=f"http://127.0.0.1:{os.environ.get('PORT', '0')}", timeout=30)


@event.listens_for(engine, "connect")
def _teach_to_pause(connection: sqlite3.Connection, _record: Any) -> None:
    """Give the database something that takes time."""
    connection.create_function("pause", 1, _pause)


def _pause(seconds: float) -> int:
    time.sleep(seconds)
    return 0


def fill() -> None:
    """Make the tables."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT)"))
        connection.execute(text("CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER, name TEXT)"))
        for number in range(ORDERS):
            connection.execute(text("INSERT INTO orders VALUES (:id, 'ann')"), {"id": number})
            connection.execute(text("INSERT INTO items VALUES (:id, :id, 'tea')"), {"id": number})


def render_report() -> int:
    """Compute, and nothing else."""
    count, begun = 0, time.thread_time()
    while time.thread_time() - begun < SLOW:
        count += sum(range(100))
    return count


def export() -> None:
    """Wait for something that no span tells of."""
    time.sleep(SLOW)


def search(connection: Connection) -> int:
    """One slow query."""
    query = text("SELECT count(*), pause(:seconds) FROM orders WHERE customer = :customer")
    return int(connection.execute(query, {"seconds": SLOW, "customer": "ann"}).scalar_one())


def quote() -> str:
    """Ask a slow service."""
    return upstream.get("/upstream").text


def orders_with_items(connection: Connection) -> list[list[str]]:
    """The classic: one query for the orders, and one more for each of them."""
    query = text("SELECT name, pause(:seconds) FROM items WHERE order_id = :order")
    return [
        [row.name for row in connection.execute(query, {"order": order.id, "seconds": SLOW / ORDERS})]
        for order in connection.execute(text("SELECT id FROM orders ORDER BY id")).all()
    ]
