"""``[[operation]]`` and ``[profiling]``: what is measured in the target, and what monitoring should make of it."""

from __future__ import annotations

import re
from typing import Any, Literal, cast

from ..errors import ScenarioError
from ..model.scenario import NPlusOne, Operation, Profiling
from .tables import Document, Table

POINT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
"""``package.module:function`` or ``package.module:Class.method``."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_KINDS = ("sync", "async", "thread", "sql", "http", "blocked")


def read_operations(document: Document, content: Any) -> tuple[Operation, ...]:
    """``[[operation]]``. Raises ``ScenarioError``."""
    if not isinstance(content, list):
        raise ScenarioError(
            "operations are a list of tables",
            where=document.where("operation"),
            hint="write [[operation]], with two brackets",
        )
    operations: list[Operation] = []
    for index, entry in enumerate(content):
        table = Table(document, "operation", entry, index)
        operation = _operation(table)
        if operation.name in (earlier.name for earlier in operations):
            raise table.fail(
                "name", f"two operations are named {operation.name!r}", hint="give each a name of its own"
            )
        same = next((earlier.name for earlier in operations if _reported_alike(earlier, operation)), None)
        if same is not None:
            raise table.fail(
                "at",
                f"operations {same!r} and {operation.name!r} are both {operation.at}, reported by the same span",
                hint="each call would be of both, whatever their routes, and its span can be of one only: keep one of "
                "them, mark another function, or name another span",
            )
        operations.append(operation)
    return tuple(operations)


def _reported_alike(one: Operation, other: Operation) -> bool:
    """Whether every call of ``one`` is one of ``other``, and they look for the same span of it."""
    return (one.at, one.op, one.description) == (other.at, other.op, other.description)


def _operation(table: Table) -> Operation:
    name = table.required("name", 'write name = "save-order"')
    if not _NAME.fullmatch(name):
        raise table.fail(
            "name", f"{name!r} is not a name", hint="use letters, digits, '-', '_' and '.', at most 64"
        )
    at = table.required("at", 'write at = "package.module:function"')
    if not POINT.fullmatch(at):
        raise table.fail(
            "at",
            f"{at!r} is not a function",
            hint='write "package.module:function" or "package.module:Class.method"',
        )
    operation = Operation(
        name=name,
        at=at,
        kind=cast(
            'Literal["sync", "async", "thread", "sql", "http", "blocked"]',
            table.choice("kind", "sync", _KINDS),
        ),
        op=table.text("op") or "",
        description=table.text("description") or "",
        route=table.text("route") or "",
    )
    table.done()
    return operation


def read_profiling(document: Document, content: Any) -> Profiling:
    """``[profiling]``. Raises ``ScenarioError``."""
    table = Table(document, "profiling", content)
    profiles = table.number("profiles", 1.0) if "profiles" in table else 0.0
    if profiles > 1:
        raise table.fail("profiles", f"profiles = {profiles:g} is no share", hint="write profiles = 1.0")
    planted: list[NPlusOne] = []
    for index, entry in enumerate(table.list_of_tables("n_plus_one")):
        queries = _n_plus_one(Table(document, "profiling.n_plus_one", entry, index))
        if queries.name in (earlier.name for earlier in planted):
            raise ScenarioError(
                f"two tables of N+1 queries are named {queries.name!r}",
                where=document.where("profiling.n_plus_one", index, "name"),
                hint="give each a name of its own",
            )
        planted.append(queries)
    defaults = Profiling()
    profiling = Profiling(
        profiles=profiles,
        slow=table.seconds("slow", defaults.slow),
        queries=table.integer("queries", defaults.queries, least=2) or defaults.queries,
        queries_time=table.seconds("queries_time", defaults.queries_time),
        n_plus_one=tuple(planted),
    )
    table.done("profiles")
    return profiling


def _n_plus_one(table: Table) -> NPlusOne:
    name = table.required("name", 'write name = "items-one-by-one"')
    if not _NAME.fullmatch(name):
        raise table.fail(
            "name", f"{name!r} is not a name", hint="use letters, digits, '-', '_' and '.', at most 64"
        )
    queries = NPlusOne(
        name=name,
        route=table.required("route", 'write route = "/orders": a glob over the transaction\'s name'),
        description=table.required("description", 'write description = "SELECT*FROM items*"'),
        count=table.integer("count", 5, least=2) or 5,
        file=table.text("file") or "",
    )
    table.done()
    return queries
