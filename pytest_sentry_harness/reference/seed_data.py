"""Made-up users and instruments, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from faker import Faker
from sqlalchemy import insert, select

from .auth import hash_password
from .database import Database
from .models import Instrument, Order, Side, Status, User

PASSWORD = "correct horse battery staple"  # noqa: S105 - every made-up user has this one, on purpose


def emails(seed: int, count: int) -> list[str]:
    """The addresses of the first ``count`` users made from ``seed``; load generators log in with them."""
    return [email for _, email in _people(seed, count)]


def symbols(seed: int, count: int) -> list[str]:
    """The first ``count`` ticker symbols made from ``seed``."""
    return [symbol for symbol, _ in _companies(seed, count)]


def fill(database: Database, *, seed: int, users: int, instruments: int, history: int = 0) -> None:
    """Put users and instruments into an empty database, and ``history`` settled orders of each user.

    A filled one is left as it is.
    """
    if not database.is_empty(User):
        return
    # One hash for all: they share the password, and hashing is slow by design.
    password_hash = hash_password(PASSWORD)
    with database.session() as session, session.begin():
        session.add_all(
            User(name=name, email=email, password_hash=password_hash) for name, email in _people(seed, users)
        )
        session.add_all(
            Instrument(symbol=symbol, name=name, lot=1) for symbol, name in _companies(seed, instruments)
        )
        session.flush()
        if history:
            traders = list(session.scalars(select(User.id)))
            traded = symbols(seed, instruments)
            session.execute(insert(Order), list(_orders(seed, traders, traded, history)))


def _people(seed: int, count: int) -> list[tuple[str, str]]:
    faker = Faker("en_GB")
    faker.seed_instance(seed)
    return [(faker.name(), f"trader{number:03d}@{faker.domain_word()}.example") for number in range(count)]


def _orders(
    seed: int, traders: Sequence[int], traded: Sequence[str], history: int
) -> Iterator[dict[str, Any]]:
    """``history`` settled orders of each trader, over all symbols in turn; two of three are purchases."""
    dice = random.Random(f"{seed}-orders")
    for trader in traders:
        for number in range(history):
            yield {
                "user_id": trader,
                "symbol": traded[number % len(traded)],
                "side": dice.choice((Side.BUY, Side.BUY, Side.SELL)),
                "quantity": dice.randint(1, 500),
                "price": Decimal(dice.randint(50_000, 5_000_000)) / 10_000,
                "margin": Decimal(0),
                "status": Status.SETTLED,
            }


def _companies(seed: int, count: int) -> list[tuple[str, str]]:
    faker = Faker("en_US")
    faker.seed_instance(seed + 1)
    companies: dict[str, str] = {}
    while len(companies) < count:
        symbol = faker.unique.lexify("????", letters="ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        companies[symbol] = faker.company()
    return list(companies.items())
