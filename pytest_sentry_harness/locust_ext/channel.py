"""Listening to Locust's channel to the very end of a process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent
from locust.exception import RPCError
from locust.runners import MasterRunner

from .. import clock
from .messages import ASK, FINISH, REPORT, TAKEN, TELL

log = logging.getLogger(__name__)

_NAP = 0.05
_OURS = frozenset({ASK, TELL, REPORT, TAKEN, FINISH, "stats"})


def wait_until(runner: Any, condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until ``condition`` holds, at most ``seconds``; whether it does.

    Locust stops listening to its channel before it fires ``quitting``. Then this listens in its place, to our own
    messages and to the last statistics.
    """
    deadline = clock.monotonic() + seconds
    while not condition():
        if clock.monotonic() > deadline:
            return False
        if len(runner.greenlet):
            gevent.sleep(_NAP)
        else:
            _handle_next(runner)
    return True


def _handle_next(runner: Any) -> None:
    message = None
    with gevent.Timeout(_NAP, False):
        try:
            if isinstance(runner, MasterRunner):
                sender, message = runner.server.recv_from_client()  # type: ignore[no-untyped-call]
            else:
                message = runner.client.recv()
        except RPCError as error:
            log.warning("sentry-harness: a message could not be read: %s", error)
            gevent.sleep(_NAP)
    if message is None or message.type not in _OURS:
        return
    if isinstance(runner, MasterRunner):
        runner.handle_message(sender, message)
    else:
        runner.handle_message(message)
