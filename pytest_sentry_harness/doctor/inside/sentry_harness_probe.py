"""The points at which the doctor's own faults are injected. Each does nothing by itself.

A module of its own, outside the harness's package: the agent arms no function of the harness, and in a stack trace
this is what people see.
"""


def handled() -> None:
    """An error that is caught and handed to ``capture_exception``."""


def in_thread() -> None:
    """An error that ends a thread."""


def logged() -> None:
    """An error that is logged with its traceback."""


def burst() -> None:
    """One of many errors in a row."""


def last_words() -> None:
    """One of the errors handed over just before the process is told to end."""
