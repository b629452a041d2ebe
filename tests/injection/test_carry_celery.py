"""Faults of a request in the Celery tasks it sends: the two ends of a message."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery, signals

from pytest_sentry_harness.injection.carry_celery import Tasks, install
from pytest_sentry_harness.injection.entries.requests import Requests
from pytest_sentry_harness.injection.injected import InjectedExceptions
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.injection.selection import PRESENT, RequestFaults
from pytest_sentry_harness.protocol.fault_header import NAME, Selected

from .tools import KEY, TRACE

HANDLERS = ("before_task_publish", "task_prerun", "task_postrun")


@pytest.fixture
def requests() -> Iterator[Requests]:
    """Connected to Celery's signals; disconnected afterwards."""
    before = {name: list(getattr(signals, name).receivers or ()) for name in HANDLERS}
    recorder = MemoryRecorder()
    requests = Requests(
        recorder,
        InjectedExceptions(recorder),
        run_id="run-1",
        key=KEY,
        hosts=("localhost",),
        live=lambda: True,
    )
    install(requests)
    yield requests
    for name, receivers in before.items():
        getattr(signals, name).receivers = receivers


@pytest.fixture
def present() -> Iterator[RequestFaults]:
    request = RequestFaults([Selected("f", "f-1", 0)], TRACE)
    token = PRESENT.set(request)
    yield request
    PRESENT.reset(token)


def sent(headers: dict[str, Any]) -> dict[str, Any]:
    signals.before_task_publish.send(sender="task", headers=headers)
    return headers


def run(task: Any, headers: dict[str, Any]) -> list[RequestFaults | None]:
    """What is present before, in, and after the task."""
    seen = [PRESENT.get()]
    request = SimpleNamespace(**headers)
    signals.task_prerun.send(sender=task, task=SimpleNamespace(request=request))
    seen.append(PRESENT.get())
    assert not hasattr(request, NAME)  # the task does not see it
    signals.task_postrun.send(sender=task)
    return [*seen, PRESENT.get()]


def test_a_message_takes_the_faults_along(requests: Requests, present: RequestFaults) -> None:
    """The task meets what the request has not met, once in all, since it runs in the same process here."""
    headers = sent({"id": "1"})
    before, within, after = run("task", headers)
    assert before is after is present
    assert within is not None
    assert within.trace_id == TRACE
    other = requests.unpack(headers[NAME])
    assert other is not None
    assert [request.take("f") for request in (within, other)] == [Selected("f", "f-1", 0), None]


def test_a_message_takes_nothing_along_when_all_is_met(requests: Requests, present: RequestFaults) -> None:
    """Also not what it brought: a task that is retried sends its headers again."""
    headers = sent({})
    assert present.take("f") is not None
    assert sent(headers) == {}


def test_a_task_called_in_place_stays_in_its_request(requests: Requests, present: RequestFaults) -> None:
    """Eager tasks have no message, and run where they are called."""
    assert run("task", {}) == [present] * 3


def test_a_task_without_faults_ends_as_it_began(requests: Requests) -> None:
    """No request at all; and an end without a beginning changes nothing."""
    assert run("task", {}) == [None] * 3
    signals.task_postrun.send(sender="task")
    assert PRESENT.get() is None


def test_an_eager_task_within_a_task(requests: Requests, present: RequestFaults) -> None:
    """Each end puts back what was there at its own beginning."""
    app = Celery(set_as_current=False)
    app.conf.task_always_eager = True
    seen: list[RequestFaults | None] = []

    @app.task  # type: ignore[untyped-decorator]  # Celery has no types
    def inner() -> None:
        seen.append(PRESENT.get())

    @app.task  # type: ignore[untyped-decorator]  # Celery has no types
    def outer() -> None:
        inner.delay()
        seen.append(PRESENT.get())

    outer.delay()
    assert seen == [present, present]
    assert PRESENT.get() is present


def test_headers_of_another_kind_are_left_alone(requests: Requests) -> None:
    """Whoever sends the signal without headers gets none."""
    Tasks(requests)._published(headers=None)
