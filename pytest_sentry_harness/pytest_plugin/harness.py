"""What the fixture ``sentry_harness`` gives to a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .. import clock
from ..errors import UsageError, did_you_mean
from ..injection.recorder import MemoryRecorder, agent_working
from ..injection.sdk_watch.watch import SdkWatch
from ..model.account import Outcome, State
from ..model.arming import ArmedFault
from . import explain, faults
from .faults import InjectedFault, TestInjector
from .findings import Findings, find
from .inbox import CapturedEnvelope, CapturedItem, Inbox
from .sdk_tap import SdkTap

_FLUSH_SECONDS = 2.0
_LOOK_SECONDS = 0.05
_CAPTURED = (State.CAPTURED, State.DUPLICATE, State.MERGED)


@dataclass(frozen=True, slots=True)
class TestIdentity:
    """Which test it is: its node id, and ``file:qualified name`` of its function."""

    __test__ = False
    nodeid: str
    frame: str


class SentryHarness:
    """Injects faults into the application, and knows what its Sentry SDK sent.

    Nothing leaves the process: the HTTP requests of the SDK's transports end here. Everything before them is
    the SDK's own, as the application configured it.
    """

    def __init__(self, test: TestIdentity, *, seed: int = 0, undone: str = "") -> None:
        self._test = test
        self._undone = undone
        self._recorder = MemoryRecorder()
        self._injector = TestInjector(self._recorder, seed=seed)
        self._inbox = Inbox()
        self._tap = SdkTap(self._inbox)
        self._watch = SdkWatch(self._recorder, self._injector.exceptions)
        self._faults: dict[str, InjectedFault] = {}
        self._records_before = 0
        self._failures: list[AssertionError] = []

    # -- injecting ---------------------------------------------------------------------------------

    def inject(self, at: str, do: str, *, name: str | None = None) -> InjectedFault:
        """Make the function ``at`` (``package.module:Class.method``) do ``do`` (a fault term) from now on.

        Lasts until the end of the test, or of the ``with`` block when used as one. ``name`` is for reports.
        Raises ``InjectionError`` or ``TermError`` when point, term or exception cannot be had.
        """
        __tracebackhide__ = True
        chosen = name or faults.unused_name(at, self._faults)
        if chosen in self._faults:
            raise UsageError(
                f"a fault named {chosen!r} was injected before",
                where=self._test.nodeid,
                hint="give each fault a name of its own, or none",
            )
        faults.arm(
            self._injector, ArmedFault(name=chosen, at=at, do=do, select="call"), where=self._test.nodeid
        )
        fault = InjectedFault(chosen, at, do, self._injector.stop)
        self._faults[chosen] = fault
        return fault

    @property
    def faults(self) -> tuple[InjectedFault, ...]:
        """The faults injected so far, those of markers included."""
        return tuple(self._faults.values())

    # -- what was sent -----------------------------------------------------------------------------

    @property
    def events(self) -> list[dict[str, Any]]:
        """The error events (and messages) sent so far, oldest first, as decoded JSON. Flushes the SDK first."""
        return self._payloads("event")

    @property
    def transactions(self) -> list[dict[str, Any]]:
        """The transactions sent so far, oldest first, as decoded JSON. Flushes the SDK first."""
        return self._payloads("transaction")

    @property
    def client_reports(self) -> list[dict[str, Any]]:
        """What the SDK says it discarded: ``client_report`` items as decoded JSON. Flushes the SDK first."""
        return self._payloads("client_report")

    @property
    def envelopes(self) -> list[CapturedEnvelope]:
        """Everything sent so far, envelope by envelope. Flushes the SDK first."""
        self.flush()
        return self._inbox.envelopes()

    @property
    def items(self) -> list[CapturedItem]:
        """Everything sent so far, item by item, whatever its type. Flushes the SDK first."""
        self.flush()
        return self._inbox.items()

    def flush(self, timeout: float = _FLUSH_SECONDS) -> None:
        """Make the SDK send what it holds; gives up after ``timeout`` seconds."""
        self._tap.flush(timeout)

    def wait(
        self, wanted: int | Callable[[dict[str, Any]], bool] = 1, *, timeout: float = 5.0
    ) -> list[dict[str, Any]]:
        """Wait for ``wanted`` events, or for one that the function ``wanted`` is true for; gives them back.

        Raises ``AssertionError`` with an explanation after ``timeout`` seconds.
        """
        __tracebackhide__ = True
        deadline = clock.monotonic() + timeout
        while True:
            left = deadline - clock.monotonic()
            self.flush(min(_FLUSH_SECONDS, max(left, _LOOK_SECONDS)))
            events = self._sent("event")
            found = events if isinstance(wanted, int) else [event for event in events if wanted(event)]
            if len(found) >= (wanted if isinstance(wanted, int) else 1):
                return found
            if left <= 0:
                asked = f"{wanted} events" if isinstance(wanted, int) else "an event as described"
                raise self._failure(f"{asked} did not arrive within {timeout:g} s; {len(events)} did")
            # Woken by the next arrival; and now and then, since the SDK may hold something to flush by then.
            self._inbox.wait_for_more(than=len(events), timeout=min(_LOOK_SECONDS, left))

    # -- asserting ---------------------------------------------------------------------------------

    def assert_captured(
        self, fault: InjectedFault | str | None = None, *, times: int | None = None, level: str | None = None
    ) -> list[dict[str, Any]]:
        """Assert that every firing of ``fault`` (of all faults that raise, without one) arrived as an event.

        ``times``: it fired and arrived so often, exactly. ``level``: each of the events has this level. Without any
        fault in the test: that an error event arrived. Gives back the events. The ``AssertionError`` says what
        became of the fault instead, where, and what to do about it.
        """
        __tracebackhide__ = True
        chosen = self._chosen(fault)
        findings = self._findings()
        outcomes = [outcome for each in chosen for outcome in findings.of(each.name) if outcome.expected]
        sent = self._sent("event")
        if chosen:
            ids = {outcome.event_id for outcome in outcomes if outcome.state in _CAPTURED}
            events = [event for event in sent if event.get("event_id") in ids]
            count = sum(outcome.state in _CAPTURED for outcome in outcomes)
        else:
            events, outcomes, count = sent, [], len(sent)
        problems = [
            f"{each.name!r} never fired" for each in chosen if not findings.of(each.name) and times != 0
        ]
        lost = [outcome for outcome in outcomes if outcome.state not in _CAPTURED]
        if lost:
            more = f" ({len(lost)} of {len(outcomes)} firings)" if len(outcomes) > 1 else ""
            problems.append(f"fault {lost[0].fault!r} was not captured{more}: {explain.became(lost[0])}")
        if not chosen and not events and times is None:
            problems.append("no error event arrived")
        if times is not None and count != times:
            problems.append(f"{count} captured, {times} expected")
        if level is not None:
            others = sorted({str(event.get("level", "error")) for event in events} - {level})
            if others:
                problems.append(f"the level is {', '.join(others)}, expected {level}")
        if problems:
            raise self._failure("; ".join(problems), chosen or None)
        return events

    def assert_nothing(self) -> None:
        """Assert that no error event was sent, after flushing the SDK."""
        __tracebackhide__ = True
        self.flush()
        events = self._sent("event")
        if not events:
            return
        findings = self._findings()
        fault_of = {outcome.event_id: outcome.fault for outcome in findings.outcomes if outcome.event_id}
        lines = []
        for event in events[:20]:
            name = fault_of.get(str(event.get("event_id")))
            lines.append("  " + explain.explain_event(event, f" (fault {name!r})" if name else ""))
        head = "1 event arrived" if len(events) == 1 else f"{len(events)} events arrived"
        raise self._failure("\n".join([f"{head}, none expected:", *lines]))

    # -- explaining --------------------------------------------------------------------------------

    def outcomes(self, fault: InjectedFault | str | None = None) -> tuple[Outcome, ...]:
        """What became of each firing so far, of one fault or of all. Flushes the SDK first."""
        findings = self._findings()
        return findings.outcomes if fault is None else findings.of(self._chosen(fault, raising=False)[0].name)

    def explain(self, fault: InjectedFault | str | None = None) -> str:
        """In words: what became of the fault (of all, without one), and what matters of the SDK's set-up."""
        chosen = None if fault is None else self._chosen(fault, raising=False)
        return self._text("", chosen)

    # -- for the plugin ----------------------------------------------------------------------------

    def start(self) -> None:
        """Divert and watch the SDK."""
        self._tap.install()
        self._watch.install()
        self._records_before = len(self._recorder.records())

    def stop(self) -> Findings:
        """Undo everything, and give the last findings."""
        try:
            findings = self._findings()
        finally:
            self._injector.disarm("the test ended")
            self._watch.uninstall()
            self._tap.restore()
            self._injector.exceptions.forget()
        return findings

    def left_application(self, error: BaseException) -> None:
        """``error`` made the test fail, so it had left the application."""
        self._injector.exceptions.escaped(error)

    def explained(self, error: BaseException) -> bool:
        """Whether ``error`` is an assertion of ours, whose message explains already."""
        return any(failure is error for failure in self._failures)

    @property
    def undone(self) -> str:
        """What to tell the next test about an SDK set-up that ended with this one; empty when there was none."""
        place = self._tap.undone
        if place is None:
            return ""
        where = explain.place_text(place)
        return f" in this test; the one at {where} was undone with the test that made it, {self._test.nodeid}"

    # -- inner workings ----------------------------------------------------------------------------

    def _chosen(self, fault: InjectedFault | str | None, *, raising: bool = True) -> list[InjectedFault]:
        if fault is None:
            return [each for each in self._faults.values() if each.raises]
        name = fault if isinstance(fault, str) else fault.name
        if name not in self._faults:
            hint = did_you_mean(name, self._faults) if self._faults else "inject it first"
            raise UsageError(f"no fault {name!r} was injected", where=self._test.nodeid, hint=hint)
        found = self._faults[name]
        if raising and not found.raises:
            raise UsageError(
                f"fault {name!r} ({found.do}) raises nothing, so no event is about it",
                where=self._test.nodeid,
                hint="look for what it led to with wait(…) or events",
            )
        return [found]

    def _findings(self) -> Findings:
        self.flush()
        with agent_working():
            self._injector.settle()
            return find(
                self._recorder.records(),
                self._inbox.arrivals(),
                before=self._records_before,
                test_frame=self._test.frame,
            )

    def _failure(self, problem: str, chosen: Sequence[InjectedFault] | None = None) -> AssertionError:
        """The error to raise: what is wrong, and all that explains it."""
        failure = AssertionError(self._text(problem, chosen))
        self._failures.append(failure)
        return failure

    def _text(self, problem: str, chosen: Sequence[InjectedFault] | None = None) -> str:
        findings = self._findings()
        lines = [problem] if problem else []
        lines += explain.explain_faults(self.faults if chosen is None else chosen, findings) or [
            "no fault was injected in this test"
        ]
        lines += explain.explain_sdk(
            findings.sdk,
            self._inbox.arrivals(),
            dsn=self._tap.about_dsn(),
            notes=self._tap.notes,
            undone=self._undone,
        )
        return "\n".join(lines)

    def _payloads(self, kind: str) -> list[dict[str, Any]]:
        self.flush()
        return self._sent(kind)

    def _sent(self, kind: str) -> list[dict[str, Any]]:
        with agent_working():  # the test may have armed what is used here
            return [item.json() for item in self._inbox.items(kind)]
