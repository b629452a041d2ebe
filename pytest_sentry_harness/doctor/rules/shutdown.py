"""Rules about the end of the process, and whether what was handed over last is still sent."""

from __future__ import annotations

from collections.abc import Mapping

from ..evidence import Evidence
from ..finding import Finding, Rule, Severity
from .words import in_force


def lost_at_the_end(evidence: Evidence) -> Finding | None:
    """Errors handed over just before the end did not arrive, though earlier ones did."""
    end = evidence.shutdown
    if end is None or not end.handed or end.arrived >= end.handed or not evidence.errors_arrived:
        return None
    how = "SIGTERM followed at once" if end.how == "SIGTERM" else "the process ended by itself"
    return Finding(
        severity=Severity.ERROR,
        what=f"errors are lost at shutdown: {end.handed - end.arrived} of {end.handed}",
        why="events wait in a queue; a process that ends without sending them takes them along, at every deploy, "
        "restart and scale-down",
        evidence=f"{end.handed} errors were handed over and {how}; the process {end.ending}, and {end.arrived} "
        f"arrived (each answer took {end.answer_seconds:g} s)",
        change="handle SIGTERM in an orderly way and call sentry_sdk.flush(timeout=...) last: in the server's shutdown "
        "hook (lifespan, worker_exit), or after the work of a job; raise shutdown_timeout where it was too short",
    )


def too_slow_to_send(evidence: Evidence) -> Finding | None:
    """What a burst leaves in the queue cannot be sent within the time that the SDK takes for it at the end."""
    size = evidence.option("transport_queue_size")
    timeout = evidence.option("shutdown_timeout")
    rate = evidence.drained_per_second
    if not isinstance(size, int) or not isinstance(timeout, int | float) or not rate:
        return None
    waiting = min(size, evidence.burst)
    needed = waiting / rate
    if needed <= timeout:
        return None
    return Finding(
        severity=Severity.WARNING,
        what=f"shutdown_timeout={timeout:g} for {waiting} events in the queue",
        why="what is not sent within that time at exit is lost, and counted nowhere",
        evidence=f"{rate:.0f} events a second were sent to a server on this machine, so {waiting} take "
        f"{needed:.0f} s, and longer over a real network; the queue holds {size}, the burst is that of --burst",
        change=f"shutdown_timeout={needed * 2:.0f} or more, and as much time before the orchestrator kills the process",
    )


def does_not_stop(evidence: Evidence) -> Finding | None:
    """It had to be killed."""
    end = evidence.shutdown
    if end is None or not end.killed:
        return None
    return Finding(
        severity=Severity.WARNING,
        what="it does not end on SIGTERM",
        why="orchestrators kill what has not ended after some seconds, and what is still queued is lost then",
        evidence=f"the process {end.ending}",
        change="end on SIGTERM within the grace period of your orchestrator (Kubernetes: 30 s)",
    )


def no_exit_handler(evidence: Evidence) -> Finding | None:
    """The SDK's exit handler is not there."""
    init = evidence.init
    if init is None or not init.active or "atexit" in init.integrations:
        return None
    return Finding(
        severity=Severity.ERROR,
        what="the integration atexit is off",
        why="it is what sends the queue when the program ends by itself",
        evidence=f"{in_force(evidence)}: {len(init.integrations)} integrations, atexit is not among them",
        change="leave default_integrations at True, or add AtexitIntegration() to integrations",
        place=init.place,
    )


RULES: Mapping[str, Rule] = {
    "lost-at-shutdown": lost_at_the_end,
    "shutdown-timeout": too_slow_to_send,
    "does-not-stop": does_not_stop,
    "no-exit-handler": no_exit_handler,
}
