"""Session items as they come, to rows that add up. Sentry developer docs, "Sessions"."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ...model.monitored import Data
from ..fields import Fields, first_text, number_of, session_rows

SessionItem = Literal["session", "sessions"]
_TERMINAL = ("crashed", "abnormal", "unhandled")
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Counted:
    """Sessions of one release, environment and status; an update takes its session from where it stood before."""

    release: str
    environment: str
    began: float
    row: Fields


class SessionBook:
    """Remembers the status of the sessions that came last, so that an update does not count them again."""

    def __init__(self) -> None:
        self._statuses: OrderedDict[str, str] = OrderedDict()

    def rows(self, data: Data, item: SessionItem, *, at: float, project: str) -> Iterator[Counted]:
        """What a ``session`` or ``sessions`` payload adds. A payload without a release adds nothing."""
        for row in session_rows([(data, at)], project=project, default_environment=""):
            release = first_text(row("release")) or ""
            environment = first_text(row("environment")) or ""
            if item == "sessions":
                count = next((number for number in map(number_of, row("sessions")) if number), 0.0)
                yield Counted(release, environment, count, row)
            else:
                for sign, changed in self._moved(data, row):
                    yield Counted(release, environment, max(0.0, sign), changed)

    def _moved(self, data: Data, row: Fields) -> Iterator[tuple[float, Fields]]:
        """``(1, row)`` for a session that begins; for an update nothing begins, and it leaves its old status."""
        sid, status = str(data.get("sid")), first_text(row("session.status")) or "healthy"
        before = self._statuses.get(sid)
        if before in _TERMINAL:
            return
        self._statuses[sid] = status
        if len(self._statuses) > _MOST:
            self._statuses.popitem(last=False)
        if before is None and data.get("init") is True:
            yield 1.0, row
        elif status != (before or "healthy"):
            yield 0.0, row
            yield 0.0, _minus(before or "healthy", row)


def _minus(status: str, row: Fields) -> Fields:
    """One session less with ``status``, otherwise as ``row``."""

    def fields(name: str) -> Sequence[object]:
        if name in ("session", "sessions"):
            return (-1,)
        return (status,) if name == "session.status" else row(name)

    return fields
