"""Words who decided not to send an event: the option or callable, and where it is written."""

from __future__ import annotations

import dis
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

from ...model.ledger import Place
from .describe import code_of, name_of, place_of, plain, raised_at

_OWN_PACKAGE = f"{__name__.partition('.')[0]}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Who decided not to send an event."""

    stage: str
    reason: str
    culprit: str = ""
    place: Place | None = None
    error: str | None = None


NOT_INITIALISED = Drop(
    stage="inactive",
    reason="not_initialised",
    culprit="sentry_sdk.init was not called in this process",
)
NO_DSN = Drop(stage="inactive", reason="no_dsn", culprit="sentry_sdk.init without a DSN")


def without_transport(client: Any, *, closed: bool, place: Place | None) -> Drop:
    """A client that has no transport: it was ``closed`` in ``place``, or never had a DSN."""
    if closed:
        by = "closed" if place is not None else "closed by the SDK's own exit hook"
        return Drop(
            stage="inactive", reason="client_closed", culprit=f"the client had been {by}", place=place
        )
    if client.options.get("spotlight"):
        culprit = f"spotlight={client.options['spotlight']!r} without a DSN: events go to Spotlight alone"
        return Drop(stage="inactive", reason="spotlight_only", culprit=culprit)
    return NO_DSN


def by_transport(error: BaseException, transport: str) -> Drop:
    """The application's own ``transport`` raised ``error``."""
    return Drop(
        stage="transport",
        reason="transport_error",
        culprit=transport,
        place=raised_at(error),
        error=f"{type(error).__name__}: {_text(error)}",
    )


def by_ignore_errors(client: Any, hint: Any) -> Drop:
    """The entry of ``ignore_errors`` that takes the exception in ``hint``."""
    kind = hint["exc_info"][0]
    names = (kind.__name__, kind.__qualname__, f"{kind.__module__}.{kind.__qualname__}")
    culprit = "ignore_errors"
    for entry in client.options["ignore_errors"]:
        if entry in names if isinstance(entry, str) else issubclass(kind, entry):
            culprit = f"ignore_errors={entry if isinstance(entry, str) else plain(entry)}"
            break
    return Drop(stage="ignore_errors", reason="ignored", culprit=culprit)


def by_processor(cause: Any, kind: str) -> Drop:
    """The event or error processor ``cause`` that returned nothing."""
    if getattr(cause, "__module__", "") == "sentry_sdk.integrations.dedupe":
        return Drop(
            stage="dedupe",
            reason="event_processor",
            culprit="DedupeIntegration: the same exception object was captured just before",
        )
    return Drop(
        stage="event_processor",
        reason="event_processor",
        culprit=f"{kind.replace(' ', '_')}={_worded(cause)}",
        place=place_of(cause),
    )


def by_before_send(
    client: Any, reason: str | None, error: BaseException | None, name: str = "before_send"
) -> Drop | None:
    """The hook ``name``, if it was it: it returned nothing, or raised ``error``."""
    hook = client.options.get(name)
    if hook is None or reason not in (None, "before_send", "callback_error"):
        return None
    if error is None:
        return Drop(
            stage="before_send",
            reason="before_send",
            culprit=f"{name}={_worded(hook)}",
            place=place_of(hook),
        )
    return Drop(
        stage="before_send",
        reason="callback_error",
        culprit=f"{name}={name_of(hook)}",
        place=raised_at(error),
        error=f"{type(error).__name__}: {_text(error)}",
    )


def changed_by_hook(client: Any) -> tuple[str, Place | None]:
    """``before_send``, which made something else of an event."""
    hook = client.options.get("before_send")
    return (f"before_send={name_of(hook)}", place_of(hook)) if hook is not None else ("", None)


def foreign_taker(transport: Any) -> tuple[str, Place | None] | None:
    """What the application put in the place of ``transport.capture_envelope`` after the SDK was initialised."""
    function = getattr(transport, "capture_envelope", None)
    module = str(getattr(function, "__module__", ""))
    if function is None or module.startswith(("sentry_sdk.", _OWN_PACKAGE)):
        return None
    return f"{type(transport).__name__}.capture_envelope={name_of(function)}", place_of(function)


def by_sampler(client: Any) -> Drop:
    """``error_sampler`` or ``sample_rate``."""
    sampler = client.options.get("error_sampler")
    if callable(sampler):
        culprit = f"error_sampler={name_of(sampler)}"
        return Drop(stage="sampling", reason="sample_rate", culprit=culprit, place=place_of(sampler))
    return Drop(
        stage="sampling", reason="sample_rate", culprit=f"sample_rate={client.options.get('sample_rate')!r}"
    )


def by_failure(client: Any, error: BaseException, *, hook: bool, processors: tuple[Any, ...]) -> Drop:
    """The SDK failed with ``error``: by what ``before_send`` (``hook``) or a processor gave it, or by itself.

    Which of several ``processors`` it was is not known: all are named.
    """
    words = f"{type(error).__name__}: {_text(error)}"
    if processors:
        culprit = " or ".join(f"event_processor={name_of(each)}" for each in processors)
        place = place_of(processors[0]) if len(processors) == 1 else None
        return Drop(
            stage="event_processor", reason="internal_sdk_error", culprit=culprit, place=place, error=words
        )
    before_send = client.options.get("before_send") if hook else None
    if before_send is not None:
        return Drop(
            stage="before_send",
            reason="internal_sdk_error",
            culprit=f"before_send={name_of(before_send)}",
            place=place_of(before_send),
            error=words,
        )
    return Drop(
        stage="unknown",
        reason="internal_sdk_error",
        culprit="the SDK failed",
        place=raised_at(error),
        error=words,
    )


def own_processors(sdk: Any) -> tuple[Any, ...]:
    """The event and error processors in force that are not the SDK's own."""
    return tuple(
        each
        for each in _processors(sdk)
        if not str(getattr(each, "__module__", "")).startswith("sentry_sdk.")
    )


def _processors(sdk: Any) -> Iterator[Any]:
    scopes = [sdk.get_global_scope(), sdk.get_isolation_scope(), sdk.get_current_scope()]
    return itertools.chain(
        getattr(sdk.scope, "global_event_processors", ()),
        *(scope._event_processors for scope in scopes),
        *(scope._error_processors for scope in scopes),
    )


def _worded(hook: Any) -> str:
    """The name of a hook that returned nothing; with the word that it never returns anything, if so."""
    code = code_of(hook)
    never = ", which returns nothing on any path" if code is not None and _never_returns(code) else ""
    return name_of(hook) + never


def _never_returns(code: CodeType) -> bool:
    before: Any = None
    for step in dis.get_instructions(code):
        if step.opname == "RETURN_CONST" and step.argval is not None:
            return False
        if step.opname == "RETURN_VALUE" and not (
            before is not None and before.opname == "LOAD_CONST" and before.argval is None
        ):
            return False
        before = step
    return True


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - str() of a hostile exception raises whatever it likes
        return f"<str() raised {type(failure).__name__}>"
