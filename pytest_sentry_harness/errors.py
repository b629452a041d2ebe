"""Errors people meet. Each says what failed, where, why, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """Base of every error this project raises on purpose.

    ``what`` is the sentence people read; ``where`` names the file, line or key; ``hint`` says what
    to do. The three are joined into the message, and kept apart for reports.
    """

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  hint: {self.hint}" if self.hint else text


_MOST_WHAT, _MOST_WHERE, _MOST_HINT = 2000, 2000, 6000


class UsageError(HarnessError):
    """The caller asked for something that cannot be: bad option, bad scenario, bad term (exit code 2).

    Such messages show what people wrote, of which the middle is left out where it is very long.
    """

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(
            shortened(what, _MOST_WHAT),
            where=None if where is None else shortened(where, _MOST_WHERE),
            hint=None if hint is None else shortened(hint, _MOST_HINT),
        )


class ScenarioError(UsageError):
    """A scenario file is not valid."""


class TermError(UsageError):
    """A fault term is not valid."""


class SearchError(UsageError):
    """A search or an aggregate, in Sentry's syntax, is not valid. ``position`` is that of the character, from 1."""

    def __init__(
        self, what: str, *, position: int, where: str | None = None, hint: str | None = None
    ) -> None:
        self.position = position
        place = f"character {position}"
        super().__init__(what, where=f"{where}, {place}" if where else place, hint=hint)


class UnsupportedError(SearchError):
    """A search or an aggregate has what Sentry knows, and what is not evaluated here."""


class RulesError(UsageError):
    """A file of rules for the monitor (alerts, classification, objectives, dashboards) is not valid."""


class ProtocolError(HarnessError):
    """Bytes do not follow Sentry's protocol. ``status`` is the HTTP status Sentry documents for it."""

    status = 400

    def __init__(self, what: str, *, status: int | None = None, causes: Iterable[str] = ()) -> None:
        super().__init__(what)
        self.causes = tuple(causes)
        if status is not None:
            self.status = status


class InjectionError(HarnessError):
    """A fault point cannot be armed, or arming was refused for safety."""


class TargetError(HarnessError):
    """The target did not start, or ended on its own."""


class LoadError(HarnessError):
    """The load generator did not start, or ended on its own."""


class ServerError(HarnessError):
    """The embedded server did not start, or does not answer."""


class MonitorError(HarnessError):
    """The live monitor did not start, or ended on its own."""


class EvidenceError(HarnessError):
    """Ledger or store cannot be read: the run cannot be judged."""


def shortened(text: str, most: int) -> str:
    """``text`` without its middle, where it is longer than ``most`` characters."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]} […] {text[-half:]}"


def nearest(name: str, known: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """The known names most like ``name``, best first; empty when nothing is near."""
    return tuple(difflib.get_close_matches(name, list(known), n=most, cutoff=0.55))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint sentence naming the nearest known name, or all of them when none is near."""
    names = list(known)
    near = nearest(name, names)
    if near:
        return f"did you mean {' or '.join(repr(n) for n in near)}?"
    return f"known names: {', '.join(sorted(names))}"
