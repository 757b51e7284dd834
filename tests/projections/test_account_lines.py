"""An account's ledger: by day, page by page, with hand-checked figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from domain.books.accounts import Account, Entry, Line, Role
from projections.account_lines import Page, Place, in_order, page
from projections.account_sums import Known

JANUARY = Known(as_of=date(2025, 1, 31), zone="UTC")
OWED, BANK = Account(Role.RECEIVABLE, "c-1"), Account(Role.BANK, "x")


def entry(position: int, day: date, *minors: int, currency: str = "USD") -> Entry:
    """Each amount a line of what is owed."""
    lines = [Line(OWED, minor, currency) for minor in minors]
    return Entry(
        voucher=f"2025-{position:06}",
        document="",
        position=position,
        stream="subscription-s-1",
        fact="charge-succeeded.v1",
        about="invoice 1",
        effective_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
        recorded_at=datetime(2025, 3, 1, tzinfo=UTC),
        lines=(*lines, Line(BANK, -sum(minors), currency)),
        recognitions=(),
        belongs_to="",
        not_before=None,
    )


# In the order of the log: the third counts from the first day, the last not yet.
ENTRIES = (
    entry(1, date(2025, 1, 5), 100),
    entry(2, date(2025, 1, 9), -30, -20),
    entry(3, date(2025, 1, 1), 7),
    entry(4, date(2025, 1, 9), 5, currency="NOK"),
    entry(5, date(2025, 2, 1), 1000),
)


def asked(limit: int, after: Place | None = None, among: Sequence[Entry] = ENTRIES) -> Page:
    def owed(account: Account) -> bool:
        return account == OWED

    entries = in_order(among, JANUARY, owed)
    return page(entries, JANUARY, owed, after=after, limit=limit)


def told(found: Page) -> list[tuple[int, int]]:
    return [(each.position, each.minor) for each in found.lines]


def test_by_day_up_to_the_last() -> None:
    """Late facts stand on their day; what counts later is left out, and the other account's."""
    found = asked(100)
    assert told(found) == [(3, 7), (1, 100), (2, -30), (2, -20), (4, 5)]
    assert (found.opening, found.closing, found.end) == ({}, {"NOK": 5, "USD": 57}, None)


def test_a_page_ends_between_entries() -> None:
    """The closing of one is the opening of the next."""
    first = asked(3)
    assert told(first) == [(3, 7), (1, 100), (2, -30), (2, -20)]
    assert (first.closing, first.end) == ({"USD": 57}, Place(date(2025, 1, 9), 2))
    rest = asked(3, first.end)
    assert (rest.opening, told(rest), rest.end) == ({"USD": 57}, [(4, 5)], None)
    assert rest.closing == {"NOK": 5, "USD": 57}


def test_from_a_day_on() -> None:
    """What is before is the opening; what comes to nothing is no part of it."""
    found = asked(100, Place(date(2025, 1, 9), 0))
    assert (found.opening, told(found)) == ({"USD": 107}, [(2, -30), (2, -20), (4, 5)])
    paid = (entry(1, date(2025, 1, 1), 5), entry(2, date(2025, 1, 1), -5))
    assert asked(100, Place(date(2025, 1, 2), 0), paid) == Page(
        opening={}, lines=(), closing={}, end=None
    )
    assert asked(100, Place(date(2025, 3, 1), 0)).opening == {"NOK": 5, "USD": 57}
