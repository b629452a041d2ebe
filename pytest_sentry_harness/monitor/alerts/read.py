"""Files of alert rules. Both generations of Sentry's JSON, one rule, a list, or lists by kind.

A list may mix kinds: an object says by its keys what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...errors import RulesError, did_you_mean
from .conditions_json import Numbering
from .detector import read_detector
from .legacy_issue import read_issue_rule
from .legacy_metric import read_metric_rule
from .listening import connect
from .model import EventDetector, Rule, Rules
from .never import warnings_of
from .node import Node, cut, kind_of, read_json, snake_case
from .workflow import read_workflow

LISTS = ("rules", "alertRules", "workflows", "detectors")
_SIGNS: dict[str, tuple[str, ...]] = {
    "rules": ("actionMatch", "conditions", "frequency", "filterMatch"),
    "alertRules": ("thresholdType", "timeWindow", "aggregate"),
    "detectors": ("dataSources", "conditionGroup", "type", "workflowIds"),
    "workflows": ("actionFilters", "detectorIds", "triggers", "config"),
}
"""Keys that only one kind has (``triggers`` and ``config`` come last: two kinds have them)."""


def read_rules(text: str, name: str) -> Rules:
    """The rules in ``text``, with warnings of what would never fire. ``name``: the file, for messages.

    Raises ``RulesError`` naming file, key path and what is allowed.
    """
    return rules_of(read_json(text, name), name)


def read_rule_files(files: Sequence[tuple[str, str]]) -> Rules:
    """The rules of several files as if they stood in one: ``(name, text)`` of each. Workflows know detectors of other files.

    Raises ``RulesError`` naming file, key path and what is allowed.
    """
    if len(files) == 1:
        return read_rules(files[0][1], files[0][0])
    reading = _Reading()
    for name, text in files:
        reading.add(read_json(text, name), name, several=True)
    return reading.whole("")


def rules_of(document: Any, name: str) -> Rules:
    """The rules in a decoded JSON document."""
    reading = _Reading()
    reading.add(document, name, several=False)
    return reading.whole(name)


class _Reading:
    """Collects what documents hold."""

    def __init__(self) -> None:
        self._numbering = Numbering()
        self._rules: list[Rule] = []
        self._event_detectors: list[EventDetector] = []

    def add(self, document: Any, name: str, *, several: bool) -> None:
        """Add those of ``document``; of ``several`` files, each key path begins with its own."""
        rules, numbering = self._rules, self._numbering
        for kind, path, content in _each(document, name):
            node = Node("", f"{name}: {path or 'rule'}", content) if several else Node(name, path, content)
            kind = kind or _kind_of(node)
            if kind == "rules":
                rules.append(read_issue_rule(node, len(rules), numbering))
            elif kind == "alertRules":
                rules.append(read_metric_rule(node, len(rules), numbering))
            elif kind == "workflows":
                rules.append(read_workflow(node, len(rules), numbering))
            else:
                detector = read_detector(node, len(rules), numbering)
                if isinstance(detector, EventDetector):
                    self._event_detectors.append(detector)
                else:
                    rules.append(detector)

    def whole(self, file: str) -> Rules:
        """All of them: only now it is known which workflow listens to what."""
        read = Rules(
            file=file,
            rules=connect(self._rules, self._event_detectors),
            points=tuple(self._numbering.points),
            event_detectors=tuple(self._event_detectors),
        )
        return replace(read, warnings=warnings_of(read))


def _each(document: Any, name: str) -> list[tuple[str, str, Any]]:
    """``(kind, key path, object)`` of each rule; kind is ``""`` where the object itself must tell."""
    if isinstance(document, list):
        return [("", f"[{index}]", item) for index, item in enumerate(document)]
    if not isinstance(document, dict):
        raise RulesError(
            f"expected rules, got {kind_of(document)}",
            where=name,
            hint=f"write one rule, a list of rules, or an object with {', '.join(LISTS)}",
        )
    by_name = {spelling: kind for kind in LISTS for spelling in (kind, snake_case(kind))}
    if not any(key in by_name and isinstance(value, list) for key, value in document.items()):
        return [("", "", document)]
    found = []
    for key, value in document.items():
        if key not in by_name:
            shown = cut(key)
            raise RulesError(
                f"unknown key {shown!r}", where=f"{name}: {shown}", hint=did_you_mean(shown, LISTS)
            )
        if not isinstance(value, list):
            raise RulesError(f"{key} must be a list, got {kind_of(value)}", where=f"{name}: {key}")
        found += [(by_name[key], f"{key}[{index}]", item) for index, item in enumerate(value)]
    return found


def _kind_of(node: Node) -> str:
    scores = {kind: sum(sign in node for sign in signs) for kind, signs in _SIGNS.items()}
    best = max(scores, key=lambda kind: scores[kind])
    if scores[best] == 0:
        raise node.fail(
            None,
            "this is no alert rule",
            "an issue alert has conditions, actionMatch, frequency; a metric alert aggregate, timeWindow, triggers; "
            "a workflow triggers, actionFilters; a detector type, dataSources, conditionGroup",
        )
    return best
