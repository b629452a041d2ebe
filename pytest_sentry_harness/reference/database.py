"""The database: engine, pool and sessions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool, StaticPool

from .models import Base
from .settings import IN_MEMORY


class Database:
    """One SQLite database behind a bounded pool."""

    def __init__(self, path: str) -> None:
        self.engine = _memory_engine() if path == IN_MEMORY else _file_engine(path)
        self.sessions = sessionmaker(self.engine, expire_on_commit=False)

    def create(self) -> None:
        """Create the tables that are missing."""
        Base.metadata.create_all(self.engine)

    def is_empty(self, table: type[Base]) -> bool:
        """Whether ``table`` has no rows."""
        with self.session() as session:
            return session.scalar(select(func.count()).select_from(table)) == 0

    def session(self) -> Session:
        """A new session; use it with ``with``."""
        return self.sessions()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _file_engine(path: str) -> Engine:
    # The pool is bounded on purpose: a leak of connections must show as QueuePool timeouts, as it
    # would with a database server, instead of as ever more open files.
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=8,
        pool_timeout=10,
        connect_args={"timeout": 15, "check_same_thread": False},
    )
    event.listen(engine, "connect", _tune)
    return engine


def _memory_engine() -> Engine:
    return create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})


def _tune(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # Readers and one writer side by side; a crash of the machine may lose the last orders of a demo.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
