"""Calibrations as Markdown tables: what each twin planted and what was found; which real failures are reproduced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..model.calibration import Calibration, RealFailure
from .lines import printable


def twins_table(results: Sequence[Calibration]) -> str:
    """One row for each run."""
    rows = ["| scenario | twin | verdict | fired | lost | for the planted cause | cause named |"]
    rows.append("|---|---|---|---|---|---|---|")
    for result in results:
        share = f"{result.attributed} of {result.lost}" if result.twin else "-"
        twin = result.twin or "(healthy)"
        cells = [result.scenario, twin, str(result.verdict), str(result.fired), str(result.lost), share]
        rows.append("| " + " | ".join([*map(_cell, cells), _cell(_causes(result))]) + " |")
    return "\n".join(rows) + "\n"


def stories_table(stories: Iterable[RealFailure], results: Iterable[Calibration]) -> str:
    """One row for each real failure: what reproduces it and what was found, or why nothing does."""
    shown: dict[str, list[Calibration]] = defaultdict(list)
    for result in results:
        for name in result.stories if result.good else ():
            shown[name].append(result)
    rows = [
        "| story | what people saw | what it came from | reported in | scenario and twin | verdict | cause named |"
    ]
    rows.append("|---|---|---|---|---|---|---|")
    missing: list[str] = []
    for story in stories:
        found = shown.get(story.id, [])
        told = [story.id, story.symptom, story.cause, story.thread]
        for result in found:
            label = f"`{result.file}` {result.twin}"
            cells = [*told, label, str(result.verdict), _causes(result) or "see the failing gate"]
            rows.append("| " + " | ".join(map(_cell, cells)) + " |")
        if not found:
            why = story.unreproduced or "not reproduced in this run"
            missing.append("| " + " | ".join(map(_cell, [*told, why])) + " |")
    text = "\n".join(rows) + "\n"
    if missing:
        head = "| story | what people saw | what it came from | reported in | why no scenario shows it |"
        text += "\n" + "\n".join([head, "|---|---|---|---|---|", *missing]) + "\n"
    return text


def _causes(result: Calibration) -> str:
    return "; ".join(cause for cause, _ in result.causes[:2])


def _cell(text: str) -> str:
    return printable(" ".join(text.split())).replace("|", "\\|").replace("<", "&lt;")
