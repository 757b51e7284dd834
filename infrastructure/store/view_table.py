"""The table of one stored projection: its shape, reading rows, writing a batch of them.

Rows are kept whole, as JSON that an auditor can read with SQL, beside the columns that the
projection declares. A batch is read with one statement and written with at most two.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import attrs
import msgspec
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from infrastructure.store.arrays import BigintArray, InstantArray, TextArray
from infrastructure.store.differing import Difference, differing
from infrastructure.store.folding import Held, Unreadable
from infrastructure.store.journal_table import JournalBooks
from projections.table import ColumnType, ColumnValue, TableProjection

Row = TypeVar("Row")
# What stands somewhere in the log: a projection row by row, or the journal.
Kept = TableProjection[Any] | JournalBooks

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_OWN_COLUMNS = frozenset({"key", "position", "row"})
_BIGINT = 2**63
# Sets and mappings in one order, whoever encodes them: rows are compared as text.
_encode = msgspec.json.Encoder(order="deterministic").encode


@attrs.frozen
class EncodedRows:
    """Rows as they are stored, a list for each column. sizes: bytes of each row's JSON."""

    keys: list[str]
    sizes: list[int]
    arrays: list[list[Any]]


class ViewTable(Generic[Row]):
    """One projection's table in one schema, live or a shadow.

    schema: the books; None for a temporary table of this connection.
    name: of the table, without schema. tables: that name, as the only one.
    """

    def __init__(self, projection: TableProjection[Row], schema: str | None, name: str) -> None:
        if not _NAME.fullmatch(projection.name):
            raise ValueError(f"projection name {projection.name!r} is not {_NAME.pattern}")
        if taken := _OWN_COLUMNS & set(projection.columns):
            raise ValueError(f"projection {projection.name} declares reserved columns {taken}")
        self.projection = projection
        self.name, self.tables = name, (name,)
        self.temporary = schema is None
        self.identifier = Identifier(name) if schema is None else Identifier(schema, name)
        self._decoder = msgspec.json.Decoder(projection.row_type)
        # Rendered once: composing a statement for every batch costs more than sending it.
        self._select, self._delete, self._insert, self._upsert = (
            statement.as_string().encode()
            for statement in (
                SQL("SELECT key, position, row::text FROM {} WHERE key = ANY(%b::text[])").format(
                    self.identifier
                ),
                SQL("DELETE FROM {} WHERE key = ANY(%b::text[])").format(self.identifier),
                _insert(self.identifier, projection),
                _upsert(self.identifier, projection),
            )
        )

    def create(self, conn: Connection[Any]) -> None:
        """Make the table and its indexes."""
        self.create_bare(conn)
        self.create_indexes(conn)

    def create_bare(self, conn: Connection[Any]) -> None:
        """Make the table without the indexes that people and workers look rows up by."""
        columns = [
            SQL("{} {}").format(Identifier(name), SQL(column.type.value))
            for name, column in self.projection.columns.items()
        ]
        conn.execute(
            SQL(
                "CREATE {} TABLE {} (key text PRIMARY KEY, position bigint NOT NULL,"
                " row json NOT NULL{}) WITH (fillfactor = 80)"
            ).format(
                SQL("TEMPORARY" if self.temporary else ""),
                self.identifier,
                SQL("").join(SQL(", ") + column for column in columns),
            )
        )

    def create_indexes(self, conn: Connection[Any]) -> None:
        """Make its indexes; their names are left to the server."""
        for name, column in self.projection.columns.items():
            if column.indexed:
                conn.execute(
                    SQL("CREATE INDEX ON {} ({})").format(self.identifier, Identifier(name))
                )

    def drop(self, conn: Connection[Any]) -> None:
        """Remove the table if it is there."""
        conn.execute(SQL("DROP TABLE IF EXISTS {}").format(self.identifier))

    def count(self, conn: Connection[Any]) -> int:
        """The number of rows."""
        row = conn.execute(SQL("SELECT count(*) FROM {}").format(self.identifier)).fetchone()
        assert row is not None
        return int(row[0])

    def vacuum(self, conn: Connection[Any]) -> None:
        """Take back the space of rows that were written again."""
        conn.execute(SQL("VACUUM {}").format(self.identifier))

    def hold(self, conn: Connection[Any]) -> None:
        """Keep a rebuild from renaming the table for as long as the transaction lasts."""
        conn.execute(SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(self.identifier))

    def differences(self, conn: Connection[Any], live: ViewTable[Row]) -> Iterator[Difference]:
        """Rows of the live table that are not as ours, and rows that one of both lacks."""
        projection = self.projection
        columns = [Identifier(name) for name in ("position", *projection.columns)]
        statement = SQL(
            "SELECT coalesce(live.key, replayed.key), greatest(live.position, replayed.position),"
            " to_json(live), to_json(replayed)"
            " FROM {live} AS live FULL OUTER JOIN {replayed} AS replayed ON live.key = replayed.key"
            " WHERE live.key IS NULL OR replayed.key IS NULL"
            " OR ({live_columns}) IS DISTINCT FROM ({replayed_columns})"
            " ORDER BY 2, 1"
        ).format(
            live=live.identifier,
            replayed=self.identifier,
            live_columns=SQL(", ").join(
                [SQL("live.row::text"), *(SQL("live.{}").format(c) for c in columns)]
            ),
            replayed_columns=SQL(", ").join(
                [SQL("replayed.row::text"), *(SQL("replayed.{}").format(c) for c in columns)]
            ),
        )
        yield from differing(conn, projection.name, statement)

    def load(
        self, conn: Connection[Any], keys: Collection[str]
    ) -> dict[str, Held[Row] | Unreadable]:
        """The rows under these keys; a missing key has no row."""
        found: dict[str, Held[Row] | Unreadable] = {}
        for key, position, text in conn.execute(self._select, [list(keys)], binary=True):
            try:
                found[key] = Held(self.decode(text), position)
            except msgspec.DecodeError as error:
                found[key] = Unreadable(str(error))
        return found

    def write(self, conn: Connection[Any], rows: EncodedRows, removed: list[str]) -> None:
        """Store and remove rows; one statement each."""
        if rows.keys:
            conn.execute(self._upsert, rows.arrays)
        if removed:
            conn.execute(self._delete, [removed])

    def insert(self, conn: Connection[Any], rows: EncodedRows) -> None:
        """Store rows that are not there yet. Raises: psycopg.errors.UniqueViolation."""
        if rows.keys:
            conn.execute(self._insert, rows.arrays)

    def empty(self, conn: Connection[Any]) -> None:
        """Remove all rows."""
        conn.execute(SQL("TRUNCATE {}").format(self.identifier))

    def encode(self, rows: Mapping[str, Held[Row]]) -> EncodedRows:
        """Rows as they are stored.

        Raises: ValueError, TypeError or OverflowError for what neither JSON nor PostgreSQL can
        hold, and whatever a column's own function raises.
        """
        found = [held.row for held in rows.values() if held.row is not None]
        texts = [_encode(row) for row in found]
        arrays: list[list[Any]] = [
            TextArray(_text(key) for key in rows),
            BigintArray(held.position for held in rows.values()),
            TextArray(texts),
        ]
        for column in self.projection.columns.values():
            value = column.value
            arrays.append(_ARRAYS[column.type]([value(row) for row in found]))
        return EncodedRows(list(rows), [len(text) for text in texts], arrays)

    def check(self, key: str, row: Row | None) -> None:
        """Raises what `encode` raises for a row that cannot be stored."""
        if row is not None:
            self.encode({key: Held(row, 0)})

    def decode(self, text: str) -> Row:
        """A stored row. Raises: msgspec.ValidationError."""
        return self._decoder.decode(text)


def live_name(projection: Kept) -> str:
    """The name of the table that people read."""
    return f"view_{projection.name}_v{projection.version}"


def shadow_name(projection: Kept) -> str:
    """The name of the table that a rebuild fills."""
    return f"{live_name(projection)}_shadow"


# Of a row's type once: it takes longer than reading where all projections stand.
@functools.cache
def _schema_of(row_type: Any) -> dict[str, Any]:
    return msgspec.json.schema(row_type)


def shape_of(projection: Kept) -> str:
    """Digest of the row's type and of the columns: another shape needs a new version."""
    if isinstance(projection, JournalBooks):
        return projection.shape
    columns = [(name, column.type.value) for name, column in projection.columns.items()]
    row_type: Any = projection.row_type
    schema = _schema_of(row_type)
    text = json.dumps([schema, columns], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _insert(table: Identifier, projection: TableProjection[Any]) -> Composed:
    types = _types(projection)
    names = [Identifier(name) for name in types]
    return SQL(
        "INSERT INTO {table} ({names}) SELECT {picked} FROM unnest({arrays}) AS new ({names})"
    ).format(
        table=table,
        names=SQL(", ").join(names),
        picked=SQL(", ").join(
            SQL("new.row::json") if name == "row" else SQL("new.{}").format(Identifier(name))
            for name in types
        ),
        arrays=SQL(", ").join(SQL("%b::{}[]").format(SQL(kind)) for kind in types.values()),
    )


def _upsert(table: Identifier, projection: TableProjection[Any]) -> Composed:
    return SQL("{insert} ON CONFLICT (key) DO UPDATE SET {updates}").format(
        insert=_insert(table, projection),
        updates=SQL(", ").join(
            SQL("{0} = excluded.{0}").format(Identifier(name))
            for name in _types(projection)
            if name != "key"
        ),
    )


def _types(projection: TableProjection[Any]) -> dict[str, str]:
    """The columns and what the server calls their types."""
    types = {"key": "text", "position": "bigint", "row": "text"}
    return types | {name: column.type.value for name, column in projection.columns.items()}


def _text(value: ColumnValue) -> bytes:
    """The text in UTF-8, if PostgreSQL can hold it."""
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError(f"{value!r} is not a text without NUL")
    return value.encode()


def _texts(values: list[Any]) -> list[Any]:
    if None not in values:
        return TextArray([_text(value) for value in values])
    for value in values:
        if value is not None:
            _text(value)
    return values


def _integers(values: list[Any]) -> list[Any]:
    for value in values:
        if value is not None and (type(value) is not int or not -_BIGINT <= value < _BIGINT):
            raise ValueError(f"{value!r} is not an integer of 8 bytes")
    return values if None in values else BigintArray(values)


def _instants(values: list[Any]) -> list[Any]:
    for value in values:
        if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
            raise ValueError(f"{value!r} is not an instant with a zone")
    return values if None in values else InstantArray(values)


def _days(values: list[Any]) -> list[Any]:
    for value in values:
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            raise ValueError(f"{value!r} is not a day")
    return values


def _flags(values: list[Any]) -> list[Any]:
    for value in values:
        if value is not None and not isinstance(value, bool):
            raise ValueError(f"{value!r} is not a flag")
    return values


# A column's values as an array that psycopg can send. Raises: ValueError for a wrong one.
_ARRAYS: dict[ColumnType, Callable[[list[Any]], list[Any]]] = {
    ColumnType.TEXT: _texts,
    ColumnType.INTEGER: _integers,
    ColumnType.INSTANT: _instants,
    ColumnType.DAY: _days,
    ColumnType.FLAG: _flags,
}
