"""Which category an event belongs to, by what is built in.

The exception that was reported is looked at first, then its causes, nearest first. What names the trouble for certain
(a type of a known library, a status, an error number, the words of a type's name) decides at once; what only hints at it (words
of the message, a bare ``ValueError``, a type of the application's own) waits for a cause that is certain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from ...model.classified import Category
from ...model.monitored import Component
from .facts import Facts, Raised, own_packages, top_of
from .libraries import Family, family_of
from .names import GRPC, by_answer, by_errno, by_name, by_upstream, by_words
from .plain_types import BUILTINS, MECHANISMS, OS_ERRORS, WEAK

_STATUS = re.compile(r"(?:^|HTTP Error |HTTP |error ')([1-5]\d\d)(?=[\s:,']|$)", re.IGNORECASE)
_GRPC_CODE = re.compile(r"StatusCode\.([A-Z_]+)")
_AWS_CODE = re.compile(r"An error occurred \(([\w.]+)\)")


class Found(NamedTuple):
    """What one look gave."""

    category: Category | None
    certain: bool
    what: str
    text: str
    why: str


@dataclass(slots=True)
class _Own:
    """The application's own packages, found when first asked for: few events need them."""

    facts: Facts
    packages: frozenset[str] | None = None

    def __contains__(self, module: str) -> bool:
        if self.packages is None:
            self.packages = own_packages(self.facts.data) | {"__main__"}
        return top_of(module) in self.packages


def find_category(facts: Facts) -> tuple[Category, Raised | None, tuple[Component, ...]]:
    """The category, the exception that decided (None: something else did), and what was looked at."""
    own = _Own(facts)
    looked: list[tuple[Found, Raised | None]] = []
    for raised in facts.raised:
        looked.append((_judge(raised, own), raised))
        if looked[-1][0].certain:
            break
    if not (looked and looked[-1][0].certain):
        looked.extend((found, None) for found in _besides(facts))
    decided = next((entry for entry in looked if entry[0].certain), None) or next(
        (entry for entry in looked if entry[0].category is not None), None
    )
    why = tuple(
        Component(what=found.what, text=found.text, contributes=entry is decided, why=found.why)
        for entry in looked
        for found in (entry[0],)
    )
    if decided is None or decided[0].category is None:
        return "unknown", None, why
    return decided[0].category, decided[1], why


def _judge(raised: Raised, own: _Own) -> Found:
    if raised.is_group:
        return Found(None, False, "type", raised.name, "a group: its members are looked at")
    known = family_of(raised.module) if raised.module else None
    if known is not None:
        found = _of_family(raised, *known)
        return found if found.category is not None else _hints(raised, own, found)
    if not raised.module and raised.type in BUILTINS:
        return _builtin(raised, own)
    if named := by_name(raised.type):
        return Found(named[0], True, "type", raised.name, f"its name says {named[1]!r}: {named[0]}")
    return _hints(raised, own, Found(None, False, "type", raised.name or "no type", "says nothing by itself"))


def _of_family(raised: Raised, prefix: str, family: Family) -> Found:
    short = raised.type.rpartition(".")[2]
    if short in family.types:
        category = family.types[short]
        return Found(
            category,
            category is not None,
            "type",
            raised.name,
            f"{prefix} means {category} by it"
            if category
            else f"{prefix} says nothing by it: its causes may",
        )
    if (found := _coded(raised, prefix, family)) is not None:
        return found
    if family.named and (named := by_name(raised.type)):
        return Found(named[0], True, "type", raised.name, f"its name says {named[1]!r}: {named[0]}")
    if family.default is None:
        return Found(None, False, "type", raised.name, f"{prefix} says nothing by it")
    return Found(family.default, True, "module", raised.name, f"types of {prefix} mean {family.default}")


def _coded(raised: Raised, prefix: str, family: Family) -> Found | None:
    """By a code in the text: an HTTP status, a gRPC status, an error code of AWS."""
    if family.status and (match := _STATUS.search(raised.value)):
        status = int(match[1])
        category = by_upstream(status) if family.status == "upstream" else by_answer(status)
        whose = "another service answered" if family.status == "upstream" else "the application answered"
        if category is not None and status >= 400:
            return Found(category, True, "status", str(status), f"{whose} with {status}: {category}")
    if family.codes == "grpc" and (match := _GRPC_CODE.search(raised.value)):
        category = GRPC.get(match[1], "external_service")
        return Found(category, True, "status", match[1], f"gRPC's {match[1]} means {category}")
    if family.codes == "aws" and (match := _AWS_CODE.search(raised.value)):
        category, words = by_name(match[1]) or ("external_service", match[1])
        return Found(category, True, "status", match[1], f"its error code says {words!r}: {category}")
    return None


def _builtin(raised: Raised, own: _Own) -> Found:
    if raised.type in OS_ERRORS and raised.errno is not None and (category := by_errno(raised.errno)):
        return Found(category, True, "type", raised.name, f"errno {raised.errno} means {category}")
    category = BUILTINS[raised.type]
    if category is not None:
        return Found(category, True, "type", raised.name, f"Python's {raised.type} means {category}")
    return _hints(raised, own, Found(None, False, "type", raised.name, "says nothing by itself"))


def _hints(raised: Raised, own: _Own, otherwise: Found) -> Found:
    """What is uncertain: words of the message, then what a bare type usually means, then whose type it is."""
    if words := by_words(raised.value):
        return Found(words[0], False, "words", words[1], f"words of the message of {raised.name}: {words[0]}")
    if not raised.module and raised.type in WEAK:
        category = WEAK[raised.type]
        return Found(category, False, "type", raised.name, f"a bare {raised.type} usually means {category}")
    if raised.module and family_of(raised.module) is None and raised.module in own:
        return Found(
            "business_logic",
            False,
            "module",
            raised.name,
            f"a type of the application itself ({top_of(raised.module)})",
        )
    return otherwise


def _besides(facts: Facts) -> list[Found]:
    """What the event says beside its exceptions."""
    found = []
    if facts.mechanism in MECHANISMS:
        category: Category | None = MECHANISMS[facts.mechanism]
        found.append(Found(category, True, "mechanism", facts.mechanism, f"this mechanism means {category}"))
    if facts.status is not None and facts.status >= 400:
        category = by_answer(facts.status)
        reason = f"the application answered with it: {category}" if category else "says only that it failed"
        found.append(Found(category, category is not None, "status", str(facts.status), reason))
    if not facts.raised:
        known = family_of(facts.logger)
        if known is not None and known[1].default is not None:
            reason = f"loggers of {known[0]} mean {known[1].default}"
            found.append(Found(known[1].default, False, "logger", facts.logger, reason))
        if words := by_words(facts.message):
            # Before the logger: what was written says more than who wrote it.
            found.insert(0, Found(words[0], False, "words", words[1], f"words of the message: {words[0]}"))
    return found
