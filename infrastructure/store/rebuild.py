"""Folding projections again from position 1: to put them in place, or to prove the live ones.

Both go through one function, `Rebuilder._fill`, into tables of their own, and stop exactly where
the live rows stand. A rebuild then renames the tables in one short transaction; an audit compares
them row by row in one snapshot of the database, and stops nobody.

errors
  RebuildRunning    another process rebuilds this projection
  ReadersInTheWay   a reader held the old table for too long; nothing has changed
  LogTooShort       the log ends before the position that the rows claim to hold
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

import attrs
from psycopg import Connection, errors
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL, Identifier

from infrastructure.collecting import few_collections
from infrastructure.store.crew import Crew
from infrastructure.store.differing import Difference
from infrastructure.store.families import Asides, FamilyLog, NotByFamily, families, fold_families
from infrastructure.store.folding import Parked
from infrastructure.store.kept import (
    KeptWriter,
    live_table,
    shadow_table,
    temporary_table,
    writer_of,
)
from infrastructure.store.tracking import (
    enter,
    park,
    renew_generation,
    require_shape,
    standing,
    unpark,
)
from infrastructure.store.view_alias import point_alias, replace_alias, shown_version
from infrastructure.store.view_table import Kept, ViewTable, live_name
from infrastructure.store.view_writer import ViewWriter

BATCH = 5000
# Rows are written over and over while the log passes by: the space is taken back in between.
_VACUUM_EVERY_BATCHES = 40
_SWAP_ATTEMPTS = 20
_SWAP_LOCK_TIMEOUT = "300ms"
_SWAP_PAUSE_S = 0.2


__all__ = ["Difference", "Rebuilder", "Rebuilt"]


class RebuildRunning(RuntimeError):
    """Another process rebuilds this projection."""


class ReadersInTheWay(RuntimeError):
    """A long read kept the old table from being renamed; nothing has changed."""


class LogTooShort(RuntimeError):
    """The log ends before the position that a projection's rows claim to hold."""


@attrs.frozen
class Rebuilt:
    """What a rebuild put in place. position: where the rows stand. parked: streams set aside."""

    position: int
    rows: int
    parked: tuple[Parked, ...]


class Rebuilder:
    """Rebuilds and audits stored projections of one set of books.

    connect: makes a connection in the application's role; each call uses one of its own.
    crew: processes for long rebuilds; without one all is done here.
    """

    def __init__(
        self,
        connect: Callable[[], Connection[Any]],
        schema: str,
        log: FamilyLog,
        *,
        batch: int = BATCH,
        crew: Crew | None = None,
    ) -> None:
        self._connect = connect
        self._schema = schema
        self._events = log
        self._batch = batch
        self._crew = crew

    def rebuild(self, projection: Kept, now: datetime) -> Rebuilt:
        """As `rebuild_all`, of one."""
        return self.rebuild_all([projection], now)[0]

    def rebuild_all(self, projections: Sequence[Kept], now: datetime) -> list[Rebuilt]:
        """Fold projections anew beside the live ones, and put the results in their places.

        Readers go on; the live runner waits for the last few events and the renaming.
        Raises: RebuildRunning; ReadersInTheWay, then those before it are in their places.
        """
        shadows = [shadow_table(each, self._schema) for each in projections]
        with self._connect() as conn, few_collections():
            conn.autocommit = True
            for projection in projections:
                self._be_the_only_one(conn, projection)
            try:
                for projection, shadow in zip(projections, shadows, strict=True):
                    shadow.drop(conn)
                    shadow.create_bare(conn)
                    with conn.transaction():
                        if enter(conn, self._schema, projection, now):
                            live_table(projection, self._schema).create(conn)
                writers = [writer_of(shadow, self._events) for shadow in shadows]
                self._fill(conn, writers, self._events.head())
                for shadow in shadows:
                    shadow.create_indexes(conn)
                return [self._put_in_place(conn, writer, now) for writer in writers]
            finally:
                if not conn.closed:
                    for shadow in shadows:
                        shadow.drop(conn)

    def compare(self, *projections: Kept) -> Iterator[Difference]:
        """Fold the projections anew to where the live rows stand; yield every row that differs.

        What is compared is one snapshot of the database: the live runner, writers and readers go
        on meanwhile.
        Raises: ViewMissing for one that has never run; ShapeChanged; LogTooShort.
        """
        with self._connect() as conn, few_collections():
            conn.autocommit = True
            writers = []
            for projection in projections:
                require_shape(projection, standing(conn, self._schema, projection))
                table = temporary_table(projection, self._schema)
                table.create(conn)
                writers.append(writer_of(table, self._events))
            stands = [standing(conn, self._schema, p).position for p in projections]
            self._fill(conn, writers, min(stands, default=0))
            with conn.transaction():
                conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                self._hold_tables(conn, projections)
                for writer in writers:
                    position = standing(conn, self._schema, writer.projection).position
                    self._follow(conn, [writer], position)
                for writer in writers:
                    live: Any = live_table(writer.projection, self._schema)
                    yield from writer.table.differences(conn, live)

    # --- both ---------------------------------------------------------------------------------

    def _fill(self, conn: Connection[Any], writers: Sequence[KeptWriter], stop: int) -> None:
        """Fold the log up to `stop` into tables that are empty: family by family where a
        projection says so, the others in the log's order. Raises: LogTooShort."""
        if stop and not self._events.read_log(stop - 1, 1, stop):
            raise LogTooShort(f"the log ends at {self._events.head()}, before position {stop}")
        by_family = [
            each for each in writers if isinstance(each, ViewWriter) and each.projection.by_family
        ]
        others = [each for each in writers if each not in by_family]
        tables = [each.table for each in by_family]
        parked: list[dict[str, Parked]] = [{} for _ in tables]
        try:
            with self._folded(conn, tables, stop) as folded:
                self._follow(conn, others, stop)
                for found in folded:
                    for known, aside in zip(parked, found, strict=True):
                        known |= aside
        except NotByFamily:
            for table in tables:
                table.empty(conn)
            self._follow(conn, by_family, stop)
        else:
            for each, aside in zip(by_family, parked, strict=True):
                each.start_from(stop, aside)

    def _folded(
        self, conn: Connection[Any], tables: Sequence[ViewTable[Any]], stop: int
    ) -> AbstractContextManager[Iterator[Asides]]:
        """All families folded, by the crew where there is one for it. Raises: NotByFamily."""
        batches = families(self._events, stop) if tables else ()
        if self._crew is not None and tables and self._crew.can(tables, stop):
            return self._crew.at_work(tables, batches, stop)
        return nullcontext(
            fold_families(conn, self._events, tables, batch, stop) for batch in batches
        )

    def _follow(self, conn: Connection[Any], writers: Sequence[KeptWriter], stop: int) -> None:
        """Fold the log into the writers' tables until they stand at `stop`.

        All writers stand at the same position. Each batch is a transaction, or a savepoint where
        the caller has one open. Raises: LogTooShort.
        """
        batches = 0
        while writers and writers[0].position < stop:
            after = writers[0].position
            items = self._events.read_log(after, self._batch, stop)
            if not items:
                raise LogTooShort(f"the log ends at {after}, before position {stop}")
            upto = items[-1].position
            with conn.transaction():
                written: list[Any] = [writer.write(conn, items, upto) for writer in writers]
            for writer, result in zip(writers, written, strict=True):
                writer.accept(result)
            batches += 1
            if batches % _VACUUM_EVERY_BATCHES == 0 and _idle(conn):
                for writer in writers:
                    writer.table.vacuum(conn)

    # --- rebuild ------------------------------------------------------------------------------

    def _be_the_only_one(self, conn: Connection[Any], projection: Kept) -> None:
        taken = conn.execute(
            "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))",
            [f"billing.rebuild.{self._schema}.{live_name(projection)}"],
        ).fetchone()
        if taken != (True,):
            raise RebuildRunning(f"{live_name(projection)} is being rebuilt by another process")

    def _put_in_place(self, conn: Connection[Any], writer: KeptWriter, now: datetime) -> Rebuilt:
        """Swap, as soon as no reader is in the way. Raises: ReadersInTheWay."""
        for _ in range(_SWAP_ATTEMPTS):
            before = (writer.position, dict(writer.parked))
            try:
                with conn.transaction():
                    return self._swap(conn, writer, now)
            except errors.LockNotAvailable:
                # A queue of readers behind our lock is worse than another try.
                writer.start_from(*before)
                time.sleep(_SWAP_PAUSE_S)
        raise ReadersInTheWay(f"{live_name(writer.projection)} is being read all the time")

    def _swap(self, conn: Connection[Any], writer: KeptWriter, now: datetime) -> Rebuilt:
        """Catch up to the live rows, which stand still meanwhile, and take their place."""
        projection, schema = writer.projection, self._schema
        stands = standing(conn, schema, projection, lock=True)
        self._follow(conn, [writer], stands.position)
        count = writer.table.count(conn)
        live = live_table(projection, schema)
        conn.execute(SQL("SET LOCAL lock_timeout = {}").format(_SWAP_LOCK_TIMEOUT))
        names = list(zip(writer.table.tables, live.tables, strict=True))
        for mine, theirs in names:
            _rename(conn, schema, theirs, f"{theirs}_retired")
            _rename(conn, schema, mine, theirs)
        if shown_version(conn, schema, projection) == projection.version:
            replace_alias(conn, schema, projection)
        for _, theirs in names:
            conn.execute(
                SQL("DROP TABLE IF EXISTS {}").format(Identifier(schema, f"{theirs}_retired"))
            )
        unpark(conn, schema, projection)
        park(conn, schema, projection, writer.parked.values(), now)
        renew_generation(conn, schema, projection, writer.position)
        point_alias(conn, schema, projection)
        return Rebuilt(writer.position, count, tuple(writer.parked.values()))

    # --- audit --------------------------------------------------------------------------------

    def _hold_tables(self, conn: Connection[Any], projections: Sequence[Kept]) -> None:
        """Keep a rebuild from renaming the tables under this snapshot. Before the first read."""
        for projection in projections:
            live_table(projection, self._schema).hold(conn)


def _rename(conn: Connection[Any], schema: str, old: str, new: str) -> None:
    """Call a table otherwise."""
    conn.execute(
        SQL("ALTER TABLE IF EXISTS {} RENAME TO {}").format(
            Identifier(schema, old), Identifier(new)
        )
    )


def _idle(conn: Connection[Any]) -> bool:
    """True outside of any transaction."""
    return conn.info.transaction_status == TransactionStatus.IDLE
