"""Installs the watch over the SDK when it is imported, and takes it away again."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from types import FrameType, ModuleType
from typing import Any

import wrapt

from ...model.ledger import Note, SdkInit, SdkPending
from ..fate import is_own_frame
from ..injected import InjectedExceptions
from ..recorder import QuietRecorder, Recorder, agent_working
from .describe import (
    calling_place,
    dsn_host,
    integration_options,
    key_mark,
    options_in_force,
    redacted_dsn,
)
from .handlers import HandlerWatch, Install
from .logs import LogWatch
from .patches import Patches
from .pipeline import Pipeline
from .transport import TransportWatch, queued

# Without these it is not known what the SDK was handed; without the others, only who dropped it.
_NEEDED = ("the client class", "the client")


class SdkWatch:
    """Watches ``sentry_sdk`` in this process and writes what it sees to ``recorder``.

    ``exceptions`` tells which exceptions are injected. ``hosts``: where clients may send to (None:
    anywhere); a client with another host in its DSN is cut off. ``on_environment`` is called with an
    environment given to ``sentry_sdk.init`` explicitly. ``every_event``: follow events without injected
    exceptions, too.
    """

    def __init__(
        self,
        recorder: Recorder,
        exceptions: InjectedExceptions,
        *,
        hosts: Iterable[str] | None = None,
        on_environment: Callable[[str], None] | None = None,
        every_event: bool = False,
    ) -> None:
        self._recorder = QuietRecorder(recorder)
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts)
        self._on_environment = on_environment
        self._patches = Patches()
        self._pipeline = Pipeline(self._recorder, exceptions, self._quietly, every_event=every_event)
        self._transports = TransportWatch(self._recorder, self._quietly)
        self._logs = LogWatch(self._recorder, exceptions, self._quietly)
        self._handlers = HandlerWatch(self._recorder, exceptions, self._quietly)
        self._initialisation: dict[str, Any] | None = None
        self._refused: dict[str, str] = {}
        self._sending: list[weakref.ref[Any]] = []
        """All transports so far: a second ``init`` does not empty the queue of the first."""
        self._pending: int | None = None
        self._said: set[str] = set()
        self._lock = threading.Lock()
        self._installed = False

    def install(self) -> None:
        """Watch the SDK: now if it is imported, else as soon as it is."""
        self._installed = True
        self._when_imported("sentry_sdk", lambda watch, sdk: watch._watch(sdk))
        for module, install in self._handlers.modules():
            self._when_imported(module, _framework(module, install))
        self._step("logging", lambda: self._logs.install(self._patches))

    def after_fork(self) -> None:
        """Say in the journal of a forked child which set-up of the SDK it has inherited."""
        self._lock = threading.Lock()  # a thread of the parent may have held it
        self._pending = None
        if self._initialisation is not None:
            self._recorder.write(SdkInit, **{**self._initialisation, "inherited": True})

    def at_exit(self) -> None:
        """The program ends: write what is known only now."""
        self._quietly(self._handlers.last_resort)
        self.record_pending()

    def uninstall(self) -> None:
        """Put everything back as it was."""
        self._installed = False
        self._patches.undo()

    def record_pending(self) -> None:
        """Write how many envelopes wait in the transport, if that has changed."""
        alive = [transport for reference in self._sending if (transport := reference()) is not None]
        counts = [count for each in alive if (count := self._quietly(queued, each)) is not None]
        if counts and sum(counts) != self._pending:
            self._pending = sum(counts)
            self._recorder.write(SdkPending, queued=self._pending)

    def _when_imported(self, name: str, act: Callable[[SdkWatch, ModuleType], None]) -> None:
        # wrapt keeps its hooks for ever: a weak reference lets a watch that has ended go.
        me = weakref.ref(self)

        def hook(module: ModuleType) -> None:
            watch = me()
            if watch is not None and watch._installed:
                watch._quietly(act, watch, module)  # whoever imports the module must get it

        wrapt.register_post_import_hook(hook, name)

    def _watch(self, sdk: Any) -> None:
        self._step("the client class", lambda: self._pipeline.install(sdk, self._patches, self._step))
        self._step(
            "transports", lambda: self._patches.wrap(sdk.client, "make_transport", self._make_transport)
        )
        self._step("init", lambda: self._patches.wrap(sdk.client._Client, "__init__", self._init))
        self._step(
            "integrations", lambda: self._patches.wrap(sdk.utils.logger, "debug", self._integrations_say)
        )
        self._step("the present client", lambda: self._present(sdk.get_client()))

    def _present(self, client: Any) -> None:
        if client.is_active():
            if client.transport is not None:
                self._take(client.transport, client.options)
            self._initialised(client, {})

    def _init(self, original: Any) -> Any:
        def init(client: Any, *args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            try:
                original(client, *args, **kwargs)
            except Exception as error:
                text = f"sentry_sdk could not be initialised: {type(error).__name__}: {error}"
                self._quietly(self._note, "info", text, calling_place())
                raise
            given = kwargs or (args[0] if args else {})
            self._quietly(self._initialised, client, given, not _called_by_init())

        return init

    def _make_transport(self, original: Any) -> Any:
        def make_transport(options: Any) -> Any:
            __tracebackhide__ = True
            transport = original(options)
            if transport is not None:
                self._quietly(self._take, transport, options)
            return transport

        return make_transport

    def _take(self, transport: Any, options: Any) -> None:
        host = dsn_host(options.get("dsn"))
        if self._hosts is not None and host not in self._hosts:
            self._transports.cut_off(transport, self._patches, host)
            text = (
                f"sentry_sdk was given a DSN with the host {host!r}, which this run may not send to: the client is"
                " cut off; point SENTRY_DSN at the harness, or add the host to hosts under [safety] in the scenario"
            )
            self._note("error", text, calling_place())
        self._transports.watch(transport, self._patches)
        self._sending.append(weakref.ref(transport))

    def _initialised(self, client: Any, given: Any, by_hand: bool = False) -> None:
        options = client.options
        self._initialisation = {
            "version": str(sys.modules["sentry_sdk"].VERSION),
            "active": client.transport is not None,
            "dsn": redacted_dsn(options.get("dsn")),
            "options": options_in_force(options) | integration_options(client.integrations),
            "integrations": tuple(sorted(client.integrations)),
            "place": calling_place(),
            "key": key_mark(options.get("dsn")),
            "refused": dict(self._refused),
            "by_hand": by_hand,
        }
        self._recorder.write(SdkInit, **self._initialisation)
        environment = given.get("environment") if isinstance(given, dict) else None
        if isinstance(environment, str) and self._on_environment is not None:
            self._on_environment(environment)

    def _integrations_say(self, original: Any) -> Any:
        def debug(message: Any, *args: Any, **kwargs: Any) -> None:
            if len(args) == 2 and isinstance(message, str) and message.startswith("Did not "):
                self._quietly(self._did_not_enable, *args)
            original(message, *args, **kwargs)

        return debug

    def _did_not_enable(self, name: str, error: object) -> None:
        # Nothing to say of libraries that are not there: hardly anybody has all of them.
        if "not installed" not in str(error):
            self._refused[_identifier(str(name))] = str(error)

    def _step(self, what: str, change: Callable[[], None]) -> None:
        try:
            change()
        except (AttributeError, TypeError) as error:
            version = getattr(sys.modules.get("sentry_sdk"), "VERSION", "?")
            text = f"the watcher steps aside: {what} of sentry_sdk {version} is not as expected ({error})"
            self._note("warning" if what in _NEEDED else "info", text, None)

    def _quietly(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call ``function``; what it raises goes to the ledger (once) and not to the SDK."""
        with agent_working():
            try:
                return function(*args)
            except Exception as error:  # noqa: BLE001 - the application must not notice the watch
                text = f"the watcher stumbled in {function.__qualname__}: {type(error).__name__}: {error}"
                with self._lock:
                    new = text not in self._said
                    self._said.add(text)
                if new:
                    self._note("error", text, None)  # what it did not see is missing in the account
                return None

    def _note(self, level: str, text: str, place: Any) -> None:
        self._recorder.write(Note, level=level, text=text, place=place)


def _called_by_init() -> bool:
    """Whether ``sentry_sdk.init`` makes the client, and not the application by itself."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == "sentry_sdk._init_implementation":
            return True
        if not is_own_frame(frame.f_code):
            return False
        frame = frame.f_back
    return False


def _framework(module: str, install: Install) -> Callable[[SdkWatch, ModuleType], None]:
    def act(watch: SdkWatch, found: ModuleType) -> None:
        watch._step(f"handlers ({module})", lambda: install(found, watch._patches))

    return act


def _identifier(name: str) -> str:
    """``flask``, also for ``sentry_sdk.integrations.flask.FlaskIntegration``."""
    prefix, _, rest = name.partition("sentry_sdk.integrations.")
    return name if prefix or not rest else rest.split(".")[0]
