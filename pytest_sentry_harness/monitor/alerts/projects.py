"""Rules of several projects in the files of one run.

Rules name slugs and ids, of which a run knows nothing: all are asked about the one project that runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from .model import IssueRule, Rule, Rules, Warn
from .node import cut


def foreign_projects(rules: Rules, place: Callable[[str, str], str]) -> Iterator[Warn]:
    """A warning for each project other than that of most rules. ``place``: of a file and a key path, for messages."""
    for by_id in (False, True):
        of = [rule for rule in rules.rules if rule.projects and _names_ids(rule) is by_id]
        counted = Counter(project for rule in of for project in rule.projects)
        if not counted:
            continue
        home = counted.most_common(1)[0][0]
        foreign: dict[tuple[str, ...], list[Rule]] = {}
        for rule in of:
            if home not in rule.projects:
                foreign.setdefault(rule.projects, []).append(rule)
        for projects, others in foreign.items():
            first = others[0]
            more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
            what = (
                f"is a rule of project {', '.join(projects)}{more}, most are of {home}: "
                "all are taken for rules of the one project that runs"
            )
            yield Warn(rule=first.name, where=place(rules.file, first.where), what=cut(what))


def _names_ids(rule: Rule) -> bool:
    return not rule.filters_first if isinstance(rule, IssueRule) else rule.stateful
