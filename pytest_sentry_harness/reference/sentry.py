"""The Sentry set-up of the reference service: the one to copy from.

Each option that differs from the SDK's default is there because leaving it out loses events, or costs more CPU
than what it gives is worth here. What each costs is measured: ``sentry-harness cost scenarios/overhead.toml``.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.logging import ignore_logger
from sentry_sdk.integrations.starlette import StarletteIntegration
from sentry_sdk.transport import Transport
from sentry_sdk.types import Event, Hint

RELEASE = "reference-trading@1.4.2"
OFF = "off"
_SECRET_HEADERS = frozenset({"authorization", "cookie", "x-api-key"})
_SECRET_FIELDS = frozenset({"password", "token", "secret"})


def init_sentry(**overrides: Any) -> None:
    """Initialise the SDK. ``SENTRY_DSN`` says where to send; without it nothing is sent.

    Without a DSN the SDK still patches the frameworks and does most of its work. ``REFERENCE_SENTRY=off`` leaves
    it out altogether: the service without Sentry, for measuring what Sentry costs.
    ``overrides`` replace single options, as ``REFERENCE_SENTRY_OPTIONS`` does; they exist for experiments.
    """
    if os.environ.get("REFERENCE_SENTRY") == OFF:
        return
    if os.environ.get("REFERENCE_SENTRY_LOGGERS") != "all":
        # uvicorn logs each exception that the framework's integration has reported already. The SDK would make a second event of
        # the record, stack and all, and then throw it away as a duplicate: that adds a quarter to what a failed request costs.
        ignore_logger("uvicorn.error")
    options = merged(production_options(os.environ), experiment(os.environ))
    options.update(overrides)
    sentry_sdk.init(**options)


def production_options(environment: Mapping[str, str]) -> dict[str, Any]:
    """The options of ``sentry_sdk.init`` as the service is meant to run."""
    return {
        "release": environment.get("SENTRY_RELEASE", RELEASE),
        "environment": environment.get("SENTRY_ENVIRONMENT", "reference"),
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
        "traces_sample_rate": float(environment.get("SENTRY_TRACES_SAMPLE_RATE", "0.05")),
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


def experiment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Options that differ from production, from the environment; empty in production.

    * ``REFERENCE_SENTRY_OPTIONS``: ``name=value`` pairs with commas between, values as in JSON, dots for options within
      options: ``include_local_variables=true,_experiments.trace_lifecycle="stream"``
    * ``REFERENCE_SENTRY_INTEGRATIONS``: ``lean`` for those that errors need, ``all`` for whatever the SDK finds (the default)
    * ``REFERENCE_SENTRY_LOGGERS`` (read by ``init_sentry``): ``all`` to make events of what uvicorn logs, too
    * ``REFERENCE_SENTRY_TRANSPORT``: ``discard`` for a transport that throws everything away

    Raises ``ValueError`` for a pair without ``=``, and for a value that is not JSON.
    """
    options: dict[str, Any] = lean() if environment.get("REFERENCE_SENTRY_INTEGRATIONS") == "lean" else {}
    for pair in filter(None, environment.get("REFERENCE_SENTRY_OPTIONS", "").split(",")):
        path, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"REFERENCE_SENTRY_OPTIONS: {pair!r} is not name=value")
        *tables, name = path.strip().split(".")
        table = options
        for each in tables:
            table = table.setdefault(each, {})
        table[name] = json.loads(value)
    if environment.get("REFERENCE_SENTRY_TRANSPORT") == "discard":
        options["transport"] = Discard
    return options


def lean() -> dict[str, Any]:
    """Only what capturing errors needs: the frameworks' integrations, beside those for the standard library.

    Those for SQLAlchemy and httpx make a span of each query and each call, in every request, and throw it away in the 19 of
    20 that are not sampled. Without them Sentry costs an order half as much. What is given up: these spans in the sampled
    transactions, the same as breadcrumbs of errors, and the trace header on calls to the quote service.
    """
    return {
        "auto_enabling_integrations": False,
        # Release health: a tenth of what each request costs, and of no use to whoever does not look at it.
        "auto_session_tracking": False,
        "integrations": [StarletteIntegration(), FastApiIntegration()],
    }


def merged(options: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``options`` with ``changes``, options within options one by one."""
    return {
        **options,
        **{
            name: {**options[name], **value} if isinstance(value, dict) and name in options else value
            for name, value in changes.items()
        },
    }


class Discard(Transport):
    """Takes what the SDK made and sends it nowhere: what is left of the cost is not the sending."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Forget ``envelope``."""


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
