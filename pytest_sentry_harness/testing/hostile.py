"""Exceptions that are hard to report, to be raised by faults: ``raise(pytest_sentry_harness.testing.hostile.ChainedError)``.

They are imported in the target, where this package is anyway. Standard library only.
"""

from __future__ import annotations


class ChainedError(RuntimeError):
    """Raised ``from`` another one, which was raised while handling a third."""

    def __init__(self, message: str = "the last of three") -> None:
        super().__init__(message)
        self.__cause__ = _second()


def _second() -> ValueError:
    # Without tracebacks, which would lead back to the first: a cycle is another matter.
    error = ValueError("the second of three")
    error.__context__ = KeyError("the first of three")
    return error


class GroupedError(ExceptionGroup[Exception]):
    """A group of two errors, one of them within a group of its own."""

    def __new__(cls, message: str = "several at once") -> GroupedError:
        """A group with its members."""
        inner = ExceptionGroup("inner", [TimeoutError("slow"), ValueError("wrong")])
        return super().__new__(cls, message, [OSError("broken"), inner])


class CyclicError(RuntimeError):
    """Its chain of causes comes back to itself."""

    def __init__(self, message: str = "round and round") -> None:
        super().__init__(message)
        other = ValueError("and back")
        other.__cause__ = self
        self.__cause__ = other


class DeepError(RuntimeError):
    """At the end of a long chain of causes."""

    def __init__(self, message: str = "the tip", links: int = 60) -> None:
        super().__init__(message)
        link: BaseException = self
        for number in range(links):
            link.__cause__ = ValueError(f"link {number}")
            link = link.__cause__


class UnprintableError(Exception):
    """``str`` and ``repr`` of it raise."""

    def __str__(self) -> str:
        raise ValueError("no text")

    def __repr__(self) -> str:
        raise ValueError("no text either")


class UndecodableError(Exception):
    """Its text cannot be encoded, and holds characters that steer terminals."""

    def __init__(self, message: str = "\udcff\ud800 \x00\x1b[31m \u202e \ufffe") -> None:
        super().__init__(message)


class HugeError(Exception):
    """Its text is a megabyte long."""

    def __init__(self, size: int = 1 << 20) -> None:
        super().__init__("x" * size)


class UnequalError(Exception):
    """Cannot be compared, hashed or copied."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise TypeError("not to be compared")

    def __reduce__(self) -> str:
        raise TypeError("not to be copied")


class FalsyError(Exception):
    """Is false, and empty."""

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0


ALL: tuple[type[Exception], ...] = (
    ChainedError,
    GroupedError,
    CyclicError,
    DeepError,
    UnprintableError,
    UndecodableError,
    HugeError,
    UnequalError,
    FalsyError,
)
