"""A server with a real SDK under the agent: the two must not get in each other's way."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_sentry_harness.model.arming import ArmedFault
from pytest_sentry_harness.model.ledger import Fate, Fired, Note, SdkDropped, SdkInit, SdkSaw

from .tools import TRACE, Sink, TargetRun, get, header, wait_until

SERVICE = """
def work():
    return "worked"

def natural():
    return 1 / 0
"""
APPLICATION = """
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import sentry_sdk
from fastapi import FastAPI
from service import natural, work

def scrub(event, hint):
    return None if "transaction" in event and event["transaction"] == "/scrubbed" else event

sentry_sdk.init(
    {dsn!r},
    before_send=scrub,
    send_default_pii=True,
    traces_sample_rate=1.0,
    attach_stacktrace=True,
    _experiments={{"transport_compression_level": 0}},
)
app = FastAPI()

@app.get("/ready")
def ready(): return "ready"

@app.get("/sync")
def sync(): return work()

@app.get("/natural")
def natural_error(): return natural()

@app.get("/pool")
def pool():
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(work).result()

@app.get("/message")
def message(): sentry_sdk.capture_message("hello")

@app.get("/scrubbed")
def scrubbed(): return work()

@app.get("/swallowed")
def swallowed():
    try:
        return work()
    except LookupError:
        return "swallowed"

@app.get("/logged")
def logged():
    try:
        return work()
    except LookupError:
        logging.exception("it failed")
"""


@pytest.mark.slow
def test_the_sdk_sees_the_faults_and_nothing_of_the_agent(tmp_path: Path) -> None:
    """Every fault is followed to its end; no header, frame or id of ours is in what the SDK sends."""
    sink = Sink()
    run = TargetRun(tmp_path, ArmedFault(name="flaky", at="service:work", do="raise(LookupError('down'))"))
    run.write("service.py", SERVICE)
    run.write("application.py", APPLICATION.format(dsn=sink.dsn))
    command = (
        sys.executable,
        "-m",
        "uvicorn",
        "application:app",
        "--port",
        "{port}",
        "--log-level",
        "critical",
    )
    answers: dict[str, tuple[int, str]] = {}
    with run.server(*command) as url:
        for path in ("sync", "natural", "pool", "message", "scrubbed", "swallowed", "logged"):
            trace = {"sentry-trace": f"{TRACE}-0123456789abcdef-1"}
            answers[path] = get(f"{url}/{path}", {**header(("flaky", f"flaky-{path}", 0)), **trace})
        wait_until(lambda: len({fate.fault_id for fate in run.records(Fate)}) == 5, "five fates")
    sink.close()
    sent = b"".join(sink.bodies)

    assert {path: status for path, (status, _) in answers.items()} == {
        "sync": 500,
        "natural": 500,
        "pool": 500,
        "message": 200,
        "scrubbed": 500,
        "swallowed": 200,
        "logged": 200,
    }
    assert {fired.trace_id for fired in run.records(Fired)} == {TRACE}
    for trace_of_ours in (b"pytest_sentry_harness", b"flaky-", b"arness-Fault", b"arness-fault"):
        assert trace_of_ours not in sent
    assert b"ZeroDivisionError" in sent

    handed_on = {saw.fault_ids: saw for saw in run.records(SdkSaw) if saw.event_id is not None}
    assert set(handed_on) == {("flaky-sync",), ("flaky-pool",), ("flaky-logged",)}
    for saw in handed_on.values():
        assert (saw.event_id or "").encode() in sent
    assert handed_on[("flaky-sync",)].mechanism == "starlette"
    assert handed_on[("flaky-logged",)].mechanism == "logging"
    dropped = {
        record.fault_ids: record for record in run.records(SdkDropped) if record.stage == "before_send"
    }
    assert dropped[("flaky-scrubbed",)].culprit == "before_send=application.scrub"
    fates = {fate.fault_id: fate for fate in run.records(Fate)}  # the last of each wins
    caught = {fault_id for fault_id, fate in fates.items() if fate.handling == "caught"}
    assert caught == {"flaky-swallowed", "flaky-logged"}
    place = fates["flaky-swallowed"].place
    assert place is not None
    assert (Path(place.file).name, place.function) == ("application.py", "swallowed")

    (init,) = run.records(SdkInit)
    assert init.place is not None
    assert (Path(init.place.file).name, init.place.line) == ("application.py", 13)
    assert init.options["before_send"].startswith("application.scrub (")
    assert [note for note in run.records(Note) if note.level != "info"] == []
