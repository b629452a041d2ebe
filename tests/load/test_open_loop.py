"""Open loads of scripts: sent when due, latency from then, at most so many at once, and all of it on record."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import pytest

from pytest_sentry_harness.errors import LoadError
from pytest_sentry_harness.ledger.reader import read_ledger
from pytest_sentry_harness.load.open_loop import run_open_script
from pytest_sentry_harness.load.process import LoadEnding
from pytest_sentry_harness.load.script import run_script
from pytest_sentry_harness.model.arming import ArmedFault, Arming
from pytest_sentry_harness.model.ledger import Beat, Goodbye, Intent, Lasted, Record
from pytest_sentry_harness.model.load import LoadInfo
from pytest_sentry_harness.model.scenario import Load, LoadRequest, Stage
from pytest_sentry_harness.plan.arrivals import arrival_times
from pytest_sentry_harness.reconcile.load_times import LoadTally, bottleneck
from pytest_sentry_harness.targets.command import free_port

from .stalling import stalling_server

GET = (LoadRequest(method="GET", path="/work"),)


def steady(rate: float, seconds: float, **more: object) -> Load:
    fields: dict[str, object] = {
        "requests": GET,
        "users": 500,
        "run_time": seconds,
        "stages": (Stage(seconds=seconds, start=rate, end=rate),),
        "arrivals": "constant",
    }
    return Load(**{**fields, **more})  # type: ignore[arg-type]


def arming_in(folder: Path, *faults: ArmedFault, most: int | None = None) -> Arming:
    return Arming(
        run_id="run",
        key="k",
        seed=1,
        faults=faults,
        journal_dir=str(folder / "ledger"),
        lease=str(folder / "lease"),
        stop_after_faults=most,
    )


def drive(load: Load, host: str, folder: Path, **more: object) -> tuple[LoadEnding, list[Record], LoadInfo]:
    run = run_open_script if load.stages else run_script
    arming = more.pop("arming", None) or arming_in(folder)
    ending = run(load, host=host, arming=arming, log=folder / "load.log", **more)  # type: ignore[arg-type]
    records = list(read_ledger(folder / "ledger"))
    tally = LoadTally()
    for record in records:
        tally.see(record)
    info = tally.info(load)
    assert info is not None
    return ending, records, info


def share_of(ordered: list[float], share: float) -> float:
    return ordered[math.ceil(share * len(ordered)) - 1]


@pytest.mark.slow
def test_latency_from_when_requests_were_due_is_exact_where_a_closed_loop_is_wrong(tmp_path: Path) -> None:
    """A stall of 2 s: the open loop's percentiles are those computed from the plan, the closed loop sees one slow request."""
    load = steady(50, 6)
    first, stall = 100, 2.0
    due = list(arrival_times(load.stages, "constant", 1))
    # From the hundredth request on, everybody waits until two seconds after it.
    exact = sorted(max(due[first - 1] + stall - each, 0.0) if each >= due[first - 1] else 0.0 for each in due)
    with stalling_server(first, stall) as target:
        ending, _, info = drive(load, target.url, tmp_path / "open")
    assert (ending.requests, info.requests, info.planned) == (300, 300, 300)
    assert info.all is not None
    assert info.all.latency is not None
    for share, measured in ((0.95, info.all.latency.p95), (0.99, info.all.latency.p99)):
        assert measured.value == pytest.approx(share_of(exact, share), abs=0.35)
    assert info.all.latency.max == pytest.approx(2.0, abs=0.5)
    assert sum(each > 0.5 for each in exact) == 75
    # The closed loop with one user sends the same 300 requests, and one of them takes two seconds.
    with stalling_server(first, stall) as target:
        _, _, closed = drive(
            Load(requests=(LoadRequest(method="GET", path="/work", times=300),), users=1, run_time=60),
            target.url,
            tmp_path / "closed",
        )
    assert closed.all is not None
    assert (closed.all.latency, closed.all.service.max) == (None, pytest.approx(2.0, abs=0.5))
    assert closed.all.service.p99.value < 1.0 < share_of(exact, 0.95)


@pytest.mark.slow
def test_each_request_is_on_record_with_its_times(tmp_path: Path) -> None:
    """The script is gone through again and again; failures are counted, names kept apart."""
    script = (
        LoadRequest(method="GET", path="/work", times=2),
        LoadRequest(method="POST", path="/boom?x=1", json={"a": 1}),
    )
    with stalling_server() as target:
        ending, records, info = drive(steady(60, 1, requests=script), target.url, tmp_path)
    assert (ending.requests, ending.failures, ending.unsent) == (60, 20, 0)
    by_name = {each.request: each for each in info.by_request}
    assert {
        name: (each.requests, each.failed, each.plain, each.plain_failed) for name, each in by_name.items()
    } == {
        "GET /work": (40, 0, 40, 0),
        "POST /boom": (20, 20, 20, 20),
    }
    assert info.rate_asked == pytest.approx(info.rate)
    beats = [record for record in records if isinstance(record, Beat)]
    assert (sum(beat.planned for beat in beats), sum(beat.sent for beat in beats)) == (60, 60)
    assert sum(sum(beat.lag.values()) for beat in beats) == 60
    assert isinstance(records[-1], Goodbye)
    assert isinstance(records[-2], Lasted)


@pytest.mark.slow
def test_connections_are_kept_but_not_for_requests_with_faults(tmp_path: Path) -> None:
    """A few connections serve all plain requests; those that may meet a fault have one of their own."""
    fault = ArmedFault(name="late", at="app:work", do="raise(TimeoutError)", on=("GET /boom",))
    script = (
        LoadRequest(method="GET", path="/work", times=9),
        LoadRequest(method="GET", path="/boom"),
    )
    with stalling_server() as target:
        _, records, _ = drive(
            steady(100, 1, requests=script), target.url, tmp_path, arming=arming_in(tmp_path, fault)
        )
        assert target.connections < 60
    assert sum(isinstance(record, Intent) for record in records) == 10


@pytest.mark.slow
def test_a_server_that_closes_its_connections_loses_nothing(tmp_path: Path) -> None:
    """A connection that will not be kept is not used again."""
    with stalling_server() as target:
        ending, _, _ = drive(
            steady(50, 1, requests=(LoadRequest(method="GET", path="/close"),)), target.url, tmp_path
        )
    assert (ending.requests, ending.failures) == (50, 0)


@pytest.mark.slow
def test_what_is_due_beyond_the_most_waits_and_is_said_so(tmp_path: Path) -> None:
    """Two at once against a stall: the others are held, their latency counts from when they were due."""
    load = steady(40, 1, users=2)
    with stalling_server(5, 1.5) as target:
        ending, _, info = drive(load, target.url, tmp_path)
    assert ending.requests == 40
    assert info.generator.held > 20
    assert info.generator.most_in_flight <= 2
    assert info.all is not None
    assert info.all.latency is not None
    assert info.all.latency.p50.value > info.all.service.p50.value
    (doubt,) = bottleneck(info, load)
    assert doubt.startswith(f"the load generator was the bottleneck: {info.generator.held} of 40 requests")
    assert "as many as allowed (2)" in doubt


def test_the_load_ends_when_enough_faults_were_asked_for(tmp_path: Path) -> None:
    """``faults`` in the scenario ends an open load early too; the rest is not missed."""
    fault = ArmedFault(name="late", at="app:work", do="raise(TimeoutError)")
    load = steady(50, 30, stop_after_faults=10)
    with stalling_server() as target:
        ending, records, info = drive(load, target.url, tmp_path, arming=arming_in(tmp_path, fault, most=10))
    assert 10 <= ending.requests < 50
    assert sum(isinstance(record, Intent) for record in records) == 10
    assert info.generator.missed == 0


def test_nobody_answers(tmp_path: Path) -> None:
    """A load that cannot reach the target is an error with the first reason."""
    with pytest.raises(
        LoadError, match=r"no request was answered; the first said: GET /work: Connection"
    ) as error:
        drive(steady(50, 0.2), f"http://127.0.0.1:{free_port()}", tmp_path)
    assert error.value.hint == "does the target listen on the port it was given ({port})?"


def test_what_the_poll_raises_ends_the_load(tmp_path: Path) -> None:
    """The target died, say: nothing more is sent, and the journal is closed."""
    seen = threading.Event()

    def poll(seconds: float) -> None:
        seen.set()
        raise KeyboardInterrupt

    with stalling_server() as target, pytest.raises(KeyboardInterrupt):
        drive(steady(20, 60), target.url, tmp_path, on_poll=poll)
    assert seen.is_set()
    assert isinstance(list(read_ledger(tmp_path / "ledger"))[-1], Goodbye)


def test_a_request_that_cannot_be_marked_is_no_lost_request(tmp_path: Path) -> None:
    """An error of the harness itself goes on to the caller."""
    load = steady(20, 5, requests=(LoadRequest(method="GET", path="/work", faults=("unknown",)),))
    with stalling_server() as target, pytest.raises(KeyError, match="unknown"):
        drive(load, target.url, tmp_path)
