"""Until when an issue stays archived. Sentry docs, "Issue Status: Archive"."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Archived:
    """Until when an issue is ignored; what is None is no condition, and without any it is forever."""

    until_time: float | None
    until_count: int | None
    until_users: int | None
    within: float | None
    count: int = 0
    users: set[str] = field(default_factory=set)
    recent: deque[tuple[float, str | None]] = field(default_factory=deque)
    recent_users: Counter[str] = field(default_factory=Counter)

    def is_over(self, now: float, user: str | None, is_new_user: bool) -> bool:
        """Counts one event; whether a condition is met now. Constant time, on average."""
        if self.within is not None:
            self._slide(now, user, self.within)
            count, users = len(self.recent), len(self.recent_users)
        else:
            self.count += 1
            if user is not None and is_new_user:
                self.users.add(user)
            count, users = self.count, len(self.users)
        return (
            (self.until_time is not None and now >= self.until_time)
            or (self.until_count is not None and count >= self.until_count)
            or (self.until_users is not None and users >= self.until_users)
        )

    def _slide(self, now: float, user: str | None, within: float) -> None:
        self.recent.append((now, user))
        if user is not None:
            self.recent_users[user] += 1
        while self.recent[0][0] <= now - within:
            _, gone = self.recent.popleft()
            if gone is not None:
                self.recent_users[gone] -= 1
                if not self.recent_users[gone]:
                    del self.recent_users[gone]
