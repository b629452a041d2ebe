"""One HTTP request as it is written to the store, and as it is read back."""

from __future__ import annotations

from typing import Literal

import msgspec

RequestOutcome = Literal["accepted", "refused"]
"""The server's account of a whole request."""


class NewRequest(msgspec.Struct, frozen=True, gc=False):
    """One request together with the answer decided for it, before it has a number.

    A ``msgspec.Struct`` and not a dataclass: one is made for each request on the hot path.
    """

    received_at: float
    """Wall clock, seconds since the epoch, when the headers had been read."""
    received_mono: float
    """System-wide monotonic clock, seconds, at the same moment."""
    project: str
    """Project id as addressed by the request; empty when none was."""
    key: str
    """Public key as presented; empty when none was."""
    method: str
    path: str
    query: str
    route: str
    """``envelope``, ``store``, ``security``, ``minidump``, ``nel``; empty for a path the server does not know."""
    headers: str
    """JSON list of ``[name, value]``, in the order received."""
    encoding: str
    """``Content-Encoding`` as received."""
    length: int
    """Bytes of the body as received on the wire, also when ``body`` holds only the beginning."""
    status: int
    """HTTP status answered; 0: none (reset, hung, or the client went away)."""
    outcome: RequestOutcome
    reason: str
    """Why it was refused, or which misbehaviour was played; empty for an ordinary acceptance."""
    event_id: str | None
    """Event id of the answer, 32 lower-case hex digits."""
    answer_headers: str
    """JSON object of the answer's headers."""
    answer: bytes
    body: bytes
    """As received, still encoded; the beginning only when it was over the limit."""


class StoredRequest(NewRequest, frozen=True, gc=False):
    """A request read back from the store."""

    seq: int = 0
    """Number of the request, from 1, in the order of commits."""

    @property
    def truncated(self) -> bool:
        """Whether ``body`` holds less than what was received."""
        return len(self.body) < self.length


class ProjectRow(msgspec.Struct, frozen=True):
    """A project and its key, as persisted."""

    project_id: str
    """Decimal digits, from 1."""
    name: str
    public_key: str
    """32 hex digits, unless somebody chose another."""
    enabled: bool = True
    key_enabled: bool = True
