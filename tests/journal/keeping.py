"""Books whose journal is kept anew for every history, with chunks of a few positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import attrs
from psycopg import Connection
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from domain.recorded import Recorded
from infrastructure.books.answers import Answers
from infrastructure.books.chart_file import read_chart
from infrastructure.store.books import Books
from infrastructure.store.journal_reader import JournalReader
from infrastructure.store.journal_table import JournalBooks, JournalTable
from infrastructure.store.journal_writer import JournalWriter
from infrastructure.store.tracking import advance, enter
from infrastructure.store.view_table import live_name
from projections.account_sums import Known

SMALL = JournalBooks("UTC", chunk=4, fan=2, levels=3)
CHART = read_chart()
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@attrs.define
class KeptLog:
    """A log in memory."""

    facts: Sequence[Recorded[Any]] = ()

    def read_log(self, after: int, limit: int, stop: int | None = None) -> Sequence[Recorded[Any]]:
        return self.facts[after : min(after + limit, self.head() if stop is None else stop)]

    def read_streams(self, streams: Sequence[str], stop: int) -> Iterator[list[Recorded[Any]]]:
        for stream in streams:
            yield [each for each in self.facts[:stop] if each.stream == stream]

    def streams_named(self, prefix: str) -> list[str]:
        return list({each.stream: None for each in self.facts if each.stream.startswith(prefix)})

    def recorded_at(self, position: int) -> datetime:
        return self.facts[position - 1].recorded_at

    def head(self) -> int:
        return len(self.facts)


@attrs.define
class Stored:
    """Books whose journal is kept anew for every history."""

    books: Books
    conn: Connection[Any]
    pool: ConnectionPool[Connection[Any]]
    log: KeptLog = attrs.field(factory=KeptLog)
    journal: JournalBooks = SMALL

    def begin(self, log: Sequence[Recorded[Any]], zone: str) -> None:
        """Empty tables, and a log to keep."""
        self.log = KeptLog(log)
        self.journal = attrs.evolve(SMALL, zone=zone)
        table = self.table
        schema = Identifier(self.books.schema, "view_positions")
        self.conn.execute(SQL("DELETE FROM {}").format(schema))
        table.drop(self.conn)
        table.create(self.conn)
        enter(self.conn, self.books.schema, self.journal, NOW)

    def go_on(self, until: int, batches: Sequence[int] = (50,), held: int = 10) -> None:
        """In batches of these sizes; after the last of them another writer goes on."""
        table = self.table
        reached = self.reader.reached()
        assert reached is not None
        position = reached.position
        while position < until:
            writer = JournalWriter(table, self.log, held=held)
            writer.start_from(position, {})
            for size in batches:
                items = self.log.read_log(writer.position, size, until)
                if items:
                    upto = items[-1].position
                    with self.conn.transaction():
                        written = writer.write(self.conn, items, upto)
                        assert written.folded.parked == {}
                        advance(self.conn, self.books.schema, [self.journal], upto, NOW)
                    writer.accept(written)
            position = writer.position

    @property
    def table(self) -> JournalTable:
        return JournalTable(self.journal, self.books.schema, live_name(SMALL))

    @property
    def reader(self) -> JournalReader:
        return JournalReader(self.pool, self.books.schema, self.journal)

    def both(self, day: date, position: int) -> tuple[Answers, Answers]:
        """Answers of the tables, and answers derived from the log."""
        known = Known(as_of=day, zone=self.journal.zone)
        return tuple(
            Answers(self.log, tables, known=known, chart=CHART, known_at=position)
            for tables in (self.reader, None)
        )
