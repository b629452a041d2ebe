"""To which group an event belongs, and why: Sentry's documented order, its rules, its hashes.

``group(data, GroupingConfig.parse())`` gives hashes, title, culprit and every component that took part or did not.
"""

from __future__ import annotations

from .config import CONFIG_ID, GroupingConfig
from .fingerprint_rules import FingerprintRule
from .grouping import group
from .parameterise import parameterise
from .quality import Labelled, Merged, Quality, Split, quality

__all__ = [
    "CONFIG_ID",
    "FingerprintRule",
    "GroupingConfig",
    "Labelled",
    "Merged",
    "Quality",
    "Split",
    "group",
    "parameterise",
    "quality",
]
