"""Projects and their keys. Kept in the store, so a server restarted on the same folder knows them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

import msgspec

from ..errors import UsageError, did_you_mean
from ..store.rows import ProjectRow
from ..store.writer import Writer

MOST_NAME = 200
_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9]{1,64}")


class Projects:
    """All projects of one server. Used from its event loop."""

    def __init__(self, rows: Iterable[ProjectRow], writer: Writer) -> None:
        self._writer = writer
        self._by_id = {row.project_id: row for row in rows}
        self._by_key = {row.public_key: row for row in self._by_id.values()}

    def all(self) -> tuple[ProjectRow, ...]:
        """Every project, oldest first."""
        return tuple(self._by_id.values())

    def find(self, project_id: str) -> ProjectRow | None:
        """The project of that id."""
        return self._by_id.get(project_id)

    def of_key(self, public_key: str) -> ProjectRow | None:
        """The project that key belongs to."""
        return self._by_key.get(public_key)

    async def create(
        self, name: str, *, project_id: str | None = None, public_key: str | None = None
    ) -> ProjectRow:
        """A new project; durable when this returns. Names need not differ.

        Id and key are new ones unless given, as when a service that runs already has its DSN. Raises
        ``UsageError`` for ids and keys that are not well formed, or taken.
        """
        if not name or len(name) > MOST_NAME:
            raise UsageError(
                f"a project needs a name of 1 to {MOST_NAME} characters",
                where="field 'name'",
                hint="give one",
            )
        number = 1 + max((int(known) for known in self._by_id), default=0)
        row = ProjectRow(project_id or str(number), name, public_key or secrets.token_hex(16))
        if not _ID.fullmatch(row.project_id) or row.project_id in self._by_id:
            raise _refused("project_id", row.project_id, "a decimal number from 1 that no project has")
        if not _KEY.fullmatch(row.public_key) or row.public_key in self._by_key:
            raise _refused("public_key", row.public_key, "up to 64 letters and digits that no project has")
        self._remember(row)
        await self._writer.submit(row)
        return row

    async def change(
        self, project_id: str, *, enabled: bool | None = None, key_enabled: bool | None = None
    ) -> ProjectRow:
        """Enable or disable a project or its key; durable when this returns."""
        row = self._by_id.get(project_id)
        if row is None:
            raise unknown_project(project_id, self._by_id)
        row = msgspec.structs.replace(
            row,
            enabled=row.enabled if enabled is None else enabled,
            key_enabled=row.key_enabled if key_enabled is None else key_enabled,
        )
        self._remember(row)
        await self._writer.submit(row)
        return row

    def _remember(self, row: ProjectRow) -> None:
        self._by_id[row.project_id] = row
        self._by_key[row.public_key] = row


def _refused(name: str, value: str, allowed: str) -> UsageError:
    return UsageError(f"{value[:80]!r} is not allowed", where=f"field {name!r}", hint=f"allowed: {allowed}")


def unknown_project(project_id: str, known: Iterable[str]) -> UsageError:
    """The error for a project id nobody made."""
    names = list(known)
    hint = did_you_mean(project_id, names) if names else "there is no project yet: make one first"
    return UsageError(f"there is no project {project_id!r}", where="project id", hint=hint)
