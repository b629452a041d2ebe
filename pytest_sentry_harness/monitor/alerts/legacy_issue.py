"""Rules of ``/rules/``. Sentry API reference, "Create an Issue Alert Rule for a Project" (withdrawn in May 2026, still exported)."""

from __future__ import annotations

from ...errors import RulesError
from .conditions_json import Numbering, read_legacy_condition
from .model import ActionFilter, Group, IssueRule, Logic
from .node import Node

LEAST_FREQUENCY, MOST_FREQUENCY = 5, 43200
_LOGICS: dict[str, Logic] = {"all": "all", "any": "any-short", "none": "none"}
_ANSWER = (
    "dateCreated",
    "createdBy",
    "lastTriggered",
    "owner",
    "errors",
    "disableReason",
    "disableDate",
    "snoozeCreatedBy",
    "actionMatch",
    "filterMatch",
    "type",
)
SNOOZED = "it is snoozed (muted)"
SNOOZED_FOR_ONE = (
    "is snoozed for one person only, whose answer of Sentry this is: it fires for everybody else"
)


def read_issue_rule(node: Node, index: int, numbering: Numbering) -> IssueRule:
    """A rule of the old generation as a workflow. Raises ``RulesError``.

    Conditions become triggers, filters the one action filter. Slow conditions stay among the triggers, where
    Sentry's engine evaluates them as well: ``actionMatch`` any would mean something else otherwise.
    """
    name = node.name(256)
    # Sentry refuses less than 5 in a rule that is sent to it, and answers with any that a workflow has.
    least = 0 if "dateCreated" in node else LEAST_FREQUENCY
    frequency = node.required_number("frequency", least=least, most=MOST_FREQUENCY, whole=True)
    conditions = [read_legacy_condition(child, numbering) for child in node.nodes("conditions", needed=True)]
    filters = [read_legacy_condition(child, numbering) for child in node.nodes("filters")]
    node.items("actions", needed=True)
    actions = node.objects("actions")
    for number, action in enumerate(actions):
        if not isinstance(action.get("id"), str):
            raise node.fail(
                f"actions[{number}]",
                "the action has no id",
                "write one such as sentry.mail.actions.NotifyEmailAction",
            )
    off_why, notes = _off(node)
    rule = IssueRule(
        name=name,
        index=index,
        where=node.path,
        triggers=Group(
            logic=_LOGICS[node.choice("actionMatch", _LOGICS)],
            conditions=tuple(conditions),
            where=f"{node.path}.conditions".lstrip("."),
        ),
        filters=(
            ActionFilter(
                group=Group(
                    logic=_LOGICS[node.choice("filterMatch", _LOGICS, "all")],
                    conditions=tuple(filters),
                    where=f"{node.path}.filters".lstrip("."),
                ),
                actions=actions,
            ),
        ),
        frequency=frequency * 60,
        environment=environment_name(node),
        enabled=not off_why,
        off_why=off_why,
        filters_first=True,
        id=node.text("id") or "",
        projects=node.ids("projects"),
        notes=notes,
    )
    node.done(*_ANSWER)
    return rule


def environment_name(node: Node) -> str | None:
    """The ``environment`` of a rule; None for all. Raises where Sentry could have no environment of that name."""
    name = node.text("environment")
    if name is None or name == "":
        return None
    if name.strip() != name or "/" in name or "\n" in name or name == "None" or len(name) > 64:
        raise bad_environment(node, name)
    return name


def bad_environment(node: Node, name: str) -> RulesError:
    """What is wrong with the name of an environment. Sentry docs, "Environments"."""
    return node.fail(
        "environment",
        f"{name!r} cannot be the name of an environment",
        "at most 64 characters, no slash, no line break, no blank at its ends, not None",
    )


def snooze_of(node: Node) -> tuple[str, tuple[str, ...]]:
    """Why a snoozed rule is off, or the note that it is not: Sentry leaves out rules that are snoozed for everyone.

    An answer that does not say for whom (lists of metric rules do not) is taken for everyone.
    """
    snooze, for_everyone = node.get("snooze"), node.get("snoozeForEveryone")
    if not (snooze is True or isinstance(snooze, dict)):
        return "", ()
    return ("", (SNOOZED_FOR_ONE,)) if for_everyone is False else (SNOOZED, ())


def _off(node: Node) -> tuple[str, tuple[str, ...]]:
    status = node.choice("status", ("active", "disabled"), "active")
    off_why, notes = snooze_of(node)
    return ("it is disabled" if status == "disabled" else off_why), notes
