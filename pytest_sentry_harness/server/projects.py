"""Projects and their keys. Kept in the store, so a server restarted on the same folder knows them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import msgspec

from ..errors import UsageError, did_you_mean
from ..store.rows import ProjectRow
from ..store.writer import Writer

MOST_NAME = 200


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

    async def create(self, name: str) -> ProjectRow:
        """A new project with a key of its own; durable when this returns. Names need not differ."""
        if not name or len(name) > MOST_NAME:
            raise UsageError(
                f"a project needs a name of 1 to {MOST_NAME} characters",
                where="field 'name'",
                hint="give one",
            )
        number = 1 + max((int(known) for known in self._by_id), default=0)
        row = ProjectRow(str(number), name, secrets.token_hex(16))
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


def unknown_project(project_id: str, known: Iterable[str]) -> UsageError:
    """The error for a project id nobody made."""
    names = list(known)
    hint = did_you_mean(project_id, names) if names else "there is no project yet: make one first"
    return UsageError(f"there is no project {project_id!r}", where="project id", hint=hint)
