"""Which ingest endpoint a path names (Sentry developer docs, SDK development: envelopes, store, security).

The trailing slash is optional everywhere, as in Sentry's own relay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

INGEST: Final = re.compile(r"/api/(?:([0-9]{1,20})/)?(envelope|store|security|csp-report|minidump|nel)/?")
_OTHER_INGEST: Final = re.compile(r"/api/([0-9]{1,20})/.*")
HEALTH: Final = ("/api/relay/healthcheck/live", "/api/relay/healthcheck/ready")
CONTROL: Final = "/api/harness/"


@dataclass(frozen=True, slots=True)
class Route:
    """An ingest endpoint of one project."""

    kind: str
    """``envelope``, ``store``, ``security``, ``minidump``, ``nel``; empty: not an endpoint this server has."""
    project: str
    """Decimal digits; empty for the legacy ``/api/store/``, where the key names the project."""
    methods: tuple[str, ...]
    """Allowed besides OPTIONS."""


@lru_cache(maxsize=4096)
def match(path: str) -> Route | None:
    """The ingest endpoint ``path`` names; None when it is not below ``/api/{project id}/`` at all."""
    found = INGEST.fullmatch(path)
    if found:
        project, name = found[1] or "", found[2]
        if name == "store":
            return Route("store", project, ("POST", "GET"))
        if project:
            kind = "security" if name == "csp-report" else name
            return Route(kind, project, ("POST",))
    other = _OTHER_INGEST.fullmatch(path)
    return Route("", other[1], ()) if other else None
