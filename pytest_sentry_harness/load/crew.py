"""Threads that take work as it comes, made when they are needed and never more than allowed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Crew:
    """Calls ``work`` with each moment that is given to it, as soon as a thread is free.

    Unlike an executor it keeps nothing but the moments themselves of what has to wait, and tells when something has to.
    """

    def __init__(self, work: Callable[[float], None], most: int) -> None:
        self._work = work
        self._most = most
        self._changed = threading.Condition()
        self._waiting: deque[float] = deque()
        self._threads: list[threading.Thread] = []
        self._free = 0
        self._over = False
        self.failure: BaseException | None = None
        """What ``work`` raised; it is not called again after that."""

    def give(self, moment: float) -> bool:
        """Have ``moment`` worked on; False when it has to wait, since all allowed threads are busy."""
        with self._changed:
            self._waiting.append(moment)
            if len(self._waiting) <= self._free:
                self._changed.notify()
                return True
            if len(self._threads) < self._most:
                thread = threading.Thread(target=self._run, name="sentry-harness-arrival", daemon=True)
                self._threads.append(thread)
                # Counted from now on, so that the next one given does not wait for this thread too.
                self._free += 1
                thread.start()
                return True
            return False

    @property
    def busy(self) -> bool:
        """Something is worked on or waits."""
        with self._changed:
            return bool(self._waiting) or self._free < len(self._threads)

    def stop(self) -> int:
        """Take up nothing more and wait for what is worked on; how many never had their turn."""
        with self._changed:
            left = len(self._waiting)
            self._waiting.clear()
            self._over = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        return left

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._over:
                    self._changed.wait()
                if self._over:
                    return
                moment = self._waiting.popleft()
                self._free -= 1
            try:
                self._work(moment)
            except BaseException as error:  # noqa: BLE001 - passed on to whoever waits for the crew
                with self._changed:
                    self.failure = self.failure or error
                    self._over = True
                    self._changed.notify_all()
                return
            with self._changed:
                self._free += 1
