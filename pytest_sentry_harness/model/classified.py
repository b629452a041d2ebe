"""What kind of error an event reports, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .monitored import Component

Category = Literal[
    "validation",
    "authentication",
    "authorization",
    "database",
    "network",
    "external_service",
    "timeout",
    "rate_limit",
    "configuration",
    "resource",
    "business_logic",
    "unknown",
]
"""Who has to act: which part of the system the error comes from.

``validation``: the caller's input. ``authentication``: who the caller is (HTTP 401). ``authorization``: what the caller
may do (403); the two are kept apart as gRPC does with UNAUTHENTICATED and PERMISSION_DENIED. ``database``: databases, caches and
brokers that belong to the system, whatever is wrong with them. ``network``: no connection, name or certificate.
``external_service``: another service answered, with a failure. ``timeout``: no answer in time (DEADLINE_EXCEEDED).
``rate_limit``: too many calls (429). ``configuration``: settings, imports and files that should be there. ``resource``: memory,
disk, descriptors, workers. ``business_logic``: the application's own rules and defects of its own code.
"""

Severity = Literal["critical", "high", "medium", "low"]
"""How urgent. The words of Sentry's issue priority (high, medium, low), with critical above for what must wake somebody;
the same four as in the qualitative scale of CVSS 3.1, section 5."""

CATEGORIES: tuple[Category, ...] = (
    "validation",
    "authentication",
    "authorization",
    "database",
    "network",
    "external_service",
    "timeout",
    "rate_limit",
    "configuration",
    "resource",
    "business_logic",
    "unknown",
)
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
"""Most urgent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """An event's category and severity, and what they were decided by."""

    category: Category
    severity: Severity
    why: tuple[Component, ...]
    """In the order they were looked at: first for the category, then for the severity."""
