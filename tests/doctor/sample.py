"""Evidence of a healthy set-up, for tests to spoil one thing of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_sentry_harness.doctor.evidence import (
    Evidence,
    Init,
    Library,
    Lost,
    Probe,
    ProcessSeen,
    Shutdown,
)

OPTIONS: dict[str, Any] = {
    "sample_rate": 1.0,
    "error_sampler": None,
    "traces_sample_rate": None,
    "traces_sampler": None,
    "before_send": None,
    "before_send_transaction": None,
    "ignore_errors": [],
    "transport": None,
    "transport_queue_size": 1000,
    "shutdown_timeout": 10,
    "send_client_reports": True,
    "keep_alive": True,
    "socket_options": [[6, 1, 1]],
    "enable_backpressure_handling": True,
    "release": "shop@1.2.3",
    "environment": "staging",
    "send_default_pii": False,
    "event_scrubber": "<sentry_sdk.scrubber.EventScrubber>",
    "max_request_body_size": "medium",
    "include_local_variables": False,
    "default_integrations": True,
    "auto_enabling_integrations": True,
    "debug": False,
}
INIT = Init(
    pid=7,
    version="2.75.0",
    active=True,
    dsn="http://***@127.0.0.1:9000/1",
    options=OPTIONS,
    integrations=("atexit", "dedupe", "excepthook", "flask", "logging", "threading"),
    place="app.py:3",
    given=("release", "environment", "dsn"),
)
FLASK = Library(integration="flask", library="Flask", version="3.1.0", loaded=True, errors=True, on=True)
HEALTHY = Evidence(
    service=True,
    burst=1000,
    processes=(ProcessSeen(pid=7, argv=("python", "app.py"), initialised=True, orderly=True),),
    inits=(INIT,),
    probes=(
        Probe(kind="handled", sent=1, arrived=1),
        Probe(kind="burst", sent=50, arrived=50),
        Probe(kind="request", sent=1, arrived=1),
        Probe(kind="message", sent=1, arrived=1),
    ),
    libraries=(FLASK,),
    shutdown=Shutdown(
        how="SIGTERM",
        handed=5,
        arrived=5,
        seconds=1.5,
        ending="ended with exit code 0 after 1.5 s",
        killed=False,
        answer_seconds=0.25,
    ),
    drained_per_second=400.0,
    environment=frozenset({"SENTRY_DSN"}),
)


def with_options(**options: Any) -> Evidence:
    """The healthy evidence with other options in force."""
    return replace(HEALTHY, inits=(replace(INIT, options={**OPTIONS, **options}),))


def without_option(name: str) -> Evidence:
    """The healthy evidence of an SDK that does not have the option."""
    return replace(HEALTHY, inits=(replace(INIT, options={k: v for k, v in OPTIONS.items() if k != name}),))


def with_init(**fields: Any) -> Evidence:
    """The healthy evidence with another initialisation."""
    return replace(HEALTHY, inits=(replace(INIT, **fields),))


def with_lost(
    reason: str, culprit: str = "", place: str = "", count: int = 3, kind: str = "burst"
) -> Evidence:
    """The healthy evidence, but some probes were lost."""
    lost = Lost(count=count, reason=reason, culprit=culprit, place=place)
    spoilt = Probe(kind=kind, sent=max(50, count), arrived=max(50, count) - count, lost=(lost,))
    return replace(HEALTHY, probes=tuple(spoilt if p.kind == kind else p for p in HEALTHY.probes))
