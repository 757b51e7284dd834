"""Reading stored projections: every answer says at which position of the log it is valid."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from psycopg import Connection, errors
from psycopg.sql import SQL, Composed, Identifier
from psycopg_pool import ConnectionPool

from infrastructure.store.folding import Parked
from infrastructure.store.tracking import ViewMissing, parked_streams
from infrastructure.store.view_table import ViewTable, live_name
from projections.table import ColumnValue, TableProjection

_FIRST_POLL_S = 0.002
_LONGEST_POLL_S = 0.05


@attrs.frozen
class Answer:
    """One row, or None where there is none; `position`: the log position it is valid at."""

    row: Any | None
    position: int


@attrs.frozen
class Page:
    """Rows by key in the order asked for; `position`: the log position they are valid at."""

    rows: dict[str, Any]
    position: int


class ViewReader:
    """Answers from the live tables of one set of books.

    pool: connections of the application. schema: the set of books.
    """

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        schema: str,
        projections: Iterable[TableProjection[Any]],
    ) -> None:
        self._pool = pool
        self._schema = schema
        self._tables: dict[str, ViewTable[Any]] = {
            p.name: ViewTable(p, schema, live_name(p)) for p in projections
        }

    def get(self, name: str, key: str) -> Answer:
        """The row under a key. Raises: ViewMissing."""
        page = self._page(name, SQL("WHERE key = %s"), [key])
        return Answer(page.rows.get(key), page.position)

    def get_many(self, name: str, keys: Iterable[str]) -> Page:
        """The rows under these keys; a missing key has no row. Raises: ViewMissing."""
        return self._page(name, SQL("WHERE key = ANY(%s::text[]) ORDER BY key"), [list(keys)])

    def select(
        self,
        name: str,
        where: Mapping[str, ColumnValue] | None = None,
        *,
        at_most: Mapping[str, ColumnValue] | None = None,
        having: Iterable[str] = (),
        order: str | None = None,
        descending: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> Page:
        """Rows by their declared columns.

        where: columns that equal a value (None: have none); at_most: columns up to a value;
        having: columns that have a value.
        order: a declared column, then the key; rows without a value come last. limit: rows.
        Raises: KeyError for a column that the projection does not declare; ViewMissing.
        """
        table = self._tables[name]
        clause, values = _condition(table, where or {}, at_most or {}, having)
        direction = SQL("DESC NULLS LAST" if descending else "ASC")
        by = [] if order is None else [SQL("{} {}").format(_column(table, order), direction)]
        ending = SQL("{} ORDER BY {} LIMIT %s OFFSET %s").format(
            clause, SQL(", ").join([*by, SQL("key")])
        )
        return self._page(name, ending, [*values, limit, offset])

    def keys_by(self, name: str, column: str, values: Iterable[str]) -> dict[str, str]:
        """The key of the row that has each of these values in a declared text column.

        A value that no row has is left out. Raises: KeyError as `select`; ViewMissing.
        """
        table = self._tables[name]
        statement = SQL("SELECT {0}, key FROM {1} WHERE {0} = ANY(%s::text[])").format(
            _column(table, column), table.identifier
        )
        try:
            with self._pool.connection() as conn:
                return dict(conn.execute(statement, [list(values)]).fetchall())
        except errors.UndefinedTable as error:
            raise ViewMissing(f"projection {live_name(table.projection)} has never run") from error

    def owners_of(
        self, name: str, column: str, values: Iterable[ColumnValue]
    ) -> dict[ColumnValue, str]:
        """Which row's declared column holds each value: value to key; unknown ones are left out.

        For columns whose values are unique; of several rows the one with the greatest key is given.
        Raises: KeyError for a column that the projection does not declare.
        """
        table = self._tables[name]
        statement = SQL(
            "SELECT {column}, key FROM {} WHERE {column} = ANY(%s) ORDER BY key"
        ).format(table.identifier, column=_column(table, column))
        with self._pool.connection() as conn:
            return dict(conn.execute(statement, [list(values)]).fetchall())

    def count(self, name: str, where: Mapping[str, ColumnValue] | None = None) -> int:
        """The number of rows whose declared columns equal these values."""
        table = self._tables[name]
        clause, values = _condition(table, where or {}, {}, ())
        with self._pool.connection() as conn:
            row = conn.execute(
                SQL("SELECT count(*) FROM {} {}").format(table.identifier, clause), values
            ).fetchone()
        assert row is not None
        count: int = row[0]
        return count

    def positions(self) -> dict[str, int]:
        """The position of each projection; 0 for one that has never run."""
        wanted = {(p.projection.name, p.projection.version) for p in self._tables.values()}
        with self._pool.connection() as conn:
            found = conn.execute(
                SQL("SELECT name, version, position FROM {}").format(
                    Identifier(self._schema, "view_positions")
                )
            ).fetchall()
        stands = {(name, version): position for name, version, position in found}
        return {name: stands.get((name, version), 0) for name, version in sorted(wanted)}

    def wait_for(self, position: int, timeout_s: float, names: Iterable[str] = ()) -> bool:
        """Wait until the named projections (none named: all) hold that position.

        Returns: False when the time ran out first.
        """
        wanted = set(names) or set(self._tables)
        deadline = time.monotonic() + timeout_s
        pause_s = _FIRST_POLL_S
        while True:
            stands = self.positions()
            if all(stands[name] >= position for name in wanted):
                return True
            if time.monotonic() + pause_s > deadline:
                return False
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_POLL_S)

    def parked(self) -> dict[str, list[Parked]]:
        """Streams that are set aside, by projection; only projections that have some."""
        with self._pool.connection() as conn:
            found = {
                name: sorted(
                    parked_streams(conn, self._schema, table.projection).values(),
                    key=lambda each: each.position,
                )
                for name, table in self._tables.items()
            }
        return {name: streams for name, streams in found.items() if streams}

    def _page(self, name: str, ending: SQL | Composed, values: list[Any]) -> Page:
        """Rows and position in one statement, so that both are of one moment."""
        table = self._tables[name]
        statement = SQL(
            "SELECT stands.position, found.key, found.row FROM {} AS stands"
            " LEFT JOIN LATERAL (SELECT key, row::text AS row, row_number() OVER () AS place"
            " FROM (SELECT key, row FROM {} {}) AS rows) AS found ON true"
            " WHERE stands.name = %s AND stands.version = %s ORDER BY found.place"
        ).format(Identifier(self._schema, "view_positions"), table.identifier, ending)
        projection = table.projection
        missing = ViewMissing(f"projection {live_name(projection)} has never run")
        try:
            with self._pool.connection() as conn:
                found = conn.execute(
                    statement, [*values, projection.name, projection.version], binary=True
                ).fetchall()
        except errors.UndefinedTable as error:
            raise missing from error
        if not found:
            raise missing
        rows = {key: table.decode(text) for _, key, text in found if key is not None}
        return Page(rows, found[0][0])


def _column(table: ViewTable[Any], name: str) -> Identifier:
    if name not in table.projection.columns:
        raise KeyError(f"{table.projection.name} has no column {name!r}")
    return Identifier(name)


def _condition(
    table: ViewTable[Any],
    equal: Mapping[str, ColumnValue],
    at_most: Mapping[str, ColumnValue],
    having: Iterable[str],
) -> tuple[SQL | Composed, list[ColumnValue]]:
    parts: list[SQL | Composed] = []
    values: list[ColumnValue] = []
    for name, value in equal.items():
        column = _column(table, name)
        if value is None:
            parts.append(SQL("{} IS NULL").format(column))
        else:
            parts.append(SQL("{} = %s").format(column))
            values.append(value)
    for name, value in at_most.items():
        parts.append(SQL("{} <= %s").format(_column(table, name)))
        values.append(value)
    parts.extend(SQL("{} IS NOT NULL").format(_column(table, name)) for name in having)
    if not parts:
        return SQL(""), values
    return SQL("WHERE {}").format(SQL(" AND ").join(parts)), values
