"""Why a request had no answer: short, printable, and the same for the same reason."""

from __future__ import annotations

import http.client

import pytest

from pytest_sentry_harness.load.trouble import in_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            http.client.BadStatusLine("\x00\x1b[31m" * 400),
            "BadStatusLine: what came does not begin as an HTTP answer does",
        ),
        (
            http.client.RemoteDisconnected("gone"),
            "RemoteDisconnected: the connection was closed without an answer",
        ),
        (
            http.client.IncompleteRead(b"\xff" * 9, 3),
            "IncompleteRead: the answer ended before it was complete",
        ),
        (
            ConnectionError("Connection aborted.", http.client.BadStatusLine("\x07junk")),
            "ConnectionError: what came does not begin as an HTTP answer does",
        ),
        (TimeoutError(), "TimeoutError: no answer"),
        (OSError("<Pool at 0x7f00deadbeef>\r\n\x1b[2Jrefused"), "OSError: <Pool at 0x...> \ufffd[2Jrefused"),
    ],
)
def test_trouble_in_words(error: BaseException, words: str) -> None:
    """Random bytes and addresses are left out, so that equal reasons are told alike."""
    assert in_words(error) == words


def test_long_texts_are_cut() -> None:
    """120 characters, the type among them."""
    assert len(in_words(OSError("x" * 5000))) == 120
    assert in_words(OSError("x" * 5000)).endswith("x...")
