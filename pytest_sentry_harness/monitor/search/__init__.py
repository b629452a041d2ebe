"""Sentry's search syntax → a predicate over rows. Sentry docs, "Search"."""

from __future__ import annotations

from .parser import parse_search
from .search import Condition, Having, Part, Search

__all__ = ["Condition", "Having", "Part", "Search", "parse_search"]
