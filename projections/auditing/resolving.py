"""Discrepancies that a person has looked at, and the credit that a surplus becomes."""

from __future__ import annotations

import attrs

from domain.money import Money
from domain.subscription.events import (
    CreditGranted,
    CreditKind,
    DiscrepancyResolved,
    Resolution,
    SubscriptionEvent,
)
from projections.auditing.book import Book
from projections.auditing.codes import Say


def check_resolution(book: Book, event: DiscrepancyResolved, say: Say) -> None:
    """A discrepancy is resolved once, for what was received; its surplus is credited next."""
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"a resolution for {event.customer_id}")
    number, found = event.invoice_number, book.contradictions.get(event.attempt_id)
    if found is None or found.resolved:
        say("resolution-unfounded", f"{event.attempt_id} has no discrepancy, or none any more")
        return
    if (number, event.received) != (found.invoice_number, found.received) or not event.reason:
        say("resolution-wrong", f"{event.received} of invoice {number}, not {found.received}")
    if book.attempt is not None and book.attempt.invoice_number == number:
        say("resolution-wrong", f"while {book.attempt.attempt_id} has no outcome")
    book.contradictions[event.attempt_id] = attrs.evolve(found, resolved=True)
    owed = book.owed.get(found.invoice_number)
    if owed is not None:
        owed.charged, owed.disputed = False, _disputed(book, found.invoice_number)
        if not owed.disputed:
            owed.begin_anew()
    if event.resolution is Resolution.DISMISSED:
        return
    if found.received.currency != book.beginning.currency:
        say("resolution-wrong", f"{found.received} accepted in {book.beginning.currency}")
    elif found.surplus > 0:
        book.overpaid = Money(found.surplus, found.received.currency)


def _disputed(book: Book, number: int) -> bool:
    return any(
        each.invoice_number == number and not each.resolved for each in book.contradictions.values()
    )


def check_credited(book: Book, event: SubscriptionEvent, say: Say) -> None:
    """Before any fact: the surplus of a discrepancy that was accepted is credited at once."""
    is_credit = isinstance(event, CreditGranted) and event.kind is CreditKind.OVERPAYMENT
    if book.overpaid is not None and not is_credit:
        say("overpayment-not-credited", f"{book.overpaid} too much was received and accepted")
        book.overpaid = None


def check_overpayment(book: Book, event: CreditGranted, say: Say) -> None:
    """A credit of exactly what was accepted right before it, and of no days of service."""
    surplus, book.overpaid = book.overpaid, None
    what = f"credit {event.credit_number} of {event.amount}"
    if surplus is None or event.lines:
        say("credit-unfounded", f"{what} for an overpayment that was none")
    elif surplus != event.amount:
        say("credit-total-wrong", f"{what}, and {surplus} was paid too much")


def lay_surplus(book: Book, number: int, surplus: Money) -> None:
    """Money that no invoice needed, and that was what was asked for: it belongs to the latest
    contradiction of that invoice that nobody has looked at."""
    fitting = [
        (key, each)
        for key, each in book.contradictions.items()
        if each.invoice_number == number
        and not each.resolved
        and each.received.currency == surplus.currency
    ]
    if fitting:
        key, last = fitting[-1]
        more = attrs.evolve(last, surplus=last.surplus + surplus.minor)
        book.contradictions[key] = more
