"""Fields of sessions. Sentry docs, "Release Health"; Sentry developer docs, "Sessions".

A row is a number of sessions that ended alike: of one release, environment, minute and status. Updates of one
session are one session, with the status that came last; a session that has ended stays ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .events import release_part
from .reading import Getter, Row, at, moment, number_of, objects, text_of

_COUNTED = ("exited", "errored", "crashed", "abnormal", "unhandled")
_TERMINAL = ("crashed", "abnormal", "unhandled")
_NAMES = {"exited": "healthy", "ok": "healthy"}


@dataclass(frozen=True, slots=True)
class _Sessions:
    """``count`` sessions that ended alike."""

    release: str
    environment: str
    status: str
    count: int
    user: str | None = None
    duration: float | None = None
    """Milliseconds."""


def session_rows(
    items: Iterable[tuple[Any, float]], *, project: str = "", default_environment: str = "production"
) -> Iterator[Row]:
    """Rows of ``(payload, received_at)`` of ``session`` and ``sessions`` items, in the order they arrived.

    A payload without a release is not a valid session and gives no row. Single sessions come at the end, when all
    their updates are known.
    """
    alone: dict[str, tuple[Any, float]] = {}
    for data, received_at in items:
        if not text_of(at(data, "attrs", "release")):
            continue
        if isinstance(at(data, "aggregates"), list):
            yield from _aggregates(data, received_at, project, default_environment)
            continue
        sid = text_of(at(data, "sid"))
        if sid is None:
            continue
        before = alone.get(sid)
        if before is None or text_of(at(before[0], "status")) not in _TERMINAL:
            alone[sid] = (data, received_at)
    for data, received_at in alone.values():
        yield fields_of_session(
            data, received_at=received_at, project=project, default_environment=default_environment
        )


def fields_of_session(
    data: Any, *, received_at: float = 0.0, project: str = "", default_environment: str = "production"
) -> Row:
    """The row of one ``session`` payload."""
    status, errors = text_of(at(data, "status")) or "ok", number_of(at(data, "errors")) or 0
    seconds = number_of(at(data, "duration"))
    source = _Sessions(
        release=text_of(at(data, "attrs", "release")) or "",
        environment=text_of(at(data, "attrs", "environment")) or default_environment,
        status="errored" if status in ("ok", "exited") and errors > 0 else _NAMES.get(status, status),
        count=1,
        user=text_of(at(data, "did")),
        duration=None if seconds is None else seconds * 1000,
    )
    return _row(source, moment(at(data, "started")), received_at, project)


def _aggregates(data: Any, received_at: float, project: str, default_environment: str) -> Iterator[Row]:
    release = text_of(at(data, "attrs", "release")) or ""
    environment = text_of(at(data, "attrs", "environment")) or default_environment
    for bucket in objects(data.get("aggregates")):
        started = moment(bucket.get("started"))
        for status in _COUNTED:
            count = number_of(bucket.get(status)) or 0
            if count >= 1:
                source = _Sessions(
                    release,
                    environment,
                    _NAMES.get(status, status),
                    int(count),
                    user=text_of(bucket.get("did")),
                )
                yield _row(source, started, received_at, project)


def _row(source: _Sessions, started: float | None, received_at: float, project: str) -> Row:
    moment_of = received_at if started is None else started
    return Row("session", source, _SESSION, {}, at=moment_of, received_at=received_at, project=project)


def _release(part: str) -> Getter:
    read = release_part(part)
    return lambda source: read({"release": source.release})


_SESSION: dict[str, Getter] = {
    "release": lambda source: (source.release or None,),
    "release.version": _release("version"),
    "release.package": _release("package"),
    "release.build": _release("build"),
    "environment": lambda source: (source.environment,),
    "session.status": lambda source: (source.status,),
    "session.duration": lambda source: (source.duration,),
    "session": lambda source: (source.count,),
    "sessions": lambda source: (source.count,),
    "user": lambda source: (source.user,),
}
