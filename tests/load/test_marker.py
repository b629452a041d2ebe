"""What a request is marked with."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytest_sentry_harness.load.marker import Marker, request_name
from pytest_sentry_harness.model.arming import Arming
from pytest_sentry_harness.protocol import fault_header
from pytest_sentry_harness.protocol.trace import parse_baggage, parse_sentry_trace

from .recording import arm, fault


def test_every_request_gets_a_trace_of_its_own(tmp_path: Path) -> None:
    """No two requests share a trace, and the sampling number is the one in the baggage."""
    marker = Marker(arm(tmp_path, fault("boom", "0%raise")))
    marks = [marker.mark("GET", "/x") for _ in range(200)]
    assert len({mark.trace_id for mark in marks}) == 200
    for mark in marks:
        assert parse_sentry_trace(mark.headers["sentry-trace"]).trace_id == mark.trace_id
        baggage = parse_baggage(mark.headers["baggage"])
        assert baggage.sentry["trace_id"] == mark.trace_id
        assert baggage.sample_rand == mark.sample_rand
        assert fault_header.NAME not in mark.headers
        assert "Connection" not in mark.headers
    assert marker.requests == 200
    assert marker.asked == 0


def test_a_fault_travels_signed(tmp_path: Path) -> None:
    """The header can be read with the run's key and names the fault, the run and the trace."""
    arming = arm(tmp_path, fault("boom", "raise(TimeoutError)"))
    mark = Marker(arming).mark("POST", "/orders")
    selection = fault_header.decode(mark.headers[fault_header.NAME], arming.key)
    assert selection.run_id == "run-1"
    assert selection.trace_id == mark.trace_id
    assert [(s.fault, s.fault_id, s.term) for s in selection.faults] == [("boom", "boom-000000", 0)]
    assert mark.headers["Connection"] == "close"


def test_globs_choose_requests_and_one_may_meet_several_faults(tmp_path: Path) -> None:
    """``on`` is matched against method and name; without it every request is meant; call faults are not ours."""
    marker = Marker(
        arm(
            tmp_path,
            fault("orders", "raise", "POST /orders", "POST /orders (block)"),
            fault("quotes", "raise", "GET /quotes/*"),
            fault("all", "raise"),
            fault("calls", "raise", select="call"),
        )
    )

    def names(method: str, name: str) -> list[str]:
        return [firing.fault for firing in marker.mark(method, name).faults]

    assert names("POST", "/orders") == ["orders", "all"]
    assert names("POST", "/orders (block)") == ["orders", "all"]
    assert names("GET", "/orders") == ["all"]
    assert names("GET", "/quotes/{symbol}") == ["quotes", "all"]


def test_no_more_than_enough_faults_are_asked_for(tmp_path: Path) -> None:
    """After the last fault that is wanted, requests are sent without faults."""
    marker = Marker(arm(tmp_path, fault("boom", "raise"), most=3))
    asked = [len(marker.mark("GET", "/x").faults) for _ in range(6)]
    assert asked == [1, 1, 1, 0, 0, 0]
    assert marker.enough


def test_two_lanes_decide_apart_and_the_same_lane_decides_the_same(tmp_path: Path) -> None:
    """The plan is a function of seed and lane; fault ids never clash between workers."""
    arming = arm(tmp_path, fault("boom", "50%raise"))

    def plan(lane: str) -> list[str | None]:
        marker = Marker(arming, lane)
        marks = [marker.mark("GET", "/x") for _ in range(100)]
        return [mark.faults[0].fault_id if mark.faults else None for mark in marks]

    assert plan("w0") == plan("w0")
    assert plan("w0") != plan("w1")
    assert not set(filter(None, plan("w0"))) & set(filter(None, plan("w1")))


def test_only_hosts_of_the_run_are_marked(tmp_path: Path) -> None:
    """A request to somebody else's host carries nothing of ours."""
    marker = Marker(arm(tmp_path, fault()))
    assert marker.wants("http://127.0.0.1:8000/x")
    assert marker.wants("http://localhost/x")
    assert not marker.wants("https://example.com/x")
    assert not marker.wants("/relative")


@given(st.text(min_size=1, max_size=40), st.sampled_from(["GET", "POST"]))
def test_any_name_can_be_matched(name: str, method: str) -> None:
    """Names people give to requests never break the marking."""
    arming = Arming(
        run_id="r", key="k", seed=1, faults=(fault("boom", "raise", f"{method} *"),), journal_dir="", lease=""
    )
    mark = Marker(arming).mark(method, name)
    assert mark.request == f"{method} {name}"
    assert len(mark.faults) == 1


def test_a_request_is_called_by_its_name_or_its_path() -> None:
    """The query is no part of the name; Locust's own name wins."""
    assert request_name("/orders?limit=2", None) == "/orders"
    assert request_name("http://h/orders/1?x", "/orders/{id}") == "/orders/{id}"
    assert request_name("http://h", None) == "/"
