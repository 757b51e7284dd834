"""One process of all leads: an advisory lock in a session that must not fall silent."""

from __future__ import annotations

import contextlib
from typing import Any

import psycopg
from psycopg import Connection
from psycopg_pool import PoolTimeout

from infrastructure.store.books import Books

# What a lost server, or one that became a standby, looks like.
LOST = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    PoolTimeout,
)


class Leading:
    """The lead in one job. silence_s: the server ends the session of a leader that is silent for
    so long, and another one leads."""

    def __init__(self, books: Books, job: str, silence_s: float) -> None:
        self._books, self._job, self._silence_s = books, job, silence_s
        self._conn: Connection[Any] | None = None
        self._ours = False

    def is_ours(self) -> bool:
        """Whether this process leads; it tries to when nobody does. Raises: the driver's errors."""
        if self._conn is None:
            self._conn = self._books.connect()
            limit = f"{round(self._silence_s * 1000)}ms"
            self._conn.execute("SELECT set_config('idle_session_timeout', %s, false)", [limit])
        if self._ours:
            self._conn.execute("SELECT")
        else:
            name = f"billing.{self._job}.{self._books.schema}"
            row = self._conn.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name]
            ).fetchone()
            self._ours = bool(row and row[0])
        return self._ours

    def close(self) -> None:
        """Give it up."""
        conn, self._conn, self._ours = self._conn, None, False
        if conn is not None:
            # The server notices a closed connection a moment later; another may lead at once.
            with contextlib.suppress(*LOST):
                conn.execute("SELECT pg_advisory_unlock_all()")
            conn.close()
