"""Rules about integrations: which libraries are there, and who watches them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..evidence import Evidence, Library
from ..finding import Finding, Rule, Severity
from .words import in_force, seen_at

_DEFAULTS = ("logging", "excepthook", "threading", "dedupe", "stdlib", "argv", "modules")


def defaults_off(evidence: Evidence) -> Finding | None:
    """Integrations that every program needs are missing."""
    init = evidence.init
    if init is None or not init.active:
        return None
    missing = [name for name in _DEFAULTS[:4] if name not in init.integrations]
    if not missing:
        return None
    because = (
        "default_integrations=False" if evidence.option("default_integrations") is False else "switched off"
    )
    return Finding(
        severity=Severity.ERROR
        if set(missing) & {"excepthook", "threading", "logging"}
        else Severity.WARNING,
        what=f"default integrations are off: {', '.join(missing)}",
        why="they report uncaught errors, errors in threads and logged errors, and keep one error from being sent "
        "twice (dedupe)",
        evidence=f"{in_force(evidence)} ({because})",
        change="leave default_integrations at True and switch single ones off with disabled_integrations",
        place=init.place,
    )


def unwatched(evidence: Evidence) -> Finding | None:
    """Frameworks in use whose errors nobody reports."""
    return _about(
        (entry for entry in evidence.libraries if entry.errors and entry.loaded and not entry.on),
        Severity.ERROR,
        "errors in them are handled by the framework before the SDK sees them, and most are then never reported",
        "add the integration to integrations=[...] of sentry_sdk.init, or remove what switches it off",
        "the framework is in use, its integration is not in force",
    )


def installed_only(evidence: Evidence) -> Finding | None:
    """The same for frameworks that are installed, and were not imported here."""
    return _about(
        (
            entry
            for entry in evidence.libraries
            if entry.errors
            and not entry.loaded
            and not entry.on
            and not entry.why.startswith("the SDK never")
        ),
        Severity.INFO,
        "as soon as the program uses them, their errors go unseen",
        "nothing if this program never uses them; else add the integration",
        "installed, but not imported in the processes seen",
    )


def no_spans(evidence: Evidence) -> Finding | None:
    """Libraries in use without spans and breadcrumbs."""
    return _about(
        (entry for entry in evidence.libraries if not entry.errors and entry.loaded and not entry.on),
        Severity.INFO,
        "their calls leave no spans and no breadcrumbs; errors are reported all the same",
        "add the integration where performance matters",
        "in use, the integration is not in force",
    )


def excepthook(evidence: Evidence) -> Finding | None:
    """Somebody replaced ``sys.excepthook`` after the SDK."""
    hook = evidence.excepthook
    if hook is None or evidence.init is None or "excepthook" not in evidence.init.integrations:
        return None
    return Finding(
        severity=Severity.WARNING,
        what=f"sys.excepthook is {hook.name}, not the SDK's",
        why="errors that end the program are reported through it; one that does not call the hook before it keeps "
        "them from the SDK",
        evidence=f"found there after init, defined at {seen_at(hook.place)}",
        change="let it call the hook that was there before, or set it before sentry_sdk.init",
        place=hook.place,
    )


def _about(
    libraries: Iterable[Library], severity: Severity, why: str, change: str, evidence: str
) -> Finding | None:
    found = list(libraries)
    if not found:
        return None
    return Finding(
        severity=severity,
        what="integrations off: " + ", ".join(entry.integration for entry in found),
        why=why,
        evidence=f"{evidence}: " + "; ".join(f"{entry}: {entry.why}" for entry in found),
        change=change,
    )


RULES: Mapping[str, Rule] = {
    "default-integrations-off": defaults_off,
    "integration-off": unwatched,
    "excepthook-replaced": excepthook,
    "integration-off-not-used": installed_only,
    "integration-off-spans": no_spans,
}
