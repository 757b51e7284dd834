"""What finance asks, answered from the journal's tables where these can, else from the log.

Both ways give the same answers, and that is tested; the tables give them at once. They cannot where
they have not reached the position, where their days end in another zone, or where the chart tells
customers' accounts apart, which the sums do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Protocol, TypeVar

from domain.books.accounts import CUSTOMERS, Entry, Role
from domain.books.chart import Chart
from infrastructure.books.reading import KnownAt, KnownJournal, Log
from infrastructure.store.journal_reader import JournalReader, NotReached, position_at
from projections.account_sums import Known, TrialLine, sums, trial_balance
from projections.statements import (
    Cash,
    Overdue,
    Statement,
    ageing,
    by_age,
    cash,
    cash_lines,
    statement,
)
from projections.waterfall import Month, in_order, revenue, waterfall

T = TypeVar("T")


class TimedLog(Log, Protocol):
    """A log that knows when a position was recorded."""

    def recorded_at(self, position: int) -> datetime:
        """UTC. Raises: LookupError."""


class Answers:
    """Answers as of a day, with what was known at a position; one question each.

    tables: None to derive every answer from the log.
    position: at which every answer is valid.
    """

    def __init__(
        self,
        log: TimedLog,
        tables: JournalReader | None,
        *,
        known: Known,
        chart: Chart,
        known_at: KnownAt = None,
    ) -> None:
        self._log, self._tables = log, tables
        self.known, self.chart = known, chart
        head = log.head()
        if isinstance(known_at, datetime):
            self.position = position_at(log.recorded_at, head, known_at)
        else:
            self.position = head if known_at is None else min(head, known_at)

    def trial_balance(self) -> tuple[TrialLine, ...]:
        """See account_sums. Refused: "account-unmapped"."""
        tables = self._tables
        if any(each.role in CUSTOMERS and each.of != "*" for each in self.chart.accounts):
            tables = None
        found = _either(
            tables,
            lambda stored: stored.sums(self.position, self.known.as_of),
            lambda: sums(self._derived(), self.known),
        )
        return trial_balance(found, self.chart)

    def entries(
        self, *, customer: str | None = None, roles: frozenset[Role] = frozenset()
    ) -> Iterator[Entry]:
        """At least the entries that move an account of this customer, or of one of these roles."""
        if self._tables is not None:
            try:
                yield from self._tables.entries(self.position, customer=customer, roles=roles)
            # Told before the first entry, or not at all.
            except NotReached:
                pass
            else:
                return
        yield from self._derived()

    def waterfall(self) -> tuple[Month, ...]:
        """See waterfall."""
        return _either(
            self._tables,
            lambda stored: in_order(stored.deferred(self.position, self.known.as_of)),
            lambda: waterfall(self._derived(), self.known),
        )

    def revenue(self) -> tuple[Month, ...]:
        """See waterfall."""
        return _either(
            self._tables,
            lambda stored: in_order(stored.earned(self.position, self.known.as_of)),
            lambda: revenue(self._derived(), self.known),
        )

    def statement(self, customer_id: str, *, since: date | None = None) -> Statement:
        """See statements."""
        return statement(self.entries(customer=customer_id), customer_id, self.known, since=since)

    def ageing(self) -> tuple[Overdue, ...]:
        """See statements."""
        return _either(
            self._tables,
            lambda stored: by_age(
                stored.open_items(self.position, self.known.as_of), self.known.as_of
            ),
            lambda: ageing(self._derived(), self.known),
        )

    def cash(self) -> tuple[Cash, ...]:
        """See statements."""
        return _either(
            self._tables,
            lambda stored: cash_lines(stored.cash(self.position, self.known.as_of)),
            lambda: cash(self._derived(), self.known),
        )

    def _derived(self) -> Iterable[Entry]:
        return KnownJournal(self._log, self.position)


def _either(
    tables: JournalReader | None, read: Callable[[JournalReader], T], derive: Callable[[], T]
) -> T:
    if tables is not None:
        try:
            return read(tables)
        except NotReached:
            pass
    return derive()
