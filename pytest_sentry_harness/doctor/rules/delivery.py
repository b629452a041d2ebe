"""Rules about the way from the SDK to Sentry: key, sampling, queue, connection, reports."""

from __future__ import annotations

from collections.abc import Mapping

from ..evidence import ABSENT, Evidence
from ..finding import Finding, Rule, Severity
from .words import in_force, probes_lost, shortened

_NODELAY = [6, 1]
"""Level and name of TCP_NODELAY in ``socket_options``; the value follows."""
_SLOW_PER_SECOND = 60.0
"""Below this rate, on the same machine, something waits for a delayed acknowledgement."""


def refused(evidence: Evidence) -> Finding | None:
    """The server answered, and did not accept."""
    if not evidence.refused:
        return None
    said = ", ".join(f"{count} x {reason}" for reason, count in evidence.refused.items())
    return Finding(
        severity=Severity.ERROR,
        what="the server refuses what the SDK sends",
        why="a refused event is gone: the SDK does not try again, and says so only with debug=True",
        evidence=f"{said}; {evidence.errors_arrived} of {evidence.errors_sent} probe errors were accepted",
        change="compare key and project of the DSN with the project's settings; 413 means events that are too large",
    )


def sampled(evidence: Evidence) -> Finding | None:
    """Errors are thrown away by lot."""
    rate = evidence.option("sample_rate")
    sampler = evidence.option("error_sampler")
    if isinstance(rate, int | float) and rate < 1 and sampler in (ABSENT, None):
        what, severity = f"sample_rate={rate:g}", Severity.ERROR
    elif sampler not in (ABSENT, None):
        what, severity = shortened(f"error_sampler={sampler}"), Severity.WARNING
    else:
        return None
    lost = evidence.lost("sample_rate")
    gone = sum(each.count for each in lost)
    probes = f"; {gone} of {evidence.errors_sent} probe errors fell to it" if evidence.errors_sent else ""
    return Finding(
        severity=Severity.ERROR if gone else severity,
        what=what,
        why="errors are thrown away by lot, the only occurrence of a rare one as well; this is not the option "
        "for transactions",
        evidence=in_force(evidence) + probes,
        change="leave sample_rate at 1.0; use traces_sample_rate for transactions and rate limits against floods",
    )


def ignored(evidence: Evidence) -> Finding | None:
    """Kinds of exceptions are not reported."""
    entries = evidence.option("ignore_errors")
    if not isinstance(entries, list) or not entries:
        return None
    lost = evidence.lost("ignored")
    broad = [entry for entry in entries if str(entry) in _BROAD]
    return Finding(
        severity=Severity.ERROR if lost or broad else Severity.WARNING,
        what=f"ignore_errors={', '.join(map(str, entries[:8]))}",
        why="exceptions of these classes and all their subclasses are dropped, and no client report counts them",
        evidence=probes_lost(lost) if lost else in_force(evidence),
        change="keep the list short and the classes narrow; downgrade in before_send instead of dropping",
    )


_BROAD = frozenset(
    {
        "BaseException",
        "Exception",
        "RuntimeError",
        "OSError",
        *("builtins.BaseException", "builtins.Exception", "builtins.RuntimeError", "builtins.OSError"),
    }
)


def queue(evidence: Evidence) -> Finding | None:
    """The transport's queue is smaller than the bursts to be expected."""
    size = evidence.option("transport_queue_size")
    overflow = evidence.lost("queue_overflow")
    if overflow:
        gone = sum(each.count for each in overflow)
        probe = evidence.probe("burst")
        sent = probe.sent if probe is not None else evidence.errors_sent
        return Finding(
            severity=Severity.ERROR,
            what=f"transport_queue_size={size}" if size is not ABSENT else "the transport's queue overflows",
            why="what does not fit into the queue is dropped, and a burst is just when errors matter most",
            evidence=f"of {sent} errors handed over in a row {gone} did not fit{_drained(evidence)}{_transport(evidence)}",
            change=f"set transport_queue_size to {max(evidence.burst, sent)} or more, and see why sending is slow",
        )
    if not isinstance(size, int) or size >= evidence.burst:
        return None
    return Finding(
        severity=Severity.WARNING,
        what=f"transport_queue_size={size}",
        why=f"one thread sends, one event after the other; of a burst of {evidence.burst} errors, what does not fit "
        "into the queue is dropped",
        evidence=f"{in_force(evidence)}{_drained(evidence)}; the burst is that of --burst",
        change=f"set transport_queue_size={evidence.burst}: an event waiting takes some 10 to 200 kB of memory",
    )


def connection(evidence: Evidence) -> Finding | None:
    """Connections that die unnoticed, or that wait for acknowledgements."""
    keep_alive = evidence.option("keep_alive")
    options = evidence.option("socket_options")
    rate = evidence.drained_per_second
    no_delay = isinstance(options, list) and any(list(entry)[:2] == _NODELAY for entry in options)
    if keep_alive is True and not no_delay and rate is not None and rate < _SLOW_PER_SECOND:
        return Finding(
            severity=Severity.WARNING,
            what="keep_alive=True without TCP_NODELAY",
            why="keep_alive replaces the socket options of urllib3, TCP_NODELAY among them; each larger event then "
            "waits 40 ms for a delayed acknowledgement",
            evidence=f"{rate:.0f} events a second to a server on this machine",
            change="socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]",
        )
    if evidence.service and not keep_alive and keep_alive is not ABSENT:
        return Finding(
            severity=Severity.INFO,
            what=f"keep_alive={keep_alive}",
            why="a connection that a firewall or load balancer closed while it was idle is noticed by losing the "
            "next event (connection reset)",
            evidence=in_force(evidence),
            change="keep_alive=True with socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]",
        )
    return None


def reports_off(evidence: Evidence) -> Finding | None:
    """The SDK does not tell what it drops."""
    if evidence.option("send_client_reports") is not False:
        return None
    return Finding(
        severity=Severity.WARNING,
        what="send_client_reports=False",
        why="what the SDK drops is counted nowhere; Sentry's statistics then show fewer losses than there are",
        evidence=in_force(evidence),
        change="leave send_client_reports at True",
    )


def back_pressure(evidence: Evidence) -> Finding | None:
    """Transactions vanish under load, by design."""
    rate = evidence.option("traces_sample_rate")
    traced = (isinstance(rate, int | float) and rate > 0) or evidence.option("traces_sampler") not in (
        ABSENT,
        None,
    )
    if evidence.option("enable_backpressure_handling") is not True or not traced:
        return None
    return Finding(
        severity=Severity.INFO,
        what="enable_backpressure_handling=True",
        why="while the queue is full or the server limits the rate, the SDK halves the sampling of transactions "
        "every 10 s; counts of transactions are then too low. Errors are not concerned",
        evidence=in_force(evidence) + "; this is the SDK's default",
        change="nothing, if you know it; enlarge the queue, or set it to False where every transaction counts",
    )


def all_traced(evidence: Evidence) -> Finding | None:
    """Every request makes a transaction."""
    rate = evidence.option("traces_sample_rate")
    if not evidence.service or not isinstance(rate, int | float) or rate < 1:
        return None
    return Finding(
        severity=Severity.WARNING,
        what=f"traces_sample_rate={rate:g}",
        why="every request sends a transaction through the same queue as the errors: under load they push each "
        "other out, and use up the quota",
        evidence=in_force(evidence),
        change="sample transactions, for example traces_sample_rate=0.05, or traces_sampler by route",
    )


def _transport(evidence: Evidence) -> str:
    transport = evidence.option("transport")
    return f"; transport={transport}" if transport not in (ABSENT, None) else ""


def _drained(evidence: Evidence) -> str:
    rate = evidence.drained_per_second
    return f"; {rate:.0f} a second were sent to a server on this machine" if rate is not None else ""


RULES: Mapping[str, Rule] = {
    "refused-by-server": refused,
    "errors-sampled": sampled,
    "errors-ignored": ignored,
    "queue-too-small": queue,
    "connection": connection,
    "client-reports-off": reports_off,
    "backpressure": back_pressure,
    "everything-traced": all_traced,
}
