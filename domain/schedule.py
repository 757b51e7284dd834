"""Which stretch of service the nth invoice bills, and on which day it falls due.

Periods are counted from the start, so they tile: the free trial first, if there is one, then one
regular period after another, each ending where the next begins.
"""

from __future__ import annotations

from datetime import date

from domain.calendar import Period, count_from
from domain.plan import Terms, Timing


def period_of(start: date, terms: Terms, invoice_number: int) -> Period:
    """Local days [start, end) that an invoice (from 1) bills."""
    if terms.trial is None:
        anchor, index = start, invoice_number - 1
    else:
        anchor, index = count_from(start, terms.trial, 1), invoice_number - 2
        if index < 0:
            return Period(start, anchor)
    return Period(
        count_from(anchor, terms.interval, index), count_from(anchor, terms.interval, index + 1)
    )


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
