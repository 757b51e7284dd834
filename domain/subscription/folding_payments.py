"""Folding of what is paid or given up: money, differences from what was asked, and dunning."""

from __future__ import annotations

from typing import Any

from domain.copying import with_
from domain.money import Money, zero
from domain.subscription.events import (
    ChargeDiscrepancyFound,
    CollectionEnded,
    CollectionResumed,
    DiscrepancyResolved,
    InvoiceWrittenOff,
    RetryScheduled,
    SubscriptionReinstated,
    SubscriptionSuspended,
)
from domain.subscription.folding_bills import closed_with, going_on
from domain.subscription.owed import DISCREPANCY, RETRIES_USED_UP, REVERSED, Difference, OpenInvoice
from domain.subscription.served import Suspension
from domain.subscription.state import Status, Subscription

# What collecting an invoice anew begins with: retries are counted from none, on the first method,
# and the backup may be tried once more.
COLLECTED_ANEW: dict[str, Any] = {
    "ended": "",
    "retries": 0,
    "retry_at": None,
    "postponed": "",
    "first_failed": False,
    "backup_tried": False,
}


def received(state: Subscription, number: int, amount: Money, *, differs: bool) -> Subscription:
    """Money for an invoice: it is paid as far as it is open and in the same currency.

    differs: whether a discrepancy tells of it next. What no invoice needed belongs to that one,
    else to the latest that nobody has looked at: the invoice was paid meanwhile.
    """
    invoice = state.invoice(number)
    fits = invoice is not None and amount.currency == invoice.total.currency
    taken = min(amount.minor, invoice.open.minor) if invoice is not None and fits else 0
    surplus = Money(amount.minor - taken, amount.currency)
    state = with_(state, unexplained=surplus) if differs else _explained(state, number, surplus)
    if invoice is None or not fits:
        return state
    if taken < invoice.open.minor:
        return with_invoice(state, number, paid=invoice.paid + amount, retry_at=None, postponed="")
    invoice = with_(invoice, paid=Money(invoice.paid.minor + taken, invoice.paid.currency))
    return _closed(state, invoice, paid=True)


def _explained(state: Subscription, number: int, surplus: Money) -> Subscription:
    """The surplus, laid to the discrepancy that shows the contradiction."""
    explaining = [
        each
        for each in state.unresolved
        if each.invoice_number == number and each.surplus.currency == surplus.currency
    ]
    if not explaining or surplus.minor == 0:
        return state
    last = explaining[-1]
    return _with_difference(state, last, with_(last, surplus=last.surplus + surplus))


def _with_difference(state: Subscription, old: Difference, new: Difference) -> Subscription:
    differences = tuple(new if each == old else each for each in state.differences)
    return with_(state, differences=differences)


def _closed(state: Subscription, invoice: OpenInvoice, *, paid: bool) -> Subscription:
    """Nothing of an invoice is open any more; a payment may end a suspension."""
    rest = tuple(each for each in state.open_invoices if each.number != invoice.number)
    closed = closed_with(state, (invoice,))
    state = with_(state, open_invoices=rest, closed_invoices=closed)
    if state.suspension is None or not paid or invoice.used_up_at is None:
        return state
    return with_(state, suspension=with_(state.suspension, paid=invoice.number))


def difference_found(state: Subscription, event: ChargeDiscrepancyFound) -> Subscription:
    """The invoice is not collected further until somebody has looked."""
    found = Difference(
        attempt_id=event.attempt_id,
        invoice_number=event.invoice_number,
        discrepancy=event.discrepancy,
        expected=event.expected,
        received=event.received,
        surplus=state.unexplained or zero(event.received.currency),
    )
    state = with_(state, differences=(*state.differences, found), unexplained=None)
    invoice = state.invoice(event.invoice_number)
    if invoice is not None and invoice.ended == REVERSED:
        return state  # a person decides of it in any case
    return with_invoice(state, event.invoice_number, ended=DISCREPANCY)


def resolved(state: Subscription, event: DiscrepancyResolved) -> Subscription:
    """Somebody has looked; once that is true of all, the invoice is collected again."""
    for each in state.differences:
        if each.attempt_id == event.attempt_id:
            state = _with_difference(state, each, with_(each, resolution=event.resolution))
    number = event.invoice_number
    invoice = state.invoice(number)
    disputed = any(each.invoice_number == number for each in state.unresolved)
    if invoice is None or invoice.ended != DISCREPANCY or disputed:
        return state
    return with_invoice(state, number, **COLLECTED_ANEW)


def collection(
    state: Subscription, event: RetryScheduled | CollectionEnded | CollectionResumed
) -> Subscription:
    """An invoice is tried again, or no longer, or once more because a person wishes it."""
    number = event.invoice_number
    match event:
        case RetryScheduled():
            return with_invoice(
                state,
                number,
                retries=event.retry_number,
                retry_at=event.retry_at,
                postponed="",
                first_failed=False,
            )
        case CollectionEnded(reason=reason) if reason == RETRIES_USED_UP:
            return with_invoice(state, number, ended=reason, used_up_at=event.effective_at)
        case CollectionEnded(reason=reason):
            return with_invoice(state, number, ended=reason)
        case CollectionResumed():
            despite = bool(state.open_disputes)
            return with_invoice(state, number, despite_dispute=despite, **COLLECTED_ANEW)


def dunned(
    state: Subscription,
    event: InvoiceWrittenOff | SubscriptionSuspended | SubscriptionReinstated,
) -> Subscription:
    """An invoice is given up; service stops; service goes on."""
    match event:
        case InvoiceWrittenOff(invoice_number=number):
            invoice = state.invoice(number)
            if invoice is None:
                return state
            given_up = with_(invoice, written_off=invoice.written_off + event.amount)
            return _closed(state, given_up, paid=False)
        case SubscriptionSuspended(last_invoice=last):
            suspension = Suspension(
                invoice_number=event.invoice_number, last_invoice=last, since=event.effective_at
            )
            return with_(
                state,
                status=Status.SUSPENDED,
                suspension=suspension,
                next_due_at=state.next_due_at if last > state.invoices_issued else None,
            )
        case SubscriptionReinstated():
            invoices = tuple(with_(each, used_up_at=None) for each in state.open_invoices)
            return with_(going_on(state, event), suspension=None, open_invoices=invoices)


def with_invoice(state: Subscription, number: int, **changes: Any) -> Subscription:
    """The state with an open invoice changed; the same where it is not open."""
    invoices = tuple(
        with_(each, **changes) if each.number == number else each for each in state.open_invoices
    )
    return with_(state, open_invoices=invoices)
