"""What every account stands at: as of a day in the world, with what was known at a position.

Two axes. A posting counts from the local day of its fact on, revenue from each day of service on;
both in the zone in which the books are cut off. What was recorded after the position is not known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import attrs

from domain.books.accounts import Account, Entry, Role
from domain.books.chart import Chart
from domain.calendar import zone_named

Sums = Counter[tuple[Account, str]]


@attrs.frozen(kw_only=True)
class Known:
    """From where answers are given.

    as_of: the last local day that counts. zone: in which days end for the books.
    """

    as_of: date
    zone: str

    @property
    def cut_off(self) -> ZoneInfo:
        """The zone itself."""
        return zone_named(self.zone)


def sums(entries: Iterable[Entry], known: Known) -> Sums:
    """Each account's balance by currency, minor units; debits are positive.

    entries: the journal, as far as it is known.
    """
    found: Sums = Counter()
    zone = known.cut_off
    for entry in entries:
        if entry.day(zone) <= known.as_of:
            for line in entry.lines:
                found[line.account, line.currency] += line.minor
        for each in entry.recognitions:
            earned = each.earned(known.as_of)
            found[Account(Role.DEFERRED, each.revenue), each.currency] += earned
            found[Account(Role.REVENUE, each.revenue), each.currency] -= earned
    return found


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The local day of an instant."""
    return instant.astimezone(zone).date()


@attrs.frozen(kw_only=True)
class TrialLine:
    """One account of the chart in one currency. minor: its balance; positive is a debit."""

    number: str
    name: str
    currency: str
    minor: int


def trial_balance(found: Sums, chart: Chart) -> tuple[TrialLine, ...]:
    """The balances by the chart's numbers; accounts that come to nothing are left out.

    They add up to nothing in each currency. Refused: "account-unmapped".
    """
    by_number: Counter[tuple[str, str, str]] = Counter()
    for (account, currency), minor in found.items():
        place = chart.account(account)
        by_number[place.number, place.name, currency] += minor
    return tuple(
        TrialLine(number=number, name=name, currency=currency, minor=minor)
        for (number, name, currency), minor in sorted(by_number.items())
        if minor
    )
