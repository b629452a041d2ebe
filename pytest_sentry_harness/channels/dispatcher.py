"""Works through what is due: takes deliveries from the policy, has them sent, reports how it went.

One thread for each channel, so that a receiver that hangs delays nobody but those who wait for it, and each channel keeps its
order. The policy is asked under one lock. Stopping waits for the tries under way, and gives the rest back to the policy: they
stay pending, in the trail too.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TypeVar

from .. import clock
from ..errors import HarnessError
from ..model.classified import Classified, Severity
from ..model.monitored import Alert
from ..model.notified import Delivery, Outcome
from ..monitor.notifications import Books, Policy, books
from .sender import Sender

T = TypeVar("T")


class Dispatcher:
    """Sends what a policy says is due. Used as a context manager; all methods may be called from any thread.

    ``now``: seconds since the epoch. Once it has begun, nothing else may use the policy.
    """

    def __init__(
        self, policy: Policy, senders: Mapping[str, Sender], *, now: Callable[[], float] = clock.wall
    ) -> None:
        self._policy, self._senders, self._now = policy, senders, now
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[Delivery]] = {name: deque() for name in senders}
        self._busy = 0
        self._stopping = False
        self._failure: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._work, args=(name,), name=f"notify-{name}", daemon=True)
            for name in senders
        ]
        missing = sorted(set(policy.settings.channels) - set(senders))
        if missing:
            raise HarnessError(
                f"no sender for {', '.join(missing)}", where="dispatcher", hint="make them with build_senders"
            )

    def __enter__(self) -> Dispatcher:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Send no more. Returns when the tries under way have ended and are reported; a second call does nothing.

        Raises what made it fail before, such as a full disk under the audit trail.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        with self._changed:
            for waiting in self._waiting.values():
                while waiting:
                    self._policy.release(waiting.popleft().delivery_id, self._now())
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def submit(
        self,
        alert: Alert,
        *,
        classified: Classified | None = None,
        severity: Severity | None = None,
        project: str = "",
        environment: str = "",
    ) -> str:
        """See ``Policy.submit``."""
        return self.ask(
            lambda policy: policy.submit(
                alert,
                self._now(),
                classified=classified,
                severity=severity,
                project=project,
                environment=environment,
            )
        )

    def acknowledge(self, incident: str, by: str = "") -> bool:
        """See ``Policy.acknowledge``."""
        return self.ask(lambda policy: policy.acknowledge(incident, self._now(), by))

    def resolve(self, incident: str, by: str = "") -> bool:
        """See ``Policy.resolve``."""
        return self.ask(lambda policy: policy.resolve(incident, self._now(), by))

    def books(self) -> Books:
        """How things stand."""
        return self.ask(lambda policy: books(policy.trail))

    def ask(self, question: Callable[[Policy], T]) -> T:
        """Anything else, while nobody else has the policy. It may take in alerts: the threads look again afterwards."""
        with self._changed:
            if self._failure is not None:
                raise HarnessError(
                    f"notifications have ended: {self._failure}", where="dispatcher"
                ) from self._failure
            answer = question(self._policy)
            self._changed.notify_all()
            return answer

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no notification is pending, retries included; whether it came to that within ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._failure is not None or not (self._policy.pending() or self._busy), timeout
            ) and (self._failure is None)

    def _work(self, channel: str) -> None:
        try:
            while (delivery := self._next(channel)) is not None:
                outcome = self._send(channel, delivery)
                with self._changed:
                    self._busy -= 1
                    self._policy.report(delivery.delivery_id, outcome, self._now())
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001 it is kept, and raised where somebody listens
            with self._changed:
                self._failure = self._failure or error
                self._stopping = True
                self._changed.notify_all()

    def _next(self, channel: str) -> Delivery | None:
        """The next delivery of ``channel``, waited for; None: stop."""
        own = self._waiting[channel]
        with self._changed:
            while not self._stopping:
                self._fetch(channel)
                if own:
                    self._busy += 1
                    return own.popleft()
                at = self._policy.next_at()
                self._changed.wait(None if at is None else max(at - self._now(), 0.0) + 1e-4)
            return None

    def _fetch(self, channel: str) -> None:
        """Ask the policy what is due now, and hand it to the channels."""
        due = self._policy.due(self._now())
        for delivery in due:
            self._waiting[delivery.channel].append(delivery)
        if any(delivery.channel != channel for delivery in due):
            self._changed.notify_all()

    def _send(self, channel: str, delivery: Delivery) -> Outcome:
        begun = clock.perf()
        try:
            return self._senders[channel].send(delivery)
        except Exception as error:  # noqa: BLE001 a defect of a sender is the channel's failure, on record, not everybody's
            text = f"the sender failed: {type(error).__name__}"
            return Outcome(delivered=False, error=text, seconds=clock.perf() - begun, retry=False)
