"""Judge a run from its folder: nothing else is looked at, so the answer is the same anywhere, any time."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from ..criteria import alerting, capture, dashboards, noise, objectives, profiling, timing
from ..criteria import load as load_criterion
from ..criteria.judge import judge_criteria
from ..criteria.own import asked_for
from ..ledger.reader import JournalState, read_ledger
from ..model.account import Account
from ..model.arrival import Arrival
from ..model.extensions import NO_EXTENSIONS, Evidence, Extensions
from ..model.ledger import Record
from ..model.noise import NoiseInfo
from ..model.run import UNFINISHED, RunFacts
from ..model.scenario import Expect, Gate, Scenario
from ..model.timing import Timings
from ..model.verdict import Measurement
from ..plan.gates import criteria_of, with_defaults
from ..reconcile.load_times import LoadTally, bottleneck
from ..reconcile.reconcile import Reconciliation, reconcile
from ..reconcile.slow import Slow
from ..report.build import build_document
from ..report.document import RunDocument
from ..report.write import write_reports
from ..store.reader import open_store
from .alerted import alerted_of
from .dashboards import dashboards_of
from .doubts import doubts_of, trouble_of
from .folder import RunFolder
from .noise import noise_of, promised
from .objectives import observed_of
from .overhead.judge import judge_overhead
from .profiling import slow_of
from .series import course_in
from .timing import NO_TIMINGS, timings_of, unmeasured


def judge_folder(folder: RunFolder, extensions: Extensions = NO_EXTENSIONS) -> RunDocument:
    """Judge the run in ``folder`` and write its reports there. ``extensions``: what its scenario uses beside ours.

    Raises ``EvidenceError`` when ledger or store cannot be read.
    """
    document = judge_run(folder, folder.read_scenario(extensions), folder.read_facts())
    write_reports(document, folder.document, folder.junit, folder.summary)
    return document


def judge_run(folder: RunFolder, scenario: Scenario, facts: RunFacts) -> RunDocument:
    """The document of the run, not written anywhere."""
    if scenario.overhead is not None:
        return judge_overhead(folder, scenario, facts, gates_of(scenario))
    states: list[JournalState] = []
    counted: Counter[tuple[str, str]] = Counter()
    tally = LoadTally()
    judged = criteria_of(scenario)
    reconciliation = reconcile_folder(
        folder,
        scenario,
        states,
        counted,
        tally,
        with_origins="noise" in judged,
        with_firings="alerting" in judged,
    )
    account, summary = reconciliation.account, reconciliation.summary
    timings = timings_of(folder, scenario) if scenario.operations else NO_TIMINGS
    gates = gates_of(scenario)
    found = timing.findings(timings, {gate.metric: gate.threshold for gate in gates})
    slow = slow_of(folder, scenario) if "profiling" in judged else None
    issues = noise_of(folder, scenario, reconciliation) if "noise" in judged else None
    interrupted = facts.stop_reason == "interrupted"
    alerted = (
        alerted_of(folder, scenario, reconciliation, interrupted=interrupted)
        if "alerting" in judged
        else None
    )
    if issues is not None and alerted is not None:
        issues = replace(issues, notifications=alerted.info.received)
    widgets = (
        dashboards_of(folder, scenario, facts, account, tally, timings) if "dashboards" in judged else None
    )
    observed = observed_of(folder, scenario)
    found = (
        *found,
        *(() if observed.objectives is None else objectives.findings(observed.objectives, gates)),
        *(() if slow is None else slow.findings),
        *(() if issues is None else noise.findings(issues)),
        *(() if alerted is None else alerted.findings),
        *(() if widgets is None else dashboards.findings(widgets)),
    )
    account = replace(account, findings=(*account.findings, *found))
    arrivals: dict[str, dict[str, int]] = {}
    for (item_type, outcome), count in counted.items():
        arrivals.setdefault(item_type or "(unreadable)", {})[outcome] = count
    load, series = tally.info(scenario.load), course_in(folder.series)
    criteria = judge_criteria(
        _measured(scenario, account, timings, slow, issues, gates)
        | ({} if alerted is None else {"alerting": alerting.measure(alerted)})
        | ({} if widgets is None else {"dashboards": dashboards.measure(widgets)})
        | ({"load": load_criterion.measure(load, series)} if "load" in judged else {})
        | ({} if observed.objectives is None else {"objectives": objectives.measure(observed.objectives)}),
        gates,
        trouble=(
            *trouble_of(folder, facts, summary.notes),
            *(() if alerted is None else alerted.trouble),
        ),
        doubts=(
            *doubts_of(folder, scenario, facts, reconciliation, states),
            *unmeasured(scenario, timings, summary),
            *(() if slow is None else slow.doubts),
            *(() if issues is None else noise.doubts(issues, promised(scenario, account))),
            *(() if alerted is None else alerted.doubts),
            *(() if widgets is None else dashboards.doubts(widgets)),
            *(() if observed.objectives is None else objectives.doubts(observed.objectives)),
            *bottleneck(load, scenario.load),
        ),
        complete=facts.stop_reason != UNFINISHED,
        extensions=scenario.extensions,
        evidence=Evidence(account=account, arrivals=arrivals, folder=folder.path),
    )
    # Findings of criteria that do not judge this scenario would be noise in its report.
    return build_document(
        facts=facts,
        scenario=scenario,
        account=replace(
            account,
            findings=tuple(each for each in account.findings if each.metric.partition(".")[0] in judged),
        ),
        summary=summary,
        criteria=criteria,
        journals=states,
        arrivals=arrivals,
        notes=reconciliation.known_outside,
        timing=timing.info(timings) if "timing" in judged else None,
        profiling=None if slow is None else slow.info,
        noise=issues,
        alerting=None if alerted is None else alerted.info,
        objectives=observed.objectives,
        analysis=observed.analysis,
        dashboards=widgets,
        series=series,
        load=load,
    )


def _measured(
    scenario: Scenario,
    account: Account,
    timings: Timings,
    slow: Slow | None,
    issues: NoiseInfo | None,
    gates: Iterable[Gate],
) -> dict[str, dict[str, Measurement]]:
    """What the criteria of ours that judge the scenario measure, by criterion."""
    measure: dict[str, Callable[[], dict[str, Measurement]]] = {
        "capture": lambda: capture.measure(account),
        "timing": lambda: timing.measure(timings),
    }
    if slow is not None:
        measure["profiling"] = functools.partial(profiling.measure, slow.info)
    if issues is not None:
        measure["noise"] = functools.partial(noise.measure, issues, gates)
    return {name: measure[name]() for name in criteria_of(scenario) if name in measure}


def gates_of(scenario: Scenario) -> tuple[Gate, ...]:
    """The gates of the scenario, and the default gates of every criterion that judges it."""
    others = (each.name for each in asked_for(scenario.extensions.criteria, scenario.gates))
    return with_defaults(scenario, (*criteria_of(scenario), *others))


def reconcile_folder(
    folder: RunFolder,
    scenario: Scenario,
    states: list[JournalState] | None = None,
    counted: Counter[tuple[str, str]] | None = None,
    tally: LoadTally | None = None,
    *,
    with_origins: bool = False,
    with_firings: bool = False,
) -> Reconciliation:
    """Reconcile what is in ``folder`` now, also while the run goes on. What it is to come ``with``: as in ``reconcile``."""
    expectations: dict[str, Expect] = {fault.name: fault.expect for fault in scenario.faults}
    with open_store(folder.store) as store:
        return reconcile(
            _tallied(read_ledger(folder.ledger, states), LoadTally() if tally is None else tally),
            _counting(store.arrivals(), Counter() if counted is None else counted),
            expectations,
            late_after=scenario.settle,
            with_origins=with_origins or with_firings,
            with_firings=with_firings,
        )


def _tallied(records: Iterable[Record], tally: LoadTally) -> Iterator[Record]:
    for record in records:
        tally.see(record)
        yield record


def _counting(arrivals: Iterable[Arrival], counted: Counter[tuple[str, str]]) -> Iterator[Arrival]:
    for arrival in arrivals:
        counted[arrival.item_type, arrival.outcome] += 1
        yield arrival
