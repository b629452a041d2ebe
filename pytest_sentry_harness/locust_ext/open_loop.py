"""Users that come when the plan says, instead of users that wait: an open load in Locust.

A Locust user sends its next request when the last one was answered, and so sends less the slower the target is. The one
user of a class that derives from ``OpenLoop`` sends nothing itself: at each arrival of the plan a *visitor*, another
instance of the class, runs one task, in a greenlet of its own. Visitors that are done are used again for later arrivals, as
are their connections; there are as many as are under way at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import count
from typing import Any, ClassVar
from weakref import WeakSet

import gevent
from gevent.event import Event
from gevent.pool import Group
from locust.exception import InterruptTaskSet, RescheduleTask, StopTest, StopUser
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, DefaultTaskSet

from .. import clock
from ..load.intended import due_at
from ..load.pulse import Pulse
from ..model.scenario import Stage
from ..plan.arrivals import arrival_times
from .heart import Heart, OpenLoad

log = logging.getLogger(__name__)

_NUMBERS = count()
_WAIT_SECONDS = 0.01


class OpenLoop:
    """Mix this into a user class, before Locust's: ``class Visitor(OpenLoop, FastHttpUser)``.

    ``on_start`` runs once for each visitor, before its first task; ``wait_time`` is not used. The rate, its shape and how
    many such users share it come from the scenario (``[load]`` with ``rate`` or ``stages``, and ``users``).
    """

    most_at_once: ClassVar[int] = 500
    """Visitors that may be under way at once; what is due beyond that waits, which makes the verdict *inconclusive*."""

    environment: Any

    def start(self, group: Any) -> Any:
        """Called by Locust: begin the arrivals, in a greenlet that Locust counts as this user."""
        self._group: Any = group
        self._stopping = Event()
        self._under_way = Group()
        self._visitors: WeakSet[Any] = WeakSet()
        self._idle: list[Any] = []
        # Locust finds the user among the greenlet's arguments.
        self._greenlet: Any = group.spawn(_receive, self)
        return self._greenlet

    def stop(self, force: bool = False) -> bool:
        """Called by Locust: nobody comes any more; ``force``: those under way end at once too. True if all is over."""
        self._stopping.set()
        for visitor in list(self._visitors):
            visitor._state = LOCUST_STATE_STOPPING  # what a TaskSet looks at between two tasks
        if not force and len(self._under_way):
            return False
        self._under_way.kill(block=False)
        self._group.killone(self._greenlet, block=False)
        return True

    def receive(self, load: OpenLoad) -> None:
        """Let visitors come as planned, until the plan or the test is over and they are done; then wait for its end."""
        pulse = load.ledger.pulse
        begin = clock.monotonic()
        try:
            for due in (begin + each for each in _plan(load)):
                # Also when late: the visitors need their turn.
                gevent.sleep(0)
                if self._stopping.wait(max(due - clock.monotonic(), 0.0)) or not self._let_in(pulse):
                    break
                self._under_way.spawn(self._visit, due)
            self._under_way.join()
            self._stopping.wait()
        finally:
            self._under_way.kill(block=False)
            for visitor in self._idle:
                visitor.on_stop()

    def _let_in(self, pulse: Pulse) -> bool:
        """Wait while as many as allowed are under way; False when the test ends meanwhile."""
        held = len(self._under_way) >= self.most_at_once
        pulse.due(held=held)
        while len(self._under_way) >= self.most_at_once:
            if self._stopping.wait(_WAIT_SECONDS):
                pulse.missed(1)
                return False
        return True

    def _visit(self, due: float) -> None:
        """One task of one visitor, who was due at that moment."""
        with due_at(due):
            try:
                visitor = self._idle.pop() if self._idle else self._new()
                tasks: Any = DefaultTaskSet(visitor)
                try:
                    tasks.execute_task(tasks.get_next_task())
                except (InterruptTaskSet, RescheduleTask):
                    log.debug("a visitor left its tasks")
                self._idle.append(visitor)
            except (StopUser, StopTest, gevent.GreenletExit):
                log.debug("a visitor is gone for good")
            except Exception as error:
                events: Any = self.environment.events
                events.user_error.fire(user_instance=self, exception=error, tb=error.__traceback__)
                log.exception("a visitor's task failed")

    def _new(self) -> Any:
        """Another visitor, ready for its first task."""
        visitor: Any = type(self)(self.environment)  # type: ignore[call-arg]
        visitor._state = LOCUST_STATE_RUNNING
        visitor.on_start()
        self._visitors.add(visitor)
        return visitor


def _receive(user: OpenLoop) -> None:
    """What runs in the user's greenlet."""
    load = Heart.of(user.environment).load()
    if not load.arming.stages:
        load.ledger.note_error(
            f"{type(user).__name__} is an OpenLoop user, and the scenario's [load] has neither rate nor stages"
        )
        return
    user.receive(load)


def _plan(load: OpenLoad) -> Iterator[float]:
    """When the visitors of this user are due: its share of the plan's arrivals."""
    arming = load.arming
    stages = [Stage(seconds=each.seconds, start=each.start, end=each.end) for each in arming.stages]
    lane = "" if arming.senders == 1 else f"{load.lane}-{next(_NUMBERS)}"
    return arrival_times(stages, arming.arrivals, arming.seed, lane, 1 / arming.senders)
