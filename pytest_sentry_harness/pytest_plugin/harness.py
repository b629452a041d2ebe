"""What the fixture ``sentry_harness`` gives to a test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..model.account import Outcome, State
from . import explain
from .bench import Bench
from .differences import missing_parts
from .faults import InjectedFault
from .inbox import CapturedEnvelope, CapturedItem
from .sent import FLUSH_SECONDS
from .wanted import told

_CAPTURED = (State.CAPTURED, State.DUPLICATE, State.MERGED)
_ONE_FOR_EACH_ID = "Sentry keeps one event for each id"


class SentryHarness:
    """Injects faults into the application, and knows what its Sentry SDK sent.

    Nothing leaves the process: the HTTP requests of the SDK's transports end here. Everything before them is
    the SDK's own, as the application configured it.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    # -- injecting ---------------------------------------------------------------------------------

    def inject(self, at: str, do: str, *, name: str | None = None) -> InjectedFault:
        """Make the function ``at`` (``package.module:Class.method``) do ``do`` (a fault term) from now on.

        Lasts until the end of the test, or of the ``with`` block when used as one. ``name`` is for reports.
        Raises ``InjectionError`` or ``TermError`` when point, term or exception cannot be had.
        """
        __tracebackhide__ = True
        return self._bench.inject(at, do, name)

    @property
    def faults(self) -> tuple[InjectedFault, ...]:
        """The faults injected so far, those of markers included."""
        return tuple(self._bench.faults.values())

    # -- what was sent -----------------------------------------------------------------------------

    @property
    def events(self) -> list[dict[str, Any]]:
        """The error events (and messages) sent so far, oldest first, as decoded JSON. Flushes the SDK first."""
        return self._bench.payloads("event")

    @property
    def transactions(self) -> list[dict[str, Any]]:
        """The transactions sent so far, oldest first, as decoded JSON. Flushes the SDK first."""
        return self._bench.payloads("transaction")

    @property
    def client_reports(self) -> list[dict[str, Any]]:
        """What the SDK says it discarded: ``client_report`` items as decoded JSON. Flushes the SDK first."""
        return self._bench.payloads("client_report")

    @property
    def envelopes(self) -> list[CapturedEnvelope]:
        """Everything sent so far, envelope by envelope. Flushes the SDK first."""
        self.flush()
        return self._bench.sent.inbox.envelopes()

    @property
    def items(self) -> list[CapturedItem]:
        """Everything sent so far, item by item, whatever its type. Flushes the SDK first."""
        self.flush()
        return self._bench.sent.inbox.items()

    def flush(self, timeout: float = FLUSH_SECONDS) -> None:
        """Make the SDK send what it holds; gives up after ``timeout`` seconds."""
        self._bench.sent.flush(timeout)

    def wait(
        self, wanted: int | Callable[[dict[str, Any]], bool] = 1, *, timeout: float = 5.0
    ) -> list[dict[str, Any]]:
        """Wait for ``wanted`` events, or for one that the function ``wanted`` is true for; gives them back.

        Raises ``AssertionError`` with an explanation after ``timeout`` seconds.
        """
        __tracebackhide__ = True

        def found() -> list[dict[str, Any]] | None:
            events = self._bench.sent.payloads("event")
            if isinstance(wanted, int):
                return events if len(events) >= wanted else None
            return [event for event in events if wanted(event)] or None

        events = self._bench.sent.until(found, timeout)
        if events is None:
            asked = f"{wanted} events" if isinstance(wanted, int) else "an event as described"
            count = len(self._bench.sent.payloads("event"))
            raise self._bench.waited_for_nothing(f"{asked} did not arrive within {timeout:g} s; {count} did")
        return events

    def wait_for(
        self,
        like: Mapping[str, Any] | None = None,
        *,
        exception: type[BaseException] | str | None = None,
        message: str | re.Pattern[str] | None = None,
        level: str | None = None,
        fault: InjectedFault | str | None = None,
        where: Callable[[dict[str, Any]], bool] | None = None,
        kind: str = "event",
        times: int = 1,
        timeout: float = 5.0,
    ) -> list[dict[str, Any]]:
        """Wait for ``times`` events that are all that is asked for, and give them back, oldest first.

        ``like``: they have these fields with these values, whatever else they have (``...``: any value; a compiled
        pattern: text in which it is found). ``exception``: one of this class, or of this name, is in the chain.
        ``message`` is part of the exception's or event's message. ``fault``: about this fault. ``where`` is true for
        them. ``kind``: the type of envelope item, such as ``transaction``.

        Raises ``AssertionError`` after ``timeout`` seconds, with what arrived instead and where that differs.
        """
        __tracebackhide__ = True
        wanted = self._bench.wanted(like, exception, message, level, fault, where, kind)

        def found() -> list[dict[str, Any]] | None:
            events = self._bench.matching(wanted)
            return events if len(events) >= times else None

        events = self._bench.sent.until(found, timeout)
        if events is None:
            count = len(self._bench.matching(wanted))
            what = told(wanted, times)
            did = f"; {count} did" if count else ""
            lines = [f"{what} did not arrive within {timeout:g} s{did}", *self._bench.instead(wanted)]
            raise self._bench.waited_for_nothing("\n".join(lines))
        return events

    # -- asserting ---------------------------------------------------------------------------------

    def assert_captured(
        self, fault: InjectedFault | str | None = None, *, times: int | None = None, level: str | None = None
    ) -> list[dict[str, Any]]:
        """Assert that every firing of ``fault`` (of all faults that raise, without one) arrived as an event.

        Events with one and the same ``event_id`` are one: Sentry keeps one for each id.

        ``times``: it fired and arrived so often, exactly. ``level``: each of the events has this level. Without any
        fault in the test: that an error event arrived. Gives back the events. The ``AssertionError`` says what
        became of the fault instead, where, and what to do about it.
        """
        __tracebackhide__ = True
        chosen = self._bench.chosen(fault)
        findings = self._bench.findings()
        outcomes = [outcome for each in chosen for outcome in findings.of(each.name) if outcome.expected]
        sent = self._bench.sent.payloads("event")
        if chosen:
            ids = {outcome.event_id for outcome in outcomes if outcome.state in _CAPTURED}
            events = [event for event in sent if event.get("event_id") in ids]
            count = sum(outcome.state in _CAPTURED for outcome in outcomes)
            shared: dict[str, int] = {}
        else:
            events, outcomes = sent, []
            ids = {event.get("event_id") for event in sent}
            shared = explain.repeated(event.get("event_id") for event in sent)
            count = len(ids)
        problems = [
            f"{each.name!r} never fired" for each in chosen if not findings.of(each.name) and times != 0
        ]
        lost = [outcome for outcome in outcomes if outcome.state not in _CAPTURED]
        if lost:
            more = f" ({len(lost)} of {len(outcomes)} firings)" if len(outcomes) > 1 else ""
            rule = f" ({_ONE_FOR_EACH_ID})" if lost[0].reason == "same_event_id" else ""
            problems.append(
                f"fault {lost[0].fault!r} was not captured{more}: {explain.became(lost[0])}{rule}"
            )
        if times is not None:
            problems += [
                f"{same} events have the same event_id, {event_id}: {_ONE_FOR_EACH_ID}"
                for event_id, same in shared.items()
            ]
        if not chosen and not events and times is None:
            problems.append("no error event arrived")
        if times is not None and count != times:
            problems.append(f"{count} captured, {times} expected")
        if level is not None:
            others = sorted({str(event.get("level", "error")) for event in events} - {level})
            if others:
                problems.append(f"the level is {', '.join(others)}, expected {level}")
        if problems:
            raise self._bench.failure("; ".join(problems), chosen or None)
        return events

    def assert_nothing(self, *, within: float = 0.0) -> None:
        """Assert that no error event was sent so far, after flushing the SDK, nor is within so many seconds from now."""
        __tracebackhide__ = True
        self._bench.sent.flush()  # in full: what the SDK holds is to be counted, however short ``within`` is
        events = self._bench.sent.until(lambda: self._bench.sent.payloads("event") or None, within) or []
        self._bench.nothing_held("no event arrived")
        if events:
            head = "1 event arrived" if len(events) == 1 else f"{len(events)} events arrived"
            raise self._bench.failure("\n".join([f"{head}, none expected:", *self._bench.lines(events)]))

    def assert_absent(
        self,
        like: Mapping[str, Any] | None = None,
        *,
        exception: type[BaseException] | str | None = None,
        message: str | re.Pattern[str] | None = None,
        level: str | None = None,
        fault: InjectedFault | str | None = None,
        where: Callable[[dict[str, Any]], bool] | None = None,
        kind: str = "event",
        within: float = 0.0,
    ) -> None:
        """Assert that no event was sent that is all that is asked for (as in ``wait_for``), nor is in the next ``within`` seconds.

        Others may arrive. The SDK is flushed first. The ``AssertionError`` shows those that should not be there.
        """
        __tracebackhide__ = True
        wanted = self._bench.wanted(like, exception, message, level, fault, where, kind)
        events = self._bench.sent.until(lambda: self._bench.matching(wanted) or None, within) or []
        self._bench.nothing_held(f"{told(wanted, 1)} did not arrive")
        if events:
            came = "1 arrived" if len(events) == 1 else f"{len(events)} arrived"
            raise self._bench.failure(
                "\n".join([f"{told(wanted, 1)} was not to arrive, and {came}:", *self._bench.lines(events)])
            )

    def assert_event(self, event: Mapping[str, Any], like: Mapping[str, Any]) -> None:
        """Assert that ``event`` has the fields of ``like`` with their values, whatever else it has; see ``wait_for``.

        The ``AssertionError`` lists the places that differ.
        """
        __tracebackhide__ = True
        places = [each.words() for each in missing_parts(like, event)]
        if places:
            count = "1 place" if len(places) == 1 else f"{len(places)} places"
            lines = [f"the event is not as expected in {count}:", *(f"  {place}" for place in places)]
            raise self._bench.failure("\n".join(lines))

    def snapshot(
        self,
        event: Mapping[str, Any],
        name: str | None = None,
        *,
        lines: bool = False,
        drop: Iterable[str] = (),
    ) -> None:
        """Assert that ``event`` is as it was when its snapshot was taken: ``__snapshots__/<test file>/<test>.json``.

        What differs from run to run and from machine to machine is taken out of it first: ids, times, paths, versions,
        addresses, and with ``lines`` off, line numbers. ``drop``: places to leave out, as in ``breadcrumbs`` or
        ``exception.values.*.stacktrace``. ``name`` tells several snapshots of a test apart; else they are numbered.

        With ``--sentry-harness-update-snapshots`` it is written instead. The ``AssertionError`` lists the places that
        differ, and the command that accepts them. Raises ``UsageError`` for a name used twice.
        """
        __tracebackhide__ = True
        problem = self._bench.snapshots().problem(event, name=name, lines=lines, drop=drop)
        if problem:
            raise self._bench.remember(problem)

    # -- explaining --------------------------------------------------------------------------------

    def outcomes(self, fault: InjectedFault | str | None = None) -> tuple[Outcome, ...]:
        """What became of each firing so far, of one fault or of all. Flushes the SDK first."""
        findings = self._bench.findings()
        return (
            findings.outcomes
            if fault is None
            else findings.of(self._bench.chosen(fault, raising=False)[0].name)
        )

    def explain(self, fault: InjectedFault | str | None = None) -> str:
        """In words: what became of the fault (of all, without one), and what matters of the SDK's set-up."""
        chosen = None if fault is None else self._bench.chosen(fault, raising=False)
        return self._bench.text("", chosen)
