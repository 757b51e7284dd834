"""Invoices: numbers, periods and due instants by the terms, amounts by their own working."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from domain.calendar import local_day
from domain.money import Money
from domain.plan import Terms
from domain.subscription.events import InvoiceIssued, InvoiceLine, LineKind
from domain.subscription.state import Status
from projections.auditing.book import Book, Owed, Service, Totals
from projections.auditing.codes import Say
from projections.auditing.parts import check_worked_out, closes, service_of
from projections.auditing.schedules import announced_for, days_of, due_on, last_number

_PARTS = (LineKind.REST, LineKind.UNUSED)


def check_invoice(
    book: Book, event: InvoiceIssued, recorded_at: datetime, totals: Totals, say: Say
) -> None:
    """An invoice against the terms, the invoices before it, and itself.

    totals: those of the invoice's currency; the invoice is added to them.
    """
    number, closing = event.invoice_number, closes(event)
    _check_billed(book, event, closing, say)
    if number <= book.invoices:
        say("invoice-doubled", f"invoice {number} after invoice {book.invoices}")
    elif number != book.invoices + 1:
        say("invoice-number-wrong", f"invoice {number} after invoice {book.invoices}")
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"invoice {number} is for {event.customer_id}")
    if closing:
        _check_closing(book, event, recorded_at, say)
    else:
        _check_period(book, event, say)
        _check_instants(book, event, recorded_at, say)
    _check_amounts(book, event, closing, say)
    _book(book, event, closing)
    if event.total.minor > 0:
        book.owed[number] = Owed(total=event.total.minor, currency=event.total.currency)
        book.applying = number
        totals.billed += event.total.minor
        totals.open += event.total.minor


def _check_closing(book: Book, event: InvoiceIssued, recorded_at: datetime, say: Say) -> None:
    """The days of its lines, up to where service was billed to; nothing after it."""
    number, period = event.invoice_number, event.period
    days = max(line.working.days for line in event.lines)
    if not book.prepaid or (period.end, period.days) != (book.next_start, days):
        say("period-off-schedule", f"invoice {number} closes {period.start} to {period.end}")
    if event.due_on != local_day(event.effective_at, book.beginning.zone):
        say("due-day-wrong", f"invoice {number} is due on {event.due_on}")
    if recorded_at < event.effective_at:
        say("invoice-too-early", f"invoice {number} was recorded at {recorded_at}")


def _book(book: Book, event: InvoiceIssued, closing: bool) -> None:
    """What the invoice leaves behind for the facts after it."""
    service = None if closing else service_of(book, event.invoice_number)
    book.closed = book.closed or closing
    if service is not None:
        # By what was agreed to; where the invoice says otherwise, that was a finding.
        book.billed = service
    book.invoices = max(book.invoices, event.invoice_number)
    book.next_start, book.announced = event.period.end, event.next_due_at
    book.repriced, book.lines_to_come = None, ()
    later = tuple(each for each in book.agreed if each.from_invoice > book.invoices + 1)
    book.agreed = (book.agreed_for(book.invoices + 1), *later)


def _check_billed(book: Book, event: InvoiceIssued, closing: bool, say: Say) -> None:
    """Whether anything is billed at all, at that time."""
    number, pause, ending = event.invoice_number, book.pause, book.ending
    if book.status is Status.PENDING or book.has_ended:
        say("invoice-after-end", f"invoice {number} when it was {book.status.value}")
    if closing:
        return
    if pause is not None and number > pause.last_invoice:
        say("invoice-while-paused", f"invoice {number}, {pause.last_invoice} was the last one")
    if book.suspension is not None and number > book.suspension.last_invoice:
        last = book.suspension.last_invoice
        say("invoice-while-suspended", f"invoice {number}, {last} was the last one")
    if ending is None:
        return
    over = ending.at is not None and event.effective_at >= ending.at
    if over or (ending.last_invoice is not None and number > ending.last_invoice):
        say("invoice-after-cancellation", f"invoice {number} due at {event.effective_at}")


def _check_period(book: Book, event: InvoiceIssued, say: Say) -> None:
    number, period = event.invoice_number, event.period
    agreed = book.agreed_for(number)
    if period.start != book.next_start or period.end <= period.start:
        say(
            "period-not-tiled",
            f"invoice {number} bills {period.start} to {period.end}, and service was billed to "
            f"{book.next_start}",
        )
    if period != days_of(agreed.schedule, number):
        say("period-off-schedule", f"invoice {number} bills {period.start} to {period.end}")
    if event.due_on != due_on(agreed.terms, period):
        say("due-day-wrong", f"invoice {number} is due on {event.due_on}")


def _check_instants(book: Book, event: InvoiceIssued, recorded_at: datetime, say: Say) -> None:
    number = event.invoice_number
    if event.effective_at != book.announced:
        say("due-instant-moved", f"invoice {number}: {event.effective_at}, not {book.announced}")
    if recorded_at < event.effective_at:
        say("invoice-too-early", f"invoice {number} was recorded at {recorded_at}")
    last = last_number(book)
    if event.next_due_at is None:
        if number != last:
            say("next-due-off-schedule", f"invoice {number} announces no other")
    elif number == last or not announced_for(book, number + 1, event.next_due_at):
        say("next-due-off-schedule", f"invoice {number} announces {event.next_due_at}")


def _check_amounts(book: Book, event: InvoiceIssued, closing: bool, say: Say) -> None:
    number, currency = event.invoice_number, book.beginning.currency
    amounts = [event.total, *(line.amount for line in event.lines)]
    if any(amount.currency != currency for amount in amounts):
        say("currency-mixed", f"invoice {number} is not all in {currency}")
    if sum(line.amount.minor for line in event.lines) != event.total.minor:
        say("total-wrong", f"the lines of invoice {number} do not make {event.total}")
    if event.total.minor < 0:
        say("total-negative", f"invoice {number} comes to {event.total}")
    terms = book.agreed_for(number).terms
    own = tuple(line for line in event.lines if line.kind not in _PARTS)
    parts = tuple(line for line in event.lines if line.kind in _PARTS)
    if parts != book.lines_to_come:
        say("parts-not-announced", f"invoice {number}: {len(parts)} lines for parts of a period")
    agreed = () if closing else _agreed_kinds(terms, number)
    if tuple(line.kind for line in own) != agreed:
        say("lines-not-agreed", f"invoice {number}: {', '.join(each.kind.value for each in own)}")
    for line in event.lines:
        check_worked_out(line, say, what=f"invoice {number}")
    service = service_of(book, number)
    for line in own:
        _check_agreed(line, terms, number, service, say)


def _agreed_kinds(terms: Terms, number: int) -> tuple[LineKind, ...]:
    """The lines that the terms give an invoice, beside parts of periods."""
    if number != 1:
        return (LineKind.PERIOD,)
    first = LineKind.PERIOD if terms.trial is None else LineKind.TRIAL
    return (first,) if terms.setup_fee is None else (first, LineKind.SETUP_FEE)


def _check_agreed(
    line: InvoiceLine, terms: Terms, number: int, service: Service | None, say: Say
) -> None:
    """A line of the invoice's own against the terms: price, quantity, and share of a period."""
    working = line.working
    if working.unit_price != _agreed_price(line, terms, number):
        say("price-not-agreed", f"invoice {number}: {working.unit_price} a unit")
    quantity = 1 if line.kind is LineKind.SETUP_FEE else terms.quantity
    if working.quantity != quantity:
        say("quantity-not-agreed", f"invoice {number}: {working.quantity}, not {quantity}")
    if service is None or working.denominator == 0:
        return
    share = Fraction(working.numerator, working.denominator)
    if share != _agreed_share(line, service):
        say("share-wrong", f"invoice {number}: {share} of the price for {service.period.days} days")


def _agreed_share(line: InvoiceLine, service: Service) -> Fraction:
    match line.kind:
        case LineKind.TRIAL:
            return Fraction(0)
        case LineKind.PERIOD:
            return Fraction(service.period.days, service.whole_days)
        case _:
            return Fraction(1)


def _agreed_price(line: InvoiceLine, terms: Terms, number: int) -> Money | None:
    """The price that the terms give a line; None where the terms give no such line."""
    match line.kind:
        case LineKind.SETUP_FEE:
            return terms.setup_fee if number == 1 else None
        case LineKind.TRIAL:
            return terms.price if terms.trial is not None and number == 1 else None
        case _:
            return terms.price
