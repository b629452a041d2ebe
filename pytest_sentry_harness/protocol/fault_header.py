"""The one header by which a request selects faults, signed with the run's key.

``X-Sentry-Harness-Fault: 1;<base64url of JSON {"r": run id, "t": trace id, "f": [[fault, fault_id, term], …]}>;<HMAC>``

The signature is HMAC-SHA-256 over everything before the last semicolon, as 64 hex digits. Anything
that is not signed with the key of the run is ignored by the agent, so a target left armed by
mistake cannot be made to fail from outside. Standard library only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass

from ..errors import ProtocolError

NAME = "X-Sentry-Harness-Fault"
_MOST_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Selected:
    """One fault a request shall meet: ``term`` indexes the fault's chain."""

    fault: str
    fault_id: str
    term: int


@dataclass(frozen=True, slots=True)
class Selection:
    """What a request's header says."""

    run_id: str
    trace_id: str
    faults: tuple[Selected, ...]


def encode(selection: Selection, key: str) -> str:
    """The header value for ``selection``."""
    body = json.dumps(
        {
            "r": selection.run_id,
            "t": selection.trace_id,
            "f": [[chosen.fault, chosen.fault_id, chosen.term] for chosen in selection.faults],
        },
        separators=(",", ":"),
    )
    signed = "1;" + base64.urlsafe_b64encode(body.encode()).decode()
    return f"{signed};{_sign(signed, key)}"


def decode(value: str, key: str) -> Selection:
    """Read a header value. Raises ``ProtocolError`` when it is not ours, not signed or not well formed."""
    if len(value) > _MOST_BYTES:
        raise ProtocolError("fault header is too long")
    signed, separator, signature = value.rpartition(";")
    expected = _sign(signed, key).encode()
    if not separator or not hmac.compare_digest(expected, signature.encode("utf-8", "replace")):
        raise ProtocolError("fault header is not signed with the key of this run")
    try:
        version, _, body = signed.partition(";")
        document = json.loads(base64.urlsafe_b64decode(body))
        faults = tuple(
            Selected(str(fault), str(fault_id), int(term)) for fault, fault_id, term in document["f"]
        )
        if version != "1":
            raise ValueError(f"version {version!r}")
        return Selection(str(document["r"]), str(document["t"]), faults)
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"fault header is not well formed: {error}") from error


def _sign(text: str, key: str) -> str:
    return hmac.new(key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
