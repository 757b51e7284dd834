"""The tables of the journal: its entries, sums of them by chunks of the log, and how far it counts.

view_journal_v<version>          an entry a row, by position; lines and recognitions as arrays
view_journal_v<version>_sums     what a chunk of positions brought, by account, day and fact
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
from psycopg.sql import SQL, Identifier

from infrastructure.store.differing import Difference, differing
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
        """Digest of the tables: other ones need a new version."""
        text = f"{_ENTRIES}{_SUMS}{_NOTES}{self.chunk} {self.fan} {self.levels} {TOGETHER}"
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
        self.identifier, self.sums, self.notes = (
            Identifier(each) if temporary else Identifier(schema, each) for each in self.tables
        )
        self.moved = moved(schema, self.identifier)
        self.moved_by = moved_by(schema, self.identifier)

    def create(self, conn: Connection[Any]) -> None:
        """Make the tables and their indexes; names of indexes are left to the server."""
        kind = SQL("TEMPORARY" if self.temporary else "")
        conn.execute(
            SQL(
                "CREATE {} TABLE {} ({}, CONSTRAINT balanced CHECK ({}(currencies, minors)))"
            ).format(
                kind, self.identifier, SQL(_ENTRIES), Identifier(self.schema, "journal_balanced")
            )
        )
        conn.execute(SQL("CREATE {} TABLE {} ({})").format(kind, self.sums, SQL(_SUMS)))
        conn.execute(SQL("CREATE {} TABLE {} ({})").format(kind, self.notes, SQL(_NOTES)))
        conn.execute(SQL("CREATE INDEX ON {} (level, chunk)").format(self.sums))
        if not self.temporary:
            entries = self.identifier
            conn.execute(SQL("CREATE INDEX ON {} (customer, position)").format(entries))
            # What is being earned on a day: looked through without a look at the entries.
            conn.execute(
                SQL(
                    "CREATE INDEX ON {} (day, earned_last, earned_first)"
                    " WHERE earned_last IS NOT NULL"
                ).format(entries)
            )
        self.note(conn, {"zone": self.projection.zone})

    def create_bare(self, conn: Connection[Any]) -> None:
        """As `create`: sums are made of the rows while they come in, through the indexes."""
        self.create(conn)

    def create_indexes(self, conn: Connection[Any]) -> None:
        """Nothing: they are there."""

    def drop(self, conn: Connection[Any]) -> None:
        """Remove the tables if they are there."""
        for each in (self.identifier, self.sums, self.notes):
            conn.execute(SQL("DROP TABLE IF EXISTS {}").format(each))

    def count(self, conn: Connection[Any]) -> int:
        """The number of entries."""
        row = conn.execute(SQL("SELECT count(*) FROM {}").format(self.identifier)).fetchone()
        assert row is not None
        return int(row[0])

    def vacuum(self, conn: Connection[Any]) -> None:
        """Nothing: no row is written twice."""

    def hold(self, conn: Connection[Any]) -> None:
        """Keep a rebuild from renaming the tables for as long as the transaction lasts."""
        for each in (self.identifier, self.sums, self.notes):
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
        # Sums have no key: as often as a row is there on one side, it is on the other.
        for mine, theirs, name in (
            (self.sums, live.sums, "sums"),
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
        """The sums of every chunk whose end the log has passed: after < end <= upto."""
        size, fan = self.projection.chunk, self.projection.fan
        for end in range((after // size + 1) * size, upto + 1, size):
            number = end // size - 1
            conn.execute(
                SQL(
                    'INSERT INTO {} SELECT 0, {}, role, "of", currency, day, fact, sum(minor)'
                    ' FROM ({}) AS moved GROUP BY role, "of", currency, day, fact'
                    ' HAVING sum(minor) <> 0 ORDER BY role, "of", currency, day, fact'
                ).format(self.sums, number, self.moved),
                {"after": end - size, "upto": end},
            )
            level = 1
            while level < self.projection.levels and (number + 1) % fan == 0:
                number //= fan
                conn.execute(
                    SQL(
                        'INSERT INTO {0} SELECT {1}, {2}, role, "of", currency, day, fact,'
                        " sum(minor) FROM {0} WHERE level = {3} AND chunk >= {4} AND chunk < {5}"
                        ' GROUP BY role, "of", currency, day, fact HAVING sum(minor) <> 0'
                        ' ORDER BY role, "of", currency, day, fact'
                    ).format(self.sums, level, number, level - 1, number * fan, (number + 1) * fan)
                )
                level += 1


def tables_of(name: str) -> tuple[str, str, str]:
    """The tables beside one of entries, and that: entries, sums, notes."""
    return name, f"{name}_sums", f"{name}_notes"
