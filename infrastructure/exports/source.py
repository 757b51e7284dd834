"""What an export is made from: the books at one position, as often as a format reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime

import attrs

from domain.books.accounts import Entry
from domain.books.chart import Chart
from infrastructure.books.reading import KnownAt, KnownJournal, Log
from infrastructure.exports.company import Company
from infrastructure.exports.transactions import Transaction, transactions
from projections.account_sums import Known


class SteadyJournal:
    """The entries known at a position or an instant; read again, they are the same ones.

    position: the last one that was read, once the first reading has ended.
    """

    def __init__(self, log: Log, known_at: KnownAt) -> None:
        self._log, self._known_at = log, known_at
        self.position = 0

    def __iter__(self) -> Iterator[Entry]:
        """As KnownJournal's. What is recorded between two readings is in neither."""
        found = KnownJournal(self._log, self._known_at)
        yield from found
        self._known_at = self.position = found.position


@attrs.define
class Tally:
    """What a file holds: how many transactions and lines, and their sums in minor units.

    sums: by account number and currency. debit, credit: by currency, both positive.
    """

    transactions: int = 0
    lines: int = 0
    sums: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    debit: Counter[str] = attrs.field(factory=Counter)
    credit: Counter[str] = attrs.field(factory=Counter)

    def take(self, each: Transaction) -> None:
        """One more transaction."""
        self.transactions += 1
        self.lines += len(each.lines)
        for line in each.lines:
            self.sums[line.account.number, line.currency] += line.minor
            side = self.debit if line.minor > 0 else self.credit
            side[line.currency] += abs(line.minor)


@attrs.frozen(kw_only=True)
class Wanted:
    """The parameters of an export; with the books of a position they make every byte of it.

    made_at: when it was first made, UTC, whole seconds. software: name and version that made it.
    since: first local day of the file, None: all. currency: the only one, None: all.
    company: whose books they are, where the format tells.
    """

    known: Known
    made_at: datetime
    software: str
    since: date | None = None
    currency: str | None = None
    company: Company | None = None


@attrs.define
class Source:
    """The books that a format writes. written: what it took from `transactions`.

    opening: by account number and currency, of a format that tells balances; minor units. It may
        set `wanted.currency`, where the books have only one.
    """

    entries: Iterable[Entry]
    wanted: Wanted
    chart: Chart
    written: Tally = attrs.field(factory=Tally)
    opening: Counter[tuple[str, str]] = attrs.field(factory=Counter)

    def transactions(self) -> Iterator[Transaction]:
        """What goes into the file, counted. Refused: "account-unmapped"."""
        for each in chosen(self.entries, self.wanted, self.chart):
            self.written.take(each)
            yield each


def chosen(entries: Iterable[Entry], wanted: Wanted, chart: Chart) -> Iterator[Transaction]:
    """The transactions of the wanted days, with those of their lines that are in the currency."""
    for each in transactions(entries, wanted.known, chart, since=wanted.since):
        part = each if wanted.currency is None else of_currency(each, wanted.currency)
        if part.lines:
            yield part


def of_currency(each: Transaction, currency: str) -> Transaction:
    """What of a transaction is in a currency. It balances: each entry does, in every currency."""
    lines = tuple(line for line in each.lines if line.currency == currency)
    return each if lines == each.lines else attrs.evolve(each, lines=lines)
