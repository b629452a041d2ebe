"""Which alerts a route, an escalation or a suppression is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import translate

from ...model.notified import Notice

TEXT_KEYS = ("rule", "project", "environment", "release")
"""Keys whose values may hold ``*``, for any text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """For each key the values that are allowed; a key that is not there allows all. All keys must agree."""

    wanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    issues: frozenset[int] = frozenset()
    """Numbers of issues; empty: any."""
    patterns: Mapping[str, re.Pattern[str]] = field(default_factory=dict, compare=False, repr=False)

    def __call__(self, notice: Notice) -> bool:
        """Whether ``notice`` is meant. One look-up or one pattern for each key."""
        if self.issues and notice.issue not in self.issues:
            return False
        for key, values in self.wanted.items():
            value = str(getattr(notice, key))
            pattern = self.patterns.get(key)
            if value not in values and (pattern is None or not pattern.fullmatch(value)):
                return False
        return True

    @property
    def is_everything(self) -> bool:
        """Whether it allows any alert."""
        return not self.wanted and not self.issues


def match_of(wanted: Mapping[str, tuple[str, ...]], issues: frozenset[int] = frozenset()) -> Match:
    """A ``Match`` with the patterns of its values compiled."""
    patterns = {}
    for key, values in wanted.items():
        globs = [translate(value.replace("[", "[[]").replace("?", "[?]")) for value in values if "*" in value]
        if globs and key in TEXT_KEYS:
            patterns[key] = re.compile("|".join(globs))
    return Match(
        wanted={key: values for key, values in wanted.items() if values}, issues=issues, patterns=patterns
    )
