"""The Sentry set-up of the reference service: the one to copy from.

Each option that differs from the SDK's default is there because leaving it out loses events.
"""

from __future__ import annotations

import os
import socket
from typing import Any

import sentry_sdk
from sentry_sdk.types import Event, Hint

RELEASE = "reference-trading@1.4.2"
_SECRET_HEADERS = frozenset({"authorization", "cookie", "x-api-key"})
_SECRET_FIELDS = frozenset({"password", "token", "secret"})


def init_sentry(**overrides: Any) -> None:
    """Initialise the SDK. ``SENTRY_DSN`` says where to send; without it nothing is sent.

    ``overrides`` replace single options; they exist for experiments.
    """
    options: dict[str, Any] = {
        "release": os.environ.get("SENTRY_RELEASE", RELEASE),
        "environment": os.environ.get("SENTRY_ENVIRONMENT", "reference"),
        # The queue between the application and the one sending thread holds 100 envelopes by default,
        # and what does not fit is dropped: a burst of errors is just when events matter most.
        "transport_queue_size": 10_000,
        # Time for the queue to drain at exit (2 s by default).
        "shutdown_timeout": 30,
        # Do not find a dead connection by losing the event that was sent over it. On its own, keep_alive
        # replaces urllib3's TCP_NODELAY, and each envelope of more than one segment then waits 40 ms for
        # a delayed acknowledgement: 22 events a second. So TCP_NODELAY is given back.
        "keep_alive": True,
        "socket_options": [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        # Transactions are sampled; errors are not (sample_rate stays 1.0).
        "traces_sample_rate": float(os.environ.get("SENTRY_TRACES_SAMPLE_RATE", "0.05")),
        # The stack of a failed request is some 60 frames deep. With locals its event is 217 kB and takes 39 ms
        # of the event loop, during which nobody is served; without them 24 ms, without source lines 7 ms and
        # 10 kB. In a storm that is the difference between 25 and 130 failures a second. Locals also hold
        # tokens and names that scrub() cannot know of; file and line lead to the source through the release.
        "include_local_variables": False,
        "include_source_context": False,
        # The SDK sends no personal data by itself unless it is told to, and here it is not. (The option
        # that tells it has had two names, send_default_pii and data_collection.) This sees to the rest.
        "before_send": scrub,
        # Frames are "in application" relative to this; the default depends on the working directory, and
        # so would the grouping of issues.
        "project_root": os.path.dirname(__file__),
    }
    options.update(overrides)
    sentry_sdk.init(**options)


def scrub(event: Event, _hint: Hint) -> Event:
    """Remove credentials from ``event``. Always gives the event back: None would drop it."""
    request = event.get("request")
    if isinstance(request, dict):
        _blank(request.get("headers"), _SECRET_HEADERS)
        _blank(request.get("data"), _SECRET_FIELDS)
    return event


def _blank(fields: object, names: frozenset[str]) -> None:
    if isinstance(fields, dict):
        for name in fields:
            if str(name).lower() in names:
                fields[name] = "[Filtered]"
