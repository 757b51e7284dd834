"""Usage that was billed because it came to the threshold: all of it, once, and not before."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from fractions import Fraction

import attrs

from domain.calendar import Period, local_day
from domain.subscription.events import (
    THRESHOLD_REACHED,
    InvoiceIssued,
    LineKind,
    TermsChanged,
    UsageCorrected,
    UsageReported,
    When,
)
from domain.subscription.state import Status
from projections.auditing.beside import Units
from projections.auditing.book import Book
from projections.auditing.codes import Say


def follow_usage(book: Book, event: UsageReported | UsageCorrected) -> None:
    """Keep what is to be counted with the next invoice, where a threshold bills it."""
    beside = book.beside
    if book.beginning.terms.threshold is None:
        return
    if isinstance(event, UsageCorrected):
        known = beside.units.get(event.usage_id)
        if known is not None:
            beside.units[event.usage_id] = attrs.evolve(known, quantity=event.quantity)
    elif beside.cut is None or event.effective_at >= beside.cut:
        beside.units[event.usage_id] = Units(event.meter, event.quantity, event.effective_at)


def cut_usage(book: Book, event: InvoiceIssued | TermsChanged) -> None:
    """An invoice of the schedule counts the usage before it; so does a change of meters."""
    beside = book.beside
    if book.beginning.terms.threshold is None:
        return
    if isinstance(event, TermsChanged):
        same = event.terms.meters == book.agreed_for(book.invoices + 1).terms.meters
        if event.when is not When.NOW or same:
            return
    _cut(book, event.effective_at, through=False)
    beside.cut = event.effective_at if beside.cut is None else max(beside.cut, event.effective_at)


def _cut(book: Book, at: datetime, *, through: bool) -> None:
    units = book.beside.units
    book.beside.units = {
        name: each
        for name, each in units.items()
        if each.at > at or (each.at == at and not through)
    }


def check_threshold(book: Book, event: InvoiceIssued, say: Say) -> None:
    """The usage of all meters since it was last billed; it came to the threshold."""
    number, beside = event.invoice_number, book.beside
    terms = book.agreed_for(book.invoices + 1).terms
    kinds = {line.kind for line in event.lines}
    if terms.threshold is None or event.demand != THRESHOLD_REACHED or LineKind.USAGE not in kinds:
        say("lines-not-agreed", f"invoice {number} for {event.demand!r}: {len(event.lines)} lines")
        return
    if kinds - {LineKind.USAGE, LineKind.DISCOUNT}:
        say("lines-not-agreed", f"invoice {number} bills more than usage")
    if book.status not in (Status.ACTIVE, Status.PAUSED):
        say("invoice-after-end", f"invoice {number} when it was {book.status.value}")
    zone = book.beginning.zone
    begins = book.beginning.start if beside.cut is None else local_day(beside.cut, zone)
    period = Period(begins, _day_after(event.effective_at, zone))
    if event.period != period:
        say("period-off-schedule", f"invoice {number}, not {period.start} to {period.end}")
    _check_units(book, event, say)
    usage = sum(line.amount.minor for line in event.lines if line.kind is LineKind.USAGE)
    if usage < terms.threshold.minor:
        say("threshold-not-reached", f"invoice {number}: {usage} minor units of usage")
    _cut(book, event.effective_at, through=True)
    beside.cut = event.effective_at


def _check_units(book: Book, event: InvoiceIssued, say: Say) -> None:
    number, meters = event.invoice_number, book.agreed_for(book.invoices + 1).terms.meters
    due: Counter[str] = Counter()
    for each in book.beside.units.values():
        if each.at <= event.effective_at:
            due[each.meter] += each.quantity
    counted: Counter[str] = Counter()
    prices = {each.code: each.tiers[0] for each in meters if each.tiers}
    for line in event.lines:
        if line.kind is not LineKind.USAGE:
            continue
        working, tier = line.working, prices.get(line.item)
        counted[line.item] += working.quantity
        free = working.numerator == 0
        if tier is None or free or working.unit_price != tier.unit_price:
            say("price-not-agreed", f"invoice {number}: {line.item} at {working.unit_price}")
        elif Fraction(working.numerator, working.denominator) != Fraction(1, tier.per):
            say("share-wrong", f"invoice {number}: {line.item} by {working.denominator}")
    if +counted != +due:
        say("threshold-usage-wrong", f"invoice {number}: {dict(counted)}, not {dict(due)}")


def _day_after(instant: datetime, zone: str) -> date:
    return local_day(instant, zone) + timedelta(days=1)
