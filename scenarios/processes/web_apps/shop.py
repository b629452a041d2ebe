"""What the applications do. The scenarios inject their faults here: none of it knows a web framework."""

from __future__ import annotations

import logging
from collections.abc import Iterator

log = logging.getLogger("shop")


def save(order: int) -> int:
    """Store an order; gives back its number."""
    return order


def check(order: int) -> int:
    """Look an order up in the stock."""
    return order


def invoice(order: int) -> int:
    """Ask another service for the invoice."""
    return order


def authorise(caller: str) -> str:
    """What a middleware does before the application gets the request."""
    return caller


def lines() -> Iterator[str]:
    """An export, produced while it is sent."""
    yield "order\n"
    yield from more_lines()


def more_lines() -> Iterator[str]:
    """The rest of the export: when it begins, the response has begun too."""
    yield "1\n"


def notify(order: int) -> None:
    """Tell the customer, after the answer was sent."""
    log.debug("order %s", order)


def tidy() -> None:
    """What is left to do once the response has been sent and closed."""


def report() -> str:
    """A heavy report: a fault here takes the worker with it."""
    return "report"


def warm_up() -> None:
    """What is done once, before the first request."""


def refresh() -> None:
    """What a timer does between requests."""
