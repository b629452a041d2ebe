"""Rules about callbacks that see every event and may drop it, and about probes that were lost otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from ..evidence import ABSENT, ERROR_KINDS, SAME_EVENT_ID, Evidence
from ..finding import Finding, Rule, Severity
from .words import probes_lost, seen_at, shortened

_HOOKS = ("before_send", "before_send_transaction", "before_send_log", "traces_sampler", "error_sampler")
_DROPPED = ("before_send", "event_processor")
_RAISED = ("callback_error", "internal_sdk_error", "transport_error")
_BY_HOOKS = (*_DROPPED, *_RAISED)
_EXPLAINED = frozenset(
    {
        *_BY_HOOKS,
        *("sample_rate", "ignored", "queue_overflow", "no_dsn", "not_initialised", "lost_at_exit"),
        *("logged_not_reported", SAME_EVENT_ID),
    }
)
"""Reasons that a rule of their own speaks about."""


def dropping(evidence: Evidence) -> Finding | None:
    """A hook or processor gave nothing back for probes."""
    lost = evidence.lost(*_DROPPED)
    if not lost:
        return None
    return Finding(
        severity=Severity.ERROR,
        what=f"{lost[0].culprit or 'a hook'} drops errors",
        why="a hook that returns None drops the event; nothing is logged",
        evidence=f"dropped of {evidence.errors_sent} probe errors: {probes_lost(lost)}",
        change="return the event on every path, and drop only what you can name; see that the probe's kind "
        "(a plain RuntimeError) is not among it",
        place=lost[0].place,
    )


def raising(evidence: Evidence) -> Finding | None:
    """A hook raised for probes."""
    lost = evidence.lost(*_RAISED)
    if not lost:
        return None
    return Finding(
        severity=Severity.ERROR,
        what=_raises(lost[0].culprit),
        why="the SDK swallows what a hook raises, and the event with it",
        evidence=f"lost of {evidence.errors_sent} probe errors: {probes_lost(lost)}",
        change="let the hook survive events without the key or value it reads: event.get(...), and a test for it",
        place=lost[0].place,
    )


def same_id(evidence: Evidence) -> Finding | None:
    """Different errors go out under one event id."""
    lost = evidence.lost(SAME_EVENT_ID)
    if not lost:
        return None
    gone = sum(each.count for each in lost)
    return Finding(
        severity=Severity.ERROR,
        what="different errors are sent under the same event id",
        why="Sentry keeps one event of each id: what comes later under the same one is thrown away as a duplicate",
        evidence=f"of {evidence.errors_sent} probe errors {gone} came under the id of an earlier one: "
        + probes_lost(lost),
        change="leave event_id to the SDK: see that no hook or event processor writes it, or returns another "
        "event's dictionary",
        place=lost[0].place,
    )


def _callable(culprit: str) -> str:
    return culprit.partition(" raised ")[0]


def _raises(culprit: str) -> str:
    return culprit if " raised " in culprit else f"{culprit or 'a hook'} raises"


def present(evidence: Evidence) -> Finding | None:
    """Callables of the application stand in the way of events."""
    named = [
        f"{name}={value}" for name in _HOOKS if (value := evidence.option(name)) not in (ABSENT, None)
    ] + [f"event processor {processor}" for processor in evidence.processors]
    if not named:
        return None
    fate = (
        f"{evidence.errors_arrived} of {evidence.errors_sent} probe errors came through"
        if evidence.errors_sent
        else "no probe was sent through them"
    )
    return Finding(
        severity=Severity.INFO,
        what=shortened("hooks that can drop: " + ", ".join(named)),
        why="each of them sees every event, and what it returns decides",
        evidence=fate,
        change="test them with events of every kind: handled, logged without exception, without a request",
    )


def lost_otherwise(evidence: Evidence) -> Finding | None:
    """Probe errors that did not arrive, for reasons no other rule speaks about."""
    if evidence.init is None or not evidence.init.active or evidence.refused:
        return None
    lost = tuple(
        (probe.kind, each)
        for probe in evidence.probes
        for each in probe.lost
        if probe.kind in ERROR_KINDS and not probe.trouble and each.reason not in _EXPLAINED
    )
    if not lost:
        return None
    kinds = ", ".join(dict.fromkeys(kind.replace("_", " ") for kind, _ in lost))
    by_cause: dict[tuple[str, str, str], int] = {}
    for _, each in lost:
        cause = (each.reason, each.culprit, each.place)
        by_cause[cause] = by_cause.get(cause, 0) + each.count
    said = "; ".join(
        f"{count} x {reason or 'not known why'}"
        + (f", {culprit}" if culprit else "")
        + (f" at {seen_at(place)}" if place else "")
        for (reason, culprit, place), count in by_cause.items()
    )
    return Finding(
        severity=Severity.ERROR,
        what=f"errors do not arrive ({kinds})",
        why="a probe of this kind was injected and is not among what arrived",
        evidence=said,
        change="see which integration reports such errors and whether it is in force; the runbook has the reasons",
        place=lost[0][1].place,
    )


def logged_only(evidence: Evidence) -> Finding | None:
    """Logged errors make no events, by choice."""
    lost = evidence.lost("logged_not_reported")
    if not lost:
        return None
    return Finding(
        severity=Severity.WARNING,
        what="logged errors are not reported",
        why="what the application catches and only logs is not in Sentry then",
        evidence=probes_lost(lost),
        change="leave event_level of LoggingIntegration at ERROR, or see that every such place captures as well",
    )


def reporting_raises(evidence: Evidence) -> Finding | None:
    """Handing an error to the SDK raised another one."""
    troubled = [probe for probe in evidence.probes if probe.kind in ERROR_KINDS and probe.trouble]
    if not troubled:
        return None
    said = "; ".join(f"{probe.kind.replace('_', ' ')}: {probe.trouble}" for probe in troubled)
    return Finding(
        severity=Severity.ERROR,
        what="reporting an error raises another one",
        why="the application's own error handling fails then, at the worst moment",
        evidence=said,
        change="look at the transport and the patches of the SDK that the application or a library installs",
    )


def silent_kinds(evidence: Evidence) -> Finding | None:
    """Other kinds of items that the SDK took and that did not arrive."""
    if evidence.init is None or not evidence.init.active or evidence.refused:
        return None
    told = {_callable(lost.culprit) for lost in evidence.lost(*_BY_HOOKS) if lost.culprit}
    kinds = [
        probe
        for probe in evidence.probes
        if probe.kind not in ERROR_KINDS
        and probe.missing
        and not told.intersection(_callable(lost.culprit) for lost in probe.lost)
        # Without a release the SDK sends no sessions; a rule of its own speaks of releases.
        and (probe.kind != "session" or evidence.option("release"))
    ]
    if not kinds:
        return None
    said = "; ".join(
        f"{probe.kind.replace('_', '-')}: "
        + (next((lost.culprit or lost.reason for lost in probe.lost), "") or "not known why")
        for probe in kinds
    )
    return Finding(
        severity=Severity.WARNING,
        what="not everything the SDK takes arrives: " + ", ".join(p.kind.replace("_", "-") for p in kinds),
        why="what is sent here on purpose is sent by the application too, some day",
        evidence=said,
        change="see the option or hook named; an item type that you do not use needs no change",
        place=next((lost.place for probe in kinds for lost in probe.lost if lost.place), ""),
    )


RULES: Mapping[str, Rule] = {
    "hook-drops": dropping,
    "hook-raises": raising,
    "same-event-id": same_id,
    "probe-lost": lost_otherwise,
    "logged-not-reported": logged_only,
    "reporting-raises": reporting_raises,
    "items-lost": silent_kinds,
    "hooks": present,
}
