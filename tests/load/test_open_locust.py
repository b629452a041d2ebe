"""Open loads in Locust: visitors come when the plan says, and the process watches itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_sentry_harness.load.process import arguments, run_load
from pytest_sentry_harness.model.arming import ArmedStage, Arming
from pytest_sentry_harness.model.ledger import Beat, Note, Record
from pytest_sentry_harness.model.load import LoadInfo
from pytest_sentry_harness.model.scenario import Load, Stage
from pytest_sentry_harness.plan.arming_file import write_arming
from pytest_sentry_harness.reconcile.load_times import LoadTally, bottleneck

from .recording import arm, driven_environment, ledger
from .stalling import stalling_server

pytestmark = [pytest.mark.locust, pytest.mark.slow]

LOCUSTFILE = """
from locust import FastHttpUser, events, task, constant
from pytest_sentry_harness.locust_ext import OpenLoop, attach

@events.init.add_listener
def on_init(environment, **kwargs):
    attach(environment)


class Visitor(OpenLoop, FastHttpUser):
    most_at_once = MOST

    def on_start(self):
        self.visits = 0

    @task
    def look(self):
        self.visits += 1
        self.client.get("/work")
        if self.visits == 3:
            raise RuntimeError("a visitor's own mistake")

    def on_stop(self):
        print("visitor made", self.visits, "visits")


class Closed(FastHttpUser):
    wait_time = constant(0.01)

    @task
    def look(self):
        self.client.get("/work")
"""


def drive(
    folder: Path, host: str, load: Load, most: int = 500, *, told: bool = True
) -> tuple[list[Record], LoadInfo]:
    file = folder / "locustfile.py"
    file.write_text(LOCUSTFILE.replace("MOST", str(most)), encoding="utf-8")
    armed = arm(folder)
    stages = tuple(ArmedStage(seconds=s.seconds, start=s.start, end=s.end) for s in load.stages)
    fields = {name: getattr(armed, name) for name in armed.__dataclass_fields__}
    changed = {"stages": stages if told else (), "arrivals": load.arrivals, "senders": load.users}
    write_arming(Arming(**{**fields, **changed}), folder / "arming.json")
    run_load(load, host=host, env=driven_environment(folder), log=folder / "load.log")
    records, _ = ledger(folder)
    tally = LoadTally()
    for record in records:
        tally.see(record)
    info = tally.info(load)
    assert info is not None
    return records, info


def open_load(folder: Path, rate: float, seconds: float, users: int = 1, of: str = "Visitor") -> Load:
    return Load(
        locustfile=folder / "locustfile.py",
        users=users,
        run_time=seconds,
        stages=(Stage(seconds=seconds, start=rate, end=rate),),
        arrivals="constant",
        user_classes=(of,),
    )


def test_visitors_come_when_the_plan_says_whatever_the_target_does(tmp_path: Path) -> None:
    """A stall of 1.5 s: all 120 visits are due on time, and their latency counts from then."""
    load = open_load(tmp_path, 40, 3)
    with stalling_server(40, 1.5) as target:
        _, info = drive(tmp_path, target.url, load)
    assert (info.planned, info.requests, info.generator.held) == (120, 120, 0)
    assert info.all is not None
    assert info.all.latency is not None
    # Due within the stall are 60, and those of its first half wait longer than 0.75 s.
    assert info.all.latency.p95.value == pytest.approx(1.35, abs=0.4)
    assert info.all.latency.max == pytest.approx(1.5, abs=0.6)
    assert bottleneck(info, load) == []
    log = (tmp_path / "load.log").read_text(encoding="utf-8")
    assert "a visitor's own mistake" in log
    assert "visitor made" in log


def test_visitors_beyond_the_most_wait_and_it_is_said(tmp_path: Path) -> None:
    """Two at once against a stall."""
    load = open_load(tmp_path, 40, 2)
    with stalling_server(10, 1.0) as target:
        _, info = drive(tmp_path, target.url, load, most=2)
    assert info.generator.held > 0
    assert any("as many as allowed (most_at_once) were under way" in text for text in bottleneck(info, load))


def test_several_users_share_the_arrivals(tmp_path: Path) -> None:
    """Two users bring as many as one would."""
    load = open_load(tmp_path, 30, 2, users=2)
    with stalling_server() as target:
        _, info = drive(tmp_path, target.url, load)
    assert info.planned in (59, 60, 61)
    assert bottleneck(info, load) == []


def test_users_that_wait_cannot_bring_arrivals(tmp_path: Path) -> None:
    """The scenario has a rate, the locustfile a closed user: that is said, and its beats are on record."""
    load = open_load(tmp_path, 30, 1, of="Closed")
    with stalling_server() as target:
        records, info = drive(tmp_path, target.url, load)
    assert sum(record.sent for record in records if isinstance(record, Beat)) == info.requests > 0
    (doubt,) = bottleneck(info, load)
    assert doubt.endswith("derive the locustfile's user class from pytest_sentry_harness.locust_ext.OpenLoop")


def test_an_open_user_without_a_rate_is_an_error_of_the_set_up(tmp_path: Path) -> None:
    """The scenario says nothing of arrivals: the verdict must not be one about a load that never was."""
    load = Load(
        locustfile=tmp_path / "locustfile.py", users=2, run_time=2, user_classes=("Visitor", "Closed")
    )
    with stalling_server() as target:
        records, _ = drive(tmp_path, target.url, load, told=False)
    notes = [record.text for record in records if isinstance(record, Note)]
    assert notes == ["Visitor is an OpenLoop user, and the scenario's [load] has neither rate nor stages"]


def test_locust_is_given_time_for_the_last_arrival() -> None:
    """It counts from its own start, in whole seconds."""
    load = open_load(Path(), 10, 2.5)
    command = arguments(load, host="http://h", statistics=Path("s"))
    assert command[command.index("-t") + 1] == "5s"
