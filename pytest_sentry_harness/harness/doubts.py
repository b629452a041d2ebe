"""What keeps a run from being believed: that the harness broke, or that the evidence is not complete."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..criteria.judge import trouble_in
from ..ledger.reader import JournalState
from ..model.account import State
from ..model.ledger import Note
from ..model.run import RunFacts
from ..model.scenario import Scenario
from ..reconcile.reconcile import Reconciliation
from ..report.lines import printable
from ..targets.logfile import last_lines
from .folder import RunFolder

_AGENT = b"sentry-harness: "
_MOST_SAID = 20
_FAILED = re.compile(r"(ended with exit code [1-9]\d*|was ended by SIG\w+) after [\d.]+ s")
"""How a script ended that did not end well; one killed by the harness has more words after it."""
_LAST_LINES = 6
_LINE_CHARACTERS = 200


def trouble_of(folder: RunFolder, facts: RunFacts, notes: Iterable[Note]) -> tuple[str, ...]:
    """That the harness itself broke, each reason once: by its own account, by the ledger's ``notes``, by its agents' words."""
    return tuple(dict.fromkeys((*facts.trouble, *trouble_in(notes), *_said_in(folder.target_log))))


def doubts_of(
    folder: RunFolder,
    scenario: Scenario,
    facts: RunFacts,
    found: Reconciliation,
    states: Sequence[JournalState],
) -> tuple[str, ...]:
    """Reasons not to believe that the evidence in ``folder`` is complete."""
    return (
        *_broken_script(folder, scenario, facts, found.account.fired),
        *facts.doubts,
        *doubts_about(scenario, found, states),
    )


def doubts_about(scenario: Scenario, found: Reconciliation, states: Sequence[JournalState]) -> list[str]:
    """Those of the reasons that the ledger tells: whoever never reported, ended badly, or warned."""
    summary = found.summary
    doubts = [f"journal {state.path.name}: {state.torn}" for state in states if state.torn]
    # The agent cannot report from a service that runs already; where nothing is injected, it need not.
    injects = bool(scenario.operations) or any(fault.select != "provoked" for fault in scenario.faults)
    if scenario.target.url is None and injects and not summary.targets():
        doubts.append(
            "the agent never reported from the target: it must be a Python process that honours PYTHONPATH "
            "(not python -I or -E) and its environment must be passed on"
        )
    loads = [process for process in summary.processes if process.hello.role == "load"]
    if scenario.load is not None and not loads:
        doubts.append(
            "the load generator never reported: does the locustfile call attach(environment) from an init listener?"
        )
    doubts += [
        f"load generator {process.hello.pid} ended without closing its journal"
        for process in loads
        if process.goodbye is None
    ]
    # The agent warns of what makes the evidence incomplete, such as having disarmed in mid-run.
    doubts += dict.fromkeys(note.text for note in summary.notes if note.level == "warning")
    if found.repeated:
        doubts.append(
            f"{len(found.repeated)} faults fired in more than one process (a redirect to another worker?), "
            f"such as {found.repeated[0]}; each is counted once"
        )
    for fault in scenario.faults:
        states_of = found.account.by_fault.get(fault.name, {})
        fired = sum(count for state, count in states_of.items() if state is not State.NOT_REACHED)
        if not fired:
            doubts.append(f"fault {fault.name!r} never fired, so nothing is known about it")
    return doubts


def _said_in(log: Path) -> list[str]:
    """What agents said on the target's stderr: that the ledger could not be written, or that they stayed out."""
    if not log.is_file():
        return []
    with log.open("rb") as lines:
        said = [line for line in lines if line.startswith(_AGENT)]
    return [line.removeprefix(_AGENT).decode("utf-8", "replace").strip() for line in said[:_MOST_SAID]]


def _broken_script(folder: RunFolder, scenario: Scenario, facts: RunFacts, fired: int) -> list[str]:
    """That a script failed before any fault fired: then the script, and not a fault, is what to look at.

    Many end badly by design once faults have fired, which says nothing against the evidence.
    """
    if fired or scenario.load is not None or not _FAILED.fullmatch(facts.target_ending):
        return []
    said = last_lines(folder.target_log, _LAST_LINES).splitlines()
    # On one line: notes are items of lists, and calibrate has a line for each run.
    shown = " ".join(printable(line.strip())[:_LINE_CHARACTERS] for line in said)
    return [f"the target {facts.target_ending}, before any fault fired; its last lines: {shown}"]
