"""The account of a run that goes on: what it counts, what it forgets, and that a look costs what is new."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_sentry_harness.errors import EvidenceError
from pytest_sentry_harness.harness.live import LiveView, of_server, of_store
from pytest_sentry_harness.ledger.follow import Follower
from pytest_sentry_harness.ledger.journal import Journal, encode_record
from pytest_sentry_harness.load.histogram import Histogram
from pytest_sentry_harness.model.arrival import Arrival
from pytest_sentry_harness.model.ledger import (
    Answered,
    Beat,
    Fired,
    Goodbye,
    Lasted,
    Note,
    Record,
    SdkDiscarded,
    SdkDropped,
    SdkSaw,
)
from pytest_sentry_harness.model.live import Live
from pytest_sentry_harness.model.scenario import Expect
from pytest_sentry_harness.reconcile import live as live_module
from pytest_sentry_harness.reconcile.live import LiveAccount
from pytest_sentry_harness.report.live import live_line, live_rows
from pytest_sentry_harness.server.client import EmbeddedServer

from .programs import job, run_folder

NOW = {"at": 1000.0, "mono": 50.0}


def fired(number: int, **more: Any) -> Fired:
    fields: dict[str, Any] = {"fault": "boom", "point": "a:b", "effect": "raise", "term": "raise"} | more
    return Fired(fault_id=f"boom-{number:06d}", **fields, **NOW)


def saw(number: int, event: str | None = None) -> SdkSaw:
    return SdkSaw(fault_ids=(f"boom-{number:06d}",), event_id=event or f"{number:032x}", **NOW)


def dropped(number: int, event: str | None = None, **more: Any) -> SdkDropped:
    fields: dict[str, Any] = {"stage": "before_send", "reason": "before_send", "culprit": "app.scrub"} | more
    return SdkDropped(fault_ids=(f"boom-{number:06d}",), event_id=event, **fields, **NOW)


def discarded(number: int, reason: str = "queue_overflow") -> SdkDiscarded:
    return SdkDiscarded(event_id=f"{number:032x}", reason=reason, category="error", **NOW)


def arrival(number: int, outcome: Any = "accepted", **more: Any) -> Arrival:
    fields: dict[str, Any] = {
        "cursor": number,
        "request": number,
        "position": 0,
        "project": "1",
        "received_at": 1000.0,
        "received_mono": 50.0,
        "status": 200,
        "outcome": outcome,
        "item_type": "event",
        "event_id": f"{number:032x}",
    }
    return Arrival(**(fields | more))


def account(*seen: Record | Arrival, **expectations: Expect) -> LiveAccount:
    found = LiveAccount(expectations, 0.0)
    take(found, seen)
    return found


def take(found: LiveAccount, seen: Iterable[Record | Arrival], at: float = 1.0) -> None:
    for each in seen:
        if isinstance(each, Arrival):
            found.arrived(each)
        else:
            found.see(each, at)


def figures(live: Live) -> tuple[int, int, int, int, int]:
    """Fired, captured, on their way, overdue, lost."""
    return live.fired, live.captured, live.outstanding, live.overdue, live.lost


def test_each_fault_is_captured_lost_on_its_way_or_overdue() -> None:
    """And these always add up to what should be captured."""
    found = account(
        *(fired(n) for n in range(6)),
        *(saw(n) for n in range(5)),
        arrival(0),
        arrival(1, "refused", status=429, reason="rate_limited"),
        dropped(2, f"{2:032x}"),
        discarded(3),
    )
    live = found.now(2.0)
    assert figures(live) == (6, 1, 2, 0, 3)
    assert dict(live.losses) == {
        "answered 429 (rate_limited)": 1,
        "app.scrub (before_send)": 1,
        "queue_overflow": 1,
    }
    assert figures(found.now(10.0)) == (6, 1, 0, 2, 3)
    take(found, [arrival(4)], 11.0)
    assert figures(found.now(11.0)) == (6, 2, 0, 1, 3)


@pytest.mark.parametrize(
    ("seen", "captured", "lost"),
    [
        # The store was looked at before the journal.
        ([arrival(0), fired(0), saw(0)], 1, 0),
        # A second report of the same exception is dropped, and the first one arrives.
        ([fired(0), saw(0), dropped(0, stage="dedupe", reason="dedupe"), arrival(0)], 1, 0),
        # Dropped at first, reported again, and that arrives.
        ([fired(0), dropped(0), saw(0), arrival(0)], 1, 0),
        # Refused, sent again, accepted.
        ([fired(0), saw(0), arrival(0, "refused"), saw(0), arrival(0)], 1, 0),
        # Two events hold it, and one is lost.
        ([fired(0), saw(0), saw(0, "f" * 32), discarded(0), arrival(1, event_id="f" * 32)], 1, 0),
        # A duplicate is no second capture, and nor is a second event.
        ([fired(0), saw(0), arrival(0), arrival(0, "duplicate"), saw(0, "e" * 32)], 1, 0),
        # Counted as lost by transport and by answer: once.
        ([fired(0), saw(0), arrival(0, "refused"), discarded(0)], 0, 1),
        # An event without an id never left.
        ([fired(0), replace(saw(0), event_id=None), dropped(0)], 0, 1),
        # Said of events that hold no fault.
        ([fired(0), discarded(7), dropped(7), arrival(9), SdkDiscarded(event_id=None, reason="x", category="error", **NOW)], 0, 0),
        # The same fault in a second process.
        ([fired(0), fired(0), saw(0), arrival(0)], 1, 0),
    ],
)  # fmt: skip
def test_orders_in_which_things_become_known(seen: list[Record | Arrival], captured: int, lost: int) -> None:
    """Whatever comes first, a fault ends in one place."""
    live = account(*seen).now(2.0)
    assert (live.captured, live.lost, live.expected) == (captured, lost, 1)
    assert live.outstanding == 1 - captured - lost


def test_faults_nobody_injected_are_followed_by_their_trace() -> None:
    """Whichever of the two becomes known first."""
    one = fired(0, effect="provoked", trace_id="a" * 32)
    two = fired(1, effect="provoked", trace_id="b" * 32)
    found = account(one, arrival(5, trace_id="a" * 32), arrival(6, trace_id="b" * 32), two)
    assert figures(found.now(2.0)) == (2, 2, 0, 0, 0)


def test_what_need_not_be_captured_is_not_waited_for() -> None:
    """Slow calls are no errors, and a scenario may say that an error is to stay unreported."""
    found = account(fired(0, effect="sleep"), fired(1, fault="quiet"), fired(2), quiet=Expect(captured=False))
    live = found.now(2.0)
    assert (live.fired, live.expected, live.outstanding) == (3, 1, 1)


def test_rates_are_those_of_the_last_seconds() -> None:
    """Not of the whole run."""
    found = account()
    for second in range(1, 21):
        at = float(second)
        take(found, [fired(n) for n in range(second * 100, second * 100 + (10 if second > 10 else 2))], at)
        take(found, [Beat(seconds=1.0, sent=40 if second > 10 else 4, **NOW)], at)
        live = found.now(at)
    assert live.fired_rate == pytest.approx(10.0)
    assert live.request_rate == pytest.approx(40.0)
    assert (live.fired, live.requests) == (120, 440)


def test_latency_is_within_half_a_percent_of_the_exact_one() -> None:
    """By buckets that grow with the time: of a fixed size, however many requests there are."""
    chance = random.Random(7)
    times = [chance.lognormvariate(-3, 1.2) for _ in range(20_000)]
    found = account(
        *(Answered(fault_ids=("boom-000001",), trace_id="a", status=500, seconds=t, **NOW) for t in times)
    )
    live = found.now(2.0)
    exact = sorted(times)
    assert live.latency_p50 == pytest.approx(exact[9_999], rel=0.006)
    assert live.latency_p95 == pytest.approx(exact[18_999], rel=0.006)
    assert live.requests == 20_000


def test_latency_of_all_requests_comes_before_that_of_those_with_faults() -> None:
    """And what users of an open load waited for their turn belongs to it."""
    service, latency = Histogram(), Histogram()
    for _ in range(10):
        service.add(0.01)
        latency.add(2.0)
    answered = Answered(fault_ids=("x",), trace_id="a", status=500, seconds=9.0, **NOW)
    closed = Lasted(request="GET /", failed=0, service=dict(service.buckets), service_max=0.01, **NOW)
    opened = replace(closed, latency=dict(latency.buckets), latency_max=2.0)
    assert account(answered, closed).now(2.0).latency_p95 == pytest.approx(0.01, rel=0.01)
    assert account(answered, opened).now(2.0).latency_p50 == pytest.approx(2.0, rel=0.01)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is forgotten stays overdue, and the sum still holds."""
    monkeypatch.setattr(live_module, "_MOST_OPEN", 50)
    monkeypatch.setattr(live_module, "_MOST_REASONS", 3)
    found = account()
    for n in range(1000):
        take(found, [fired(n), saw(n), arrival(5000 + n)], at=float(n))
    live = found.now(1000.0)
    assert figures(live) == (1000, 0, live.outstanding, 1000 - live.outstanding, 0)
    assert max(map(len, (found._open, found._events, found._strays, found._young))) <= 50
    for n in range(2000, 2020):
        take(found, [fired(n), dropped(n, culprit=f"hook {n}" + "x" * 500)], at=1001.0)
    live = found.now(1001.0)
    assert len(live.losses) == 4
    assert live.losses[0] == (live_module.OTHERS, 17)
    assert max(len(reason) for reason, _ in live.losses) <= 120


def test_forgotten_traces_and_old_faults_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults that nobody injected are forgotten with their traces."""
    monkeypatch.setattr(live_module, "_MOST_OPEN", 5)
    found = account(*(fired(n, effect="provoked", trace_id=f"{n:032x}") for n in range(10)))
    assert len(found._traces) == 5
    take(found, [arrival(500, event_id=None, trace_id=f"{9:032x}")])
    assert found.now(2.0).captured == 1
    assert len(found._traces) == 4


def test_a_look_reads_only_what_is_new(tmp_path: Path) -> None:
    """Half a line waits for its other half; a new journal is found; other files are left alone."""
    follower = Follower(tmp_path)
    first = tmp_path / "load-1.journal"
    line = encode_record(Note(level="info", text="hello", **NOW))
    first.write_bytes(line * 3 + line[:10])
    (tmp_path / "other.txt").write_bytes(line)
    (tmp_path / "folder.journal").mkdir()
    assert list(follower.lines()) == [line[:-1]] * 3
    assert list(follower.lines()) == []
    assert not follower.behind
    with first.open("ab") as file:
        file.write(line[10:])
    (tmp_path / "target-2.journal").write_bytes(line * 2)
    assert list(follower.lines()) == [line[:-1]] * 3


def test_a_look_is_bounded_and_no_journal_starves(tmp_path: Path) -> None:
    """What is more than one look takes in is read by the next ones, the least read journal first."""
    line = encode_record(Note(level="info", text="x" * 50, **NOW))
    (tmp_path / "a.journal").write_bytes(line * 100)
    (tmp_path / "b.journal").write_bytes(line * 10)
    follower = Follower(tmp_path)
    looks = []
    while True:
        looks.append(len(list(follower.lines(most=len(line) * 20))))
        if not follower.behind:
            break
    assert sum(looks) == 110
    assert max(looks) <= 20


def test_lines_that_cannot_be_read_are_counted_and_the_rest_is_shown(tmp_path: Path) -> None:
    """The judge is the one who complains."""
    journal = Journal(tmp_path, run_id="r", role="target")
    journal.append(fired(0))
    journal.append(saw(0))
    with journal.path.open("ab") as file:
        file.write(b'["fired",{"fault_id":\n')
    journal.append(Goodbye(reason="end", **NOW))
    view = LiveView(tmp_path, lambda since, limit: (1, () if since else (arrival(0),)), {})
    live = view.look()
    assert (live.captured, live.unreadable) == (1, 1)
    assert ("unreadable", "1 times something could not be read") in live_rows(live)


def test_a_store_that_cannot_be_read_does_not_end_the_run(tmp_path: Path) -> None:
    """What stands in the ledger is shown, and that something is missing."""

    def broken(since: int, limit: int) -> tuple[int, tuple[Arrival, ...]]:
        raise EvidenceError("gone")

    Journal(tmp_path, run_id="r", role="target").append(fired(0))
    live = LiveView(tmp_path, broken, {}).look()
    assert (live.fired, live.behind, live.unreadable) == (1, True, 1)


def test_looks_within_a_second_are_one(tmp_path: Path) -> None:
    """However many pages are open."""
    asked: list[int] = []

    def source(since: int, limit: int) -> tuple[int, tuple[Arrival, ...]]:
        asked.append(since)
        return since, ()

    view = LiveView(tmp_path, source, {})
    assert view.look() is view.look()
    assert len(asked) == 1


def test_more_arrivals_than_a_look_takes_in_come_with_the_next(tmp_path: Path) -> None:
    """Page by page, and no more than a few of them at once."""

    def source(since: int, limit: int) -> tuple[int, tuple[Arrival, ...]]:
        page = tuple(arrival(n) for n in range(since + 1, min(since + limit, 7000) + 1))
        return since + len(page), page

    view = LiveView(tmp_path, source, {})
    assert view.look().behind
    view._looked_at = -10.0
    assert not view.look().behind
    assert view._cursor == 7000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "captured", "losses"),
    [
        ({}, 40, ()),
        ({"init": ", before_send=lambda event, hint: None"}, 0, (("before_send=__main__", 40),)),
        ({"handle": "pass"}, 0, ()),
    ],
)
def test_it_agrees_with_the_judge(
    tmp_path: Path, changes: dict[str, str], captured: int, losses: tuple[tuple[str, int], ...]
) -> None:
    """Over the evidence of a whole run: the same faults captured, and the losses named."""
    document = job(tmp_path, times=40, **changes)
    folder = run_folder(tmp_path)
    live = LiveView(folder / "ledger", of_store(folder / "store"), {}).look()
    assert (live.fired, live.captured) == (document.account.fired, document.account.captured)
    assert live.captured == captured
    assert [(reason.partition(".")[0], count) for reason, count in live.losses] == list(losses)
    assert live.outstanding == 40 - captured - live.lost
    assert not live.behind


@pytest.mark.slow
def test_the_server_is_asked_for_what_is_new(tmp_path: Path) -> None:
    """The cursor moves on, also over what is no event."""
    with EmbeddedServer.start(tmp_path / "store", port=0) as server, server.client() as client:
        assert of_server(client)(0, 10) == (0, ())


def test_rows_say_what_there_is_and_cannot_steer_a_terminal() -> None:
    """Ten thousand reasons are eight, and the rest in one."""
    losses = tuple((f"hook\x1b[2J\n{n}", 1) for n in range(10_000))
    live = Live(seconds=3.0, fired=10_100, expected=10_100, captured=99, losses=losses, behind=True)
    rows = live_rows(live)
    assert len(rows) < 20
    assert ("lost: 9992 further reasons", "9992") in rows
    text = "".join(figure + value for figure, value in rows)
    assert "\x1b" not in text
    assert "\n" not in text
    assert ("latency", "not known yet") in rows
    assert ("behind", "more comes in than is shown at once") in rows


def test_the_line_for_logs() -> None:
    """One line with all the figures; 999 of 1000 is not all."""
    live = Live(
        seconds=3.0,
        fired=1000,
        fired_rate=20.0,
        expected=1000,
        captured=9995,
        overdue=1,
        losses=(("a", 2), ("b", 1), ("c", 1)),
        request_rate=31.25,
        latency_p50=0.0123,
        latency_p95=1.5,
    )
    assert live_line(live) == (
        "31.2 requests/s, latency p50 12.3 ms, p95 1.50 s, 1000 faults (20.0/s), "
        "9995 of 1000 captured (99.9 % of those settled), 0 on their way, 1 overdue, 2 lost: a, 1 lost: b, "
        "1 lost for other reasons"
    )
