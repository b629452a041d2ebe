"""The decision about one ingest request: who sends, whether it may, whether the body is well formed.

Sentry developer docs, "Envelopes: Authentication" and "Envelopes: Ingestion". Nothing of an item's JSON is
decoded here: that is done after the answer, by the digest.
"""

from __future__ import annotations

import uuid
from functools import lru_cache

import msgspec

from ..errors import ProtocolError
from ..protocol.auth import Credentials, parse_auth
from ..protocol.dsn import parse_dsn
from ..protocol.responses import (
    ANSWER_CORS,
    GIF,
    GIF_HEADERS,
    JSON,
    error_body,
    error_headers,
    success_body,
)
from ..store.contents import Raw, check_contents
from .messages import Answer, Body
from .projects import Projects
from .routes import Route
from .settings import IngestSettings

_OK_HEADERS = (JSON, *ANSWER_CORS)
_GIF_ANSWER = Answer(200, GIF_HEADERS + ANSWER_CORS, GIF)
_EMPTY_ANSWER = Answer(200, ANSWER_CORS, b"")
_TEXT_HEADERS = ((b"content-type", b"text/plain; charset=utf-8"), *ANSWER_CORS)
_REASONS = {401: "auth", 413: "too_large", 415: "media_type"}
_CREDENTIAL_HEADERS = (b"x-sentry-auth", b"authorization")


class Request(msgspec.Struct, frozen=True, gc=False):
    """One ingest request, its body read."""

    route: Route
    method: str
    query: str
    headers: list[tuple[bytes, bytes]]
    encoding: str
    content_type: str
    body: Body


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What is answered, and why."""

    answer: Answer
    project: str
    key: str
    refused: bool = False
    reason: str = ""
    """Server discard reason; empty: accepted."""
    event_id: str | None = None


class _Refusal(Exception):  # noqa: N818 - the answer to a client, not a failure of ours
    def __init__(self, reason: str, status: int, what: str, *causes: str) -> None:
        super().__init__(what)
        self.reason = reason
        self.error = ProtocolError(what, status=status, causes=causes)


class Ingest:
    """Decides about ingest requests for the projects of one server."""

    def __init__(self, projects: Projects, settings: IngestSettings) -> None:
        self._projects = projects
        self._settings = settings

    def decide(self, request: Request) -> Decision:
        """Accept or refuse; never raises for anything a client can send.

        Reasons of refusal: ``no_endpoint``, ``method``, ``auth``, ``auth_missing``, ``auth_mismatch``, ``key_unknown``,
        ``key_disabled``, ``project_unknown``, ``project_disabled``, ``too_large``, ``media_type``, ``malformed``.
        """
        route = request.route
        project, key = route.project, ""
        try:
            if request.method not in route.methods:
                raise _wrong_method(request)
            credentials = _credentials(
                tuple([pair for pair in request.headers if pair[0] in _CREDENTIAL_HEADERS]), request.query
            )
            if credentials is not None:
                key = credentials.key
                project = self._allowed(key, project)
            elif route.kind != "envelope":
                raise _no_credentials()
            if request.body.length > self._settings.compressed_bytes:
                most = self._settings.compressed_bytes
                raise ProtocolError(f"the body has {request.body.length} bytes; at most {most}", status=413)
            raw = Raw(
                route=route.kind,
                method=request.method,
                query=request.query,
                content_type=request.content_type,
                encoding=request.encoding,
                body=request.body.data,
                fallback_event_id="" if route.kind == "envelope" else uuid.uuid4().hex,
            )
            contents = check_contents(raw, self._settings.protocol)
            if contents.dsn is not None:
                key = self._from_dsn(contents.dsn, credentials, project)
            elif credentials is None:
                raise _no_credentials()
        except ProtocolError as error:
            return _refused(error, _REASONS.get(error.status, "malformed"), project, key)
        except _Refusal as refusal:
            return _refused(refusal.error, refusal.reason, project, key)
        return Decision(_accepted(request, contents.event_id), project, key, event_id=contents.event_id)

    def _allowed(self, key: str, project: str) -> str:
        """The project ``key`` may send to, which must be the one addressed. Raises ``_Refusal``."""
        owner = self._projects.of_key(key)
        if project and self._projects.find(project) is None:
            raise _Refusal(
                "project_unknown", 403, f"there is no project {project}", "project or key is unknown"
            )
        if owner is None:
            raise _Refusal("key_unknown", 403, "the key is not known here", "project or key is unknown")
        if project and owner.project_id != project:
            raise _Refusal("key_unknown", 403, f"the key does not belong to project {project}")
        if not owner.enabled:
            raise _Refusal("project_disabled", 403, f"project {owner.project_id} is disabled")
        if not owner.key_enabled:
            raise _Refusal("key_disabled", 403, f"the key of project {owner.project_id} is disabled")
        return owner.project_id

    def _from_dsn(self, text: str, credentials: Credentials | None, project: str) -> str:
        """The key in the envelope's DSN, which must agree with what else the request says."""
        dsn = parse_dsn(text)
        if dsn.project_id != project:
            raise _Refusal(
                "auth_mismatch", 403, "the DSN of the envelope names another project than the address does"
            )
        if credentials is None:
            self._allowed(dsn.public_key, project)
        elif credentials.key != dsn.public_key:
            raise _Refusal(
                "auth_mismatch", 403, "the DSN of the envelope and the credentials of the request differ"
            )
        return dsn.public_key


@lru_cache(maxsize=1024)
def _credentials(headers: tuple[tuple[bytes, bytes], ...], query: str) -> Credentials | None:
    return parse_auth(headers, query)


def _accepted(request: Request, event_id: str | None) -> Answer:
    kind = request.route.kind
    if kind == "envelope":
        return Answer(200, _OK_HEADERS, success_body(event_id))
    if request.method == "GET":
        return _GIF_ANSWER
    if kind == "store":
        return Answer(200, _OK_HEADERS, success_body(event_id))
    if kind == "minidump":
        return Answer(200, _TEXT_HEADERS, (event_id or "").encode())
    return _EMPTY_ANSWER


def _refused(error: ProtocolError, reason: str, project: str, key: str) -> Decision:
    headers = error_headers(error) + ANSWER_CORS
    if error.status == 405:
        headers += ((b"allow", ", ".join(error.causes).encode()),)
    return Decision(Answer(error.status, headers, error_body(error)), project, key, True, reason)


def _no_credentials() -> _Refusal:
    return _Refusal(
        "auth_missing",
        401,
        "missing authorization information",
        "send X-Sentry-Auth, Authorization: Sentry, the query sentry_key, or a dsn in the envelope header",
    )


def _wrong_method(request: Request) -> _Refusal:
    if not request.route.kind:
        return _Refusal("no_endpoint", 404, "this server has no such endpoint", "see the DSN of the project")
    return _Refusal("method", 405, f"{request.method} is not allowed here", *request.route.methods, "OPTIONS")
