"""Reads from a run's folder what the criterion ``noise`` is measured on, and the rules of the project it is judged with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..criteria.noise_account import account_of
from ..errors import EvidenceError, RulesError
from ..model.account import Account, State
from ..model.noise import NoiseInfo
from ..model.scenario import Scenario
from ..monitor.classification import DEFAULT, Rules, parse_rules
from ..monitor.grouping import GroupingConfig
from ..monitor.grouping.fingerprint_rules import parse_fingerprint_rules
from ..monitor.grouping.stack_rules import StackRules
from ..plan.terms import parse_chain
from ..reconcile.reconcile import Reconciliation
from ..store.reader import open_store
from .arrived import Events
from .folder import RunFolder, rule_files


def check_rules(scenario: Scenario) -> None:
    """Read the files that ``[noise]`` names, before anything starts.

    Raises ``RulesError``, naming file and line, and ``UsageError`` when the extra ``monitor`` is not installed.
    """
    if scenario.noise is not None:
        named = rule_files(scenario.noise)
        _rules_in({key: _text(path) for key, path in named.items()}, named)


def noise_of(folder: RunFolder, scenario: Scenario, found: Reconciliation) -> NoiseInfo:
    """The issues of the run in ``folder``. ``found``: of what its events are; origins are asked for.

    Raises ``EvidenceError`` when it, or a copy of a file of rules, cannot be read.
    """
    config, rules = rules_of_run(folder, scenario)
    with open_store(folder.store) as store:
        events = Events(store)
        info = account_of(
            events,
            found.origins,
            scenario.faults,
            config,
            rules,
            several={**found.several, **found.unclear},
        )
    return replace(info, unread=events.unread)


def promised(scenario: Scenario, account: Account) -> frozenset[str]:
    """The faults that fired and that should become events."""
    kinds = scenario.extensions.kinds_by_name
    found = []
    for fault in scenario.faults:
        states = account.by_fault.get(fault.name, {})
        fired = any(count for state, count in states.items() if state is not State.NOT_REACHED)
        captured = fault.expect.captured
        if captured is None:
            captured = not fault.do or any(term.kind == "raise" for term in parse_chain(fault.do, kinds))
        if fired and captured:
            found.append(fault.name)
    return frozenset(found)


def rules_of_run(folder: RunFolder, scenario: Scenario) -> tuple[GroupingConfig, Rules]:
    """The rules that the run in ``folder`` is judged with: those of ``[noise]``, else none of the project.

    Raises ``EvidenceError`` when a copy of a file of rules cannot be read.
    """
    named = rule_files(scenario.noise)
    texts = {key: _copy(folder.rules / key) for key in named}
    return _rules_in(texts, named)


def _rules_in(texts: Mapping[str, str], named: Mapping[str, Path]) -> tuple[GroupingConfig, Rules]:
    """What the rules in ``texts`` say; ``named`` are their files, for messages. Both by key of ``[noise]``."""
    fingerprint, stack = (texts.get(key, "") for key in ("fingerprint_rules", "stack_rules"))
    # Read by themselves first: a message then names the file, and not only which kind of rules it is.
    if fingerprint:
        parse_fingerprint_rules(fingerprint, str(named["fingerprint_rules"]))
    if stack:
        StackRules(stack, str(named["stack_rules"]))
    config = GroupingConfig.parse(fingerprint, stack)
    key = "categories"
    return config, parse_rules(texts[key], str(named[key])) if key in texts else DEFAULT


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"the rules cannot be read: {error}", where=str(path)) from error


def _copy(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(
            f"the rules of the run cannot be read: {error}",
            where=str(path),
            hint="the folder of a run holds a copy of each file that [noise] names",
        ) from error
