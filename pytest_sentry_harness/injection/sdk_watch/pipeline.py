"""Follows the events that carry injected exceptions through the client: sent on, or dropped by whom.

Order of the SDK's pipeline: ``ignore_errors``, scope with error and event processors (deduplication is one of
them), ``before_send``, sampling, transport.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...model.ledger import Place, SdkDropped, SdkSaw
from ..injected import InjectedExceptions
from ..recorder import Recorder
from .describe import name_of, place_of, plain, raised_at
from .patches import Patches


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Who decided not to send an event."""

    stage: str
    reason: str
    culprit: str = ""
    place: Place | None = None
    error: str | None = None


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
    prepared: Any = None
    """What the processors and ``before_send`` made of the event."""

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
    """Changes the client class and its helpers. ``quietly`` calls what must not disturb the SDK."""

    def __init__(self, recorder: Recorder, exceptions: InjectedExceptions, quietly: Quietly) -> None:
        self._recorder = recorder
        self._exceptions = exceptions
        self._quietly = quietly

    def install(self, sdk: Any, patches: Patches, step: Callable[[str, Callable[[], None]], None]) -> None:
        """Change what is there; ``step`` runs each change and copes with internals that are not as expected."""
        client, base = sdk.client._Client, sdk.client.BaseClient
        step("the client", lambda: patches.wrap(client, "capture_event", self._capture_event))
        step("the client before init", lambda: patches.wrap(base, "capture_event", self._inactive))
        step("ignore_errors", lambda: patches.wrap(client, "_is_ignored_error", self._is_ignored_error))
        step("event processors", lambda: patches.wrap(sdk.scope.Scope, "_drop", self._processor_dropped))
        step("before_send", lambda: patches.wrap(client, "_prepare_event", self._prepare_event))
        step(
            "errors in hooks",
            lambda: patches.wrap(sdk.utils, "capture_internal_exception", self._hook_raised),
        )
        step("sampling", lambda: patches.wrap(client, "_should_sample_error", self._should_sample_error))

    # Each of the following makes the replacement of one function of the SDK. ``__tracebackhide__`` keeps
    # the replacement's own frame out of the stack traces the SDK takes.

    def _capture_event(self, original: Any) -> Any:
        def capture_event(client: Any, event: Any, hint: Any = None, scope: Any = None) -> Any:
            __tracebackhide__ = True
            fault_ids = self._quietly(self._ids, hint)
            if not fault_ids:
                return original(client, event, hint, scope)
            capture = Capture(fault_ids, event)
            token = PRESENT.set(capture)
            try:
                event_id = original(client, event, hint, scope)
            except BaseException as error:
                self._quietly(self._failed, client, capture, error)
                raise
            finally:
                PRESENT.reset(token)
            self._quietly(self._finish, client, capture, event_id)
            return event_id

        return capture_event

    def _inactive(self, original: Any) -> Any:
        def capture_event(client: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            event = kwargs.get("event", args[0] if args else {})
            hint = kwargs.get("hint", args[1] if len(args) > 1 else None)
            fault_ids = self._quietly(self._ids, hint)
            if fault_ids:
                drop = Drop(
                    stage="inactive",
                    reason="not_initialised",
                    culprit="sentry_sdk.init was not called in this process",
                )
                self._quietly(self._record, Capture(fault_ids, event, drop), None)
            return original(client, *args, **kwargs)

        return capture_event

    def _is_ignored_error(self, original: Any) -> Any:
        def is_ignored_error(client: Any, event: Any, hint: Any) -> Any:
            __tracebackhide__ = True
            ignored = original(client, event, hint)
            capture = PRESENT.get()
            if ignored and capture is not None:
                culprit = self._quietly(_ignoring_entry, client, hint)
                capture.drop = Drop(
                    stage="ignore_errors", reason="ignored", culprit=culprit or "ignore_errors"
                )
            return ignored

        return is_ignored_error

    def _processor_dropped(self, original: Any) -> Any:
        def drop(scope: Any, cause: Any, ty: Any) -> Any:
            __tracebackhide__ = True
            capture = PRESENT.get()
            if capture is not None:
                capture.drop = self._quietly(_processor, cause, ty)
            return original(scope, cause, ty)

        return drop

    def _prepare_event(self, original: Any) -> Any:
        def prepare_event(client: Any, event: Any, hint: Any, scope: Any) -> Any:
            __tracebackhide__ = True
            prepared = original(client, event, hint, scope)
            capture = PRESENT.get()
            if capture is not None:
                capture.prepared = prepared
                if prepared is None and capture.drop is None:
                    capture.drop = self._quietly(_before_send, client, capture)
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
            return original(exc_info)

        return capture_internal_exception

    def _should_sample_error(self, original: Any) -> Any:
        def should_sample_error(client: Any, event: Any, hint: Any) -> Any:
            __tracebackhide__ = True
            sampled = original(client, event, hint)
            capture = PRESENT.get()
            if not sampled and capture is not None:
                capture.drop = self._quietly(_sampler, client)
            return sampled

        return should_sample_error

    def _ids(self, hint: Any) -> tuple[str, ...]:
        exc_info = hint.get("exc_info") if hint else None
        return self._exceptions.ids_in(exc_info[1]) if exc_info else ()

    def _finish(self, client: Any, capture: Capture, event_id: str | None) -> None:
        if event_id is None and capture.drop is None:
            if client.transport is None:
                capture.drop = Drop(
                    stage="inactive", reason="no_dsn", culprit="sentry_sdk.init without a DSN"
                )
            else:
                capture.drop = Drop(stage="unknown", reason=capture.reason or "unknown")
        self._record(capture, None if event_id is None else capture.event_id or event_id)

    def _failed(self, client: Any, capture: Capture, error: BaseException) -> None:
        hook = client.options.get("before_send") if capture.spoilt else None
        capture.drop = Drop(
            stage="unknown" if hook is None else "before_send",
            reason="internal_sdk_error",
            culprit="the SDK failed" if hook is None else f"before_send={name_of(hook)}",
            place=None if hook is None else place_of(hook),
            error=f"{type(error).__name__}: {error}",
        )
        self._record(capture, None)

    def _record(self, capture: Capture, event_id: str | None) -> None:
        mechanism = _mechanism(capture.event)
        self._recorder.write(
            SdkSaw,
            fault_ids=capture.fault_ids,
            event_id=event_id,
            mechanism=str(mechanism.get("type", "")),
            handled=mechanism.get("handled"),
        )
        drop = capture.drop
        if event_id is None and drop is not None:
            self._recorder.write(
                SdkDropped,
                fault_ids=capture.fault_ids,
                event_id=capture.event_id,
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


def _ignoring_entry(client: Any, hint: Any) -> str:
    kind = hint["exc_info"][0]
    names = (kind.__name__, kind.__qualname__, f"{kind.__module__}.{kind.__qualname__}")
    for entry in client.options["ignore_errors"]:
        if entry in names if isinstance(entry, str) else issubclass(kind, entry):
            return f"ignore_errors={entry if isinstance(entry, str) else plain(entry)}"
    return "ignore_errors"


def _processor(cause: Any, kind: str) -> Drop:
    if getattr(cause, "__module__", "") == "sentry_sdk.integrations.dedupe":
        return Drop(
            stage="dedupe",
            reason="event_processor",
            culprit="DedupeIntegration: the same exception object was captured just before",
        )
    return Drop(
        stage="event_processor",
        reason="event_processor",
        culprit=f"{kind.replace(' ', '_')}={name_of(cause)}",
        place=place_of(cause),
    )


def _before_send(client: Any, capture: Capture) -> Drop | None:
    hook = client.options.get("before_send")
    if hook is None or capture.reason not in (None, "before_send", "callback_error"):
        return None
    culprit = f"before_send={name_of(hook)}"
    error = capture.hook_error
    if error is None:
        return Drop(stage="before_send", reason="before_send", culprit=culprit, place=place_of(hook))
    return Drop(
        stage="before_send",
        reason="callback_error",
        culprit=culprit,
        place=raised_at(error),
        error=f"{type(error).__name__}: {error}",
    )


def _keep_hook_error(capture: Capture, exc_info: Any) -> None:
    # Hooks are guarded where they are called; a processor that raises changes nothing and is called elsewhere.
    if exc_info[2] is not None and exc_info[2].tb_frame.f_code.co_name == "_prepare_event":
        capture.hook_error = exc_info[1]


def _sampler(client: Any) -> Drop:
    sampler = client.options.get("error_sampler")
    if callable(sampler):
        culprit = f"error_sampler={name_of(sampler)}"
        return Drop(stage="sampling", reason="sample_rate", culprit=culprit, place=place_of(sampler))
    return Drop(
        stage="sampling", reason="sample_rate", culprit=f"sample_rate={client.options.get('sample_rate')!r}"
    )
