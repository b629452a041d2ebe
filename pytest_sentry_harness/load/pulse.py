"""The load generator watches itself: whether it sends when it should, and has the time to.

Threads and greenlets have their own ways to sleep, so whoever drives it calls ``tick`` every ``TICK_SECONDS``; how late
that comes is a measure in itself.
"""

from __future__ import annotations

import resource
import threading

from .. import clock
from ..ledger.journal import Journal
from ..model.ledger import Beat, Lasted
from .histogram import Histogram
from .meter import Meter

TICK_SECONDS = 0.05
_BEAT_SECONDS = 1.0
_LASTED_EVERY = 5
"""Times are written down with every fifth beat only: they are many more numbers."""


class Pulse:
    """Writes beats, and with some of them the times of requests, into the journal. Safe to call from any thread."""

    def __init__(self, journal: Journal, meter: Meter) -> None:
        self._journal = journal
        self._meter = meter
        self._lock = threading.Lock()
        self._lag, self._loop_lag = Histogram(), Histogram()
        self._planned = self._held = self._missed = 0
        self._beats = 0
        self.restart()

    def restart(self) -> None:
        """The load begins now: what was before it does not count."""
        with self._lock:
            self._begun = clock.monotonic()
            self._expected = self._begun + TICK_SECONDS
            self._cpu = _cpu_seconds()

    def due(self, held: bool = False) -> None:
        """A request is due; ``held``: it has to wait, for as many as allowed are under way."""
        with self._lock:
            self._planned += 1
            self._held += held

    def dispatched(self, lag: float) -> None:
        """A request is sent ``lag`` seconds later than it was due."""
        with self._lock:
            self._lag.add(lag)

    def missed(self, count: int) -> None:
        """``count`` requests were due and will not be sent."""
        with self._lock:
            self._missed += count

    def tick(self, now: float | None = None) -> None:
        """Called every ``TICK_SECONDS``, or a little later; writes a beat when one is due."""
        now = clock.monotonic() if now is None else now
        with self._lock:
            self._loop_lag.add(max(now - self._expected, 0.0))
            self._expected = now + TICK_SECONDS
        if now - self._begun >= _BEAT_SECONDS:
            self.beat(now)

    def beat(self, now: float | None = None, *, last: bool = False) -> None:
        """Write down how it went since the last beat; ``last``: with all that is not yet on record."""
        now = clock.monotonic() if now is None else now
        with self._lock:
            seconds, self._begun = max(now - self._begun, 1e-9), now
            cpu, self._cpu = _cpu_seconds() - self._cpu, _cpu_seconds()
            planned, held, missed = self._planned, self._held, self._missed
            self._planned = self._held = self._missed = 0
            lag, loop_lag = self._lag.taken(), self._loop_lag.taken()
            self._beats += 1
            full = last or self._beats % _LASTED_EVERY == 0
        sent, in_flight = self._meter.sent_since()
        self._journal.write(
            Beat,
            seconds=seconds,
            planned=planned,
            sent=sent,
            held=held,
            missed=missed,
            in_flight=in_flight,
            cpu=cpu / seconds,
            lag=lag,
            loop_lag=loop_lag,
        )
        if full:
            self._write_times()

    def _write_times(self) -> None:
        for request, timer in self._meter.taken().items():
            service_max, latency_max = timer.service.longest, timer.latency.longest
            self._journal.write(
                Lasted,
                request=request,
                failed=timer.failed,
                service=timer.service.taken(),
                latency=timer.latency.taken(),
                service_max=service_max,
                latency_max=latency_max,
                plain=timer.plain,
                plain_failed=timer.plain_failed,
            )


class PulseThread:
    """Ticks in a thread of its own while the ``with`` block lasts, and writes the last beat when it ends."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sentry-harness-pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._pulse.restart()
        self._thread.start()
        return self._pulse

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._pulse.beat(last=True)

    def _run(self) -> None:
        while not self._over.wait(TICK_SECONDS):
            self._pulse.tick()


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
