"""Invoices: numbers, periods and due instants by the terms, amounts by their own working."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from domain.money import Money, rounded
from domain.plan import Terms
from domain.refusals import Refused
from domain.schedule import due_day, last_invoice, period_of
from domain.subscription.events import InvoiceIssued, InvoiceLine, LineKind
from domain.subscription.state import Status
from projections.auditing.book import Book, Owed, Totals
from projections.auditing.codes import Say
from projections.auditing.vaulting import announced_for


def check_invoice(
    book: Book, event: InvoiceIssued, recorded_at: datetime, totals: Totals, say: Say
) -> None:
    """An invoice against the terms, the invoices before it, and itself.

    totals: those of the invoice's currency; the invoice is added to them.
    """
    number = event.invoice_number
    if book.status is not Status.ACTIVE:
        say("invoice-after-end", f"invoice {number} when it was {book.status.value}")
    if number <= book.invoices:
        say("invoice-doubled", f"invoice {number} after invoice {book.invoices}")
    elif number != book.invoices + 1:
        say("invoice-number-wrong", f"invoice {number} after invoice {book.invoices}")
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"invoice {number} is for {event.customer_id}")
    _check_period(book, event, say)
    _check_instants(book, event, recorded_at, say)
    _check_amounts(book, event, say)
    book.invoices = max(book.invoices, number)
    book.last_end, book.announced = event.period.end, event.next_due_at
    if event.total.minor > 0:
        book.owed[number] = Owed(total=event.total.minor, currency=event.total.currency)
        totals.billed += event.total.minor
        totals.open += event.total.minor


def _check_period(book: Book, event: InvoiceIssued, say: Say) -> None:
    terms, number, period = book.beginning.terms, event.invoice_number, event.period
    if period.start != book.last_end or period.end <= period.start:
        say(
            "period-not-tiled",
            f"invoice {number} bills {period.start} to {period.end}, the last one ended "
            f"{book.last_end}",
        )
    if period != _agreed_period(book, number):
        say("period-off-schedule", f"invoice {number} bills {period.start} to {period.end}")
    if event.due_on != due_day(terms, period):
        say("due-day-wrong", f"invoice {number} is due on {event.due_on}")


def _agreed_period(book: Book, number: int) -> object:
    try:
        return period_of(book.beginning.start, book.beginning.terms, number)
    except Refused:
        return None


def _check_instants(book: Book, event: InvoiceIssued, recorded_at: datetime, say: Say) -> None:
    number = event.invoice_number
    if event.effective_at != book.announced:
        say("due-instant-moved", f"invoice {number}: {event.effective_at}, not {book.announced}")
    if recorded_at < event.effective_at:
        say("invoice-too-early", f"invoice {number} was recorded at {recorded_at}")
    last = last_invoice(book.beginning.terms)
    if event.next_due_at is None:
        if number != last:
            say("next-due-off-schedule", f"invoice {number} announces no other")
    elif number == last or not announced_for(book, number + 1, event.next_due_at):
        say("next-due-off-schedule", f"invoice {number} announces {event.next_due_at}")


def _check_amounts(book: Book, event: InvoiceIssued, say: Say) -> None:
    number, currency = event.invoice_number, book.beginning.currency
    amounts = [event.total, *(line.amount for line in event.lines)]
    if any(amount.currency != currency for amount in amounts):
        say("currency-mixed", f"invoice {number} is not all in {currency}")
    if sum(line.amount.minor for line in event.lines) != event.total.minor:
        say("total-wrong", f"the lines of invoice {number} do not make {event.total}")
    for line in event.lines:
        if line.amount != _worked_out(line):
            say("line-wrong", f"invoice {number}: {line.description!r} is not {line.amount}")
        if line.working.unit_price != _agreed_price(line, book.beginning.terms, number):
            say("price-not-agreed", f"invoice {number}: {line.working.unit_price} a unit")


def _worked_out(line: InvoiceLine) -> Money | None:
    """The amount that a line's working yields, or None where it yields none."""
    working = line.working
    if working.denominator == 0:
        return None
    exact = Fraction(working.quantity * working.unit_price.minor * working.numerator)
    exact /= working.denominator
    if working.rounding == "none" and exact.denominator != 1:
        return None
    return rounded(exact, working.unit_price.currency)


def _agreed_price(line: InvoiceLine, terms: Terms, number: int) -> Money | None:
    """The price that the terms give a line; None where the terms give no such line."""
    match line.kind:
        case LineKind.SETUP_FEE:
            return terms.setup_fee if number == 1 else None
        case LineKind.TRIAL:
            return terms.price if terms.trial is not None and number == 1 else None
        case LineKind.PERIOD:
            return terms.price
