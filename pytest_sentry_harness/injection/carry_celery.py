"""Carries a request's selection into the Celery tasks it sends, by a header of the message.

Celery's own signals do it, so nothing of Celery is changed: ``before_task_publish`` puts in what the request has not
met yet, signed; ``task_prerun`` and ``task_postrun`` stand around the task in the worker.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import wrapt

from ..protocol.fault_header import NAME
from .entries.requests import Requests
from .recorder import agent_working
from .selection import PRESENT, RequestFaults


def install(requests: Requests) -> None:
    """Connect to Celery's signals when it is imported."""
    wrapt.register_post_import_hook(lambda module: Tasks(requests).connect(module), "celery.signals")


class Tasks:
    """The two ends of a message."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        # Tasks may be nested: one that is called eagerly runs within another.
        self._running: contextvars.ContextVar[tuple[RequestFaults | None, ...]] = contextvars.ContextVar(
            "sentry_harness_celery_tasks", default=()
        )

    def connect(self, signals: Any) -> None:
        """Connect to the signals."""
        handlers: dict[str, Callable[..., None]] = {
            "before_task_publish": self._published,
            "task_prerun": self._begins,
            "task_postrun": self._ends,
        }
        for name, handler in handlers.items():
            getattr(signals, name).connect(handler, weak=False)

    def _published(self, headers: Any = None, **_: Any) -> None:
        with agent_working():
            if isinstance(headers, dict):
                faults = self._requests.pack(PRESENT.get())
                headers.pop(NAME, None)
                if faults is not None:
                    headers[NAME] = faults

    def _begins(self, task: Any = None, **_: Any) -> None:
        present = PRESENT.get()
        self._running.set((*self._running.get(), present))
        with agent_working():
            faults = vars(task.request).pop(NAME, None)
            request = self._requests.unpack(faults) if faults is not None else present
        PRESENT.set(request)

    def _ends(self, **_: Any) -> None:
        running = self._running.get()
        if running:
            self._running.set(running[:-1])
            PRESENT.set(running[-1])
