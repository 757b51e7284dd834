"""Clocks: the only place where a process learns what time it is.

SystemClock: the machine's, guarded against jumps.
SteppingClock: a time that all processes of a rehearsal share through the books; it stands still
    until it is moved, so that months are billed in minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import psycopg
from psycopg import Cursor, sql

Clock = Callable[[], datetime]

# Further than this ahead of the time that has really passed is not a clock, it is a fault.
FORWARD_JUMP_LIMIT = timedelta(hours=1)


class ClockJumped(Exception):
    """The machine's clock ran ahead of the time that has passed; nothing is billed by it."""


class SystemClock:
    """UTC now. Never runs backwards, and refuses to run far ahead.

    Backwards: the last time is repeated until the machine catches up.
    Forward: compared with the monotonic clock since the last call.
    Raises: ClockJumped.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._last = datetime.fromtimestamp(wall(), UTC)
        self._last_monotonic = monotonic()

    def __call__(self) -> datetime:
        now = datetime.fromtimestamp(self._wall(), UTC)
        passed = timedelta(seconds=self._monotonic() - self._last_monotonic)
        if now - self._last > passed + FORWARD_JUMP_LIMIT:
            raise ClockJumped(f"the clock went from {self._last} to {now} in {passed}")
        self._last = max(self._last, now)
        self._last_monotonic += passed.total_seconds()
        return self._last


class Connections(Protocol):
    """A source of database connections."""

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection in autocommit mode."""


class SteppingClock:
    """The rehearsal's time, as it stands in the books. Read at most every `fresh_s` seconds.

    A connection that was lost is made anew at the next call.
    Raises: psycopg.OperationalError while the server is away.
    """

    def __init__(self, connections: Connections, schema: str, fresh_s: float = 0.05) -> None:
        self._connections = connections
        self._connection = connections.connect()
        table = sql.Identifier(schema, "rehearsal_clock")
        # As text once: it is read many times a second.
        self._read = sql.SQL("SELECT stands_at FROM {0}").format(table).as_string()
        self._move = (
            sql.SQL(
                "INSERT INTO {0} (one, stands_at) VALUES (true, %s) ON CONFLICT (one)"
                " DO UPDATE SET stands_at = greatest({0}.stands_at, excluded.stands_at)"
            )
            .format(table)
            .as_string()
        )
        self._fresh_s = fresh_s
        self._read_at = float("-inf")
        self._now = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        if time.monotonic() - self._read_at > self._fresh_s:
            row = self._execute(self._read).fetchone()
            if row is None or not isinstance(row[0], datetime):
                raise ClockJumped("the rehearsal's clock was never set")
            self._now = row[0].astimezone(UTC)
            self._read_at = time.monotonic()
        return self._now

    def set(self, now: datetime) -> None:
        """Move the rehearsal's time; forward only."""
        self._execute(self._move, now)
        self._read_at = float("-inf")

    def _execute(self, statement: str, *values: datetime) -> Cursor[tuple[Any, ...]]:
        if self._connection.closed:
            self._connection = self._connections.connect()
        return self._connection.execute(statement.encode(), values)
