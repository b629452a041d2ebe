"""What can be read off a process and its SDK without changing anything."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from typing import Any

from ...injection.sdk_watch.describe import name_of, place_of
from .libraries import libraries

# Module and class of application objects; made before ``init``, they were built without the integrations.
_APPLICATIONS = (
    ("fastapi.applications", "FastAPI"),
    ("starlette.applications", "Starlette"),
    ("flask.app", "Flask"),
    ("quart.app", "Quart"),
    ("aiohttp.web_app", "Application"),
    ("sanic.app", "Sanic"),
    ("litestar.app", "Litestar"),
)
_SERVERS = ("uvicorn", "gunicorn", "hypercorn", "uwsgi", "celery", "rq", "gevent", "eventlet")


def before_init() -> dict[str, Any]:
    """What was there when ``sentry_sdk.init`` was called: applications built, and in which thread it is called."""
    return {
        "applications": sorted(_applications()),
        "main_thread": threading.current_thread() is threading.main_thread(),
    }


def of_process(sdk: Any, disabled: frozenset[str]) -> dict[str, Any]:
    """The present state of this process and its client."""
    client = sdk.get_client()
    return {
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "sdk": str(sdk.VERSION),
        "active": bool(client.is_active()),
        "libraries": list(libraries(client, disabled)),
        "excepthook": _hook(sys.excepthook),
        "processors": list(_processors(sdk)),
        "servers": [name for name in _SERVERS if name in sys.modules],
        "asyncio": "asyncio" in sys.modules and "asyncio" in client.integrations,
    }


def _applications() -> Iterator[str]:
    wanted = [
        getattr(sys.modules[module], name)
        for module, name in _APPLICATIONS
        if module in sys.modules and hasattr(sys.modules[module], name)
    ]
    if not wanted:
        return
    kinds = tuple(wanted)
    for thing in gc.get_objects():
        kind = type(thing)  # not isinstance, which proxies answer with code of their own
        if issubclass(kind, kinds):
            yield f"{kind.__module__}.{kind.__qualname__}"


def _hook(hook: Any) -> dict[str, Any]:
    place = place_of(hook)
    module = str(getattr(hook, "__module__", ""))
    return {
        "sdk": module.startswith("sentry_sdk"),
        "standard": hook is sys.__excepthook__,
        "name": name_of(hook),
        "place": None if place is None else f"{place.file}:{place.line}",
    }


def _processors(sdk: Any) -> Iterator[dict[str, Any]]:
    """Event processors that are not the SDK's own: each of them may drop an event."""
    found = list(getattr(sdk.scope, "global_event_processors", ()))
    for scope in (sdk.get_global_scope(), sdk.get_isolation_scope(), sdk.get_current_scope()):
        found += [*getattr(scope, "_event_processors", ()), *getattr(scope, "_error_processors", ())]
    for processor in found:
        if not str(getattr(processor, "__module__", "")).startswith("sentry_sdk"):
            place = place_of(processor)
            yield {
                "name": name_of(processor),
                "place": None if place is None else f"{place.file}:{place.line}",
            }
