"""Which integration should have handed an exception to the SDK, by the code it passed; and why one was off."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from ..model.ledger import Place, SdkInit

APPLICATION = "app"
"""The mark of all code that is not known here."""
KEEPERS = ("futures", "pool")
"""Marks of code that keeps an exception until somebody asks for the result."""
_SDK = re.compile(r"/sentry_sdk/integrations/(\w+)")
# Whose code a file is. The standard library's files are told by the folder they are in.
_KNOWN = re.compile(
    r"/(fastapi|starlette|flask|django|celery|rq|aiohttp|uvicorn|hypercorn|werkzeug|gunicorn|wsgiref|asgiref|a2wsgi)/"
    r"|/python3[^/]*/(threading)\.py$"
    r"|/python3[^/]*/(asyncio)/"
    r"|/python3[^/]*/concurrent/(futures)/"
    r"|/python3[^/]*/(multiprocessing)/process\.py$"
    r"|/python3[^/]*/multiprocessing/(pool)\.py$"
)
_FRAMEWORKS = ("fastapi", "starlette", "flask", "django", "celery", "rq", "aiohttp")
_SERVERS = {
    "uvicorn": "SentryAsgiMiddleware",
    "hypercorn": "SentryAsgiMiddleware",
    "werkzeug": "SentryWsgiMiddleware",
    "gunicorn": "SentryWsgiMiddleware",
    "wsgiref": "SentryWsgiMiddleware",
}


class Integration(NamedTuple):
    """An integration that reports errors, and how it comes to be on."""

    identifier: str
    name: str
    on_by: Literal["default", "auto", "hand"]


_INTEGRATIONS = {
    each.identifier: each
    for each in (
        Integration("fastapi", "FastApiIntegration", "auto"),
        Integration("starlette", "StarletteIntegration", "auto"),
        Integration("flask", "FlaskIntegration", "auto"),
        Integration("django", "DjangoIntegration", "auto"),
        Integration("celery", "CeleryIntegration", "auto"),
        Integration("rq", "RqIntegration", "auto"),
        Integration("aiohttp", "AioHttpIntegration", "auto"),
        Integration("asyncio", "AsyncioIntegration", "hand"),
        Integration("threading", "ThreadingIntegration", "default"),
        Integration("excepthook", "ExcepthookIntegration", "default"),
        Integration("logging", "LoggingIntegration", "default"),
    )
}


def integration(identifier: str) -> Integration:
    """The integration of that name."""
    return _INTEGRATIONS[identifier]


def marks_of(files: Iterable[str]) -> str:
    """Whose code a traceback passed, outermost first, as words: ``uvicorn sdk:asgi starlette app``."""
    marks: list[str] = []
    for file in files:
        mark = mark_of(file)
        if not marks or marks[-1] != mark:
            marks.append(mark)
    return " ".join(marks)


@functools.lru_cache(maxsize=4096)
def mark_of(file: str) -> str:
    """Whose code ``file`` is."""
    found = _SDK.search(file)
    if found is not None:
        return f"sdk:{found[1]}"
    found = _KNOWN.search(file)
    return APPLICATION if found is None else next(name for name in found.groups() if name)


def responsible(marks: Sequence[str], *, main: bool, task: bool = False) -> list[Integration]:
    """The integrations any of which should have reported an exception that went this way.

    ``main``: it was raised in the main thread. ``task``: in an asyncio task. None: there is none for it.
    """
    frameworks = [name for name in _FRAMEWORKS if name in marks]
    if frameworks:
        return [_INTEGRATIONS[name] for name in frameworks]
    outermost = next((mark for mark in marks if not mark.startswith("sdk:")), APPLICATION)
    if outermost in _INTEGRATIONS:
        return [_INTEGRATIONS[outermost]]
    if outermost == APPLICATION and task and "asyncio" not in marks:
        return [_INTEGRATIONS["asyncio"]]  # it never left its task
    if outermost == APPLICATION and main:
        return [_INTEGRATIONS["excepthook"]]
    return []


def missing_middleware(marks: Sequence[str]) -> str:
    """The middleware that a bare application under a server lacks; empty when there is one, or no server."""
    if not marks or marks[0] not in _SERVERS:
        return ""
    middleware = _SERVERS[marks[0]]
    there = "sdk:asgi" if middleware == "SentryAsgiMiddleware" else "sdk:wsgi"
    return "" if there in marks else middleware


class Off(NamedTuple):
    """Why an integration was off."""

    reason: Literal["integration_off", "integration_refused"]
    culprit: str
    place: Place | None


def why_off(which: Integration, inits: Sequence[SdkInit]) -> Off:
    """Why ``which`` was not among the integrations after the last of ``inits``, and who says so."""
    # Clients made by hand come and go; integrations belong to the process.
    last = next((init for init in reversed(inits) if not init.by_hand), inits[-1])
    if which.identifier in last.refused:
        return Off("integration_refused", f"{which.name}: {last.refused[which.identifier]}", last.place)
    for init in reversed(inits):
        if _disabled(which, init):
            # An integration is set up once in the life of a process: later calls cannot enable it any more.
            return Off("integration_off", f"disabled_integrations=[{which.name}]", init.place)
    if last.options.get("default_integrations") is False:
        return Off("integration_off", f"default_integrations=False, so without {which.name}", last.place)
    if which.on_by == "auto" and last.options.get("auto_enabling_integrations") is False:
        culprit = f"auto_enabling_integrations=False, so without {which.name}"
        return Off("integration_off", culprit, last.place)
    by_hand = ", which has to be named in integrations=[...]" if which.on_by == "hand" else ""
    return Off("integration_off", f"without {which.name}{by_hand}", last.place)


def _disabled(which: Integration, init: SdkInit) -> bool:
    disabled = init.options.get("disabled_integrations") or ()
    return any(str(name).rpartition(".")[2] == which.name for name in disabled)
