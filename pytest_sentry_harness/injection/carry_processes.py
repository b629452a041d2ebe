"""Carries a request's selection into process pools and into children of ``multiprocessing``.

A forked child has the request's context by itself. A spawned one is told by its process object, a pool's worker by
its task: both get what the request has not met yet, signed, and check the signature as the entries do.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import wrapt

from .entries.requests import Requests
from .injected import InjectedExceptions
from .recorder import agent_working
from .selection import PRESENT

_ATTRIBUTE = "_sentry_harness_faults"
_POOL_METHODS = ("apply_async", "_map_async", "imap", "imap_unordered")

# Of this process, for the tasks that reach it: what they are unpickled from cannot hold it.
_HERE: list[Requests] = []


def install(requests: Requests, exceptions: InjectedExceptions) -> None:
    """Change processes and pools as they are imported."""
    _HERE[:] = [requests]
    hooks: dict[str, Callable[[Any], None]] = {
        "multiprocessing.process": lambda module: _processes(module, requests),
        "multiprocessing.pool": lambda module: _pools(module, requests),
        "concurrent.futures.process": lambda module: _executors(module, requests, exceptions),
    }
    for name, hook in hooks.items():
        wrapt.register_post_import_hook(hook, name)


class Carried:
    """A task of a pool, with the faults it may meet. Pickled along with the task."""

    def __init__(self, function: Callable[..., Any], faults: str) -> None:
        self.function = function
        self.faults = faults

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Do the task within the request it belongs to."""
        __tracebackhide__ = True  # the SDK leaves such frames out of its stack traces
        request = _HERE[0].unpack(self.faults) if _HERE else None
        token = PRESENT.set(request)
        try:
            return self.function(*args, **kwargs)
        finally:
            PRESENT.reset(token)

    def __repr__(self) -> str:
        return repr(self.function)


def carried(function: Callable[..., Any], requests: Requests) -> Callable[..., Any]:
    """``function``, with what the present request has not met yet."""
    faults = requests.pack(PRESENT.get())
    return function if faults is None else Carried(function, faults)


def outside_requests(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, doing its work outside any request: the workers it may start outlive the request."""

    @functools.wraps(function)
    def outside(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        token = PRESENT.set(None)
        try:
            return function(*args, **kwargs)
        finally:
            PRESENT.reset(token)

    return outside


def _processes(module: Any, requests: Requests) -> None:
    start, bootstrap = module.BaseProcess.start, module.BaseProcess._bootstrap

    @functools.wraps(start)
    def carrying_start(self: Any) -> None:
        __tracebackhide__ = True
        faults = requests.pack(PRESENT.get())
        if faults is None:
            start(self)
            return
        setattr(self, _ATTRIBUTE, faults)
        try:
            start(self)
        finally:
            delattr(self, _ATTRIBUTE)

    @functools.wraps(bootstrap)
    def carrying_bootstrap(self: Any, *args: Any, **kwargs: Any) -> Any:
        faults = vars(self).pop(_ATTRIBUTE, None)
        if faults is not None and PRESENT.get() is None:
            PRESENT.set(requests.unpack(faults))
        return bootstrap(self, *args, **kwargs)

    module.BaseProcess.start = carrying_start
    module.BaseProcess._bootstrap = carrying_bootstrap


def _pools(module: Any, requests: Requests) -> None:
    module.Pool.__init__ = outside_requests(module.Pool.__init__)
    for name in _POOL_METHODS:
        setattr(module.Pool, name, _carrying_first(getattr(module.Pool, name), requests))


def _executors(module: Any, requests: Requests, exceptions: InjectedExceptions) -> None:
    executor: Any = module.ProcessPoolExecutor
    executor.submit = _carrying_first(executor.submit, requests)
    parcel: Any = module._ExceptionWithTraceback
    original = parcel.__init__

    @functools.wraps(original)
    def init(self: Any, error: BaseException, *args: Any) -> None:
        with agent_working():
            exceptions.look_at(error)  # the original turns the traceback into text, and clears it
        original(self, error, *args)

    parcel.__init__ = init


def _carrying_first(method: Callable[..., Any], requests: Requests) -> Callable[..., Any]:
    """``method``, whose first argument is the task."""
    original = outside_requests(method)

    @functools.wraps(method)
    def carrying(self: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        return original(self, carried(function, requests), *args, **kwargs)

    return carrying
