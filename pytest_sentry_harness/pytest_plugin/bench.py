"""The workings behind the fixture ``sentry_harness``: injector, watch, tap and inbox of one test, and words for failures."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, did_you_mean
from ..injection.effects.registry import Effects
from ..injection.recorder import MemoryRecorder, agent_working
from ..injection.sdk_watch.watch import SdkWatch
from ..model.arming import ArmedFault
from ..report.lines import printable
from . import explain, faults
from .faults import InjectedFault, TestInjector
from .findings import Findings, find
from .sent import FLUSH_SECONDS, Sent, on_event_loop
from .wanted import Wanted

if TYPE_CHECKING:
    from .snapshots import Snapshots

_MOST_EVENTS = 20
_MOST_NEAR = 10


@dataclass(frozen=True, slots=True)
class TestIdentity:
    """Which test it is: its node id, and ``file:qualified name`` of its function.

    ``command`` runs it alone. Snapshots stand beside ``file``, under ``name``; paths are shown relative to ``root``.
    """

    __test__ = False
    nodeid: str
    frame: str
    command: str = "pytest"
    file: Path = Path("test.py")
    name: str = "test"
    root: str = "."


class Bench:
    """One test's harness at work, from ``start`` to ``stop``."""

    def __init__(
        self,
        test: TestIdentity,
        *,
        seed: int,
        undone: str,
        update_snapshots: bool,
        effects: Effects,
    ) -> None:
        """``effects`` has all kinds of faults."""
        self.test = test
        self.sent = Sent()
        self.faults: dict[str, InjectedFault] = {}
        self.reproduce = f"reproduce: {test.command} --sentry-harness-seed={seed}"
        self._undone = undone
        self._update_snapshots = update_snapshots
        self._snapshots: Snapshots | None = None
        self._recorder = MemoryRecorder()
        self._effects = effects
        self._injector = TestInjector(self._recorder, seed=seed, effects=effects)
        self._watch = SdkWatch(self._recorder, self._injector.exceptions)
        self._records_before = 0
        self._running = False
        self._failed_at: int | None = None
        self._failures: list[AssertionError] = []

    def start(self) -> None:
        """Divert and watch the SDK."""
        self.sent.tap.install()
        self._watch.install()
        self._records_before = len(self._recorder.records())

    def stop(self) -> Findings:
        """Undo everything, and give the last findings."""
        try:
            findings = self.findings()
        finally:
            self._injector.disarm("the test ended")
            self._watch.uninstall()
            self.sent.tap.restore()
            self._injector.exceptions.forget()
        return findings

    def left_application(self, error: BaseException) -> None:
        """``error`` came as far as the test, so it had left the application. Its traceback may be gone soon."""
        self._injector.exceptions.escaped(error)
        with agent_working():
            self._injector.exceptions.look_at(error)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """The test runs while the block lasts. What fails meanwhile is a part of it, such as a subtest."""
        self._running = True
        try:
            yield
        finally:
            self._running = False

    def failed_with(self, error: BaseException) -> None:
        """The test, or a part of it, has failed with ``error``. After a part, the test goes on."""
        self.left_application(error)
        if self._failed_at is None and not self._running:
            self._failed_at = len(self._recorder.records())

    @property
    def snapshots_written(self) -> list[str]:
        """The files of the snapshots that were written."""
        return [] if self._snapshots is None else self._snapshots.written

    def explained(self, error: BaseException) -> bool:
        """Whether ``error`` is an assertion of ours, whose message explains already."""
        return any(failure is error for failure in self._failures)

    @property
    def undone(self) -> str:
        """What to tell the next test about an SDK set-up that ended with this one; empty when there was none."""
        place = self.sent.tap.undone
        if place is None:
            return ""
        where = explain.place_text(place)
        return f" in this test; the one at {where} was undone with the test that made it, {self.test.nodeid}"

    def inject(
        self, at: str, do: str, name: str | None = None, switch: faults.Switch | None = None
    ) -> InjectedFault:
        """Arm a fault; see ``SentryHarness.inject``. It acts while ``switch`` is on."""
        __tracebackhide__ = True
        chosen = name or faults.unused_name(at, self.faults)
        if chosen in self.faults:
            raise UsageError(
                f"a fault named {chosen!r} was injected before",
                where=self.test.nodeid,
                hint="give each fault a name of its own, or none",
            )
        wanted = ArmedFault(name=chosen, at=at, do=do, select="call")
        raises = faults.arm(
            self._injector, wanted, where=self.test.nodeid, effects=self._effects, switch=switch
        )
        fault = InjectedFault(chosen, at, do, raises, self._injector.stop)
        self.faults[chosen] = fault
        return fault

    # -- what was sent, and what is known ------------------------------------------------------------

    def chosen(self, fault: InjectedFault | str | None, *, raising: bool = True) -> list[InjectedFault]:
        """The fault meant by a test; all that raise, without one. Raises ``UsageError`` for an unknown one."""
        if fault is None:
            return [each for each in self.faults.values() if each.raises]
        name = fault if isinstance(fault, str) else fault.name
        if name not in self.faults:
            hint = did_you_mean(name, self.faults) if self.faults else "inject it first"
            raise UsageError(f"no fault {name!r} was injected", where=self.test.nodeid, hint=hint)
        found = self.faults[name]
        if raising and not found.raises:
            raise UsageError(
                f"fault {name!r} ({found.do}) raises nothing, so no event is about it",
                where=self.test.nodeid,
                hint="look for what it led to with wait(…) or events",
            )
        return [found]

    def findings(self) -> Findings:
        """What is known now, after a flush."""
        self.sent.flush()
        with agent_working():
            self._injector.settle()
            return find(
                self._recorder.records(),
                self.sent.inbox.arrivals(),
                before=self._records_before,
                test_frame=self.test.frame,
                failed_at=self._failed_at,
            )

    def wanted(
        self,
        like: Mapping[str, Any] | None,
        exception: type[BaseException] | str | None,
        message: str | re.Pattern[str] | None,
        level: str | None,
        fault: InjectedFault | str | None,
        where: Callable[[dict[str, Any]], bool] | None,
        kind: str,
    ) -> Wanted:
        """A description, checked. Raises ``UsageError``."""
        return Wanted(
            like=like,
            exception=exception,
            message=message,
            level=level,
            fault=None if fault is None else self.chosen(fault)[0].name,
            where=where,
            kind=kind,
        ).checked(self.test.nodeid)

    def matching(self, wanted: Wanted) -> list[dict[str, Any]]:
        """The events so far that are as wanted. Nothing is flushed, unless faults are asked for."""
        faults = {} if wanted.fault is None else self.fault_of()
        return [event for event in self.sent.payloads(wanted.kind) if not wanted.problems(event, faults)]

    def instead(self, wanted: Wanted) -> list[str]:
        """What arrived that is not as wanted, the nearest first."""
        faults = self.fault_of()
        events = self.sent.payloads(wanted.kind)
        near = [(wanted.problems(event, faults), event) for event in events]
        lines = []
        for problems, event in sorted((each for each in near if each[0]), key=lambda each: len(each[0]))[
            :_MOST_NEAR
        ]:
            lines += self.lines([event])
            lines += [f"    {problem}" for problem in problems]
        return ["what arrived instead:", *lines] if lines else []

    def lines(self, events: Sequence[dict[str, Any]]) -> list[str]:
        """One line for each event, and the fault it is about; cut short."""
        faults = self.fault_of()
        lines = []
        for event in events[:_MOST_EVENTS]:
            name = faults.get(str(event.get("event_id")))
            lines.append("  " + explain.explain_event(event, f" (fault {name!r})" if name else ""))
        return [*lines, f"  and {len(events) - _MOST_EVENTS} more"] if len(events) > _MOST_EVENTS else lines

    def fault_of(self) -> dict[str, str]:
        """Event id to the name of the fault it is about."""
        return {each.event_id: each.fault for each in self.findings().outcomes if each.event_id}

    def nothing_held(self, claim: str) -> None:
        """Refuse to say that nothing came while the SDK still holds something."""
        __tracebackhide__ = True
        if self.sent.flush():
            raise self.failure(
                f"it cannot be said that {claim}: the SDK still holds something after {FLUSH_SECONDS:g} s of flushing"
            )

    def snapshots(self) -> Snapshots:
        """The snapshots of the test."""
        from .snapshots import Snapshots

        if self._snapshots is None:
            test = self.test
            self._snapshots = Snapshots(test.file, test.name, test.root, self._update_snapshots, test.command)
        return self._snapshots

    def waited_for_nothing(self, problem: str) -> AssertionError:
        """The error to raise after a wait."""
        if on_event_loop():
            problem += (
                "\nthis waited on the event loop itself, so no other task could run meanwhile: "
                "write await asyncio.to_thread(sentry_harness.wait_for, …)"
            )
        return self.failure(problem)

    def failure(self, problem: str, chosen: Sequence[InjectedFault] | None = None) -> AssertionError:
        """The error to raise: what is wrong, all that explains it, and how to see it again."""
        return self.remember(f"{self.text(problem, chosen)}\n{self.reproduce}")

    def remember(self, text: str) -> AssertionError:
        """An error that says ``text``, noted as one that explains itself."""
        failure = AssertionError(printable(text))
        self._failures.append(failure)
        return failure

    def text(self, problem: str, chosen: Sequence[InjectedFault] | None = None) -> str:
        """``problem``, and all that explains it, without characters that steer a terminal."""
        findings = self.findings()
        lines = [problem] if problem else []
        lines += explain.explain_faults(self.faults.values() if chosen is None else chosen, findings) or [
            "no fault was injected in this test"
        ]
        lines += explain.explain_sdk(
            findings.sdk,
            self.sent.inbox.arrivals(),
            dsn=self.sent.tap.about_dsn(),
            notes=self.sent.tap.notes,
            undone=self._undone,
        )
        return printable("\n".join(lines))

    def payloads(self, kind: str) -> list[dict[str, Any]]:
        """The items of one type so far, after a flush."""
        self.sent.flush()
        return self.sent.payloads(kind)
