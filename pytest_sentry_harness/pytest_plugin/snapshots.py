"""Events compared with files beside the test: ``__snapshots__/<test file>/<test>.json``."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .differences import all_differences
from .normalise import Normaliser

FOLDER = "__snapshots__"
OPTION = "--sentry-harness-update-snapshots"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_MOST_NAME = 100
_MOST_PLACES = 12
_MOST_LINES = 40


@dataclass(slots=True)
class Snapshots:
    """The snapshots of one test. ``test`` is its name within its file; ``update``: write instead of comparing."""

    file: Path
    test: str
    root: str
    update: bool
    command: str
    """The command line that runs this test alone."""
    written: list[str] = field(default_factory=list)
    _taken: set[Path] = field(default_factory=set)

    def problem(self, event: Any, *, name: str | None, lines: bool, drop: Iterable[str]) -> str:
        """What is wrong with ``event``; empty when it is as the snapshot says, or was written.

        Raises ``UsageError`` when ``name`` was used before in the test, and when two keys become the same text.
        """
        path = self._path(name)
        found = Normaliser(root=self.root, lines=lines, drop=drop).normalise(event)
        text = json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        before = path.read_text(encoding="utf-8") if path.exists() else None
        if before == text:
            return ""
        if self.update:
            _write(path, text)
            self.written.append(self._shown(path))
            return ""
        if before is None:
            return (
                f"there is no snapshot {self._shown(path)} yet\n"
                f"  to make it: {self.command} {OPTION}\n"
                "  then look at the file, and commit it with the test"
            )
        try:
            expected = json.loads(before)
        except ValueError as error:
            return f"the snapshot {self._shown(path)} is not JSON: {error}\n  to write it anew: {self.command} {OPTION}"
        return self._different(path, expected, found)

    def _different(self, path: Path, expected: Any, found: Any) -> str:
        places = [
            each.words("in the snapshot", "in the event", absent="not in the event")
            for each in all_differences(expected, found)
        ]
        if not places:
            return ""  # only the layout of the file differs
        count = "1 place" if len(places) == 1 else f"{len(places)} places"
        lines = [f"the event differs from the snapshot {self._shown(path)} in {count}:"]
        lines += [f"  {place}" for place in places[:_MOST_PLACES]]
        if len(places) > _MOST_PLACES:
            lines.append(f"  and {len(places) - _MOST_PLACES} other places")
        lines += [f"  {line}" for line in _unified(expected, found)]
        return "\n".join([*lines, f"  if the event is right: {self.command} {OPTION}"])

    def _path(self, name: str | None) -> Path:
        folder = self.file.parent / FOLDER / safe_name(self.file.stem)
        path = folder / (safe_name(self.test if name is None else f"{self.test}.{name}") + ".json")
        if name is not None and path in self._taken:
            raise UsageError(
                f"two snapshots of the test are named {name!r}",
                where=self.test,
                hint="give each a name of its own, or none: then they are numbered",
            )
        number = 1
        while path in self._taken:
            number += 1
            path = folder / (safe_name(f"{self.test}.{number}") + ".json")
        self._taken.add(path)
        return path

    def _shown(self, path: Path) -> str:
        return os.path.relpath(path, self.root)


def safe_name(text: str) -> str:
    """A file name for ``text``: letters, digits, ``_``, ``-`` and ``.``; other texts get other names."""
    name = _UNSAFE.sub("-", text).strip("-.") or "snapshot"
    if name == text and len(name) <= _MOST_NAME:
        return name
    mark = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()
    return f"{name[:_MOST_NAME]}-{mark}"


def _unified(expected: Any, found: Any) -> list[str]:
    before, after = (
        json.dumps(each, indent=2, sort_keys=True, ensure_ascii=False).splitlines()
        for each in (expected, found)
    )
    lines = list(difflib.unified_diff(before, after, "snapshot", "event", n=1, lineterm=""))
    if len(lines) > _MOST_LINES:
        return [*lines[:_MOST_LINES], f"... and {len(lines) - _MOST_LINES} other lines"]
    return lines


def _write(path: Path, text: str) -> None:
    """Whole or not at all: with pytest-xdist, two processes may write the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
