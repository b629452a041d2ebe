"""The control and read API, below ``/api/harness/``: projects, misbehaviour, arrivals, requests, statistics.

Behind a bearer token, and only for requests that name this machine as their host: a web page somebody
visits could otherwise point a name of its own at 127.0.0.1 and talk to us through the browser.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from .. import __version__, clock
from ..errors import UsageError
from ..store.query import Filter
from ..store.rows import ProjectRow
from .behaviour import Behaviours, Rule
from .calls import MOST_BODY, Call, Handler, NotFoundError, answer_call, number, only
from .digester import Digester
from .messages import Answer, Receive, Scope, Send, error_answer, header, read_body, send_answer
from .projects import Projects, unknown_project
from .routes import CONTROL
from .views import ArrivalPage, Project, RequestView, Stats

_MOST_WAIT = 60.0
_MOST_LIMIT = 10_000
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::[0-9]{0,5})?")
_ARRIVAL_FIELDS = (
    *("project", "since", "trace_id", "event_id", "item_type", "outcome"),
    *("wait", "at_least", "limit"),
)


class _NewProject(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    project_id: str | None = None
    public_key: str | None = None


class _ProjectChange(msgspec.Struct, forbid_unknown_fields=True):
    enabled: bool | None = None
    key_enabled: bool | None = None


class _RuleBody(msgspec.Struct, forbid_unknown_fields=True):
    status: int | None = None
    headers: dict[str, str] = {}
    body: str | None = None
    delay: float = 0.0
    reset: str = ""
    hang: bool = False
    truncate: bool = False
    requests: int | None = None
    seconds: float | None = None


class Control:
    """Answers the control API. Lives in the server's event loop."""

    def __init__(
        self,
        *,
        token: str,
        url: str,
        any_host: bool,
        projects: Projects,
        behaviours: Behaviours,
        digester: Digester,
        store: Path,
    ) -> None:
        self._token = token.encode()
        self._url = url
        self._any_host = any_host
        self._projects = projects
        self._behaviours = behaviours
        self._digester = digester
        self._store = store
        self._routes: tuple[tuple[str, re.Pattern[str], Handler], ...] = tuple(
            (method, re.compile(pattern), handler)
            for method, pattern, handler in (
                ("GET", "", self._about),
                ("GET", "projects", self._list_projects),
                ("POST", "projects", self._create_project),
                ("PATCH", r"projects/([^/]+)", self._change_project),
                ("GET", r"projects/([^/]+)/behaviour", self._read_behaviour),
                ("PUT", r"projects/([^/]+)/behaviour", self._set_behaviour),
                ("DELETE", r"projects/([^/]+)/behaviour", self._end_behaviour),
                ("GET", "arrivals", self._arrivals),
                ("GET", r"requests/([^/]+)", self._request),
                ("GET", "stats", self._stats),
            )
        )

    def stop(self) -> None:
        """Let waiting calls go: the server is stopping."""
        self._digester.wake_waiters(for_good=True)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        method: str = scope["method"]
        answer = self._refusal(scope["headers"])
        if answer is None:
            body = await read_body(receive, MOST_BODY + 1)
            answer = await self._answer(scope, method, body.data)
        await send_answer(send, answer, head=method == "HEAD")

    def _refusal(self, headers: list[tuple[bytes, bytes]]) -> Answer | None:
        """401 or 403, or None when the caller may go on."""
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) > 1:
            # Who stands between may have looked at another one than we do (RFC 9112, 3.2).
            return error_answer(400, f"the request has {len(hosts)} Host headers", hint="send one")
        host = hosts[0] if hosts else ""
        if not self._any_host and _host_name(host) not in _LOCAL_NAMES:
            return error_answer(
                403,
                f"the host {host[:100]!r} is not this machine",
                hint="call the control API by 127.0.0.1 or localhost",
            )
        scheme, _, token = header(headers, b"authorization").partition(" ")
        # A comparison in constant time: how long a refusal takes must not tell how much was right.
        good = hmac.compare_digest(token.strip().encode("latin-1"), self._token)
        if scheme.lower() == "bearer" and good:
            return None
        return error_answer(
            401,
            "the control API needs the token of this server",
            hint="send Authorization: Bearer <token>; the server's ready line has the token",
            headers=((b"www-authenticate", b"Bearer"),),
        )

    async def _answer(self, scope: Scope, method: str, body: bytes) -> Answer:
        path = scope["path"][len(CONTROL) :].rstrip("/")
        allowed = []
        for known, pattern, handler in self._routes:
            found = pattern.fullmatch(path)
            if found and known == method:
                query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
                return await answer_call(handler, Call(found.groups(), query, body))
            if found:
                allowed.append(known)
        if allowed:
            return error_answer(
                405, f"use {' or '.join(allowed)}", headers=((b"allow", ", ".join(allowed).encode()),)
            )
        names = sorted({pattern.pattern.replace("([^/]+)", "<id>") for _, pattern, _ in self._routes} - {""})
        return error_answer(404, f"the control API has no {path[:100]!r}", hint=f"it has {', '.join(names)}")

    async def _about(self, call: Call) -> object:
        only(call, ())
        return {"version": __version__, "url": self._url, "store": str(self._store.resolve())}

    async def _list_projects(self, call: Call) -> object:
        only(call, ())
        return [self._view(row) for row in self._projects.all()]

    async def _create_project(self, call: Call) -> object:
        only(call, ())
        new = call.read(_NewProject, ("name", "project_id", "public_key"))
        return self._view(
            await self._projects.create(new.name, project_id=new.project_id, public_key=new.public_key)
        )

    async def _change_project(self, call: Call) -> object:
        only(call, ())
        change = call.read(_ProjectChange, ("enabled", "key_enabled"))
        row = self._project(call)
        return self._view(
            await self._projects.change(
                row.project_id, enabled=change.enabled, key_enabled=change.key_enabled
            )
        )

    async def _read_behaviour(self, call: Call) -> object:
        only(call, ())
        return {"rules": self._behaviours.rules(self._project(call).project_id)}

    async def _set_behaviour(self, call: Call) -> object:
        only(call, ())
        project = self._project(call)
        bodies = call.read(list[_RuleBody], [field.name for field in fields_of(Rule)])
        rules = [_rule(body) for body in bodies]
        self._behaviours.play(project.project_id, rules, clock.monotonic())
        return {"rules": rules}

    async def _end_behaviour(self, call: Call) -> object:
        only(call, ())
        self._behaviours.play(self._project(call).project_id, (), clock.monotonic())
        return {"rules": []}

    async def _arrivals(self, call: Call) -> ArrivalPage:
        only(call, _ARRIVAL_FIELDS)
        query = call.query
        wanted = Filter(
            project=query.get("project"),
            trace_id=query.get("trace_id"),
            event_id=query.get("event_id"),
            item_type=query.get("item_type"),
            outcome=query.get("outcome"),
        )
        return await self._digester.arrivals(
            wanted,
            since=int(number(query, "since", 0, 0, 2**62)),
            limit=int(number(query, "limit", 1000, 1, _MOST_LIMIT)),
            at_least=int(number(query, "at_least", 1, 1, _MOST_LIMIT)),
            wait=number(query, "wait", 0.0, 0.0, _MOST_WAIT),
        )

    async def _request(self, call: Call) -> RequestView:
        only(call, ())
        number = call.parts[0]
        found = await self._digester.request(int(number)) if re.fullmatch(r"\d{1,18}", number) else None
        if found is None:
            raise NotFoundError(f"there is no request {number[:40]!r}", hint="requests are numbered from 1")
        return found

    async def _stats(self, call: Call) -> Stats:
        only(call, ())
        return await self._digester.stats()

    def _project(self, call: Call) -> ProjectRow:
        row = self._projects.find(call.parts[0])
        if row is None:
            error = unknown_project(call.parts[0], [known.project_id for known in self._projects.all()])
            raise NotFoundError(error.what, where=error.where, hint=error.hint)
        return row

    def _view(self, row: ProjectRow) -> Project:
        scheme, _, rest = self._url.partition("://")
        return Project(
            project_id=row.project_id,
            name=row.name,
            public_key=row.public_key,
            dsn=f"{scheme}://{row.public_key}@{rest}/{row.project_id}",
            enabled=row.enabled,
            key_enabled=row.key_enabled,
        )


def _rule(body: _RuleBody) -> Rule:
    values: dict[str, Any] = msgspec.structs.asdict(body)
    if body.reset not in ("", "before", "after"):
        raise UsageError(
            f"{body.reset!r} is not allowed", where="behaviour rule, reset", hint="allowed: before, after"
        )
    return Rule(**values)


def _host_name(host: str) -> str:
    """The name in a Host header, without port and brackets, in lower case; empty: it is not well formed."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2] or "").lower() if found else ""
