"""What a subscription's facts must not end with, wherever the log ends."""

from __future__ import annotations

from collections.abc import Iterator

from domain.subscription.state import Status
from projections.auditing.book import Book
from projections.auditing.crediting import credit_lies_idle
from projections.auditing.ending import all_is_paid
from projections.auditing.late_refunds import refunded_too_much
from projections.auditing.refunding import lies_after_end

# Code, and words.
Leftover = tuple[str, str]


def leftovers(book: Book) -> Iterator[Leftover]:
    """What a stream must not end with."""
    if book.blind or book.started is None:
        return
    if book.difference is not None:
        yield "discrepancy-missing", f"{book.difference.received} received, and no word of it"
    if book.overpaid is not None:
        yield "overpayment-not-credited", f"{book.overpaid} too much was received and accepted"
    if book.awaited is not None:
        yield "reversal-missing", f"{book.awaited.dispute_ref} is lost, and nothing taken back"
    if lies_after_end(book):
        yield "credit-after-end", f"{sum(book.credits.values())} minor units are left of it"
    yield from refunded_too_much(book)
    if book.unused is not None:
        yield "credit-unfounded", f"{book.unused.amount}, and nothing gave the days back"
    if book.closed and not book.has_ended:
        yield "next-due-off-schedule", f"invoice {book.invoices} closes, and it did not end"
    if book.beside.awaits_reload:
        yield "reload-missing", "a balance is too low, and nothing was charged"
    settling = book.beside.settling
    if settling is not None and not settling.billed:
        yield "settlement-missing", f"nothing bills the {settling.amount} that were settled"
    if book.ask_anew:
        yield "token-not-asked-for", "the first method ended, and the log says no more"
    if book.named_next is not None:
        yield "first-charge-wrong", f"attempt {book.named_next} is named, and the log says no more"
    if book.billed_early is not None:
        yield "invoice-before-token", f"invoice {book.billed_early}, and nobody asks for it"
    if credit_lies_idle(book):
        yield "credit-not-applied", f"invoice {book.applying} is open, and credit is left"
    if book.status is Status.ACTIVE and all_is_paid(book):
        yield "completion-missing", "the last payment is in"
