"""The plain name of a projection, for people with SQL: a view over the version that is current."""

from __future__ import annotations

from typing import Any

from psycopg import Connection, errors
from psycopg.sql import SQL, Identifier

from infrastructure.store.journal_items import ITEMS_COLUMNS
from infrastructure.store.journal_parts import PARTS_COLUMNS
from infrastructure.store.journal_table import (
    COLUMNS,
    SUMS_COLUMNS,
    JournalBooks,
    tables_of,
)
from infrastructure.store.view_table import Kept, live_name


def point_alias(conn: Connection[Any], schema: str, projection: Kept) -> bool:
    """Let the projection's name show this version's table, if it has caught up with the others.

    An older version never takes the name from a newer one. Returns: False while this version is
    behind the one that is shown, True when nothing is left to do.
    """
    shown = shown_version(conn, schema, projection)
    if shown is not None and shown >= projection.version:
        return True
    if shown is not None and _position(conn, schema, projection, shown) > _position(
        conn, schema, projection, projection.version
    ):
        return False
    replace_alias(conn, schema, projection)
    return True


def replace_alias(conn: Connection[Any], schema: str, projection: Kept) -> None:
    """Let the projection's name show this version's table, from the caller's commit on."""
    for alias, (table, columns) in _aliases(projection).items():
        name = Identifier(schema, alias)
        create = SQL("CREATE OR REPLACE VIEW {} AS SELECT {} FROM {}").format(
            name, SQL(", ").join(map(Identifier, columns)), Identifier(schema, table)
        )
        with conn.transaction():
            try:
                with conn.transaction():
                    conn.execute(create)
            except errors.InvalidTableDefinition:
                # Another version with other columns: it cannot be replaced in place.
                conn.execute(SQL("DROP VIEW {}").format(name))
                conn.execute(create)
            conn.execute(
                SQL("COMMENT ON VIEW {} IS {}").format(name, str(projection.version)),
            )


def shown_version(conn: Connection[Any], schema: str, projection: Kept) -> int | None:
    """The version that the plain name shows; kept as the view's comment."""
    row = conn.execute(
        "SELECT obj_description(to_regclass(%s), 'pg_class')",
        [Identifier(schema, next(iter(_aliases(projection)))).as_string(conn)],
    ).fetchone()
    return int(row[0]) if row and row[0] else None


def _aliases(projection: Kept) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The plain names, each with its table and the columns that it shows."""
    live = live_name(projection)
    if isinstance(projection, JournalBooks):
        entries, sums, parts, items, _ = tables_of(live)
        return {
            "journal_entries": (entries, COLUMNS),
            "journal_sums": (sums, SUMS_COLUMNS),
            "journal_parts": (parts, PARTS_COLUMNS),
            "journal_items": (items, ITEMS_COLUMNS),
        }
    return {projection.name: (live, ("key", "position", *projection.columns, "row"))}


def _position(conn: Connection[Any], schema: str, projection: Kept, version: int) -> int:
    row = conn.execute(
        SQL("SELECT position FROM {} WHERE name = %s AND version = %s").format(
            Identifier(schema, "view_positions")
        ),
        [projection.name, version],
    ).fetchone()
    return row[0] if row else 0
