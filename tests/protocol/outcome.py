"""What a call that may refuse its input did."""

from __future__ import annotations

from collections.abc import Callable

from pytest_sentry_harness.errors import ProtocolError


def refusal(call: Callable[[], object]) -> ProtocolError | None:
    """The error ``call`` refused with, None when it accepted. Any other exception goes through."""
    try:
        call()
    except ProtocolError as error:
        return error
    return None
