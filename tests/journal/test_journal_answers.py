"""The journal's tables say what the log says: in every history, at every position, on any day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
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
from projections.journal import journal
from tests.histories import History, histories, show
from tests.periods.closing_books import DEEDS, Deed, closed_books

SOME = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    print_blob=True,
)
DAYS = st.integers(0, 700).map(lambda days: date(2024, 1, 10) + timedelta(days=days))
ZONES = st.sampled_from(["UTC", "Europe/Oslo", "Pacific/Kiritimati"])
SMALL = JournalBooks("UTC", chunk=4, fan=3, levels=3)
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
        table = JournalTable(self.journal, self.books.schema, live_name(SMALL))
        schema = Identifier(self.books.schema, "view_positions")
        self.conn.execute(SQL("DELETE FROM {}").format(schema))
        table.drop(self.conn)
        table.create(self.conn)
        enter(self.conn, self.books.schema, self.journal, NOW)

    def go_on(self, until: int, batches: Sequence[int] = (50,), held: int = 10) -> None:
        """In batches of these sizes; after the last of them another writer goes on."""
        table = JournalTable(self.journal, self.books.schema, live_name(SMALL))
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
    def reader(self) -> JournalReader:
        return JournalReader(self.pool, self.books.schema, self.journal)

    def both(self, day: date, position: int) -> tuple[Answers, Answers]:
        """Answers of the tables, and answers derived from the log."""
        known = Known(as_of=day, zone=self.journal.zone)
        return tuple(
            Answers(self.log, tables, known=known, chart=CHART, known_at=position)
            for tables in (self.reader, None)
        )


@pytest.fixture
def stored(books: Books) -> Iterator[Stored]:
    with (
        books.connect() as conn,
        ConnectionPool(
            kwargs={**books.connection_arguments, "autocommit": True}, min_size=1, max_size=2
        ) as pool,
    ):
        conn.autocommit = True
        # Its threads draw from `random` when a connection is to end: not while histories are drawn.
        pool.wait()
        yield Stored(books, conn, pool)


BATCHES = st.lists(st.integers(1, 30), min_size=1, max_size=3)


@SOME
@given(histories(), DEEDS, DAYS, ZONES, BATCHES, st.integers(0, 3), st.data())
def test_tables_answer_as_the_log_does(
    stored: Stored,
    history: History,
    deeds: list[Deed],
    day: date,
    zone: str,
    batches: list[int],
    held: int,
    data: st.DataObject,
) -> None:
    """Every report, whatever is held in memory and however the log came in; also where periods are
    closed and opened again."""
    show(history)
    log = closed_books(history.log, deeds, zone).log
    head = len(log)
    stored.begin(log, zone)
    stored.go_on(head, batches, held)
    entries = list(journal(log))
    assert list(stored.reader.entries(head)) == entries
    event(f"late: {any(each.belongs_to for each in entries)}")
    for position in data.draw(st.lists(st.integers(0, head), min_size=1, max_size=4)):
        tables, derived = stored.both(day, position)
        assert tables.trial_balance() == derived.trial_balance()
        assert tables.revenue() == derived.revenue()
        assert tables.waterfall() == derived.waterfall()
        assert tables.ageing() == derived.ageing()
        assert tables.cash() == derived.cash()
        for customer_id in {wish.customer_id for wish in history.wishes}:
            found = tables.statement(customer_id)
            assert found == derived.statement(customer_id)
            event(f"lines {min(len(found.lines), 3)}")
        event(f"chunks: {min(len(SMALL.chunks_to(position)[0]), 3)}")
        assert tables.position == position


@SOME
@given(histories(), DAYS, st.integers(0, 100))
def test_an_answer_stays_when_more_is_recorded(
    stored: Stored, history: History, day: date, percent: int
) -> None:
    """The answer at (E, R) before anything later is kept, and after all of it."""
    show(history)
    position = len(history.log) * percent // 100
    stored.begin(history.log, "UTC")
    stored.go_on(position)
    answers, _ = stored.both(day, position)
    before = (answers.trial_balance(), answers.waterfall(), answers.ageing(), answers.cash())
    stored.go_on(len(history.log))
    after = (answers.trial_balance(), answers.waterfall(), answers.ageing(), answers.cash())
    assert after == before
