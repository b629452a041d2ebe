"""Replaces a DSN that the application sets itself, so that its events come to the embedded server."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import wrapt

from ...injection.sdk_watch.describe import dsn_host, redacted_dsn
from .notebook import Notebook
from .places import calling_place


def install(dsn: str, hosts: frozenset[str], notebook: Notebook) -> None:
    """Let SDK clients whose DSN has a host other than ``hosts`` send to ``dsn``; the notebook has their old one."""

    def hook(client_module: ModuleType) -> None:
        module: Any = client_module
        original = getattr(module, "make_transport", None)
        if original is None:
            notebook.write("cannot_redirect", why="sentry_sdk.client has no make_transport")
            return

        def make_transport(options: Any) -> Any:
            __tracebackhide__ = True
            given = options.get("dsn")
            if given and dsn_host(given) not in hosts:
                notebook.write("redirected", dsn=redacted_dsn(given), place=calling_place())
                options["dsn"] = dsn
            return original(options)

        module.make_transport = make_transport

    wrapt.register_post_import_hook(hook, "sentry_sdk.client")
