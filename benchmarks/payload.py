"""Make one real error envelope: a FastAPI application with the real SDK, an error deep down, locals, breadcrumbs.

Prints nothing; run as ``python payload.py DSN`` it sends the envelope to the DSN, gzip-encoded as most SDKs do.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import sentry_sdk
from fastapi import FastAPI
from starlette.testclient import TestClient

app = FastAPI()
_log = logging.getLogger("orders")


class OutOfStockError(Exception):
    """What goes wrong in the benchmark's shop."""


@app.post("/orders/{customer}")
async def order(customer: int, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Place an order; it fails at the last line."""
    for number, line in enumerate(lines):
        _log.info("line %d of customer %d: %s", number, customer, line)
    basket = {f"line {number}": dict(line) for number, line in enumerate(lines)}
    return reserve(basket, depth=4)


def reserve(basket: dict[str, Any], depth: int) -> dict[str, Any]:
    """Go down some frames, each with locals of its own."""
    warehouse = {"id": depth, "shelves": [f"shelf {depth}-{shelf}" for shelf in range(4)]}
    note = f"reserving {len(basket)} lines in warehouse {warehouse['id']}" * 2
    if depth == 0:
        raise OutOfStockError(f"nothing left of {basket['line 3']['article']}: {note[:40]}")
    return reserve({**basket, f"note {depth}": note}, depth - 1)


def main(dsn: str) -> None:
    """Send one error to ``dsn``."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    sentry_sdk.init(
        dsn,
        release="shop@4.2.0",
        environment="benchmark",
        _experiments={"transport_compression_algo": "gzip", "transport_compression_level": 9},
    )
    sentry_sdk.set_user({"id": "42", "username": "benchmark"})
    lines = [
        {"article": f"article {number}", "count": number + 1, "price": 9.99 * number, "gift": number % 3 == 0}
        for number in range(10)
    ]
    with TestClient(app, raise_server_exceptions=False) as client:
        client.post("/orders/42", json=lines)
    sentry_sdk.flush(10)


if __name__ == "__main__":
    main(sys.argv[1])
