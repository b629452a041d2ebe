"""A conversation ends at its deadline, whatever state its socket is in."""

from __future__ import annotations

import socket
import threading

import pytest

from pytest_sentry_harness.channels.cut_off import CutOff


class Cut(CutOff):
    """Tells when it has cut."""

    def __init__(self, current: socket.socket | None) -> None:
        super().__init__(0.01, lambda: current)
        self.done = threading.Event()

    def _cut(self) -> None:
        super()._cut()
        self.done.set()


def test_a_conversation_is_ended_in_its_middle() -> None:
    """Whoever reads gets an end, and what was read so far does not count."""
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError, match=r"no answer within 0\.01 s"), Cut(ours):
        assert ours.recv(1) == b""


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "not connected"])
def test_without_a_socket_the_deadline_holds_too(closed: bool) -> None:
    """Nothing can be shut down, and it is too late all the same."""
    ours, theirs = socket.socketpair()
    ours.close()
    theirs.close()
    cut = Cut(ours if closed else None)
    with pytest.raises(TimeoutError), cut:
        assert cut.done.wait(60)


def test_in_time_nothing_happens() -> None:
    """And an error of another kind stays what it is."""
    with CutOff(3600, lambda: None):
        pass
    with pytest.raises(ValueError, match="own"), CutOff(3600, lambda: None):
        raise ValueError("own")
