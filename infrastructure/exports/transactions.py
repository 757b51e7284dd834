"""What every format writes: the journal up to a day, with the merchant's own account numbers.

First each entry, in the order of the log; then, month by month, what was earned of the deferred
revenue. They come to the trial balance of that day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import attrs

from domain.books.accounts import Account, Entry, Role
from domain.books.chart import Chart, ChartAccount
from projections.account_sums import Known, day_of
from projections.waterfall import Month, Revenue

EARNED = "revenue-earned"


@attrs.frozen
class Posted:
    """A line of a transaction. of: as in Account. minor: minor units; positive is a debit."""

    account: ChartAccount
    of: str
    minor: int
    currency: str


@attrs.frozen(kw_only=True)
class Transaction:
    """One balanced booking. See Entry for the words; what is earned has no voucher, no position.

    day: the local day from which it counts. effective, recorded: the local days of its fact.
    """

    day: date
    voucher: str
    document: str
    position: int | None
    stream: str
    fact: str
    about: str
    lines: tuple[Posted, ...]
    belongs_to: str = ""
    effective: date = attrs.field(default=attrs.Factory(lambda self: self.day, takes_self=True))
    recorded: date = attrs.field(default=attrs.Factory(lambda self: self.day, takes_self=True))


def transactions(
    entries: Iterable[Entry], known: Known, chart: Chart, *, since: date | None = None
) -> Iterator[Transaction]:
    """One at a time. since: the first day that counts; None: all. Refused: "account-unmapped"."""
    zone, earned = known.cut_off, Revenue(known, since)
    for entry in entries:
        earned.take(entry)
        day = entry.day(zone)
        if day > known.as_of or (since is not None and day < since):
            continue
        yield Transaction(
            day=day,
            voucher=entry.voucher,
            document=entry.document,
            position=entry.position,
            stream=entry.stream,
            fact=entry.fact,
            about=entry.about,
            lines=tuple(
                Posted(chart.account(each.account), each.account.of, each.minor, each.currency)
                for each in entry.lines
            ),
            belongs_to=entry.belongs_to,
            effective=day_of(entry.effective_at, zone),
            recorded=day_of(entry.recorded_at, zone),
        )
    for month in earned.months():
        yield _earned(month, known, chart)


def _earned(month: Month, known: Known, chart: Chart) -> Transaction:
    last = (month.first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    sides = ((Role.DEFERRED, month.minor), (Role.REVENUE, -month.minor))
    return Transaction(
        day=min(last, known.as_of),
        voucher="",
        document="",
        position=None,
        stream="",
        fact=EARNED,
        about=f"{month.first:%Y-%m}",
        lines=tuple(
            Posted(
                chart.account(Account(role, month.revenue)), month.revenue, minor, month.currency
            )
            for role, minor in sides
        ),
    )
