"""The report people read in the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..criteria.verdict import show
from ..model.account import State
from ..model.verdict import Verdict, worst
from .alerting import print_alerting
from .analysis import print_analysis
from .dashboards import print_dashboards
from .document import RunDocument
from .lines import Cause, advice, by_cause, could_be_line, finding_line, point_line, printable, short_path
from .load import load_lines
from .noise import print_noise
from .objectives import print_objectives
from .overhead import print_overhead
from .profiling import print_profiling
from .series import series_lines
from .timing import print_timing

_COLOURS = {
    Verdict.PASS: "green",
    Verdict.FAIL: "red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.ERROR: "magenta",
}
_MOST_CAUSES = 20


def print_report(document: RunDocument, console: Console) -> None:
    """Print verdicts, account, losses and doubts. Everything from the target is printed as plain text."""
    console.print()
    console.print(plain(document.scenario.name, style="bold"))
    console.print(plain(document.scenario.question, style="dim"))
    console.print(_verdicts(document))
    if document.overhead is not None:
        print_overhead(document.overhead, console)
    else:
        _print_account(document, console)
    if document.timing is not None:
        print_timing(document.timing, console)
    if document.losses:
        _print_losses(document, console)
    for finding in document.findings[:_MOST_CAUSES]:
        console.print(plain(f"! {finding_line(finding)}", style="yellow"))
    if document.profiling is not None:
        print_profiling(document.profiling, console)
    if document.noise is not None:
        print_noise(document.noise, console)
    if document.alerting is not None:
        print_alerting(document.alerting, console)
    if document.objectives is not None:
        print_objectives(document.objectives, console)
    if document.analysis is not None:
        print_analysis(document.analysis, console)
    if document.dashboards is not None:
        print_dashboards(document.dashboards, console)
    for line in (*load_lines(document.load), *series_lines(document.series)):
        console.print(plain(line), soft_wrap=True)
    # What is doubted is doubted of every criterion: it is said once.
    notes: dict[str, Verdict] = {}
    for criterion in document.criteria:
        for note in criterion.notes:
            notes[note] = worst([notes.get(note, Verdict.PASS), criterion.verdict])
    for note, verdict in notes.items():
        console.print(plain(f"! {note}", style=_COLOURS[verdict]))
    for point in document.points:
        text = point_line(point)
        if text is not None:
            console.print(plain(f"! {text}", style="yellow"))
    for note in document.notes:
        console.print(plain(f"· {note}", style="dim"))
    for journal in document.journals:
        if journal.torn is not None:
            console.print(plain(f"! journal {journal.name}: {journal.torn}", style="yellow"))
    console.print(Text.assemble(("reproduce: ", "dim"), printable(document.reproduce)), soft_wrap=True)
    colour = _COLOURS[document.verdict]
    console.print(
        Text.assemble(
            (str(document.verdict).upper(), f"bold {colour}"),
            f"  run {document.run.id}  {document.run.seconds:.0f} s  exit code {document.exit_code}",
        )
    )


def _verdicts(document: RunDocument) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, justify in (
        ("metric", "left"),
        ("measured", "right"),
        ("95 % bounds", "right"),
        ("gate", "left"),
    ):
        table.add_column(name, justify="right" if justify == "right" else "left")
    table.add_column("verdict")
    for criterion in document.criteria:
        table.add_row(
            plain(criterion.promise, style="bold"),
            "",
            "",
            "",
            plain(str(criterion.verdict), style=f"bold {_COLOURS[criterion.verdict]}"),
        )
        for result in criterion.gates:
            m = result.measurement
            bounds = "" if m.low is None else f"{show(m.low, m.unit)} … {show(m.high, m.unit)}"
            verdict = plain(str(result.verdict), style=_COLOURS[result.verdict])
            table.add_row(f"  {result.metric}", show(m.value, m.unit), bounds, result.gate, verdict)
    return table


def _print_account(document: RunDocument, console: Console) -> None:
    account = document.account
    if not account.injected and all(each.criterion != "capture" for each in document.criteria):
        return  # nothing here is about faults
    parts = [f"{count} {state.replace('_', ' ')}" for state, count in account.states.items() if count]
    total = f"{account.injected} faults injected, {account.fired} fired = "
    console.print(plain(total + (" + ".join(parts) or "nothing")), soft_wrap=True)
    extras = []
    if account.duplicates:
        extras.append(f"{account.duplicates} duplicate events")
    if account.unexpected:
        extras.append(f"{account.unexpected} error events that belong to no fault")
    if extras:
        console.print(plain("also arrived: " + ", ".join(extras), style="dim"))


def _print_losses(document: RunDocument, console: Console) -> None:
    causes = by_cause(document.losses)
    unreached = any(cause.state == State.NOT_REACHED for cause in causes)
    title = "what did not arrive, or was never reached" if unreached else "what did not arrive"
    console.print(plain(title, style="bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("count", justify="right")
    table.add_column("what became of it", overflow="fold", ratio=3)
    table.add_column("where", overflow="fold", ratio=4)
    table.add_column("faults", overflow="fold", ratio=3)
    for cause in causes[:_MOST_CAUSES]:
        faults = "\n".join(f"{count} {fault}" for fault, count in cause.faults)
        table.add_row(str(cause.count), _became(cause), _where(cause), plain(faults))
    console.print(table)
    if len(causes) > _MOST_CAUSES:
        console.print(plain(f"… and {len(causes) - _MOST_CAUSES} more causes in run.json", style="dim"))


def _became(cause: Cause) -> Text:
    text = plain(cause.state.replace("_", " "))
    if cause.reason:
        text.append(printable(f": {cause.reason}"), style="bold")
    hint = advice(cause.reason)
    if hint:
        text.append(f"\n{hint}", style="dim")
    return text


def _where(cause: Cause) -> Text:
    lines = [line for line in (cause.culprit, could_be_line(cause.could_be)) if line]
    if cause.place is not None:
        name = f" in {cause.place.function}" if cause.place.function else ""
        lines.append(f"{short_path(cause.place.file)}:{cause.place.line}{name}")
    text = plain("\n".join(lines))
    example = cause.example
    known = f"event {example.event_id}" if example.event_id else f"trace {example.trace_id}"
    text.append(printable(f"{chr(10) if lines else ''}e.g. {example.fault_id}, {known}"), style="dim")
    return text


def plain(text: str, style: str = "") -> Text:
    """Text that is shown and nothing else: no markup, no characters that steer the terminal."""
    return Text(printable(text), style)
