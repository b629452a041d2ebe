"""The Locust extension: one call, ``attach(environment)``, from an ``init`` listener of a locustfile.

::

    from locust import HttpUser, events, task
    from pytest_sentry_harness.locust_ext import add_options, attach

    events.init_command_line_parser.add_listener(add_options)

    @events.init.add_listener
    def on_init(environment, **kwargs):
        attach(environment, scenario="scenarios/capture.toml")

Import ``locust`` first: it replaces parts of the standard library, and what was imported before keeps
the old ones. For the same reason nothing here imports it before it is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..load.provoking import provoking
from .options import add_options

if TYPE_CHECKING:
    from locust.env import Environment

    from .attachment import Attachment
    from .open_loop import OpenLoop

__all__ = ["OpenLoop", "add_options", "attach", "provoking"]


def __getattr__(name: str) -> Any:
    # Locust is imported by whoever asks for its users, and not before.
    if name == "OpenLoop":
        from .open_loop import OpenLoop

        return OpenLoop
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def attach(environment: Environment, *, scenario: str | Path | None = None) -> Attachment:
    """Connect ``environment`` with the harness; call it once, from an ``init`` listener.

    ``scenario`` is the file to run when the harness did not start this Locust and the command line names
    no other. Raises ``UsageError`` when there is none, and what beginning a run raises. Locust ends with exit
    code 1 when an ``init`` listener raises.
    """
    from .attachment import Attachment

    attachment = Attachment(environment)
    attachment.begin(scenario)
    return attachment
