"""After a decline: try again, ask for a new token, or stop and tell a person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from domain.ports import Declined
from domain.subscription.events import (
    CollectionEnded,
    DeclineClass,
    RetryScheduled,
    SubscriptionEvent,
)
from domain.subscription.state import OpenInvoice, Status, Subscription
from domain.subscription.vaulting import request_token

RETRIES_USED_UP = "retries-used-up"


def after_decline(
    state: Subscription, invoice: OpenInvoice | None, declined: Declined, *, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """What follows from a decline of `invoice`; nothing once the subscription has ended.

    invoice: None when it was paid meanwhile; then there is nothing to retry, but a token that
        cannot be charged is still replaced, for the invoices to come.
    Soft: the plan's schedule, never earlier than the provider's own advice. Hard, or the payer
    must act: the token is not charged again; a new approval is asked for.
    """
    if state.status is not Status.ACTIVE:
        return ()
    if declined.decline in (DeclineClass.HARD, DeclineClass.PAYER_ACTION):
        return request_token(state, reason=declined.code, now=now)
    if invoice is None:
        return ()
    match declined.decline:
        case DeclineClass.SOFT:
            return (_retry(state, invoice, declined, now),)
        case DeclineClass.MERCHANT:
            return (
                CollectionEnded(
                    invoice_number=invoice.number, reason=declined.code, effective_at=now
                ),
            )
        case _:
            assert_never(declined.decline)


def _retry(
    state: Subscription, invoice: OpenInvoice, declined: Declined, now: datetime
) -> SubscriptionEvent:
    waits = state.terms.retry.wait_days
    if invoice.retries >= len(waits):
        return CollectionEnded(
            invoice_number=invoice.number, reason=RETRIES_USED_UP, effective_at=now
        )
    planned = now + timedelta(days=waits[invoice.retries])
    return RetryScheduled(
        invoice_number=invoice.number,
        retry_number=invoice.retries + 1,
        retry_at=max(planned, declined.retry_not_before or planned),
        effective_at=now,
    )
