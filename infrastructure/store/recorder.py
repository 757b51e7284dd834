"""The library's process recorder over our own table and append function.

What is stricter than the library's contract: versions of a stream begin at 1 and have no gaps,
positions have none either, states are JSON text, ids are text. What is the same: inserts are
atomic, a taken version is an IntegrityError, tracking commits with the events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    InterfaceError,
    Notification,
    OperationalError,
    StoredEvent,
    Tracking,
)
from eventsourcing.postgres import PostgresDatastore, PostgresProcessRecorder
from eventsourcing.utils import retry
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier

from infrastructure.store.appending import Added, Addition, AppendFunction
from infrastructure.store.arrays import BigintArray, TextArray
from infrastructure.store.stored import RecordedEvent, additions_of
from infrastructure.store.wakeups import channel_of

# One row of the events table, in the order of _COLUMNS.
EventRow = tuple[int, str, int, str, str, UUID, datetime, datetime, str, str, UUID]
_COLUMNS = SQL(
    "e.position, e.stream, e.version, e.name, e.body::text, e.event_id, "
    "e.recorded_at, e.effective_at, e.actor, e.cause, e.command_id"
)
_lost_connection = retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)


class LedgerRecorder(PostgresProcessRecorder):
    """Inserts and selects in one set of books.

    on_insert: called after each insert has committed; wakes the readers.
    """

    def __init__(
        self,
        datastore: PostgresDatastore,
        *,
        events_table_name: str = "events",
        tracking_table_name: str = "tracking",
    ) -> None:
        super().__init__(
            datastore, events_table_name=events_table_name, tracking_table_name=tracking_table_name
        )
        self.sql_create_statements = []
        self.channel_name = channel_of(datastore.schema)
        self.on_insert: Callable[[], None] = lambda: None
        self.append_function = AppendFunction(datastore.schema)
        table = Identifier(datastore.schema, events_table_name)
        self._select = SQL("SELECT {} FROM {} e ").format(_COLUMNS, table)
        self.max_notification_id_statement = SQL("SELECT max(position) FROM {}").format(table)
        self._select_names = SQL(
            "SELECT stream FROM {} WHERE stream LIKE %s AND version = 1 ORDER BY position"
        ).format(table)
        # From a version on, for many streams at once: an index scan a stream, whatever the
        # planner thinks of the table's size.
        self._select_streams = SQL(
            "SELECT {} FROM unnest(%b::text[], %b::bigint[]) WITH ORDINALITY"
            " AS q(stream, after, n) CROSS JOIN LATERAL ("
            " SELECT * FROM {} e WHERE e.stream = q.stream AND e.version > q.after"
            " AND e.position <= %b ORDER BY e.version) e ORDER BY q.n, e.version"
        ).format(_COLUMNS, table)

        # All facts of some streams as one log. They are found stream by stream and sorted then: a
        # plan for whatever bounds would walk through the whole log for each stream (OFFSET 0).
        self._select_together = SQL(
            "SELECT {} FROM unnest(%b::text[]) AS q(stream) CROSS JOIN LATERAL ("
            " SELECT * FROM {} e WHERE e.stream = q.stream OFFSET 0) e"
            " WHERE e.position > %b AND e.position <= %b ORDER BY e.position LIMIT %b"
        ).format(_COLUMNS, table)

    def create_table(self) -> None:
        """Nothing: the tables are made by `open_books`, which may; the application may not."""

    # --- writing --------------------------------------------------------------------------------

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Write all or nothing; the positions, or None when there was nothing to write.

        tracking: moved forward in the same transaction. now: the caller's clock.
        Raises: IntegrityError when a version is taken or leaves a gap, or tracking is not ahead.
        """
        tracking: Tracking | None = kwargs.get("tracking")
        now: datetime = kwargs.get("now") or datetime.now(UTC)
        if not stored_events and tracking is None:
            return None
        additions = additions_of(stored_events, now)
        # The event ids are fixed by now: a retry of this is recognised as a repeat.
        added = self._add_all(additions, now, tracking)
        self.on_insert()
        return _positions(stored_events, additions, added)

    @_lost_connection
    def _add_all(
        self, additions: Sequence[Addition], now: datetime, tracking: Tracking | None
    ) -> list[Any]:
        mark = (tracking.application_name, tracking.notification_id) if tracking else (None, None)
        with self.datastore.get_connection() as conn:
            return list(
                self.append_function.add(conn, additions, now, all_or_nothing=True, tracking=mark)
            )

    # --- reading --------------------------------------------------------------------------------

    @_lost_connection
    def fetch(self, statement: Composed, params: Sequence[Any]) -> list[EventRow]:
        """Rows of a select over the events table."""
        with (
            self.datastore.get_connection() as conn,
            conn.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            cursor.execute(statement, params, prepare=True)
            return cursor.fetchall()

    def rows_of_streams(
        self, after: Sequence[tuple[str, int]], stop: int | None = None
    ) -> list[EventRow]:
        """Events of streams (each once) after a version, stream by stream in the order given.

        stop: the last position that counts; None: all.
        """
        streams = TextArray(stream.encode() for stream, _ in after)
        versions = BigintArray(version for _, version in after)
        rows: list[EventRow] = self.fetch(
            self._select_streams, (streams, versions, _LAST if stop is None else stop)
        )
        return rows

    @_lost_connection
    def names_of_streams(self, prefix: str) -> list[str]:
        """The streams whose names begin so."""
        statement = self._select_names
        with self.datastore.get_connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(statement, (prefix.replace("_", r"\_") + "%",))
            names: list[str] = [stream for (stream,) in cursor.fetchall()]
            return names

    def rows_of_log(self, after: int, limit: int, stop: int | None) -> list[EventRow]:
        """At most `limit` events with after < position <= stop, in order."""
        where = SQL("WHERE e.position > %b AND e.position <= %b ORDER BY e.position LIMIT %b")
        bounds = (after, _LAST if stop is None else stop, limit)
        rows: list[EventRow] = self.fetch(self._select + where, bounds)
        return rows

    def rows_together(
        self, streams: Sequence[str], after: int, limit: int, stop: int
    ) -> list[EventRow]:
        """As `rows_of_log`, of these streams alone."""
        wanted = TextArray(stream.encode() for stream in streams)
        rows: list[EventRow] = self.fetch(self._select_together, (wanted, after, stop, limit))
        return rows

    def rows_of_beginnings(self, after: int, limit: int, stop: int) -> list[EventRow]:
        """As `rows_of_log`, of each stream its first event alone."""
        where = SQL(
            "WHERE e.version = 1 AND e.position > %b AND e.position <= %b"
            " ORDER BY e.position LIMIT %b"
        )
        rows: list[EventRow] = self.fetch(self._select + where, (after, stop, limit))
        return rows

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """One stream's events with gt < version <= lte, in order or in reverse."""
        order = SQL("DESC" if desc else "ASC")
        statement = self._select + SQL(
            "WHERE e.stream = %b AND e.version > %b AND e.version <= %b "
            "ORDER BY e.version {} LIMIT %b"
        ).format(order)
        bounds = (gt or 0, _LAST if lte is None else lte, limit)
        return list(map(self._recorded, self.fetch(statement, (str(originator_id), *bounds))))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """The log from `start`, at most `limit` events, of these stored names or of all.

        No index helps `topics`: on a long log, read everything and filter in Python.
        """
        after = (start or 0) - (1 if inclusive_of_start and start else 0)
        if not topics:
            return list(map(self._recorded, self.rows_of_log(after, limit, stop)))
        statement = self._select + SQL(
            "WHERE e.position > %b AND e.position <= %b AND e.name = ANY(%b) "
            "ORDER BY e.position LIMIT %b"
        )
        params = (after, _LAST if stop is None else stop, list(topics), limit)
        return list(map(self._recorded, self.fetch(statement, params)))

    def _recorded(self, row: EventRow) -> RecordedEvent:
        position, stream, version, name, body = row[:5]
        return RecordedEvent(stream, version, name, body.encode(), position, *row[5:])


# The greatest bigint: "no upper bound" without a second statement.
_LAST = 2**63 - 1


def _positions(
    stored: Sequence[StoredEvent], additions: Iterable[Addition], added: Iterable[Added]
) -> list[int]:
    """The position of each event, in the order in which they were given.

    The server gives positions in the order in which it got the rows: stream by stream.
    """
    place: dict[tuple[str, int], int] = {}
    for addition, last in zip(additions, added, strict=True):
        for back, row in enumerate(reversed(addition.rows)):
            place[addition.stream, row.version] = last.position - back
    return [place[str(event.originator_id), event.originator_version] for event in stored]
