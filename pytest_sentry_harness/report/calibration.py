"""Calibrations as Markdown tables: what each twin planted and what was found; which real failures are reproduced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..model.calibration import Calibration, RealFailure
from .lines import printable

_TWINS = """# Scenarios and their twins

What `sentry-harness calibrate` found: each scenario as written passes without a loss; each twin plants a defect, fails, and
every loss is reported for the planted cause. Written by the run itself; the command is in [Prove that a scenario can
fail](../how-to/calibrate.md).
"""
_STORIES = """# Real failures, reproduced

Failures of Sentry monitoring that people reported, the twin that reproduces each, and the cause the harness named. Written by
the run itself; the command is in [Prove that a scenario can fail](../how-to/calibrate.md).
"""


def twins_table(results: Sequence[Calibration]) -> str:
    """A page with one row for each run."""
    lost = sum(result.lost for result in results if result.twin)
    attributed = sum(result.attributed for result in results if result.twin)
    healthy = [result for result in results if not result.twin]
    summary = (
        f"{sum(bool(result.twin) for result in results)} twins: {attributed} of {lost} losses reported for the planted "
        f"cause. {len(healthy)} healthy runs: {sum(result.lost for result in healthy)} losses."
    )
    rows = [
        _TWINS,
        f"{summary}\n",
        "| scenario | twin | verdict | fired | lost | for the planted cause | cause named |",
    ]
    rows.append("|---|---|---|---|---|---|---|")
    for result in results:
        share = f"{result.attributed} of {result.lost}" if result.twin else "-"
        twin = result.twin or "(healthy)"
        cells = [result.scenario, twin, str(result.verdict), str(result.fired), str(result.lost), share]
        rows.append("| " + " | ".join([*map(_cell, cells), _cell(_causes(result))]) + " |")
    return "\n".join(rows) + "\n"


def stories_table(stories: Sequence[RealFailure], results: Iterable[Calibration]) -> str:
    """A page with a row for each real failure: what reproduces it and what was found, or why nothing does."""
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
    text = f"{_STORIES}\n{len(shown)} of {len(stories)} are reproduced.\n\n" + "\n".join(rows) + "\n"
    if missing:
        head = "| story | what people saw | what it came from | reported in | why no scenario shows it |"
        text += "\n## Not reproduced\n\n" + "\n".join([head, "|---|---|---|---|---|", *missing]) + "\n"
    return text


def _causes(result: Calibration) -> str:
    return "; ".join(cause for cause, _ in result.causes[:2])


def _cell(text: str) -> str:
    return printable(" ".join(text.split())).replace("|", "\\|").replace("<", "&lt;")
