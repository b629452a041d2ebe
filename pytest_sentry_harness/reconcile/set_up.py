"""The SDK as it was set up when a fault fired: which initialisation was in force, and what it had replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..model.account import State
from ..model.ledger import Place, SdkInit
from .cause import Cause
from .summary import Process, Summary

# Which options decide a loss for this reason. ``dsn`` stands for where events go at all.
_DECIDE = {
    "sample_rate": ("sample_rate", "error_sampler"),
    "before_send": ("before_send",),
    "callback_error": ("before_send",),
    "internal_sdk_error": ("before_send",),
    "ignored": ("ignore_errors",),
    "queue_overflow": ("transport_queue_size",),
    "integration_off": ("disabled_integrations", "default_integrations", "auto_enabling_integrations"),
}
# Where events were sent to was the wrong place, or may have been.
_DSN = (
    "no_dsn",
    "auth_mismatch",
    "connection_refused",
    "cut_off",
    "key_disabled",
    "key_unknown",
    "lost_after_200",
    "name_not_resolved",
    "network_error",
    "project_disabled",
    "project_unknown",
    "redirected",
    "refused",
    "spotlight_only",
    "tls_failed",
)


@dataclass(frozen=True, slots=True)
class SetUp:
    """The initialisations of the SDK in one process, seen from the moment a fault fired."""

    process: Process
    inits: tuple[SdkInit, ...]
    """All of them, also those after that moment."""
    before: tuple[SdkInit, ...]
    """Those before it."""

    @property
    def in_force(self) -> SdkInit | None:
        """The last one before that moment."""
        return self.before[-1] if self.before else None

    def late(self, event_id: str | None = None) -> Cause:
        """The fault fired before the first initialisation."""
        first = self.inits[0]
        culprit = "sentry_sdk.init ran only after this had happened"
        return Cause(State.EXPLAINED, "late_init", "target", culprit, first.place, event_id)

    def no_dsn(self, event_id: str | None = None) -> Cause:
        """The initialisation in force had no DSN."""
        place = (self.in_force or self.inits[-1]).place
        return Cause(State.EXPLAINED, "no_dsn", "sdk", "sentry_sdk.init without a DSN", place, event_id)


def set_up_of(process: Process, at: float) -> SetUp:
    """The set-up of ``process`` at the time ``at``."""
    inits = tuple(process.inits) or (() if process.sdk is None else (process.sdk,))
    return SetUp(process, inits, tuple(init for init in inits if init.at <= at))


def never_initialised(process: Process, summary: Summary) -> Cause:
    """The SDK was never initialised in ``process``; where else it was."""
    culprit, place = "sentry_sdk.init was never called", None
    for other in summary.targets():
        if other.sdk is None:
            continue
        if other.hello.pid == process.hello.parent_pid:
            culprit, place = (
                "sentry_sdk.init ran in the parent process only, before this one started anew",
                other.sdk.place,
            )
            break
        if other.hello.parent_pid == process.hello.pid:
            culprit, place = "sentry_sdk.init ran in a child process only", other.sdk.place
    return Cause(State.EXPLAINED, "not_initialised", "target", culprit, place)


def overridden(cause: Cause, set_up: SetUp) -> Cause:
    """``cause``, put down to a second initialisation when that brought what decided the loss."""
    if len(set_up.before) < 2:
        return cause
    last = set_up.before[-1]
    if cause.reason == "integration_off" and cause.place != last.place:
        return cause  # an earlier one switched it off, and that is final
    for earlier in reversed(set_up.before[:-1]):
        if not earlier.active:
            continue  # it would have lost the fault as well
        for change in _differing(cause.reason, earlier, last):
            culprit = f"another sentry_sdk.init put {change}{_short(earlier.place)}: {cause.culprit}"
            return cause._replace(reason="overridden_init", culprit=culprit, place=last.place)
    return cause


def _short(place: Place | None) -> str:
    """Where the first one is, as far as people need it to recognise it."""
    return "" if place is None else f" of {'/'.join(place.file.split('/')[-2:])}:{place.line}"


def _differing(reason: str, earlier: SdkInit, last: SdkInit) -> Sequence[str]:
    """What of that which decides a loss for ``reason`` the last one changed, in words."""
    if reason in _DSN:
        if earlier.dsn != last.dsn:
            return (f"dsn={last.dsn or repr('')} in place of {earlier.dsn}",)
        return () if earlier.key == last.key else ("another key into the dsn in place of that",)
    return [
        f"{option}={last.options.get(option)} in place of {earlier.options.get(option)}"
        for option in _DECIDE.get(reason, ())
        if earlier.options.get(option) != last.options.get(option)
    ]
