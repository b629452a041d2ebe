"""Gives the SDK's clients a transport that ends in an inbox, and gives them back their own afterwards.

Everything up to the HTTP request is the SDK's own and stays as the application configured it: scope, hooks,
sampling, queue, rate limits, serialisation, compression. Only ``_request``, the method by which an HTTP transport
talks to the network, is replaced, in transport objects made for the test.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InjectionError
from ..injection.recorder import agent_working
from ..injection.sdk_watch.describe import dsn_host, name_of
from ..injection.sdk_watch.patches import Patches
from ..injection.sdk_watch.transport import queued
from ..model.ledger import Place
from .inbox import HOST, Inbox

_ORGANISATION = re.compile(r"o\d+(?=\.)")
_VARIABLE = "SENTRY_DSN"
_REPORTER = "pytest_sentry"
"""The plugin that reports test runs to a Sentry of its own: its client is no part of the application."""
_NOWHERE = Place(file="<unknown>", line=0)
_OWN_PACKAGE = __name__.rpartition(".")[0].rpartition(".")[0]


@dataclass(slots=True, eq=False)
class _Lent:
    """A transport made for the test, in place of the client's own."""

    options: dict[str, Any]
    dsn: str | None
    """What the application gave."""
    transport: Any
    place: Place | None
    """Where the client was made; None when that was before the test."""
    importing: bool
    """The client was made while a module was being imported, and belongs to that module."""
    client: Any = None
    own: Any = None
    """The transport of a client that was there before the test."""


class _Answer:
    """A server's answer, as far as urllib3's and httpcore's have it in common."""

    data = content = b"{}"

    def __init__(self, status: int) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {}

    def close(self) -> None:
        """Nothing is held."""


class SdkTap:
    """Diverts ``sentry_sdk`` into ``inbox`` from ``install`` to ``restore``.

    ``notes`` tells what stands in for parts of the application's set-up, for people. ``undone`` is where the test
    called ``sentry_sdk.init``, if that was undone with the test.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._patches = Patches()
        self._lent: list[_Lent] = []
        self._foreign: dict[int, tuple[Any, Any]] = {}
        self._bound: list[tuple[Any, Any]] = []
        self._make: Callable[[dict[str, Any]], Any]
        self._environment: str | None = None
        self.notes: list[str] = []
        self.undone: Place | None = None

    def install(self) -> None:
        """Divert every client of the present scopes, and each that is made or bound from now on.

        Raises ``InjectionError`` when the SDK is not built as expected: better no test than a leak.
        """
        import sentry_sdk.client
        import sentry_sdk.spotlight
        import sentry_sdk.transport

        client: Any = sentry_sdk.client
        try:
            self._make = client.make_transport
            vars(sentry_sdk.transport.HttpTransport)["_request"]
            for owner, name, make in (
                (client, "make_transport", lambda _: self._made),
                (client._Client, "__init__", self._init),
                (sentry_sdk.scope.Scope, "set_client", self._set_client),
                (sentry_sdk.spotlight.SpotlightClient, "capture_envelope", lambda _: _nothing),
                (sentry_sdk.transport.BaseHttpTransport, "capture_envelope", self._capture_envelope),
            ):
                self._patches.wrap(owner, name, make)
        except (AttributeError, KeyError) as error:
            self._patches.undo()
            raise InjectionError(
                f"sentry-sdk {sentry_sdk.VERSION} is not built as expected: {error}",
                hint="use sentry-sdk 2.20 or newer; if yours is newer than this harness, update the harness",
            ) from error
        self._environment = os.environ.get(_VARIABLE)
        os.environ[_VARIABLE] = self._inbox.dsn()
        self._bound = [(scope, scope.client) for scope in _scopes()]
        for _, bound in self._bound:
            self._adopt(bound)

    def flush(self, timeout: float) -> int:
        """Make the SDK send what it holds, in at most ``timeout`` seconds for each transport.

        Gives how many envelopes are still not dealt with.
        """
        for lent in tuple(self._lent):
            if lent.client is not None and lent.client.transport is lent.transport:
                lent.client.flush(timeout=timeout)
            else:
                lent.transport.flush(timeout=timeout)
        for _, stand_in in tuple(self._foreign.values()):
            stand_in.flush(timeout=timeout)
        with agent_working():
            transports = [lent.transport for lent in self._lent] + [s for _, s in self._foreign.values()]
            return sum(queued(transport) or 0 for transport in transports)

    def restore(self) -> None:
        """Undo everything. Transports of the test stay diverted for ever, so what comes late goes nowhere."""
        self._patches.undo()
        if self._environment is None:
            os.environ.pop(_VARIABLE, None)
        else:
            os.environ[_VARIABLE] = self._environment
        temporary = [lent for lent in self._lent if lent.place is not None and not lent.importing]
        for scope, client in self._bound:
            for lent in temporary:
                if scope.client is lent.client:
                    scope.client, self.undone = client, lent.place
        for lent in self._lent:
            client = lent.client
            lent.options["dsn"] = lent.dsn
            if lent in temporary and client is not None:
                client.close(timeout=0)
            elif client is not None and client.transport is lent.transport:
                _hand(client, lent.own if lent.place is None else self._make(lent.options))
            lent.transport.kill()
        for _, stand_in in self._foreign.values():
            stand_in.kill()

    @property
    def present(self) -> bool:
        """Whether the SDK was initialised, before the test or in it."""
        return bool(self._lent)

    def about_dsn(self) -> str:
        """What became of the DSN the application gave, or that there was none."""
        hosts = sorted({dsn_host(lent.dsn) for lent in self._lent if lent.dsn})
        if hosts:
            return f"DSN: the application's own ({', '.join(hosts)}) is never contacted in a test; {HOST} stood in for it"
        return f"DSN: the application gave none, so the test supplied one ({HOST})"

    # -- clients -----------------------------------------------------------------------------------

    def _adopt(self, client: Any) -> None:
        """Divert a client that existed before the test."""
        if not client.is_active() or any(lent.client is client for lent in self._lent):
            return
        if _reports_tests(client.options):
            return
        own = client.transport
        lent = self._lend(client.options, place=None, importing=False)
        lent.client, lent.own = client, own
        _hand(client, lent.transport)

    def _init(self, original: Any) -> Any:
        def init(client: Any, *args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            original(client, *args, **kwargs)
            for lent in self._lent:
                if lent.options is client.options:
                    lent.client = client

        return init

    def _set_client(self, original: Any) -> Any:
        def set_client(scope: Any, client: Any = None) -> Any:
            __tracebackhide__ = True
            if client is not None:
                self._adopt(client)
            return original(scope, client)

        return set_client

    # -- transports --------------------------------------------------------------------------------

    def _made(self, options: dict[str, Any]) -> Any:
        """Stands in for ``make_transport``: an HTTP transport with these options, ending in the inbox."""
        if _reports_tests(options):
            return self._make(options)
        place, importing = _caller()
        return self._lend(options, place=place or _NOWHERE, importing=importing).transport

    def _lend(self, options: dict[str, Any], *, place: Place | None, importing: bool) -> _Lent:
        dsn = options.get("dsn")
        if dsn == self._inbox.dsn():
            dsn = self._environment
        organisation = _ORGANISATION.match(dsn_host(dsn))
        options["dsn"] = self._inbox.dsn(organisation.group() if organisation else "")
        with self._http_only(options):
            transport = self._make(options)
        _inner(transport)._request = self._request
        lent = _Lent(options, dsn, transport, place, importing)
        self._lent.append(lent)
        return lent

    @contextlib.contextmanager
    def _http_only(self, options: dict[str, Any]) -> Iterator[None]:
        """Ask for a threaded HTTP transport while the block lasts: nobody knows where others send to."""
        from sentry_sdk.transport import BaseHttpTransport

        before = {name: options.get(name) for name in ("transport", "_experiments")}
        given, experiments = before["transport"], before["_experiments"] or {}
        if given is not None and not (isinstance(given, type) and issubclass(given, BaseHttpTransport)):
            options["transport"] = None
            self._note(f"transport={name_of(given)} was not called, since nobody knows where it sends to")
        if experiments.get("transport_async"):
            options["_experiments"] = {**experiments, "transport_async": False}
            self._note(
                "the experimental asynchronous transport was not used; the threaded one stood in for it"
            )
        try:
            yield
        finally:
            options.update(before)

    def _request(
        self, _method: str, _endpoint: object, body: bytes, headers: Mapping[str, str], *_: object
    ) -> _Answer:
        return _Answer(self._inbox.receive(headers, bytes(body)))

    def _capture_envelope(self, original: Any) -> Any:
        """Divert what goes to a transport that no scope knows of, such as that of a client kept aside."""

        def capture_envelope(transport: Any, envelope: Any) -> Any:
            __tracebackhide__ = True
            known = [_inner(lent.transport) for lent in self._lent]
            if _reports_tests(transport.options):
                return original(transport, envelope)
            if not any(transport is each for each in (*known, *(s for _, s in self._foreign.values()))):
                transport = self._stand_in(transport)
            return original(transport, envelope)

        return capture_envelope

    def _stand_in(self, transport: Any) -> Any:
        from sentry_sdk.transport import HttpTransport

        if id(transport) not in self._foreign:
            stand_in: Any = HttpTransport({**transport.options, "dsn": self._inbox.dsn()})
            stand_in._request = self._request
            # The transport itself is kept too, so that its id stays its own.
            self._foreign[id(transport)] = (transport, stand_in)
        return self._foreign[id(transport)][1]

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _scopes() -> tuple[Any, ...]:
    import sentry_sdk

    return (sentry_sdk.get_global_scope(), sentry_sdk.get_isolation_scope(), sentry_sdk.get_current_scope())


def _reports_tests(options: Mapping[str, Any]) -> bool:
    """Whether a client with these options is pytest-sentry's own."""
    return any(type(each).__module__ == _REPORTER for each in options.get("integrations") or ())


def _hand(client: Any, transport: Any) -> None:
    client.transport = transport
    monitor = getattr(client, "monitor", None)
    if monitor is not None and transport is not None:
        monitor.transport = transport


def _inner(transport: Any) -> Any:
    """The HTTP transport itself, where ``SENTRY_PRINT_ENVELOPES`` put a printer around it."""
    return vars(transport).get("_inner", transport)


def _caller() -> tuple[Place | None, bool]:
    """The innermost place that is neither the SDK's nor the harness's, and whether a module is being imported."""
    place: Place | None = None
    frame = sys._getframe(1)
    while frame is not None:
        package = str(frame.f_globals.get("__name__", ""))
        if package.startswith("_pytest."):
            break
        if place is None and package.partition(".")[0] not in ("sentry_sdk", _OWN_PACKAGE):
            code = frame.f_code
            place = Place(file=code.co_filename, line=frame.f_lineno, function=code.co_qualname)
        if frame.f_code.co_name == "<module>":
            return place, True
        frame = frame.f_back  # type: ignore[assignment]
    return place, False


def _nothing(*_: object, **__: object) -> None:
    return None
