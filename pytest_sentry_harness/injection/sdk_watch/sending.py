"""Follows envelopes that hold an error event through one transport: taken, sent, and what was answered."""

from __future__ import annotations

import contextvars
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ... import clock
from ...model.ledger import Place, SdkAnswered, SdkHandedOver
from ..recorder import Recorder
from . import drops, pipeline
from .answers import announced_limits, answered, is_kept_open, not_answered
from .describe import name_of, place_of, raised_at
from .patches import Patches


@dataclass(slots=True)
class _Sending:
    """One envelope in the hands of a transport."""

    event_id: str
    settled: bool = False
    """It is known what became of it: queued, answered, or counted as lost."""
    held_back: bool = False
    """A rate limit took the event out of its envelope; what is sent is the rest, such as attachments."""
    error: BaseException | None = None


_QUEUEING: contextvars.ContextVar[_Sending | None] = contextvars.ContextVar(
    "sentry_harness_queueing", default=None
)
_SENDING: contextvars.ContextVar[_Sending | None] = contextvars.ContextVar(
    "sentry_harness_sending", default=None
)


class Sender:
    """Watches how one transport sends. ``outer`` is what the SDK was given; ``inner`` what does the work."""

    def __init__(self, outer: Any, inner: Any, recorder: Recorder, quietly: Callable[..., Any]) -> None:
        self._outer = outer
        self._inner = inner
        self._recorder = recorder
        self._quietly = quietly
        self._limits: dict[Any, str] = {}
        """What was announced to be limited, by category, and by which answer; None: everything."""

    def install(self, patches: Patches) -> None:
        """Change the transport. What it does not have is not watched."""
        inner = self._inner
        if self._own("capture_envelope") is not None:
            patches.wrap(self._outer, "capture_envelope", self._capture_envelope)
            worker = getattr(inner, "_worker", None)
            if hasattr(worker, "submit"):
                patches.wrap(worker, "submit", self._submit)
        if not (hasattr(inner, "_send_envelope") and hasattr(inner, "_request")):
            return  # not the SDK's way of sending
        patches.wrap(inner, "_send_envelope", self._send_envelope)
        patches.wrap(inner, "_request", self._request)
        if hasattr(inner, "_update_rate_limits"):
            patches.wrap(inner, "_update_rate_limits", self._update_rate_limits)

    def counted_lost(self, reason: str) -> None:
        """The transport has counted the event at work as lost: nothing more needs to be said of it."""
        for present in (_SENDING.get(), _QUEUEING.get()):
            if present is not None:
                present.settled = True
                present.held_back = reason == "ratelimit_backoff"

    def limit_of(self, category: str) -> str:
        """Which answer told to hold ``category`` back."""
        return self._limits.get(category) or self._limits.get(None) or ""

    # Each of the following makes the replacement of one method of the transport.

    def _capture_envelope(self, original: Any) -> Any:
        def capture_envelope(envelope: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            sending = self._quietly(_sending, envelope)
            if sending is None:
                return original(envelope, *args, **kwargs)
            token = _QUEUEING.set(sending)
            try:
                return original(envelope, *args, **kwargs)
            except BaseException as error:
                sending.error = error
                raise
            finally:
                _QUEUEING.reset(token)
                self._quietly(self._taken, sending)

        return capture_envelope

    def _submit(self, original: Any) -> Any:
        def submit(callback: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            sending = _QUEUEING.get()
            if sending is not None:
                sending.settled = True
            return original(callback, *args, **kwargs)

        return submit

    def _send_envelope(self, original: Any) -> Any:
        if inspect.iscoroutinefunction(original):

            async def send_envelope_async(envelope: Any) -> Any:
                sending = self._quietly(_sending, envelope)
                token = _SENDING.set(sending)
                try:
                    return await original(envelope)
                except BaseException as error:
                    _failed(sending, error)
                    raise
                finally:
                    _SENDING.reset(token)
                    self._quietly(self._sent, sending)

            return send_envelope_async

        def send_envelope(envelope: Any) -> Any:
            sending = self._quietly(_sending, envelope)
            token = _SENDING.set(sending)
            try:
                return original(envelope)
            except BaseException as error:
                _failed(sending, error)
                raise
            finally:
                _SENDING.reset(token)
                self._quietly(self._sent, sending)

        return send_envelope

    def _request(self, original: Any) -> Any:
        if inspect.iscoroutinefunction(original):

            async def request_async(*args: Any, **kwargs: Any) -> Any:
                done = self._attempt()
                try:
                    response = await original(*args, **kwargs)
                except BaseException as error:
                    done(None, error)
                    raise
                done(response, None)
                return response

            return request_async

        def request(*args: Any, **kwargs: Any) -> Any:
            done = self._attempt()
            try:
                response = original(*args, **kwargs)
            except BaseException as error:
                done(None, error)
                raise
            done(response, None)
            return response

        return request

    def _update_rate_limits(self, original: Any) -> Any:
        def update_rate_limits(response: Any) -> Any:
            before = dict(getattr(self._inner, "_disabled_until", {}))
            result = original(response)
            self._quietly(self._limited, response, before)
            return result

        return update_rate_limits

    def _attempt(self) -> Callable[[Any, BaseException | None], None]:
        """One request begins; the result is to be called when it is over."""
        sending = _SENDING.get()
        if sending is None or sending.held_back:
            return _nothing
        kept = bool(self._quietly(is_kept_open, self._inner))
        return functools.partial(self._quietly, self._answered, sending, kept, clock.monotonic())

    def _answered(
        self, sending: _Sending, kept: bool, begun: float, response: Any, error: BaseException | None
    ) -> None:
        sending.settled = True
        answer = answered(self._inner, response) if error is None else not_answered(self._inner, error)
        self._recorder.write(
            SdkAnswered,
            event_id=sending.event_id,
            reused=kept,
            seconds=round(clock.monotonic() - begun, 6),
            **answer._asdict(),
        )

    def _limited(self, response: Any, before: dict[Any, Any]) -> None:
        now = self._inner._disabled_until
        changed = [category for category, until in now.items() if before.get(category) != until]
        if not changed:
            return
        answer = answered(self._inner, response)
        text = f"HTTP {answer.status} by {answer.host}"
        text += f" with {answer.limits}" if answer.limits else ""
        if None in changed and not announced_limits(self._inner, response).startswith("X-"):
            text += ": no categories named, so all is held back, the SDK's report of losses too"
        self._limits.update(dict.fromkeys(changed, text))

    def _taken(self, sending: _Sending) -> None:
        """``capture_envelope`` of the application's own has come back."""
        own = self._own("capture_envelope")
        if sending.settled or own is None:
            return
        culprit = f"transport={name_of(own)}"
        capture = pipeline.PRESENT.get()
        if sending.error is not None and capture is not None:
            capture.drop = drops.by_transport(sending.error, culprit)
            return
        self._hand_over(sending, "own", culprit, place_of(own))

    def _sent(self, sending: _Sending | None) -> None:
        """``_send_envelope`` has come back."""
        if sending is None or sending.settled:
            return
        own = self._own("_send_envelope") or self._own("_request")
        if own is not None:
            self._hand_over(sending, "own", f"transport={name_of(type(self._inner))}", place_of(own))
        else:
            self._hand_over(sending, "sdk", name_of(type(self._inner)), None)

    def _hand_over(self, sending: _Sending, why: str, to: str, place: Place | None) -> None:
        error = sending.error
        self._recorder.write(
            SdkHandedOver,
            event_id=sending.event_id,
            why=why,
            to=to,
            place=place if error is None else raised_at(error),
            error=None if error is None else f"{type(error).__name__}: {error}"[:300],
        )

    def _own(self, name: str) -> Any:
        """The function that does ``name``, when it is the application's own."""
        if name == "capture_envelope":
            function = getattr(self._inner, "_func", None)  # ``transport=`` was given a function
            if function is not None:
                return function
            for transport in (self._outer, self._inner):
                method = getattr(type(transport), name)
                if not _is_sdk(method):
                    return method
            return None
        method = getattr(type(self._inner), name, None)
        return None if method is None or _is_sdk(method) else method


def event_in(item: Any) -> str | None:
    """The id of the event in an envelope item, as servers normalise it."""
    payload = getattr(getattr(item, "payload", None), "json", None)
    event_id = payload.get("event_id") if isinstance(payload, dict) else None
    return event_id.replace("-", "").lower() if isinstance(event_id, str) else None


def event_of(envelope: Any) -> str | None:
    """The id of the error event an envelope holds; None for others."""
    return next((event_in(item) for item in envelope.items if item.type == "event"), None)


def _sending(envelope: Any) -> _Sending | None:
    event_id = event_of(envelope)
    return None if event_id is None else _Sending(event_id)


def _failed(sending: _Sending | None, error: BaseException) -> None:
    if sending is not None:
        sending.error = error


def _is_sdk(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith("sentry_sdk.")


def _nothing(_response: Any, _error: BaseException | None) -> None:
    return None
