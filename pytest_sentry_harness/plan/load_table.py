"""The ``[load]`` table: a locustfile, or a script of requests; sent by users that wait, or as they arrive."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

from ..errors import did_you_mean
from ..model.scenario import Load, LoadRequest
from .open_load import OPEN_KEYS, read_stages
from .tables import Document, Table

SEND = re.compile(r"([A-Z]{1,20}) (/[^\s#\x00-\x1f\x7f]*)")
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MOST_REQUESTS = 1_000_000
_MOST_AT_ONCE = 500
"""Requests of an open load that may be under way at once, unless the scenario says otherwise."""


def read_load(document: Document, content: Any, base: Path, check_files: bool) -> Load:
    """The load ``content`` describes; ``base`` is where a relative locustfile lies. Raises ``ScenarioError``."""
    table = Table(document, "load", content)
    if ("locustfile" in table) == ("request" in table):
        raise table.fail(
            "request" if "request" in table else "locustfile",
            "a load needs exactly one of locustfile and [[load.request]]",
            hint='write locustfile = "../locustfiles/trading.py", or [[load.request]] with send = "GET /path"',
        )
    scripted = "request" in table
    load = _scripted(document, table) if scripted else _locust(table, base, check_files)
    if any(key in table for key in OPEN_KEYS):
        load = _open(table, load)
    table.done(*OPEN_KEYS)
    return load


def _open(table: Table, load: Load) -> Load:
    """``load``, sent as its requests arrive."""
    stages = read_stages(table, load.run_time)
    # A script is sent by threads, made as they are needed; of Locust's users each has arrivals of its own.
    users = load.users if "users" in table else (_MOST_AT_ONCE if load.requests else 1)
    return replace(
        load,
        users=users,
        run_time=sum(stage.seconds for stage in stages),
        stages=stages,
        arrivals=cast(
            'Literal["constant", "poisson"]', table.choice("arrivals", "poisson", ("constant", "poisson"))
        ),
    )


def _locust(table: Table, base: Path, check_files: bool) -> Load:
    locustfile = base / table.required("locustfile", 'write locustfile = "../locustfiles/trading.py"')
    if check_files and not locustfile.is_file():
        near = did_you_mean(
            locustfile.name, [entry.name for entry in locustfile.parent.glob("*.py")] or ["none"]
        )
        raise table.fail("locustfile", f"there is no file {locustfile}", hint=near)
    return Load(
        locustfile=locustfile,
        users=table.integer("users", 10, least=1) or 10,
        spawn_rate=table.number("spawn_rate", 50.0),
        run_time=table.seconds("run_time", 30.0),
        stop_after_faults=table.integer("faults", None, least=1),
        user_classes=table.texts("user_classes"),
    )


def _scripted(document: Document, table: Table) -> Load:
    entries = table.list_of_tables("request")
    requests = tuple(
        _request(Table(document, "load.request", entry, index)) for index, entry in enumerate(entries)
    )
    if not requests:
        raise table.fail("request", "the script of requests is empty", hint="write [[load.request]]")
    if sum(request.times for request in requests) > _MOST_REQUESTS:
        raise table.fail("request", f"the script has more than {_MOST_REQUESTS} requests", hint="use Locust")
    return Load(
        requests=requests,
        users=table.integer("users", 1, least=1) or 1,
        run_time=table.seconds("run_time", 60.0),
        stop_after_faults=table.integer("faults", None, least=1),
    )


def _request(table: Table) -> LoadRequest:
    send = table.required("send", 'write send = "GET /path"')
    match = SEND.fullmatch(send)
    if match is None:
        raise table.fail("send", f"{send!r} is not a request", hint='write send = "POST /orders"')
    if "json" in table and "body" in table:
        raise table.fail("body", "a request has one body: give json or body, not both")
    headers = table.mapping("headers")
    for name, value in headers.items():
        if not HEADER.fullmatch(name) or not value.isprintable() or not value.isascii():
            raise table.fail(
                "headers", f"{name!r} = {value!r} is not a header", hint="use ASCII, without line breaks"
            )
    request = LoadRequest(
        method=match[1],
        path=match[2],
        times=table.integer("times", 1, least=1) or 1,
        faults=table.texts("faults") if "faults" in table else None,
        json=table.anything("json"),
        body=table.text("body"),
        headers=headers,
    )
    table.done()
    return request
