"""The boolean structure of a search, and how it is taken apart."""

from __future__ import annotations

from dataclasses import dataclass

from .search import Condition, Having, Part, Test


@dataclass(frozen=True, slots=True)
class All:
    """All of them must hold."""

    nodes: tuple[Node, ...]
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Either:
    """One of them must hold."""

    nodes: tuple[Node, ...]
    text: str
    position: int


Node = Condition | Having | All | Either


def aggregate_in(node: Node) -> Having | None:
    """The first condition on an aggregate below ``node``."""
    if isinstance(node, Having):
        return node
    if isinstance(node, (All, Either)):
        return next((found for found in map(aggregate_in, node.nodes) if found is not None), None)
    return None


def conjuncts(node: Node) -> tuple[list[Part], list[Having]]:
    """The conditions that all must hold, those on rows and those on aggregates."""
    if isinstance(node, Having):
        return [], [node]
    if isinstance(node, All):
        parts, having = list[Part](), list[Having]()
        for each in node.nodes:
            own, measured = conjuncts(each)
            parts += own
            having += measured
        return parts, having
    return [Part(text=node.text, conditions=tuple(_leaves(node)), test=_test(node))], []


def _leaves(node: Node) -> list[Condition]:
    if isinstance(node, Condition):
        return [node]
    if isinstance(node, Having):
        return []
    return [leaf for each in node.nodes for leaf in _leaves(each)]


def _test(node: Node) -> Test:
    if isinstance(node, Condition):
        return node.test
    assert not isinstance(node, Having), "an aggregate is never under OR"
    tests = [_test(each) for each in node.nodes]
    if isinstance(node, All):
        return lambda fields, now: all(test(fields, now) for test in tests)
    return lambda fields, now: any(test(fields, now) for test in tests)
