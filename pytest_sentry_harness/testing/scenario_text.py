"""Writes scenario files: what ``plan.scenario`` reads."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model.scenario import LinkRule, LoadRequest, Target

if TYPE_CHECKING:
    from .plan import PlannedFault

_LINK_KEYS = ("status", "headers", "body", "delay", "reset", "hang", "truncate", "requests", "seconds")
_MOST_INTEGER = 2**63 - 1
"""TOML readers need not take larger ones."""


def scenario_text(
    *,
    name: str,
    question: str,
    target: Target,
    requests: Iterable[LoadRequest],
    faults: Iterable[PlannedFault],
    link: Iterable[LinkRule] = (),
    hosts: tuple[str, ...] = (),
) -> str:
    """A scenario file with these parts. Its gates ask that every fault is captured."""
    blocks = [_block("[scenario]", {"name": name, "question": question or None})]
    blocks.append(_block("[target]", _target(target)))
    if hosts:
        blocks.append(_block("[safety]", {"hosts": list(hosts)}))
    blocks += [_block("[[load.request]]", _request(request)) for request in requests]
    blocks += [_block("[[link]]", _link(rule)) for rule in link]
    for fault in faults:
        keys: dict[str, Any] = {"name": fault.name, "at": fault.at, "do": fault.do}
        if fault.captured is not None:
            keys["expect"] = {"captured": fault.captured}
        blocks.append(_block("[[fault]]", keys))
    gates = {"capture.rate": ">= 100%", "capture.unexplained": "= 0", "capture.fired": ">= 1"}
    blocks.append(_block("[gates]", gates))
    return "\n".join(blocks)


def toml_value(value: Any) -> str:
    """``value`` in one line of TOML. Raises ``TypeError`` for what TOML has no word for, such as None."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if abs(value) > _MOST_INTEGER:
            raise TypeError(f"{value} is too large for TOML")
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{value} is no JSON number")
        return repr(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(each) for each in value)}]"
    if isinstance(value, Mapping):
        pairs = (f"{_string(str(key))} = {toml_value(each)}" for key, each in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    raise TypeError(f"TOML has no word for {value!r}")


def _string(text: str) -> str:
    """A basic string. Lone surrogates cannot be written in TOML: that is a ``TypeError``."""
    parts = []
    for char in text:
        code = ord(char)
        if char in '"\\':
            parts.append(f"\\{char}")
        elif 0xD800 <= code <= 0xDFFF:
            raise TypeError("TOML has no word for a lone surrogate")
        elif code < 0x20 or 0x7F <= code < 0xA0 or code in (0x2028, 0x2029, 0xFEFF):
            parts.append(f"\\u{code:04X}")
        else:
            parts.append(char)
    return f'"{"".join(parts)}"'


def _block(head: str, keys: Mapping[str, Any]) -> str:
    lines = [f"{_key(key)} = {toml_value(value)}" for key, value in keys.items() if value is not None]
    return "\n".join([head, *lines, ""])


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else _string(key)


def _target(target: Target) -> dict[str, Any]:
    standard = Target()
    keys: dict[str, Any] = {
        "command": target.command,
        "ready": target.ready,
        "env": dict(target.env) or None,
        # The file may lie anywhere; what the command names is relative to where the target runs.
        "cwd": str((target.cwd or Path()).absolute()),
    }
    for key in ("ready_timeout", "stop_timeout"):
        if getattr(target, key) != getattr(standard, key):
            keys[key] = f"{getattr(target, key):f}s"
    if target.stop_signal != standard.stop_signal:
        keys["stop_signal"] = target.stop_signal
    return keys


def _request(request: LoadRequest) -> dict[str, Any]:
    keys: dict[str, Any] = {"send": f"{request.method} {request.path}"}
    if request.times != 1:
        keys["times"] = request.times
    # Also when there are none: absent, the faults would decide themselves which requests meet them.
    keys["faults"] = list(request.faults or ())
    headers, body = dict(request.headers), request.body
    if request.json is not None:
        try:
            toml_value(request.json)
            keys["json"] = request.json
        except TypeError:
            # JSON knows more than TOML: null, larger numbers, and lone surrogates when they are escaped.
            body = json.dumps(request.json)
            headers = {"Content-Type": "application/json", **headers}
    keys["body"] = body
    keys["headers"] = headers or None
    return keys


def _link(rule: LinkRule) -> dict[str, Any]:
    standard = LinkRule()
    keys = {key: getattr(rule, key) for key in _LINK_KEYS if getattr(rule, key) != getattr(standard, key)}
    return {key: f"{value:f}s" if key in ("seconds", "delay") else value for key, value in keys.items()}
