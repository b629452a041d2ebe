"""Which exceptions of a chain or a group take part.

A chain takes part as a whole: every cause, and what was raised in the end. An exception group is taken apart (Sentry RFC 79,
"Exception Groups"): when all it holds comes down to one exception, that one stands for the group, with its first causes;
otherwise one of each kind and the outermost group do.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import groupby

from .facts import Problem


def taking_part(
    problems: Sequence[Problem], likeness: Callable[[Problem], Hashable]
) -> tuple[Sequence[Problem], Problem | None]:
    """The exceptions that take part, and the one that gives the title.

    ``likeness``: equal for exceptions that would make the same group. Linear in the number of exceptions, apart from
    sorting them by type.
    """
    if not problems:
        return (), None
    tree = _tree(problems) if len(problems) > 1 else None
    if tree is None:
        return problems, problems[-1]
    root, children = tree
    held = sorted(_held(root, children), key=lambda problem: problem.type or "", reverse=True)
    if not held:
        return problems, problems[-1]
    distinct = [next(alike) for _, alike in groupby(held, key=likeness)]
    if len(distinct) == 1:
        return _first_path(distinct[0], children), distinct[0]
    return (*distinct, root), problems[-1]


def _tree(problems: Sequence[Problem]) -> tuple[Problem, dict[int, list[Problem]]] | None:
    """The outermost exception and the children by number; None when the numbers do not make a tree."""
    by_number: dict[int, Problem] = {}
    children: dict[int, list[Problem]] = {}
    for problem in reversed(problems):
        if problem.number is None or problem.number == problem.parent or problem.number in by_number:
            return None
        by_number[problem.number] = problem
        if problem.parent is not None:
            children.setdefault(problem.parent, []).append(problem)
    root = by_number.get(0)
    return None if root is None else (root, children)


def _held(root: Problem, children: dict[int, list[Problem]]) -> list[Problem]:
    """What groups hold that is itself no group; ``root`` alone when it is none."""
    found, waiting, seen = [], [root], {root.number}
    while waiting:
        problem = waiting.pop()
        if not problem.is_group:
            found.append(problem)
            continue
        for child in reversed(_children(problem, children)):
            if child.number not in seen:
                seen.add(child.number)
                waiting.append(child)
    return found


def _first_path(problem: Problem, children: dict[int, list[Problem]]) -> list[Problem]:
    """``problem``, its first child, the first child of that, ..."""
    path, seen = [problem], {problem.number}
    while below := _children(path[-1], children):
        if below[0].number in seen:
            break
        seen.add(below[0].number)
        path.append(below[0])
    return path


def _children(problem: Problem, children: dict[int, list[Problem]]) -> list[Problem]:
    return [] if problem.number is None else children.get(problem.number, [])
