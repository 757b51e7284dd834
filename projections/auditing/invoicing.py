"""Invoices: numbers, periods and due instants by the terms, amounts by their own working."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

import attrs

from domain.calendar import local_day
from domain.subscription.events import AmountSet, InvoiceIssued, LineKind
from domain.subscription.state import Status
from projections.auditing.book import Book, Issued, Owed, Service, Totals
from projections.auditing.codes import Say
from projections.auditing.discounts import check_discounts, grouped
from projections.auditing.late import issued_under
from projections.auditing.lines import check_lines
from projections.auditing.parking import check_lines_of_day
from projections.auditing.parts import closes, service_of
from projections.auditing.prices import Price, tax_of_lines
from projections.auditing.schedules import announced_for, days_of, due_on, last_number
from projections.auditing.usage import cut, next_meters


def check_invoice(
    book: Book, event: InvoiceIssued, recorded_at: datetime, totals: Totals, say: Say
) -> None:
    """An invoice against the terms, the invoices before it, and itself.

    totals: those of the invoice's currency; the invoice is added to them.
    """
    number, closing = event.invoice_number, closes(event)
    issued = issued_under(book, event)
    check_lines_of_day(book, event, say)
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
    _book(book, event, closing, issued)
    if event.total.minor > 0:
        book.owed[number] = Owed(total=event.total.minor, currency=event.total.currency)
        book.applying = number
        totals.billed += event.total.minor
        totals.open += event.total.minor


def _check_closing(book: Book, event: InvoiceIssued, recorded_at: datetime, say: Say) -> None:
    """The days of its lines, up to where service was billed to; of usage alone, the last day."""
    number, period = event.invoice_number, event.period
    days = max(line.working.days for line in event.lines)
    last_day = local_day(event.effective_at, book.beginning.zone)
    if days:
        fits = book.prepaid and (period.end, period.days) == (book.next_start, days)
    else:
        fits = (period.start, period.days) == (last_day, 1)
    if not fits:
        say("period-off-schedule", f"invoice {number} closes {period.start} to {period.end}")
    if event.due_on != last_day:
        say("due-day-wrong", f"invoice {number} is due on {event.due_on}")
    if recorded_at < event.effective_at:
        say("invoice-too-early", f"invoice {number} was recorded at {recorded_at}")


def _book(book: Book, event: InvoiceIssued, closing: bool, issued: Issued) -> None:
    """What the invoice leaves behind for the facts after it."""
    service = None if closing else service_of(book, event.invoice_number)
    cut(book, event.effective_at, next_meters(book), whole=True, issued=issued)
    book.closed = book.closed or closing
    if service is not None:
        # By what was agreed to; where the invoice says otherwise, that was a finding.
        book.billed = _as_paid(service, event)
    book.amounts = {n: minor for n, minor in book.amounts.items() if n > event.invoice_number}
    book.invoices = max(book.invoices, event.invoice_number)
    book.next_start, book.announced = event.period.end, event.next_due_at
    book.repriced, book.lines_to_come, book.given_back = None, (), 0
    for coupon in book.coupons.values():
        coupon.spares = 0
    later = tuple(each for each in book.agreed if each.from_invoice > book.invoices + 1)
    book.agreed = (book.agreed_for(book.invoices + 1), *later)


def _as_paid(service: Service, event: InvoiceIssued) -> Service:
    """A period at what was paid for it: where discounts reduced it, at what they left."""
    periods = [each for each in grouped(event.lines) if each.line.kind is LineKind.PERIOD]
    if len(periods) != len(service.prices):
        return service
    of_whole = Fraction(service.whole_days, service.period.days)
    prices = (
        Price(1, billed.left, of_whole) if billed.off else price
        for price, billed in zip(service.prices, periods, strict=True)
    )
    return attrs.evolve(service, prices=tuple(prices))


def _check_billed(book: Book, event: InvoiceIssued, closing: bool, say: Say) -> None:
    """Whether anything is billed at all, at that time."""
    number, pause, ending = event.invoice_number, book.pause, book.ending
    # What was used before there was a token is billed when it is cancelled.
    first = book.status is Status.PENDING and not closing
    if first and number == 1:
        book.billed_early = number
    if book.has_ended or (first and number != 1):
        say("invoice-after-end", f"invoice {number} when it was {book.status.value}")
    if closing:
        return
    if pause is not None and number > pause.last_invoice:
        say("invoice-while-paused", f"invoice {number}, {pause.last_invoice} was the last one")
    if book.suspension is not None and number > book.suspension.last_invoice:
        last = book.suspension.last_invoice
        say("invoice-while-suspended", f"invoice {number}, {last} was the last one")
    if book.beside.settling is not None:
        words = f"invoice {number}, and invoice {book.beside.settling.invoice_number} billed it"
        say("invoice-after-settlement", words)
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
    taxes = [line.tax.tax for line in event.lines if line.tax is not None]
    amounts = [event.total, *(line.amount for line in event.lines), *taxes]
    if any(amount.currency != currency for amount in amounts):
        say("currency-mixed", f"invoice {number} is not all in {currency}")
    if sum(line.amount.minor for line in event.lines) != event.total.minor:
        say("total-wrong", f"the lines of invoice {number} do not make {event.total}")
    if event.total.minor < 0:
        say("total-negative", f"invoice {number} comes to {event.total}")
    if (None if event.tax is None else event.tax.minor) != tax_of_lines(event.lines):
        say("tax-total-wrong", f"the lines of invoice {number} do not hold {event.tax}")
    check_lines(book, event, closing, say)
    check_discounts(book, event, say)


def check_amount(book: Book, event: AmountSet, say: Say) -> None:
    """An amount is set for the next invoice, where its terms let it vary."""
    number, minor = event.invoice_number, event.amount.minor
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"the amount of invoice {number} is for {event.customer_id}")
    if event.amount.currency != book.beginning.currency:
        say("currency-mixed", f"invoice {number} set to {event.amount}")
    given_back = any(line.kind is LineKind.UNUSED for line in book.lines_to_come)
    may_vary = book.agreed_for(number).terms.variable and not given_back
    to_come = number == book.invoices + 1 and book.announced is not None
    if minor < 0 or not may_vary or not to_come or book.has_ended:
        say("amount-set-wrong", f"invoice {number} set to {event.amount}")
    book.amounts[number] = minor
