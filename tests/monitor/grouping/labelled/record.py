"""Makes everything go wrong under a real SDK and writes what the SDK sends: one JSON object with label and payload per line.

    python -m tests.monitor.grouping.labelled.record OUT

A label is the root cause. Labels that begin with ``hard`` are causes that the documented grouping puts wrong.
"""

from __future__ import annotations

import json
import logging
import sys
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from . import causes

log = logging.getLogger("shop")


class Recorder(Transport):
    """Keeps every event with the label of the moment."""

    def __init__(self) -> None:
        super().__init__()
        self.label = ""
        self.lines: list[str] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        for item in envelope.items:
            if item.type == "event":
                self.lines.append(json.dumps({"label": self.label, "data": json.loads(item.get_bytes())}))


def captured(step: Callable[..., object], *given: object, fingerprint: list[str] | None = None) -> None:
    """Raises, and reports it as an application would."""
    with sentry_sdk.new_scope() as scope:
        if fingerprint:
            scope.fingerprint = fingerprint
        try:
            step(*given)
        except Exception as error:
            sentry_sdk.capture_exception(error)


def main(out: str) -> None:
    recorder = Recorder()
    sentry_sdk.init(
        dsn="http://0123456789abcdef0123456789abcdef@localhost:9/1",
        transport=recorder,
        project_root=str(Path(__file__).parent),
        release="shop@1.2.3",
        environment="test",
    )

    def label(name: str) -> None:
        recorder.label = name

    plain(label)
    messages(label)
    hard(label)
    frameworks(label)
    Path(out).write_text("\n".join(recorder.lines) + "\n", encoding="utf-8")


def plain(label: Callable[[str], None]) -> None:
    """Exceptions: each with ids, names or depths that differ from time to time."""
    for n in range(8):
        label("ratio")
        captured(causes.ratio, n, 0)
        label("price")
        captured(causes.price, {}, f"article-{n}")
        label("reserve")
        captured(causes.reserve, n, n + 5)
        label("chained")
        captured(causes.ship, n)
        label("chained by context")
        captured(causes.bill, f"article-{n}")
        label("recursion")
        captured(causes.walk, causes.nested(3 + 7 * n))
        label("group of one kind")
        captured(causes.deliver_all, [f"{m} Main St" for m in range(n + 1)])
        label("group of two kinds")
        captured(causes.close_day)
        label("helper: voucher")
        captured(causes.check_voucher, f"{n:08x}")
        label("helper: age")
        captured(causes.check_age, n)
        label("middleware: warehouse")
        captured(causes.behind_middleware, partial(causes.ask_warehouse, n))
        label("middleware: stock")
        captured(causes.behind_middleware, partial(causes.reserve, n, n + 1))
        label("retries")
        captured(causes.retried, n + 1)
    for n in range(4):
        label("thread")
        causes.in_thread(partial(causes.ratio, n, 0))
        label("a file of the system")
        captured(causes.read_terms, f"/nowhere/{n}")


def messages(label: Callable[[str], None]) -> None:
    """Texts: of loggers, by hand, and of exceptions that were never raised."""
    for n in range(8):
        label("log template")
        log.error("user %s could not pay %s", f"name-{n}", n * 1.5)
        label("log with id")
        log.error(f"order {uuid.uuid4()} was lost after {n}.5s")
        label("message with address")
        sentry_sdk.capture_message(f"peer 10.0.0.{n} closed at 2026-01-0{n + 1}T10:00:00Z", level="warning")
        label("repr with address")
        sentry_sdk.capture_exception(ValueError(f"cannot store {object()!r}"))
        label("exception without stack")
        sentry_sdk.capture_exception(causes.ShopError(f"job {n} is {uuid.uuid4().hex}"))


def hard(label: Callable[[str], None]) -> None:
    """What the documented grouping cannot get right."""
    for n in range(4):
        label("hard: fingerprint with an id")
        captured(causes.reserve, n, n + 5, fingerprint=["reserve", str(n)])
        for name in causes.CHECKS:
            label(f"hard: one line for all, {name}")
            captured(causes.check, name)
        for name in causes.WAREHOUSE:
            label(f"hard: cause thrown away, {name}")
            captured(causes.handle, name)
        label("hard: names in a message")
        log.error(f"no mail for {('Ann', 'Bob', 'Cleo', 'Dan')[n]}")
        label("hard: logged and raised")
        try:
            causes.price({}, "x")
        except KeyError as error:
            log.error("could not price: %s", error)
            sentry_sdk.capture_exception(error)


def frameworks(label: Callable[[str], None]) -> None:
    """Through FastAPI, Flask, Django and Celery, with their integrations."""
    from django.test import Client as DjangoClient
    from fastapi.testclient import TestClient

    from . import web

    api = TestClient(web.api, raise_server_exceptions=False)
    site, django = web.site.test_client(), DjangoClient(raise_request_exception=False)
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    calls: list[tuple[str, Callable[[int], Any]]] = [
        ("fastapi reserve", lambda n: api.get(f"/reserve/{n + 5}")),
        ("fastapi price", lambda n: api.get(f"/price/article-{n}")),
        ("flask reserve", lambda n: site.get(f"/reserve/{n + 5}")),
        ("flask ship", lambda n: site.get(f"/ship/{n}")),
        ("django price", lambda n: django.get(f"/price/article-{n}")),
        ("django walk", lambda n: django.get(f"/walk/{n + 3}")),
        ("celery deliver", lambda n: web.deliver.delay(f"{n} Main St")),
        ("celery settle", lambda n: web.settle.delay(n)),
        ("hard: two routes", lambda n: api.get(f"/{('ratio', 'share')[n % 2]}/{n}")),
    ]
    for name, call in calls:
        label(name)
        for n in range(6):
            call(n)


if __name__ == "__main__":
    main(sys.argv[1])
