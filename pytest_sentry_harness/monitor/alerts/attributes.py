"""Attributes and tags of an event, for rules. Sentry docs, "Issue Alert Configuration: If Filters".

The payload is hostile: whatever is missing or of another type has no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ...model.monitored import Data

Values = Sequence[object]

_DEEPEST = 8
_SCALARS = (str, int, float, bool)
_FREE = re.compile(r"(extra|user)\.[^.\s][^\s]*|(device|app|os|unreal|ota_updates)\.[a-z_]+")


def is_attribute(name: str) -> bool:
    """Whether rules can ask for ``name`` (in lower case)."""
    return name in _READERS or bool(_FREE.fullmatch(name))


def names_of_attributes() -> tuple[str, ...]:
    """Names that are not free."""
    return tuple(_READERS)


def values_of(data: Data, name: str) -> list[str]:
    """All values of attribute ``name`` in lower case, without those that are missing."""
    reader = _READERS.get(name)
    values = reader(data) if reader is not None else _free(data, name)
    return [str(value).lower() for value in values if isinstance(value, _SCALARS)]


def tag_values(data: Data, key: str) -> list[str]:
    """Values of the tag ``key`` (in lower case) in lower case.

    Sentry makes tags of release, environment, level, transaction, logger, server name and user, too.
    """
    found = [str(value).lower() for name, value in pairs(data.get("tags")) if name.lower() == key]
    own = _OWN_TAGS.get(key.removeprefix("sentry:"))
    if own is not None and not found:
        found = [str(value).lower() for value in own(data) if isinstance(value, _SCALARS) and value != ""]
    return found


def pairs(tags: object) -> Iterator[tuple[str, object]]:
    """Tags as pairs, whether sent as an object or as a list of pairs."""
    if isinstance(tags, dict):
        tags = list(tags.items())
    if not isinstance(tags, list):
        return
    for pair in tags:
        if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[1], _SCALARS):
            yield str(pair[0]), pair[1]


def environment_of(data: Data) -> str:
    """The environment of an event or transaction; ``""`` when it has none."""
    return _text_or_tag(data, "environment")


def release_of(data: Data) -> str:
    """The release of an event or transaction; ``""`` when it has none."""
    return _text_or_tag(data, "release")


def level_of(data: Data) -> str:
    """The level; ``error`` where there is none, as Sentry takes it."""
    level = data.get("level")
    return level.lower() if isinstance(level, str) and level else "error"


def user_of(data: Data) -> str:
    """Who was affected, as unique users are counted: by id, else name, e-mail or address. ``""``: nobody known."""
    user = data.get("user")
    if isinstance(user, dict):
        for key in ("id", "username", "email", "ip_address"):
            value = user.get(key)
            if isinstance(value, _SCALARS) and value != "":
                return f"{key}:{value}"
    return ""


def _text_or_tag(data: Data, key: str) -> str:
    value = data.get(key)
    if isinstance(value, str) and value:
        return value
    if "tags" not in data:
        return ""
    return next((str(found) for name, found in pairs(data.get("tags")) if name == key), "")


def _exceptions(data: Data) -> list[Data]:
    exception = data.get("exception")
    values = exception.get("values", [exception]) if isinstance(exception, dict) else exception
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _message(data: Data) -> Values:
    entry = data.get("logentry")
    message = (
        entry.get("formatted") or entry.get("message") if isinstance(entry, dict) else data.get("message")
    )
    first = message if isinstance(message, str) else ""
    last = _exceptions(data)[-1:]
    parts = [first, *(value.get(key) for value in last for key in ("type", "value")), data.get("transaction")]
    # What is searched for as "message" holds title and culprit as well.
    return [first, " ".join(part for part in parts if isinstance(part, str) and part)]


def _handled(wanted: bool) -> Callable[[Data], Values]:
    def read(data: Data) -> Values:
        mechanisms = [value.get("mechanism") for value in _exceptions(data)]
        handled = [mechanism.get("handled") for mechanism in mechanisms if isinstance(mechanism, dict)]
        return [value is wanted for value in handled if isinstance(value, bool)]

    return read


def _of_exceptions(key: str) -> Callable[[Data], Values]:
    return lambda data: [value.get(key) for value in _exceptions(data)]


def _path(*keys: str) -> Callable[[Data], Values]:
    def read(data: Data) -> Values:
        value: object = data
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, list) else [value]

    return read


def _frames(data: Data) -> Iterator[Data]:
    holders = [data, *_exceptions(data)] if isinstance(data.get("stacktrace"), dict) else _exceptions(data)
    for holder in holders:
        trace = holder.get("stacktrace")
        frames = trace.get("frames") if isinstance(trace, dict) else None
        yield from (frame for frame in frames if isinstance(frame, dict)) if isinstance(frames, list) else ()


def _of_frames(key: str) -> Callable[[Data], Values]:
    return lambda data: [frame.get(key) for frame in _frames(data)]


def _code(data: Data) -> Values:
    lines: list[object] = []
    for frame in _frames(data):
        for key in ("pre_context", "context_line", "post_context"):
            found = frame.get(key)
            lines += found if isinstance(found, list) else [found]
    return lines


def _type(data: Data) -> Values:
    kind = data.get("type")
    return [kind if isinstance(kind, str) and kind else "error" if _exceptions(data) else "default"]


def _free(data: Data, name: str) -> Values:
    keys = name.split(".")[: _DEEPEST + 1]
    if keys[0] in ("device", "app", "os", "unreal", "ota_updates"):
        keys.insert(0, "contexts")
    if keys[0] == "user" and len(keys) == 2 and keys[1] not in _USER:
        return [
            value for read in (_path("user", "data", keys[1]), _path("user", keys[1])) for value in read(data)
        ]
    return _path(*keys)(data)


_USER = ("id", "username", "email", "ip_address")
_READERS: dict[str, Callable[[Data], Values]] = {
    "message": _message,
    "platform": _path("platform"),
    "environment": lambda data: [environment_of(data) or None],
    "type": _type,
    "error.handled": _handled(True),
    "error.unhandled": _handled(False),
    "error.main_thread": lambda _data: [],
    "exception.type": _of_exceptions("type"),
    "exception.value": _of_exceptions("value"),
    **{f"user.{key}": _path("user", key) for key in _USER},
    "http.method": _path("request", "method"),
    "http.url": _path("request", "url"),
    "http.status_code": _path("contexts", "response", "status_code"),
    "sdk.name": _path("sdk", "name"),
    "stacktrace.code": _code,
    "stacktrace.module": _of_frames("module"),
    "stacktrace.filename": _of_frames("filename"),
    "stacktrace.abs_path": _of_frames("abs_path"),
    "stacktrace.package": _of_frames("package"),
    "unreal.crashtype": _path("contexts", "unreal", "crash_type"),
}
_OWN_TAGS: dict[str, Callable[[Data], Values]] = {
    "environment": lambda data: [environment_of(data)],
    "release": lambda data: [release_of(data)],
    "level": lambda data: [level_of(data)],
    "transaction": _path("transaction"),
    "logger": _path("logger"),
    "server_name": _path("server_name"),
    "dist": _path("dist"),
    "user": lambda data: [user_of(data)],
}
