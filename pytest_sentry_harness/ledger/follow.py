"""Read journals on while they are being written: each look costs what was written since, however long the run is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .journal import SUFFIX

MOST = 4 * 1024 * 1024
"""Bytes read in one look."""


class Follower:
    """What is new in the journals of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, int] = {}
        self.behind = False
        """The last look left something for the next one."""

    def lines(self, most: int = MOST) -> Iterator[bytes]:
        """Whole lines written since the last call, journal by journal; about ``most`` bytes of them."""
        self.behind = False
        for name, size in self._grown():
            if most <= 0:
                self.behind = True
                return
            with (self._folder / name).open("rb") as file:
                file.seek(self._read.get(name, 0))
                data = file.read(most)
            whole = data[: data.rfind(b"\n") + 1]
            self._read[name] = self._read.get(name, 0) + len(whole)
            self.behind = self.behind or (bool(whole) and self._read[name] < size)
            most -= len(data)
            yield from whole.split(b"\n")[:-1]

    def _grown(self) -> list[tuple[str, int]]:
        with os.scandir(self._folder) as entries:
            sizes = {
                entry.name: entry.stat().st_size
                for entry in entries
                if entry.name.endswith(SUFFIX) and entry.is_file()
            }
        # Those of which least was read come first: no journal waits for ever behind a longer one.
        grown = [name for name, size in sizes.items() if size > self._read.get(name, 0)]
        return [
            (name, sizes[name]) for name in sorted(grown, key=lambda name: (self._read.get(name, 0), name))
        ]
