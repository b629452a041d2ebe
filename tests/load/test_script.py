"""Scripted loads: what is sent, in which order, with which faults, and what is on record."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pytest_sentry_harness.errors import LoadError
from pytest_sentry_harness.ledger.reader import read_ledger
from pytest_sentry_harness.load.script import run_script
from pytest_sentry_harness.model.arming import ArmedFault, Arming
from pytest_sentry_harness.model.ledger import Answered, Fired, Intent, Record
from pytest_sentry_harness.model.scenario import Load, LoadRequest
from pytest_sentry_harness.protocol import fault_header


class Shop(ThreadingHTTPServer):
    """Answers 200, but 500 below /boom; keeps what came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Shop

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.lock:
            self.server.seen.append((self.command, self.path, dict(self.headers.items()), body))
        if self.path.startswith("/hangup"):
            self.close_connection = True
            return
        self.send_response(500 if self.path.startswith("/boom") else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def shop() -> Iterator[Shop]:
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def arming_in(folder: Path, **more: object) -> Arming:
    faults = (
        ArmedFault(name="late", at="shop:sell", do="raise(TimeoutError)", on=("GET /sell",)),
        ArmedFault(name="rare", at="shop:sell", do="0%raise(KeyError)"),
        ArmedFault(name="boom", at="", do="", on=("GET /boom",), select="provoked"),
    )
    fields: dict[str, object] = {
        "run_id": "run",
        "key": "k",
        "seed": 1,
        "faults": faults,
        "journal_dir": str(folder),
        "lease": str(folder / "lease"),
    }
    return Arming(**{**fields, **more})  # type: ignore[arg-type]


def records(folder: Path) -> list[Record]:
    return list(read_ledger(folder))


def test_requests_go_out_in_order_with_their_bodies(shop: Shop, tmp_path: Path) -> None:
    """Method, path, body, headers and a trace of its own, one request after the other."""
    load = Load(
        users=1,
        requests=(
            LoadRequest(method="POST", path="/orders?dry=1", times=2, json={"symbol": "ACME"}),
            LoadRequest(method="POST", path="/raw", body="grüß", headers={"X-Tenant": "7"}),
            LoadRequest(method="GET", path="/last"),
        ),
    )
    ending = run_script(load, host=shop.url, arming=arming_in(tmp_path), log=tmp_path / "load.log")
    assert (ending.requests, ending.failures, ending.exit_code) == (4, 0, 0)
    assert [path for _, path, _, _ in shop.seen] == ["/orders?dry=1", "/orders?dry=1", "/raw", "/last"]
    assert json.loads(shop.seen[0][3]) == {"symbol": "ACME"}
    assert shop.seen[0][2]["Content-Type"] == "application/json"
    assert (shop.seen[2][3].decode(), shop.seen[2][2]["X-Tenant"]) == ("grüß", "7")
    traces = {headers["sentry-trace"] for _, _, headers, _ in shop.seen}
    assert len(traces) == 4


def test_named_faults_are_met_exactly(shop: Shop, tmp_path: Path) -> None:
    """A request that names faults meets those, whatever probability and globs say; the others are planned."""
    load = Load(
        users=1,
        requests=(
            LoadRequest(method="GET", path="/any", faults=("rare", "late")),
            LoadRequest(method="GET", path="/sell", faults=()),
            LoadRequest(method="GET", path="/sell"),
        ),
    )
    run_script(load, host=shop.url, arming=arming_in(tmp_path), log=tmp_path / "load.log")
    intents = [record for record in records(tmp_path) if isinstance(record, Intent)]
    assert [(intent.fault, intent.request) for intent in intents] == [
        ("rare", "GET /any"),
        ("late", "GET /any"),
        ("late", "GET /sell"),
    ]
    first = fault_header.decode(shop.seen[0][2][fault_header.NAME], "k")
    assert [selected.fault_id for selected in first.faults] == [intent.fault_id for intent in intents[:2]]
    assert fault_header.NAME not in shop.seen[1][2]


def test_provoked_faults_fire_when_their_request_was_served(shop: Shop, tmp_path: Path) -> None:
    """No header is sent for them; what reached the service counts, also when it died of it and answered nobody."""
    load = Load(
        users=1,
        requests=(
            LoadRequest(method="GET", path="/boom", times=3),
            LoadRequest(method="GET", path="/hangup"),
        ),
    )
    faults = arming_in(tmp_path).faults[2]
    hangup = ArmedFault(name="hangup", at="", do="", on=("GET /hangup",), select="provoked")
    log = tmp_path / "load.log"
    ending = run_script(load, host=shop.url, arming=arming_in(tmp_path, faults=(faults, hangup)), log=log)
    assert (ending.requests, ending.failures) == (4, 4)
    assert all(fault_header.NAME not in headers for _, _, headers, _ in shop.seen)
    found = records(tmp_path)
    fired = [record for record in found if isinstance(record, Fired)]
    assert [(record.fault, record.effect) for record in fired] == [
        *[("boom", "provoked")] * 3,
        ("hangup", "provoked"),
    ]
    answered = [record for record in found if isinstance(record, Answered)]
    assert [record.status for record in answered] == [500, 500, 500, 0]
    assert [record.trace_id for record in fired] == [record.trace_id for record in answered]
    assert log.read_text().startswith("GET /hangup: RemoteDisconnected")


def test_several_users_share_the_script(shop: Shop, tmp_path: Path) -> None:
    """Each request is sent once, and fault ids stay unique."""
    load = Load(users=4, requests=(LoadRequest(method="GET", path="/sell", times=60),))
    ending = run_script(load, host=shop.url, arming=arming_in(tmp_path), log=tmp_path / "load.log")
    assert (ending.requests, len(shop.seen)) == (60, 60)
    ids = [record.fault_id for record in records(tmp_path) if isinstance(record, Intent)]
    assert len(ids) == len(set(ids)) == 60


def test_a_load_stops_when_enough_faults_were_asked_for(shop: Shop, tmp_path: Path) -> None:
    """The rest of the script is left out."""
    load = Load(users=1, requests=(LoadRequest(method="GET", path="/sell", times=50),), stop_after_faults=5)
    run_script(load, host=shop.url, arming=arming_in(tmp_path, stop_after_faults=5), log=tmp_path / "l")
    assert len(shop.seen) == 5


def test_nobody_answers(tmp_path: Path) -> None:
    """That is an error with what the first request met."""
    load = Load(users=1, requests=(LoadRequest(method="GET", path="/sell", times=2),))
    with pytest.raises(LoadError, match=r"no request of the script was answered; the first said: GET /sell"):
        run_script(load, host="http://127.0.0.1:9", arming=arming_in(tmp_path), log=tmp_path / "load.log")


def test_what_the_watch_raises_ends_the_load(shop: Shop, tmp_path: Path) -> None:
    """The senders stop, the journal is closed, the error is passed on."""

    def watch(_seconds: float) -> None:
        raise KeyboardInterrupt

    load = Load(users=1, requests=(LoadRequest(method="GET", path="/sell", times=100_000),))
    with pytest.raises(KeyboardInterrupt):
        run_script(load, host=shop.url, arming=arming_in(tmp_path), log=tmp_path / "load.log", on_poll=watch)
    assert len(shop.seen) < 100_000
    assert records(tmp_path)[-1].KIND == "goodbye"


def test_requests_without_time_are_counted(shop: Shop, tmp_path: Path) -> None:
    """What was not sent within ``run_time`` is told, unless the run had enough faults before."""
    load = Load(requests=(LoadRequest(method="GET", path="/", times=500_000),), users=1, run_time=0.3)
    ending = run_script(load, host=shop.url, arming=arming_in(tmp_path / "a"), log=tmp_path / "log")
    assert ending.unsent == 500_000 - ending.requests > 0
    enough = Load(requests=(LoadRequest(method="GET", path="/boom", times=50),), users=1, run_time=60)
    arming = arming_in(tmp_path / "b", stop_after_faults=2)
    ended = run_script(enough, host=shop.url, arming=arming, log=tmp_path / "log")
    assert ended.requests < 50
    assert ended.unsent == 0
