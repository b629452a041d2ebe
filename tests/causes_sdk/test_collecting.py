"""Exceptions that only garbage holds: an idle program must not leave it open whether they may be reported."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from pytest_sentry_harness.injection.injected import InjectedExceptions
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.model.ledger import Fate


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No collection but those asked for."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def tie_up(exceptions: InjectedExceptions) -> None:
    """Fail as frameworks do that keep the exception in a frame that it refers to."""

    def fail() -> None:
        error = ValueError("v")
        exceptions.add(error, "f-1", None)
        raise error

    try:
        fail()
    except ValueError as error:
        kept = error
        assert kept is not None


def alive(recorder: MemoryRecorder) -> list[bool]:
    return [fate.alive for fate in recorder.records(Fate)]


@pytest.mark.usefixtures("uncollected")
def test_garbage_is_collected_when_the_program_is_idle() -> None:
    """Then it is known that nobody holds the exception."""
    recorder = MemoryRecorder()
    exceptions = InjectedExceptions(recorder)
    tie_up(exceptions)
    exceptions.settle()
    assert alive(recorder) == [True]
    exceptions.collect(idle=60.0)
    assert alive(recorder) == [True]
    exceptions.collect(idle=0.0)
    assert alive(recorder)[-1] is False


@pytest.mark.usefixtures("uncollected")
def test_garbage_is_collected_once_after_each_time_of_faults() -> None:
    """What is still held then stays so until somebody lets it go; nothing is collected again and again."""
    recorder = MemoryRecorder()
    exceptions = InjectedExceptions(recorder)
    error = ValueError("v")
    exceptions.add(error, "f-1", None)
    exceptions.collect(idle=0.0)
    assert alive(recorder) == [True]
    del error
    tie_up(exceptions)
    collections = gc.get_stats()[2]["collections"]
    exceptions.collect(idle=0.0)
    exceptions.collect(idle=0.0)
    assert gc.get_stats()[2]["collections"] == collections + 1
    exceptions.collect(idle=0.0)


@pytest.mark.usefixtures("uncollected")
def test_nothing_is_collected_where_nothing_is_open() -> None:
    """A program without faults is left alone."""
    exceptions = InjectedExceptions(MemoryRecorder())
    collections = gc.get_stats()[2]["collections"]
    exceptions.collect(idle=0.0)
    assert gc.get_stats()[2]["collections"] == collections
