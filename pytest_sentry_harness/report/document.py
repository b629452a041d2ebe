"""The one document every report is made from: ``run.json``, schema version 1.

The JSON schema is ``docs/reference/run.schema.json``; a test holds the two together. Fields are added
without a new version; a field that goes or changes its meaning makes a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from ..model.alerted import AlertingInfo
from ..model.analysis import AnalysisInfo
from ..model.dashboards import DashboardsInfo
from ..model.ledger import Place
from ..model.load import LoadInfo
from ..model.noise import NoiseInfo
from ..model.objectives import ObjectivesInfo
from ..model.overhead import OverheadInfo
from ..model.profiling import ProfilingInfo
from ..model.series import SeriesInfo
from ..model.timing import TimingInfo
from ..model.verdict import CriterionResult, Verdict

SCHEMA = "sentry-harness/run/1"
MOST_IDS = 1000
"""Fault ids listed for each loss; the count is always complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """Which run this was."""

    id: str
    started: str
    """ISO 8601, UTC."""
    seconds: float
    stop_reason: str
    platform: str
    versions: dict[str, str]
    target_ending: str
    load_ending: str
    settled: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioInfo:
    """What was asked."""

    name: str
    question: str
    seed: int
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInfo:
    """The closed account: ``injected`` is the sum of ``states``."""

    injected: int
    fired: int
    expected: int
    captured: int
    closes: bool
    states: dict[str, int]
    by_fault: dict[str, dict[str, int]]
    duplicates: int
    unexpected: int
    wrong_level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One fault of a loss, to look at."""

    fault_id: str
    event_id: str | None
    trace_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Faults that were lost, or never fired, in the same way."""

    fault: str
    state: str
    reason: str
    source: str
    culprit: str
    place: Place | None
    count: int
    example: Example
    fault_ids: tuple[str, ...]
    """At most ``MOST_IDS`` of them, in order of firing."""
    could_be: tuple[str, ...] = ()
    """What the evidence cannot tell apart, in words: it was one of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong that is no loss of a fault, by cause."""

    metric: str
    """The metric that counts it."""
    fault: str
    reason: str
    source: str
    culprit: str
    place: Place | None
    count: int
    example: Example | None
    fault_ids: tuple[str, ...]
    """At most ``MOST_IDS`` of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What became of a fault point."""

    fault: str
    point: str
    state: str
    how: str
    note: str
    nearest: tuple[str, ...]
    missed_names: tuple[str, ...]
    fired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """One SDK set-up, and in how many processes it was in force."""

    version: str
    active: bool
    dsn: str | None
    options: dict[str, Any]
    integrations: tuple[str, ...]
    place: Place | None
    processes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalInfo:
    """One journal of the ledger."""

    name: str
    role: str
    pid: int
    records: int
    closed: bool
    torn: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDocument:
    """A judged run."""

    schema: str
    verdict: Verdict
    exit_code: int
    scenario: ScenarioInfo
    run: RunInfo
    criteria: tuple[CriterionResult, ...]
    account: AccountInfo
    losses: tuple[Loss, ...]
    points: tuple[Point, ...]
    sdk: tuple[Sdk, ...]
    journals: tuple[JournalInfo, ...]
    arrivals: dict[str, dict[str, int]]
    """Envelope items by type and server outcome."""
    notes: tuple[str, ...]
    reproduce: str
    """The command that runs the same again."""
    findings: tuple[Finding, ...] = ()
    timing: TimingInfo | None = None
    """Measured durations held against reported ones; null when timing is not judged."""
    profiling: ProfilingInfo | None = None
    """Where the time of slow operations was put; null when the scenario does not ask."""
    series: SeriesInfo | None = None
    """What the target took of the machine; null where nothing was sampled."""
    load: LoadInfo | None = None
    """What the load generator saw of its requests, and of itself; None without one that tells."""
    overhead: OverheadInfo | None = None
    """What Sentry costs, for every kind of request and every arm; null when the scenario does not ask."""
    noise: NoiseInfo | None = None
    """Which issues the events of faults were grouped into; null when the scenario does not ask."""
    alerting: AlertingInfo | None = None
    """Which alerts people were told of, and how late; null when the scenario does not ask."""
    objectives: ObjectivesInfo | None = None
    """Service level objectives, as they were and as Sentry shows them; null when the scenario has none."""
    analysis: AnalysisInfo | None = None
    """Rates, patterns and kinds of errors of what arrived; null where nothing asks what arrived."""
    dashboards: DashboardsInfo | None = None
    """What widgets show, held against the ledger; null when the scenario does not ask."""


def encode(document: RunDocument) -> bytes:
    """``run.json``: indented, keys in the order of the schema."""
    try:
        data = msgspec.json.encode(document)
    except UnicodeEncodeError:
        # Half of a surrogate pair, as JSON may have it and UTF-8 may not: somewhere in what the target sent.
        data = msgspec.json.encode(_encodable(msgspec.to_builtins(document)))
    return msgspec.json.format(data, indent=2) + b"\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    return value


def decode(data: bytes) -> RunDocument:
    """Read ``run.json`` back. Raises ``msgspec.DecodeError`` when it is not one."""
    return msgspec.json.decode(data, type=RunDocument)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of ``run.json``."""
    schema = msgspec.json.schema(RunDocument)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **schema}
