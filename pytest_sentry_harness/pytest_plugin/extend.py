"""Collects what the hooks ``pytest_sentry_harness_*`` give, and refuses what cannot be used."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from ..errors import UsageError
from ..injection.effects.effect import Effect
from ..injection.effects.registry import Effects
from ..model.extensions import Criterion, Extensions, FaultKind
from ..model.metrics import METRICS, PROMISES
from ..plan.gates import parse_gate
from ..plan.terms import KINDS

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_EXTENSIONS = pytest.StashKey[Extensions]()
_EFFECTS = pytest.StashKey[tuple[type[Effect], ...]]()
_KINDS_HOOK = "pytest_sentry_harness_fault_kinds"
_CRITERIA_HOOK = "pytest_sentry_harness_criteria"


def extensions_of(config: pytest.Config) -> Extensions:
    """All that the hooks give, asked for once. Raises ``UsageError`` naming what cannot be used."""
    if _EXTENSIONS not in config.stash:
        kinds = tuple(
            kind for given in config.hook.pytest_sentry_harness_fault_kinds(config=config) for kind in given
        )
        criteria = tuple(
            each for given in config.hook.pytest_sentry_harness_criteria(config=config) for each in given
        )
        found = Extensions(kinds=_kinds(kinds), criteria=_criteria(criteria))
        config.stash[_EFFECTS] = kinds
        config.stash[_EXTENSIONS] = found
    return config.stash[_EXTENSIONS]


def effects_of(config: pytest.Config) -> Effects:
    """The effects of all kinds, ours and own. Raises ``UsageError``."""
    extensions_of(config)
    effects = Effects()
    for kind in config.stash[_EFFECTS]:
        effects.register(kind)
    return effects


def _kinds(classes: tuple[type[Effect], ...]) -> tuple[FaultKind, ...]:
    taken = dict.fromkeys(KINDS, "a kind of pytest-sentry-harness")
    found = []
    for kind in classes:
        path = f"{getattr(kind, '__module__', '?')}:{getattr(kind, '__qualname__', repr(kind))}"
        name = getattr(kind, "KIND", None)
        _refuse(
            not isinstance(kind, type) or not callable(getattr(kind, "action", None)),
            f"{path} is no fault kind",
            "give a class with KIND, a constructor that takes a term, and a method action",
        )
        _refuse(
            not isinstance(name, str) or not _NAME.fullmatch(name),
            f"{path}: KIND = {name!r} cannot name a fault kind",
            "use small letters, digits and _",
        )
        _refuse(
            str(name) in taken,
            f"{path}: the fault kind {name!r} is already {taken.get(str(name))}",
            "give it a name of its own",
        )
        _refuse(
            "<locals>" in path,
            f"{path} cannot be imported in a target",
            "define the class at the top of a module",
        )
        taken[str(name)] = path
        folder = _folder_of(kind.__module__)
        found.append(FaultKind(name=str(name), path=path, folder=folder, check=kind))
    return tuple(found)


def _criteria(criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
    promises, metrics = dict(PROMISES), dict(METRICS)
    for criterion in criteria:
        _refuse(
            not isinstance(criterion, Criterion),
            f"{criterion!r} is no criterion",
            "give pytest_sentry_harness.model.extensions.Criterion(…)",
            _CRITERIA_HOOK,
        )
        name = criterion.name
        where = f"criterion {name!r}"
        _refuse(
            not _NAME.fullmatch(name),
            f"{where}: its name must be small letters, digits and _",
            None,
            _CRITERIA_HOOK,
        )
        _refuse(name in promises, f"{where} is there already", "give it a name of its own", _CRITERIA_HOOK)
        _refuse(
            not criterion.metrics,
            f"{where} has no metrics",
            "without one there is nothing to judge",
            _CRITERIA_HOOK,
        )
        promises[name] = criterion.promise
        for metric in criterion.metrics:
            _refuse(
                metric.criterion != name or not metric.name.startswith(f"{name}."),
                f"{where}: the metric {metric.name!r} is of criterion {metric.criterion!r}",
                f'write Metric(name="{name}.…", criterion="{name}", …)',
                _CRITERIA_HOOK,
            )
            _refuse(
                metric.name in metrics,
                f"{where}: there are two metrics {metric.name!r}",
                None,
                _CRITERIA_HOOK,
            )
            metrics[metric.name] = metric
            if metric.default_gate is not None:
                parse_gate(metric.name, metric.default_gate, f"{_CRITERIA_HOOK}: {where}", metrics)
    return criteria


def _refuse(wrong: bool, what: str, hint: str | None, hook: str = _KINDS_HOOK) -> None:
    if wrong:
        raise UsageError(what, where=hook, hint=hint)


def _folder_of(module_name: str) -> str:
    """The folder that must be on the path for ``module_name`` to be imported."""
    file = getattr(sys.modules.get(module_name), "__file__", None)
    if file is None:
        return ""
    path = Path(file)
    depth = module_name.count(".") + (path.name == "__init__.py")
    return str(path.resolve().parents[depth])
