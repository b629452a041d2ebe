"""The Sentry set-up that the applications share. Call ``start`` in the process that serves."""

from __future__ import annotations

import os
from typing import Any

import sentry_sdk

DEFECT = os.environ.get("DEFECT", "")
"""The defect that a scenario plants; empty: none."""


def start(**overrides: Any) -> None:
    """Initialise the SDK; ``SENTRY_DSN`` says where to send."""
    options: dict[str, Any] = {
        "release": "shop@1.0",
        "environment": "scenario",
        # Errors come in bursts, and what does not fit into the queue (100 by default) is dropped.
        "transport_queue_size": 10_000,
        # How long the hook at interpreter exit may wait for the queue (2 s by default).
        "shutdown_timeout": 20,
    }
    sentry_sdk.init(**{**options, **overrides})
