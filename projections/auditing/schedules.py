"""Which days an invoice bills and when it falls due, counted anew from what was agreed to."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.calendar import Period, count_from, start_of_day
from domain.plan import Terms, Timing
from domain.refusals import Refused
from domain.schedule import Schedule, Stub
from projections.auditing.book import Agreed, Book

# Announced instants stay when a zone's rules change; no such change moves midnight by a day.
ZONE_RULES_MOVE_AT_MOST = timedelta(hours=26)


def opening(start: date, terms: Terms) -> Agreed:
    """What a subscription begins with: the trial, if there is one, then regular periods."""
    if terms.trial is None:
        return Agreed(1, terms, Schedule(anchor=start, anchor_invoice=1, interval=terms.interval))
    first = count_from(start, terms.trial, 1)
    stub = Stub(invoice_number=1, period=Period(start, first), whole_days=(first - start).days)
    schedule = Schedule(anchor=first, anchor_invoice=2, interval=terms.interval, stub=stub)
    return Agreed(1, terms, schedule)


def days_of(schedule: Schedule, invoice_number: int) -> Period | None:
    """The days that an invoice bills; None where the calendar ends."""
    stub = schedule.stub
    if stub is not None and stub.invoice_number == invoice_number:
        return stub.period
    passed = invoice_number - schedule.anchor_invoice
    try:
        start = count_from(schedule.anchor, schedule.interval, passed)
        return Period(start, count_from(schedule.anchor, schedule.interval, passed + 1))
    except Refused:
        return None


def whole_days_of(schedule: Schedule, invoice_number: int) -> int:
    """Length of the whole period of which an invoice bills all or a part; 0 if there is none."""
    stub, days = schedule.stub, days_of(schedule, invoice_number)
    if stub is not None and stub.invoice_number == invoice_number:
        return stub.whole_days
    return 0 if days is None else days.days


def due_on(terms: Terms, period: Period) -> date:
    """The local day on which a period is billed."""
    return period.start if terms.timing is Timing.PREPAID else period.end


def announced_for(book: Book, invoice_number: int, instant: datetime) -> bool:
    """Whether an announced instant is where the terms in force put an invoice to come."""
    agreed = book.agreed_for(invoice_number)
    days = days_of(agreed.schedule, invoice_number)
    if days is None:
        return False
    try:
        expected = start_of_day(due_on(agreed.terms, days), book.beginning.zone)
    except Refused:
        return False
    return abs(expected - instant) <= ZONE_RULES_MOVE_AT_MOST


def last_number(book: Book) -> int | None:
    """The number of the last invoice before billing ends or stops; None where none is."""
    terms = book.agreed_for(book.invoices + 1).terms
    paid_periods = terms.cycles
    trial = 0 if terms.trial is None else 1
    lasts = (
        None if paid_periods is None else paid_periods + trial,
        None if book.pause is None else book.pause.last_invoice,
        None if book.suspension is None else book.suspension.last_invoice,
        None if book.ending is None else book.ending.last_invoice,
        None if book.beside.settling is None else book.beside.settling.last_invoice,
    )
    return min((each for each in lasts if each is not None), default=None)
