"""Which release is the latest, and which is adopted. Sentry docs, "Releases" and "Release Health: Adoption"."""

from __future__ import annotations

import re

from .windows import Weights

_SEMVER = re.compile(r"[^@]+@(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?")
_HOUR = 3600.0
_ADOPTED = 0.1
"""A release counts as adopted with this share of the sessions of the last hour: our simplification."""
_MOST = 1000
"""Releases remembered of one project and environment; a client that invents them must not fill memory."""


class Releases:
    """The releases of each project, and of each of its environments."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str | None], dict[str, float]] = {}
        self._latest: dict[tuple[str, str | None], str] = {}
        self._adopted: dict[tuple[str, str], dict[str, float]] = {}
        self._sessions: dict[tuple[str, str, str], Weights] = {}

    def seen(self, project: str, environment: str, release: str, at: float) -> None:
        """An event or session of ``release`` came."""
        if not release:
            return
        for key in ((project, environment), (project, None)):
            known = self._seen.setdefault(key, {})
            if release not in known and len(known) < _MOST:
                known[release] = at
                self._latest[key] = max(known, key=_Order(known))

    def session(self, project: str, environment: str, release: str, at: float, count: float) -> None:
        """``count`` sessions of ``release``: enough of them and it is adopted."""
        self.seen(project, environment, release, at)
        shares = []
        for name in (release, ""):
            key = (project, environment, name)
            if key not in self._sessions and len(self._sessions) >= _MOST:
                return
            weights = self._sessions.setdefault(key, Weights(_HOUR))
            weights.add(at, count)
            shares.append(weights.sum(at - _HOUR, at))
        if shares[0] >= _ADOPTED * shares[1]:
            self._adopted.setdefault((project, environment), {}).setdefault(release, at)

    def latest(self, project: str, environment: str | None) -> str:
        """The latest release of an environment, of all with None; ``""`` when there is none."""
        return self._latest.get((project, environment), "")

    def latest_adopted(self, project: str, environment: str) -> str:
        """The latest release that was adopted; ``""`` when there is none."""
        adopted = self._adopted.get((project, environment))
        return max(adopted, key=_Order(adopted)) if adopted else ""

    def is_newer(self, project: str, one: str, other: str) -> bool:
        """Whether ``one`` is newer than ``other``; unknown releases are newer than none."""
        known = self._seen.get((project, None), {})
        if one not in known or other not in known:
            return False
        order = _Order(known)
        return order(one) > order(other)


class _Order:
    """By version where all releases are ``package@1.2.3``; else by when they were first seen."""

    def __init__(self, known: dict[str, float]) -> None:
        self._known = known
        self._places = {release: index for index, release in enumerate(known)}
        self._semver = all(_SEMVER.fullmatch(release) for release in known)

    def __call__(self, release: str) -> tuple[float | int | str, ...]:
        match = _SEMVER.fullmatch(release) if self._semver else None
        if match is None:
            return (self._known[release], self._places[release])
        # A pre-release comes before its release.
        return (*(int(match[part]) for part in (1, 2, 3)), match[4] is None, match[4] or "")
