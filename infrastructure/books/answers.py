"""What finance asks, answered from the journal's tables where these can, else from the log.

Both ways give the same answers, and that is tested; the tables give them at once. They cannot where
they have not reached the position, where their days end in another zone, or where the chart tells
customers' accounts apart, which the sums do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

from domain.books.accounts import CUSTOMERS, Account, Entry, Role
from domain.books.chart import Chart
from domain.refusals import Refused
from infrastructure.books.reading import KnownAt, KnownJournal, Log
from infrastructure.store.journal_reader import JournalReader, NotReached, position_at
from projections.account_lines import Page, Place, Wanted, in_order, page
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
from projections.waterfall import Month, revenue, waterfall
from projections.waterfall import in_order as by_month

T = TypeVar("T")
# Before every entry.
_FIRST = Place(date.min, 0)
_A_DAY = timedelta(days=1)


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
        found = _either(
            self._together(),
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

    def ledger(
        self, number: str, *, of: str | None = None, after: Place | None = None, limit: int
    ) -> Page:
        """An account's lines after a place; see account_lines.

        number: in the chart. of: only of this customer, provider's account or revenue.
        Refused: "account-unknown", "account-unmapped".
        """
        roles = frozenset(each.role for each in self.chart.accounts if each.number == number)
        if not roles:
            raise Refused("account-unknown", f"the chart has no account {number[:70]!r}")

        def wanted(account: Account) -> bool:
            return of in (None, account.of) and self.chart.account(account).number == number

        def derived() -> Page:
            entries = in_order(self._derived(), self.known, wanted)
            return page(entries, self.known, wanted, after=after, limit=limit)

        def stored(tables: JournalReader) -> Page:
            customer = of if roles <= set(CUSTOMERS) else None
            # The whole life of one customer is short, and no sums are kept of it.
            summed = after is not None and customer is None
            begin = after if summed and after is not None else _FIRST
            return page(
                tables.entries_by_day(
                    self.position,
                    after=begin,
                    until=self.known.as_of,
                    customer=customer,
                    roles=roles,
                    # One more, to know whether there is another page.
                    at_a_time=limit + 1,
                ),
                self.known,
                wanted,
                after=after,
                limit=limit,
                opening=self._opening(tables, begin, wanted) if summed else None,
            )

        # Sums take customers together: they cannot tell one from others.
        apart = of is not None and not roles <= set(CUSTOMERS) and not roles.isdisjoint(CUSTOMERS)
        return _either(None if apart else self._together(), stored, derived)

    def _opening(self, tables: JournalReader, before: Place, wanted: Wanted) -> Counter[str]:
        """What the wanted accounts stand at, lines only, before and at a place."""
        found: Counter[str] = Counter()
        if before.day == date.min:
            return found
        eve = min(before.day - _A_DAY, self.known.as_of)
        terms = [(1, self.position, eve)]
        if before.position and eve < self.known.as_of:
            # Of its own day what lies up to the position.
            upto = min(before.position, self.position)
            terms += [(1, upto, before.day), (-1, upto, eve)]
        for sign, position, until in terms:
            for (account, currency), minor in tables.line_sums(position, until).items():
                if wanted(account):
                    found[currency] += sign * minor
        return found

    def _together(self) -> JournalReader | None:
        """The tables, where the chart does not tell customers apart."""
        told_apart = any(each.role in CUSTOMERS and each.of != "*" for each in self.chart.accounts)
        return None if told_apart else self._tables

    def waterfall(self) -> tuple[Month, ...]:
        """See waterfall."""
        return _either(
            self._tables,
            lambda stored: by_month(stored.deferred(self.position, self.known.as_of)),
            lambda: waterfall(self._derived(), self.known),
        )

    def revenue(self) -> tuple[Month, ...]:
        """See waterfall."""
        return _either(
            self._tables,
            lambda stored: by_month(stored.earned(self.position, self.known.as_of)),
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
