"""One process of Locust watching itself, and where its open users find what they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gevent
from gevent.event import AsyncResult

from .. import clock
from ..errors import UsageError
from ..load.load_ledger import LoadLedger
from ..load.pulse import TICK_SECONDS
from ..model.arming import Arming

_ATTRIBUTE = "sentry_harness_heart"


@dataclass(frozen=True, slots=True)
class OpenLoad:
    """What this process was told of the load, and where it is on record."""

    arming: Arming
    lane: str
    ledger: LoadLedger


class Heart:
    """Beats while this process sends; kept with the Locust environment."""

    def __init__(self, environment: Any) -> None:
        setattr(environment, _ATTRIBUTE, self)
        self._load: AsyncResult[OpenLoad] = AsyncResult()
        self._beating: Any = None

    @classmethod
    def of(cls, environment: Any) -> Heart:
        """That of ``environment``. Raises ``UsageError`` when ``attach`` was not called for it."""
        heart = getattr(environment, _ATTRIBUTE, None)
        if not isinstance(heart, cls):
            raise UsageError(
                "an OpenLoop user needs the plan of a run, and none is attached",
                where="locustfile",
                hint="call attach(environment) from an init listener",
            )
        return heart

    def load(self) -> OpenLoad:
        """What was told; waits until this process is told."""
        told: OpenLoad = self._load.get()
        return told

    def begin(self, arming: Arming, lane: str, ledger: LoadLedger) -> None:
        """Requests are on record from now on."""
        ledger.pulse.restart()
        self._beating = gevent.spawn(_beat_for_ever, ledger)
        self._load.set(OpenLoad(arming, lane, ledger))

    def end(self) -> None:
        """The last beat, before the journal is closed. A second call does nothing."""
        if self._beating is not None:
            self._beating.kill()
            self._beating = None
            self.load().ledger.pulse.beat(last=True)


def _beat_for_ever(ledger: LoadLedger) -> None:
    next_tick = clock.monotonic()
    while True:
        next_tick = max(next_tick + TICK_SECONDS, clock.monotonic())
        gevent.sleep(max(next_tick - clock.monotonic(), 0.0))
        ledger.pulse.tick()
