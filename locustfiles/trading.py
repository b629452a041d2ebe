"""Mixed traffic of a trading day: look around, ask for quotes, trade, look at the portfolio.

Alone, with the verdict as exit code: ``locust -f locustfiles/trading.py --headless -u 5 -t 10s``
"""

from __future__ import annotations

from locust import between, task
from trader import Trader, judged_by

judged_by("trading.toml")


class DayTrader(Trader):
    """Trades, and looks at prices in between."""

    wait_time = between(0.01, 0.05)

    @task(2)
    def browses(self) -> None:
        self.browse()

    @task(6)
    def asks_for_quotes(self) -> None:
        self.look_at_quote()

    @task(6)
    def trades(self) -> None:
        self.place_order()

    @task(1)
    def trades_a_block(self) -> None:
        self.place_order(block=True)
        self.settle()

    @task(1)
    def changes_its_mind(self) -> None:
        order_id = self.place_order()
        if order_id is not None:
            self.cancel(order_id)

    @task(2)
    def checks_orders(self) -> None:
        self.list_orders()

    @task(3)
    def checks_portfolio(self) -> None:
        self.look_at_portfolio()
