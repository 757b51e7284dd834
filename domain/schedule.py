"""Which stretch of service the nth invoice bills, and on which day it falls due.

Periods are counted from an anchor, so they tile: each ends where the next begins. A trial, or what
is left up to the next anchor day after a pause, is a period off the rhythm.
"""

from __future__ import annotations

from datetime import date

import attrs

from domain.calendar import Interval, Period, Unit, count_from
from domain.plan import Terms, Timing

_LONGEST_DAYS = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 31, Unit.YEAR: 366}


@attrs.frozen(kw_only=True)
class Stub:
    """A period off the rhythm. whole_days: length of the regular period that it is a part of."""

    invoice_number: int
    period: Period
    whole_days: int


@attrs.frozen(kw_only=True)
class Schedule:
    """Which local days each invoice bills.

    anchor: day from which regular periods are counted, every `interval`.
    anchor_invoice: number of the invoice whose period begins at the anchor. It may lie below 1:
        after a pause, the periods that were not billed have no number.
    stub: the one period off the rhythm, or None.
    """

    anchor: date
    anchor_invoice: int
    interval: Interval
    stub: Stub | None = None

    def period(self, invoice_number: int) -> Period:
        """The days that an invoice (from 1) bills."""
        if self.stub is not None and self.stub.invoice_number == invoice_number:
            return self.stub.period
        index = invoice_number - self.anchor_invoice
        return Period(self.boundary(index), self.boundary(index + 1))

    def whole_days(self, invoice_number: int) -> int:
        """Days of the whole period of which an invoice bills all or a part."""
        if self.stub is not None and self.stub.invoice_number == invoice_number:
            return self.stub.whole_days
        return self.period(invoice_number).days

    def boundary(self, index: int) -> date:
        """Where the regular period number `index` begins, counted from 0 at the anchor."""
        return count_from(self.anchor, self.interval, index)

    def first_boundary(self, day: date) -> int:
        """The index of the first regular period that begins on or after a day.

        day: not before the anchor.
        """
        longest = _LONGEST_DAYS[self.interval.unit] * self.interval.count
        # Never too late, because no interval is longer; then counted on.
        index = max(0, (day - self.anchor).days // longest)
        while self.boundary(index) < day:
            index += 1
        return index


def schedule_of(start: date, terms: Terms) -> Schedule:
    """The schedule that a subscription begins with: a free trial first, if there is one."""
    if terms.trial is None:
        return Schedule(anchor=start, anchor_invoice=1, interval=terms.interval)
    anchor = count_from(start, terms.trial, 1)
    trial = Period(start, anchor)
    stub = Stub(invoice_number=1, period=trial, whole_days=trial.days)
    return Schedule(anchor=anchor, anchor_invoice=2, interval=terms.interval, stub=stub)


def is_trial(terms: Terms, invoice_number: int) -> bool:
    """Whether the nth invoice bills the free trial."""
    return terms.trial is not None and invoice_number == 1


def due_day(terms: Terms, period: Period) -> date:
    """The local day on which a period's invoice falls due."""
    return period.start if terms.timing is Timing.PREPAID else period.end


def last_invoice(terms: Terms) -> int | None:
    """The number of the last invoice, or None when the end is open."""
    if terms.cycles is None:
        return None
    return terms.cycles + (0 if terms.trial is None else 1)
