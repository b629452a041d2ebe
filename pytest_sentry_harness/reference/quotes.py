"""Prices from the upstream quote service."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import httpx


class UnknownSymbol(Exception):  # noqa: N818 - the caller's mistake
    """The quote service does not know the symbol."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A price, in the instrument's currency."""

    symbol: str
    price: Decimal


async def fetch_quote(client: httpx.AsyncClient, symbol: str) -> Quote:
    """Ask for the present price of ``symbol``.

    Raises ``UnknownSymbol``, and whatever ``httpx`` raises when the service is away, slow or broken.
    """
    response = await client.get(f"/quotes/{symbol}")
    if response.status_code == httpx.codes.NOT_FOUND:
        raise UnknownSymbol(symbol)
    response.raise_for_status()
    return Quote(symbol, Decimal(response.json()["price"]))


def new_client(base_url: str) -> httpx.AsyncClient:
    """A client for the quote service, with deadlines shorter than any caller's patience."""
    return httpx.AsyncClient(base_url=base_url, timeout=httpx.Timeout(5.0, connect=2.0))
