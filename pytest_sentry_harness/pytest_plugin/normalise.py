"""Takes out of an event what differs from run to run or from machine to machine, so that the rest can be compared.

What is the same twice stays the same: equal trace ids become equal marks (``<trace-1>``), wherever they stand.
"""

from __future__ import annotations

import json
import os
import re
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Mapping, Set
from typing import Any

from ..errors import UsageError

_ID_KEYS = {
    "event_id": "event",
    "trace_id": "trace",
    "span_id": "span",
    "parent_span_id": "span",
    "replay_id": "replay",
    "profile_id": "profile",
    "profiler_id": "profile",
    "check_in_id": "check-in",
    "sid": "session",
}
_TIME_KEYS = {"timestamp", "start_timestamp", "sent_at", "started", "start_time", "duration"}
_FIXED_KEYS = {
    "server_name": "<server>",
    "server.address": "<server>",
    "sample_rand": "<sample-rand>",
    "public_key": "<key>",
    "pid": "<pid>",
    "process.pid": "<pid>",
    "process_id": "<pid>",
    "port": "<port>",
    "REMOTE_PORT": "<port>",
    "SERVER_PORT": "<port>",
    "server.port": "<port>",
    "network.peer.port": "<port>",
    "build": "<version>",
    "sys.argv": "<argv>",
    "modules": "<modules>",
}
_FIXED_IN_SDK = {"name": "<sdk>", "integrations": "<integrations>", "packages": "<packages>"}
"""Parts of an event's ``sdk`` that depend on which libraries happen to be installed."""
_VERSION_PARENTS = {"sdk", "runtime", "os", "device", "browser"}
_CONTEXT_KEYS = ("pre_context", "post_context")
_OWN_BREADCRUMB = "git rev-parse HEAD"
"""What the SDK runs at init to guess a release."""

_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
_HEX32 = re.compile(r"\b[0-9a-f]{32}\b", re.IGNORECASE)
_SHA = re.compile(r"\b[0-9a-f]{40}\b", re.IGNORECASE)
_ISO_TIME = re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}\b")
_PORT = re.compile(r"(?<=\b(?:127\.0\.0\.1):)\d{2,5}\b|(?<=\blocalhost:)\d{2,5}\b|(?<=\[::1\]:)\d{2,5}\b")
_PID = re.compile(r"\b(pid(?:\s*[=:]\s*|\s+))\d+\b", re.IGNORECASE)


class Normaliser:
    """Makes one event comparable. ``root`` is the folder that paths are shown relative to.

    ``lines``: keep line numbers, and the source lines around them. ``drop``: places to leave out, such as
    ``breadcrumbs`` or ``exception.values.*.stacktrace``.
    """

    def __init__(self, *, root: str, lines: bool = False, drop: Iterable[str] = ()) -> None:
        self._lines = lines
        self._drop = [tuple(place.split(".")) for place in drop]
        self._marks: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._folders = _folders(root)

    def normalise(self, event: Any) -> Any:
        """A copy of ``event`` without what is volatile."""
        self._know_ids(event)
        return self._value(event, ())

    # -- ids -----------------------------------------------------------------------------------------

    def _know_ids(self, value: Any) -> None:
        """Give each id its mark first: text elsewhere may mention it."""
        if isinstance(value, Mapping):
            for key in sorted(value, key=str):
                kind = _ID_KEYS.get(key)
                if kind is not None and isinstance(value[key], str) and value[key]:
                    self._mark(kind, value[key])
                self._know_ids(value[key])
        elif isinstance(value, list | tuple):
            for each in value:
                self._know_ids(each)

    def _mark(self, kind: str, text: str) -> str:
        plain = text.replace("-", "").lower()
        if plain not in self._marks:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._marks[plain] = f"<{kind}-{self._counts[kind]}>"
        return self._marks[plain]

    # -- values --------------------------------------------------------------------------------------

    def _value(self, value: Any, path: tuple[str, ...]) -> Any:
        key = path[-1] if path else ""
        if path[:-1] == ("sdk",) and key in _FIXED_IN_SDK:
            return _FIXED_IN_SDK[key]
        if isinstance(value, Mapping) and key not in _FIXED_KEYS:
            value = self._with_text_keys(value, path)
            return {
                name: self._value(each, (*path, name))
                for name, each in value.items()
                if not self._left_out(name, (*path, name), value)
            }
        if isinstance(value, Set) and key not in _FIXED_KEYS:
            value = sorted(value, key=repr)
        if isinstance(value, list | tuple) and key not in _FIXED_KEYS:
            return [
                self._value(each, (*path, str(index)))
                for index, each in enumerate(value)
                if not (isinstance(each, dict) and each.get("message") == _OWN_BREADCRUMB)
                and not self._dropped((*path, str(index)))
            ]
        if value is None:
            return None
        return self._leaf(value, key, path)

    def _leaf(self, value: Any, key: str, path: tuple[str, ...]) -> Any:
        if key in _FIXED_KEYS:
            return _FIXED_KEYS[key]
        if key in _TIME_KEYS and isinstance(value, int | float | str) and not isinstance(value, bool):
            return "<time>"
        if key == "version" and _VERSION_PARENTS & set(path):
            return "<version>"
        if key == "lineno" and not self._lines:
            return "<line>"
        if key == "thread.id" or (key in ("id", "thread_id") and {"threads", "thread"} & set(path)):
            return self._mark("thread", str(value))
        if key == "release" and isinstance(value, str) and _SHA.fullmatch(value):
            return "<release>"
        if isinstance(value, bool | int | float):
            return value
        return self._text(value if isinstance(value, str) else repr(value))

    def _with_text_keys(self, value: Mapping[Any, Any], path: tuple[str, ...]) -> dict[str, Any]:
        """As JSON has it: ``3`` becomes ``"3"``. Raises ``UsageError`` when two keys become one."""
        found: dict[str, Any] = {}
        for key, each in value.items():
            name = key if isinstance(key, str) else self._key_text(key)
            if name in found:
                where = ".".join(path) or "the event"
                raise UsageError(
                    f"two keys of {where} are {name!r} in a snapshot, where keys are text",
                    hint="give them keys that differ as text, or leave the place out with drop",
                )
            found[name] = each
        return found

    def _key_text(self, key: object) -> str:
        known = key is None or isinstance(key, bool | int | float)
        return json.dumps(key) if known else self._text(repr(key))

    def _left_out(self, name: str, path: tuple[str, ...], siblings: Mapping[str, Any]) -> bool:
        if name in _CONTEXT_KEYS and "lineno" in siblings and not self._lines:
            return True
        return self._dropped(path)

    def _dropped(self, path: tuple[str, ...]) -> bool:
        return any(
            len(place) == len(path)
            and all(want in ("*", have) for want, have in zip(place, path, strict=True))
            for place in self._drop
        )

    def _text(self, text: str) -> str:
        for plain, mark in self._marks.items():
            if len(plain) >= 16 and plain in text.replace("-", "").lower():
                text = re.sub("-?".join(plain), mark, text, flags=re.IGNORECASE)
        for folder, mark in self._folders:
            text = re.sub(rf"(?<![\w.-]){re.escape(folder)}(?=[/\\])", mark, text)
        text = _SHA.sub("<sha>", text)
        for pattern in (_UUID, _HEX32):
            text = pattern.sub(lambda match: self._mark("id", match.group()), text)
        text = _ISO_TIME.sub("<time>", text)
        text = _ADDRESS.sub("<address>", text)
        text = _PORT.sub("<port>", text)
        return _PID.sub(r"\1<pid>", text)


def _folders(root: str) -> list[tuple[str, str]]:
    """Folders that differ from machine to machine, and their marks; the longest first."""
    paths = sysconfig.get_paths()
    named = {
        os.path.realpath(tempfile.gettempdir()): "<tmp>",
        os.path.realpath(sys.prefix): "<prefix>",
        os.path.realpath(sys.base_prefix): "<prefix>",
        os.path.expanduser("~"): "<home>",
        paths["stdlib"]: "<python>",
        paths["purelib"]: "<site-packages>",
        paths["platlib"]: "<site-packages>",
        os.path.realpath(root): "<root>",
        root: "<root>",
    }
    known = ((folder.rstrip(os.sep), mark) for folder, mark in named.items())
    return sorted(
        ((folder, mark) for folder, mark in known if folder), key=lambda each: len(each[0]), reverse=True
    )
