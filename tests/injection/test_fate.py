"""What became of an exception, read off its traceback."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from typing import Any

import pytest

from pytest_sentry_harness.injection.fate import Ending, read_ending


def boom() -> None:
    raise error_box[0]


error_box: list[BaseException] = []


@pytest.fixture(autouse=True)
def fresh() -> None:
    error_box[:] = [ValueError("injected")]


def ending() -> Ending:
    return read_ending(error_box[0])


def test_a_cleared_traceback_means_caught() -> None:
    """It was raised, so somebody stopped it and cleared it; where, nobody can say. Unless it was seen leaving."""
    assert ending() == Ending("caught")
    assert read_ending(error_box[0], escaped=True) == Ending("escaped")


def swallowing() -> None:
    try:
        boom()
    except ValueError:
        ""


def test_caught_where_it_was_swallowed() -> None:
    """With the line of the call inside the try, and the way down to the raise."""
    swallowing()
    found = ending()
    first = swallowing.__code__.co_firstlineno
    assert found.handling == "caught"
    assert found.place is not None
    assert (found.place.function, found.place.line) == ("swallowing", first + 2)
    assert [place.function for place in found.chain] == ["swallowing", "boom"]


def test_suppressed_and_returned_in_finally() -> None:
    """Other ways to swallow."""

    def suppressing() -> int:
        with contextlib.suppress(ValueError):
            boom()
        return 1

    suppressing()
    assert ending().place.function.endswith("suppressing")  # type: ignore[union-attr]


def test_wrapping_counts_as_caught_by_the_wrapper() -> None:
    """``raise Other from error`` stops the injected exception there."""

    def wrapping() -> None:
        try:
            boom()
        except ValueError as error:
            raise KeyError("other") from error

    with pytest.raises(KeyError):
        wrapping()
    assert ending().handling == "caught"
    assert ending().place.function.endswith("wrapping")  # type: ignore[union-attr]


def test_passing_on_is_not_catching() -> None:
    """Bare ``raise``, ``raise error``, ``with`` and ``finally`` let it go on to whoever stops it."""

    def first() -> None:
        try:
            boom()
        except ValueError:
            raise

    def second() -> None:
        try:
            first()
        except ValueError as error:
            raise error  # noqa: TRY201

    def third() -> None:
        with threading.Lock():
            try:
                second()
            finally:
                ""

    def stops() -> None:
        try:
            third()
        except ValueError:
            ""

    stops()
    assert ending().place.function.endswith("stops")  # type: ignore[union-attr]


def test_escaped_from_a_thread() -> None:
    """The thread's last resort stops it."""
    seen = []
    before, threading.excepthook = threading.excepthook, seen.append
    try:
        thread = threading.Thread(target=boom)
        thread.start()
        thread.join()
    finally:
        threading.excepthook = before
    assert seen
    assert ending().handling == "escaped"


@pytest.mark.parametrize("passing", ["straight", "bare raise"])
def test_escaped_from_a_task(passing: str) -> None:
    """The task's own coroutine was its last frame."""

    async def job() -> None:
        await asyncio.sleep(0)
        try:
            boom()
        except ValueError:
            if passing == "bare raise":
                raise
            raise

    async def straight() -> None:
        await asyncio.sleep(0)
        boom()

    async def main() -> Any:
        return await asyncio.gather(
            asyncio.create_task(straight() if passing == "straight" else job()), return_exceptions=True
        )

    assert asyncio.run(main()) == [error_box[0]]
    assert ending().handling == "escaped"


def test_caught_in_a_task_and_in_an_unread_future() -> None:
    """A task that handles it, and a future nobody asks."""

    async def job() -> None:
        try:
            boom()
        except ValueError:
            await asyncio.sleep(0)

    asyncio.run(job())
    assert ending().place.function.endswith("job")  # type: ignore[union-attr]
    error_box[:] = [ValueError("again")]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(boom)
    assert ending().place.file.endswith("thread.py")  # type: ignore[union-attr]


def test_a_loop_at_the_same_call_again_has_caught_it() -> None:
    """The frame stands at the instruction where the exception came in, but it goes on."""
    at_it_again, go_on = threading.Event(), threading.Event()
    calls = []

    def job() -> None:
        calls.append(1)
        if len(calls) == 1:
            boom()
        at_it_again.set()
        go_on.wait(60)

    def loop() -> None:
        for _ in range(2):
            try:
                job()
            except ValueError:
                ""

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        assert at_it_again.wait(60)
        assert ending().handling == "caught"
        assert ending().place.function.endswith("loop")  # type: ignore[union-attr]
    finally:
        go_on.set()
        thread.join()


def test_seen_leaving_is_escaped_whatever_the_traceback_says() -> None:
    """An entry saw the object; long ways are shortened in the middle."""

    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        else:
            boom()

    with pytest.raises(ValueError, match="injected"):
        deep(50)
    found = read_ending(error_box[0], escaped=True)
    assert found.handling == "escaped"
    assert found.place is None
    assert len(found.chain) == 20
    assert found.chain[-1].function == "boom"
