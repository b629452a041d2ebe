"""Puts entries into servers, and for servers not known here into frameworks.

Each is changed when it is imported. A server's entry comes first and takes the header out, so the
framework's finds none and does nothing. Frames of an entry carry ``__tracebackhide__``, by which the SDK
leaves them out of the stack traces it sends.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import wrapt

from ...model.ledger import Note
from ..recorder import Recorder
from . import asgi, wsgi
from .requests import Requests

Patch = Callable[[Any, Requests], None]


def install(requests: Requests, recorder: Recorder) -> None:
    """Change each server and framework as it is imported."""
    for name, patch in _PATCHES.items():
        wrapt.register_post_import_hook(_guarded(patch, name, requests, recorder), name)


def _guarded(patch: Patch, name: str, requests: Requests, recorder: Recorder) -> Callable[[ModuleType], None]:
    def hook(module: ModuleType) -> None:
        try:
            patch(module, requests)
        except (AttributeError, TypeError) as error:
            text = f"{name} is not as expected ({error}): requests that enter through it carry no faults"
            recorder.write(Note, level="info", text=text)

    return hook


def _uvicorn(module: Any, requests: Requests) -> None:
    original = module.Config.load

    @functools.wraps(original)
    def load(self: Any) -> None:
        original(self)
        if not isinstance(self.loaded_app, asgi.AsgiEntry):
            self.loaded_app = asgi.AsgiEntry(self.loaded_app, requests)

    module.Config.load = load


def _hypercorn(module: Any, requests: Requests) -> None:
    original = module.wrap_app

    @functools.wraps(original)
    def wrap_app(app: Any, *args: Any, **kwargs: Any) -> Any:
        wrapped = original(app, *args, **kwargs)

        async def entry(scope: Any, receive: Any, send: Any, *more: Any) -> None:
            __tracebackhide__ = True
            request = asgi.selected(scope, requests)

            async def app(scope: Any, receive: Any, send: Any) -> None:
                __tracebackhide__ = True
                await wrapped(scope, receive, send, *more)

            if request is None:
                await app(scope, receive, send)
            else:
                await asgi.serve(app, scope, receive, send, request, requests)

        return entry

    module.wrap_app = wrap_app


def _wsgiref(module: Any, requests: Requests) -> None:
    original = module.BaseHandler.run

    @functools.wraps(original)
    def run(self: Any, application: Any) -> Any:
        return original(self, wsgi.WsgiEntry(application, requests))

    module.BaseHandler.run = run


def _werkzeug(module: Any, requests: Requests) -> None:
    original = module.BaseWSGIServer.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.app = wsgi.WsgiEntry(self.app, requests)

    module.BaseWSGIServer.__init__ = init


def _gunicorn(module: Any, requests: Requests) -> None:
    original = module.Worker.load_wsgi

    @functools.wraps(original)
    def load_wsgi(self: Any) -> None:
        original(self)
        if "uvicorn" not in type(self).__module__:  # its workers serve ASGI, and load it by uvicorn's Config
            self.wsgi = wsgi.WsgiEntry(self.wsgi, requests)

    module.Worker.load_wsgi = load_wsgi


def _gunicorn_asgi(module: Any, requests: Requests) -> None:
    original = module.ASGIWorker.load_wsgi  # it does not call that of the base class

    @functools.wraps(original)
    def load_wsgi(self: Any) -> None:
        original(self)
        self.asgi = asgi.AsgiEntry(self.asgi, requests)

    module.ASGIWorker.load_wsgi = load_wsgi


def _asgi_call(class_name: str) -> Patch:
    def patch(module: Any, requests: Requests) -> None:
        application = getattr(module, class_name)
        original = application.__call__

        @functools.wraps(original)
        async def call(self: Any, scope: Any, receive: Any, send: Any) -> None:
            __tracebackhide__ = True
            request = asgi.selected(scope, requests)
            if request is None:
                await original(self, scope, receive, send)
            else:
                await asgi.serve(functools.partial(original, self), scope, receive, send, request, requests)

        application.__call__ = call

    return patch


def _wsgi_call(class_name: str) -> Patch:
    def patch(module: Any, requests: Requests) -> None:
        application = getattr(module, class_name)
        original = application.__call__

        @functools.wraps(original)
        def call(self: Any, environ: Any, start_response: Any) -> Any:
            __tracebackhide__ = True
            return wsgi.serve(functools.partial(original, self), environ, start_response, requests)

        application.__call__ = call

    return patch


_PATCHES: dict[str, Patch] = {
    "uvicorn.config": _uvicorn,
    "hypercorn.utils": _hypercorn,
    "wsgiref.handlers": _wsgiref,
    "werkzeug.serving": _werkzeug,
    "gunicorn.workers.base": _gunicorn,
    "gunicorn.workers.gasgi": _gunicorn_asgi,
    "starlette.applications": _asgi_call("Starlette"),
    "flask.app": _wsgi_call("Flask"),
    "django.core.handlers.asgi": _asgi_call("ASGIHandler"),
    "django.core.handlers.wsgi": _wsgi_call("WSGIHandler"),
}
