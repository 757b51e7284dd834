"""Credit: what the customer is owed pays the next invoices, oldest credit first."""

from __future__ import annotations

from datetime import datetime

from domain.money import Money
from domain.refusals import Refused
from domain.subscription.events import (
    CreditApplied,
    CreditGranted,
    CreditKind,
    InvoiceIssued,
    SubscriptionEvent,
)
from domain.subscription.folding import evolve
from domain.subscription.owed import OpenInvoice, oldest_first
from domain.subscription.standing import check_not_ended
from domain.subscription.state import Subscription
from domain.subscription.wording import checked_reason


def grant_credit(
    state: Subscription, amount: Money, *, reason: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """Credit out of goodwill; it pays invoices to come.

    Refused: "credit-not-positive", "currency-mixed", "reason-malformed", "subscription-ended".
    """
    checked_reason(reason)
    if amount.minor <= 0:
        raise Refused("credit-not-positive", f"a credit of {amount} gives nothing")
    if amount.currency != state.currency:
        raise Refused("currency-mixed", f"{state.subscription_id} is billed in {state.currency}")
    check_not_ended(state)
    return (
        CreditGranted(
            customer_id=state.customer_id,
            credit_number=state.credits_granted + 1,
            kind=CreditKind.GOODWILL,
            amount=amount,
            lines=(),
            reason=reason,
            effective_at=now,
        ),
    )


def apply_credits(
    state: Subscription, issued: InvoiceIssued, *, now: datetime
) -> tuple[CreditApplied, ...]:
    """What the customer's credits pay of an invoice, oldest first.

    state: before the invoice.
    """
    if not state.credits:
        return ()
    invoice = evolve(state, issued).invoice(issued.invoice_number)
    return () if invoice is None else pay_from_credit(state, invoice, now=now)


def pay_from_credit(
    state: Subscription, invoice: OpenInvoice, *, now: datetime
) -> tuple[CreditApplied, ...]:
    """What the customer's credits pay of an open invoice, oldest first."""
    return tuple(
        CreditApplied(
            customer_id=state.customer_id,
            credit_number=number,
            invoice_number=invoice.number,
            amount=Money(minor, state.currency),
            effective_at=now,
        )
        for number, minor in oldest_first(state.credits, invoice.open.minor)
    )
