"""The table of open circuits: one row an account and process, and none of who is gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from infrastructure.store.books import Books
from infrastructure.store.circuits import OpenCircuit, OpenCircuits

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def opened(account: str = "main", process: str = "a:1", minutes: int = 5) -> OpenCircuit:
    return OpenCircuit(
        provider="paypal",
        account=account,
        process=process,
        since=NOON,
        next_probe_at=NOON + timedelta(minutes=minutes),
        reason="HTTP 503",
    )


@pytest.fixture
def pool(books: Books) -> Iterator[ConnectionPool]:
    with books.pool(2) as opened:
        yield opened


@pytest.fixture
def circuits(books: Books, pool: ConnectionPool) -> OpenCircuits:
    return OpenCircuits(pool, books.schema)


def test_a_process_says_what_is_so_now(circuits: OpenCircuits) -> None:
    """What it does not name is closed; others' rows are their own."""
    circuits.write("a:1", [opened(), opened("second")])
    circuits.write("b:2", [opened(process="b:2", minutes=1)])
    circuits.write("a:1", [opened()])
    assert [(each.account, each.process) for each in circuits.read()] == [
        ("main", "b:2"),
        ("main", "a:1"),
    ]
    assert circuits.by_account()["paypal", "main"] == opened(process="b:2", minutes=1)
    circuits.write("a:1", [])
    circuits.write("b:2", [])
    assert circuits.read() == []


def test_rows_of_a_dead_process_age_out(
    circuits: OpenCircuits, books: Books, pool: ConnectionPool
) -> None:
    """After a minute without its repeating them nobody believes them, then they are gone."""
    circuits.write("a:1", [opened()])
    with pool.connection() as conn:
        conn.execute(
            SQL("UPDATE {} SET seen_at = seen_at - interval '61 seconds'").format(
                Identifier(books.schema, "circuits")
            )
        )
    assert circuits.read() == []
    circuits.write("b:2", [])
    with pool.connection() as conn:
        left = conn.execute(
            SQL("SELECT count(*) FROM {}").format(Identifier(books.schema, "circuits"))
        ).fetchone()
    assert left == (0,)
