"""What the doctor says: findings, what was sent, and what is not known; as lines and as one JSON document. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ..report.lines import printable, short_path
from .evidence import ERROR_KINDS, Evidence
from .finding import Finding, Severity
from .inside.probes import LOGS_OFF

VERSION = 1
_WIDTH = 110
_SENT = {
    "handled": "errors handed to capture_exception",
    "in_thread": "errors that end a thread",
    "logged": "errors logged with logger.exception",
    "burst": "errors in a row",
    "request": "errors in a request to a path that does not exist",
    "message": "messages",
    "transaction": "transactions",
    "session": "sessions",
    "check_in": "check-ins of a monitor",
    "log": "log entries",
}


def unknown(evidence: Evidence) -> tuple[str, ...]:
    """What could not be learnt, and why."""
    found = [*(f"the harness itself broke: {text}" for text in evidence.broken), *evidence.notes]
    if evidence.broken_off and evidence.shutdown is None:
        found.append(f"what it does when it works: {evidence.broken_off}")
    if not evidence.processes:
        found.append(
            "the agent was in no process: the command is no Python program, or Python was started with -E or -I, so "
            "nothing is known of its SDK"
        )
    if evidence.inits and not evidence.errors_sent:
        found.append(
            "no probe was sent: the process ended without running its exit handlers, or before it was asked"
        )
    if evidence.inits and evidence.service and evidence.errors_sent and evidence.probe("request") is None:
        found.append(
            "whether unhandled errors of requests arrive: no process routes requests by Starlette, FastAPI, Flask, "
            "Quart or Django"
        )
    if evidence.inits and evidence.shutdown is None:
        found.append("whether the last errors arrive at shutdown: none could be handed over before the end")
    elif evidence.shutdown is not None and not evidence.shutdown.handed:
        found.append(
            "whether the last errors arrive at shutdown: the SDK dropped all that it was handed before"
        )
    for probe in evidence.probes:
        if probe.trouble and not probe.sent and probe.kind not in ERROR_KINDS and probe.trouble != LOGS_OFF:
            found.append(f"{_SENT[probe.kind]}: {probe.trouble}")
    return tuple(dict.fromkeys(found))


def lines(evidence: Evidence, found: Sequence[Finding]) -> Iterator[str]:
    """The report for people. Nothing in it can steer a terminal."""
    for line in _lines(evidence, found):
        yield printable(line)


def document(evidence: Evidence, found: Sequence[Finding], exit_code: int) -> dict[str, Any]:
    """The report for programs."""
    init = evidence.init
    return {
        "version": VERSION,
        "exit_code": exit_code,
        "sdk": None if init is None else {**asdict(init), "options": dict(init.options)},
        "probes": [asdict(probe) for probe in evidence.probes],
        "shutdown": None if evidence.shutdown is None else asdict(evidence.shutdown),
        "drained_per_second": evidence.drained_per_second,
        "findings": [asdict(finding) for finding in found],
        "unknown": list(unknown(evidence)),
    }


def summary(found: Sequence[Finding]) -> str:
    """How many findings of each severity."""
    if not found:
        return "nothing risky was found"
    counts = Counter(finding.severity for finding in found)
    words = [
        f"{counts[severity]} {severity.value}{'s' if counts[severity] != 1 and severity is not Severity.INFO else ''}"
        for severity in Severity
        if counts[severity]
    ]
    return ", ".join(words)


def _lines(evidence: Evidence, found: Sequence[Finding]) -> Iterator[str]:
    init = evidence.init
    if init is not None:
        path, colon, line = init.place.rpartition(":")
        place = f"{short_path(path)}{colon}{line}" if colon else "an unknown place"
        yield f"sentry-sdk {init.version}, initialised at {place}, {len(init.integrations)} integrations"
    yield from _sent(evidence)
    for finding in found:
        yield ""
        yield f"{finding.severity.value.upper():<8} {finding.what}  [{finding.rule}]"
        for name, text in (("why", finding.why), ("seen", finding.evidence), ("change", finding.change)):
            yield from textwrap.wrap(
                text,
                _WIDTH,
                initial_indent=f"  {name + ':':<8}",
                subsequent_indent=" " * 10,
                break_long_words=False,
                break_on_hyphens=False,
            )
    missing = unknown(evidence)
    if missing:
        yield ""
        yield "not known:"
        for text in missing:
            yield from textwrap.wrap(
                text, _WIDTH, initial_indent="  - ", subsequent_indent="    ", break_long_words=False
            )
    yield ""
    yield summary(found)


def _sent(evidence: Evidence) -> Iterator[str]:
    sent = [probe for probe in evidence.probes if probe.sent]
    if not sent:
        return
    yield "sent through it, on purpose, and arrived at the embedded server:"
    for probe in sent:
        yield f"  {probe.arrived:>3} of {probe.sent:>3} {_SENT[probe.kind]}"
    end = evidence.shutdown
    if end is not None and end.handed:
        how = end.how if end.how.startswith("SIG") else "it ended by itself"
        yield f"  {end.arrived:>3} of {end.handed:>3} errors handed over just before {how}; it {end.ending}"
