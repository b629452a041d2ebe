"""The report people read in the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..criteria.verdict import show
from ..model.verdict import Verdict
from .document import Loss, RunDocument
from .lines import advice, point_line, short_path

_COLOURS = {
    Verdict.PASS: "green",
    Verdict.FAIL: "red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.ERROR: "magenta",
}
_MOST_LOSSES = 20


def print_report(document: RunDocument, console: Console) -> None:
    """Print verdicts, account, losses and doubts. Everything from the target is printed as plain text."""
    console.print()
    console.print(Text(document.scenario.name, style="bold"), Text(document.scenario.question, style="dim"))
    console.print(_verdicts(document))
    _print_account(document, console)
    if document.losses:
        console.print(_losses(document))
        left = len(document.losses) - _MOST_LOSSES
        if left > 0:
            console.print(Text(f"… and {left} more kinds of loss in run.json", style="dim"))
    for criterion in document.criteria:
        for note in criterion.notes:
            console.print(Text(f"! {note}", style=_COLOURS[criterion.verdict]))
    for point in document.points:
        text = point_line(point)
        if text is not None:
            console.print(Text(f"! {text}", style="yellow"))
    for note in document.notes:
        console.print(Text(f"· {note}", style="dim"))
    for journal in document.journals:
        if journal.torn is not None:
            console.print(Text(f"! journal {journal.name}: {journal.torn}", style="yellow"))
    console.print(Text.assemble(("reproduce: ", "dim"), document.reproduce), soft_wrap=True)
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
            Text(criterion.promise, style="bold"),
            "",
            "",
            "",
            Text(str(criterion.verdict), style=f"bold {_COLOURS[criterion.verdict]}"),
        )
        for result in criterion.gates:
            m = result.measurement
            bounds = "" if m.low is None else f"{show(m.low, m.unit)} … {show(m.high, m.unit)}"
            verdict = Text(str(result.verdict), style=_COLOURS[result.verdict])
            table.add_row(f"  {result.metric}", show(m.value, m.unit), bounds, result.gate, verdict)
    return table


def _print_account(document: RunDocument, console: Console) -> None:
    account = document.account
    parts = [f"{count} {state.replace('_', ' ')}" for state, count in account.states.items() if count]
    total = f"{account.injected} faults injected, {account.fired} fired = "
    console.print(Text(total + (" + ".join(parts) or "nothing")), soft_wrap=True)
    extras = []
    if account.duplicates:
        extras.append(f"{account.duplicates} duplicate events")
    if account.unexpected:
        extras.append(f"{account.unexpected} error events that belong to no fault")
    if extras:
        console.print(Text("also arrived: " + ", ".join(extras), style="dim"))


def _losses(document: RunDocument) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="what did not arrive", title_justify="left")
    table.add_column("count", justify="right")
    for name in ("fault", "became of it", "where", "example"):
        table.add_column(name, overflow="fold")
    for loss in document.losses[:_MOST_LOSSES]:
        table.add_row(str(loss.count), Text(loss.fault), _became(loss), _where(loss), Text(_example(loss)))
    return table


def _became(loss: Loss) -> Text:
    text = Text(loss.state.replace("_", " "))
    if loss.reason:
        text.append(f": {loss.reason}", style="bold")
    hint = advice(loss.reason)
    if hint:
        text.append(f"\n{hint}", style="dim")
    return text


def _where(loss: Loss) -> Text:
    text = Text(loss.culprit)
    if loss.place is not None:
        text.append(f"{chr(10) if loss.culprit else ''}{short_path(loss.place.file)}:{loss.place.line}")
        if loss.place.function:
            text.append(f" in {loss.place.function}", style="dim")
    return text


def _example(loss: Loss) -> str:
    return "\n".join(
        part for part in (loss.example.fault_id, loss.example.event_id or loss.example.trace_id) if part
    )
