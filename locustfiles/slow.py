"""Few users and long waits: for faults that make operations slow instead of failing them.

Alone, with the verdict as exit code: ``locust -f locustfiles/slow.py --headless -u 4 -t 20s``
"""

from __future__ import annotations

from locust import between, task
from trader import Trader, judged_by

judged_by("slow.toml")


class PatientTrader(Trader):
    """Waits for answers that take their time."""

    wait_time = between(0.05, 0.2)
    network_timeout = 30.0

    @task(3)
    def asks_for_quotes(self) -> None:
        self.look_at_quote()

    @task(3)
    def trades(self) -> None:
        self.place_order()

    @task(2)
    def checks_portfolio(self) -> None:
        self.look_at_portfolio()
