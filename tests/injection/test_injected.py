"""Injected exceptions keep their identity, and it is known whether anybody still has them."""

from __future__ import annotations

import asyncio
import base64
import gc
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from pytest_sentry_harness.injection import injected
from pytest_sentry_harness.injection.injected import InjectedExceptions
from pytest_sentry_harness.injection.injector import Injector
from pytest_sentry_harness.injection.mark import KEY
from pytest_sentry_harness.injection.recorder import MemoryRecorder
from pytest_sentry_harness.model.arming import ArmedFault
from pytest_sentry_harness.model.ledger import Fate, Fired

from . import sample
from .tools import TargetRun


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


@pytest.fixture
def injector(recorder: MemoryRecorder) -> Iterator[Injector]:
    injector = Injector(recorder, seed=1)
    injector.arm(ArmedFault(name="f", at=f"{sample.__name__}:plain", do="raise", select="call"))
    yield injector
    injector.disarm()


def one() -> RuntimeError:
    try:
        sample.plain(1, c=1)
    except RuntimeError as error:
        return error
    raise AssertionError


def told(recorder: MemoryRecorder) -> list[tuple[str, str, bool]]:
    return [(fate.fault_id, fate.handling, fate.alive) for fate in recorder.records(Fate)]


def test_exceptions_are_let_go_once_settled(injector: Injector, recorder: MemoryRecorder) -> None:
    """What somebody still holds may yet be reported, and a second record tells when nobody does."""
    for _ in range(2):
        with pytest.raises(RuntimeError):
            sample.plain(1, c=1)
    kept = one()
    gc.collect()
    injector.settle(older_than=60.0)
    assert told(recorder) == []
    injector.settle()
    first = [("f-000000", "caught", False), ("f-000001", "caught", False), ("f-000002", "caught", True)]
    assert told(recorder) == first
    injector.settle()
    assert told(recorder) == first
    assert injector.exceptions.ids_in(kept) == ("f-000002",)
    del kept
    injector.settle()
    assert told(recorder)[3:] == [("f-000002", "caught", False)]
    before, after = recorder.records(Fate)[2:]
    assert (before.place, before.chain) == (after.place, after.chain)
    assert after.place is not None
    assert after.place.function == "one"


def test_identity_lasts_as_long_as_the_exception(
    injector: Injector, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it is not held here any more; others know nothing of it."""
    monkeypatch.setattr(injected, "_HOLD_SECONDS", -1.0)
    kept = one()
    injector.settle()
    assert injector.exceptions._followed == {}
    assert injector.exceptions.ids_in(kept) == ("f-000000",)
    assert InjectedExceptions(recorder).ids_in(kept) == ()
    assert injector.exceptions.ids_in(None) == ()
    injector.settle()
    assert told(recorder) == [("f-000000", "caught", True)]
    injector.exceptions.escaped(kept)
    del kept
    injector.settle()
    assert told(recorder)[1:] == [("f-000000", "escaped", False)]
    forgotten = one()
    injector.exceptions.forget()
    assert injector.exceptions.ids_in(forgotten) == ()


def test_a_cycle_can_be_collected(
    injector: Injector, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A local variable of a frame in the traceback holds the exception: the collector must get at both."""

    def careless() -> None:
        error = one()
        try:
            raise error
        except RuntimeError:
            pass

    careless()
    injector.settle()
    gc.collect()
    injector.settle()
    assert told(recorder) == [("f-000000", "caught", True)]
    monkeypatch.setattr(injected, "_HOLD_SECONDS", -1.0)
    injector.settle()
    gc.collect()
    injector.settle()
    assert told(recorder)[1:] == [("f-000000", "caught", False)]
    assert injector.exceptions._let_go == {}


def test_a_flood_of_exceptions_is_bounded(injector: Injector, recorder: MemoryRecorder) -> None:
    """The oldest are let go early: no cause is claimed for those that may still fly, and all stay known."""
    kept = [one() for _ in range(1005)]
    assert told(recorder) == [(f"f-00000{number}", "unknown", True) for number in range(5)]
    assert len(injector.exceptions._followed) == 1000
    ids = [injector.exceptions.ids_in(error) for error in kept]
    assert ids == [(f"f-{number:06}",) for number in range(1005)]
    kept.clear()
    injector.settle()
    assert sorted(told(recorder)[5:])[:6] == [
        *((f"f-00000{number}", "unknown", False) for number in range(5)),
        ("f-000005", "caught", False),
    ]


def test_at_the_end_nobody_holds_anything(
    injector: Injector, recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends reports no more; a forked child answers for its own only."""
    monkeypatch.setattr(injected, "_HOLD_SECONDS", -1.0)
    first = one()
    injector.settle()
    second = one()
    injector.end()
    injector.end()
    alive = [("f-000000", "caught", True)]
    assert sorted(told(recorder)) == sorted(
        [*alive, ("f-000000", "caught", False), ("f-000001", "caught", False)]
    )
    injector.exceptions.after_fork()
    assert injector.exceptions.ids_in(second) == ("f-000001",)
    del first, second
    injector.settle()
    assert len(told(recorder)) == 3


class HostileError(Exception):
    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise AttributeError("it has none")

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError("it cannot be changed")


def test_no_class_keeps_the_mark_off(injector: Injector, recorder: MemoryRecorder) -> None:
    """Whatever it does to its own attributes; an emptied ``__dict__`` leaves the identity."""
    hostile = HostileError()
    injector.exceptions.add(hostile, "h-1", None)
    assert injector.exceptions.ids_in(hostile) == ("h-1",)
    emptied = one()
    vars(emptied).clear()
    assert injector.exceptions.ids_in(emptied) == ("f-000000",)
    injector.settle()
    assert told(recorder)[1] == ("f-000000", "caught", True)


def test_a_cleared_traceback_keeps_the_place_read_before(
    injector: Injector, recorder: MemoryRecorder
) -> None:
    """What was known is not unlearned."""
    kept = one()
    injector.settle()
    kept.__traceback__ = None
    del kept
    injector.settle()
    before, after = recorder.records(Fate)
    assert (before.alive, after.alive) == (True, False)
    assert before.place == after.place is not None


def test_a_pickled_copy_carries_the_id_and_needs_nothing_of_ours(injector: Injector) -> None:
    """It is plain text there."""
    pickled = pickle.dumps(one())
    copy = pickle.loads(pickled)
    assert type(vars(copy)[KEY]) is str
    assert injector.exceptions.ids_in(copy) == ("f-000000",)
    code = (
        "import base64, pickle, sys\n"
        f"error = pickle.loads(base64.b64decode({base64.b64encode(pickled)!r}))\n"
        f"print(vars(error)[{KEY!r}], any('sentry_harness' in name for name in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-IS", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "f-000000 False\n"


def test_an_exception_out_of_a_process_pool_is_known(tmp_path: Path) -> None:
    """Raised in a worker, it is the same injection where the future is read."""
    run = TargetRun(tmp_path, ArmedFault(name="f", at="job:work", do="raise(ValueError('v'))", select="call"))
    run.write("job.py", "def work(): pass\n")
    text = f"""
    from concurrent.futures import ProcessPoolExecutor
    import job
    if __name__ == "__main__":
        with ProcessPoolExecutor(1) as pool:
            error = pool.submit(job.work).exception()
        print(vars(error)[{KEY!r}])
    """
    done = run.script(text)
    (fired,) = run.records(Fired)
    assert done.stdout == f"{fired.fault_id}\n", done.stderr


def test_an_exception_handler_of_a_framework_has_caught_it(
    injector: Injector, recorder: MemoryRecorder
) -> None:
    """Starlette clears the traceback of what it handed to a registered handler."""
    app = FastAPI()

    @app.exception_handler(RuntimeError)
    async def answer(_request: Any, _error: Any) -> JSONResponse:
        return JSONResponse({"detail": "sorry"}, 500)

    @app.get("/")
    async def endpoint() -> None:
        sample.plain(1, c=1)

    async def main() -> int:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return (await client.get("/")).status_code

    assert asyncio.run(main()) == 500
    injector.settle()
    fate = recorder.records(Fate)[-1]
    assert (fate.fault_id, fate.handling, fate.place) == ("f-000000", "caught", None)
