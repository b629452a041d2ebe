"""What the SDK sent during one test: the requests its transports made, taken apart as a server would."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import clock
from ..errors import ProtocolError
from ..injection.recorder import agent_working
from ..model.arrival import Arrival
from ..protocol.encodings import decompress
from ..protocol.envelope import DEFAULT_LIMITS, parse_envelope
from ..store.digest import digest
from ..store.rows import RequestOutcome, StoredRequest

HOST = "sentry-harness.invalid"
"""Reserved never to resolve (RFC 2606): even what is sent past the harness reaches nobody."""


@dataclass(frozen=True, slots=True)
class CapturedItem:
    """One envelope item as it was sent. ``headers`` is without ``type`` and ``length``."""

    type: str
    headers: Mapping[str, Any]
    payload: bytes

    def json(self) -> Any:
        """The payload, decoded. Raises ``ValueError`` when it is not JSON."""
        return json.loads(self.payload)


@dataclass(frozen=True, slots=True)
class CapturedEnvelope:
    """One envelope as it was sent."""

    headers: Mapping[str, Any]
    items: tuple[CapturedItem, ...]


class Inbox:
    """Receives requests of one test's transports, from any thread. ``dsn`` and ``project`` are the test's own."""

    def __init__(self) -> None:
        self.project = str(1 + secrets.randbelow(10**9))
        self.key = secrets.token_hex(16)
        self.changed = threading.Condition()
        self._envelopes: list[CapturedEnvelope] = []
        self._arrivals: list[Arrival] = []
        self._requests = 0
        self._event_ids: set[tuple[str, str]] = set()

    def dsn(self, organisation: str = "") -> str:
        """A DSN of this test; ``organisation`` is the label of an ``o123.`` host, which the SDK reads."""
        prefix = f"{organisation}." if organisation else ""
        return f"https://{self.key}@{prefix}{HOST}/{self.project}"

    def receive(self, headers: Mapping[str, str], body: bytes) -> int:
        """Take one request in and give the HTTP status of its answer: 200, or what the protocol says."""
        # The marks keep faults off the harness's own work: a test may well arm json.loads.
        with agent_working(), self.changed:
            self._requests += 1
            lower = {name.lower(): value for name, value in headers.items()}
            encoding = lower.get("content-encoding", "")
            status, reason, envelope = _read(body, encoding)
            request = _stored(self._requests, self.project, self.key, lower, body, status, reason)
            self._arrivals += digest(
                request, first_cursor=len(self._arrivals) + 1, first_of_its_id=self._first_of_its_id
            )
            if envelope is not None:
                self._envelopes.append(envelope)
            self.changed.notify_all()
            return status

    def envelopes(self) -> list[CapturedEnvelope]:
        """All envelopes so far, oldest first."""
        with self.changed:
            return list(self._envelopes)

    def arrivals(self) -> list[Arrival]:
        """All items so far, as the server's store would hold them."""
        with self.changed:
            return list(self._arrivals)

    def items(self, kind: str | None = None) -> list[CapturedItem]:
        """All items so far, or those of one type."""
        return [
            item
            for envelope in self.envelopes()
            for item in envelope.items
            if kind is None or item.type == kind
        ]

    @property
    def requests(self) -> int:
        """How many requests were received so far."""
        with self.changed:
            return self._requests

    def wait_for_more(self, *, than: int, timeout: float) -> None:
        """Wait until more than ``than`` requests were received, for ``timeout`` seconds at most."""
        with self.changed:
            self.changed.wait_for(lambda: self._requests > than, timeout)

    def _first_of_its_id(self, project: str, event_id: str) -> bool:
        known = (project, event_id) in self._event_ids
        self._event_ids.add((project, event_id))
        return not known


def _read(body: bytes, encoding: str) -> tuple[int, str, CapturedEnvelope | None]:
    """Status, reason of a refusal, and the envelope."""
    try:
        envelope = parse_envelope(decompress(body, encoding, DEFAULT_LIMITS.envelope_bytes))
    except ProtocolError as error:
        return error.status, error.what, None
    items = tuple(CapturedItem(item.type, item.headers, item.payload) for item in envelope.items)
    return 200, "", CapturedEnvelope(envelope.headers, items)


def _stored(
    number: int,
    project: str,
    key: str,
    headers: Mapping[str, str],
    body: bytes,
    status: int,
    reason: str,
) -> StoredRequest:
    """The request as the embedded server would store it, so that the same code digests it."""
    outcome: RequestOutcome = "accepted" if status == 200 else "refused"
    return StoredRequest(
        seq=number,
        received_at=clock.wall(),
        received_mono=clock.monotonic(),
        project=project,
        key=key,
        method="POST",
        path=f"/api/{project}/envelope/",
        query="",
        route="envelope",
        headers=json.dumps(list(headers.items())),
        encoding=headers.get("content-encoding", ""),
        length=len(body),
        status=status,
        outcome=outcome,
        reason=reason,
        event_id=None,
        answer_headers="{}",
        answer=b"{}",
        body=body,
    )
