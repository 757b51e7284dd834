"""Ending: planned, withdrawn, or there; each fact against what went before it."""

from __future__ import annotations

from domain.subscription.events import (
    CancellationScheduled,
    CancellationWithdrawn,
    SubscriptionCancelled,
    SubscriptionCompleted,
)
from domain.subscription.state import Status
from projections.auditing.book import Book, Ending
from projections.auditing.codes import Say
from projections.auditing.lines import waiting
from projections.auditing.prices import sum_stated, with_tax
from projections.auditing.schedules import announced_for, last_number
from projections.auditing.usage import bill, counted_until, not_billed


def check_end(book: Book, event: SubscriptionCancelled | SubscriptionCompleted, say: Say) -> None:
    """A subscription ends once; by itself only when nothing is due or open any more."""
    if book.has_ended:
        say("ended-twice", f"{type(event).__name__} when it was {book.status.value}")
    if isinstance(event, SubscriptionCancelled):
        _check_in_step(book, event, say)
        _check_closed(book, event, say)
        book.status, book.announced, book.request = Status.CANCELLED, None, None
        book.first_charge = None
        book.pause, book.suspension, book.ending, book.unused = None, None, None, None
        return
    stands_still = book.status in (Status.PAUSED, Status.SUSPENDED)
    if stands_still or not all_is_paid(book):
        say("completion-too-early", f"{len(book.owed)} open, next due {book.announced}")
    book.status = Status.COMPLETED


def _check_in_step(book: Book, event: SubscriptionCancelled, say: Say) -> None:
    """As planned, it ends once every period that falls due before is billed."""
    planned, due = book.ending, book.announced
    as_planned = planned is not None and (planned.at, planned.reason) == (
        event.effective_at,
        event.reason,
    )
    if as_planned and due is not None and due < event.effective_at:
        say("cancelled-out-of-step", f"at {event.effective_at}; an invoice was due at {due}")


def _check_closed(book: Book, event: SubscriptionCancelled, say: Say) -> None:
    """What waited for the next invoice is billed before the end, as far as it costs anything."""
    if book.closed or any(each.left != 0 for each in book.coupons.values()):
        return  # what discounts leave of it may be nothing
    at = event.effective_at
    stretch = counted_until(book, at, whole=at == book.announced)
    used = (*not_billed(book), *(() if stretch is None else bill(stretch)))
    minor = sum(line.amount.minor for line in waiting(book, closing=True))
    minor += sum(with_tax(sum_stated((each,)), each.tax) for each in used)
    if minor > 0:
        say("closing-missing", f"{minor} minor units waited for an invoice that never came")


def all_is_paid(book: Book) -> bool:
    """Whether the last invoice was issued, or all that was left settled, and none is open."""
    begun = book.invoices > 0 or book.beside.settling is not None
    return begun and book.announced is None and not book.owed


def check_planned_end(book: Book, event: CancellationScheduled, say: Say) -> None:
    """Prepaid, it ends at an instant to come; postpaid, with the invoice of the running period."""
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"a planned cancellation for {event.customer_id}")
    scheduled = book.beginning.terms.scheduled
    if book.status is not Status.ACTIVE or (book.announced is None and scheduled):
        say("cancellation-plan-wrong", f"planned when it was {book.status.value}")
    if book.prepaid or not scheduled:
        # Where a period is overdue, its beginning is the end that was asked for.
        ahead = event.at is not None and (
            event.at > event.effective_at or event.at == book.announced
        )
        fits = ahead and event.last_invoice is None
    else:
        fits = event.at is None and event.last_invoice == book.invoices + 1
    if not fits:
        last = event.last_invoice
        say("cancellation-plan-wrong", f"at {event.at}, last invoice {last} of {book.invoices}")
    book.ending = Ending(event.at, event.last_invoice, event.reason)


def check_withdrawal(book: Book, event: CancellationWithdrawn, say: Say) -> None:
    """Only what is planned is withdrawn; the next invoice is where it was, or would have been."""
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"a withdrawn cancellation for {event.customer_id}")
    planned, book.ending = book.ending, None
    if planned is None or book.has_ended:
        say("withdrawal-wrong", f"withdrawn when it was {book.status.value}")
    number, last = book.invoices + 1, last_number(book)
    over = last is not None and book.invoices >= last
    instant = event.next_due_at
    if book.announced is not None or over or not book.beginning.terms.scheduled:
        fits = instant == book.announced
    else:
        fits = instant is not None and announced_for(book, number, instant)
    if not fits:
        say("next-due-off-schedule", f"invoice {number} announced for {instant}")
    book.announced = instant
