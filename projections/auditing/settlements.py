"""Instalments settled early: each that was left is billed once, by one invoice, and no other is.

What the schedule billed and what the settlement bills add up to what was agreed to, because every
payment from the next one to the last is on it, with the lines that its own invoice would have had.
"""

from __future__ import annotations

from fractions import Fraction

from domain.calendar import Period
from domain.identity import ON_DEMAND
from domain.plan import Kind
from domain.subscription.events import (
    SETTLEMENT,
    InstalmentsSettled,
    InvoiceIssued,
    LineKind,
    SubscriptionEvent,
)
from domain.subscription.state import Status
from projections.auditing.beside import Settling
from projections.auditing.book import Book
from projections.auditing.codes import Say
from projections.auditing.lines import agreed_lines
from projections.auditing.prices import (
    Expected,
    check_line,
    check_worked_out,
    half_up,
    with_tax,
)
from projections.auditing.schedules import days_of


def settles(event: InvoiceIssued) -> bool:
    """Whether an invoice beside the schedule bills what a schedule would have."""
    of_period = any(line.kind in (LineKind.PERIOD, LineKind.TRIAL) for line in event.lines)
    return of_period or (event.demand == SETTLEMENT and not event.lines)


def check_settled(book: Book, event: InstalmentsSettled, say: Say) -> None:
    """All instalments that are left, of a plan that is billed, before any of them is due."""
    terms, what = book.agreed_for(book.invoices + 1).terms, f"instalments {event.first}"
    what = f"{what} to {event.last}"
    trials = 0 if terms.trial is None else 1
    payments = terms.cycles or 0
    if terms.kind is not Kind.INSTALLMENT or book.beside.settling is not None:
        say("settlement-wrong", f"{what} of what is {terms.kind.value}, or settled before")
    ready = book.status is Status.ACTIVE and book.ending is None and not book.parked
    usable = book.token_usable or (terms.backup and book.backup_usable)
    if not ready or not usable:
        say("settlement-wrong", f"{what} when it was {book.status.value}")
    due = book.announced
    if due is None or due <= event.effective_at:
        say("settlement-wrong", f"{what} at {event.effective_at}, the next one due at {due}")
    if (event.first, event.last) != (max(1, book.invoices + 1 - trials), payments):
        say("settlement-wrong", f"{what} of {payments}, {book.invoices} invoices were issued")
    if event.invoice_number != ON_DEMAND + book.beside.issued + 1:
        say("settlement-wrong", f"{what} by invoice {event.invoice_number}")
    left = range(book.invoices + 1, payments + trials + 1)
    lines = tuple(each for number in left for each in agreed_lines(book, number))
    if event.amount.minor != sum(_comes_to(each) for each in lines):
        say("settlement-wrong", f"{what} come to another amount than {event.amount}")
    if event.amount.currency != book.beginning.currency:
        say("currency-mixed", f"{what} for {event.amount}")
    book.beside.settling = Settling(
        invoice_number=event.invoice_number,
        amount=event.amount,
        last_invoice=book.invoices,
        lines=lines,
        period=_period(book, left),
    )
    book.announced = None


def _comes_to(line: Expected) -> int:
    return with_tax(half_up(line.price.of(Fraction(1))), line.tax)


def _period(book: Book, left: range) -> Period | None:
    if not left:
        return None
    begins, ends = (days_of(book.agreed_for(each).schedule, each) for each in (left[0], left[-1]))
    return None if begins is None or ends is None else Period(begins.start, ends.end)


def check_settlement_billed(book: Book, event: SubscriptionEvent, say: Say) -> None:
    """Before any fact: a settlement is billed by the fact right behind it."""
    settling = book.beside.settling
    if settling is None or settling.billed:
        return
    if not isinstance(event, InvoiceIssued) or event.demand != SETTLEMENT:
        settling.billed = True  # said once
        say("settlement-missing", f"nothing bills the {settling.amount} that were settled")


def check_settlement(book: Book, event: InvoiceIssued, say: Say) -> None:
    """The invoice of a settlement: every line that was left, and nothing else."""
    what, settling = f"invoice {event.invoice_number}", book.beside.settling
    if event.demand != SETTLEMENT:
        say("lines-not-agreed", f"{what} for {event.demand!r} bills periods")
    if settling is None or settling.billed or settling.invoice_number != event.invoice_number:
        say("settlement-unfounded", f"{what}, and nobody settled by it")
        return
    settling.billed = True
    if event.total != settling.amount:
        say("total-wrong", f"{what} of {event.total}, {settling.amount} were settled")
    if event.period != settling.period:
        say("period-off-schedule", f"{what} bills {event.period.start} to {event.period.end}")
    if [line.kind for line in event.lines] != [each.kind for each in settling.lines]:
        say("lines-not-agreed", f"{what}: {len(event.lines)} lines, not {len(settling.lines)}")
    for line in event.lines:
        check_worked_out(line, say, what=what)
    for line, expected in zip(event.lines, settling.lines, strict=False):
        check_line(line, expected, say, what=what)
