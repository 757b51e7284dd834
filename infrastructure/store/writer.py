"""The one connection through which a process appends, and what happens when it breaks.

A commit whose answer is lost may or may not have happened. The append function, called again with
the same event ids, waits for the lock that the lost transaction may still hold, reads back by
event id, and only then decides: what is there is reported as written, what is not is written.
So a second call never reports our own write as a conflict and never writes twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
from psycopg.rows import TupleRow

from infrastructure.store.books import Books

R = TypeVar("R")
Session = psycopg.Connection[TupleRow]

# Longer than a failover: 28 s were measured with Patroni's default time to live.
PATIENCE_S = 60.0
_FIRST_WAIT_S = 0.02
_LONGEST_WAIT_S = 1.0
# SQLSTATEs after which another try, on a new connection, may succeed: the server shuts down or
# starts, the session was ended, this host only reads now, too many connections.
_PASSING = {"57P01", "57P02", "57P03", "57P05", "25006", "53300"}
# Classes of SQLSTATEs likewise: connection exception, transaction rollback.
_PASSING_CLASSES = {"08", "40"}


class LedgerUnavailable(Exception):
    """The server could not be reached for too long.

    Whether the last append was written is not known. Asking again with the same command ids is
    safe and tells.
    """


class Writer:
    """Runs work on one connection, one caller at a time, and outlives broken connections.

    After PATIENCE_S of fruitless reconnecting it gives up.
    """

    def __init__(self, books: Books) -> None:
        self._books = books
        self._session: Session | None = None
        self._closing = threading.Event()

    def run(self, work: Callable[[Session], R]) -> R:
        """Do work that may be repeated: an append that carries its event ids.

        Raises: LedgerUnavailable; other errors of psycopg as they are, with nothing written.
        """
        gives_up_at: float | None = None
        wait = _FIRST_WAIT_S
        while True:
            try:
                if self._session is None:
                    self._session = self._books.connect()
                return work(self._session)
            except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as e:
                if not self._is_passing(e):
                    raise
                self._drop()
                gives_up_at = gives_up_at or time.monotonic() + PATIENCE_S
                if time.monotonic() > gives_up_at or self._closing.wait(wait):
                    raise LedgerUnavailable(f"no answer from the ledger's server: {e}") from e
                wait = min(2 * wait, _LONGEST_WAIT_S)

    def close(self) -> None:
        """Let go of the connection; a caller who waits for a server gives up."""
        self._closing.set()
        self._drop()

    def _is_passing(self, error: psycopg.Error) -> bool:
        if self._session is None or self._session.closed:
            return True
        code = error.sqlstate or ""
        return code in _PASSING or code[:2] in _PASSING_CLASSES

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
