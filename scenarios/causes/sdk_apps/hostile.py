"""Exceptions that are hard on whoever handles them, and a batch that reports them all."""

from __future__ import annotations

import os
import threading
from typing import Any

import sentry_sdk
from sentry_sdk.types import Event, Hint

JOBS = 40
DEFECT = os.environ.get("DEFECT", "")


class UnprintableError(Exception):
    """Neither ``str`` nor ``repr`` of it works."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __repr__(self) -> str:
        raise RuntimeError("no text either")


class HugeError(Exception):
    """Its message has megabytes."""

    def __init__(self) -> None:
        super().__init__("x" * 3_000_000)


class UndecodableError(Exception):
    """Its message was never text: lone surrogates, which no UTF-8 takes, and bytes."""

    def __init__(self) -> None:
        super().__init__(b"\xff\xfe".decode("utf-8", "surrogateescape"), b"\xff\xfe", "\x00\x1b[31m")


class CircularError(Exception):
    """It is its own cause, by a detour."""

    def __init__(self) -> None:
        super().__init__("round and round")
        other = ValueError("the other")
        other.__cause__, other.__context__ = self, self
        self.__cause__, self.__context__ = other, other


class DeepError(Exception):
    """It has a thousand causes, one behind the other."""

    def __init__(self) -> None:
        super().__init__("at the top")
        link: BaseException = self
        for number in range(1000):
            link.__cause__ = ValueError(number)
            link = link.__cause__


class Crowd(ExceptionGroup[Exception]):
    """A group of groups of hundreds."""

    def __new__(cls) -> Crowd:
        """Made without arguments."""
        groups = [ExceptionGroup("inner", [ValueError(n) for n in range(50)]) for _ in range(10)]
        return super().__new__(cls, "many at once", groups)


class LiarError(Exception):
    """It says that it is something else, is false, has no length, and equals everything."""

    @property
    def __class__(self) -> Any:
        """Not the truth."""
        return KeyError

    @__class__.setter
    def __class__(self, kind: Any) -> None:
        pass

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class SecretiveError(Exception):
    """It fails when it is asked for what it does not have, as the SDK does of every exception."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"do not ask for {name}")


class OddNotesError(Exception):
    """Its notes are not the list of texts they should be."""

    def __init__(self) -> None:
        super().__init__("odd")
        self.__notes__: Any = [b"\xff", None, UnprintableError()]


class Abort(BaseException):
    """No Exception: most handlers let it pass."""


class Hostage:
    """A local variable that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def work(job: int) -> None:
    """The fault point."""


def deep_down(job: int, levels: int) -> None:
    """Fail at the end of a long call chain, over locals that cannot be shown."""
    hostage = Hostage()
    if levels:
        deep_down(job, levels - 1)
    else:
        work(job)
    del hostage


def attend(job: int) -> None:
    """Report whatever comes, of every kind."""
    try:
        deep_down(job, 200 if job % 2 else 1)
    except BaseException as error:
        sentry_sdk.capture_exception(error)


def unattended(job: int) -> None:
    """Let the SDK report it, which it does for an Exception only: the defect."""
    work(job)


def main() -> None:
    """Meet them one by one."""
    sentry_sdk.init(
        release="hostile@1",
        before_send=by_text if DEFECT == "by_text" else None,
        # The SDK sends messages whole unless it is told where to cut; servers take a megabyte.
        max_value_length=None if DEFECT == "uncut" else 10_000,
    )
    for job in range(JOBS):
        if DEFECT == "in_threads":
            thread = threading.Thread(target=unattended, args=(job,))
            thread.start()
            thread.join()
        else:
            attend(job)
    sentry_sdk.flush(timeout=20)


def by_text(event: Event, hint: Hint) -> Event | None:
    """Decide by the text of the exception, as if every exception had one: the defect."""
    return None if str(hint["exc_info"][1]) == "cancelled" else event


if __name__ == "__main__":
    main()
