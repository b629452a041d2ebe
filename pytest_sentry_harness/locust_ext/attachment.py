"""What connects a Locust run with a run of the harness.

Two ways to run. *Driven*: the harness started Locust and judges afterwards; ``SENTRY_HARNESS_ARMING`` is set
and this process only sends. *Alone*: somebody ran ``locust -f …``; then the first process (master or local)
begins a run of the given scenario, judges it when Locust quits, and the verdict is the exit code.

With workers, the master keeps them together (``crew``), and each worker asks it where the run is (``member``).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from gevent.lock import RLock
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from ..errors import UsageError
from ..injection import lease
from ..load.load_ledger import LoadLedger
from ..model.arming import Arming
from ..model.verdict import EXIT_CODES, Verdict
from ..plan.arming_file import ENVIRONMENT_VARIABLE, read_arming
from . import options
from .alone import Alone, led_by_another
from .crew import Crew
from .heart import Heart
from .member import Member
from .sessions import hook_sessions
from .tab import add_tab

if TYPE_CHECKING:
    from ..harness.live import LiveView

log = logging.getLogger(__name__)

_LEASE_SECONDS = 1.0
_TOLD_SECONDS = 30.0
"""So long a worker that is to send requests waits for its master to tell it of the run."""
_REPORT_KEY = "sentry_harness"


class Attachment:
    """Listens to one Locust environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._ledger: LoadLedger | None = None
        self._heart = Heart(environment)
        self._alone: Alone | None = None
        self._crew: Crew | None = None
        self._member: Member | None = None
        self._unhook: Callable[[], None] | None = None
        self._asked_by_worker: dict[str, int] = {}
        self._failures: list[str] = []
        self._most: int | None = None
        self._started = False
        self._stopping = False
        self._quitting = False
        self._finishing = RLock()

    def begin(self, scenario: str | Path | None) -> None:
        """Find out how this process is run, and listen to what it needs."""
        events: Any = self._environment.events  # its hooks are not typed
        if isinstance(self._runner, WorkerRunner):
            self._member = Member(
                self._runner,
                keep=self._option(options.JOURNALS),
                on_told=self._guarded(self._on_told),
                on_finish=self._guarded(self._finish),
                fail=self._fail,
            )
        else:
            if isinstance(self._runner, MasterRunner):
                # Before anything that takes time: workers are asking already.
                self._crew = Crew(self._runner, self._fail)
            if self._arming_path() is None:
                self._begin_alone(scenario)
        if self._crew is not None:
            self._crew.tell(self._known_path())
            events.test_start.add_listener(self._guarded(self._on_master_start))
            events.worker_report.add_listener(self._guarded(self._on_worker_report))
        else:
            events.test_start.add_listener(self._guarded(self._on_test_start))
            events.report_to_master.add_listener(self._guarded(self._on_report_to_master))
        events.quitting.add_listener(self._guarded(self._on_quitting))
        if self._environment.web_ui is not None:
            add_tab(self._environment.web_ui, self._view().look)

    @property
    def _runner(self) -> Any:
        return self._environment.runner

    def _begin_alone(self, scenario: str | Path | None) -> None:
        # The verdict is the exit code. Until there is one, this process has failed: Locust swallows
        # what listeners raise, and a run that was never judged must not look like one that passed.
        self._environment.process_exit_code = EXIT_CODES[Verdict.ERROR]
        chosen = self._option(options.SCENARIO) or scenario
        if chosen is None:
            raise UsageError(
                "no scenario to run",
                where="attach()",
                hint="give --sentry-harness-scenario FILE, or attach(environment, scenario=FILE)",
            )
        self._alone = Alone.begin(
            Path(chosen), self._option(options.FOLDER), address=self._option(options.ADDRESS)
        )
        self._environment.host = self._alone.host

    def _view(self) -> LiveView:
        """The run, for whoever watches it."""
        if self._alone is not None:
            return self._alone.live_view()
        return led_by_another(Path(read_arming(self._known_path()).journal_dir).parent)

    def _on_test_start(self, **_: Any) -> None:
        self._started = True
        if self._ledger is not None:
            return  # started again from the web pages: same run, same journal
        member = self._member
        if member is None:
            self._open(read_arming(self._known_path()), "")
        elif member.told is not None:
            self._open(member.told.arming, f"w{self._runner.worker_index}")
            member.follow()
        else:
            gevent.spawn_later(_TOLD_SECONDS, self._guarded(self._must_be_told))

    def _on_told(self) -> None:
        if self._started:
            self._on_test_start()

    def _must_be_told(self) -> None:
        if self._ledger is None and not self._quitting:
            raise UsageError(
                "this worker was not told about a run",
                where="locust worker",
                hint="use the same locustfile, with attach(environment), on master and workers",
            )

    def _open(self, arming: Arming, lane: str) -> None:
        """Keep a journal, and mark every request from now on."""
        self._ledger = LoadLedger(arming, lane, self._stop_soon)
        self._unhook = hook_sessions(self._ledger)
        self._heart.begin(arming, lane, self._ledger)
        gevent.spawn(self._watch_lease, arming)

    def _on_master_start(self, **_: Any) -> None:
        arming = read_arming(self._known_path())
        self._most = arming.stop_after_faults
        if not self._started:
            self._started = True
            gevent.spawn(self._watch_lease, arming)

    def _on_report_to_master(self, data: dict[str, Any], **_: Any) -> None:
        asked = 0 if self._ledger is None else self._ledger.marker.asked
        data[_REPORT_KEY] = {"asked": asked, "failures": self._failures}

    def _on_worker_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        report = data.get(_REPORT_KEY, {})
        self._asked_by_worker[client_id] = report.get("asked", 0)
        for failure in report.get("failures", ()):
            self._fail(f"worker {client_id}: {failure}")
        if self._most is not None and sum(self._asked_by_worker.values()) >= self._most:
            self._stop_soon()

    def _on_quitting(self, **_: Any) -> None:
        self._quitting = True
        if self._crew is not None:
            self._crew.finish()
        else:
            self._finish()
        if self._alone is not None:
            total = self._environment.stats.total
            code = self._alone.judge(requests=total.num_requests, failures=total.num_failures)
            # A verdict lowers the exit code, unless the harness failed where no journal could tell the judge.
            if not self._failures:
                self._environment.process_exit_code = code

    def _finish(self) -> None:
        """End the users, close the journal, and see that it is where it belongs. Again: nothing, but waits."""
        self._quitting = True
        with self._finishing:
            # With Ctrl-C or SIGTERM the users are still at it; their last answers belong to the run.
            self._runner.stop()
            if self._unhook is not None:
                self._unhook()
                self._unhook = None
            self._heart.end()
            if self._ledger is not None:
                self._ledger.close("locust quits")
            if self._member is not None:
                self._member.finish()

    def _watch_lease(self, arming: Arming) -> None:
        """End the load when the harness has gone away: there is nobody left to judge it."""
        while (lapsed := self._lapsed(arming)) is None:
            gevent.sleep(_LEASE_SECONDS)
            if self._quitting:
                return
        log.error("sentry-harness: the load ends: %s", lapsed)
        self._environment.process_exit_code = EXIT_CODES[Verdict.ERROR]
        self._runner.quit()

    def _lapsed(self, arming: Arming) -> str | None:
        if self._member is not None:
            return self._member.lapsed()
        return lease.lapsed(arming.lease, arming.lease_seconds)

    def _stop_soon(self) -> None:
        """Stop the test; from a greenlet of its own, because this one may belong to a user that has to end."""
        if self._stopping or isinstance(self._runner, WorkerRunner):
            return  # a worker's count reaches the master with the next report
        self._stopping = True
        log.info("enough faults were asked for; stopping")
        headless = getattr(self._environment.parsed_options, "headless", True)
        gevent.spawn(self._runner.quit if headless else self._runner.stop)

    def _guarded(self, listener: Callable[..., None]) -> Callable[..., None]:
        """``listener``, with its failure on record: Locust only logs it and goes on."""

        def guarded(**kwargs: Any) -> None:
            try:
                listener(**kwargs)
            except Exception as error:
                log.debug("sentry-harness: %s failed", listener.__name__, exc_info=True)
                self._fail(f"{listener.__name__} failed: {type(error).__name__}: {error}")

        return guarded

    def _fail(self, text: str) -> None:
        """The harness itself failed: say so once, here, in the journal and in the exit code."""
        if text in self._failures:
            return
        self._failures.append(text)
        log.error("sentry-harness: %s", text)
        self._environment.process_exit_code = EXIT_CODES[Verdict.ERROR]
        if self._ledger is not None:
            self._ledger.note_error(text)

    def _known_path(self) -> str:
        """The arming file of the run this process takes part in."""
        path = str(self._alone.arming_path) if self._alone is not None else self._arming_path()
        assert path is not None  # without one, a run was begun
        return path

    def _arming_path(self) -> str | None:
        return os.environ.get(ENVIRONMENT_VARIABLE) or self._option(options.ARMING)

    def _option(self, name: str) -> str | None:
        value: str | None = getattr(self._environment.parsed_options, name, None)
        return value
