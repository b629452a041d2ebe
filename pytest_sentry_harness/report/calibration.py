"""Calibrations as Markdown tables: what each twin planted and what was found; which real failures are reproduced."""

from __future__ import annotations

import re
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
_PORT = re.compile(r"(\b127\.0\.0\.1:)\d+")
"""Another one in every run."""


def twins_table(results: Sequence[Calibration]) -> str:
    """A page with a row for each healthy scenario, however often it ran, and one for each run of a twin."""
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
    for runs in _in_rows(results):
        result, lost_here = runs[-1], sum(run.lost for run in runs)
        share = f"{result.attributed} of {result.lost}" if result.twin else "-"
        twin = result.twin or (f"(healthy, {len(runs)} runs)" if len(runs) > 1 else "(healthy)")
        verdict = ", ".join(dict.fromkeys(str(run.verdict) for run in runs))
        cells = [result.scenario, twin, verdict, str(sum(run.fired for run in runs)), str(lost_here), share]
        rows.append("| " + " | ".join([*map(_cell, cells), _cell(_causes(result))]) + " |")
    return "\n".join(rows) + "\n"


def _in_rows(results: Iterable[Calibration]) -> list[list[Calibration]]:
    """The runs that share a row: those of one healthy scenario; each twin has its own."""
    rows: list[list[Calibration]] = []
    for result in results:
        if rows and not result.twin and not rows[-1][0].twin and rows[-1][0].file == result.file:
            rows[-1].append(result)
        else:
            rows.append([result])
    return rows


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
    found = [*(cause for cause, _ in result.causes[:2]), *([result.size] if result.size else [])]
    return _PORT.sub(r"\1{port}", "; ".join(found))


def _cell(text: str) -> str:
    return printable(" ".join(text.split())).replace("|", "\\|").replace("<", "&lt;")
