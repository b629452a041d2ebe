"""What the agent is in a process that is measured: one parked thread, and a client that cannot send elsewhere.

Nothing is injected, nothing on the way of an event is wrapped, and the same is there in every arm. The thread waits in
``accept`` until the harness wants the SDK flushed, and tells what the SDK is set up as. Where the run is to go
without Sentry, ``sentry_sdk.init`` is made to do nothing.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import wrapt

from ..model.arming import ArmedMeasuring, Arming
from . import guard
from .recorder import complain
from .sdk_watch.describe import dsn_host

_MOST_LINE = 4096


class Measured:
    """The agent's part in one process of an arm."""

    def __init__(self, arming: Arming, measuring: ArmedMeasuring) -> None:
        self._arming = arming
        self._measuring = measuring
        self._hosts = frozenset(host.lower() for host in arming.hosts)
        self._cut_off: set[str] = set()
        self._inits = 0

    def start(self) -> None:
        """Mind the SDK as soon as it is imported, and listen."""
        refusal = None if self._arming.allow_production else guard.production_reason(os.environ)
        if refusal is not None:
            complain(refusal)
            return
        wrapt.register_post_import_hook(self._mind, "sentry_sdk")
        os.register_at_fork(after_in_child=self._listen)
        self._listen()

    def _mind(self, sdk: Any) -> None:
        client: Any = sys.modules["sentry_sdk.client"]
        make_transport = client.make_transport

        def allowed(options: Any) -> Any:
            host = dsn_host(options.get("dsn"))
            if options.get("dsn") and host not in self._hosts:
                self._cut_off.add(str(host))
                return None
            return make_transport(options)

        client.make_transport = allowed
        if not self._measuring.init:
            for name in ("sentry_sdk", "sentry_sdk.api", "sentry_sdk._init_implementation"):
                if hasattr(sys.modules.get(name), "init"):
                    setattr(sys.modules[name], "init", self._no_init)  # noqa: B010 - modules have no such field

    def _no_init(self, *_args: Any, **_options: Any) -> contextlib.AbstractContextManager[None]:
        self._inits += 1
        return contextlib.nullcontext()  # what init returns may be entered

    def _listen(self) -> None:
        """Open a port of this process and park a thread at it; a forked child does so again."""
        server = socket.create_server(("127.0.0.1", 0), backlog=4)
        thread = threading.Thread(target=self._serve, args=(server,), name="sentry-harness", daemon=True)
        thread.start()
        path = Path(self._measuring.folder) / f"{os.getpid()}.json"
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"pid": os.getpid(), "port": server.getsockname()[1]}), encoding="utf-8")
        part.replace(path)

    def _serve(self, server: socket.socket) -> None:
        while True:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):  # the harness may be gone already
                with connection.makefile("rwb") as stream:
                    answer = self._answer(stream.readline(_MOST_LINE))
                    stream.write(json.dumps(answer).encode() + b"\n")

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            known = hmac.compare_digest(str(asked["key"]), self._arming.key)
            timeout = float(asked["flush"])
        except (ValueError, KeyError, TypeError):
            return {"error": "not understood"}
        if not known:
            return {"error": "another run's key"}
        return self._flush(timeout) | {
            "pid": os.getpid(),
            "cut_off": sorted(self._cut_off),
            "inits_withheld": self._inits,
        }

    def _flush(self, timeout: float) -> dict[str, Any]:
        sdk: Any = sys.modules.get("sentry_sdk")
        if sdk is None:
            return {"version": None, "active": False, "initialised": False}
        # Also a client that was bound elsewhere than where this thread sees it has patched what is patched here.
        patched = bool(getattr(sys.modules.get("sentry_sdk.integrations"), "_installed_integrations", ()))
        try:
            client = sdk.get_client()
            active = getattr(client, "transport", None) is not None
            if active:
                sdk.flush(timeout=timeout)
            # A client without a DSN is "active" in the SDK's own words: it builds everything, and sends nothing.
            initialised = patched or bool(client.is_active())
            return {"version": str(sdk.VERSION), "active": active, "initialised": initialised}
        except Exception as error:  # noqa: BLE001 - it must be heard of, and the application go on
            said = f"{type(error).__name__}: {error}"
            return {"version": None, "active": False, "initialised": patched, "error": said}
