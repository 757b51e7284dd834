"""Dunning: invoices given up, service stopped and gone on with, collection taken up again."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from domain.plan import DunningEnd
from domain.subscription.events import (
    CollectionResumed,
    InvoiceWrittenOff,
    SubscriptionReinstated,
    SubscriptionSuspended,
)
from domain.subscription.owed import RETRIES_USED_UP
from domain.subscription.state import Status
from projections.auditing.book import Book, Owed, Suspended, Totals
from projections.auditing.codes import Say
from projections.auditing.parts import moment, running
from projections.auditing.pausing import check_going_on

_Dunning = CollectionResumed | InvoiceWrittenOff | SubscriptionSuspended | SubscriptionReinstated


def check_collected_again(book: Book, event: CollectionResumed, say: Say) -> None:
    """Collection goes on of what is open and not collected, unless a discrepancy stands."""
    _check_customer(book, event, say)
    number, owed = event.invoice_number, book.owed.get(event.invoice_number)
    waits = owed is not None and (owed.ended or owed.taken_back or book.contested)
    if owed is None or not waits or owed.disputed or book.has_ended:
        say("collection-resumed-wrong", f"invoice {number} when it was {book.status.value}")
    if not event.reason:
        say("collection-resumed-wrong", f"invoice {number}, and nobody says why")
    if owed is not None:
        owed.begin_anew()
        owed.taken_back, owed.despite = False, book.contested


def check_write_off(book: Book, event: InvoiceWrittenOff, totals: Totals, say: Say) -> None:
    """All that is open of an invoice is given up: by a person, or when its grace is over.

    totals: those of the amount's currency.
    """
    _check_customer(book, event, say)
    number, minor = event.invoice_number, event.amount.minor
    owed = book.owed.get(number)
    what = f"{event.amount} of invoice {number}"
    if owed is None or owed.currency != event.amount.currency:
        say("write-off-wrong", f"{what}, of which nothing is open")
        return
    if minor > owed.open:
        say("write-off-above-open", f"{what}: {owed.open} minor units were open")
    elif minor != owed.open or minor <= 0:
        say("write-off-wrong", f"{what}: {owed.open} minor units were open")
    under_way = book.attempt is not None and book.attempt.invoice_number == number
    if owed.disputed or under_way or not event.reason:
        say("write-off-wrong", f"{what}, while it is not known what was paid, or by nobody")
    if event.reason == RETRIES_USED_UP:
        _check_grace(book, owed, number, DunningEnd.WRITE_OFF, event.effective_at, say)
    taken = min(minor, owed.open)
    owed.written_off += taken
    totals.written_off += taken
    totals.open -= taken
    if owed.open <= 0:
        book.close(number)


def check_suspension(book: Book, event: SubscriptionSuspended, say: Say) -> None:
    """What is billed stops because an invoice was not paid, once its grace is over."""
    _check_customer(book, event, say)
    number, owed = event.invoice_number, book.owed.get(event.invoice_number)
    if book.status is not Status.ACTIVE:
        say("suspension-wrong", f"suspended when it was {book.status.value}")
    if owed is None:
        say("suspension-wrong", f"for invoice {number}, of which nothing is open")
    else:
        _check_grace(book, owed, number, DunningEnd.SUSPEND, event.effective_at, say)
    service = running(book, moment(book, event.effective_at))
    to_come = service is not None and not book.prepaid
    last = book.invoices + 1 if to_come else book.invoices
    if event.last_invoice != last:
        say("suspension-wrong", f"invoice {event.last_invoice} is the last one, not {last}")
    if not book.has_ended:
        book.status = Status.SUSPENDED
    book.suspension = Suspended(event.last_invoice)
    if event.last_invoice <= book.invoices:
        book.announced = None


def _check_grace(
    book: Book, owed: Owed, number: int, end: DunningEnd, at: datetime, say: Say
) -> None:
    policy = book.agreed_for(book.invoices + 1).terms.retry
    if policy.end is not end:
        say("dunning-too-early", f"invoice {number}: {end.value}, the plan says {policy.end.value}")
    if not owed.ended or owed.used_up_at is None:
        say("dunning-too-early", f"invoice {number} was still collected")
    elif at < owed.used_up_at + timedelta(days=policy.grace_days):
        say("dunning-too-early", f"invoice {number} at {at}, before its grace was over")


def check_reinstatement(book: Book, event: SubscriptionReinstated, say: Say) -> None:
    """Service goes on: what had stopped it is paid, or a person says why; at the old days."""
    _check_customer(book, event, say)
    suspension, book.suspension = book.suspension, None
    if suspension is None or book.status is not Status.SUSPENDED:
        say("reinstatement-wrong", f"reinstated when it was {book.status.value}")
    unpaid = sorted(number for number, owed in book.owed.items() if owed.used_up_at is not None)
    paid = event.invoice_number
    if paid is None:
        if not event.reason:
            say("reinstatement-wrong", "nobody paid, and nobody says why")
    elif suspension is None or suspension.paid != paid or unpaid:
        say("reinstatement-wrong", f"by invoice {paid}, and {unpaid} are open")
    for owed in book.owed.values():
        owed.used_up_at = None
    check_going_on(book, event, say, given_back=False)


def paid_up(book: Book, number: int, owed: Owed) -> None:
    """Nothing of an invoice is open any more: its payment may end the suspension."""
    if book.suspension is not None and owed.used_up_at is not None:
        book.suspension = attrs.evolve(book.suspension, paid=number)


def _check_customer(book: Book, event: _Dunning, say: Say) -> None:
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"{type(event).__name__} for {event.customer_id}")
