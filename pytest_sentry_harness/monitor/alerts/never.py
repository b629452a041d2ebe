"""Warnings: rules that never fire, never resolve, or tell nobody, as far as the rules themselves show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from .checks import Check, Frequency, LatestRelease, Level, Match
from .conflicts import conflict
from .constant import constant, why_constant
from .listening import listens, unknown_detectors
from .look import LEVELS_BY_NAME
from .matching import matcher
from .measures import doubts_of, is_crash_free
from .model import Condition, Group, IssueRule, MetricRule, Rules, Threshold, Warn
from .node import cut
from .projects import foreign_projects

_SHARES = ("failure_rate(", "apdex(", "user_misery(", "crash_rate(", "crash_free_rate(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What can come, where that is known: names that a scenario or a test produces. None: anything."""

    environments: frozenset[str] | None = None
    levels: frozenset[str] | None = None
    releases: bool = True
    sessions: bool = True
    transactions: bool = True


_ANYTHING = Known()


def warnings_of(rules: Rules, known: Known = _ANYTHING) -> tuple[Warn, ...]:
    """Warnings about all rules, in their order."""
    found: list[Warn] = []
    names: dict[tuple[bool, str], str] = {}
    for rule in rules.rules:
        issue = isinstance(rule, IssueRule)
        said = (
            _of_issue_rule(rule, rules, known)
            if isinstance(rule, IssueRule)
            else _of_metric_rule(rule, rules, known)
        )
        found += [
            Warn(rule=rule.name, where=_place(rules.file, where or rule.where), what=cut(what))
            for where, what in said
        ]
        found += [
            Warn(rule=rule.name, where=_place(rules.file, rule.where), what=what, note=True)
            for what in rule.notes
        ]
        first = names.setdefault((issue, rule.name), rule.where)
        if first != rule.where:
            what = f"has the name of another rule ({first}): their notifications cannot be told apart"
            found.append(Warn(rule=rule.name, where=_place(rules.file, rule.where), what=what))
    return (*found, *foreign_projects(rules, _place))


Said = tuple[str, str]
"""Key path, and what is said about it."""


def _of_issue_rule(rule: IssueRule, rules: Rules, known: Known) -> Iterator[Said]:
    if not rule.enabled:
        yield "", f"never fires: {rule.off_why}"
    yield from _of_actions(rule)
    if _foreign(rule.environment, known):
        yield (
            f"{rule.where}.environment".lstrip("."),
            f"never fires: nothing comes from environment {rule.environment!r}",
        )
    if rule.enabled:
        for number, id_ in unknown_detectors(rule, rules.rules, rules.event_detectors):
            yield (
                f"{rule.where}.detectorIds[{number}]".lstrip("."),
                f"no detector that was read has the id {id_!r}: of what it detects nothing is told",
            )
    if not rule.errors or any(listens(rule, other) for other in rules.rules if isinstance(other, MetricRule)):
        # Issues of detectors resolve, de-escalate and are of another category: little is impossible.
        return
    why = _why_never(rule.triggers, known)
    if why is not None:
        yield why
    for unit in rule.filters:
        why_unit = _why_never(unit.group, known) or _why_together(rule, unit.group)
        if why_unit is not None and why is None:
            yield why_unit


def _of_actions(rule: IssueRule) -> Iterator[Said]:
    inactive = sum(unit.inactive for unit in rule.filters)
    if not any(unit.actions for unit in rule.filters):
        yield "", "tells nobody: " + ("none of its actions is active" if inactive else "it has no actions")
    elif inactive:
        yield "", f"tells fewer than it names: {inactive} of its actions are not active"


def _why_never(group: Group, known: Known) -> Said | None:
    """Why a group is never true; None when it can be."""
    constants = [(condition, _constant(condition.check, known)) for condition in group.conditions]
    if group.logic == "none":
        for condition, (outcome, _) in constants:
            if outcome is True:
                return (
                    condition.where,
                    f"never fires: none of these may be true, and one always is: {condition.text}",
                )
        return None
    never = [(condition, why) for condition, (outcome, why) in constants if outcome is False]
    if group.logic == "all":
        for condition, why in never:
            return condition.where, f"never fires: never true: {condition.text}: {why}"
        return _why_conflict(group.conditions)
    if never and len(never) == len(constants):
        condition, why = never[0]
        more = f" (and so are the {len(never) - 1} others)" if len(never) > 1 else ""
        return condition.where, f"never fires: never true: {condition.text}: {why}{more}"
    return None


def _why_conflict(conditions: Iterable[Condition]) -> Said | None:
    for one, other in combinations(conditions, 2):
        why = conflict(one.check, other.check)
        if why:
            return other.where, f"never fires: {one.text}, and {other.text}: {why}"
    return None


def _why_together(rule: IssueRule, group: Group) -> Said | None:
    """Contradictions between triggers and filters, both of which must be true, and with the environment."""
    asked = [*_certain(rule.triggers), *_certain(group)]
    why = _why_conflict(asked)
    if why is not None or rule.environment is None:
        return why
    own = rule.environment.lower()
    for condition in asked:
        check = condition.check
        if (
            isinstance(check, Match)
            and check.key == "environment"
            and not matcher(check.match, check.value)([own])
        ):
            return (
                condition.where,
                f"never fires: its environment is {rule.environment!r}, and {condition.text}",
            )
    return None


def _certain(group: Group) -> tuple[Condition, ...]:
    """Conditions that must be true for the group to be."""
    one = group.logic in ("any", "any-short") and len(group.conditions) == 1
    return group.conditions if group.logic == "all" or one else ()


def _constant(check: Check, known: Known) -> tuple[bool | None, str]:
    outcome = constant(check)
    if outcome is False:
        return False, why_constant(check)
    if isinstance(check, Level) and known.levels is not None and not any(map(_passes(check), known.levels)):
        return False, f"levels that come: {', '.join(sorted(known.levels)) or 'none'}"
    if isinstance(check, Frequency) and check.measure == "sessions" and not known.sessions:
        return False, "there are no sessions"
    if isinstance(check, LatestRelease) and not known.releases:
        return False, "events have no release"
    if (
        isinstance(check, Match)
        and check.key == "environment"
        and check.match == "eq"
        and _foreign(check.value, known)
    ):
        return False, f"nothing comes from environment {check.value!r}"
    return outcome, ""


def _passes(check: Level) -> Callable[[str], bool]:
    def passes(name: str) -> bool:
        level = LEVELS_BY_NAME.get(name)
        return (
            level is not None
            and {
                "eq": level == check.level,
                "gte": level >= check.level,
                "lte": level <= check.level,
            }[check.match]
        )

    return passes


def _place(file: str, path: str) -> str:
    return f"{file}: {path}" if path else file


def _foreign(environment: str | None, known: Known) -> bool:
    return (
        environment is not None and known.environments is not None and environment not in known.environments
    )


def _of_metric_rule(rule: MetricRule, rules: Rules, known: Known) -> Iterator[Said]:
    where = rule.where
    if not rule.enabled:
        yield "", f"never fires: {rule.off_why}"
    if rule.dynamic:
        yield (
            "",
            "never fires here: dynamic thresholds (anomaly detection) are Sentry's own and cannot be evaluated",
        )
    elif rule.unmeasured:
        yield "", f"never fires here: {rule.unmeasured}"
    elif not rule.thresholds:
        yield "", "never fires: no condition has a result above 0"
    if _foreign(rule.environment, known):
        yield (
            f"{where}.environment".lstrip("."),
            f"never fires: nothing comes from environment {rule.environment!r}",
        )
    if not getattr(known, rule.dataset, True):
        yield "", f"never fires: it looks at {rule.dataset}, and there are none"
    for doubt in doubts_of(rule):
        yield f"{where}.query".lstrip("."), f"may never fire: {doubt}"
    least, most = _range(rule)
    for threshold in rule.thresholds:
        what = _out_of_reach(threshold, least, most)
        if what:
            yield threshold.where, f"never becomes {threshold.label}: {rule.aggregate} is never {what}"
    for threshold in rule.resolve:
        what = _out_of_reach(threshold, least, most)
        if what:
            yield threshold.where, f"never resolves: {rule.aggregate} is never {what}"
    yield from _of_listeners(rule, rules)


def _of_listeners(rule: MetricRule, rules: Rules) -> Iterator[Said]:
    if not rule.stateful:
        if not rule.dynamic and not any(threshold.actions for threshold in rule.thresholds):
            yield "", "tells nobody: it has no actions"
        return
    workflows = [other for other in rules.rules if isinstance(other, IssueRule)]
    known = {workflow.id for workflow in workflows if workflow.id}
    for number, id_ in enumerate(rule.workflows):
        if known and id_ not in known:
            yield (
                f"{rule.where}.workflowIds[{number}]".lstrip("."),
                f"no workflow of this file has the id {id_!r}",
            )
    if not rule.workflows and not any(listens(workflow, rule) for workflow in workflows):
        yield "", "tells nobody: no workflow is connected to it"
    if not rule.resolve and not rule.dynamic and rule.thresholds:
        yield "", "never resolves: no condition has the result 0"


def _range(rule: MetricRule) -> tuple[float, float]:
    """Between which figures the aggregate can lie."""
    if rule.comparison is not None or rule.unmeasured:
        return 0.0, float("inf")
    if is_crash_free(rule):
        return 0.0, 100.0
    if rule.aggregate.replace(" ", "").startswith(_SHARES):
        return 0.0, 1.0
    if rule.aggregate.startswith(("count", "eps(", "epm(", "p50(", "p75(", "p90(", "p95(", "p99(", "p100(")):
        return 0.0, float("inf")
    return float("-inf"), float("inf")


def _out_of_reach(threshold: Threshold, least: float, most: float) -> str:
    value = threshold.value
    if (threshold.op == "gt" and value >= most) or (threshold.op == "gte" and value > most):
        return f"more than {most:g}"
    if (threshold.op == "lt" and value <= least) or (threshold.op == "lte" and value < least):
        return f"less than {least:g}"
    if threshold.op == "eq" and not least <= value <= most:
        return f"{value:g}"
    return ""
