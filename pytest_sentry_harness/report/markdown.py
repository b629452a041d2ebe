"""Markdown for a CI job summary or a pull request: under 1 MiB, whatever the run held."""

from __future__ import annotations

import html
from collections.abc import Sequence

from ..criteria.verdict import show
from .alerting import alerting_lines
from .analysis import analysis_markdown
from .dashboards import dashboards_lines
from .document import AccountInfo, RunDocument
from .lines import Cause, advice, by_cause, could_be_line, finding_line, point_line, printable, short_path
from .load import load_table
from .noise import noise_lines
from .objectives import objectives_lines
from .overhead import overhead_lines
from .profiling import profiling_lines
from .series import series_lines
from .timing import timing_lines

MOST_BYTES = 1_000_000
_MOST_LOSSES = 100
_MOST_CELL = 300
_SIGNS = {"pass": "✅ pass", "fail": "❌ fail", "inconclusive": "❔ inconclusive", "error": "💥 error"}


def to_markdown(documents: Sequence[RunDocument]) -> bytes:
    """One page for the runs; later runs are named only, when the page would grow past ``MOST_BYTES``."""
    page: list[bytes] = []
    size = 0
    for number, document in enumerate(documents):
        part = _run(document).encode("utf-8", "replace")
        if size + len(part) > MOST_BYTES - 2000:
            left = len(documents) - number
            page.append(
                f"\n_{left} more run(s) left out: the page would pass 1 MiB. See run.json._\n".encode()
            )
            break
        page.append(part)
        size += len(part)
    return b"\n".join(page)


def _run(document: RunDocument) -> str:
    account = document.account
    lines = [
        f"## {_SIGNS[str(document.verdict)]} · {_cell(document.scenario.name)}",
        "",
        _cell(document.scenario.question),
        "",
        "| criterion | metric | measured | 95 % bounds | gate | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for criterion in document.criteria:
        for result in criterion.gates:
            m = result.measurement
            bounds = "" if m.low is None else f"{show(m.low, m.unit)} to {show(m.high, m.unit)}"
            cells = (
                criterion.criterion,
                result.metric,
                show(m.value, m.unit),
                bounds,
                result.gate,
                str(result.verdict),
            )
            lines.append(_row(*cells))
    # What is doubted is doubted of every criterion: it is said once, after the table, which a line between would end.
    notes = dict.fromkeys(note for criterion in document.criteria for note in criterion.notes[:20])
    lines += [f"\n> {_cell(note)}" for note in notes]
    if document.overhead is not None:
        lines += overhead_lines(document.overhead, _row, _cell)
    elif account.injected or any(each.criterion == "capture" for each in document.criteria):
        lines += _injected(account)
    if document.timing is not None:
        lines += timing_lines(document.timing, _row, _cell)
    if document.losses:
        lines += [
            "| count | what became of it | where | what to do | faults | example |",
            "|---:|---|---|---|---|---|",
        ]
        causes = by_cause(document.losses)
        lines += [_cause(cause) for cause in causes[:_MOST_LOSSES]]
        if len(causes) > _MOST_LOSSES:
            lines += ["", f"_{len(causes) - _MOST_LOSSES} more causes in run.json._"]
        lines.append("")
    if document.profiling is not None:
        lines += profiling_lines(document.profiling, _row, _cell)
    if document.noise is not None:
        lines += noise_lines(document.noise, _row, _cell)
    if document.alerting is not None:
        lines += alerting_lines(document.alerting, _row, _cell)
    if document.objectives is not None:
        lines += objectives_lines(document.objectives, _row, _cell)
    if document.analysis is not None:
        lines += analysis_markdown(document.analysis, _cell)
    if document.dashboards is not None:
        lines += dashboards_lines(document.dashboards, _row, _cell)
    lines += load_table(document.load)
    lines += [f"{_cell(line)}  " for line in series_lines(document.series)] + [""]
    lines += [f"- {_cell(finding_line(finding))}" for finding in document.findings[:_MOST_LOSSES]]
    lines += [f"- {_cell(text)}" for point in document.points[:_MOST_LOSSES] if (text := point_line(point))]
    lines += [f"- {_cell(note)}" for note in document.notes[:50]]
    lines += ["", f"Reproduce: `{_code(document.reproduce)}` · run `{_code(document.run.id)}`", ""]
    return "\n".join(lines)


def _injected(account: AccountInfo) -> list[str]:
    return [
        *("", f"**{account.injected} faults injected, {account.fired} fired**", ""),
        "| " + " | ".join(_words(state) for state in account.states) + " |",
        "|---" * len(account.states) + "|",
        *("| " + " | ".join(str(count) for count in account.states.values()) + " |", ""),
    ]


def _cause(cause: Cause) -> str:
    place = f"{short_path(cause.place.file)}:{cause.place.line}" if cause.place else ""
    what = ": ".join(part for part in (_words(cause.state), cause.reason) if part)
    where = ", ".join(part for part in (cause.culprit, could_be_line(cause.could_be), place) if part)
    faults = ", ".join(f"{count} {fault}" for fault, count in cause.faults)
    example = cause.example.event_id or cause.example.trace_id or cause.example.fault_id
    return _row(str(cause.count), what, where, advice(cause.reason), faults, example)


def _row(*cells: str) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    """Text of the target, made harmless: no HTML, no table break, no link, no mention."""
    text = html.escape(" ".join(printable(text).split()), quote=False)
    text = text if len(text) <= _MOST_CELL else text[: _MOST_CELL - 1] + "…"
    for char in "\\|`*_[]#@":
        text = text.replace(char, f"&#{ord(char)};" if char in "|@`" else f"\\{char}")
    return text


def _code(text: str) -> str:
    return " ".join(printable(text).replace("`", "'").split())


def _words(state: str) -> str:
    return state.replace("_", " ")
