"""Keeping the journal's tables up with the log, a batch at a time.

The runner and the rebuilder drive it as they drive a projection. Two things differ. Entries have
numbers without gaps, so nothing is passed over: from a fact on that cannot be read or posted the
journal stands still, and says so as a projection says that a stream is set aside. And what it has
to know of a subscription lies in no row: it is read from the subscription's own facts where it is
not held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import attrs
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from domain.books.accounts import CUSTOMERS, Entry
from domain.books.recognition import Recognition
from domain.calendar import zone_named
from domain.recorded import Recorded
from infrastructure.store.folding import Folded, Log, LogItem, Parked, parked_at
from infrastructure.store.journal_table import COLUMNS, JournalTable
from projections.journal import FOR_ALL, Journal, Stands, standing_after

# Subscriptions whose standing is held; and how many are read at a time.
HELD, READ = 20_000, 200
_NUMBER = "last number of "
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:|/@+-")


class StreamLog(Log, Protocol):
    """What the journal needs of the ledger."""

    def read_streams(self, streams: Sequence[str], stop: int) -> Iterator[list[Recorded[Any]]]:
        """The facts of each stream up to a position. Raises: Unreadable."""

    def streams_named(self, prefix: str) -> list[str]:
        """The streams whose names begin so."""


@attrs.frozen
class JournalWritten:
    """A batch as written but not yet committed."""

    position: int
    folded: Folded[Any]


class JournalWriter:
    """The journal, its tables, and the position of their rows.

    What it remembers is of use only while every batch is committed: `start_from` after one is not.
    """

    def __init__(self, table: JournalTable, log: StreamLog, *, held: int = HELD) -> None:
        self.projection, self.table = table.projection, table
        self.position = 0
        self.parked: dict[str, Parked] = {}
        self._log, self._held = log, held
        self._journal: Journal | None = None
        self._zone = ZoneInfo("UTC")
        self._noted: dict[str, str] = {}
        self._read: dict[str, Stands | None] = {}

    def start_from(self, position: int, parked: dict[str, Parked]) -> None:
        """Stand where the tables stand; nothing remembered from before is used."""
        self.position, self.parked = position, dict(parked)
        self._journal = None

    def write(self, conn: Connection[Any], items: Sequence[LogItem], upto: int) -> JournalWritten:
        """Post a batch, within the caller's transaction.

        items: the log after `position`, in order. upto: where the tables stand afterwards.
        """
        stuck: dict[str, Parked] = {}
        if not self.parked:
            journal = self._journal or self._begun(conn)
            self._fetch(journal, items)
            rows, stuck = self._rows(journal, items)
            self._read.clear()
            journal.let_go(self._held)
            self._store(conn, rows)
            self._note_numbers(conn, journal)
            self.table.add_up(conn, self.position, upto)
        return JournalWritten(upto, Folded({}, stuck))

    def accept(self, written: JournalWritten) -> None:
        """The caller has committed: remember it."""
        self.position = written.position
        self.parked |= written.folded.parked

    # --- posting ------------------------------------------------------------------------------

    def _begun(self, conn: Connection[Any]) -> Journal:
        """The journal as it stands after what the tables hold."""
        self._noted = self.table.noted(conn)
        self._zone = zone_named(self._noted["zone"])
        numbers = {}
        for name, value in self._noted.items():
            if name.startswith(_NUMBER):
                series, _, year = name.removeprefix(_NUMBER).rpartition(" ")
                numbers[series, int(year)] = int(value)
        self._journal = journal = Journal(self._read.get, numbers)
        for prefix in FOR_ALL:
            streams = self._log.streams_named(prefix)
            facts = [
                each for found in self._log.read_streams(streams, self.position) for each in found
            ]
            for recorded in sorted(facts, key=lambda each: each.position):
                journal.post(recorded)
        return journal

    def _fetch(self, journal: Journal, items: Iterable[LogItem]) -> None:
        """Read the standings that the batch needs and nobody holds."""
        wanted: dict[str, None] = {}
        begun: set[str] = set()
        for item in items:
            stream = item.stream
            if item.version == 1:
                begun.add(stream)
            elif stream not in begun and not journal.holds(stream):
                wanted[stream] = None
        names = list(wanted)
        for place in range(0, len(names), READ):
            some = names[place : place + READ]
            found = self._log.read_streams(some, self.position)
            self._read |= zip(some, map(standing_after, found), strict=True)

    def _rows(
        self, journal: Journal, items: Iterable[LogItem]
    ) -> tuple[list[str], dict[str, Parked]]:
        rows: list[str] = []
        for item in items:
            if not isinstance(item, Recorded):
                return rows, {item.stream: parked_at(item, f"{item.name}: {item.reason}")}
            try:
                entry = journal.post(item)
                if entry is not None:
                    rows.append(_row(entry, self._zone))
            # Posting is a pure function of ours: whatever it raises is a fault in it, or a fact
            # that contradicts others. Books without it would be wrong; they end before it.
            except Exception as error:
                return rows, {item.stream: parked_at(item, f"{type(error).__name__}: {error}")}
        return rows, {}

    # --- storing ------------------------------------------------------------------------------

    def _store(self, conn: Connection[Any], rows: list[str]) -> None:
        if not rows:
            return
        statement = SQL("COPY {} ({}) FROM STDIN").format(
            self.table.identifier, SQL(", ").join(map(Identifier, COLUMNS))
        )
        with conn.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write("".join(rows))

    def _note_numbers(self, conn: Connection[Any], journal: Journal) -> None:
        numbers = {
            f"{_NUMBER}{series} {year}": str(last)
            for (series, year), last in journal.numbers.items()
        }
        changed = {name: last for name, last in numbers.items() if self._noted.get(name) != last}
        if changed:
            self.table.note(conn, changed)
            self._noted |= changed


def _row(entry: Entry, zone: ZoneInfo) -> str:
    """An entry as a line of COPY's text format. Raises: ValueError for what cannot be kept."""
    accounts = [str(line.account) for line in entry.lines]
    customers = {line.account.of for line in entry.lines if line.account.role in CUSTOMERS}
    if len(customers) > 1:
        raise ValueError(f"an entry of several customers: {', '.join(sorted(customers))}")
    not_before = r"\N" if entry.not_before is None else entry.not_before.isoformat()
    fields = [
        str(entry.position),
        _text(entry.voucher),
        _text(entry.document),
        _text(entry.stream),
        _text(entry.fact),
        _text(entry.about),
        _text(customers.pop()) if customers else r"\N",
        entry.effective_at.isoformat(),
        entry.recorded_at.isoformat(),
        entry.day(zone).isoformat(),
        _text(entry.belongs_to),
        not_before,
        _array(map(_item, accounts)),
        _array([_item(line.currency) for line in entry.lines]),
        _array([str(line.minor) for line in entry.lines]),
    ]
    fields += _recognitions(entry.recognitions) if entry.recognitions else _NO_RECOGNITIONS
    return "\t".join(fields) + "\n"


_NO_RECOGNITIONS = [r"\N"] * 8


def _recognitions(parts: Sequence[Recognition]) -> list[str]:
    return [
        _array([_item(each.revenue) for each in parts]),
        _array([_item(each.currency) for each in parts]),
        _array([str(each.minor) for each in parts]),
        _array([each.start.isoformat() for each in parts]),
        _array([str(each.days) for each in parts]),
        _array(["NULL" if (day := each.not_before) is None else day.isoformat() for each in parts]),
        min(each.start for each in parts).isoformat(),
        max(each.last for each in parts).isoformat(),
    ]


def _array(items: Iterable[str]) -> str:
    return "{" + ",".join(items) + "}"


@lru_cache(maxsize=50_000)
def _item(text: str) -> str:
    """A text in an array. Raises: ValueError."""
    if text and _PLAIN.issuperset(text) and text.upper() != "NULL":
        return text
    inner = text.replace("\\", "\\\\").replace('"', '\\"')
    return _text(f'"{inner}"')


@lru_cache(maxsize=50_000)
def _text(text: str) -> str:
    """A text as a field of COPY. Raises: ValueError."""
    if _PLAIN.issuperset(text):
        return text
    if "\x00" in text:
        raise ValueError(f"{text!r} is not a text without NUL")
    escaped = text.replace("\\", "\\\\").replace("\t", "\\t")
    return escaped.replace("\n", "\\n").replace("\r", "\\r")
