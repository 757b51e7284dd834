"""Rows made family by family are the rows that the log's order makes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import attrs
import pytest
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from infrastructure.bootstrap import open_ledger
from infrastructure.store import crew as crew_module
from infrastructure.store import families as families_module
from infrastructure.store.books import Books
from infrastructure.store.crew import Crew
from infrastructure.store.families import families
from infrastructure.store.projector import Runner
from infrastructure.store.rebuild import Rebuilder
from infrastructure.store.view_reader import ViewReader
from infrastructure.store.view_table import live_name
from projections.catalogue import PROJECTIONS
from projections.charges import CHARGES
from projections.table import Column, ColumnType, TableProjection
from tests.store.test_projector_on_ledger import lives, write
from tests.store.toy_views import (
    NOW,
    Account,
    ListLog,
    Paid,
    accounts,
    busy_log,
    expected_rows,
    groups,
)

BY_FAMILY = accounts(by_family=True)


@pytest.fixture
def read(books: Books) -> Iterator[Callable[[TableProjection[Any]], dict[str, Any]]]:
    """The live rows of a projection."""
    with ConnectionPool(kwargs=books.connection_arguments, min_size=1, max_size=2) as pool:
        yield lambda one: ViewReader(pool, books.schema, [one]).select(one.name, limit=9999).rows


def kept(books: Books, log: Any, *projections: TableProjection[Any]) -> None:
    """The live rows, as the runner makes them in the log's order."""
    runner = Runner(books.connect, books.schema, log, projections, batch=37)
    runner.catch_up(NOW)
    runner.close()


def parked(books: Books) -> list[tuple[Any, ...]]:
    """What is set aside in the live rows."""
    with books.connect() as conn:
        table = Identifier(books.schema, "view_parked")
        return conn.execute(
            SQL("SELECT projection, stream, position, stream_version FROM {} ORDER BY 1, 2").format(
                table
            )
        ).fetchall()


# --- reading ----------------------------------------------------------------------------------


def test_every_stream_is_in_one_batch(monkeypatch):
    """However many facts a batch and a page hold."""
    log = busy_log(streams=23, events=400)
    for facts, page in ((1, 3), (50, 7), (5000, 5000)):
        monkeypatch.setattr(families_module, "FACTS", facts)
        monkeypatch.setattr(families_module, "PAGE", page)
        batches = list(families(log, 400))
        assert sorted(name for each in batches for name in each) == sorted(
            {each.stream for each in log.items}
        )
        assert (len(batches) == 1) == (facts == 5000)


def test_streams_that_begin_later_are_left_out():
    """The log goes on meanwhile."""
    log = ListLog()
    log.add("a-1", Paid(1))
    log.add("a-2", Paid(1))
    assert list(families(log, 1)) == [["a-1"]]


# --- rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [3, 5000])
def test_rows_and_asides_are_those_of_the_logs_order(books, read, monkeypatch, page):
    """Accounts that close and open again, streams that cannot be read or applied; also where a
    family is longer than a page."""
    monkeypatch.setattr(families_module, "PAGE", page)
    log = busy_log(streams=12, events=300)
    log.add("a-0", Paid(13), Paid(1))
    log.add("b-1", None, Paid(1))
    log.add("c-99", None)
    kept(books, log, BY_FAMILY)
    before = read(BY_FAMILY), parked(books)
    assert len(before[1]) == 3
    rebuilder = Rebuilder(books.connect, books.schema, log, batch=50)
    assert list(rebuilder.compare(BY_FAMILY)) == []
    assert len(rebuilder.rebuild(BY_FAMILY, NOW).parked) == 3
    assert (read(BY_FAMILY), parked(books)) == before
    assert list(rebuilder.compare(BY_FAMILY)) == []


def test_each_row_is_stored_once(books, monkeypatch):
    """That is what it is for."""
    stored: list[str] = []
    insert = families_module.ViewTable.insert
    monkeypatch.setattr(
        families_module.ViewTable,
        "insert",
        lambda table, conn, rows: (stored.extend(rows.keys), insert(table, conn, rows)),
    )
    monkeypatch.setattr(
        families_module.ViewTable, "write", lambda *_: pytest.fail("written in the log's order")
    )
    log = busy_log(streams=40, events=900)
    monkeypatch.setattr(families_module, "FACTS", 100)
    Rebuilder(books.connect, books.schema, log).rebuild(BY_FAMILY, NOW)
    assert sorted(stored) == sorted(expected_rows(BY_FAMILY, log.items))


def test_rows_of_two_families_are_made_in_the_logs_order(books, read, monkeypatch):
    """A log in which two families touch a row contradicts the projection; the rows are right all
    the same, also those of projections beside it."""
    monkeypatch.setattr(families_module, "FACTS", 5)
    shared = attrs.evolve(groups(), by_family=True)
    log = ListLog()
    for number in range(30):
        log.add(f"{'abc'[number % 3]}-{number % 6}", Paid(20 + number))
    kept(books, log, BY_FAMILY, shared)
    rebuilder = Rebuilder(books.connect, books.schema, log)
    assert list(rebuilder.compare(BY_FAMILY, shared)) == []
    rebuilder.rebuild_all([BY_FAMILY, shared], NOW)
    for each in (BY_FAMILY, shared):
        assert read(each) == expected_rows(each, log.items)


def test_a_row_that_cannot_be_stored_sets_its_stream_aside(books, read):
    """In the log's order, where the fact that made it is known; the others stay."""

    def label(row: Account) -> str:
        return "\x00" if row.total > 400 else "fine"

    odd = attrs.evolve(BY_FAMILY, columns={"label": Column(ColumnType.TEXT, label)})
    log = busy_log(streams=12, events=200)
    kept(books, log, odd)
    before = read(odd), parked(books)
    assert before[1]
    rebuilder = Rebuilder(books.connect, books.schema, log)
    assert list(rebuilder.compare(odd)) == []
    rebuilder.rebuild(odd, NOW)
    assert (read(odd), parked(books)) == before


def test_projections_of_both_kinds_are_rebuilt_together(books, read):
    """One family by family, one in the log's order."""
    log = busy_log(streams=12, events=300)
    for each in Rebuilder(books.connect, books.schema, log).rebuild_all([BY_FAMILY, groups()], NOW):
        assert each.position == 300
    assert read(BY_FAMILY) == expected_rows(BY_FAMILY, log.items)
    assert read(groups()) == expected_rows(groups(), log.items)


# --- a crew -----------------------------------------------------------------------------------


def test_a_crew_makes_the_same_rows(books, monkeypatch):
    """Of the whole catalogue, in two processes of their own, and never in the log's order."""
    monkeypatch.setattr(crew_module, "WORTH_IT", 1)
    monkeypatch.setattr(
        families_module.ViewTable, "empty", lambda *_: pytest.fail("made in the log's order")
    )
    monkeypatch.setattr(families_module, "FACTS", 40)
    ledger = open_ledger(books)
    write(ledger, log := lives())
    kept(books, ledger, *PROJECTIONS)
    with books.connect() as conn:
        conn.execute(
            SQL("UPDATE {} SET position = 0").format(Identifier(books.schema, live_name(CHARGES)))
        )
    rebuilder = Rebuilder(
        books.connect, books.schema, ledger, crew=Crew(books, open_ledger, processes=2)
    )
    assert list(rebuilder.compare(*PROJECTIONS)) != []
    done = rebuilder.rebuild_all(PROJECTIONS, NOW)
    assert {each.position for each in done} == {len(log.log)}
    assert list(rebuilder.compare(*PROJECTIONS)) == []
    ledger.close()


def die(_: Books) -> Any:
    """What a process of the crew meets that is killed."""
    os._exit(9)


def test_a_crew_that_dies_leaves_the_live_rows(books, monkeypatch):
    """And nothing else."""
    monkeypatch.setattr(crew_module, "WORTH_IT", 1)
    ledger = open_ledger(books)
    write(ledger, lives())
    kept(books, ledger, *PROJECTIONS)
    crew = Crew(books, die, processes=2)
    with pytest.raises(BrokenProcessPool):
        Rebuilder(books.connect, books.schema, ledger, crew=crew).rebuild_all(PROJECTIONS, NOW)
    assert list(Rebuilder(books.connect, books.schema, ledger).compare(*PROJECTIONS)) == []
    with books.connect() as conn:
        left = conn.execute(
            "SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname = %s AND relname LIKE '%%shadow'",
            [books.schema],
        ).fetchone()
    assert left == (0,)
    ledger.close()
