"""A run, stage by stage. This is the file to read first.

Scenario → folder → server → arming → target → load → settle → stop → judge. Everything that is
started is stopped on every way out; what was learnt is judged even when the run was cut short.
"""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from .. import clock
from ..errors import HarnessError, LoadError, MonitorError, ServerError, TargetError, UsageError
from ..ledger.journal import Journal
from ..load.open_loop import run_open_script
from ..load.process import LoadEnding, run_load
from ..load.script import run_script
from ..model.arming import ArmedFault, ArmedKind, ArmedOperation, ArmedStage, Arming
from ..model.ledger import ChildEnded
from ..model.run import RunFacts
from ..model.scenario import Load, Scenario
from ..plan.arming_file import ENVIRONMENT_VARIABLE, read_arming, write_arming
from ..plan.scenario import load_scenario
from ..plan.terms import parse_chain
from ..report.document import RunDocument
from ..server.client import EmbeddedServer, ServerClient
from ..targets.command import CommandTarget
from ..targets.process import Ending
from ..targets.url import UrlTarget
from .alerting import LiveAlerting, check_alerting_files
from .dashboards import check_dashboards
from .facts import unfinished
from .folder import RunFolder
from .judge import judge_folder
from .lease import Lease
from .live import LiveView, of_server
from .noise import check_rules
from .objectives import check_searches
from .overhead.session import run_overhead
from .progress import Progress, Quiet
from .series import Series
from .settle import settle
from .target import check_target, create_project, listening_dsn, start_target


def run_scenario(
    scenario: Scenario,
    *,
    progress: Progress | None = None,
    runs: Path | None = None,
    stop: threading.Event | None = None,
) -> RunDocument:
    """Run ``scenario`` from beginning to end and judge it; ``runs`` is where its folder is made.

    ``stop`` does to a run in a thread, once it is set, what Ctrl-C does to one in the main thread: a run that
    has begun is cut short in order and judged, one that has not raises ``KeyboardInterrupt``.

    Raises ``UsageError`` when the scenario cannot be run as it stands, ``HarnessError`` when the server
    or the target does not start: then there is nothing to judge.
    """
    if scenario.overhead is not None:
        return run_overhead(scenario, progress=progress, runs=runs, stop=stop)
    with begin(scenario, progress=progress, runs=runs, stop=stop) as run:
        run.drive()
        return run.finish()


def begin(
    scenario: Scenario | Path,
    *,
    progress: Progress | None = None,
    runs: Path | None = None,
    stop: threading.Event | None = None,
) -> ActiveRun:
    """Start server and target, armed. The caller drives the load and calls ``finish``."""
    scenario = load_scenario(scenario) if isinstance(scenario, Path) else scenario
    check_target(scenario)
    if scenario.overhead is not None:
        raise UsageError(
            "a scenario with [overhead] sends its requests itself, and no other load can drive it",
            where=str(scenario.path),
            hint="run it with sentry-harness gate",
        )
    check_rules(scenario)
    check_searches(scenario)
    check_dashboards(scenario)
    check_alerting_files(scenario)
    stop = stop or threading.Event()
    _unless_stopped(stop)
    folder = RunFolder.create(scenario, runs)
    progress = progress or Quiet()
    started_at, started = clock.wall(), clock.monotonic()
    with ExitStack() as house:
        progress.stage("starting the server")
        dsn = listening_dsn(scenario)
        server = house.enter_context(
            EmbeddedServer.start(folder.store, port=0 if dsn is None else dsn.port or 80)
        )
        client = house.enter_context(server.client())
        project = create_project(scenario, client)
        # Should this very process be killed, what the folder holds can still be judged, and never passes.
        folder.write_facts(unfinished(scenario, folder, started_at))
        house.enter_context(Lease(folder.lease))
        house.callback(folder.arming.unlink, missing_ok=True)
        write_arming(arming_of(scenario, folder), folder.arming)
        _unless_stopped(stop)
        alerting = house.enter_context(LiveAlerting(scenario, folder, project.project_id, progress))
        _unless_stopped(stop)
        progress.stage("starting the target")
        target = start_target(scenario, folder, server, project)
        house.callback(target.__exit__)
        if isinstance(target, CommandTarget):
            house.enter_context(Series(folder.series, target.pid))
        return ActiveRun(
            scenario=scenario,
            folder=folder,
            progress=progress,
            server=client,
            target=target,
            alerting=alerting,
            started_at=started_at,
            started=started,
            stop=stop,
            _house=house.pop_all(),
        )


def _unless_stopped(stop: threading.Event) -> None:
    if stop.is_set():
        raise KeyboardInterrupt


def arming_of(scenario: Scenario, folder: RunFolder) -> Arming:
    """What agent and load generator are told."""
    return Arming(
        run_id=folder.run_id,
        key=secrets.token_hex(32),
        seed=scenario.seed,
        faults=tuple(
            ArmedFault(name=fault.name, at=fault.at, do=fault.do, on=fault.on, select=fault.select)
            for fault in scenario.faults
        ),
        journal_dir=str(folder.ledger),
        lease=str(folder.lease),
        hosts=("127.0.0.1", "localhost", "::1", *scenario.safety.hosts),
        allow_production=scenario.safety.allow_production,
        stop_after_faults=scenario.load.stop_after_faults if scenario.load else None,
        kinds=_kinds_of(scenario),
        operations=tuple(ArmedOperation(name=each.name, at=each.at) for each in scenario.operations),
        every_request=bool(scenario.objectives),
        **_open_load(scenario.load),
    )


def _open_load(load: Load | None) -> dict[str, Any]:
    """What a generator of an open load is told."""
    if load is None or not load.stages:
        return {}
    stages = tuple(ArmedStage(seconds=each.seconds, start=each.start, end=each.end) for each in load.stages)
    return {"stages": stages, "arrivals": load.arrivals, "senders": load.users}


def _kinds_of(scenario: Scenario) -> tuple[ArmedKind, ...]:
    """The own kinds that the scenario's faults use."""
    own = scenario.extensions.kinds_by_name
    used = {term.kind for fault in scenario.faults if fault.do for term in parse_chain(fault.do, own)}
    return tuple(
        ArmedKind(name=kind.name, path=kind.path, folder=kind.folder)
        for kind in own.values()
        if kind.name in used
    )


@dataclass(slots=True)
class ActiveRun:
    """A run whose server and target are up. ``drive``, then ``finish``; leaving the ``with`` block stops all."""

    scenario: Scenario
    folder: RunFolder
    progress: Progress
    server: ServerClient
    target: CommandTarget | UrlTarget
    alerting: LiveAlerting
    started_at: float
    started: float
    stop: threading.Event
    """Set by whoever wants the run to be cut short."""
    _house: ExitStack
    stop_reason: str = "completed"
    load_ending: str = ""
    target_ending: str = ""
    settled: str = "not waited for"
    doubts: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    _live: LiveView | None = None

    @property
    def host(self) -> str:
        """Base URL of the target."""
        return self.target.base_url

    @property
    def arming_path(self) -> Path:
        """What a load generator needs to know, for ``SENTRY_HARNESS_ARMING``."""
        return self.folder.arming

    def live_view(self) -> LiveView:
        """Somebody who watches this run while it goes on."""
        expectations = {fault.name: fault.expect for fault in self.scenario.faults}
        return LiveView(self.folder.ledger, of_server(self.server), expectations)

    def drive(self) -> None:
        """Run the scenario's load, or wait for a script to end."""
        try:
            if self.scenario.load is None:
                self._wait_for_the_end()
                return
            self.progress.stage("driving load")
            self.load_ended(self._run(self.scenario.load))
        except KeyboardInterrupt:
            self._cut_short("interrupted", "the run was interrupted")
        except TargetError as error:
            self._cut_short("target_died", f"the target ended on its own: {error.what}")
        except LoadError as error:
            self._cut_short("load_failed", f"the load failed: {error.what}")
        except ServerError as error:
            self._break("server_died", error)
        except MonitorError as error:
            self._break("monitor_died", error)

    def _wait_for_the_end(self) -> None:
        """The target is a script: it ends by itself."""
        self.progress.stage("waiting for the target to end")

        def look() -> None:
            _unless_stopped(self.stop)
            self.alerting.check()
            self._show()

        ending = self.target.wait(self.scenario.target.stop_timeout, look)
        self.target_ending = str(ending)
        if ending is not None and ending.killed:
            self.doubts.append(f"the target {ending}")

    def _run(self, load: Load) -> LoadEnding:
        log, watch = self.folder.load_log, self._watch
        if load.requests:
            arming = read_arming(self.folder.arming)
            send = run_open_script if load.stages else run_script
            return send(load, host=self.host, arming=arming, log=log, on_poll=watch)
        env = {**os.environ, ENVIRONMENT_VARIABLE: str(self.folder.arming)}
        return run_load(load, host=self.host, env=env, log=log, on_poll=watch)

    def load_ended(self, ending: LoadEnding) -> None:
        """Note how the load ended."""
        self.load_ending = (
            f"{ending.requests} requests, {ending.failures} of them failed, in {ending.seconds:.1f} s"
        )
        if ending.unsent:
            self.doubts.append(
                f"{ending.requests} of {ending.requests + ending.unsent} requests of the script were sent within "
                "run_time: raise it, or let more users send"
            )

    def finish(self) -> RunDocument:
        """Settle, stop everything, and judge."""
        try:
            if self.stop_reason == "completed" and self.target.running:
                self.progress.stage("waiting for the SDK's last words")
                self.settled = settle(self.folder, self.scenario, self.server, self.progress, self.stop)
        except KeyboardInterrupt:
            self._cut_short("interrupted", "the run was interrupted while it settled")
        except ServerError as error:
            self._break("server_died", error)
        if not self.target_ending:
            self.progress.stage("stopping the target")
            self.target_ending = str(self.target.stop() or "")
        self._note_ending(self.target.stop())
        self._await_alerts()
        self.close()
        self.progress.stage("judging")
        self.folder.write_facts(self._facts())
        return judge_folder(self.folder, self.scenario.extensions)

    def _await_alerts(self) -> None:
        """The target has ended: what it sent may still lead to alerts."""
        interrupted = self.stop_reason == "interrupted"
        try:
            self.trouble += self.alerting.finish(lambda: _unless_stopped(self.stop), at_once=interrupted)
        except KeyboardInterrupt:
            self._cut_short("interrupted", "the run was interrupted while alerts were under way")

    def _note_ending(self, ending: Ending | None) -> None:
        """Write into the ledger how the target ended: nobody else waited for it."""
        if ending is None or not isinstance(self.target, CommandTarget):
            return
        journal = Journal(self.folder.ledger, run_id=self.folder.run_id, role="harness")
        journal.write(ChildEnded, pid=self.target.pid, exit_code=ending.exit_code, signal=ending.signal or "")
        journal.close("run ended")

    def close(self) -> None:
        """Stop what still runs: target first, server last. May be called twice."""
        self._house.close()

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _watch(self, seconds: float) -> None:
        """Called a few times a second while the load runs."""
        _unless_stopped(self.stop)
        self.target.check_alive()
        self.alerting.check()
        load = self.scenario.load
        arrived = self.server.stats().items
        share = seconds / load.run_time if load else None
        self.progress.news(f"{arrived} envelope items received", share)
        self._show()

    def _show(self) -> None:
        self._live = self._live or self.live_view()
        self.progress.live(self._live.look)

    def _break(self, reason: str, error: HarnessError) -> None:
        """The harness itself broke in mid-run: what was learnt is kept, and the verdict is *error*."""
        self.stop_reason = reason
        self.trouble.append(str(error))

    def _cut_short(self, reason: str, doubt: str) -> None:
        self.stop_reason = reason
        self.doubts.append(doubt)

    def _facts(self) -> RunFacts:
        return replace(
            unfinished(self.scenario, self.folder, self.started_at),
            seconds=clock.monotonic() - self.started,
            stop_reason=self.stop_reason,
            target_ending=self.target_ending,
            load_ending=self.load_ending,
            settled=self.settled,
            trouble=tuple(self.trouble),
            doubts=tuple(self.doubts),
        )
