"""Talk to an embedded server: make projects, let it misbehave, ask what arrived."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from .. import clock
from ..errors import ServerError
from ..model.arrival import Arrival
from .behaviour import Rule
from .views import ArrivalPage, Project, RequestView, Stats

_T = TypeVar("_T")
_LONGEST_WAIT = 30.0
_MOST_LIMIT = 10_000


class ServerClient:
    """The control and read API of one embedded server. One connection, kept alive; one thread at a time
    uses it, others wait.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 60.0) -> None:
        """``url`` is the server's base URL; ``timeout`` in seconds for one call, waiting not counted."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or not parts.port:
            raise ServerError(
                f"{url!r} is not the address of an embedded server",
                hint="it looks like http://127.0.0.1:PORT",
            )
        self.url = url.rstrip("/")
        self._host, self._port = parts.hostname, parts.port
        self._token = token
        self._timeout = timeout
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None

    def create_project(
        self, name: str, *, project_id: str | None = None, public_key: str | None = None
    ) -> Project:
        """A new project with a key and DSN of its own; ``project_id`` and ``public_key`` are new unless given."""
        wanted = {"name": name, "project_id": project_id, "public_key": public_key}
        body = {field: value for field, value in wanted.items() if value is not None}
        return self._call("POST", "projects", Project, body=body)

    def projects(self) -> list[Project]:
        """All projects, oldest first."""
        return self._call("GET", "projects", list[Project])

    def change_project(
        self, project_id: str, *, enabled: bool | None = None, key_enabled: bool | None = None
    ) -> Project:
        """Enable or disable a project or its key; what is disabled is refused with 403, and recorded."""
        wanted = {"enabled": enabled, "key_enabled": key_enabled}
        body = {name: value for name, value in wanted.items() if value is not None}
        return self._call("PATCH", f"projects/{quote(project_id)}", Project, body=body)

    def behave(self, project_id: str, rules: Sequence[Rule]) -> None:
        """Misbehave for ``project_id`` by these rules, in order; they replace the ones in force."""
        body = [
            {
                name: value
                for name, value in msgspec.to_builtins(rule).items()
                if value not in (None, "", False, {})
            }
            for rule in rules
        ]
        self._call("PUT", f"projects/{quote(project_id)}/behaviour", dict[str, Any], body=body)

    def behave_well(self, project_id: str) -> None:
        """End the misbehaviour for ``project_id``."""
        self._call("DELETE", f"projects/{quote(project_id)}/behaviour", dict[str, Any])

    def arrivals(
        self,
        *,
        project: str | None = None,
        since: int = 0,
        trace_id: str | None = None,
        event_id: str | None = None,
        item_type: str | None = None,
        outcome: str | None = None,
        wait: float = 0.0,
        at_least: int = 1,
        limit: int = 1000,
    ) -> ArrivalPage:
        """Arrivals after cursor ``since`` that match, oldest first, at most ``limit``.

        With ``wait`` (seconds, at most 30) the server answers once ``at_least`` match or the time is
        over. Everything acknowledged before the call is in the answer, unless ``behind`` says otherwise.
        """
        query = {
            "project": project,
            "since": since or None,
            "trace_id": trace_id,
            "event_id": event_id,
            "item_type": item_type,
            "outcome": outcome,
            "wait": wait or None,
            "at_least": at_least if wait else None,
            "limit": limit,
        }
        given = {name: value for name, value in query.items() if value is not None}
        return self._call("GET", f"arrivals?{urlencode(given)}", ArrivalPage, extra=wait)

    def wait_for(
        self,
        *,
        timeout: float,
        at_least: int = 1,
        project: str | None = None,
        since: int = 0,
        trace_id: str | None = None,
        event_id: str | None = None,
        item_type: str | None = None,
        outcome: str | None = None,
    ) -> list[Arrival]:
        """Wait until ``at_least`` arrivals match and return them all; what there is after ``timeout`` seconds."""
        deadline = clock.monotonic() + timeout
        found: list[Arrival] = []
        while True:
            left = max(deadline - clock.monotonic(), 0.0)
            page = self.arrivals(
                project=project,
                since=since,
                trace_id=trace_id,
                event_id=event_id,
                item_type=item_type,
                outcome=outcome,
                wait=min(left, _LONGEST_WAIT),
                at_least=min(max(at_least - len(found), 1), _MOST_LIMIT),
                limit=_MOST_LIMIT,
            )
            found += page.arrivals
            since = page.cursor
            if len(page.arrivals) < _MOST_LIMIT and (len(found) >= at_least or left <= 0):
                return found

    def request(self, seq: int) -> RequestView:
        """One request as received, with its raw body and the answer it got."""
        return self._call("GET", f"requests/{seq}", RequestView)

    def stats(self) -> Stats:
        """How many items of which kind arrived, by project, outcome and status."""
        return self._call("GET", "stats", Stats)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._drop()

    def __enter__(self) -> ServerClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, method: str, path: str, kind: type[_T], *, body: object = None, extra: float = 0.0) -> _T:
        headers = {"Authorization": f"Bearer {self._token}"}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        with self._lock:
            status, answer = self._exchange(
                method, f"/api/harness/{path}", data, headers, self._timeout + extra
            )
        if status >= 400:
            raise self._refused(method, path, status, answer)
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.MsgspecError as error:
            raise ServerError(
                f"the answer cannot be read: {error}",
                where=f"{method} {self.url}/api/harness/{path}",
                hint="server and client must be of the same release",
            ) from error

    def _exchange(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str], timeout: float
    ) -> tuple[int, bytes]:
        reused = self._connection is not None
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout)
                self._connection.connect()
            self._connection.sock.settimeout(timeout)
            self._connection.request(method, path, body=data, headers=dict(headers))
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            # A kept connection may have been closed meanwhile; reading can safely be tried once more.
            if reused and method == "GET" and not isinstance(error, TimeoutError):
                return self._exchange(method, path, data, headers, timeout)
            raise ServerError(
                f"no answer from the embedded server: {error or type(error).__name__}",
                where=f"{method} {self.url}{path}",
                hint="see whether it still runs; its log is server.log in the store's folder",
            ) from error

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _refused(self, method: str, path: str, status: int, answer: bytes) -> ServerError:
        try:
            document = json.loads(answer)
        except ValueError:
            document = {}
        detail = document.get("detail") or answer[:200].decode("utf-8", "replace") or f"status {status}"
        return ServerError(
            f"{detail} (status {status})",
            where=f"{method} {self.url}/api/harness/{path}",
            hint=document.get("hint"),
        )
