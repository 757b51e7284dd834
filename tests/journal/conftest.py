"""Tables that a test fills itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg_pool import ConnectionPool

from infrastructure.store.books import Books
from tests.journal.keeping import Stored


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
