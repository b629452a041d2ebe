"""Carries a request's selection along to where the request's work is done.

Into the threads it starts; into processes and tasks of queues by the modules beside. Asyncio's tasks inherit their
context by themselves.
"""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import wrapt

from . import carry_celery, carry_processes
from .entries.requests import Requests
from .injected import InjectedExceptions
from .selection import PRESENT, RequestFaults


def install(requests: Requests, exceptions: InjectedExceptions) -> None:
    """Change threads, executors (so ``run_in_executor`` too), pools, processes and Celery."""
    _threads()
    carry_processes.install(requests, exceptions)
    carry_celery.install(requests)
    wrapt.register_post_import_hook(_executors, "concurrent.futures.thread")


def _threads() -> None:
    original = threading.Thread.start

    @functools.wraps(original)
    def start(self: threading.Thread) -> None:
        request = PRESENT.get()
        if request is not None:
            # A new thread starts in an empty context; so does this one, but for the selection. Nothing
            # written in Python comes in between, so tracebacks stay as they are.
            context = contextvars.Context()
            context.run(PRESENT.set, request)
            self.run = functools.partial(context.run, self.run)  # type: ignore[method-assign]
        original(self)

    threading.Thread.start = start  # type: ignore[method-assign]


def _executors(module: ModuleType) -> None:
    original = carry_processes.outside_requests(module.ThreadPoolExecutor.submit)

    @functools.wraps(original)
    def submit(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        request = PRESENT.get()
        if request is not None:
            fn = functools.partial(_within, request, fn)
        # The original may start a thread, which works for other requests later.
        return original(self, fn, *args, **kwargs)

    module.ThreadPoolExecutor.submit = submit


def _within(request: RequestFaults, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    __tracebackhide__ = True  # the SDK leaves such frames out of its stack traces
    token = PRESENT.set(request)
    try:
        return fn(*args, **kwargs)
    finally:
        PRESENT.reset(token)
