"""Following the main program line by line. Whole programs are in ``test_agent``; these are the steps.

A tracer cannot be traced, so it is called here by hand, with a stand-in for the ``sys`` it changes.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_sentry_harness.injection import main_module
from pytest_sentry_harness.injection.injector import Injector
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.model.arming import ArmedFault


class StandIn:
    """What ``main_module`` needs of ``sys``."""

    def __init__(self, tracer: Any = None) -> None:
        self.tracer = tracer
        self.version_info = (3, 11)
        self.orig_argv = ["python", "-X", "dev", "/jobs/nightly.py"]
        self.main = types.ModuleType("__main__")
        self.modules = {"__main__": self.main}

    def gettrace(self) -> Any:
        return self.tracer

    def settrace(self, tracer: Any) -> None:
        self.tracer = tracer


def frame(source: str, name: str = "__main__", file: str = "/jobs/nightly.py") -> Any:
    code = compile(source, file, "exec")
    return types.SimpleNamespace(
        f_code=code, f_globals={"__name__": name, "__file__": file, "__spec__": None}
    )


@pytest.fixture
def injector() -> Iterator[Injector]:
    injector = Injector(MemoryRecorder())
    for name, at in (("a", "__main__:work"), ("b", "nightly:Job.run"), ("c", "__main__:nothing")):
        injector.arm(ArmedFault(name=name, at=at, do="return", select="call"))
    yield injector
    injector.disarm()


PROGRAM = "def work(): pass\nclass Job:\n    def run(self): pass\n"


def states(injector: Injector) -> list[str]:
    return [state.state for state in injector.states().values()]


def test_lines_are_followed_until_all_names_are_there(
    injector: Injector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is armed as soon as it is defined; names the program never mentions are not waited for."""
    asked: list[str] = []

    def other(frame: Any, event: str, argument: Any) -> Any:
        asked.append(event)
        stand_in.settrace(other)  # as tracers written in C do
        return other

    stand_in = StandIn(other)
    monkeypatch.setattr(main_module, "sys", stand_in)
    main_module.watch(injector)
    tracer = stand_in.gettrace()
    assert tracer is not other
    assert tracer(frame("pass", name="library"), "call", None) is other
    main = frame(PROGRAM)
    local = tracer(main, "call", None)
    assert local(main, "line", None) is local
    exec(compile(PROGRAM.partition("class")[0], "x", "exec"), vars(stand_in.main))
    assert local(main, "line", None) is local
    assert states(injector) == ["armed", "waiting", "waiting"]
    assert stand_in.tracer is tracer
    exec(compile(PROGRAM, "x", "exec"), vars(stand_in.main))
    assert local(main, "line", None) is other
    assert states(injector) == ["armed", "armed", "waiting"]
    assert stand_in.tracer is other
    assert asked == ["call", "call", "line", "line", "line"]


def test_the_end_of_the_program_ends_the_following(
    injector: Injector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is still missing then."""
    stand_in = StandIn()
    monkeypatch.setattr(main_module, "sys", stand_in)
    main_module.watch(injector)
    main = frame(PROGRAM)
    local = stand_in.tracer(main, "call", None)
    assert local(main, "return", None) is None
    assert stand_in.tracer is None


@pytest.mark.parametrize("source", ["pass", "def other(): pass"])
def test_a_program_that_never_mentions_the_names_is_not_followed(
    injector: Injector, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """It would cost time for nothing."""
    stand_in = StandIn()
    monkeypatch.setattr(main_module, "sys", stand_in)
    main_module.watch(injector)
    assert stand_in.tracer(frame(source), "call", None) is None
    assert stand_in.tracer is None


def test_nobody_waiting_means_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual case: points are in imported modules."""
    stand_in = StandIn()
    monkeypatch.setattr(main_module, "sys", stand_in)
    main_module.watch(Injector(MemoryRecorder()))
    assert stand_in.tracer is None
    assert "nightly" in main_module._possible_names()


def test_defined_too_late(injector: Injector) -> None:
    """What the main program has in the end, but had no line for, is told so."""
    main = sys.modules["__main__"]
    main.nothing = lambda: None  # type: ignore[attr-defined]
    try:
        injector.missing_modules()
    finally:
        del main.nothing  # type: ignore[attr-defined]
    assert injector.states()["c"].note == "the main program defined it too late to be armed"
    assert injector.states()["a"].note == "__main__ has no 'work'"


def test_a_main_program_that_takes_its_time_is_waited_for(injector: Injector) -> None:
    """Some seconds after the start it may still be at its imports: what it has not defined so far is not missing."""
    injector.missing_modules(so_far=True)
    assert (injector.states()["a"].state, injector.states()["a"].note) == (
        "waiting",
        "__main__ has no 'work'",
    )
