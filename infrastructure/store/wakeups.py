"""Telling readers that there is something new, outside the transactions that carry money.

A NOTIFY inside a transaction makes all commits of the server queue up behind one lock. So the
signal goes out after the commit, on a connection of its own, once for all appends of a few
milliseconds. It is only a hint: it may be lost, it does not work on a standby, and every reader
polls as well.
"""

from __future__ import annotations

import hashlib
import threading
import time

import psycopg
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from infrastructure.store.books import Books

COALESCE_S = 0.01
_RETRY_S = 1.0
# A listening thread looks up this often whether it was interrupted.
_SLICE_S = 0.25


def channel_of(schema: str) -> str:
    """The NOTIFY channel of a set of books, at most 63 bytes."""
    name = f"{schema}_events"
    if len(name) > 63:
        name = "events_" + hashlib.blake2b(schema.encode(), digest_size=16).hexdigest()
    return name


class Waker:
    """Sends the signal from a thread of its own; `signal` costs its caller next to nothing."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._statement = SQL("NOTIFY {}").format(Identifier(channel_of(books.schema)))
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def signal(self) -> None:
        """Wake the readers soon. Never raises and never waits."""
        if self._thread is None:
            with self._starting:
                if self._thread is None and not self._closing.is_set():
                    self._thread = threading.Thread(
                        target=self._run, name=f"waker {self._books.schema}", daemon=True
                    )
                    self._thread.start()
        # is_set first: it takes no lock, and in a busy process it is nearly always set.
        if not self._wanted.is_set():
            self._wanted.set()

    def close(self) -> None:
        """Send what is wanted, then end the thread."""
        self._closing.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        session: psycopg.Connection[TupleRow] | None = None
        while True:
            self._wanted.wait()
            closing = self._closing.wait(COALESCE_S)
            self._wanted.clear()
            try:
                if session is None:
                    session = self._books.connect()
                    # The signal is worth no flush of the log to disk.
                    session.execute("SET synchronous_commit = off")
                session.execute(self._statement)
            except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError):
                # Readers poll; the next signal goes out on a new connection.
                if session is not None:
                    session.close()
                session = None
                closing = self._closing.wait(_RETRY_S)
            if closing or self._closing.is_set():
                break
        if session is not None:
            session.close()


class Listener:
    """Waits for the signal, or for the time to poll. For one reader thread."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._statement = SQL("LISTEN {}").format(Identifier(channel_of(books.schema)))
        self._session: psycopg.Connection[TupleRow] | None = None
        self._interrupted = threading.Event()

    def wait(self, timeout: float) -> bool:
        """Wait for a signal, at most `timeout` seconds; whether one came.

        False says nothing: look at the log in any case. Returns at once after `interrupt`. The
        first call, and the first after a lost connection, return True at once, because signals
        may have been missed.
        """
        ends_at = time.monotonic() + timeout
        try:
            if self._session is None:
                self._session = self._books.connect()
                self._session.execute(self._statement)
                return True
            while not self._interrupted.is_set():
                left = ends_at - time.monotonic()
                if left <= 0:
                    return False
                for _ in self._session.notifies(timeout=min(left, _SLICE_S), stop_after=1):
                    return True
            return False
        except psycopg.Error:
            # A standby cannot LISTEN, a broken connection hears nothing: then we only poll.
            self._drop()
            self._interrupted.wait(max(0.0, ends_at - time.monotonic()))
            return False

    def interrupt(self) -> None:
        """Make `wait` return, now and from now on; from any thread."""
        self._interrupted.set()

    def close(self) -> None:
        """Let go of the connection."""
        self._interrupted.set()
        self._drop()

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
