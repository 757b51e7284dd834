"""Reading the journal's tables: as of a day, with what was known at a position.

An answer is made of what is told of the chunks that lie before the position, and of the entries of
the last one that is not full; what one customer needs is read from the entries themselves. Every
question is one snapshot of the database.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import attrs
from psycopg import Connection, errors
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier
from psycopg_pool import ConnectionPool

from domain.books.accounts import Account, Entry, Line, Role
from domain.books.recognition import Recognition
from infrastructure.store.journal_items import open_items
from infrastructure.store.journal_parts import deferred, early
from infrastructure.store.journal_table import COLUMNS, JournalBooks, JournalTable
from infrastructure.store.view_table import live_name
from projections.account_lines import Place
from projections.account_sums import Sums
from projections.statements import AT_PROVIDERS, CashSums, OpenItem, at_provider
from projections.waterfall import Months, by_month

_FIRST_POLL_S, _LONGEST_POLL_S = 0.005, 0.1
_READ = 2000
_ALL, _NOTHING = SQL("true"), MappingProxyType[str, Any]({})


class NotReached(Exception):
    """The tables do not hold that position, or their days are of another zone."""


@attrs.frozen
class Reached:
    """How far the tables go. zone: in which their days end."""

    position: int
    zone: str


class JournalReader:
    """Answers from the live tables of one set of books. Blocking; safe for many threads.

    pool: connections of the application. Every question raises NotReached where the tables cannot
    answer it.
    """

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        schema: str,
        journal: JournalBooks,
    ) -> None:
        self._pool, self._schema, self._journal = pool, schema, journal
        self._table = JournalTable(journal, schema, live_name(journal))
        self._reached = SQL(
            "SELECT least(stands.position, (SELECT min(position) - 1 FROM {parked} AS parked"
            " WHERE parked.projection = stands.name AND parked.version = stands.version)), value"
            " FROM {stands} AS stands, {notes} AS notes WHERE stands.name = {name}"
            " AND stands.version = {version} AND stands.shape = {shape} AND notes.name = 'zone'"
        ).format(
            parked=Identifier(schema, "view_parked"),
            stands=Identifier(schema, "view_positions"),
            notes=self._table.notes,
            name=journal.name,
            version=journal.version,
            shape=journal.shape,
        )

    def reached(self) -> Reached | None:
        """How far the tables go; None where there are none."""
        with self._pool.connection() as conn:
            return self._look(conn)

    def wait_for(self, position: int, timeout_s: float) -> bool:
        """Wait until the tables hold that position. Returns: False when the time ran out first."""
        deadline, pause_s = time.monotonic() + timeout_s, _FIRST_POLL_S
        while True:
            reached = self.reached()
            if reached is not None and reached.position >= position:
                return True
            if time.monotonic() + pause_s > deadline:
                return False
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_POLL_S)

    # --- questions ------------------------------------------------------------------------------

    def sums(self, position: int, day: date) -> Sums:
        """Each account's balance, customers taken together: their accounts are called ''."""
        found: Sums = Counter()
        statement = SQL(
            'SELECT role, "of", currency, sum(minor)::bigint FROM ({} UNION ALL {}) AS moved'
            ' GROUP BY role, "of", currency'
        ).format(self._of_chunks(), self._table.moved_by)
        for role, of, currency, minor in self._rows(position, statement, day=day):
            if role == "earned":
                found[Account(Role.DEFERRED, of), currency] += minor
                found[Account(Role.REVENUE, of), currency] -= minor
            else:
                found[Account(Role(role), of), currency] += minor
        return found

    def line_sums(self, position: int, day: date) -> Sums:
        """What the lines of entries come to, without what is earned day by day; else as `sums`."""
        statement = SQL(
            'SELECT role, "of", currency, sum(minor)::bigint FROM ({} UNION ALL {}) AS moved'
            " WHERE role <> 'earned' GROUP BY role, \"of\", currency"
        ).format(self._of_chunks(), self._table.moved_by)
        found = self._rows(position, statement, day=day)
        return Counter({(Account(Role(role), of), code): minor for role, of, code, minor in found})

    def earned(self, position: int, day: date) -> Months:
        """What was earned up to a day, by month, revenue and currency."""
        statement = SQL(
            "SELECT date_trunc('month', day::timestamp)::date, \"of\", currency,"
            " sum(minor)::bigint FROM ({} AND role = 'earned' UNION ALL"
            " SELECT * FROM ({}) AS late WHERE day <= %(day)s AND role = 'earned') AS moved"
            " GROUP BY 1, 2, 3"
        ).format(self._of_chunks(), self._table.moved)
        return Counter(
            {tuple(key): minor for *key, minor in self._rows(position, statement, day=day)}
        )

    def cash(self, position: int, day: date) -> CashSums:
        """Money at providers by month, account, fact and currency."""
        statement = SQL(
            "SELECT date_trunc('month', day::timestamp)::date, role, \"of\", fact, currency,"
            " sum(minor)::bigint FROM ({} AND role IN ({roles}) UNION ALL"
            " SELECT * FROM ({}) AS late WHERE day <= %(day)s AND role IN ({roles})) AS moved"
            " GROUP BY 1, 2, 3, 4, 5"
        ).format(
            self._of_chunks(),
            self._table.moved,
            roles=SQL(", ").join(each.value for each in AT_PROVIDERS),
        )
        found: CashSums = Counter()
        for first, role, of, fact, currency, moved in self._rows(position, statement, day=day):
            for name, minor in at_provider(Role(role), fact, moved):
                found[first, of, name, currency] += minor
        return found

    def deferred(self, position: int, day: date) -> Months:
        """In which months what is deferred on a day will be earned; see waterfall."""
        months: Months = Counter()
        table = self._table
        parts = deferred(table.identifier, table.parts)
        for *part, times in self._rows(position, parts, day=day):
            for share, minor in by_month(Recognition(*part), after=day).items():
                months[share] += minor * times
        served = early(table.identifier, table.parts, Identifier(self._schema, "journal_earned"))
        for month, revenue, currency, minor in self._rows(position, served, day=day):
            months[month, revenue, currency] -= minor
        return months

    def open_items(self, position: int, day: date) -> list[OpenItem]:
        """What is left to pay on each invoice; see statements.ageing."""
        statement = open_items(self._table.identifier, self._table.items)
        return [OpenItem(*row) for row in self._rows(position, statement, day=day)]

    def entries(
        self, position: int, *, customer: str | None = None, roles: frozenset[Role] = frozenset()
    ) -> Iterator[Entry]:
        """Entries up to a position, in order.

        customer: only those that move an account of this customer. roles: only those that move
        one of these; none: all.
        """
        return self._entries(position, SQL("position"), customer, roles)

    def entries_by_day(
        self,
        position: int,
        *,
        after: Place,
        until: date,
        customer: str | None = None,
        roles: frozenset[Role] = frozenset(),
        at_a_time: int = _READ,
    ) -> Iterator[Entry]:
        """Those of the same entries that stand after a place, up to a day, in the order of days.

        at_a_time: how many are read ahead.
        """
        between = SQL("(day, position) > (%(day)s, %(after)s) AND day <= %(until)s")
        asked = {"day": after.day, "after": after.position, "until": until}
        return self._entries(
            position, SQL("day, position"), customer, roles, between, asked, min(at_a_time, _READ)
        )

    def _entries(
        self,
        position: int,
        order: SQL,
        customer: str | None,
        roles: frozenset[Role],
        among: SQL = _ALL,
        asked: Mapping[str, Any] = _NOTHING,
        at_a_time: int = _READ,
    ) -> Iterator[Entry]:
        where = [SQL("position <= %(upto)s"), among]
        if customer is not None:
            where.append(SQL("customer = %(customer)s"))
        if roles:
            where.append(
                SQL(
                    "EXISTS (SELECT FROM unnest(accounts) AS one (account)"
                    " WHERE split_part(account, ':', 1) = ANY(%(roles)s))"
                )
            )
        statement = SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
            SQL(", ").join(map(Identifier, COLUMNS)),
            self._table.identifier,
            SQL(" AND ").join(where),
            order,
        )
        values = {"customer": customer, "roles": [each.value for each in roles], "upto": position}
        with (
            self._snapshot(position) as conn,
            conn.cursor(name="journal_entries") as cursor,
        ):
            cursor.itersize = at_a_time
            cursor.execute(statement, {**values, **asked})
            yield from map(_entry, cursor)

    # --- reading --------------------------------------------------------------------------------

    def _of_chunks(self) -> Composed:
        """What the whole chunks moved up to %(day)s. It ends in a condition."""
        return SQL(
            'SELECT role, "of", currency, day, fact, minor FROM {} JOIN'
            " unnest(%(levels)s::smallint[], %(numbers)s::bigint[]) AS wanted (level, chunk)"
            " USING (level, chunk) WHERE day <= %(day)s"
        ).format(self._table.sums)

    def _rows(self, position: int, statement: Composed, *, day: date) -> list[tuple[Any, ...]]:
        levels, numbers, after = self._journal.chunks_to(position)
        values = {"levels": levels, "numbers": numbers, "after": after, "upto": position}
        values["chunks"] = after // self._journal.chunk
        with self._snapshot(position) as conn:
            return conn.execute(statement, {**values, "day": day}).fetchall()

    @contextmanager
    def _snapshot(self, position: int) -> Iterator[Connection[TupleRow]]:
        with self._pool.connection() as conn, conn.transaction():
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            reached = self._look(conn)
            if reached is None or reached.position < position or reached.zone != self._journal.zone:
                raise NotReached(f"position {position}")
            yield conn

    def _look(self, conn: Connection[TupleRow]) -> Reached | None:
        try:
            row = conn.execute(self._reached).fetchone()
        except errors.UndefinedTable:
            return None
        return None if row is None else Reached(*row)


def position_at(recorded_at: Callable[[int], datetime], head: int, instant: datetime) -> int:
    """The last position that was recorded by an instant; times in the log never go back."""
    low, high = 0, head
    while low < high:
        middle = (low + high + 1) // 2
        if recorded_at(middle) <= instant:
            low = middle
        else:
            high = middle - 1
    return low


def _entry(row: tuple[Any, ...]) -> Entry:
    each = dict(zip(COLUMNS, row, strict=True))
    lines = zip(each["accounts"], each["minors"], each["currencies"], strict=True)
    parts: Any = ()
    if each["earned_of"] is not None:
        parts = zip(
            each["earned_of"],
            each["earned_minor"],
            each["earned_currency"],
            each["earned_from"],
            each["earned_days"],
            each["earned_not_before"],
            strict=True,
        )
    return Entry(
        voucher=each["voucher"],
        document=each["document"],
        position=each["position"],
        stream=each["stream"],
        fact=each["fact"],
        about=each["about"],
        effective_at=each["effective_at"],
        recorded_at=each["recorded_at"],
        lines=tuple(Line(_account(text), minor, code) for text, minor, code in lines),
        recognitions=tuple(Recognition(*part) for part in parts),
        belongs_to=each["belongs_to"],
        not_before=each["not_before"],
    )


def _account(text: str) -> Account:
    role, _, of = text.partition(":")
    return Account(Role(role), of)
