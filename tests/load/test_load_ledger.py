"""What the load writes down, request by request."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_sentry_harness import clock
from pytest_sentry_harness.load.intended import due_at
from pytest_sentry_harness.load.load_ledger import LoadLedger, stopped
from pytest_sentry_harness.model.ledger import Answered, Ended, Goodbye, Intent, Note
from pytest_sentry_harness.protocol import fault_header

from .recording import arm, fault, ledger


def test_the_intent_is_on_record_before_the_request_is_sent(tmp_path: Path) -> None:
    """Whoever dies in between leaves the intent behind; enough is told once."""
    told: list[str] = []
    load = LoadLedger(arm(tmp_path, fault("boom", "raise"), most=2), "", lambda: told.append("enough"))

    def call(headers: dict[str, str]) -> SimpleNamespace:
        if fault_header.NAME in headers:
            assert isinstance(ledger(tmp_path)[0][-1], Intent)
        return SimpleNamespace(status_code=503)

    for _ in range(4):
        load.send("GET", "http://127.0.0.1/x", "/x", call)
    load.close("done")
    load.close("again")
    records = ledger(tmp_path)[0]
    assert [type(record).__name__ for record in records] == [
        "Hello",
        *("Intent", "Answered") * 2,
        "Goodbye",
    ]
    assert isinstance(records[-1], Goodbye)
    assert records[-1].reason == "done"
    assert told == ["enough"]


def test_a_request_that_is_cut_off_is_on_record(tmp_path: Path) -> None:
    """A user that is stopped in mid-request leaves status 0 and the reason."""
    load = LoadLedger(arm(tmp_path, fault("boom", "raise")), "", lambda: None)

    def call(headers: dict[str, str]) -> object:
        raise KeyboardInterrupt("stop")

    with pytest.raises(KeyboardInterrupt):
        load.send("GET", "http://127.0.0.1/x", "/x", call)
    load.close("done")
    (answered,) = [record for record in ledger(tmp_path)[0] if isinstance(record, Answered)]
    assert (answered.status, answered.error) == (0, "KeyboardInterrupt: stop")
    assert answered.seconds >= 0


@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        (200, (1, 0)),
        (404, (1, 0)),
        (429, (1, 1)),
        (500, (1, 1)),
        (0, (1, 1)),
        (ConnectionResetError(), (1, 1)),
        (KeyboardInterrupt(), (0, 0)),
    ],
)
def test_what_the_target_failed_is_told_from_what_a_fault_did(
    tmp_path: Path, answer: int | BaseException, counted: tuple[int, int]
) -> None:
    """Only requests without a fault count, and of those only what the target answered for, or left unanswered."""
    load = LoadLedger(arm(tmp_path, fault("boom", "1*raise", "GET /x")), "", lambda: None)

    def call(_: dict[str, str]) -> SimpleNamespace:
        if isinstance(answer, BaseException):
            raise answer
        return SimpleNamespace(status_code=answer)

    for _ in range(2):
        with suppress(ConnectionResetError, KeyboardInterrupt):
            load.send("GET", "http://127.0.0.1/x", "/x", call)
    timer = load.meter.taken()["GET /x"]
    load.close("done")
    assert timer.service.count == 2
    assert (timer.plain, timer.plain_failed) == counted


def test_a_wait_that_gevent_ends_is_no_answer() -> None:
    """Its Timeout is no Exception, as is what ends a user; the one blames the target, the other does not."""
    timeout = type("Timeout", (BaseException,), {})
    assert [stopped(each) for each in (timeout(), GeneratorExit(), OSError())] == [False, True, False]


def test_requests_to_other_hosts_are_left_alone(tmp_path: Path) -> None:
    """Nothing is added and nothing recorded."""
    load = LoadLedger(arm(tmp_path, fault("boom", "raise")), "", lambda: None)
    assert load.send("GET", "https://example.com/x", "/x", lambda headers: headers) == {}
    load.close("done")
    assert not [record for record in ledger(tmp_path)[0] if isinstance(record, Intent)]


def test_a_failure_to_mark_is_never_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is not sent unmarked, and the verdict will be an error."""
    load = LoadLedger(arm(tmp_path, fault("boom", "raise")), "", lambda: None)
    monkeypatch.setattr(load.marker, "mark", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        load.send("GET", "http://127.0.0.1/x", "/x", lambda headers: pytest.fail("it was sent"))
    load.close("done")
    (note,) = [record for record in ledger(tmp_path)[0] if isinstance(record, Note)]
    assert note.level == "error"
    assert note.text == "a request could not be marked: ZeroDivisionError: division by zero"


def test_how_every_request_ended_is_on_record_when_objectives_are_judged(tmp_path: Path) -> None:
    """With its status, from when it was due; one that its sender gave up is not, for nobody waited for its answer."""
    load = LoadLedger(replace(arm(tmp_path), every_request=True), "", lambda: None)
    load.send("GET", "http://127.0.0.1/x", "/x", lambda _: SimpleNamespace(status_code=503))
    with due_at(clock.monotonic() - 5.0):
        load.send("GET", "http://127.0.0.1/y", "/y", lambda _: SimpleNamespace(status_code=0))

    def stop(headers: dict[str, str]) -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load.send("GET", "http://127.0.0.1/z", "/z", stop)
    load.close("done")
    ended = [record for record in ledger(tmp_path)[0] if isinstance(record, Ended)]
    assert [(each.request, each.status) for each in ended] == [("GET /x", 503), ("GET /y", 0)]
    assert ended[1].seconds >= 5 > ended[0].seconds >= 0
