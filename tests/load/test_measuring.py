"""The parts that measure: histograms, the meter, the pulse, the crew."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest

from pytest_sentry_harness.ledger.journal import Journal
from pytest_sentry_harness.ledger.reader import read_ledger
from pytest_sentry_harness.load.crew import Crew
from pytest_sentry_harness.load.histogram import Histogram, bucket_of, seconds_in
from pytest_sentry_harness.load.intended import due_at, due_here
from pytest_sentry_harness.load.meter import OTHERS, Meter
from pytest_sentry_harness.load.pulse import Pulse
from pytest_sentry_harness.model.ledger import Beat, Lasted


@pytest.mark.parametrize("seconds", [1e-6, 3.3e-5, 0.001, 0.25, 1.0, 2.0, 31.7, 4000.0])
def test_a_bucket_stands_for_its_times_to_half_a_percent(seconds: float) -> None:
    """The value given for a bucket is near to whatever fell into it."""
    assert seconds_in(bucket_of(seconds)) == pytest.approx(seconds, rel=0.005)


def test_nothing_and_less_is_counted_as_a_microsecond() -> None:
    """A duration of zero has no logarithm."""
    assert bucket_of(0.0) == bucket_of(-1.0) == bucket_of(1e-6)


def test_ranks_of_a_histogram_are_those_of_the_sample() -> None:
    """Of ten thousand times, each rank comes out to half a percent, and the longest exactly."""
    source = random.Random(1)
    sample = sorted(source.lognormvariate(-4, 1) for _ in range(10_000))
    histogram, other = Histogram(), Histogram()
    for each in sample[::2]:
        histogram.add(each)
    for each in sample[1::2]:
        other.add(each)
    longest = other.longest
    histogram.merge(other.taken(), longest)
    for rank in (1, 500, 5000, 9900, 9999):
        assert histogram.at_rank(rank) == pytest.approx(sample[rank - 1], rel=0.0051)
    assert (histogram.at_rank(10_000), histogram.longest) == (
        pytest.approx(sample[-1], rel=0.0051),
        sample[-1],
    )
    assert (other.count, other.at_rank(1)) == (0, 0.0)
    assert len(histogram.buckets) < 1000


def test_only_the_first_request_of_a_visit_was_due_when_the_visit_was() -> None:
    """What follows it is due when it is sent; outside of visits nothing is due."""
    assert due_here(5.0) is None
    with due_at(3.0):
        assert (due_here(5.0), due_here(6.0)) == (3.0, 6.0)
    assert due_here(7.0) is None


def test_the_meter_keeps_names_apart_until_there_are_too_many() -> None:
    """Five hundred names at most: the others are counted together."""
    meter = Meter()
    for number in range(600):
        meter.begun()
        meter.ended(f"GET /{number}", 0.1, 0.2 if number % 2 else None, failed=number == 0)
    assert meter.sent_since() == (600, 1)
    timers = meter.taken()
    assert (len(timers), timers[OTHERS].service.count, timers["GET /0"].failed) == (501, 100, 1)
    assert (timers["GET /0"].latency.count, timers["GET /1"].latency.count) == (0, 1)
    meter.begun()
    meter.ended("GET /0", 0.1, None, failed=False)
    meter.begun()
    meter.ended("GET /999", 0.1, None, failed=False)
    assert (set(meter.taken()), meter.taken()) == ({"GET /0", OTHERS}, {})


def test_the_pulse_writes_a_beat_a_second_and_times_with_some(tmp_path: Path) -> None:
    """By a clock of the test's own: what was due, held, missed, late; times with each fifth beat and the last."""
    journal = Journal(tmp_path, run_id="run", role="load")
    meter = Meter()
    pulse = Pulse(journal, meter)
    now = pulse._begun
    pulse.due()
    pulse.due(held=True)
    pulse.missed(1)
    pulse.dispatched(0.25)
    meter.begun()
    meter.ended("GET /", 0.5, 0.75, failed=True)
    for step in range(1, 61):
        pulse.tick(now + 0.12 * step)
    pulse.beat(now + 8.0, last=True)
    journal.close("done")
    records = list(read_ledger(tmp_path))
    beats = [record for record in records if isinstance(record, Beat)]
    assert len(beats) == 7
    first = beats[0]
    assert (first.planned, first.held, first.missed, first.sent, first.in_flight) == (2, 1, 1, 1, 1)
    assert first.lag == {bucket_of(0.25): 1}
    assert sum(first.loop_lag.values()) == 9
    assert max(map(seconds_in, first.loop_lag)) == pytest.approx(0.07, rel=0.01)
    assert sum(beat.planned for beat in beats) == 2
    (lasted,) = (record for record in records if isinstance(record, Lasted))
    assert (lasted.request, lasted.failed, lasted.service_max, lasted.latency_max) == ("GET /", 1, 0.5, 0.75)
    assert (lasted.service, lasted.latency) == ({bucket_of(0.5): 1}, {bucket_of(0.75): 1})


def test_a_crew_works_at_once_until_all_are_busy() -> None:
    """Two threads: the third has to wait, and has its turn when one is free."""
    release, done = threading.Event(), threading.Semaphore(0)
    seen: list[float] = []

    def work(moment: float) -> None:
        release.wait(10)
        seen.append(moment)
        done.release()

    crew = Crew(work, 2)
    assert [crew.give(number) for number in (1.0, 2.0, 3.0)] == [True, True, False]
    assert crew.busy
    release.set()
    for _ in range(3):
        assert done.acquire(timeout=10)
    assert sorted(seen) == [1.0, 2.0, 3.0]
    assert crew.stop() == 0
    assert crew.failure is None


def test_a_crew_that_is_stopped_leaves_what_waits() -> None:
    """What is worked on is finished, the rest is counted."""
    release, begun = threading.Event(), threading.Event()

    def work(_: float) -> None:
        begun.set()
        release.wait(10)

    crew = Crew(work, 1)
    for number in range(4):
        crew.give(number)
    assert begun.wait(10)
    threading.Timer(0.1, release.set).start()
    assert crew.stop() == 3


def test_a_crew_keeps_what_its_work_raised() -> None:
    """And works on nothing after that."""

    def work(moment: float) -> None:
        raise ValueError(moment)

    crew = Crew(work, 3)
    crew.give(1.0)
    deadline = time.monotonic() + 10
    while crew.failure is None and time.monotonic() < deadline:
        time.sleep(0.01)
    crew.give(2.0)
    crew.stop()
    assert isinstance(crew.failure, ValueError)
