"""What the control and read API answers, for the server that encodes it and the client that decodes it."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.arrival import Arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project, its key, and the DSN clients send to."""

    project_id: str
    name: str
    public_key: str
    dsn: str
    enabled: bool = True
    key_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalPage:
    """Some arrivals, oldest first."""

    cursor: int
    """Give it as ``since`` to read on: the last arrival looked at, matching or not."""
    arrivals: tuple[Arrival, ...]
    behind: int = 0
    """Requests received but not digested yet; what they brought may be missing here. 0: nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """One request as received, and the answer it got."""

    seq: int
    received_at: float
    received_mono: float
    project: str
    key: str
    method: str
    path: str
    query: str
    route: str
    headers: tuple[tuple[str, str], ...]
    encoding: str
    length: int
    truncated: bool
    status: int
    outcome: str
    reason: str
    event_id: str | None
    answer_headers: dict[str, str]
    answer: bytes
    """Base64 on the wire."""
    body: bytes
    """As received, still encoded. Base64 on the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many items share project, outcome, reason, type and status."""

    project: str
    outcome: str
    reason: str
    item_type: str
    status: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The whole store in numbers."""

    requests: int
    items: int
    duplicates: int
    behind: int
    counts: tuple[Count, ...]
