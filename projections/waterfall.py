"""When what is deferred will be earned, month by month, and what was earned in which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

import attrs

from domain.books.accounts import Entry
from domain.books.recognition import Recognition
from projections.account_sums import Known

# By first day of a month, revenue and currency: minor units.
Months = Counter[tuple[date, str, str]]


@attrs.frozen(kw_only=True)
class Month:
    """What one month earns of one revenue ("product|tax class"), minor units. first: its day 1."""

    first: date
    revenue: str
    currency: str
    minor: int


def waterfall(entries: Iterable[Entry], known: Known) -> tuple[Month, ...]:
    """How the deferred revenue of a day will be earned after it; the months add up to it.

    What was billed after the day but served by then is in the month of the invoice, below nothing.
    """
    zone = known.cut_off
    months: Months = Counter()
    for entry in entries:
        billed = entry.day(zone) <= known.as_of
        for each in entry.recognitions:
            after = by_month(each, after=known.as_of)
            if billed:
                months.update(after)
            elif served := each.earned(known.as_of):
                first = entry.day(zone).replace(day=1)
                months[first, each.revenue, each.currency] -= served
    return in_order(months)


class Revenue:
    """What was earned up to a day, by month, for a reader that brings the entries one by one.

    since: the first day that counts; None: all of them.
    """

    def __init__(self, known: Known, since: date | None = None) -> None:
        self._known = known
        self._after = date.min if since is None else since - timedelta(days=1)
        self._months: Months = Counter()

    def take(self, entry: Entry) -> None:
        """One more entry."""
        for each in entry.recognitions:
            self._months.update(by_month(each, after=self._after, until=self._known.as_of))

    def months(self) -> tuple[Month, ...]:
        """In order of time; from the first day on they add up to the trial balance's revenue."""
        return in_order(self._months)


def revenue(entries: Iterable[Entry], known: Known) -> tuple[Month, ...]:
    """What was earned up to a day, by month; see Revenue."""
    earned = Revenue(known)
    for entry in entries:
        earned.take(entry)
    return earned.months()


def by_month(each: Recognition, *, after: date = date.min, until: date = date.max) -> Months:
    """A recognition's shares, by the month that earns them: days after one, up to another."""
    found: Months = Counter()
    begins = each.start if after < each.start else after + timedelta(days=1)
    earned = 0 if after < each.start else each.earned(after)
    ends = min(each.last, until)
    first = begins.replace(day=1)
    while first <= ends:
        following = (first + timedelta(days=32)).replace(day=1)
        by_then = each.earned(min(following - timedelta(days=1), until))
        found[first, each.revenue, each.currency] += by_then - earned
        first, earned = following, by_then
    return found


def in_order(months: Months) -> tuple[Month, ...]:
    """In order of time, without what comes to nothing."""
    return tuple(
        Month(first=first, revenue=revenue, currency=currency, minor=minor)
        for (first, revenue, currency), minor in sorted(months.items())
        if minor
    )
