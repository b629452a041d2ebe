"""Workflows, called Alerts in Sentry's pages. Sentry API reference, "Create an Alert for an Organization"."""

from __future__ import annotations

from .conditions_json import Numbering, Place, read_condition
from .legacy_issue import environment_name
from .model import ActionFilter, Group, IssueRule, Logic
from .node import Node

MOST_FREQUENCY = 43200
_LOGICS: dict[str, Logic] = {"any": "any", "any-short": "any-short", "all": "all", "none": "none"}
_ANSWER = ("organizationId", "createdBy", "dateCreated", "dateUpdated", "lastTriggered", "owner")


def read_workflow(node: Node, index: int, numbering: Numbering) -> IssueRule:
    """A workflow. Raises ``RulesError``."""
    name = node.name(256)
    config = node.child("config")
    frequency = 0.0
    if config is not None:
        frequency = config.number("frequency", least=0, most=MOST_FREQUENCY, whole=True) or 0.0
        config.done()
    triggers = node.child("triggers")
    filters = []
    for child in node.nodes("actionFilters"):
        group = read_group(child, "filter", numbering)
        actions = child.objects("actions")
        child.done("id", "organizationId")
        for number, action in enumerate(actions):
            if not isinstance(action.get("type"), str):
                raise child.fail(
                    f"actions[{number}]", "the action has no type", "write one such as email or slack"
                )
        active = tuple(action for action in actions if action.get("status") in (None, "active"))
        filters.append(ActionFilter(group=group, actions=active, inactive=len(actions) - len(active)))
    if triggers is None:
        group = Group(logic="any-short", where=f"{node.path}.triggers".lstrip("."))
    else:
        group = read_group(triggers, "trigger", numbering)
        triggers.get("actions")
        triggers.done("id", "organizationId")
    enabled = node.flag("enabled", default=True)
    rule = IssueRule(
        name=name,
        index=index,
        where=node.path,
        triggers=group,
        filters=tuple(filters),
        frequency=frequency * 60,
        environment=environment_name(node),
        enabled=enabled,
        off_why="" if enabled else "it is not enabled",
        id=node.text("id") or "",
        detectors=node.ids("detectorIds"),
        connected=node.get("detectorIds") is not None,
    )
    node.done(*_ANSWER)
    return rule


def read_group(node: Node, place: Place, numbering: Numbering) -> Group:
    """Conditions with their ``logicType``."""
    return Group(
        logic=_LOGICS[node.choice("logicType", _LOGICS, "any-short")],
        conditions=tuple(read_condition(child, place, numbering) for child in node.nodes("conditions")),
        where=node.path,
    )
