"""Refunds that turned out to have been made: the money has gone, and a person has to look."""

from __future__ import annotations

from collections.abc import Iterator

from domain.subscription.events import DiscrepancyResolved, Resolution
from domain.subscription.refund_events import RefundFoundLate
from projections.auditing.book import Book, LateRefund
from projections.auditing.codes import Say
from projections.auditing.refunding import TotalsOf, cover_late_refunds


def check_refund_late(book: Book, event: RefundFoundLate, totals: TotalsOf, say: Say) -> None:
    """Money of a refund that had failed: credit covers it as far as there is any; the rest is open.

    A person has to look; what then is wrong with it is said at the end, unless somebody has.
    """
    what = f"{event.amount} of {event.refund_id}, found late"
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"{what}, for {event.customer_id}")
    asked = book.failed_refunds.pop(event.refund_id, None)
    if asked is None:
        say("refund-late-unfounded", f"{what}: it had not failed")
    elif (event.attempt_id, event.invoice_number) != (asked.attempt_id, asked.invoice_number):
        say("refund-outcome-wrong", f"{what}: it names another charge")
    if event.amount.minor <= 0 or not event.provider_ref:
        say("refund-outcome-wrong", f"{what}: nothing that a provider has given back")
    minor, charge = event.amount.minor, book.captured.get(event.attempt_id)
    if charge is not None and charge.currency == event.amount.currency:
        charge.refunded += minor
    book.late_refunds[event.refund_id] = LateRefund(
        event.attempt_id, event.invoice_number, event.amount, minor
    )
    sums = totals(event.amount.currency)
    sums.refunded += minor
    sums.open += minor
    cover_late_refunds(book, totals(book.beginning.currency))


def check_refund_resolved(
    book: Book, event: DiscrepancyResolved, totals: TotalsOf, say: Say
) -> None:
    """Somebody has looked at a refund that was found late, once; accepted, the rest is given up."""
    late = book.late_refunds[event.attempt_id]
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"a resolution for {event.customer_id}")
    if late.resolved:
        say("resolution-unfounded", f"{event.attempt_id} has no discrepancy any more")
        return
    if (event.invoice_number, event.received) != (late.invoice_number, late.amount):
        say("resolution-wrong", f"{event.received} of invoice {event.invoice_number}, {late}")
    if not event.reason:
        say("resolution-wrong", f"{event.attempt_id} without a reason")
    late.resolved = True
    if event.resolution is Resolution.ACCEPTED:
        sums = totals(late.amount.currency)
        sums.open -= late.missing
        sums.written_off += late.missing


def refunded_too_much(book: Book) -> Iterator[tuple[str, str]]:
    """At the log's end: what refunds found late leave behind, until somebody has looked."""
    for key, late in book.late_refunds.items():
        if late.resolved:
            continue
        if late.missing:
            yield "refund-not-covered", f"{late.missing} of the {late.amount} of {key}"
        charge = book.captured.get(late.attempt_id)
        if charge is not None and charge.refunded > charge.minor:
            words = f"{charge.refunded} minor units of {charge.minor} through {late.attempt_id}"
            yield "refunded-above-captured", words
