"""Follows the events that carry injected exceptions through the client: sent on, or dropped by whom.

Order of the SDK's pipeline: ``ignore_errors``, scope with error and event processors (deduplication is one of
them), ``before_send``, sampling, transport.
"""

from __future__ import annotations

import contextvars
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...model.ledger import Place, SdkDropped, SdkHandedOver, SdkSaw
from ..injected import InjectedExceptions
from ..recorder import Recorder
from . import drops
from .changes import Changes
from .describe import calling_place
from .drops import Drop as Drop
from .patches import Patches


@dataclass(slots=True)
class Capture:
    """One event on its way through the client."""

    fault_ids: tuple[str, ...]
    event: Any
    drop: Drop | None = None
    hook_error: BaseException | None = None
    """What a hook raised that the SDK swallowed."""
    reason: str | None = None
    """The discard reason the client counted."""
    spoilt: bool = False
    """What came out of ``before_send`` is no event."""
    spoilers: tuple[Any, ...] = ()
    """The processors of the application's own, if what came out of them is no event."""
    prepared: Any = None
    """What the processors and ``before_send`` made of the event."""
    changes: Changes = field(default_factory=Changes)
    """What they made another of that tells whose event it is."""

    @property
    def event_id(self) -> str | None:
        """The id the event goes by: hooks may give it another than it had."""
        for event in (self.prepared, self.event):
            event_id = event.get("event_id") if isinstance(event, dict) else None
            if event_id is not None:
                return str(event_id).replace("-", "").lower()  # as servers normalise it
        return None


PRESENT: contextvars.ContextVar[Capture | None] = contextvars.ContextVar(
    "sentry_harness_capture", default=None
)
"""The event at work in this context, if it carries injected exceptions."""

Quietly = Callable[..., Any]


class Pipeline:
    """Changes the client class and its helpers. ``quietly`` calls what must not disturb the SDK.

    ``every_event``: follow events without injected exceptions, too.
    """

    def __init__(
        self,
        recorder: Recorder,
        exceptions: InjectedExceptions,
        quietly: Quietly,
        *,
        every_event: bool = False,
    ) -> None:
        self._recorder = recorder
        self._exceptions = exceptions
        self._quietly = quietly
        self._every_event = every_event
        self._sdk: Any = None
        self._closed: weakref.WeakKeyDictionary[Any, Place | None] = weakref.WeakKeyDictionary()
        """Clients that were closed, and where; None: by the SDK itself, at exit."""

    def install(self, sdk: Any, patches: Patches, step: Callable[[str, Callable[[], None]], None]) -> None:
        """Change what is there; ``step`` runs each change and copes with internals that are not as expected."""
        self._sdk = sdk
        client, base, scope = sdk.client._Client, sdk.client.BaseClient, sdk.scope.Scope
        step("the client", lambda: patches.wrap(client, "capture_event", self._capture_event))
        step("the client before init", lambda: patches.wrap(base, "capture_event", self._inactive))
        step("reports by hand", lambda: patches.wrap(scope, "capture_exception", self._capture_exception))
        step("ignore_errors", lambda: patches.wrap(client, "_is_ignored_error", self._is_ignored_error))
        step("event processors", lambda: patches.wrap(scope, "_drop", self._processor_dropped))
        step(
            "results of processors", lambda: patches.wrap(scope, "run_event_processors", self._processors_ran)
        )
        step("before_send", lambda: patches.wrap(client, "_prepare_event", self._prepare_event))
        step(
            "errors in hooks",
            lambda: patches.wrap(sdk.utils, "capture_internal_exception", self._hook_raised),
        )
        step("sampling", lambda: patches.wrap(client, "_should_sample_error", self._should_sample_error))
        for name in ("close", "close_async"):
            if hasattr(client, name):
                patches.wrap(client, name, self._close)

    # Each of the following makes the replacement of one function of the SDK. ``__tracebackhide__`` keeps
    # the replacement's own frame out of the stack traces the SDK takes.

    def _capture_event(self, original: Any) -> Any:
        def capture_event(client: Any, event: Any, hint: Any = None, scope: Any = None) -> Any:
            __tracebackhide__ = True
            fault_ids = self._quietly(self._ids, hint)
            if not fault_ids and not self._every_event:
                return original(client, event, hint, scope)
            capture = Capture(fault_ids or (), event)
            token = PRESENT.set(capture)
            try:
                event_id = original(client, event, hint, scope)
            except BaseException as error:
                self._quietly(self._failed, client, capture, hint, error)
                raise
            finally:
                PRESENT.reset(token)
            self._quietly(self._finish, client, capture, hint, event_id)
            return event_id

        return capture_event

    def _capture_exception(self, original: Any) -> Any:
        # ``scope`` is also the name of an argument: the object itself goes by position.
        def capture_exception(own: Any, /, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            try:
                return original(own, *args, **kwargs)
            except BaseException as failure:
                error = args[0] if args else kwargs.get("error")
                self._quietly(self._failed_before, (type(failure), failure, None), error)
                raise

        return capture_exception

    def _inactive(self, original: Any) -> Any:
        def capture_event(client: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            event = kwargs.get("event", args[0] if args else {})
            hint = kwargs.get("hint", args[1] if len(args) > 1 else None)
            fault_ids = self._quietly(self._ids, hint)
            if fault_ids or self._every_event:
                capture = Capture(fault_ids or (), event, drops.NOT_INITIALISED)
                self._quietly(self._record, capture, hint, None)
            return original(client, *args, **kwargs)

        return capture_event

    def _is_ignored_error(self, original: Any) -> Any:
        def is_ignored_error(client: Any, event: Any, hint: Any) -> Any:
            __tracebackhide__ = True
            ignored = original(client, event, hint)
            capture = PRESENT.get()
            if ignored and capture is not None:
                capture.drop = self._quietly(drops.by_ignore_errors, client, hint)
            return ignored

        return is_ignored_error

    def _processor_dropped(self, original: Any) -> Any:
        def drop(scope: Any, cause: Any, ty: Any) -> Any:
            __tracebackhide__ = True
            capture = PRESENT.get()
            if capture is not None:
                capture.drop = self._quietly(drops.by_processor, cause, ty)
            return original(scope, cause, ty)

        return drop

    def _processors_ran(self, original: Any) -> Any:
        def run_event_processors(scope: Any, event: Any, hint: Any) -> Any:
            __tracebackhide__ = True
            result = original(scope, event, hint)
            capture = PRESENT.get()
            if capture is not None:
                self._quietly(capture.changes.processed, result)
            if capture is not None and result is not None and not _is_event(result):
                capture.spoilers = self._quietly(drops.own_processors, self._sdk) or ()
            return result

        return run_event_processors

    def _prepare_event(self, original: Any) -> Any:
        def prepare_event(client: Any, event: Any, hint: Any, scope: Any) -> Any:
            __tracebackhide__ = True
            capture = PRESENT.get()
            if capture is not None:
                self._quietly(capture.changes.begin, event)
            prepared = original(client, event, hint, scope)
            if capture is not None:
                self._quietly(capture.changes.end, client, prepared)
                self._quietly(self._goes_elsewhere, client, capture.fault_ids, prepared)
                capture.prepared = prepared
                if prepared is None and capture.drop is None:
                    name = "before_send_transaction" if event.get("type") == "transaction" else "before_send"
                    capture.drop = self._quietly(
                        drops.by_before_send, client, capture.reason, capture.hook_error, name
                    )
                elif not _is_event(prepared):
                    capture.spoilt = True
            return prepared

        return prepare_event

    def _hook_raised(self, original: Any) -> Any:
        def capture_internal_exception(exc_info: Any) -> Any:
            __tracebackhide__ = True
            capture = PRESENT.get()
            if capture is not None:
                self._quietly(_keep_hook_error, capture, exc_info)
            elif self._quietly(_was_making_an_event, exc_info):
                self._quietly(self._failed_before, exc_info)
            return original(exc_info)

        return capture_internal_exception

    def _should_sample_error(self, original: Any) -> Any:
        def should_sample_error(client: Any, event: Any, hint: Any) -> Any:
            __tracebackhide__ = True
            sampled = original(client, event, hint)
            capture = PRESENT.get()
            if not sampled and capture is not None:
                capture.drop = self._quietly(drops.by_sampler, client)
            return sampled

        return should_sample_error

    def _goes_elsewhere(self, client: Any, fault_ids: tuple[str, ...], prepared: Any) -> None:
        # Said before it goes there: whatever is known of the event later is truer.
        event_id = prepared.get("event_id") if isinstance(prepared, dict) else None
        taker = drops.foreign_taker(client.transport) if fault_ids and isinstance(event_id, str) else None
        if taker is not None:
            self._recorder.write(
                SdkHandedOver,
                event_id=str(event_id).replace("-", "").lower(),
                why="own",
                to=taker[0],
                place=taker[1],
            )

    def _close(self, original: Any) -> Any:
        def close(client: Any, *args: Any, **kwargs: Any) -> Any:
            if client.transport is not None:
                self._quietly(self._closes, client)
            return original(client, *args, **kwargs)

        return close

    def _closes(self, client: Any) -> None:
        self._closed[client] = calling_place()

    def _ids(self, hint: Any) -> tuple[str, ...]:
        exc_info = hint.get("exc_info") if hint else None
        return self._exceptions.ids_in(exc_info[1]) if exc_info else ()

    def _finish(self, client: Any, capture: Capture, hint: Any, event_id: str | None) -> None:
        closed = client in self._closed
        if capture.drop is None and client.transport is None and (event_id is None or not closed):
            capture.drop = drops.without_transport(client, closed=closed, place=self._closed.get(client))
            event_id = None  # with Spotlight the SDK gives an id all the same
        elif capture.drop is None and event_id is None:
            capture.drop = Drop(stage="unknown", reason=capture.reason or "unknown")
        self._record(capture, hint, None if event_id is None else capture.event_id or event_id)

    def _failed_before(self, exc_info: Any, reported: Any = None) -> None:
        """The SDK failed over ``reported``, or while an exception was handled, with no event at work: it made none."""
        error = exc_info[1]
        given = reported[1] if type(reported) is tuple and len(reported) == 3 else reported
        fault_ids = self._exceptions.ids_in(given if issubclass(type(given), BaseException) else error)
        if fault_ids and error is not None:
            drop = drops.by_failure(None, error, hook=False, processors=())
            self._write_drop(fault_ids, None, drop)

    def _failed(self, client: Any, capture: Capture, hint: Any, error: BaseException) -> None:
        if capture.drop is None or capture.drop.stage != "transport":
            capture.drop = drops.by_failure(client, error, hook=capture.spoilt, processors=capture.spoilers)
        self._record(capture, hint, None)

    def _record(self, capture: Capture, hint: Any, event_id: str | None) -> None:
        mechanism = _mechanism(capture.event)
        exc_info = hint.get("exc_info") if hint else None
        self._recorder.write(
            SdkSaw,
            fault_ids=capture.fault_ids,
            event_id=event_id,
            mechanism=str(mechanism.get("type") or ""),
            handled=mechanism.get("handled"),
            logger=str(capture.event.get("logger") or "") if isinstance(capture.event, dict) else "",
            exception=type(exc_info[1]).__qualname__ if exc_info else "",
            changed=capture.changes.what,
            changed_by=capture.changes.culprit,
            changed_at=capture.changes.place,
        )
        drop = capture.drop
        if event_id is None and drop is not None:
            self._write_drop(capture.fault_ids, capture.event_id, drop)

    def _write_drop(self, fault_ids: tuple[str, ...], event_id: str | None, drop: Drop) -> None:
        self._recorder.write(
            SdkDropped,
            fault_ids=fault_ids,
            event_id=event_id,
            stage=drop.stage,
            reason=drop.reason,
            culprit=drop.culprit,
            place=drop.place,
            error=drop.error,
        )


def _is_event(prepared: Any) -> bool:
    """Whether ``prepared`` has what the SDK needs to send it on."""
    return (
        isinstance(prepared, dict)
        and "event_id" in prepared
        and isinstance(prepared.get("contexts", {}), dict)
    )


def _mechanism(event: Any) -> dict[str, Any]:
    values = (event.get("exception") or {}).get("values") or []
    return (values[-1].get("mechanism") or {}) if values else {}


def _was_making_an_event(exc_info: Any) -> bool:
    """The SDK failed over the exception it was to report, and not over something beside, such as a breadcrumb."""
    traceback = exc_info[2]
    while traceback is not None:
        if traceback.tb_frame.f_code.co_name == "event_from_exception":
            return True
        traceback = traceback.tb_next
    return False


def _keep_hook_error(capture: Capture, exc_info: Any) -> None:
    # Hooks are guarded where they are called; a processor that raises changes nothing and is called elsewhere.
    if exc_info[2] is not None and exc_info[2].tb_frame.f_code.co_name == "_prepare_event":
        capture.hook_error = exc_info[1]
