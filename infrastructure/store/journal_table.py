"""The tables of the journal: its entries, sums of them by chunks of the log, and how far it counts.

view_journal_v<version>          an entry a row, by position; lines and recognitions as arrays
view_journal_v<version>_sums     what a chunk of positions brought, by account, day and fact
view_journal_v<version>_parts    the parts of deferred revenue that it brought; see journal_parts
view_journal_v<version>_items    what is left to pay on each invoice at its end; see journal_items
view_journal_v<version>_notes    the zone of the days, and the last number of each series

An entry's lines come to nothing in each currency, or the database refuses the row. Sums are made
of the stored entries when the log has passed the end of a chunk, and sums of several of them when
it has passed the end of so many; so an answer at any position is made of a few chunks and the
entries of the last one that is not full.

In sums customers are taken together (`of` is ''). "earned" is what recognitions move from deferred
revenue to revenue on a day, positive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import attrs
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from infrastructure.store import journal_items, journal_parts
from infrastructure.store.differing import Difference, differing
from infrastructure.store.journal_items import ITEMS
from infrastructure.store.journal_parts import PARTS
from infrastructure.store.journal_statements import TOGETHER, moved, moved_by

_ENTRIES = """
    position     bigint NOT NULL PRIMARY KEY,
    voucher      text NOT NULL,
    document     text NOT NULL,
    stream       text NOT NULL,
    fact         text NOT NULL,
    about        text NOT NULL,
    customer     text,
    effective_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    day          date NOT NULL,
    belongs_to   text NOT NULL,
    not_before   date,
    accounts     text[] NOT NULL,
    currencies   text[] NOT NULL,
    minors       bigint[] NOT NULL,
    earned_of         text[],
    earned_currency   text[],
    earned_minor      bigint[],
    earned_from       date[],
    earned_days       integer[],
    earned_not_before date[],
    earned_first      date,
    earned_last       date,
    CHECK (cardinality(accounts) = cardinality(currencies))"""
COLUMNS = tuple(
    line.split()[0] for line in _ENTRIES.strip().splitlines() if not line.lstrip().startswith("CH")
)
SUMS_COLUMNS = ("level", "chunk", "role", "of", "currency", "day", "fact", "minor")
_SUMS = """
    level    smallint NOT NULL,
    chunk    bigint NOT NULL,
    role     text NOT NULL,
    "of"     text NOT NULL,
    currency text NOT NULL,
    day      date NOT NULL,
    fact     text NOT NULL,
    minor    bigint NOT NULL"""
_NOTES = "name text NOT NULL PRIMARY KEY, value text NOT NULL"


@attrs.frozen
class JournalBooks:
    """The journal as a stored projection.

    zone: in which the days of new tables end; tables that are there keep theirs until a rebuild.
    chunk: positions of a chunk of the lowest level. fan: how many make one of the next level.
    levels: how many there are.
    """

    zone: str
    chunk: int = 1024
    fan: int = 16
    levels: int = 4
    name: str = "journal"
    version: int = 1

    @property
    def shape(self) -> str:
        """Digest of the tables and their indexes: other ones need a rebuild."""
        tables = f"{_ENTRIES}{_SUMS}{PARTS}{ITEMS}{_NOTES}"
        tables += f"{journal_parts.INDEXES}{journal_items.INDEXES}"
        text = f"{tables}{self.chunk} {self.fan} {self.levels} {TOGETHER}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def chunks_to(self, position: int) -> tuple[list[int], list[int], int]:
        """The chunks up to a position: levels, numbers; and the last position in them."""
        levels, numbers, done = [], [], 0
        for level in reversed(range(self.levels)):
            size = self.chunk * self.fan**level
            while done + size <= position:
                levels.append(level)
                numbers.append(done // size)
                done += size
        return levels, numbers, done


class JournalTable:
    """The journal's tables in one schema, live or a shadow.

    schema: of the functions; also of the tables, unless they are temporary ones.
    name: of the entries' table; the others are called after it.
    """

    def __init__(
        self, projection: JournalBooks, schema: str, name: str, *, temporary: bool = False
    ) -> None:
        self.projection, self.schema, self.name = projection, schema, name
        self.tables = tables_of(name)
        self.temporary = temporary
        self.all = tuple(
            Identifier(each) if temporary else Identifier(schema, each) for each in self.tables
        )
        self.identifier, self.sums, self.parts, self.items, self.notes = self.all
        self.moved = moved(schema, self.identifier)
        self.moved_by = moved_by(schema, self.identifier)
        self._of_chunk = (
            journal_parts.brought(self.identifier, self.parts),
            _summed(self.sums, moved(schema, self.identifier, self.parts)),
            journal_items.changed(self.identifier, self.items),
        )
        self._of_chunks = (journal_parts.merged(self.parts), _merged(self.sums))

    def create(self, conn: Connection[Any]) -> None:
        """Make the tables and their indexes; names of indexes are left to the server."""
        self.create_bare(conn)
        if not self.temporary:
            self.create_indexes(conn)

    def create_bare(self, conn: Connection[Any]) -> None:
        """The tables, and the indexes that they are filled through."""
        kind = SQL("TEMPORARY" if self.temporary else "")
        conn.execute(
            SQL(
                "CREATE {} TABLE {} ({}, CONSTRAINT balanced CHECK ({}(currencies, minors)))"
            ).format(
                kind, self.identifier, SQL(_ENTRIES), Identifier(self.schema, "journal_balanced")
            )
        )
        for table, columns in (
            (self.sums, _SUMS),
            (self.parts, PARTS),
            (self.items, ITEMS),
            (self.notes, _NOTES),
        ):
            conn.execute(SQL("CREATE {} TABLE {} ({})").format(kind, table, SQL(columns)))
        self._index(conn, self.identifier, "(customer, position)")
        self._index(conn, self.sums, "(level, chunk)")
        self._index(conn, self.parts, journal_parts.INDEXES[0])
        self._index(conn, self.items, journal_items.INDEXES[0])
        self.note(conn, {"zone": self.projection.zone})

    def create_indexes(self, conn: Connection[Any]) -> None:
        """Those that only readers need, and what the server has to know to read well."""
        self._index(conn, self.identifier, "(day, position)")
        self._index(conn, self.parts, *journal_parts.INDEXES[1:])
        self._index(conn, self.items, *journal_items.INDEXES[1:])
        for each in self.all:
            conn.execute(SQL("ANALYZE {}").format(each))

    def _index(self, conn: Connection[Any], table: Identifier, *indexes: str) -> None:
        for index in indexes:
            conn.execute(SQL("CREATE INDEX ON {} {}").format(table, SQL(index)))

    def drop(self, conn: Connection[Any]) -> None:
        """Remove the tables if they are there."""
        for each in self.all:
            conn.execute(SQL("DROP TABLE IF EXISTS {}").format(each))

    def count(self, conn: Connection[Any]) -> int:
        """The number of entries."""
        row = conn.execute(SQL("SELECT count(*) FROM {}").format(self.identifier)).fetchone()
        assert row is not None
        return int(row[0])

    def vacuum(self, conn: Connection[Any]) -> None:
        """Take back the space of rows that were written again: no others are."""
        conn.execute(SQL("VACUUM {}").format(self.items))

    def hold(self, conn: Connection[Any]) -> None:
        """Keep a rebuild from renaming the tables for as long as the transaction lasts."""
        for each in self.all:
            conn.execute(SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(each))

    def differences(self, conn: Connection[Any], live: JournalTable) -> Iterator[Difference]:
        """Rows of the live tables that are not as ours, and rows that one of both lacks."""
        entries = SQL(
            "SELECT coalesce(live.position, replayed.position)::text,"
            " coalesce(live.position, replayed.position), to_json(live), to_json(replayed)"
            " FROM {} AS live FULL OUTER JOIN {} AS replayed ON live.position = replayed.position"
            " WHERE to_jsonb(live) IS DISTINCT FROM to_jsonb(replayed) ORDER BY 2"
        ).format(live.identifier, self.identifier)
        yield from differing(conn, self.projection.name, entries)
        # The others have no key: as often as a row is there on one side, it is on the other.
        for mine, theirs, name in (
            (self.sums, live.sums, "sums"),
            (self.parts, live.parts, "parts"),
            (self.items, live.items, "items"),
            (self.notes, live.notes, "notes"),
        ):
            statement = SQL(
                "SELECT {name}, 0, live, replayed FROM ("
                " SELECT to_json(one) AS live, NULL::json AS replayed FROM ("
                "  SELECT * FROM {theirs} EXCEPT ALL SELECT * FROM {mine}) AS one"
                " UNION ALL SELECT NULL, to_json(one) FROM ("
                "  SELECT * FROM {mine} EXCEPT ALL SELECT * FROM {theirs}) AS one) AS found"
                " ORDER BY coalesce(live, replayed)::text"
            ).format(name=name, mine=mine, theirs=theirs)
            yield from differing(conn, self.projection.name, statement)

    def note(self, conn: Connection[Any], notes: dict[str, str]) -> None:
        """Keep values under names."""
        conn.execute(
            SQL(
                "INSERT INTO {} (name, value) SELECT * FROM unnest(%s::text[], %s::text[])"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            ).format(self.notes),
            [list(notes), list(notes.values())],
        )

    def noted(self, conn: Connection[Any]) -> dict[str, str]:
        """What is kept under which name."""
        return dict(conn.execute(SQL("SELECT name, value FROM {}").format(self.notes)).fetchall())

    def add_up(self, conn: Connection[Any], after: int, upto: int) -> None:
        """What is told of every chunk whose end the log has passed: after < end <= upto."""
        size, fan = self.projection.chunk, self.projection.fan
        for end in range((after // size + 1) * size, upto + 1, size):
            chunk, level = end // size - 1, 1
            values = {"chunk": chunk, "chunks": chunk + 1, "after": end - size, "upto": end}
            for statement in self._of_chunk:
                conn.execute(statement, values)
            while level < self.projection.levels and (chunk + 1) % fan == 0:
                chunk //= fan
                values = {"level": level, "chunk": chunk, "below": level - 1}
                values |= {"begin": chunk * fan, "end": (chunk + 1) * fan}
                for statement in self._of_chunks:
                    conn.execute(statement, values)
                level += 1


def _summed(sums: Identifier, moved: Composed) -> Composed:
    """Makes the sums of chunk %(chunk)s of the lowest level."""
    return SQL(
        'INSERT INTO {} SELECT 0, %(chunk)s, role, "of", currency, day, fact, sum(minor)'
        ' FROM ({}) AS moved GROUP BY role, "of", currency, day, fact'
        ' HAVING sum(minor) <> 0 ORDER BY role, "of", currency, day, fact'
    ).format(sums, moved)


def _merged(sums: Identifier) -> Composed:
    """Makes those of chunk %(chunk)s of %(level)s from the level below."""
    return SQL(
        'INSERT INTO {0} SELECT %(level)s, %(chunk)s, role, "of", currency, day, fact,'
        " sum(minor) FROM {0}"
        " WHERE level = %(below)s AND chunk >= %(begin)s AND chunk < %(end)s"
        ' GROUP BY role, "of", currency, day, fact HAVING sum(minor) <> 0'
        ' ORDER BY role, "of", currency, day, fact'
    ).format(sums)


def tables_of(name: str) -> tuple[str, ...]:
    """The tables beside one of entries, and that: entries, sums, parts, items, notes."""
    return name, *(f"{name}_{each}" for each in ("sums", "parts", "items", "notes"))
