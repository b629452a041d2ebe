"""The notices of all alerts, packed: each carries the excerpt of an event, and an alert may be told of again hours later."""

from __future__ import annotations

import zlib

import msgspec

from ...model.notified import Notice

_DECODER = msgspec.json.Decoder(Notice)
_LEVEL = 1


class Notices:
    """Notices by the id of their alert. A few kilobytes each instead of a hundred; the last one is at hand as it is."""

    def __init__(self) -> None:
        self._packed: dict[str, bytes] = {}
        self._last: tuple[str, Notice] | None = None

    def __setitem__(self, alert_id: str, notice: Notice) -> None:
        self._packed[alert_id] = zlib.compress(msgspec.json.encode(notice), _LEVEL)
        self._last = (alert_id, notice)

    def __getitem__(self, alert_id: str) -> Notice:
        if self._last is None or self._last[0] != alert_id:
            self._last = (alert_id, _DECODER.decode(zlib.decompress(self._packed[alert_id])))
        return self._last[1]

    def __len__(self) -> int:
        return len(self._packed)
