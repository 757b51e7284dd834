"""Commands that callers may repeat: the same key and body, the same answer.

What makes a repeat safe is that a command's facts carry ids derived from its key, so a second run
finds them and appends nothing new. This table gives the repeat its first answer, and refuses a key
that is used again for something else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
from psycopg import Connection
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from domain.refusals import Refused


class KeyReused(Refused):
    """An idempotency key came again with another body. Both digests are hex of SHA-256."""

    def __init__(self, key: str, stored: bytes, given: bytes) -> None:
        super().__init__(
            "idempotency-key-reused",
            f"key {key[:80]!r} stands for another request:"
            f" stored sha256 {stored.hex()}, given sha256 {given.hex()}",
        )
        self.stored_digest = stored.hex()
        self.given_digest = given.hex()


@attrs.frozen
class StoredAnswer:
    """What a command was answered. status: of HTTP; body: as it was sent."""

    status: int
    body: bytes = attrs.field(repr=False)


class Commands:
    """The answered commands of one set of books.

    key: the caller's own, with the caller's name before it where several callers share the books.
    """

    def __init__(self, pool: ConnectionPool[Connection[Any]], schema: str) -> None:
        self._pool = pool
        self._table = Identifier(schema, "commands")

    def begin(self, key: str, digest: bytes, now: datetime) -> StoredAnswer | None:
        """Pin the key to this request; its answer if there is one already.

        None: carry the command out, and call `finish`. That may be the second time, when the first
        run died before its answer was stored, or is still under way.
        Raises: KeyReused.
        """
        with self._pool.connection() as conn:
            # The update changes nothing; it makes a row that is there come back.
            row = conn.execute(
                SQL(
                    "INSERT INTO {} AS commands (key, digest, created_at) VALUES (%s, %s, %s)"
                    " ON CONFLICT (key) DO UPDATE SET key = excluded.key"
                    " RETURNING digest, status, answer"
                ).format(self._table),
                [key, digest, now],
            ).fetchone()
        assert row is not None
        stored, status, body = row
        if bytes(stored) != digest:
            raise KeyReused(key, bytes(stored), digest)
        return None if status is None else StoredAnswer(status, bytes(body))

    def finish(self, key: str, digest: bytes, answer: StoredAnswer, now: datetime) -> StoredAnswer:
        """Store the answer of a command that was begun; the first one stays.

        Returns: the answer to give, which is another's if that was first.
        Raises: KeyReused; KeyError for a key that was never begun.
        """
        with self._pool.connection() as conn:
            row = conn.execute(
                SQL(
                    "UPDATE {} SET status = coalesce(status, %s), answer = coalesce(answer, %s),"
                    " answered_at = coalesce(answered_at, %s) WHERE key = %s AND digest = %s"
                    " RETURNING status, answer"
                ).format(self._table),
                [answer.status, answer.body, now, key, digest],
            ).fetchone()
            if row is not None:
                return StoredAnswer(row[0], bytes(row[1]))
            other = conn.execute(
                SQL("SELECT digest FROM {} WHERE key = %s").format(self._table), [key]
            ).fetchone()
        if other is None:
            raise KeyError(f"command {key[:80]!r} was never begun")
        raise KeyReused(key, bytes(other[0]), digest)

    def forget(self, before: datetime) -> int:
        """Remove commands begun before an instant of the books' clock; how many there were."""
        with self._pool.connection() as conn:
            return conn.execute(
                SQL("DELETE FROM {} WHERE created_at < %s").format(self._table), [before]
            ).rowcount
