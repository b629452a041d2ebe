"""Misbehaviour on request: the server plays an overloaded, broken or vanished Sentry for one project.

Rules are played in order: each for a number of requests, a time, or both (whichever ends first), then
the next; after the last the server is itself again. One request consumes one count of one rule. What
was really done to a request is recorded with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..errors import UsageError

MOST_SECONDS = 3600.0
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t -~]*")
_FRAMING = ("content-length", "transfer-encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One way to misbehave. A rule with nothing set answers as usual: a pause between two others."""

    status: int | None = None
    """Answer with this HTTP status instead of the usual one; a bare 429 is possible here, and only here."""
    headers: dict[str, str] = field(default_factory=dict)
    """Added to the answer, also to the usual one: ``{"X-Sentry-Rate-Limits": "60:error:organization"}``."""
    body: str | None = None
    """The answer's body instead of the usual one."""
    delay: float = 0.0
    """Seconds to wait before answering."""
    reset: Literal["", "before", "after"] = ""
    """Reset the TCP connection before or after the request's body has been read."""
    hang: bool = False
    """Read the request and never answer; ends when the client gives up or the server stops."""
    truncate: bool = False
    """Send the answer without its last half, then close the connection."""
    requests: int | None = None
    """Play it for that many requests; None: without such an end."""
    seconds: float | None = None
    """Play it for that long, from the moment its turn comes; None: without such an end."""

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
