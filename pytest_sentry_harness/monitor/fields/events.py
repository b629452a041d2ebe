"""Fields of error events, and those that events and transactions share. Sentry docs, "Event Properties"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...model.monitored import Event
from ...protocol.event_fields import formatted
from .reading import Getter, Row, at, first_text, mapping, moment, objects, tags_from, text_of

_RELEASE = re.compile(r"(?:(?P<package>[^@]*)@)?(?P<version>[^+]*)(?:\+(?P<build>.*))?", re.DOTALL)
_CONTEXT = ("os", "browser", "runtime")
_DEVICE = ("arch", "brand", "family", "name", "model", "model_id", "class")


def fields_of_event(event: Event, issue: int | None = None) -> Row:
    """The fields of an error event or message; ``timestamp`` is its own, or when it arrived if it has none.

    ``issue``: the number of the issue it was grouped into, which the event itself does not know.
    """
    data = event.data
    return Row(
        "event",
        data,
        _EVENT,
        tags_from(data) if issue is None else {**tags_from(data), "issue": issue},
        at=_or(moment(at(data, "timestamp")), event.received_at),
        received_at=event.received_at,
        project=event.project,
    )


def exceptions(data: Any) -> list[Any]:
    """The exceptions of an event, oldest cause first."""
    return objects(at(data, "exception"))


def message_of(data: Any) -> str | None:
    """The text of the event: its message, formatted if need be."""
    entry = at(data, "logentry")
    entry = at(data, "message") if entry is None else entry
    if not isinstance(entry, dict):
        return text_of(entry)
    template, text = text_of(entry.get("message")), text_of(entry.get("formatted"))
    return text or (None if template is None else formatted(template, entry.get("params")))


def title_of(data: Any) -> str:
    """What the event is called: ``type: value`` of the raised exception, or the first line of its message."""
    for exception in reversed(exceptions(data)):
        kind, value = text_of(exception.get("type")), text_of(exception.get("value"))
        if kind or value:
            return ": ".join(part for part in (kind, _first_line(value or "")) if part)
    return _first_line(message_of(data) or "") or "<unlabeled event>"


def user_of(data: Any) -> str | None:
    """The user as Sentry tells users apart: ``id:1``, or by e-mail, name or address."""
    user = mapping(at(data, "user"))
    for key, name in (("id", "id"), ("username", "username"), ("email", "email"), ("ip_address", "ip")):
        value = text_of(user.get(key))
        if value:
            return f"{name}:{value}"
    return None


def release_part(part: str) -> Getter:
    """``package``, ``version`` or ``build`` of a release such as ``shop@1.2.0+7``."""

    def get(data: Any) -> Iterable[object]:
        match = _RELEASE.fullmatch(text_of(at(data, "release")) or "")
        return (match[part] or None,) if match else ()

    return get


def texts(*path: str) -> Getter:
    """The text at ``path``."""
    return lambda data: (text_of(at(data, *path)) or None,)


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _first_line(text: str) -> str:
    return text.lstrip().partition("\n")[0].rstrip()


def _message(data: Any) -> Iterable[object]:
    text = message_of(data)
    return (text,) if text else (title_of(data),)


def _url(data: Any) -> Iterable[object]:
    url = text_of(at(data, "request", "url"))
    return (url.partition("?")[0],) if url else ()


def _referer(data: Any) -> Iterable[object]:
    headers = at(data, "request", "headers")
    pairs: Iterable[Any] = (
        headers.items() if isinstance(headers, dict) else headers if isinstance(headers, list) else ()
    )
    for pair in pairs:
        if isinstance(pair, (list, tuple)) and len(pair) == 2 and str(pair[0])[:20].lower() == "referer":
            yield text_of(pair[1])


def _status_code(data: Any) -> Iterable[object]:
    told = mapping(at(data, "contexts", "trace", "data"))
    return (
        first_text(
            [
                at(data, "contexts", "response", "status_code"),
                told.get("http.response.status_code"),
                told.get("http.status_code"),
            ]
        ),
    )


def _context(name: str) -> Getter:
    """``CPython 3.11.7``: name and version of a context, as its tag has them."""

    def get(data: Any) -> Iterable[object]:
        context = at(data, "contexts", name)
        parts = [text_of(at(context, "name")), text_of(at(context, "version"))]
        return (" ".join(part for part in parts if part) or None,)

    return get


def _of_exceptions(read: Callable[[Any], object]) -> Getter:
    return lambda data: [read(exception) for exception in exceptions(data)]


def _of_frames(key: str) -> Getter:
    def get(data: Any) -> Iterator[object]:
        for exception in exceptions(data):
            for frame in objects(at(exception, "stacktrace"), "frames"):
                value = frame.get(key)
                if isinstance(value, (str, int, float)):
                    yield value

    return get


def _handled(data: Any) -> bool:
    """Handled unless one of its exceptions says that it was not."""
    told = [at(exception, "mechanism", "handled") for exception in exceptions(data)]
    return not any(type(each) in (bool, int) and not each for each in told)


def _handled_tag(data: Any) -> Iterable[object]:
    told = any(type(at(each, "mechanism", "handled")) is bool for each in exceptions(data))
    return (("yes" if _handled(data) else "no") if told else None,)


def _type(data: Any) -> Iterable[object]:
    kind = text_of(at(data, "type"))
    return (kind if kind and kind != "default" else "error" if exceptions(data) else "default",)


def _culprit(data: Any) -> Iterable[object]:
    name = text_of(at(data, "transaction")) or text_of(at(data, "culprit"))
    if name:
        return (name,)
    places = [
        text_of(frame.get("module")) or text_of(frame.get("filename"))
        for exception in exceptions(data)
        for frame in objects(at(exception, "stacktrace"), "frames")
    ]
    return (places[-1] if places else None,)


def _location(data: Any) -> Iterable[object]:
    frames = [f for each in exceptions(data) for f in objects(at(each, "stacktrace"), "frames")]
    own = [frame for frame in frames if frame.get("in_app") is True] or frames
    return (text_of(own[-1].get("filename")) if own else None,)


SHARED: dict[str, Getter] = {
    "id": texts("event_id"),
    "platform": texts("platform"),
    "platform.name": texts("platform"),
    "release": texts("release"),
    "release.version": release_part("version"),
    "release.package": release_part("package"),
    "release.build": release_part("build"),
    "dist": texts("dist"),
    # Sentry developer docs, "Event Payloads": the default value is production.
    "environment": lambda data: (text_of(at(data, "environment")) or "production",),
    "transaction": texts("transaction"),
    "server_name": texts("server_name"),
    "logger": texts("logger"),
    "user": lambda data: (user_of(data),),
    "user.display": lambda data: (
        first_text([at(data, "user", key) for key in ("email", "username", "id", "ip_address")]),
    ),
    "user.id": texts("user", "id"),
    "user.email": texts("user", "email"),
    "user.username": texts("user", "username"),
    "user.ip": texts("user", "ip_address"),
    "geo.city": texts("user", "geo", "city"),
    "geo.country_code": texts("user", "geo", "country_code"),
    "geo.region": texts("user", "geo", "region"),
    "http.method": texts("request", "method"),
    "http.url": _url,
    "http.referer": _referer,
    "http.status_code": _status_code,
    "url": _url,
    "sdk.name": texts("sdk", "name"),
    "sdk.version": texts("sdk", "version"),
    "trace": texts("contexts", "trace", "trace_id"),
    "trace.span": texts("contexts", "trace", "span_id"),
    "trace.parent_span": texts("contexts", "trace", "parent_span_id"),
    "device": texts("contexts", "device", "model"),
    **{name: _context(name) for name in _CONTEXT},
    **{f"{name}.{part}": texts("contexts", name, part) for name in _CONTEXT for part in ("name", "version")},
    "os.build": texts("contexts", "os", "build"),
    "os.kernel_version": texts("contexts", "os", "kernel_version"),
    **{f"device.{part}": texts("contexts", "device", part) for part in _DEVICE},
}
"""Fields that are read in the same way from events and transactions."""

_EVENT: dict[str, Getter] = SHARED | {
    "event.type": _type,
    "level": lambda data: (text_of(at(data, "level")) or "error",),
    "message": _message,
    "title": lambda data: (title_of(data),),
    "culprit": _culprit,
    "location": _location,
    "error.type": _of_exceptions(lambda each: text_of(at(each, "type"))),
    "error.value": _of_exceptions(lambda each: text_of(at(each, "value"))),
    "error.mechanism": _of_exceptions(lambda each: text_of(at(each, "mechanism", "type"))),
    "error.handled": lambda data: (_handled(data),),
    "error.unhandled": lambda data: (not _handled(data),),
    "handled": _handled_tag,
    "mechanism": lambda data: [text_of(at(each, "mechanism", "type")) for each in exceptions(data)][-1:],
    "stack.abs_path": _of_frames("abs_path"),
    "stack.filename": _of_frames("filename"),
    "stack.function": _of_frames("function"),
    "stack.module": _of_frames("module"),
    "stack.package": _of_frames("package"),
    "stack.lineno": _of_frames("lineno"),
    "stack.in_app": _of_frames("in_app"),
}
EVENT_FIELDS = _EVENT
