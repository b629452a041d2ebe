"""The user all locustfiles here share: a trader who is logged in. Its data is made up, and the same for the same seed."""

from __future__ import annotations

from locust import FastHttpUser, events  # first: it replaces parts of the standard library

# isort: split
import os
import random
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from faker import Faker

from pytest_sentry_harness.locust_ext import add_options, attach
from pytest_sentry_harness.reference.seed_data import PASSWORD, emails, symbols

SCENARIOS = Path(__file__).parent.parent / "scenarios"
SEED = int(os.environ.get("LOCUST_SENTRY_HARNESS_SEED", "1"))
EMAILS = emails(1, 20)
SYMBOLS = symbols(1, 24)


def judged_by(scenario: str) -> None:
    """Connect the locustfile with the harness; ``scenario`` is what it runs when it is started alone."""
    hooks: Any = events  # its hooks are not typed
    hooks.init_command_line_parser.add_listener(add_options)

    def on_init(environment: Any, **_: Any) -> None:
        attach(environment, scenario=SCENARIOS / scenario)

    hooks.init.add_listener(on_init)


class Trader(FastHttpUser):
    """A trader with an account, and with habits that depend on the seed and on which user it is."""

    abstract = True
    numbers: ClassVar[count[int]] = count()

    def on_start(self) -> None:
        number = next(self.numbers)
        self.random = random.Random(f"{SEED}-{number}")
        self.faker = Faker("en_GB")
        self.faker.seed_instance(f"{SEED}-{number}")
        self.headers: dict[str, str] = {}
        self.log_in(EMAILS[number % len(EMAILS)])

    def log_in(self, email: str) -> None:
        """Get an access token; tried again, because a fault may be in the way."""
        for _ in range(5):
            response = self.client.post("/login", name="/login", json={"email": email, "password": PASSWORD})
            if response.status_code == 200:
                self.headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
                return

    def some_symbol(self) -> str:
        """One of the symbols that are traded; a few are traded much more than the rest."""
        return SYMBOLS[min(int(self.random.expovariate(0.2)), len(SYMBOLS) - 1)]

    def browse(self) -> None:
        """Look at what is traded."""
        self.client.get("/instruments", name="/instruments")

    def look_at_quote(self) -> None:
        """Ask for a price."""
        self.client.get(f"/quotes/{self.some_symbol()}", name="/quotes/{symbol}")

    def place_order(self, *, block: bool = False) -> int | None:
        """Buy or sell, a ``block`` of several thousand if so; the order's id, None when it was not accepted."""
        order = {
            "symbol": self.some_symbol(),
            "side": self.faker.random_element(("buy", "sell")),
            "quantity": self.faker.random_int(5_000, 9_000) if block else self.faker.random_int(1, 500),
        }
        name = "/orders (block)" if block else "/orders"
        response = self.client.post("/orders", name=name, json=order, headers=self.headers)
        if response.status_code != 201:
            return None
        order_id: int = response.json()["id"]
        return order_id

    def list_orders(self) -> None:
        """Look at the own orders."""
        self.client.get("/orders?limit=20", name="/orders", headers=self.headers)

    def look_at_portfolio(self) -> None:
        """Look at the own positions."""
        self.client.get("/portfolio", name="/portfolio", headers=self.headers)

    def settle(self) -> None:
        """Have the open orders settled now."""
        self.client.post("/settlements", name="/settlements", headers=self.headers)

    def cancel(self, order_id: int) -> None:
        """Cancel an order; 409 says that it was settled first, which is no failure."""
        with self.client.delete(
            f"/orders/{order_id}", name="/orders/{id}", headers=self.headers, catch_response=True
        ) as response:
            if response.status_code == 409:
                response.success()
