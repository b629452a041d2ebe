"""The agent: everything that is put to work inside a target process."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from pathlib import Path

from .. import clock
from ..ledger.journal import Journal
from ..model.arming import ArmedFault, ArmedOperation, Arming
from ..model.ledger import Note
from . import carry, guard, lease, main_module
from .children import Children
from .effects.own import effects_with
from .entries import servers
from .entries.requests import Requests
from .hard_exit import HardExits
from .injector import Injector
from .recorder import QuietRecorder, agent_working, complain
from .sdk_watch.watch import SdkWatch
from .ticker import Ticker

_TICK_SECONDS = 0.5
_FATE_SECONDS = 1.0
_IDLE_SECONDS = 1.5
_LOOK_FOR_MODULES_SECONDS = 3.0


class Agent:
    """The agent of one process, told by ``arming`` what to do, writing to ``journal``."""

    def __init__(self, arming: Arming, journal: Journal) -> None:
        self._arming = arming
        # The others come with their requests: there is nothing to inject.
        self._faults = tuple(fault for fault in arming.faults if fault.select != "provoked")
        self._told: tuple[ArmedFault | ArmedOperation, ...] = (*self._faults, *arming.operations)
        self._journal = journal
        self._recorder = QuietRecorder(journal)
        self._injector = Injector(
            self._recorder, seed=arming.seed, lane=_lane(arming), effects=effects_with(arming.kinds)
        )
        self._watch = SdkWatch(
            self._recorder,
            self._injector.exceptions,
            hosts=arming.hosts,
            on_environment=self._sdk_environment,
            every_event=arming.every_event,
        )
        self._ticker = Ticker(
            self._tick,
            min(_TICK_SECONDS, arming.lease_seconds / 4),
            lambda error: self._failed("what it does regularly", error),
        )
        self._look_for_modules_at: float | None = clock.monotonic() + _LOOK_FOR_MODULES_SECONDS

    def start(self) -> None:
        """Arm what is to be armed, watch the SDK, and keep an eye on the lease."""
        try:
            self._start()
        except BaseException:
            # Nothing may fire that nobody keeps an eye on.
            self._injector.disarm("the agent could not start")
            raise

    def _start(self) -> None:
        refusal = self._refusal()
        if refusal is not None:
            for told in self._told:
                self._injector.refuse(told, refusal)
            self._recorder.write(Note, level="error", text=refusal)
            atexit.register(self._goodbye)
            return
        requests = Requests(
            self._recorder,
            self._injector.exceptions,
            run_id=self._arming.run_id,
            key=self._arming.key,
            hosts=self._arming.hosts,
            live=lambda: self._injector.live,
            traces=bool(self._arming.operations),
        )
        carry.install(requests, self._injector.exceptions)
        servers.install(requests, self._recorder)
        self._watch.install()
        HardExits(self._recorder, self._last_words).install()
        Children(self._recorder).install()
        for fault in self._faults:
            self._injector.arm(fault)
        for operation in self._arming.operations:
            self._injector.arm_operation(operation)
        main_module.watch(self._injector)
        atexit.register(self._goodbye)
        os.register_at_fork(after_in_child=self._after_fork)
        self._ticker.start()

    def _refusal(self) -> str | None:
        lapsed = lease.lapsed(self._arming.lease, self._arming.lease_seconds)
        if lapsed is not None:
            return f"nothing is armed: {lapsed}"
        return None if self._arming.allow_production else guard.production_reason(os.environ)

    def _tick(self) -> None:
        self._injector.settle(older_than=_FATE_SECONDS)
        self._injector.exceptions.collect(idle=_IDLE_SECONDS)
        if not self._injector.live:
            return
        lapsed = lease.lapsed(self._arming.lease, self._arming.lease_seconds)
        if lapsed is not None:
            self._injector.disarm(lapsed)
            self._recorder.write(Note, level="warning", text=f"everything is disarmed: {lapsed}")
            return
        self._watch.record_pending()
        if self._look_for_modules_at is not None and clock.monotonic() >= self._look_for_modules_at:
            self._look_for_modules_at = None
            self._injector.missing_modules(so_far=True)

    def _sdk_environment(self, environment: str) -> None:
        if guard.is_production(environment) and not self._arming.allow_production and self._injector.live:
            reason = guard.sdk_production_reason(environment)
            self._injector.disarm(reason)
            for told in self._told:
                self._injector.refuse(told, reason)
            self._recorder.write(Note, level="error", text=reason)

    def _after_fork(self) -> None:
        with agent_working():
            _free_import_hooks()
            self._carefully("a fork", lambda: self._injector.after_fork(f"p{os.getpid()}"))
            self._carefully("a fork", self._watch.after_fork)

    def _last_words(self) -> None:
        """The process ends: write what is known only now."""
        with agent_working():
            self._carefully("the end", self._injector.end)
            self._carefully("the end", self._watch.at_exit)

    def _goodbye(self) -> None:
        with agent_working():
            self._ticker.stop()
            self._last_words()
            if self._injector.live:
                self._carefully("the end", self._injector.missing_modules)
            try:
                self._journal.close("exit", self._injector.opportunities())
            except Exception as error:  # noqa: BLE001 - the application's exit hooks follow
                complain(f"the journal cannot be closed: {error!r}")

    def _carefully(self, stage: str, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - the application must not notice
            self._failed(stage, error)

    def _failed(self, stage: str, error: Exception) -> None:
        """The agent itself failed: the verdict will be *error*, and the application goes on."""
        text = f"the agent failed at {stage}: {type(error).__name__}: {error}"
        self._recorder.write(Note, level="error", text=text)


def _free_import_hooks() -> None:
    """In a forked child: a thread of the parent may have been importing, and hold the lock of wrapt's hooks."""
    lock = getattr(sys.modules.get("wrapt.importer"), "_post_import_hooks_lock", None)
    reinit = getattr(lock, "_at_fork_reinit", None)
    if reinit is not None:
        reinit()


def _lane(arming: Arming) -> str:
    """Empty for the run's first process, so that a run of one process is the same each time; else by pid."""
    claim = Path(arming.journal_dir) / ".first-process"
    try:
        os.close(os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return f"p{os.getpid()}"
    return ""
