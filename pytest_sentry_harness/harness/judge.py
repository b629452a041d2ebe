"""Judge a run from its folder: nothing else is looked at, so the answer is the same anywhere, any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ..criteria.judge import judge_criteria, trouble_in
from ..ledger.reader import JournalState, read_ledger
from ..model.account import State
from ..model.arrival import Arrival
from ..model.run import UNFINISHED, RunFacts
from ..model.scenario import Expect, Scenario
from ..plan.gates import default_gates
from ..reconcile.reconcile import Reconciliation, reconcile
from ..report.build import build_document
from ..report.document import RunDocument
from ..report.write import write_reports
from ..store.reader import open_store
from .folder import RunFolder


def judge_folder(folder: RunFolder) -> RunDocument:
    """Judge the run in ``folder`` and write its reports there.

    Raises ``EvidenceError`` when ledger or store cannot be read.
    """
    document = judge_run(folder, folder.read_scenario(), folder.read_facts())
    write_reports(document, folder.document, folder.junit, folder.summary)
    return document


def judge_run(folder: RunFolder, scenario: Scenario, facts: RunFacts) -> RunDocument:
    """The document of the run, not written anywhere."""
    states: list[JournalState] = []
    counted: Counter[tuple[str, str]] = Counter()
    reconciliation = reconcile_folder(folder, scenario, states, counted)
    account, summary = reconciliation.account, reconciliation.summary
    criteria = judge_criteria(
        account,
        (*scenario.gates, *default_gates("capture", {gate.metric for gate in scenario.gates})),
        trouble=(*facts.trouble, *trouble_in(summary.notes)),
        doubts=(*facts.doubts, *doubts_about(scenario, reconciliation, states)),
        complete=facts.stop_reason != UNFINISHED,
    )
    arrivals: dict[str, dict[str, int]] = {}
    for (item_type, outcome), count in counted.items():
        arrivals.setdefault(item_type or "(unreadable)", {})[outcome] = count
    return build_document(
        facts=facts,
        scenario=scenario,
        account=account,
        summary=summary,
        criteria=criteria,
        journals=states,
        arrivals=arrivals,
    )


def reconcile_folder(
    folder: RunFolder,
    scenario: Scenario,
    states: list[JournalState] | None = None,
    counted: Counter[tuple[str, str]] | None = None,
) -> Reconciliation:
    """Reconcile what is in ``folder`` now, also while the run goes on."""
    expectations: dict[str, Expect] = {fault.name: fault.expect for fault in scenario.faults}
    with open_store(folder.store) as store:
        return reconcile(
            read_ledger(folder.ledger, states),
            _counting(store.arrivals(), Counter() if counted is None else counted),
            expectations,
            late_after=scenario.settle,
        )


def _counting(arrivals: Iterable[Arrival], counted: Counter[tuple[str, str]]) -> Iterator[Arrival]:
    for arrival in arrivals:
        counted[arrival.item_type, arrival.outcome] += 1
        yield arrival


def doubts_about(scenario: Scenario, found: Reconciliation, states: list[JournalState]) -> list[str]:
    """Reasons not to believe that the evidence is complete."""
    summary = found.summary
    doubts = [f"journal {state.path.name}: {state.torn}" for state in states if state.torn]
    if scenario.target.url is None and not summary.targets():
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
