"""A validated scenario: question, target, load, faults, gates."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .classified import Category, Severity
from .delays import NO_DELAYS, Delays
from .extensions import NO_EXTENSIONS, Extensions
from .overhead import Overhead


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The application under test. Exactly one of ``command``, ``url`` or ``app`` is given."""

    command: str | None = None
    url: str | None = None
    """A service that runs already, without the agent."""
    dsn: str | None = None
    """With ``url``: where that service sends. The embedded server listens there."""
    app: str | None = None
    ready: str | None = None
    """Path that answers below 500 when the target is ready; None: ready at once (scripts)."""
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    ready_timeout: float = 30.0
    stop_signal: str = "SIGTERM"
    stop_timeout: float = 30.0
    wait: bool = False
    """The command ends by itself (a script): wait for it instead of stopping it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """One line of a scripted load."""

    method: str
    path: str
    times: int = 1
    faults: tuple[str, ...] | None = None
    """Exactly these faults are met by each of them; None: the faults' own ``on`` and ``do`` decide."""
    json: Any = None
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stretch of an open load: the rate goes in a straight line from ``start`` to ``end``."""

    seconds: float
    start: float
    """Arrivals a second."""
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How the target is driven: by Locust (``locustfile``) or by a script (``requests``), never both."""

    locustfile: Path | None = None
    requests: tuple[LoadRequest, ...] = ()
    users: int = 10
    spawn_rate: float = 50.0
    run_time: float = 30.0
    """Seconds at most."""
    stop_after_faults: int | None = None
    """Stop earlier, when that many faults have been asked for."""
    user_classes: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    """An open load: requests arrive when the plan says, whether or not earlier ones were answered. Empty: a closed
    one, in which each user waits for its answer."""
    arrivals: Literal["constant", "poisson"] = "poisson"
    """How the arrivals of an open load are spread, from the scenario's seed."""


COMPUTING = ("sync", "thread", "blocked")
"""Kinds of operations that may spend their time computing, so that a profile can show their function on top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A function whose true duration is measured in the target, and the span by which monitoring reports it."""

    name: str
    at: str
    """``package.module:function``, ``package.module:Class.method``."""
    kind: Literal["sync", "async", "thread", "sql", "http", "blocked"] = "sync"
    """What it spends its time with: results are told apart by it."""
    op: str = ""
    """Glob over the span's ``op``; empty, as ``description``: the transaction itself reports it."""
    description: str = ""
    """Glob over the span's description."""
    route: str = ""
    """Glob over the transaction's name; empty: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedAlert:
    """An alert that must come, and who must be told of it."""

    rule: str
    """Its name."""
    channel: str = ""
    """A channel that must be told, beside all others to which the routes send it; empty: those alone."""
    status: Literal["", "warning", "triggered", "critical"] = ""
    """What it must be told as, at least; empty: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What monitoring should make of a fault."""

    captured: bool | None = None
    """None: yes for ``raise``, no for everything else."""
    level: str | None = None
    """The level its event must have; None: any."""
    category: Category | None = None
    """The category its events must be classified as; None: any. Judged with ``[noise]``."""
    severity: Severity | None = None
    """The severity its events must be classified as; None: any. Judged with ``[noise]``."""
    alerts: tuple[str | ExpectedAlert, ...] | None = None
    """The rules that must alert, each once for every incident: their names, or more; empty: none may. Judged with
    ``[alerting]``, which demands that every fault says it. See ``wanted`` and ``rules``."""
    incident_gap: float | None = None
    """Faults of this name that fired further apart than so many seconds are another incident; None: all are one."""

    @property
    def wanted(self) -> tuple[ExpectedAlert, ...]:
        """``alerts``, all of one form."""
        return tuple(
            ExpectedAlert(rule=each) if isinstance(each, str) else each for each in self.alerts or ()
        )

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules that must alert, each once."""
        return tuple(dict.fromkeys(each.rule for each in self.wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of the scenario. Faults of one name are one root cause."""

    name: str
    at: str = ""
    """Empty, as ``do``: nothing is injected, the request itself provokes the fault."""
    do: str = ""
    on: tuple[str, ...] = ()
    select: Literal["request", "call", "provoked"] = "request"
    expect: Expect = Expect()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """``metric comparison threshold``, as in ``capture.rate >= 100%``."""

    metric: str
    comparison: Literal["<", "<=", "=", ">=", ">"]
    threshold: float
    text: str
    """As written, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRule:
    """One way for the embedded server to misbehave. With nothing set it answers as usual: a pause between two others."""

    status: int | None = None
    """Answer with this HTTP status instead of the usual one; a bare 429 is possible here, and only here."""
    headers: dict[str, str] = field(default_factory=dict)
    """Added to the answer, also to the usual one: ``{"X-Sentry-Rate-Limits": "60:error:organization"}``."""
    body: str | None = None
    """The answer's body instead of the usual one."""
    delay: float = 0.0
    """Seconds to wait before answering."""
    reset: Literal["", "before", "after"] = ""
    """Reset the TCP connection before or after the request's body has been read."""
    hang: bool = False
    """Read the request and never answer; ends when the client gives up or the server stops."""
    truncate: bool = False
    """Send the answer without its last half, then close the connection."""
    requests: int | None = None
    """Play it for that many requests; None: without such an end."""
    seconds: float | None = None
    """Play it for that long, from the moment its turn comes; None: without such an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finds:
    """What a twin's planted defect must be found as."""

    reasons: tuple[str, ...] = ()
    """Each lost fault is reported for one of these reasons; empty: for any."""
    culprit: str = ""
    """Contained in the culprit of each."""
    file: str = ""
    """The file of each ends with it."""
    metric: str = "capture.rate"
    """The gate on this metric must not pass."""
    value: float | None = None
    """The size it must be found in, in the metric's unit; None: any."""
    within: float = 0.0
    """How far from ``value`` the measured size may be."""
    operation: str = ""
    """The size is that of this operation: its median signed error; empty: that of the metric."""
    passes: tuple[str, ...] = ()
    """Gates on other metrics that must pass all the same: the defect is not to be seen there."""
    verdict: Literal["fail", "error"] = "fail"
    """``error``: the set-up is such that nothing can be judged, and the run must say so instead."""
    note: str = ""
    """Contained in one of the verdict's notes."""


DASHBOARD_TEMPLATES = ("errors", "performance", "release-health", "business")
ALL_REQUESTS = "all"
"""Stands for every request of the load in ``Shows.requests``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """How far one number may be from another one."""

    amount: float
    """In the unit of the numbers, milliseconds for durations; or a share of the true one."""
    share: bool = False
    text: str = ""
    """As written, for people."""

    @property
    def duration(self) -> bool:
        """Whether it was written as one, such as ``20ms``."""
        return self.text[-1:].isalpha()

    def allows(self, shown: float, true: float) -> bool:
        """Whether ``shown`` is near enough to ``true``."""
        most = self.amount * abs(true) if self.share else self.amount
        # What two ways of computing one number may differ by.
        return abs(shown - true) <= most + 1e-9 * max(abs(shown), abs(true))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shows:
    """What a widget must show. One of ``faults``, ``requests``, ``operation`` and ``value`` says where the truth is from."""

    dashboard: str = ""
    """Title; may be left out where no other dashboard has such a widget."""
    widget: str
    """Title."""
    query: str = ""
    """Name of the query, in a widget with several; empty: its first."""
    aggregate: str = ""
    """Empty: the first of the query."""
    group: dict[str, str] = field(default_factory=dict)
    """Column to value: which row, of a widget that has columns."""
    faults: tuple[str, ...] = ()
    """How often these fired; merged into one event counts once."""
    requests: tuple[str, ...] = ()
    """What the load generator saw of these, as ``METHOD /path``; ``all`` for all of them."""
    operation: str = ""
    """What the calls of this operation took."""
    value: float | None = None
    """What is known without a measurement: ratios as shares of 1, durations in milliseconds."""
    value_text: str = field(default="", compare=False)
    """As written, such as ``75%`` or ``120ms``."""
    within: Within | None = None
    """None: exactly so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboards:
    """The dashboards that are held against the ledger."""

    files: tuple[Path, ...] = ()
    """In Sentry's own JSON."""
    templates: tuple[str, ...] = ()
    """Some of ``DASHBOARD_TEMPLATES``."""
    environment: tuple[str, ...] = ()
    """Of the templates; empty: all environments."""
    period: str = "24h"
    """Of the templates."""
    slow: float = 0.5
    """Of the templates: seconds from which a request is slow."""
    business: str = ""
    """Of the templates: a search for the transactions that the business lives on; empty: all."""
    freshness: float = 60.0
    """Seconds by which a widget may be behind."""
    shows: tuple[Shows, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """The scenario with a planted defect: what it changes, and what must be found."""

    name: str
    stories: tuple[str, ...] = ()
    """Ids of the real failures it reproduces."""
    env: dict[str, str] = field(default_factory=dict)
    command: str | None = None
    do: dict[str, str] = field(default_factory=dict)
    """Fault name to another ``do``."""
    link: tuple[LinkRule, ...] | None = None
    hosts: tuple[str, ...] | None = None
    settle: float | None = None
    alerting: dict[str, Any] = field(default_factory=dict)
    """Fields of ``Alerting`` by name, and what they are in this twin."""
    dashboards: dict[str, Any] = field(default_factory=dict)
    """Fields of ``Dashboards`` by name, and what they are in this twin."""
    finds: Finds = Finds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """Where the scenario may point, beyond this machine."""

    hosts: tuple[str, ...] = ()
    allow_production: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NPlusOne:
    """N+1 queries that are known to be in the application, and that monitoring has to point at."""

    name: str
    route: str
    """Glob over the transaction's name."""
    description: str
    """Glob over the query that is repeated."""
    count: int
    """It is repeated at least that often."""
    file: str = ""
    """How the file of the line that asks ends; empty: the line need not be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiling:
    """What is promised of slow operations."""

    profiles: float = 0.0
    """Share of the sampled transactions that carry a profile."""
    slow: float = 0.05
    """Seconds of its own from which a call of an operation is slow."""
    queries: int = 5
    """How many equal queries in a row are N+1 queries; as in Sentry's detector, which can be set there per project."""
    queries_time: float = 0.05
    """Seconds they take together at least, to be worth an issue; as in Sentry's detector."""
    n_plus_one: tuple[NPlusOne, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How events are grouped into issues, beside what Sentry does by itself: the project's own rules."""

    fingerprint_rules: Path | None = None
    """Fingerprint rules, in Sentry's syntax."""
    stack_rules: Path | None = None
    """Stack trace rules, in Sentry's syntax."""
    categories: Path | None = None
    """Rules of classification, in TOML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveBurn:
    """An alert on an error budget: it fires while the budget burns faster than ``burn`` over both windows, in seconds."""

    name: str
    burn: float
    """1: the budget lasts for exactly the objective's window."""
    long: float
    short: float
    severity: Severity = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A service level objective: what share of requests shall be good."""

    name: str
    what: Literal["availability", "latency"]
    target: float
    """Share of good requests, above 0 and below 1."""
    threshold: float | None = None
    """Latency: seconds that a good request stays below."""
    window: float = 30 * 86400.0
    """Seconds for which the error budget has to last in production. The run is six hours of it."""
    on: tuple[str, ...] = ()
    """Globs over ``METHOD name`` of the requests that count; empty: all."""
    search: str = ""
    """Which transactions count in Sentry, in its own syntax; empty: those of the requests that count."""
    by: Literal["transactions", "sessions"] = "transactions"
    """By which of Sentry's data it is looked at there."""
    burns: tuple[ObjectiveBurn, ...] = ()
    """Empty: two of the Site Reliability Workbook's, with windows that are scaled to the run."""

    @property
    def comparable(self) -> bool:
        """Whether it is known of every request if it counts, and not only of transactions."""
        return bool(self.on) or not self.search


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverManner:
    """How the receiver of one channel behaves. With nothing set it takes everything at once."""

    channel: str
    times: int | None = None
    """For so many deliveries, then all is well (or as the next entry of this channel says); None: for all."""
    down: bool = False
    """Connections are refused."""
    takes: float = 0.0
    """Seconds until it takes what was sent: between the connection and the receipt."""
    answers: float = 0.0
    """Seconds between the receipt and the answer."""
    status: int | None = None
    """HTTP status or SMTP reply code of the answer; None: it is well."""
    retry_after: int | None = None
    """Seconds it asks to wait, of HTTP."""
    hang: bool = False
    """It takes what was sent and never answers: who sends it again is taken twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """Which rules alert, and who is told. Everything is sent to receivers of ours, whatever the channels are set to."""

    rules: tuple[Path, ...]
    """In Sentry's own JSON."""
    notify: Path | None = None
    """Channels and routes, in TOML; None: one webhook called ``webhook``, which is told everything."""
    within: float = 30.0
    """Seconds after which an alert is late."""
    delays: Delays = NO_DELAYS
    """How late the monitoring backend works."""
    archived: tuple[str, ...] = ()
    """Searches: an issue whose first event matches one is archived for good from the start."""
    receivers: tuple[ReceiverManner, ...] = ()
    patience: float = 120.0
    """Seconds to wait at most, after the target has ended, for alerts that are still under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario file."""

    name: str
    question: str
    seed: int
    path: Path
    target: Target
    load: Load | None
    faults: tuple[Fault, ...]
    gates: tuple[Gate, ...]
    safety: Safety = Safety()
    settle: float = 75.0
    """Seconds to wait at most, after the load, for what the SDK may still send."""
    allow_inconclusive: bool = False
    link: tuple[LinkRule, ...] = ()
    twins: tuple[Twin, ...] = ()
    operations: tuple[Operation, ...] = ()
    """With them, ``timing`` is judged."""
    profiling: Profiling | None = None
    """With it, ``profiling`` is judged."""
    noise: Noise | None = None
    """With it, ``noise`` is judged."""
    alerting: Alerting | None = None
    """With it, ``alerting`` is judged."""
    objectives: tuple[Objective, ...] = ()
    """With them, ``objectives`` is judged."""
    dashboards: Dashboards | None = None
    """With it, ``dashboards`` is judged."""
    overhead: Overhead | None = None
    """With it, ``overhead`` is judged, by a run of another kind: several launches of the target."""
    extensions: Extensions = NO_EXTENSIONS
    """Fault kinds and criteria beside ours, for whoever runs and judges it."""
    twin: str = ""
    """The twin this is, made by ``plan.twins.twin_of``; empty for the scenario as written."""
