"""What a widget measures: an aggregate, or an equation over several such as ``equation|count() / 60``.

Sentry docs, "Discover: Query Equations": numbers, aggregates, the four operations and parentheses. Something divided by 0
has no value.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ...errors import SearchError
from ..aggregates import Aggregate, parse_aggregate

EQUATION = "equation|"
_CALL = re.compile(r"[a-zA-Z_]\w*\([^()]*\)")
_OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
_MOST_CHARACTERS = 1000
_HINT = "write aggregates, numbers, + - * / and parentheses: equation|count_if(level,equals,fatal) / count()"
_Formula = Callable[[Sequence[float | None]], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number that a widget shows for each group."""

    text: str
    aggregates: tuple[Aggregate, ...]
    """One, or those of the equation."""
    _formula: _Formula = field(repr=False, compare=False)

    def value(self, values: Sequence[float | None]) -> float | None:
        """From the values of the aggregates; None when one is missing that is needed, or when it is no finite number."""
        found = self._formula(values)
        return found if found is not None and math.isfinite(found) else None


def is_measure(text: str) -> bool:
    """Whether a field is an aggregate or an equation, and no column."""
    return text.startswith(EQUATION) or _CALL.fullmatch(text.strip()) is not None


def parse_measure(text: str, *, where: str | None = None) -> Measure:
    """Read an aggregate or an equation. Raises ``SearchError``."""
    if not text.startswith(EQUATION):
        return Measure(
            text=text, aggregates=(parse_aggregate(text, where=where),), _formula=lambda values: values[0]
        )
    inner = text.removeprefix(EQUATION)
    aggregates: list[Aggregate] = []

    def place(match: re.Match[str]) -> str:
        offset = len(EQUATION) + match.start()
        aggregates.append(parse_aggregate(match[0], where=where, offset=offset))
        return f"v{len(aggregates) - 1}"

    refused = SearchError(
        f"{text[:80]!r} is not an equation", position=len(EQUATION) + 1, where=where, hint=_HINT
    )
    if len(inner) > _MOST_CHARACTERS:
        raise refused
    # Aggregates become names below, so that none may be there before.
    name = _NAME.search(_CALL.sub(lambda match: " " * len(match[0]), inner))
    if name is not None:
        raise SearchError(
            f"{name[0][:40]!r} is neither an aggregate nor a number",
            position=len(EQUATION) + name.start() + 1,
            where=where,
            hint=_HINT,
        )
    bare = _CALL.sub(place, inner)
    try:
        tree = ast.parse(bare.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise refused from error
    formula = _formula(tree)
    if formula is None or not aggregates:
        raise refused
    return Measure(text=text, aggregates=tuple(aggregates), _formula=formula)


def _formula(node: ast.expr) -> _Formula | None:
    """What computes the node; None for anything an equation cannot have."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        constant = _finite(node.value)  # type: ignore[arg-type]
        return None if constant is None else lambda values: constant
    if isinstance(node, ast.Name) and re.fullmatch(r"v\d+", node.id):
        index = int(node.id[1:])
        return lambda values: values[index]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _formula(node.operand)
        return None if inner is None else _binary(operator.sub, lambda values: 0.0, inner)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _formula(node.left), _formula(node.right)
        if left is not None and right is not None:
            return _binary(_OPERATIONS[type(node.op)], left, right)
    return None


def _finite(number: float) -> float | None:
    try:
        found = float(number)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _binary(operation: Callable[[float, float], float], left: _Formula, right: _Formula) -> _Formula:
    def compute(values: Sequence[float | None]) -> float | None:
        one, other = left(values), right(values)
        if one is None or other is None:
            return None
        try:
            return operation(one, other)
        except (ZeroDivisionError, OverflowError):
            return None

    return compute
