"""What the load generators' journals say of the load and of themselves; whether they were the bottleneck. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..load.histogram import Histogram
from ..model.ledger import Beat, Hello, Lasted, Record
from ..model.load import GeneratorHealth, LoadInfo, Quantile, RequestTimes, Spread
from ..model.scenario import Load
from ..plan.arrivals import expected
from ..statistics.quantiles import quantile_ranks

LAG_SHARE = 0.1
"""A generator may add at most that share to the latency it measures."""
LAG_SECONDS = 0.2
"""What it may add in any case: less is the scheduler of a busy machine, and decides no gate."""
MOST_CPU = 0.9
"""Of one core: a Python process uses no more, and close to it has no time to send when it should."""
ALL = "all"


@dataclass(slots=True)
class _Generator:
    """One process that sends."""

    cpu_seconds: float = 0.0
    seconds: float = 0.0
    """Of the beats in which something was sent or under way."""
    begun: float = math.inf
    ended: float = -math.inf

    def see(self, beat: Beat) -> None:
        if beat.planned or beat.sent or beat.in_flight:
            self.cpu_seconds += beat.cpu * beat.seconds
            self.seconds += beat.seconds
            self.begun = min(self.begun, beat.mono - beat.seconds)
            self.ended = max(self.ended, beat.mono)


@dataclass(slots=True)
class _Timed:
    failed: int = 0
    plain: int = 0
    plain_failed: int = 0
    service: Histogram = field(default_factory=Histogram)
    latency: Histogram = field(default_factory=Histogram)

    def add(self, record: Lasted) -> None:
        self.failed += record.failed
        self.plain += record.plain
        self.plain_failed += record.plain_failed
        self.service.merge(record.service, record.service_max)
        self.latency.merge(record.latency, record.latency_max)


class LoadTally:
    """Takes in the ledger while it streams by; keeps counts only."""

    def __init__(self) -> None:
        self._generators: list[_Generator] = []
        self._sending = False
        self._lag, self._loop_lag = Histogram(), Histogram()
        self._planned = self._sent = self._held = self._missed = self._most = 0
        self._timed: dict[str, _Timed] = {}
        self._all = _Timed()

    def see(self, record: Record) -> None:
        """Take in one record; only those of load generators say anything."""
        if isinstance(record, Hello):
            self._sending = record.role == "load"
            if self._sending:
                self._generators.append(_Generator())
        elif not self._sending:
            return
        elif isinstance(record, Beat):
            self._generators[-1].see(record)
            self._planned += record.planned
            self._sent += record.sent
            self._held += record.held
            self._missed += record.missed
            self._most = max(self._most, record.in_flight)
            self._lag.merge(record.lag)
            self._loop_lag.merge(record.loop_lag)
        elif isinstance(record, Lasted):
            self._timed.setdefault(record.request, _Timed()).add(record)
            self._all.add(record)

    def times(self) -> Iterator[tuple[str, int, Histogram]]:
        """Of the requests of each name how many failed, and how long they took from sending to the whole answer."""
        for name, timed in sorted(self._timed.items()):
            yield name, timed.failed, timed.service

    def info(self, load: Load | None) -> LoadInfo | None:
        """What is known of the load; None when no generator sent anything."""
        active = [each for each in self._generators if each.seconds]
        if load is None or not active:
            return None
        seconds = max(each.ended - each.begun for each in active)
        is_open = bool(load.stages)
        return LoadInfo(
            open=is_open,
            seconds=seconds,
            planned=self._planned if is_open else None,
            requests=self._sent,
            failed=self._all.failed,
            rate_asked=self._planned / seconds if is_open else None,
            rate=self._sent / seconds,
            all=_times(ALL, self._all) if self._all.service.count else None,
            by_request=tuple(_times(name, timed) for name, timed in sorted(self._timed.items())),
            generator=GeneratorHealth(
                processes=len(active),
                cpu=max(each.cpu_seconds / each.seconds for each in active),
                lag_p99=_p99(self._lag),
                lag_max=self._lag.at_rank(self._lag.count) if self._lag.count else None,
                loop_lag_p99=_p99(self._loop_lag),
                held=self._held,
                missed=self._missed,
                most_in_flight=self._most,
            ),
        )


def bottleneck(info: LoadInfo | None, load: Load | None) -> list[str]:
    """Why the load generator, and not the target, may have decided what was seen; nothing when it did not."""
    if info is None or load is None:
        return []
    return _open_doubts(info, load) if load.stages else _closed_doubts(info)


def _open_doubts(info: LoadInfo, load: Load) -> list[str]:
    health, count = info.generator, expected(load.stages)
    if not info.planned:
        return [
            f"the scenario asks for {count:.0f} arrivals, and the load generator planned none: derive the locustfile's "
            "user class from pytest_sentry_harness.locust_ext.OpenLoop"
        ]
    doubts = []
    allowed = 5 * math.sqrt(count) + 1 if load.arrivals == "poisson" else max(load.users, 1) + 1.0
    early = load.stop_after_faults is not None
    if info.planned > count + allowed or (info.planned < count - allowed and not early):
        doubts.append(
            f"the scenario asks for {count:.0f} arrivals, and the load generator planned {info.planned}: it was cut "
            f"short, or Locust was started with other users than {load.users}"
        )
    if health.held:
        never = f", and {health.missed} were never sent" if health.missed else ""
        doubts.append(
            f"the load generator was the bottleneck: {health.held} of {info.planned} requests were due while as many as "
            f"allowed ({load.users if load.requests else 'most_at_once'}) were under way{never}; allow more, or look why the target "
            "answers so slowly"
        )
    limit = max(LAG_SECONDS, LAG_SHARE * _latency_p99(info))
    if health.lag_p99 is not None and health.lag_p99 > limit and not health.held:
        doubts.append(
            f"the load generator was the bottleneck: 1 % of the requests were sent {_ms(health.lag_p99)} or more after they "
            f"were due, where {_ms(limit)} are allowed; lower the rate, or send from more processes"
        )
    if health.cpu > MOST_CPU:
        doubts.append(_busy(health))
    return doubts


def _closed_doubts(info: LoadInfo) -> list[str]:
    """Users that wait send as fast as they can: a full processor alone says nothing. Late timers beside it do."""
    health = info.generator
    limit = max(LAG_SECONDS, LAG_SHARE * (info.all.service.p99.value if info.all else 0.0))
    if health.cpu > MOST_CPU and health.loop_lag_p99 is not None and health.loop_lag_p99 > limit:
        return [f"{_busy(health)}; 1 % of its timers went off {_ms(health.loop_lag_p99)} or more too late"]
    return []


def _busy(health: GeneratorHealth) -> str:
    return (
        f"the load generator was the bottleneck: it used {health.cpu:.0%} of a processor, where {MOST_CPU:.0%} are allowed; "
        "lower the rate, or send from more processes"
    )


def _latency_p99(info: LoadInfo) -> float:
    return info.all.latency.p99.value if info.all and info.all.latency else 0.0


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


def _times(request: str, timed: _Timed) -> RequestTimes:
    return RequestTimes(
        request=request,
        requests=timed.service.count,
        failed=timed.failed,
        plain=timed.plain,
        plain_failed=timed.plain_failed,
        service=_spread(timed.service),
        latency=_spread(timed.latency) if timed.latency.count else None,
    )


def _spread(histogram: Histogram) -> Spread:
    return Spread(
        count=histogram.count,
        p50=_quantile(histogram, 0.5),
        p95=_quantile(histogram, 0.95),
        p99=_quantile(histogram, 0.99),
        max=histogram.longest,
    )


def _quantile(histogram: Histogram, share: float) -> Quantile:
    low, high = quantile_ranks(histogram.count, share)
    return Quantile(
        value=histogram.at_rank(_rank(histogram, share)),
        low=None if low is None else histogram.at_rank(low),
        high=None if high is None else histogram.at_rank(high),
    )


def _p99(histogram: Histogram) -> float | None:
    return histogram.at_rank(_rank(histogram, 0.99)) if histogram.count else None


def _rank(histogram: Histogram, share: float) -> int:
    return max(math.ceil(share * histogram.count - 1e-9), 1)
