"""An error storm: many users, no pauses, and only requests that a fault can meet.

Alone, with the verdict as exit code: ``locust -f locustfiles/storm.py --headless -u 8 -t 60s``
"""

from __future__ import annotations

from locust import constant, task
from trader import Trader, judged_by

judged_by("capture.toml")


class PanickingTrader(Trader):
    """Everybody sells at once."""

    wait_time = constant(0)

    @task(3)
    def trades(self) -> None:
        self.place_order()

    @task(2)
    def trades_a_block(self) -> None:
        self.place_order(block=True)

    @task(2)
    def asks_for_quotes(self) -> None:
        self.look_at_quote()

    @task(2)
    def checks_portfolio(self) -> None:
        self.look_at_portfolio()

    @task(1)
    def checks_orders(self) -> None:
        self.list_orders()
