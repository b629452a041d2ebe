"""What load generators' journals say: counts, percentiles, and whether the generator was the bottleneck."""

from __future__ import annotations

import pytest

from pytest_sentry_harness.load.histogram import Histogram
from pytest_sentry_harness.model.ledger import Beat, Hello, Lasted, Note, Record
from pytest_sentry_harness.model.load import LoadInfo
from pytest_sentry_harness.model.scenario import Load, LoadRequest, Stage
from pytest_sentry_harness.reconcile.load_times import LoadTally, bottleneck

OPEN = Load(
    requests=(LoadRequest(method="GET", path="/"),),
    users=500,
    stages=(Stage(seconds=10, start=100, end=100),),
)
CLOSED = Load(requests=(LoadRequest(method="GET", path="/"),), users=2)


def buckets(*seconds: float, times: int = 1) -> dict[int, int]:
    histogram = Histogram()
    for each in seconds * times:
        histogram.add(each)
    return histogram.taken()


def hello(role: str = "load") -> Hello:
    return Hello(
        at=0,
        mono=0,
        run_id="r",
        role=role,
        pid=1,
        parent_pid=0,
        argv=(),
        python="3",
        harness="0",  # type: ignore[arg-type]
    )


def beat(mono: float = 10.0, **fields: object) -> Beat:
    given = {
        "seconds": 10.0,
        "planned": 1000,
        "sent": 1000,
        "in_flight": 5,
        "cpu": 0.2,
        "lag": buckets(0.001, times=1000),
    }
    return Beat(at=mono, mono=mono, **{**given, **fields})  # type: ignore[arg-type]


def lasted(name: str = "GET /", seconds: float = 0.02, count: int = 1000, **fields: object) -> Lasted:
    given = {
        "failed": 0,
        "service": buckets(seconds, times=count),
        "latency": buckets(seconds, times=count),
        "service_max": seconds,
        "latency_max": seconds,
    }
    return Lasted(at=1, mono=1, request=name, **{**given, **fields})  # type: ignore[arg-type]


def known(load: Load, *records: Record) -> LoadInfo:
    tally = LoadTally()
    for record in records:
        tally.see(record)
    info = tally.info(load)
    assert info is not None
    return info


def doubts(load: Load, *records: Record) -> list[str]:
    return bottleneck(known(load, *records), load)


def test_a_healthy_generator_raises_no_doubt() -> None:
    """And the figures are those of its records."""
    info = known(
        OPEN, hello(), beat(), lasted(seconds=0.02, count=500), lasted("GET /b", 0.05, 500, failed=3)
    )
    assert (info.open, info.planned, info.requests, info.failed, info.seconds) == (True, 1000, 1000, 3, 10)
    assert (info.rate_asked, info.rate, [each.request for each in info.by_request]) == (
        100,
        100,
        ["GET /", "GET /b"],
    )
    assert info.all is not None
    assert info.all.latency is not None
    assert info.all.latency.p50.value == pytest.approx(0.02, rel=0.005)
    assert info.all.latency.p95.value == pytest.approx(0.05, rel=0.005)
    assert (info.all.latency.p95.low, info.all.latency.max) == (pytest.approx(0.05, rel=0.005), 0.05)
    assert info.generator.lag_max == pytest.approx(0.001, rel=0.005)
    assert bottleneck(info, OPEN) == []


def test_processes_are_added_up() -> None:
    """Two workers: counts are sums, the busiest processor is shown, the time is that of the longer one."""
    info = known(
        OPEN,
        hello(),
        beat(planned=500, sent=500, cpu=0.3),
        lasted(count=500),
        hello(),
        beat(mono=12, planned=500, sent=500, cpu=0.5),
        beat(mono=13, seconds=1, planned=0, sent=0, in_flight=0, cpu=1.0, lag={}),
        lasted(count=500),
    )
    assert (info.planned, info.requests, info.generator.processes) == (1000, 1000, 2)
    assert (info.generator.cpu, info.seconds) == (0.5, 10)
    assert info.by_request[0].requests == 1000


def test_what_targets_write_says_nothing_of_the_load() -> None:
    """Only journals of load generators count; without any there is nothing to say."""
    tally = LoadTally()
    for record in (hello("target"), beat(), lasted(), hello(), Note(at=0, mono=0, level="info", text="x")):
        tally.see(record)
    assert tally.info(OPEN) is None
    assert bottleneck(None, OPEN) == []
    assert known(OPEN, hello(), beat()).all is None


def test_a_small_sample_has_no_upper_bound() -> None:
    """Of ten requests nobody can say how long the slowest hundredth takes."""
    info = known(OPEN, hello(), beat(), lasted(count=10))
    assert info.all is not None
    assert info.all.service.p99.high is None
    assert info.all.service.p50.low is not None


@pytest.mark.parametrize(
    ("records", "text"),
    [
        (
            (beat(held=7, missed=2), lasted()),
            "the load generator was the bottleneck: 7 of 1000 requests were due while as many as allowed (500) were under "
            "way, and 2 were never sent; allow more, or look why the target answers so slowly",
        ),
        (
            (beat(lag=buckets(0.3, times=1000)), lasted()),
            "the load generator was the bottleneck: 1 % of the requests were sent 301 ms or more after they were due, where "
            "200 ms are allowed; lower the rate, or send from more processes",
        ),
        (
            (beat(cpu=0.97), lasted()),
            "the load generator was the bottleneck: it used 97% of a processor, where 90% are allowed; lower the rate, or "
            "send from more processes",
        ),
        (
            (beat(planned=500), lasted()),
            "the scenario asks for 1000 arrivals, and the load generator planned 500: it was cut short, or Locust was started "
            "with other users than 500",
        ),
        (
            (beat(planned=0), lasted()),
            "the scenario asks for 1000 arrivals, and the load generator planned none: derive the locustfile's user class "
            "from pytest_sentry_harness.locust_ext.OpenLoop",
        ),
    ],
)
def test_a_generator_that_was_the_bottleneck_says_so_with_numbers(
    records: tuple[Record, ...], text: str
) -> None:
    """Each sign by itself makes a doubt."""
    assert doubts(OPEN, hello(), *records) == [text]


def test_lag_is_judged_by_the_latency_that_matters() -> None:
    """300 ms late is much for an answer in 20 ms, and a tenth of one that takes four seconds."""
    late = beat(lag=buckets(0.3, times=1000))
    assert doubts(OPEN, hello(), late, lasted(seconds=4.0)) == []
    assert len(doubts(OPEN, hello(), late, lasted(seconds=1.0))) == 1


def test_a_load_that_ended_early_by_itself_planned_less() -> None:
    """``faults`` in the scenario ends it."""
    early = Load(requests=OPEN.requests, users=500, stages=OPEN.stages, stop_after_faults=50)
    assert doubts(early, hello(), beat(planned=100, sent=100), lasted(count=100)) == []


def test_users_that_wait_may_use_the_whole_processor() -> None:
    """As long as the process still wakes when it should."""
    records = (lasted(latency={}), hello())
    busy = beat(planned=0, cpu=0.99, lag={}, loop_lag=buckets(0.01, times=100))
    late = beat(planned=0, cpu=0.99, lag={}, loop_lag=buckets(0.5, times=100))
    assert doubts(CLOSED, hello(), busy, *records) == []
    (doubt,) = doubts(CLOSED, hello(), late, *records)
    assert doubt.endswith("; 1 % of its timers went off 501 ms or more too late")
    info = known(CLOSED, hello(), busy, *records)
    assert (info.open, info.planned, info.rate_asked, info.generator.lag_p99) == (False, None, None, None)
