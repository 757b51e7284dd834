"""The live runner of stored projections: reads the log once, feeds every projection, commits whole.

A batch's rows and its position commit together, so a runner that dies in the middle leaves either
all of a batch or nothing. One runner leads a projection at a time, by an advisory lock of its
session; the others stand by and take over when that session ends. A lost connection is made again.

A leader that sleeps (a stopped process, a hanging machine) would keep the lead, and nobody's agenda
would move: the server ends a silent session, and an idle leader speaks now and then.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import groupby, zip_longest
from typing import Any

import attrs
import eventsourcing.persistence
import psycopg
import structlog
from psycopg import Connection
from psycopg.pq import TransactionStatus

from infrastructure.store.folding import Log, Parked
from infrastructure.store.kept import KeptWriter, live_table, writer_of
from infrastructure.store.tracking import (
    advance,
    enter,
    lock_standings,
    park,
    parked_streams,
    require_shape,
    standing,
)
from infrastructure.store.view_alias import point_alias
from infrastructure.store.view_table import Kept, live_name

_log = structlog.get_logger(__name__)

BATCH = 1000
_FIRST_BACKOFF_S = 0.1
_LONGEST_BACKOFF_S = 5.0
SILENCE_S = 5.0
_SIGN_OF_LIFE_S = 1.0
_GATHER_S = 0.03
# What a lost or refused connection looks like, on our own connection and on the ledger's.
_LOST = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    # Connected to what has become a standby, or put out for holding a transaction too long.
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
    eventsourcing.persistence.OperationalError,
    eventsourcing.persistence.InterfaceError,
    eventsourcing.persistence.InternalError,
)


@attrs.define
class RunnerStats:
    """What a runner has done since it was made. parked: the alarm counter of streams set aside."""

    events: int = 0
    batches: int = 0
    parked: int = 0
    reconnects: int = 0


@attrs.define
class _Led:
    """A projection that this runner leads."""

    writer: KeptWriter
    generation: int
    alias_pending: bool = True

    @property
    def position(self) -> int:
        return self.writer.position


class Runner:
    """Keeps stored projections up with the log.

    connect: makes a connection that this runner alone uses; the leader's lock lives in it.
    schema: the set of books.
    wake: waits at most so many seconds for a sign that the log has grown; polling is the floor.
    silence_s: seconds of silence after which the server takes the lead away.
    """

    def __init__(
        self,
        connect: Callable[[], Connection[Any]],
        schema: str,
        log: Log,
        projections: Sequence[Kept],
        *,
        batch: int = BATCH,
        poll_s: float = 0.2,
        wake: Callable[[float], object] | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._connect = connect
        self._schema = schema
        self._events = log
        self._projections = {live_name(p): p for p in projections}
        self._batch = batch
        self._poll_s = poll_s
        self._wake = wake
        self._silence_s, self._spoke_at = silence_s, 0.0
        self._conn: Connection[Any] | None = None
        self._led: dict[str, _Led] = {}
        self.stats = RunnerStats()

    # --- public -------------------------------------------------------------------------------

    def run_once(self, now: datetime) -> int:
        """One batch for every projection that this runner leads or can take the lead of.

        Returns: events read; 0 when all stand at the log's end, or others lead.
        Raises: psycopg.OperationalError and its like when the connection is lost; nothing of the
        batch is stored then, and the next call connects anew. ShapeChanged.
        """
        try:
            conn = self._connection()
            self._take_the_lead(conn, now)
            return self._run_groups(conn, now)
        except BaseException:
            self.close()
            raise

    def catch_up(self, now: datetime) -> int:
        """Batches until there is nothing left to read. Returns: events read."""
        total = 0
        while count := self.run_once(now):
            total += count
        return total

    def run_forever(
        self, stop: threading.Event, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Batches until `stop` is set. A lost connection is waited out.

        clock: for the note of when rows were written last; nothing is decided by it.
        """
        backoff_s = _FIRST_BACKOFF_S
        while not stop.is_set():
            try:
                count = self.run_once(clock())
            except _LOST as error:
                self.stats.reconnects += 1
                _log.warning("projector-connection-lost", error=type(error).__name__)
                stop.wait(backoff_s)
                backoff_s = min(backoff_s * 2, _LONGEST_BACKOFF_S)
                continue
            backoff_s = _FIRST_BACKOFF_S
            if count == 0:
                # Who stands by need not hear of every fact.
                ((self._led and self._wake) or stop.wait)(self._poll_s)
            elif count < self._batch:
                # While others write, a moment's wait makes one batch of many small ones.
                stop.wait(_GATHER_S)
        self.close()

    def leads(self) -> frozenset[str]:
        """Names of the tables whose projections this runner leads at the moment."""
        return frozenset(self._led)

    def close(self) -> None:
        """Give up the lead and the connection; the runner may be used again."""
        self._led.clear()
        if self._conn is None:
            return
        conn, self._conn = self._conn, None
        if conn.info.transaction_status == TransactionStatus.IDLE:
            # The server notices a closed connection a moment later; another may lead at once.
            with contextlib.suppress(*_LOST):
                conn.execute("SELECT pg_advisory_unlock_all()")
        conn.close()

    # --- leading ------------------------------------------------------------------------------

    def _connection(self) -> Connection[Any]:
        if self._conn is None or self._conn.closed:
            self._led.clear()
            self._conn = self._connect()
            self._conn.autocommit = True
            for setting in ("idle_session_timeout", "idle_in_transaction_session_timeout"):
                limit = f"{round(self._silence_s * 1000)}ms"
                self._conn.execute("SELECT set_config(%s, %s, false)", [setting, limit])
            self._spoke_at = time.monotonic()
        elif time.monotonic() - self._spoke_at > _SIGN_OF_LIFE_S:
            self._conn.execute("SELECT")
            self._spoke_at = time.monotonic()
        return self._conn

    def _take_the_lead(self, conn: Connection[Any], now: datetime) -> None:
        """Lead every projection that nobody else leads.

        All are asked for at once: of two that start together one gets all of them, as a rule, and
        the log is read and decoded once.
        """
        wanted = [name for name in self._projections if name not in self._led]
        if not wanted:
            return
        locks = [f"billing.projection.{self._schema}.{name}" for name in wanted]
        taken = conn.execute(
            "SELECT pg_try_advisory_lock(hashtextextended(lock, 0))"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS wanted (lock, place) ORDER BY place",
            [locks],
        )
        for name, (is_ours,) in zip(wanted, taken.fetchall(), strict=True):
            if is_ours:
                self._led[name] = self._enter(conn, self._projections[name], now)

    def _enter(self, conn: Connection[Any], projection: Kept, now: datetime) -> _Led:
        """Stand where the table stands, and make it if there is none."""
        table = live_table(projection, self._schema)
        with conn.transaction():
            if enter(conn, self._schema, projection, now):
                table.create(conn)
            stands = standing(conn, self._schema, projection)
            parked = parked_streams(conn, self._schema, projection)
        require_shape(projection, stands)
        led = _Led(writer_of(table, self._events), stands.generation)
        led.writer.start_from(stands.position, parked)
        self._try_alias(conn, led)
        return led

    def _try_alias(self, conn: Connection[Any], led: _Led) -> None:
        """Let the plain name show this version, once it is as far as the one shown before."""
        if led.alias_pending:
            led.alias_pending = not point_alias(conn, self._schema, led.writer.projection)

    # --- batches ------------------------------------------------------------------------------

    def _run_groups(self, conn: Connection[Any], now: datetime) -> int:
        """One batch for each group of projections that stand at the same position.

        A group that lags stops where the next one stands, so that they go on as one.
        """
        led = sorted(self._led.values(), key=lambda each: each.position)
        groups = [list(group) for _, group in groupby(led, key=lambda each: each.position)]
        ahead: list[int | None] = [group[0].position for group in groups[1:]]
        total = 0
        for group, stop in zip_longest(groups, ahead):
            total += self._run_batch(conn, group, stop, now)
        return total

    def _run_batch(
        self, conn: Connection[Any], group: list[_Led], stop: int | None, now: datetime
    ) -> int:
        items = self._events.read_log(group[0].position, self._batch, stop)
        if not items:
            return 0
        upto = items[-1].position
        with conn.transaction():
            if self._overtaken(conn, group):
                return len(items)
            written = [each.writer.write(conn, items, upto) for each in group]
            for each, result in zip(group, written, strict=True):
                if result.folded.parked:
                    streams = result.folded.parked.values()
                    park(conn, self._schema, each.writer.projection, streams, now)
            advance(conn, self._schema, [each.writer.projection for each in group], upto, now)
        for each, result in zip(group, written, strict=True):
            self._accept(conn, each, result)
        self.stats.events += len(items)
        self.stats.batches += 1
        return len(items)

    def _accept(self, conn: Connection[Any], led: _Led, written: Any) -> None:
        led.writer.accept(written)
        self._try_alias(conn, led)
        for parked in written.folded.parked.values():
            self.stats.parked += 1
            _alarm(led.writer.projection, parked)

    def _overtaken(self, conn: Connection[Any], group: list[_Led]) -> bool:
        """Lock the group's positions; True if rows were written past us, which are then reread."""
        overtaken = False
        projections = [each.writer.projection for each in group]
        for each, stands in zip(
            group, lock_standings(conn, self._schema, projections), strict=True
        ):
            projection = each.writer.projection
            if (stands.position, stands.generation) != (each.position, each.generation):
                require_shape(projection, stands)
                parked = parked_streams(conn, self._schema, projection)
                each.writer.start_from(stands.position, parked)
                each.generation = stands.generation
                overtaken = True
        return overtaken


def _alarm(projection: Kept, parked: Parked) -> None:
    _log.error(
        "stream-parked",
        projection=projection.name,
        version=projection.version,
        stream=parked.stream,
        position=parked.position,
        reason=parked.reason,
    )
