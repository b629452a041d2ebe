"""How a process ended, and what that did to the events its SDK had not sent. Pure."""

from __future__ import annotations

from typing import NamedTuple

from ..model.ledger import Place
from .summary import Process

_CRASHES = ("SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGFPE", "SIGSYS", "SIGTRAP")
_NOT_KNOWN = (
    "a signal it does not handle",
    "a crash in native code",
    "os._exit called by native code",
)


class HowEnded(NamedTuple):
    """In words; with the place where it called the end, and what the evidence cannot tell apart."""

    words: str
    place: Place | None = None
    could_be: tuple[str, ...] = ()


def ended_with_queue(process: Process) -> HowEnded | None:
    """How ``process`` came to end with events in its queue; None when it seems to have ended with none.

    An orderly end waits for the queue: until ``shutdown_timeout``, and only with the SDK's AtexitIntegration.
    """
    if process.goodbye is None:
        return ended_hard(process)
    if process.queued <= 0:
        return None
    sdk = process.sdk
    if sdk is not None and sdk.integrations and "atexit" not in sdk.integrations:
        return HowEnded(
            "AtexitIntegration is off: the end of the process did not wait for the queue", sdk.place
        )
    if process.no_sender:
        return HowEnded(
            "the SDK could not start the thread that sends: no memory for it, or too late in the end"
        )
    timeout = sdk.options.get("shutdown_timeout") if sdk is not None else None
    if timeout is None:
        return HowEnded("the process ended without flushing")
    return HowEnded(f"shutdown_timeout={timeout:g}: the flush at exit gave up", sdk.place if sdk else None)


def ended_hard(process: Process) -> HowEnded:
    """How ``process``, which never said goodbye, ended: no exit hook ran."""
    if process.hard_exit is not None:
        return HowEnded(f"ended by os._exit({process.hard_exit.code})", process.hard_exit.place)
    ended, fault = process.ended, process.exit_fault
    if ended is None:
        if fault is not None and any(how in fault.term for how in ("SIGKILL", "os._exit")):
            return HowEnded(f"ended by the fault {fault.fault!r}: {fault.term}", fault.place)
        return HowEnded("ended without running its exit hooks", None, _NOT_KNOWN)
    if not ended.signal:
        if fault is not None and "os._exit" in fault.term:
            return HowEnded(
                f"ended by os._exit({ended.exit_code}), as the fault {fault.fault!r} says", fault.place
            )
        could_be = ("os._exit called by native code", "another program run in its place (exec)")
        return HowEnded(f"ended with exit code {ended.exit_code}, without exit hooks", None, could_be)
    if ended.signal in _CRASHES:
        return HowEnded(f"crashed in native code ({ended.signal})")
    if fault is not None and ended.signal in fault.term:
        return HowEnded(f"ended by {ended.signal}, as the fault {fault.fault!r} says", fault.place)
    if ended.signal == "SIGKILL":
        could_be = (
            "killed by somebody (kill -9, a time limit)",
            "killed by the system, which was out of memory",
        )
        return HowEnded("ended by SIGKILL", None, could_be)
    return HowEnded(f"ended by {ended.signal}, which it does not handle")
