"""The library's datastore and factory, pointed at one set of books.

The library takes host, port and password apart; books are reached by a whole connection string
(several hosts, target_session_attrs, a password file), which never enters the environment.
"""

from __future__ import annotations

from eventsourcing.persistence import AggregateRecorder
from eventsourcing.postgres import BasePostgresFactory, PostgresDatastore, PostgresFactory
from eventsourcing.utils import Environment
from psycopg.rows import dict_row

from infrastructure.store.books import Books
from infrastructure.store.recorder import LedgerRecorder


class BooksDatastore(PostgresDatastore):
    """The library's connection pool over one set of books. Sessions are in UTC."""

    def __init__(self, books: Books, *, pool_size: int = 1, max_overflow: int = 9) -> None:
        super().__init__(
            dbname="",
            host="",
            port="",
            user="",
            password="",
            schema=books.schema,
            originator_id_type="text",
            pool_size=pool_size,
            max_overflow=max_overflow,
            connect_timeout=30.0,
            idle_in_transaction_session_timeout=60.0,
            # Never: they lose tracking, mix tables and let readers pass over events.
            enable_db_functions=False,
        )
        # The pool is not open yet; from here on it connects as the books say.
        self.pool.kwargs = {**books.connection_arguments, "row_factory": dict_row}

    def register_type_adapters(self) -> None:
        """Nothing: we send plain arrays, and the library's composite types are not made."""


class LedgerFactory(PostgresFactory):
    """Makes the library's parts for one set of books. Tables are made by `open_books`."""

    application_recorder_class = LedgerRecorder
    process_recorder_class = LedgerRecorder

    def __init__(self, env: Environment, books: Books) -> None:
        # Past the base class, which builds its datastore from environment variables.
        super(BasePostgresFactory, self).__init__(env)
        self.datastore = BooksDatastore(books)

    def env_create_table(self) -> bool:
        """The tables are there: the application's role may not make them."""
        return False

    def application_recorder(self) -> LedgerRecorder:
        """The recorder of the ledger's one table."""
        return LedgerRecorder(self.datastore)

    def process_recorder(self) -> LedgerRecorder:
        """The same recorder: it tracks too."""
        return LedgerRecorder(self.datastore)

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Raises: NotImplementedError. Snapshots are kept by `snapshots.Snapshots`."""
        raise NotImplementedError(f"there is no table of {purpose} for the library's own use")
