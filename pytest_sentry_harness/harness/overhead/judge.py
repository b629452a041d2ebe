"""Judge what the launches measured, from the run's folder: the same answer anywhere, any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...criteria import overhead
from ...criteria.judge import judge_criteria
from ...criteria.verdict import judge
from ...model.overhead import OverheadEvidence
from ...model.run import UNFINISHED, RunFacts
from ...model.scenario import Gate, Scenario
from ...model.verdict import Verdict
from ...plan.gates import for_counting
from ...reconcile.reconcile import reconcile
from ...report.build import build_document
from ...report.document import RunDocument
from ...store.reader import open_store
from ..folder import RunFolder


def judge_overhead(
    folder: RunFolder, scenario: Scenario, facts: RunFacts, gates: Sequence[Gate]
) -> RunDocument:
    """The document of a run that measured what Sentry costs. Raises ``EvidenceError``."""
    evidence = folder.read_overhead()
    with open_store(folder.store) as store:
        arrivals: dict[str, dict[str, int]] = {}
        for tally in store.tallies():
            outcomes = arrivals.setdefault(tally.item_type or "(unreadable)", {})
            outcomes[tally.outcome] = outcomes.get(tally.outcome, 0) + tally.count
    # Nothing was injected, and nothing is to be accounted for but by the arms' own accounts.
    nothing = reconcile((), (), {}, late_after=scenario.settle)
    if evidence.counter:
        gates = for_counting(gates)
        if scenario.overhead is not None:  # the command said so, and the file may not
            scenario = replace(scenario, overhead=replace(scenario.overhead, count="instructions"))
    trouble = (*facts.trouble, *overhead.trouble_in(evidence))
    criteria = judge_criteria(
        {"overhead": overhead.measure(evidence)},
        gates,
        trouble=trouble,
        doubts=(*facts.doubts, *overhead.doubts_about(evidence)) if not trouble else (),
        complete=facts.stop_reason != UNFINISHED,
    )
    return build_document(
        facts=facts,
        scenario=scenario,
        account=nothing.account,
        summary=nothing.summary,
        criteria=criteria,
        journals=(),
        arrivals=arrivals,
        overhead=overhead.info(evidence),
    )


def settled(evidence: OverheadEvidence, gates: Sequence[Gate]) -> bool:
    """Whether every gate is clear, so that further launches would change nothing."""
    measured = overhead.measure(evidence)
    return all(
        judge(measured[gate.metric], gate).verdict is not Verdict.INCONCLUSIVE
        for gate in gates
        if gate.metric in measured
    )
