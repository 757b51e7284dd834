"""One projection at work on one table: what a batch touches is loaded, folded and written.

The live runner, the rebuild and the audit write through here, so a rebuilt row and a live row have
come about in the same way.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

import attrs
from psycopg import Connection

from infrastructure.store.folding import (
    Folded,
    Held,
    LogItem,
    Parked,
    Unreadable,
    fold,
    touches_of,
)
from infrastructure.store.view_table import EncodedRows, ViewTable
from projections.table import TableProjection

Row = TypeVar("Row")

# Bytes of JSON; the objects behind it take some five times as much memory.
CACHE_SIZE = 3_000_000


class RowCache(Generic[Row]):
    """The rows used last, within a bound on the sum of their sizes. Only their writer may hold one.

    limit: bytes of JSON.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._total = 0
        self._rows: OrderedDict[str, tuple[Held[Row], int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: str) -> Held[Row] | None:
        """The row, or None where it is not at hand."""
        entry = self._rows.get(key)
        if entry is None:
            return None
        self._rows.move_to_end(key)
        return entry[0]

    def put(self, key: str, held: Held[Row], size: int) -> None:
        """Keep a row; the ones unused for longest make room."""
        self.drop(key)
        self._rows[key] = (held, size)
        self._total += size
        while self._total > self._limit:
            _, (_, freed) = self._rows.popitem(last=False)
            self._total -= freed

    def drop(self, key: str) -> None:
        """Forget one row."""
        entry = self._rows.pop(key, None)
        if entry is not None:
            self._total -= entry[1]

    def clear(self) -> None:
        """Forget all rows."""
        self._rows.clear()
        self._total = 0


@attrs.frozen
class Written(Generic[Row]):
    """A batch as written but not yet committed."""

    position: int
    encoded: EncodedRows
    folded: Folded[Row]


class ViewWriter(Generic[Row]):
    """A projection, its table, the position of its rows, and the streams set aside.

    What it remembers changes only by `accept`, after the caller's commit.
    """

    def __init__(
        self,
        projection: TableProjection[Row],
        table: ViewTable[Row],
        *,
        cache_size: int = CACHE_SIZE,
    ) -> None:
        self.projection = projection
        self.table = table
        self.position = 0
        self.parked: dict[str, Parked] = {}
        self._cache: RowCache[Row] = RowCache(cache_size)

    def start_from(self, position: int, parked: dict[str, Parked]) -> None:
        """Stand where the table stands; nothing remembered from before is used."""
        self.position = position
        self.parked = dict(parked)
        self._cache.clear()

    def write(self, conn: Connection[Any], items: Sequence[LogItem], upto: int) -> Written[Row]:
        """Fold a batch into the table, within the caller's transaction.

        items: the log after `position`, in order. upto: where the rows stand afterwards.
        """
        touches, parked = touches_of(self.projection, items, self.parked)
        rows = self._rows(conn, {key for touch in touches for key in touch.keys})
        folded = fold(self.projection, touches, rows)
        try:
            encoded = self._encoded(folded)
        # A row that cannot be stored, or a column's own function that fails: a fault like one of
        # apply. Which event brought it is found by checking every row that the batch makes.
        except Exception:
            folded = fold(self.projection, touches, rows, check=self.table.check)
            encoded = self._encoded(folded)
        removed = [key for key, held in folded.changed.items() if held.row is None and key in rows]
        self.table.write(conn, encoded, removed)
        # What a fold parks lies before what the batch parked of the same stream.
        return Written(upto, encoded, attrs.evolve(folded, parked=parked | folded.parked))

    def accept(self, written: Written[Row]) -> None:
        """The caller has committed: remember it."""
        self.position = written.position
        self.parked |= written.folded.parked
        encoded = written.encoded
        for key, size in zip(encoded.keys, encoded.sizes, strict=True):
            self._cache.put(key, written.folded.changed[key], size)
        for key, held in written.folded.changed.items():
            if held.row is None:
                self._cache.drop(key)

    def _rows(
        self, conn: Connection[Any], keys: Iterable[str]
    ) -> dict[str, Held[Row] | Unreadable]:
        rows: dict[str, Held[Row] | Unreadable] = {}
        absent: list[str] = []
        for key in keys:
            held = self._cache.get(key)
            if held is None:
                absent.append(key)
            else:
                rows[key] = held
        if absent:
            rows |= self.table.load(conn, absent)
        return rows

    def _encoded(self, folded: Folded[Row]) -> EncodedRows:
        changed = folded.changed.items()
        return self.table.encode({key: held for key, held in changed if held.row is not None})
