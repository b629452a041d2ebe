"""Misbehaviour on request: the server plays an overloaded, broken or vanished Sentry for one project.

Rules are played in order: each for a number of requests, a time, or both (whichever ends first), then
the next; after the last the server is itself again. One request consumes one count of one rule. What
was really done to a request is recorded with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..model.scenario import LinkRule

MOST_SECONDS = 3600.0
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t -~]*")
_FRAMING = ("content-length", "transfer-encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(LinkRule):
    """A rule of the link that can be played."""

    def __post_init__(self) -> None:
        if self.status is not None and not 200 <= self.status <= 599:
            raise _wrong("status", self.status, "200 to 599")
        if not 0 <= self.delay <= MOST_SECONDS:
            raise _wrong("delay", self.delay, f"0 to {MOST_SECONDS:.0f} seconds")
        if self.requests is not None and self.requests < 1:
            raise _wrong("requests", self.requests, "1 or more, or nothing for no end")
        if self.seconds is not None and not 0 < self.seconds <= MOST_SECONDS:
            raise _wrong("seconds", self.seconds, f"more than 0, up to {MOST_SECONDS:.0f}")
        if sum((bool(self.reset), self.hang, self.truncate)) > 1:
            raise UsageError(
                "a behaviour rule ends the connection in one way", hint="give one of reset, hang, truncate"
            )
        if (self.reset or self.hang) and (self.status is not None or self.body is not None or self.headers):
            raise UsageError(
                "a behaviour rule that never answers has no answer to change",
                hint="leave out status, headers and body, or give them a rule of their own",
            )
        for name, value in self.headers.items():
            # The answer must stay one well-formed HTTP message: what is planted is Sentry's trouble,
            # not a broken web server.
            if not _HEADER_NAME.fullmatch(name) or name.lower() in _FRAMING:
                raise _wrong(
                    "headers", name, f"HTTP header names but {' and '.join(_FRAMING)}, which the server sets"
                )
            if not _HEADER_VALUE.fullmatch(value):
                raise _wrong(f"headers[{name!r}]", value, "one line of ASCII without control characters")

    @property
    def reason(self) -> str:
        """What it does, as recorded with each request it was played on; empty for a pause."""
        if self.reset:
            return f"misbehaviour:reset_{self.reset}"
        if self.hang:
            return "misbehaviour:hang"
        parts = []
        if self.status is not None:
            parts.append(f"status_{self.status}")
        if self.truncate:
            parts.append("truncate")
        if self.delay:
            parts.append("delay")
        if self.headers:
            parts.append("headers")
        if self.body is not None:
            parts.append("body")
        return f"misbehaviour:{'+'.join(parts)}" if parts else ""


@dataclass(slots=True)
class _Playing:
    rules: list[Rule]
    started: float
    used: int = 0


class Behaviours:
    """The rules of all projects. Used from the event loop only; forgotten at a restart."""

    def __init__(self) -> None:
        self._playing: dict[str, _Playing] = {}

    def __bool__(self) -> bool:
        return bool(self._playing)

    def play(self, project: str, rules: Sequence[Rule], now: float) -> None:
        """Replace the rules of ``project``; an empty sequence ends its misbehaviour."""
        self._playing.pop(project, None)
        if rules:
            self._playing[project] = _Playing(list(rules), now)

    def rules(self, project: str) -> tuple[Rule, ...]:
        """What is still to be played for ``project``, the rule in force first."""
        playing = self._playing.get(project)
        return tuple(playing.rules) if playing else ()

    def take(self, project: str, now: float) -> Rule | None:
        """The rule for this request, one count consumed; None: behave. ``now`` is monotonic seconds."""
        playing = self._playing.get(project)
        while playing and playing.rules:
            rule = playing.rules[0]
            if rule.seconds is not None and now - playing.started >= rule.seconds:
                self._next(playing, playing.started + rule.seconds)
                continue
            playing.used += 1
            if rule.requests is not None and playing.used >= rule.requests:
                self._next(playing, now)
            if not playing.rules:
                del self._playing[project]
            return rule
        self._playing.pop(project, None)
        return None

    def _next(self, playing: _Playing, started: float) -> None:
        playing.rules.pop(0)
        playing.started = started
        playing.used = 0


def _wrong(name: str, value: object, allowed: str) -> UsageError:
    return UsageError(
        f"{value!r} is not allowed", where=f"behaviour rule, {name}", hint=f"allowed: {allowed}"
    )
