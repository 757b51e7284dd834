"""Which merchant accounts are out of order, by which process: a row for each open circuit.

A process repeats its rows while they hold. Those of one that died are not believed any longer
after a minute, and taken away by whoever writes next.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs
from psycopg import Connection
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

BELIEVED_S = 60.0


@attrs.frozen(kw_only=True)
class OpenCircuit:
    """An account that one process sends nothing to. since, next_probe_at: UTC, the books' clock."""

    provider: str
    account: str
    process: str
    since: datetime
    next_probe_at: datetime
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.provider} account {self.account} is out of order since "
            f"{self.since:%Y-%m-%d %H:%M}Z ({self.reason}); next try {self.next_probe_at:%H:%M:%S}Z"
        )


class OpenCircuits:
    """The open circuits of all processes that work one set of books."""

    def __init__(self, pool: ConnectionPool[Connection[Any]], schema: str) -> None:
        self._pool = pool
        self._table = Identifier(schema, "circuits")

    def write(self, process: str, opened: list[OpenCircuit]) -> None:
        """Say which circuits of a process are open now; its others are closed."""
        values = {
            "process": process,
            "providers": [each.provider for each in opened],
            "accounts": [each.account for each in opened],
            "since": [each.since for each in opened],
            "next": [each.next_probe_at for each in opened],
            "reasons": [each.reason[:200] for each in opened],
            "believed_s": BELIEVED_S,
        }
        with self._pool.connection() as conn, conn.transaction():
            conn.execute(SQL(_FORGET).format(self._table), values)
            conn.execute(SQL(_WRITE).format(self._table), values)

    def read(self) -> list[OpenCircuit]:
        """Every open circuit of a process that is alive."""
        with self._pool.connection() as conn:
            found = conn.execute(SQL(_READ).format(self._table), [BELIEVED_S]).fetchall()
        return [
            OpenCircuit(
                provider=row[0],
                account=row[1],
                process=row[2],
                since=row[3],
                next_probe_at=row[4],
                reason=row[5],
            )
            for row in found
        ]

    def by_account(self) -> Mapping[tuple[str, str], OpenCircuit]:
        """For each account that is out of order, the circuit that is probed first."""
        found: dict[tuple[str, str], OpenCircuit] = {}
        for each in self.read():
            found.setdefault((each.provider, each.account), each)
        return found


_FORGET = """
DELETE FROM {} WHERE process = %(process)s
    OR seen_at < clock_timestamp() - make_interval(secs => %(believed_s)s)
"""
_WRITE = """
INSERT INTO {} (provider, account, process, since, next_probe_at, reason, seen_at)
SELECT provider, account, %(process)s, since, next, reason, clock_timestamp()
FROM unnest(%(providers)s::text[], %(accounts)s::text[], %(since)s::timestamptz[],
    %(next)s::timestamptz[], %(reasons)s::text[]) AS told (provider, account, since, next, reason)
"""
_READ = """
SELECT provider, account, process, since, next_probe_at, reason FROM {}
WHERE seen_at >= clock_timestamp() - make_interval(secs => %s)
ORDER BY provider, account, next_probe_at, process
"""
