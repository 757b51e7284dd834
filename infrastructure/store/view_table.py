"""The table of one stored projection: its shape, reading rows, writing a batch of them.

Rows are kept whole, as JSON that an auditor can read with SQL, beside the columns that the
projection declares. A batch is read with one statement and written with at most two.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import attrs
import msgspec
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from infrastructure.store.folding import Held, Unreadable
from projections.table import ColumnType, ColumnValue, TableProjection

Row = TypeVar("Row")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_OWN_COLUMNS = frozenset({"key", "position", "row"})
_BIGINT = 2**63
# Sets and mappings in one order, whoever encodes them: rows are compared as text.
_encode = msgspec.json.Encoder(order="deterministic").encode


@attrs.frozen
class EncodedRow:
    """A row as it is stored. columns: values in the projection's order."""

    key: str
    position: int
    json: str
    columns: tuple[ColumnValue, ...]

    @property
    def size(self) -> int:
        """Characters of JSON: a measure of the memory that the row takes."""
        return len(self.json)


class ViewTable(Generic[Row]):
    """One projection's table in one schema, live or a shadow.

    schema: the books; None for a temporary table of this connection.
    name: of the table, without schema.
    """

    def __init__(self, projection: TableProjection[Row], schema: str | None, name: str) -> None:
        if not _NAME.fullmatch(projection.name):
            raise ValueError(f"projection name {projection.name!r} is not {_NAME.pattern}")
        if taken := _OWN_COLUMNS & set(projection.columns):
            raise ValueError(f"projection {projection.name} declares reserved columns {taken}")
        self.projection = projection
        self.name = name
        self.temporary = schema is None
        self.identifier = Identifier(name) if schema is None else Identifier(schema, name)
        self._extract = tuple((c.type, c.value) for c in projection.columns.values())
        self._decoder = msgspec.json.Decoder(projection.row_type)
        self._select = SQL(
            "SELECT key, position, row::text FROM {} WHERE key = ANY(%b::text[])"
        ).format(self.identifier)
        self._delete = SQL("DELETE FROM {} WHERE key = ANY(%b::text[])").format(self.identifier)
        self._upsert = _upsert(self.identifier, projection)

    def create(self, conn: Connection[Any]) -> None:
        """Make the table and its indexes; names of indexes are left to the server."""
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
        for name, column in self.projection.columns.items():
            if column.indexed:
                conn.execute(
                    SQL("CREATE INDEX ON {} ({})").format(self.identifier, Identifier(name))
                )

    def drop(self, conn: Connection[Any]) -> None:
        """Remove the table if it is there."""
        conn.execute(SQL("DROP TABLE IF EXISTS {}").format(self.identifier))

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

    def write(self, conn: Connection[Any], rows: list[EncodedRow], removed: list[str]) -> None:
        """Store and remove rows; one statement each."""
        if rows:
            values: list[list[Any]] = [
                [row.key for row in rows],
                [row.position for row in rows],
                [row.json for row in rows],
                *(list(column) for column in zip(*(row.columns for row in rows), strict=True)),
            ]
            conn.execute(self._upsert, values)
        if removed:
            conn.execute(self._delete, [removed])

    def encode(self, key: str, held: Held[Row]) -> EncodedRow:
        """A row as it is stored.

        Raises: ValueError, TypeError or OverflowError for what neither JSON nor PostgreSQL can
        hold, and whatever a column's own function raises.
        """
        assert held.row is not None
        row = held.row
        columns = tuple(_stored(kind, value(row)) for kind, value in self._extract)
        return EncodedRow(_stored_text(key), held.position, _encode(row).decode("utf-8"), columns)

    def check(self, key: str, row: Row | None) -> None:
        """Raises what `encode` raises for a row that cannot be stored."""
        if row is not None:
            self.encode(key, Held(row, 0))

    def decode(self, text: str) -> Row:
        """A stored row. Raises: msgspec.ValidationError."""
        return self._decoder.decode(text)


def live_name(projection: TableProjection[Any]) -> str:
    """The name of the table that people read."""
    return f"view_{projection.name}_v{projection.version}"


def shadow_name(projection: TableProjection[Any]) -> str:
    """The name of the table that a rebuild fills."""
    return f"{live_name(projection)}_shadow"


def shape_of(projection: TableProjection[Any]) -> str:
    """Digest of the row's type and of the columns: another shape needs a new version."""
    columns = [(name, column.type.value) for name, column in projection.columns.items()]
    schema = msgspec.json.schema(projection.row_type)
    text = json.dumps([schema, columns], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _upsert(table: Identifier, projection: TableProjection[Any]) -> Composed:
    types = {"key": "text", "position": "bigint", "row": "text"}
    types |= {name: column.type.value for name, column in projection.columns.items()}
    names = [Identifier(name) for name in types]
    return SQL(
        "INSERT INTO {table} ({names}) SELECT {picked} FROM unnest({arrays}) AS new ({names})"
        " ON CONFLICT (key) DO UPDATE SET {updates}"
    ).format(
        table=table,
        names=SQL(", ").join(names),
        picked=SQL(", ").join(
            SQL("new.row::json") if name == "row" else SQL("new.{}").format(Identifier(name))
            for name in types
        ),
        arrays=SQL(", ").join(SQL("%b::{}[]").format(SQL(kind)) for kind in types.values()),
        updates=SQL(", ").join(
            SQL("{0} = excluded.{0}").format(name) for name in names if name != Identifier("key")
        ),
    )


def _stored_text(value: str) -> str:
    """The text, if PostgreSQL can hold it."""
    if "\x00" in value:
        raise ValueError("text holds a NUL character")
    value.encode("utf-8")
    return value


def _stored(kind: ColumnType, value: ColumnValue) -> ColumnValue:
    """A column's value, if it is of the column's type."""
    if value is None:
        return None
    match kind:
        case ColumnType.TEXT if isinstance(value, str):
            return _stored_text(value)
        case ColumnType.INTEGER if type(value) is int and -_BIGINT <= value < _BIGINT:
            return value
        case ColumnType.FLAG if isinstance(value, bool):
            return value
        case ColumnType.INSTANT if isinstance(value, datetime) and value.tzinfo is not None:
            return value
        case ColumnType.DAY if isinstance(value, date) and not isinstance(value, datetime):
            return value
    raise ValueError(f"{value!r} is not a value of a {kind.value} column")
