"""The log as bytes: rows as the server sends them; see domain.proof.canonical."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Identifier, Literal

from domain.proof.canonical import COLUMNS
from domain.proof.merkle import BLOCK

# Facts that one statement reads.
PIECE = 64 * BLOCK

# COPY's binary format begins with a signature, flags and the length of an extension that nobody
# has; it ends with a row of -1 fields.
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"


class NotCopied(RuntimeError):
    """The server sent something else than rows."""


def raw_rows(
    conn: Connection[Any], schema: str, after: int, stop: int
) -> Generator[bytes, None, None]:
    """The bytes of all facts with after < position <= stop, in order.

    One statement, so one moment of the log, in flat memory. Until it is exhausted or closed nobody
    else can use the connection: take it in `contextlib.closing`.
    Raises: psycopg.Error; NotCopied.
    """
    which = SQL("position > {} AND position <= {}").format(Literal(after), Literal(stop))
    yield from _copied(conn, schema, which)


def rows_in_pieces(
    conn: Connection[Any], schema: str, stop: int, rest: Callable[[], None]
) -> Generator[bytes, None, None]:
    """The bytes of all facts up to a position, each piece by a statement of its own.

    rest: called after each of them, when no statement is open. Raises: as raw_rows.
    """
    for after in range(0, stop, PIECE):
        with contextlib.closing(raw_rows(conn, schema, after, min(after + PIECE, stop))) as rows:
            yield from rows
        rest()


def rows_at(conn: Connection[Any], schema: str, positions: Sequence[int]) -> list[bytes]:
    """The bytes of the facts at these positions, in order. Raises: as raw_rows."""
    which = SQL("position = ANY ({})").format(Literal(list(positions)))
    return list(_copied(conn, schema, which))


def _copied(conn: Connection[Any], schema: str, which: Composable) -> Generator[bytes, None, None]:
    statement = SQL(
        "COPY (SELECT {} FROM {} WHERE {} ORDER BY position) TO STDOUT (FORMAT binary)"
    ).format(SQL(", ").join(map(Identifier, COLUMNS)), Identifier(schema, "events"), which)
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        # The server sends a row a message, the first one behind the header.
        chunks = iter(copy)
        first = bytes(next(chunks, b""))
        if not first.startswith(_HEADER):
            raise NotCopied("the server sent no binary rows")
        if len(first) > len(_HEADER) and first[len(_HEADER) :] != _END:
            yield first[len(_HEADER) :]
        for chunk in chunks:
            if chunk != _END:
                yield bytes(chunk)


def last_position(conn: Connection[Any], schema: str) -> int:
    """The last position of the log; 0 when nothing is recorded."""
    statement = SQL("SELECT coalesce(max(position), 0) FROM {}").format(
        Identifier(schema, "events")
    )
    row = conn.execute(statement).fetchone()
    assert row is not None
    return int(row[0])
