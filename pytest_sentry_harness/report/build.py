"""From a judged run to its document."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from ..ledger.reader import JournalState
from ..model.account import Account, Finding, LossClass
from ..model.alerted import AlertingInfo
from ..model.analysis import AnalysisInfo
from ..model.dashboards import DashboardsInfo
from ..model.extensions import NO_EXTENSIONS
from ..model.load import LoadInfo
from ..model.noise import NoiseInfo
from ..model.objectives import ObjectivesInfo
from ..model.overhead import OverheadInfo
from ..model.profiling import ProfilingInfo
from ..model.run import RunFacts
from ..model.scenario import Scenario
from ..model.series import SeriesInfo
from ..model.timing import TimingInfo
from ..model.verdict import EXIT_CODES, CriterionResult, Verdict, worst
from ..reconcile.summary import Process, Summary
from . import document as doc


def build_document(
    *,
    facts: RunFacts,
    scenario: Scenario,
    account: Account,
    summary: Summary,
    criteria: Sequence[CriterionResult],
    journals: Iterable[JournalState],
    arrivals: Mapping[str, Mapping[str, int]],
    notes: Iterable[str] = (),
    timing: TimingInfo | None = None,
    profiling: ProfilingInfo | None = None,
    noise: NoiseInfo | None = None,
    alerting: AlertingInfo | None = None,
    objectives: ObjectivesInfo | None = None,
    analysis: AnalysisInfo | None = None,
    dashboards: DashboardsInfo | None = None,
    series: SeriesInfo | None = None,
    load: LoadInfo | None = None,
    overhead: OverheadInfo | None = None,
) -> doc.RunDocument:
    """Put everything known about a run into one document. Pure: same input, same document."""
    verdict = worst([criterion.verdict for criterion in criteria])
    allowed = verdict is Verdict.INCONCLUSIVE and scenario.allow_inconclusive
    return doc.RunDocument(
        schema=doc.SCHEMA,
        verdict=verdict,
        exit_code=0 if allowed else EXIT_CODES[verdict],
        scenario=doc.ScenarioInfo(
            name=f"{scenario.name}/{facts.twin}" if facts.twin else scenario.name,
            question=scenario.question,
            seed=facts.seed,
            file=facts.scenario_file,
        ),
        run=doc.RunInfo(
            id=facts.run_id,
            started=datetime.fromtimestamp(facts.started_at, UTC).isoformat(timespec="seconds"),
            seconds=round(facts.seconds, 1),
            stop_reason=facts.stop_reason,
            platform=facts.platform,
            versions=dict(sorted(facts.versions.items())),
            target_ending=facts.target_ending,
            load_ending=facts.load_ending,
            settled=facts.settled,
        ),
        criteria=tuple(criteria),
        account=_account(account),
        losses=tuple(_loss(loss) for loss in account.losses),
        findings=tuple(_finding(finding) for finding in account.findings),
        points=_points(scenario, account, summary),
        sdk=_sdk(summary.targets()),
        journals=tuple(_journal(state) for state in journals),
        arrivals={name: dict(sorted(outcomes.items())) for name, outcomes in sorted(arrivals.items())},
        notes=(*notes, *_notes(summary)),
        reproduce=_reproduce(facts, scenario),
        timing=timing,
        profiling=profiling,
        noise=noise,
        alerting=alerting,
        objectives=objectives,
        analysis=analysis,
        dashboards=dashboards,
        series=series,
        load=load,
        overhead=overhead,
    )


def _reproduce(facts: RunFacts, scenario: Scenario) -> str:
    if (
        scenario.extensions != NO_EXTENSIONS
    ):  # they come from plugins of pytest, which the command does not load
        return f"pytest {shlex.quote(facts.scenario_file)} --sentry-harness-seed={facts.seed}"
    twin = f" --twin {shlex.quote(facts.twin)}" if facts.twin else ""
    count = " --count instructions" if scenario.overhead is not None and scenario.overhead.count else ""
    return f"sentry-harness gate {shlex.quote(facts.scenario_file)}{twin} --seed {facts.seed}{count}"


def _account(account: Account) -> doc.AccountInfo:
    return doc.AccountInfo(
        injected=account.injected,
        fired=account.fired,
        expected=account.expected,
        captured=account.captured,
        closes=account.injected == sum(account.states.values()),
        states={str(state): count for state, count in account.states.items()},
        by_fault={
            fault: {str(state): count for state, count in sorted(states.items())}
            for fault, states in account.by_fault.items()
        },
        duplicates=account.duplicates,
        unexpected=account.unexpected,
        wrong_level=account.wrong_level,
    )


def _loss(loss: LossClass) -> doc.Loss:
    return doc.Loss(
        fault=loss.fault,
        state=str(loss.state),
        reason=loss.reason,
        source=loss.source,
        culprit=loss.culprit,
        place=loss.place,
        count=loss.count,
        example=doc.Example(
            fault_id=loss.example.fault_id, event_id=loss.example.event_id, trace_id=loss.example.trace_id
        ),
        fault_ids=loss.fault_ids[: doc.MOST_IDS],
        could_be=loss.could_be,
    )


def _finding(finding: Finding) -> doc.Finding:
    example = finding.example
    return doc.Finding(
        metric=finding.metric,
        fault=finding.fault,
        reason=finding.reason,
        source=finding.source,
        culprit=finding.culprit,
        place=finding.place,
        count=finding.count,
        example=None
        if example is None
        else doc.Example(fault_id=example.fault_id, event_id=example.event_id, trace_id=example.trace_id),
        fault_ids=finding.fault_ids[: doc.MOST_IDS],
    )


def _points(scenario: Scenario, account: Account, summary: Summary) -> tuple[doc.Point, ...]:
    points = []
    for fault in scenario.faults:
        if not fault.at:
            continue  # nothing is injected: the requests provoke it
        state = summary.points.get((fault.name, fault.at))
        states = account.by_fault.get(fault.name, {})
        fired = sum(count for name, count in states.items() if name != "not_reached")
        points.append(
            doc.Point(
                fault=fault.name,
                point=fault.at,
                state=state.state if state else "unknown",
                how=state.how if state else "",
                note=state.note if state else "the agent said nothing about this point",
                nearest=state.nearest if state else (),
                missed_names=state.missed_names if state else (),
                fired=fired,
            )
        )
    return tuple(points)


def _sdk(processes: Iterable[Process]) -> tuple[doc.Sdk, ...]:
    """The SDK set-ups in force, equal ones counted once."""
    found: dict[str, doc.Sdk] = {}
    for process in processes:
        sdk = process.sdk
        if sdk is None:
            continue
        key = repr((sdk.version, sdk.active, sdk.dsn, sdk.options, sdk.integrations, sdk.place))
        count = found[key].processes if key in found else 0
        found[key] = doc.Sdk(
            version=sdk.version,
            active=sdk.active,
            dsn=sdk.dsn,
            options=sdk.options,
            integrations=sdk.integrations,
            place=sdk.place,
            processes=count + 1,
        )
    return tuple(found.values())


def _journal(state: JournalState) -> doc.JournalInfo:
    return doc.JournalInfo(
        name=state.path.name,
        role=state.hello.role if state.hello else "unknown",
        pid=state.hello.pid if state.hello else 0,
        records=state.records,
        closed=state.closed,
        torn=state.torn,
    )


def _notes(summary: Summary) -> tuple[str, ...]:
    counted = Counter(f"{note.level}: {note.text}" for note in summary.notes)
    return tuple(text if count == 1 else f"{text} ({count} times)" for text, count in counted.items())
