"""An application that goes wrong in known ways: each function is one root cause, unless it says otherwise."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger("shop")


class ShopError(Exception):
    """Anything that goes wrong in the shop."""


def ratio(part: float, whole: float) -> float:
    return part / whole


def price(prices: dict[str, int], article: str) -> int:
    return prices[article]


def reserve(stock: int, wanted: int) -> None:
    if wanted > stock:
        raise ShopError(f"only {stock} left, {wanted} wanted")


def ask_warehouse(milliseconds: int) -> None:
    raise TimeoutError(f"no answer after {milliseconds}ms")


def ship(milliseconds: int) -> None:
    """A cause that is wrapped with ``from``."""
    try:
        ask_warehouse(milliseconds)
    except TimeoutError as error:
        raise ShopError("shipping failed") from error


def bill(article: str) -> None:
    """A cause that is wrapped by chance: the handler fails too."""
    try:
        price({}, article)
    except KeyError:
        ratio(1, 0)


def walk(tree: list[object]) -> None:
    """Fails at the bottom of a recursion that is as deep as the data."""
    if not tree:
        raise ShopError("empty category")
    walk(tree[0])  # type: ignore[arg-type]


def nested(depth: int) -> list[object]:
    found: list[object] = []
    for _ in range(depth):
        found = [found]
    return found


def deliver_all(addresses: list[str]) -> None:
    """Fails for each address in the same way, however many there are."""
    failed = []
    for address in addresses:
        try:
            deliver(address)
        except ShopError as error:
            failed.append(error)
    raise ExceptionGroup("deliveries failed", failed)


def deliver(address: str) -> None:
    raise ShopError(f"address 12 {address} unknown")


def close_day() -> None:
    """Two things fail at once."""
    failed: list[Exception] = []
    for step in (lambda: ratio(1, 0), lambda: price({}, "total")):
        try:
            step()
        except (ZeroDivisionError, KeyError) as error:
            failed.append(error)
    raise ExceptionGroup("end of day failed", failed)


def read_terms(path: str) -> str:
    """The system says which file; the code that asked is the same."""
    return Path(path).read_text(encoding="utf-8")


def fail(what: str) -> None:
    """The helper that raises everything."""
    raise ShopError(what)


def check_voucher(code: str) -> None:
    fail(f"voucher {code} is void")


def check_age(age: int) -> None:
    fail(f"{age} is too young")


CHECKS: dict[str, Callable[[], str]] = {
    "address": lambda: "address is incomplete",
    "payment": lambda: "payment was refused",
}


def check(name: str) -> None:
    """Several causes that come through one line."""
    fail(CHECKS[name]())


def behind_middleware(step: Callable[[], object]) -> None:
    """Keeps the cause."""
    try:
        step()
    except Exception as error:
        raise ShopError("request failed") from error


def behind_bad_middleware(step: Callable[[], object]) -> None:
    """Throws the cause away: two of them look alike."""
    try:
        step()
    except Exception:
        raise ShopError("request failed") from None


WAREHOUSE: dict[str, Callable[[], object]] = {
    "warehouse": lambda: ask_warehouse(5),
    "stock": lambda: reserve(1, 2),
}


def handle(name: str) -> None:
    behind_bad_middleware(WAREHOUSE[name])


def retried(times: int) -> None:
    for attempt in range(times):
        try:
            ask_warehouse(attempt)
        except TimeoutError:
            if attempt == times - 1:
                raise


def in_thread(step: Callable[[], object]) -> None:
    thread = threading.Thread(target=step)
    thread.start()
    thread.join()
