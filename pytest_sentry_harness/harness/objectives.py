"""Reads from a run's folder what ``[[objective]]``s are held against, and analyses what arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..criteria.analysis_account import analysis_of
from ..criteria.objectives_account import Evidence, account_of, request_of_ended
from ..errors import ScenarioError
from ..ledger.reader import read_ledger
from ..model.analysis import AnalysisInfo
from ..model.ledger import Ended, SdkDiscarded
from ..model.objectives import ObjectivesInfo
from ..model.scenario import Objective, Scenario
from ..monitor.classification import Rules
from ..monitor.fields import ONLY_VALUES, STATUSES_THAT_ARE_NO_FAILURE
from ..monitor.grouping import GroupingConfig
from ..monitor.search.parser import parse_search
from ..monitor.search.search import Search
from ..store.reader import open_store
from .arrived import Events, arrived_in
from .folder import RunFolder
from .noise import rules_of_run

_STATUS = "transaction.status"


@dataclass(frozen=True, slots=True)
class Observed:
    """What is told of a run beside what was injected."""

    objectives: ObjectivesInfo | None
    analysis: AnalysisInfo | None


def check_searches(scenario: Scenario) -> None:
    """Read what each objective searches for, before anything starts. Raises ``SearchError`` and ``ScenarioError``."""
    searches_of(scenario.objectives, str(scenario.path))


def searches_of(objectives: tuple[Objective, ...], where: str) -> dict[str, Search]:
    """What they search for, by name; those that do not are left out. Raises ``SearchError`` and ``ScenarioError``."""
    found = {}
    for objective in objectives:
        if not objective.search:
            continue
        label = f"{where}: [[objective]] {objective.name!r} search"
        search = parse_search(objective.search, kind="transaction", where=label)
        if search.having:
            raise ScenarioError(
                f"{search.having[0].text!r} is about many transactions, and here is asked of each whether it counts",
                where=label,
                hint="drop it: what share of them has to be good is said by target",
            )
        found[objective.name] = search
    return found


def odd_searches(objectives: Iterable[Objective], searches: Mapping[str, Search]) -> dict[str, list[str]]:
    """What is allowed in ``searches`` and unlikely to be meant, by name of the objective."""
    found = {}
    for each in objectives:
        if each.name in searches:
            search = searches[each.name]
            found[each.name] = [f"search {search.text!r}: {doubt}" for doubt in search.doubts]
            if each.what == "availability" and not _shows_failures(search):
                found[each.name].append(
                    f"search {search.text!r} finds no transaction that failed, so the objective is met whatever happens; "
                    "leave transaction.status out of it"
                )
    return found


def _shows_failures(search: Search) -> bool:
    """Whether a status that is a failure meets all that ``search`` says of the status alone."""
    of_status = [part for part in search.parts if {each.key for each in part.conditions} == {_STATUS}]

    def met_by(status: str) -> bool:
        def fields(name: str) -> Sequence[object]:
            return (status,) if name == _STATUS else ()

        return all(part.test(fields, 0.0) for part in of_status)

    return any(map(met_by, ONLY_VALUES[_STATUS] - STATUSES_THAT_ARE_NO_FAILURE))


def observed_of(folder: RunFolder, scenario: Scenario) -> Observed:
    """Objectives of the run in ``folder``, and the analysis where somebody asks what arrived.

    Raises ``EvidenceError`` when ledger or store cannot be read.
    """
    if not (scenario.objectives or scenario.noise is not None or scenario.alerting is not None):
        return Observed(None, None)
    return observe_run(folder, scenario, scenario.objectives)


def observe_run(folder: RunFolder, scenario: Scenario, objectives: tuple[Objective, ...]) -> Observed:
    """The same, with any objectives and whether or not anybody asks. Raises as ``observed_of``."""
    return observe(
        folder.store, objectives, rules_of_run(folder, scenario), str(folder.scenario), ledger=folder.ledger
    )


def observe(
    store: Path,
    objectives: tuple[Objective, ...],
    rules: tuple[GroupingConfig, Rules],
    where: str,
    *,
    ledger: Path | None = None,
) -> Observed:
    """What is to be seen in ``store``, and in the journals of ``ledger`` if a load generator was at work.

    ``where`` names the file that ``objectives`` are from. Raises ``SearchError`` and ``ScenarioError`` for what they search for,
    ``EvidenceError`` when store or ledger cannot be read.
    """
    searches = searches_of(objectives, where)
    arrived = arrived_in(store, searches)
    ended, dropped = _told_by(ledger) if ledger is not None else (None, {})
    evidence = Evidence(
        ended=ended,
        reported=arrived.reported,
        sessions=arrived.sessions,
        with_error=arrived.with_error,
        dropped=dropped or arrived.dropped,
        odd=odd_searches(objectives, searches),
    )
    told = account_of(objectives, evidence) if objectives else None
    sent = None if ended is None else [request_of_ended(each) for each in ended]
    with open_store(store) as reader:
        events = Events(reader)
        info = analysis_of(events, arrived.reported, sent, *rules)
    return Observed(told, replace(info, unread=events.unread + arrived.unread))


def _told_by(ledger: Path) -> tuple[list[Ended] | None, Mapping[str, int]]:
    """What the load generator saw of every request, and what the agent saw the SDK drop, by reason."""
    ended: list[Ended] = []
    dropped: Counter[str] = Counter()
    for record in read_ledger(ledger):
        if isinstance(record, Ended):
            ended.append(record)
        elif isinstance(record, SdkDiscarded) and record.category == "transaction":
            dropped[record.reason] += record.quantity
    return ended or None, dropped
