"""The fault-term grammar, as failpoint libraries made it common.

::

    chain := term ("->" term)*
    term  := [percent "%"] [count "*"] kind ["(" arguments ")"]  |  "off"

``5%raise(TimeoutError)`` raises at one opportunity in twenty; ``3*sleep(250ms)->raise(ValueError("late"))``
sleeps at the first three and raises at all later ones: the first term that is neither used up nor
unlucky acts. Standard library only: the agent reads terms too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..errors import TermError, did_you_mean

KINDS: dict[str, str] = {
    "raise": "raise(TimeoutError) or raise(pkg.errors.Conflict('text', 409))",
    "sleep": "sleep(250ms) or sleep(1.5s)",
    "burn": "burn(200ms)",
    "return": "return or return(None) or return({'price': 0})",
    "exit": "exit(3), exit(os._exit, 3), exit(SIGKILL) or exit(SIGTERM)",
    "off": "off",
}

_HEAD = re.compile(
    r"\s*(?:(?P<percent>\d+(?:\.\d+)?)\s*%)?\s*(?:(?P<count>\d+)\s*\*)?\s*(?P<kind>[A-Za-z_]\w*)\s*"
)
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>us|ms|s|min|h)")
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


@dataclass(frozen=True, slots=True)
class Term:
    """One term: at ``probability`` of its opportunities, at most ``count`` times, do ``kind``."""

    kind: str
    arguments: str = ""
    probability: float = 1.0
    count: int | None = None

    def __str__(self) -> str:
        percent = "" if self.probability == 1.0 else f"{self.probability * 100:g}%"
        count = "" if self.count is None else f"{self.count}*"
        return f"{percent}{count}{self.kind}" + (f"({self.arguments})" if self.arguments else "")


class OwnKind(Protocol):
    """A kind of fault that is not of this project: ``model.extensions.FaultKind``, as far as terms go."""

    @property
    def check(self) -> Callable[[Term], object]:
        """Refuses arguments that are not valid with ``TermError``."""
        ...


def parse_chain(text: str, own: Mapping[str, OwnKind] | None = None) -> tuple[Term, ...]:
    """Parse ``text`` into its terms. ``own``: kinds beside ``KINDS``, by name.

    Raises ``TermError`` naming the term, the column and what is allowed.
    """
    if not text.strip():
        raise _error(text, 0, "the term is empty", hint=f"write one of: {'; '.join(KINDS.values())}")
    terms: list[Term] = []
    start = 0
    while True:
        term, end = _parse_one(text, start, own or {})
        terms.append(term)
        rest = text[end:].lstrip()
        if not rest:
            break
        if not rest.startswith("->"):
            raise _error(text, end, f"unexpected {rest[:12]!r} after a term", hint="join terms with ->")
        start = len(text) - len(rest) + 2
        if not text[start:].strip():
            raise _error(text, start, "a term is missing after ->", hint="write another term, or drop the ->")
    for earlier in terms[:-1]:
        if earlier.probability == 1.0 and earlier.count is None:
            raise _error(
                text,
                0,
                f"{str(earlier)!r} always acts, so what follows it never would",
                hint="give it a percentage or a count, as in 3*" + str(earlier),
            )
    return tuple(terms)


def duration(text: str) -> float:
    """Seconds of ``250ms``, ``1.5s``, ``2min``. Raises ``TermError``: a number without a unit is refused."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise TermError(
            f"{text!r} is not a duration", hint="write a number and a unit: 250us, 250ms, 1.5s, 2min, 1h"
        )
    return float(match["number"]) * _UNITS[match["unit"]]


@dataclass(frozen=True, slots=True)
class Raise:
    """Arguments of ``raise``: the exception's import path (or builtin name) and literal arguments."""

    exception: str
    args: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Exit:
    """Arguments of ``exit``: ``how`` is ``sys.exit``, ``os._exit`` or a signal name."""

    how: str
    code: int = 1


def raise_arguments(term: Term) -> Raise:
    """The exception named by a ``raise`` term. Raises ``TermError``."""
    text = term.arguments.strip() or "RuntimeError"
    try:
        node: ast.expr = ast.parse(text, mode="eval").body
        call_args: list[ast.expr] = []
        if isinstance(node, ast.Call):
            if node.keywords:
                raise TermError(
                    f"raise({text}): keyword arguments are not supported", hint="give positional literals"
                )
            call_args, node = node.args, node.func
        name = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
        if not _DOTTED.fullmatch(name):
            raise ValueError(name)
        return Raise(name, tuple(ast.literal_eval(arg) for arg in call_args))
    except TermError:
        raise
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as error:
        raise TermError(
            f"raise({_short(text)}) does not name an exception",
            hint="write a builtin or an import path, with literal arguments: " + KINDS["raise"],
        ) from error


def return_value(term: Term) -> object:
    """The literal of a ``return`` term (None when there is none). Raises ``TermError``."""
    text = term.arguments.strip()
    if not text:
        return None
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError, TypeError) as error:
        raise TermError(
            f"return({_short(text)}) is not a literal", hint="write " + KINDS["return"]
        ) from error


def exit_arguments(term: Term) -> Exit:
    """How an ``exit`` term ends the process. Raises ``TermError``."""
    parts = [part.strip() for part in term.arguments.split(",")] if term.arguments.strip() else ["1"]
    how = "sys.exit"
    if parts[0] in ("sys.exit", "os._exit", "SIGKILL", "SIGTERM"):
        how = parts.pop(0)
    try:
        (code,) = [int(part) for part in parts] or [1]
        if not 0 <= code <= 255:
            raise ValueError(code)
    except ValueError as error:
        raise TermError(
            f"exit({_short(term.arguments)}) is not a way to end", hint="write " + KINDS["exit"]
        ) from error
    return Exit(how, code)


def _parse_one(text: str, start: int, own: Mapping[str, OwnKind]) -> tuple[Term, int]:
    head = _HEAD.match(text, start)
    if head is None:
        raise _error(
            text,
            start,
            f"{_short(text[start:].strip())!r} is not a term",
            hint=f"write one of: {'; '.join(KINDS.values())}",
        )
    kind, end = head["kind"], head.end()
    if kind not in KINDS and kind not in own:
        known = (*KINDS, *own)
        raise _error(
            text, head.start("kind"), f"unknown fault kind {_short(kind)!r}", hint=did_you_mean(kind, known)
        )
    arguments = ""
    if end < len(text) and text[end] == "(":
        close = _closing(text, end)
        arguments, end = text[end + 1 : close].strip(), close + 1
    percent = float(head["percent"]) if head["percent"] else 100.0
    count = int(head["count"]) if head["count"] else None
    if percent > 100:
        raise _error(text, head.start("percent"), f"{percent:g}% is more than always", hint="use 0% to 100%")
    if kind == "off" and (arguments or head["percent"] or head["count"]):
        raise _error(text, head.start(), "off takes nothing", hint="write just: off")
    term = Term(kind, arguments, percent / 100.0, count)
    try:
        _check_arguments(term, own)
    except TermError as error:
        raise _error(text, head.start("kind"), error.what, hint=error.hint) from error
    return term, end


def _check_arguments(term: Term, own: Mapping[str, OwnKind]) -> None:
    if term.kind in own:
        _check_own(term, own[term.kind])
    elif term.kind == "raise":
        raise_arguments(term)
    elif term.kind in ("sleep", "burn"):
        duration(term.arguments)
    elif term.kind == "return":
        return_value(term)
    elif term.kind == "exit":
        exit_arguments(term)


def _check_own(term: Term, kind: OwnKind) -> None:
    try:
        kind.check(term)
    except TermError:
        raise
    except Exception as error:
        raise TermError(
            f"{term} cannot be made: {type(error).__name__}: {error}",
            hint="its kind should raise TermError for arguments that are not valid",
        ) from error


def _closing(text: str, opening: int) -> int:
    """Index of the parenthesis that closes the one at ``opening``; strings may hold parentheses."""
    depth, quote, index = 0, "", opening
    while index < len(text):
        char = text[index]
        if quote:
            if char == "\\":
                index += 1
            elif char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth == 0:
                return index
        index += 1
    raise _error(text, opening, "the parenthesis is never closed", hint="close it with )")


def _error(text: str, column: int, what: str, *, hint: str | None = None) -> TermError:
    return TermError(what, where=f"term {_short(text)!r}, column {column + 1}", hint=hint)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
