"""Load for ``k-losses.toml``: nothing but requests for work."""

from __future__ import annotations

from locust import FastHttpUser, constant, events, task  # first: it replaces parts of the standard library

# isort: split
from pathlib import Path
from typing import Any

from pytest_sentry_harness.locust_ext import add_options, attach

hooks: Any = events  # its hooks are not typed
hooks.init_command_line_parser.add_listener(add_options)


@hooks.init.add_listener  # type: ignore[untyped-decorator]
def on_init(environment: Any, **_: Any) -> None:
    """Connect with the harness."""
    attach(environment, scenario=Path(__file__).with_name("k-losses.toml"))


class Worker(FastHttpUser):
    """Asks for work, without pause."""

    wait_time = constant(0)

    @task
    def works(self) -> None:
        """One request."""
        self.client.get("/work")
