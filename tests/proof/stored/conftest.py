"""A ledger over fresh books, its sealer, and hands that change what must not be changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import psycopg
import pytest

from infrastructure.proof.sealer import Sealer
from infrastructure.proof.signing import Signer
from infrastructure.store.books import Books
from infrastructure.store.ledger import Ledger
from tests.conftest import Server
from tests.store.writing import NOW, Tally, facts_for, open_ledger

SIGNER = Signer("billing-ledger/test", b"s" * 32)


@attrs.frozen
class Log:
    """A log with many streams, and those who may and may not write to it."""

    server: Server
    books: Books
    ledger: Ledger[Tally]
    sealer: Sealer

    def write(self, count: int, *, streams: int = 7) -> None:
        """So many facts more, dealt out to streams in turns of one to three."""
        head = self.ledger.head()
        versions: dict[str, int] = {}
        for number in range(head, head + count):
            stream = f"s-{(number // 2) % streams}-{head}"
            version = versions.get(stream, 0)
            reason = f"reason {number} åß\N{PENCIL}"
            self.ledger.append([facts_for(stream, version, reason)], now=NOW)
            versions[stream] = version + 1

    def tamper(self, *statements: str) -> None:
        """Statements of a superuser who has taken the triggers away. EVENTS and SEALS stand for
        the tables."""
        tables = {name.upper(): f"{self.books.identifier}.{name}" for name in ("events", "seals")}
        with psycopg.connect(self.server.conninfo, autocommit=True) as admin:
            for table in tables.values():
                admin.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
            for statement in statements:
                for word, table in tables.items():
                    statement = statement.replace(word, table)
                admin.execute(statement)

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of the application's."""
        return self.books.connect()


@pytest.fixture
def log(server: Server, books: Books) -> Iterator[Log]:
    """An empty log."""
    ledger = open_ledger(books)
    with books.pool(4) as pool:
        yield Log(server, books, ledger, Sealer(pool, books, SIGNER, clock=lambda: NOW))
    ledger.close()
