"""What users wrote about alerting, read: rules, notifications, searches, grouping and classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..channels.redirect import built_in
from ..errors import RulesError, SearchError
from ..monitor.alerts.listening import alerting_rules
from ..monitor.alerts.model import Rules
from ..monitor.alerts.read import read_rule_files
from ..monitor.classification import DEFAULT, parse_rules
from ..monitor.classification import Rules as Classification
from ..monitor.grouping import GroupingConfig
from ..monitor.notifications import Notifications, parse_notifications
from ..monitor.search import Search, parse_search


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that decides which alerts there are and who is told."""

    rules: Rules
    """Those of all files."""
    notifications: Notifications
    """As written: nothing is redirected yet."""
    archived: tuple[Search, ...]
    grouping: GroupingConfig
    classification: Classification

    @property
    def names(self) -> tuple[str, ...]:
        """The names that alerts can bear."""
        return tuple(rule.name for rule in alerting_rules(self.rules.rules))


def read_inputs(
    *,
    rules: Sequence[Path],
    notify: Path | None,
    archived: Sequence[str] = (),
    fingerprint_rules: Path | None = None,
    stack_rules: Path | None = None,
    categories: Path | None = None,
    names: Mapping[Path, str] | None = None,
) -> Inputs:
    """Read these files. ``names``: how messages call them, where that is not their path.

    Raises ``RulesError`` naming file and key, and ``UsageError`` when the extra ``monitor`` is not installed.
    """
    called = {path: (names or {}).get(path, str(path)) for path in (*rules, notify, categories) if path}
    found = read_rule_files([(called[path], _text(path)) for path in rules])
    _check_names(found)
    alerting = {rule.name for rule in alerting_rules(found.rules)}
    return Inputs(
        rules=found,
        notifications=(
            built_in() if notify is None else parse_notifications(_text(notify), called[notify], alerting)
        ),
        archived=tuple(_search(text, index) for index, text in enumerate(archived)),
        grouping=GroupingConfig.parse(
            _text(fingerprint_rules) if fingerprint_rules else "", _text(stack_rules) if stack_rules else ""
        ),
        classification=parse_rules(_text(categories), called[categories]) if categories else DEFAULT,
    )


def _check_names(rules: Rules) -> None:
    """Alerts are told apart by the names of their rules."""
    first: dict[str, str] = {}
    for rule in alerting_rules(rules.rules):
        place = f"{rules.file}: {rule.where}" if rules.file else rule.where
        if rule.name in first:
            raise RulesError(
                f"a second rule is called {rule.name!r}; the first is {first[rule.name]}",
                where=place,
                hint="give each rule a name of its own: alerts are told apart by it",
            )
        first[rule.name] = place


def _search(text: str, index: int) -> Search:
    where = f"archived[{index}]"
    try:
        search = parse_search(text)
    except SearchError as error:
        raise RulesError(
            f"{text!r} is no search: {error.what}",
            where=f"{where}, character {error.position}",
            hint=error.hint,
        ) from error
    if search.having:
        raise RulesError(
            f"{text!r} counts, and an issue is archived by its first event",
            where=where,
            hint='name fields of the event: "error.type:PaymentError"',
        )
    return search


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"the file cannot be read: {error}", where=str(path)) from error
