"""The monitor as a process: follows, decides, sends, and ends in order.

SIGTERM: nothing more will come; work off what is under way, then end. SIGINT, or a second SIGTERM: end now. Its end of standard
input is the end of the harness, and of the monitor with it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import ExitStack
from pathlib import Path

from .. import clock
from ..channels.dispatcher import Dispatcher
from ..channels.lines import Trail
from ..channels.redirect import redirected
from ..channels.senders import build_senders
from ..model.alerting import Ending
from ..model.classified import Classified
from ..model.monitored import Alert
from ..monitor.notifications import Policy
from .config import MonitorConfig
from .follow import Follower
from .inputs import Inputs, read_inputs
from .notes import ENDING, ISSUES, TRAIL, Puts, write_ending
from .pump import Pump

POLL = 0.02
"""Seconds between looks at the store when nothing else is due."""
_MOST_AT_ONCE = 256


class Now:
    """Wall time that never goes back. Called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0.0

    def __call__(self) -> float:
        """Seconds since the epoch."""
        with self._lock:
            self._last = max(self._last, clock.wall())
            return self._last


class Monitor:
    """One monitor, from its configuration to its ending. ``run`` returns when it has ended."""

    def __init__(self, config: MonitorConfig) -> None:
        """Raises ``UsageError`` for what it cannot work with."""
        self._config = config
        self._folder = Path(config.folder)
        self._now = Now()
        self._house = ExitStack()
        inputs = _inputs(config)
        settings = redirected(inputs.notifications, config.ports, config.secrets)
        # Secrets are in the settings by now: what the environment holds is nobody's business here.
        senders = build_senders(settings, environment={})
        trail = Trail(self._folder / TRAIL)
        self._house.callback(trail.close)
        puts = Puts(self._folder / ISSUES)
        self._house.callback(puts.close)
        policy = Policy(settings, seed=config.seed, write=trail.write, keep=False, needs_actions=True)
        self._dispatcher = self._house.enter_context(Dispatcher(policy, senders, now=self._now))
        self._follower = Follower(Path(config.store))
        self._house.callback(self._follower.close)
        self._pump = Pump(inputs, config.delays, put=puts.write, submit=self._submit)
        self._deadline: float | None = None
        self._terms = 0
        self._stop_now = False

    def run(self) -> Ending:
        """Work until told to end. Raises what breaks it."""
        with self._house:
            while not self._stop_now:
                self._step()
                if self._terms and self._is_over():
                    break
                time.sleep(self._pause())
            # What is sent at this moment may still be taken.
            self._dispatcher.stop()
            pending = tuple(self._under_way())
        return Ending(at=self._now(), followed=self._follower.followed, pending=pending)

    @property
    def followed(self) -> int:
        """Cursor of the last arrival that was looked at."""
        return self._follower.followed

    def end(self, signum: int, _: object = None) -> None:
        """A signal came."""
        if signum == signal.SIGINT or self._terms:
            self._stop_now = True
        self._terms += 1

    def _submit(self, alert: Alert, *, classified: Classified | None, environment: str) -> object:
        return self._dispatcher.submit(
            alert, classified=classified, project=self._config.project, environment=environment
        )

    def _step(self) -> None:
        """Do what is due by now."""
        for _ in range(_MOST_AT_ONCE):
            arrival = self._follower.look()
            if arrival is None:
                break
            now = self._now()
            if arrival.received_at + self._config.delays.ingest > now:
                break
            self._pump.see(*self._follower.take(), now)
        self._pump.tick(self._now())

    def _pause(self) -> float:
        """Seconds until something is due, or the store is to be looked at."""
        times = [self._pump.next_due()]
        arrival = self._follower.look()
        if arrival is not None:
            times.append(arrival.received_at + self._config.delays.ingest)
        now = self._now()
        return max(min([POLL, *(at - now for at in times if at is not None)]), 0.0)

    def _is_over(self) -> bool:
        """Whether nothing is under way any more, or the patience has come to its end."""
        if self._deadline is None:
            self._deadline = self._now() + self._config.patience
        return self._now() >= self._deadline or not self._under_way()

    def _under_way(self) -> list[str]:
        """What was not worked off yet, a sentence each."""
        found = []
        if behind := self._follower.behind():
            found.append(f"arrivals that were not put to issues: {behind}")
        found += self._pump.under_way()
        waiting, summaries = self._dispatcher.ask(
            lambda policy: ([each.channel for each in policy.pending()], policy.summaries())
        )
        found += [f"deliveries to {channel}: {waiting.count(channel)}" for channel in dict.fromkeys(waiting)]
        # Summaries that come later than anybody would wait are not waited for, as escalations are not.
        found += [
            f"the summary of what the throttle of {channel} holds back"
            for channel, at in summaries.items()
            if self._deadline is not None and at < self._deadline
        ]
        return found


def run(config: MonitorConfig) -> int:
    """Be the monitor that ``config`` describes; the exit code. Prints one JSON line when it is ready."""
    threading.Thread(target=_die_with_the_parent, name="parent", daemon=True).start()
    ending_file = Path(config.folder) / ENDING
    monitor = Monitor(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, monitor.end)
    sys.stdout.write(json.dumps({"event": "ready", "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    try:
        ending = monitor.run()
    except Exception as error:  # noqa: BLE001 it is told where somebody reads it
        traceback.print_exc()
        trouble = f"{type(error).__name__}: {error}"
        ending = Ending(at=clock.wall(), followed=monitor.followed, trouble=trouble)
    write_ending(ending_file, ending)
    return 1 if ending.trouble else 0


def _inputs(config: MonitorConfig) -> Inputs:
    def path(name: str) -> Path | None:
        return Path(name) if name else None

    return read_inputs(
        rules=[Path(name) for name in config.rules],
        notify=path(config.notify),
        archived=config.archived,
        fingerprint_rules=path(config.fingerprint_rules),
        stack_rules=path(config.stack_rules),
        categories=path(config.categories),
    )


def _die_with_the_parent() -> None:
    """Standard input ends with the parent, however that ended. What is on record is on record."""
    while os.read(0, 4096):
        continue
    os._exit(1)
