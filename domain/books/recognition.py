"""When revenue is earned (IFRS 15, ASC 606): by day over the service that a line pays for.

What is billed stands in deferred revenue; each day of service moves its share to revenue. Shares
are counted from the beginning and cut to whole minor units, so that they add up to the line, and
what was earned by a day depends on nothing that follows. What was served before it was billed is
earned on its own days: deferred revenue is then below nothing, which an auditor calls a contract
asset.

line                              earned
PERIOD, TRIAL, SETUP_FEE          over the days of the invoice's period
REST, UNUSED                      over the days that were charged anew or given back
DISCOUNT                          as the line before it
USAGE, MINIMUM, CAP, DEMAND,
RELOAD, PRODUCT, SHIPPING         on the day of the invoice, as is whatever is settled afterwards
"""

from __future__ import annotations

from datetime import date, timedelta

import attrs

from domain.calendar import Period
from domain.subscription.events import SETTLED, InvoiceLine, LineKind

OVER_PERIOD = (LineKind.PERIOD, LineKind.TRIAL, LineKind.SETUP_FEE)
OVER_REST = (LineKind.REST, LineKind.UNUSED)


@attrs.frozen
class Recognition:
    """A part of deferred revenue that is earned by day.

    revenue: "product|tax class". minor: minor units before tax, negative where it is given back.
    start: first local day of service. days: from there on; 0: all of it on that day.
    not_before: the first day that may still earn: what was served in days whose books are closed
        is earned on it.
    """

    revenue: str
    minor: int
    currency: str
    start: date
    days: int
    not_before: date | None = None

    @property
    def last(self) -> date:
        """The day on which the last of it is earned."""
        served = self.start + timedelta(days=max(self.days - 1, 0))
        return served if self.not_before is None else max(served, self.not_before)

    def earned(self, day: date) -> int:
        """How much is earned by the end of a day, minor units."""
        if self.not_before is not None and day < self.not_before:
            return 0
        served = (day - self.start).days + 1
        if served <= 0:
            return 0
        if served >= self.days:
            return self.minor
        share = abs(self.minor) * served // self.days
        return share if self.minor > 0 else -share


@attrs.frozen
class Waiting:
    """A line that waits for the next invoice, and the days of service that it is about."""

    line: InvoiceLine
    product: str
    start: date
    days: int


def waiting(lines: tuple[InvoiceLine, ...], product: str, start: date) -> tuple[Waiting, ...]:
    """Those of a fact's lines that are about days from `start` on."""
    return tuple(
        Waiting(line, product, start, line.working.days)
        for line in lines
        if line.kind in OVER_REST and line.working.policy != SETTLED
    )


def recognised(
    lines: tuple[InvoiceLine, ...],
    *,
    product: str,
    period: Period,
    day: date,
    carried: tuple[Waiting, ...] = (),
) -> tuple[Recognition, ...]:
    """When each line of an invoice is earned, in the order of the lines.

    period: the invoice's. day: the local day on which it was issued. carried: what had waited.
    """
    left = list(carried)
    found: list[Recognition] = []
    for line in lines:
        known = next((each for each in left if each.line == line), None)
        if known is not None:
            left.remove(known)
            found.append(_over(line, known.product, known.start, known.days))
        elif line.working.policy == SETTLED:
            found.append(_over(line, product, day, 0))
        elif line.kind in OVER_PERIOD:
            found.append(_over(line, product, period.start, period.days))
        elif line.kind is LineKind.DISCOUNT and found:
            before = found[-1]
            named = before.revenue.partition("|")[0]
            found.append(_over(line, named, before.start, before.days))
        else:
            found.append(_over(line, product, day, 0))
    return tuple(found)


def given_back(
    lines: tuple[InvoiceLine, ...], *, product: str, day: date
) -> tuple[Recognition, ...]:
    """What a credit's lines take back of what was to be earned: days from `day` on, the rest at
    once."""
    return tuple(
        attrs.evolve(each, minor=-each.minor)
        for each in recognised(
            lines,
            product=product,
            period=Period(day, day),
            day=day,
            carried=waiting(lines, product, day),
        )
    )


def net_of(line: InvoiceLine) -> int:
    """A line before tax, minor units."""
    return line.amount.minor if line.tax is None else line.tax.net.minor


def revenue_of(product: str, line: InvoiceLine) -> str:
    """Which revenue a line is: product and tax class."""
    return f"{product}|{'untaxed' if line.tax is None else line.tax.rate.code}"


def _over(line: InvoiceLine, product: str, start: date, days: int) -> Recognition:
    return Recognition(revenue_of(product, line), net_of(line), line.amount.currency, start, days)
