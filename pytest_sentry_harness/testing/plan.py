"""A plan: requests in order, each with the faults it shall meet. A small value that can be compared, printed and kept.

Its ``repr`` is Python that makes it again; ``to_scenario`` is a scenario file that plays it again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..model.scenario import LinkRule, LoadRequest, Target
from ..plan.scenario import load_scenario
from .scenario_text import scenario_text

_SEND = re.compile(r"([A-Z]{1,20}) (/[^\s#\x00-\x1f\x7f]*)")
_MOST_NAME = 52


class _Shown:
    """Hypothesis prints these values as ``repr`` does, not field by field."""

    __slots__ = ()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        for number, line in enumerate(repr(self).split("\n")):
            if number:
                printer.break_()
            printer.text(line)


@dataclass(frozen=True, slots=True, repr=False)
class PlannedFault(_Shown):
    """A fault that a request can be made to meet: ``do`` happens ``at`` a point, as in a scenario file."""

    at: str
    """``package.module:function`` or ``package.module:Class.method``."""
    do: str
    """A fault term, as in ``raise(TimeoutError)``."""
    name: str = ""
    """Made of ``at`` and ``do`` unless given."""
    captured: bool | None = None
    """Whether monitoring shall report it. None: yes for ``raise``, no for everything else."""
    on: tuple[str, ...] = ()
    """The requests that are worth trying, as globs over ``METHOD /path``; empty: all. Plans are drawn by this."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "on", tuple(self.on))
        object.__setattr__(self, "name", self.name or _name(self.at, self.do))

    def __repr__(self) -> str:
        given = [repr(self.at), repr(self.do)]
        if self.name != _name(self.at, self.do):
            given.append(f"name={self.name!r}")
        if self.captured is not None:
            given.append(f"captured={self.captured!r}")
        if self.on:
            given.append(f"on={list(self.on)!r}")
        return f"PlannedFault({', '.join(given)})"

    def fits(self, request: str) -> bool:
        """Whether ``request`` is worth trying."""
        path = request.partition("?")[0]
        return not self.on or any(fnmatchcase(path, glob) for glob in self.on)


@dataclass(frozen=True, slots=True, repr=False)
class Send(_Shown):
    """One request of a plan, and the faults it meets. Raises ``UsageError`` for what is no request."""

    request: str
    """``METHOD /path``, the path percent-encoded."""
    meets: tuple[PlannedFault, ...] = ()
    json: Any = None
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "meets", tuple(self.meets))
        if _SEND.fullmatch(self.request) is None:
            raise UsageError(f"{self.request!r} is not a request", hint="write Send('POST /orders')")
        if self.json is not None and self.body is not None:
            raise UsageError(
                f"{self.request} has two bodies", where="Send", hint="give json or body, not both"
            )

    def __repr__(self) -> str:
        given = [repr(self.request)]
        given += [
            f"{name}={value!r}"
            for name, value in (
                ("meets", list(self.meets)),
                ("json", self.json),
                ("body", self.body),
                ("headers", dict(self.headers)),
            )
            if value not in (None, [], {})
        ]
        return f"Send({', '.join(given)})"

    def load_request(self, headers: Mapping[str, str]) -> LoadRequest:
        """As the scripted load sends it, with ``headers`` added to its own."""
        method, _, path = self.request.partition(" ")
        return LoadRequest(
            method=method,
            path=path,
            faults=tuple(fault.name for fault in self.meets),
            json=self.json,
            body=self.body,
            headers={**headers, **self.headers},
        )


@dataclass(frozen=True, slots=True, repr=False)
class Plan(_Shown):
    """Requests in order, and how the link to Sentry behaves meanwhile."""

    sends: tuple[Send, ...]
    link: tuple[LinkRule, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "sends", tuple(self.sends))
        object.__setattr__(self, "link", tuple(self.link))

    def __repr__(self) -> str:
        sends = "".join(f"\n    {send!r}," for send in self.sends)
        link = f", link={list(self.link)!r}" if self.link else ""
        return f"Plan([{sends}\n]{link})" if sends else f"Plan([]{link})"

    @property
    def faults(self) -> tuple[PlannedFault, ...]:
        """The different faults it has, in the order they are first met."""
        return tuple(dict.fromkeys(fault for send in self.sends for fault in send.meets))

    @property
    def size(self) -> int:
        """How many faults are asked for: each time a request shall meet one."""
        return sum(len(send.meets) for send in self.sends)

    def to_scenario(
        self,
        target: Target,
        *,
        name: str = "plan",
        question: str = "",
        headers: Mapping[str, str] | None = None,
        hosts: Iterable[str] = (),
    ) -> str:
        """A scenario file that plays this plan against ``target``; relative paths in it become absolute.

        ``headers`` are added to each request. The file's gates ask for every event. Raises ``UsageError`` for a
        plan without faults, which no file can tell.
        """
        if not self.faults:
            raise UsageError(
                "a plan without faults makes no scenario: it loses nothing",
                where=repr(self),
                hint="let it meet one",
            )
        return scenario_text(
            name=name,
            question=question,
            target=target,
            requests=[send.load_request(headers or {}) for send in self.sends],
            faults=self.faults,
            link=self.link,
            hosts=tuple(hosts),
        )


Points = Mapping[str, Iterable[str]] | Iterable[PlannedFault]
"""Where faults can happen: points with their terms, or faults as they are."""


def faults_at(points: Points) -> tuple[PlannedFault, ...]:
    """The faults ``points`` offer: ``{"shop:charge": ["raise(TimeoutError)", "return(None)"]}``."""
    if isinstance(points, Mapping):
        return tuple(PlannedFault(at, do) for at, terms in points.items() for do in terms)
    return tuple(points)


def faults_of(scenario: str | Path) -> tuple[PlannedFault, ...]:
    """The faults of a scenario file that a request can meet. Raises ``ScenarioError``."""
    return tuple(
        PlannedFault(fault.at, fault.do, fault.name, fault.expect.captured, fault.on)
        for fault in load_scenario(Path(scenario)).faults
        if fault.select == "request"
    )


def _name(at: str, do: str) -> str:
    """A name that tells what it is, and is another one for another fault."""
    short = re.sub(r"(?:[A-Za-z_]\w*\.)+([A-Za-z_]\w*)", r"\1", do)  # of import paths the last part
    words = re.sub(r"[^A-Za-z0-9]+", "-", f"{at.rpartition(':')[2]}-{short}").strip("-")
    digest = hashlib.blake2b(f"{at}\0{do}".encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()
    return f"{words[:_MOST_NAME].strip('-')}-{digest}"
