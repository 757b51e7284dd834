"""Outcomes: an attempt settles once, and money that is not what was asked for is explained."""

from __future__ import annotations

from collections.abc import Callable

from domain.money import Money
from domain.subscription.events import (
    ChargeDeclined,
    ChargeDiscrepancyFound,
    ChargeFoundLate,
    ChargeNotMade,
    ChargeSucceeded,
    DeclineClass,
    Discrepancy,
    SubscriptionEvent,
)
from domain.subscription.void_events import AuthorizationVoided
from projections.auditing.book import Book, Contradiction, Difference, OpenAttempt, Totals
from projections.auditing.codes import Say
from projections.auditing.dunning import paid_up
from projections.auditing.first_payments import begin
from projections.auditing.resolving import lay_surplus

_Outcome = ChargeSucceeded | ChargeDeclined | ChargeNotMade | AuthorizationVoided
TotalsOf = Callable[[str], Totals]


def _settled(book: Book, event: _Outcome, say: Say) -> OpenAttempt | None:
    """The attempt that an outcome settles, which is then no longer open."""
    attempt = book.attempt
    if attempt is None or attempt.attempt_id != event.attempt_id:
        say("settled-without-attempt", f"{type(event).__name__} for {event.attempt_id}")
        return None
    if attempt.invoice_number != event.invoice_number:
        say("invoice-mixed", f"attempted on {attempt.invoice_number}, not {event.invoice_number}")
    book.attempt = None
    return attempt


def check_success(book: Book, event: ChargeSucceeded, totals: TotalsOf, say: Say) -> None:
    """Money came: for the open attempt, once a period, as much as was asked for."""
    number = event.invoice_number
    _check_customer(book, event, say)
    attempt = _settled(book, event, say)
    begin(book)
    owed = book.owed.get(number)
    explained = number in book.late
    if (owed is None and not explained) or (owed is not None and owed.charged):
        say("period-charged-twice", f"invoice {number} had its charge, or is not on record")
    differs = attempt is not None and event.amount != attempt.amount
    if owed is not None:
        owed.charged = True
        above = owed.currency == event.amount.currency and event.amount.minor > owed.open
        if above and not differs and not explained:
            say("paid-above-total", f"{event.amount} for the rest of invoice {number}")
    if attempt is not None and differs:
        book.difference = Difference(attempt.attempt_id, attempt.amount, event.amount)
    receive(book, number, event.amount, totals)
    if not differs:
        lay_surplus(book, number, Money(book.surplus, event.amount.currency))


def check_failure(
    book: Book, event: ChargeDeclined | ChargeNotMade | AuthorizationVoided, say: Say
) -> None:
    """No money came; after some declines the token may not be charged again."""
    _check_customer(book, event, say)
    attempt = _settled(book, event, say)
    if attempt is None:
        return
    book.failed[attempt.attempt_id] = attempt.invoice_number
    owed = book.owed.get(attempt.invoice_number)
    if isinstance(event, ChargeNotMade | AuthorizationVoided):
        if owed is not None and attempt.token_ref == book.backup_ref:
            owed.backup_tried = False
        return
    on_first = attempt.token_ref == book.token_ref
    if owed is not None and on_first:
        owed.first_failed = True
    if event.decline in (DeclineClass.HARD, DeclineClass.PAYER_ACTION):
        book.token_usable = book.token_usable and not on_first
        book.backup_usable = book.backup_usable and attempt.token_ref != book.backup_ref


def check_late(book: Book, event: ChargeFoundLate, totals: TotalsOf, say: Say) -> None:
    """Money for an attempt that was settled without money; a discrepancy must follow."""
    _check_customer(book, event, say)
    number = book.failed.pop(event.attempt_id, None)
    if number is None:
        say("late-without-failure", f"{event.attempt_id} was not settled without money")
    elif number != event.invoice_number:
        say("invoice-mixed", f"attempted on {number}, not {event.invoice_number}")
    begin(book)
    book.late.add(event.invoice_number)
    book.difference = Difference(event.attempt_id, Money(0, event.amount.currency), event.amount)
    receive(book, event.invoice_number, event.amount, totals)


def check_awaited(book: Book, event: SubscriptionEvent, say: Say) -> None:
    """Before any fact: a discrepancy that must follow does follow, at once."""
    awaited = book.difference
    if awaited is not None and not isinstance(event, ChargeDiscrepancyFound):
        say("discrepancy-missing", f"{awaited.expected} asked, {awaited.received} received")
        book.difference = None


def check_discrepancy(book: Book, event: ChargeDiscrepancyFound, say: Say) -> None:
    """A discrepancy says what differed in the fact before it."""
    _check_customer(book, event, say)
    awaited, book.difference = book.difference, None
    if awaited is None:
        say("discrepancy-unfounded", f"{event.expected} and {event.received}")
    else:
        said = Difference(event.attempt_id, event.expected, event.received)
        if said != awaited or event.discrepancy is not _kind(awaited):
            say("discrepancy-wrong", f"{event.discrepancy.value} {said}, not {awaited}")
    number = event.invoice_number
    # By what came; where the discrepancy says otherwise, that was a finding.
    received = event.received if awaited is None else awaited.received
    surplus = 0 if awaited is None else book.surplus
    book.contradictions[event.attempt_id] = Contradiction(number, received, surplus)
    owed = book.owed.get(number)
    if owed is not None:
        owed.disputed = True


def _kind(difference: Difference) -> Discrepancy:
    if difference.expected.minor == 0:
        return Discrepancy.UNEXPECTED
    same = difference.expected.currency == difference.received.currency
    return Discrepancy.AMOUNT if same else Discrepancy.CURRENCY


def receive(book: Book, number: int, amount: Money, totals: TotalsOf) -> None:
    """Book money: to the invoice as far as it can take it, the rest is credit."""
    currency_totals = totals(amount.currency)
    currency_totals.paid += amount.minor
    owed = book.owed.get(number)
    taken = 0
    if owed is not None and owed.currency == amount.currency:
        taken = min(amount.minor, owed.open)
        owed.paid += taken
        owed.retry_at = None
        if owed.open <= 0:
            paid_up(book, number, owed)
            book.close(number)
    book.surplus = amount.minor - taken
    currency_totals.open -= taken
    currency_totals.credit += amount.minor - taken


def _check_customer(
    book: Book, event: _Outcome | ChargeFoundLate | ChargeDiscrepancyFound, say: Say
) -> None:
    if event.customer_id != book.beginning.customer_id:
        what = type(event).__name__
        say("customer-mixed", f"{what} on invoice {event.invoice_number}: {event.customer_id}")
