"""Making rows family by family: whole streams at once, so that each row is folded and stored once.

In the log's order a row is loaded, changed and stored again whenever its stream goes on, and a long
log goes on with a stream in every batch. Streams that share rows are read together, in the log's
order among themselves (projections/families.py); what comes out is row for row the same.

errors
  NotByFamily   rows of this log cannot be made so; in the log's order they can
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from psycopg import Connection, errors

from domain.recorded import Recorded
from infrastructure.store.folding import (
    Held,
    Log,
    LogItem,
    Parked,
    Unreadable,
    fold,
    touches_of,
)
from infrastructure.store.view_table import ViewTable
from projections.families import family_of

Row = TypeVar("Row")

# Facts that a batch of families has on average, and that are read at a time.
FACTS, PAGE = 5000, 5000

# By stream, for each of the tables.
Asides = list[dict[str, Parked]]


class FamilyLog(Log, Protocol):
    """What making rows family by family needs of the ledger."""

    def read_beginnings(self, after: int, limit: int, stop: int) -> Sequence[LogItem]:
        """As `read_log`, of each stream its first event alone."""

    def read_together(
        self, streams: Sequence[str], after: int, limit: int, stop: int
    ) -> Sequence[LogItem]:
        """As `read_log`, of these streams alone."""


class NotByFamily(Exception):
    """Two families touch one row, or a row cannot be stored. The log's order shows which fact."""


def families(log: FamilyLog, stop: int) -> Iterator[list[str]]:
    """All streams up to a position, some whole families at a time.

    Memory: the names of all streams.
    """
    members: dict[str, list[str]] = {}
    after = 0
    while items := log.read_beginnings(after, PAGE, stop):
        for item in items:
            family = family_of(item) if isinstance(item, Recorded) else item.stream
            members.setdefault(family, []).append(item.stream)
        after = items[-1].position
    streams = sum(map(len, members.values()))
    enough = max(1, FACTS * streams // max(1, stop))
    batch: list[str] = []
    for whole in members.values():
        batch += whole
        if len(batch) >= enough:
            yield batch
            batch = []
    if batch:
        yield batch


def fold_families(
    conn: Connection[Any],
    log: FamilyLog,
    tables: Sequence[ViewTable[Any]],
    streams: Sequence[str],
    stop: int,
) -> Asides:
    """Make all rows of some whole families, as of a position, in one transaction.

    tables: they hold no row of these families. Returns: the streams set aside.
    Memory: a page of facts, and these families' rows. Raises: NotByFamily.
    """
    folds = [_Fold(table) for table in tables]
    after = 0
    while items := log.read_together(streams, after, PAGE, stop):
        for each in folds:
            each.take(items)
        after = items[-1].position
        if len(items) < PAGE:
            break
    with conn.transaction():
        for each in folds:
            each.store(conn)
    return [each.parked for each in folds]


class _Fold(Generic[Row]):
    """One projection's rows of some families."""

    def __init__(self, table: ViewTable[Row]) -> None:
        self._table = table
        self._rows: dict[str, Held[Row] | Unreadable] = {}
        self.parked: dict[str, Parked] = {}

    def take(self, items: Sequence[LogItem]) -> None:
        """The next facts."""
        projection = self._table.projection
        touches, parked = touches_of(projection, items, self.parked)
        folded = fold(projection, touches, self._rows)
        self._rows.update(folded.changed)
        # What a fold parks lies before what the page parked of the same stream.
        self.parked |= parked | folded.parked

    def store(self, conn: Connection[Any]) -> None:
        """Write the rows. Raises: NotByFamily."""
        rows = {
            key: held
            for key, held in self._rows.items()
            if isinstance(held, Held) and held.row is not None
        }
        name = self._table.projection.name
        try:
            encoded = self._table.encode(rows)
        # Whatever a column's own function raises; in the log's order the fact that brought it is
        # found and its stream set aside.
        except Exception as error:
            raise NotByFamily(f"{name}: {type(error).__name__}: {error}") from None
        try:
            self._table.insert(conn, encoded)
        except errors.UniqueViolation:
            raise NotByFamily(f"{name}: two families touch one row") from None
