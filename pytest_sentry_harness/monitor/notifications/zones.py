"""Time zones by their IANA names."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ...errors import nearest
from ..strict import Strict


def zone_of(table: Strict, name: str) -> ZoneInfo:
    """The time zone ``name``, as the machine knows it. Raises ``RulesError`` about the key ``zone``."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = nearest(name, available_timezones())
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else 'as in "Europe/Berlin" or "UTC"'
        raise table.fail("zone", f"no time zone is called {name!r}", hint) from error
