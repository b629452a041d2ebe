"""Faults asked for by markers and by parameters, before the test begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    import pytest

FIXTURE = "sentry_harness"
MARKER = "fault"
SIGNATURE = 'fault("package.module:function", "raise(TimeoutError)", name=None)'
_EXAMPLE = '("package.module:function", "raise(TimeoutError)")'
_MOST_ID = 80


@dataclass(frozen=True, slots=True)
class AskedFault:
    """The arguments of ``inject``."""

    at: str
    do: str
    name: str | None = None


def of_marker(marker: pytest.Mark, nodeid: str) -> AskedFault:
    """What a marker asks for. Raises ``UsageError``."""
    return _checked(
        marker.args, marker.kwargs, f"the marker {MARKER!r}", nodeid, f"write @pytest.mark.{SIGNATURE}"
    )


def of_parameter(value: object, nodeid: str) -> list[AskedFault]:
    """What a value of ``parametrize("sentry_harness", …, indirect=True)`` asks for. Raises ``UsageError``.

    One fault is a pair or triple of texts, or a dictionary with the names ``at``, ``do`` and ``name``; several are a list
    of those; None is no fault.
    """
    if value is None:
        return []
    if isinstance(value, list):
        return [fault for each in value for fault in of_parameter(each, nodeid)]
    what = f"the parameter of {FIXTURE}"
    hint = f"give {_EXAMPLE}, a list of such, or None"
    if isinstance(value, Mapping):
        return [_checked((), value, what, nodeid, hint)]
    if isinstance(value, tuple):
        name = {"name": value[2]} if len(value) == 3 else {}
        return [_checked(value[:2] if name else value, name, what, nodeid, hint)]
    raise UsageError(f"{what} is {value!r}, which is no fault", where=nodeid, hint=hint)


def parameter_id(value: object) -> str | None:
    """A readable id for such a value; None to leave it to pytest."""
    if value is None:
        return "no-fault"
    faults = value if isinstance(value, list) else [value]
    parts = []
    for fault in faults:
        values = dict(fault) if isinstance(fault, Mapping) else None
        if values is None and isinstance(fault, tuple):
            values = dict(zip(("at", "do", "name"), fault, strict=False))
        if values is None or not all(isinstance(values.get(name), str) for name in ("at", "do")):
            return None
        parts.append(str(values.get("name") or "") or f"{values['at'].rpartition(':')[2]}-{values['do']}")
    text = "+".join(parts) or "no-fault"
    return text if len(text) <= _MOST_ID else text[: _MOST_ID - 3] + "..."


def _checked(
    args: tuple[object, ...], kwargs: Mapping[str, object], what: str, nodeid: str, hint: str
) -> AskedFault:
    known = dict(zip(("at", "do"), args, strict=False))
    extra = len(args) - len(known)
    unknown = sorted(set(kwargs) - {"at", "do", "name"})
    twice = sorted(set(kwargs) & set(known))
    values: dict[str, Any] = {"name": None, **known, **kwargs}
    missing = [name for name in ("at", "do") if name not in values]
    wrong = [
        name
        for name, value in values.items()
        if not isinstance(value, str) and (name, value) != ("name", None)
    ]
    for found, problem in (
        (extra, f"takes two positional arguments, got {len(args)}"),
        (unknown, f"does not know {', '.join(unknown)}"),
        (twice, f"got {', '.join(twice)} twice"),
        (missing, f"lacks {' and '.join(missing)}"),
        (wrong, f"needs text for {', '.join(wrong)}"),
    ):
        if found:
            raise UsageError(f"{what} {problem}", where=nodeid, hint=hint)
    return AskedFault(values["at"], values["do"], values["name"])
