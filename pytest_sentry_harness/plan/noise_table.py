"""``[noise]``: the project's own rules of grouping and classification."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ScenarioError, did_you_mean
from ..model.scenario import Noise, Scenario
from .tables import Document, Table


def read_noise(document: Document, content: Any, base: Path, check_files: bool) -> Noise:
    """``[noise]``; paths are relative to ``base``. What is in the files is not read here. Raises ``ScenarioError``."""
    table = Table(document, "noise", content)
    noise = Noise(
        fingerprint_rules=_file(table, "fingerprint_rules", base, check_files),
        stack_rules=_file(table, "stack_rules", base, check_files),
        categories=_file(table, "categories", base, check_files),
    )
    table.done()
    return noise


def _file(table: Table, key: str, base: Path, check_files: bool) -> Path | None:
    name = table.text(key)
    if name is None:
        return None
    path = base / name
    if check_files and not path.is_file():
        beside = [entry.name for entry in path.parent.glob("*") if entry.is_file()]
        near = did_you_mean(path.name, beside) if beside else "paths are relative to the scenario file"
        raise table.fail(key, f"there is no file {path}", hint=near)
    return path


def check_noise(scenario: Scenario, document: Document) -> None:
    """What goes with ``[noise]`` and what needs it. Raises ``ScenarioError``."""
    if scenario.noise is not None and not scenario.faults:
        raise ScenarioError(
            "[noise] needs [[fault]]: what belongs together is known of faults alone, by their names",
            where=document.where("noise"),
            hint="add a [[fault]] for each root cause, two at least",
        )
    for index, fault in enumerate(scenario.faults):
        for key, given in (("category", fault.expect.category), ("severity", fault.expect.severity)):
            if given is not None and scenario.noise is None:
                raise ScenarioError(
                    f"expect.{key} = {given!r} says nothing without [noise], which judges it",
                    where=document.where("fault", index, "expect"),
                    hint=f"add [noise], or drop {key}",
                )
