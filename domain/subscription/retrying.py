"""After a decline: try again, ask for a new token, or stop and tell a person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

import attrs

from domain.plan import RetryPolicy
from domain.ports import Declined
from domain.subscription.backing import backup_follows
from domain.subscription.events import (
    CollectionEnded,
    DeclineClass,
    RetryScheduled,
    SubscriptionEvent,
)
from domain.subscription.owed import RETRIES_USED_UP, Attempt, OpenInvoice
from domain.subscription.state import Subscription
from domain.subscription.vaulting import request_token


def after_decline(
    state: Subscription, attempt: Attempt, declined: Declined, *, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """What follows from the decline of `attempt`; nothing once the subscription has ended.

    Soft: the plan's schedule, never earlier than the provider's own advice. Hard, or the payer
    must act: the token is not charged again; a new approval is asked for, also when the invoice
    was paid meanwhile, for the invoices to come. Before that, and before the end of collection,
    the backup is tried, where there is one. Nothing is planned for an invoice that was paid
    meanwhile, or that is in a person's hands already.
    """
    if not state.collects:
        return ()
    if state.on_backup(attempt):
        return _after_backup_declined(state, attempt, declined, now)
    if declined.decline is not DeclineClass.MERCHANT and _backup_is_next(state, attempt, declined):
        return ()
    if declined.decline in (DeclineClass.HARD, DeclineClass.PAYER_ACTION):
        return request_token(state, reason=declined.code, now=now)
    invoice = state.invoice(attempt.invoice_number)
    if invoice is None or invoice.ended:
        return ()
    match declined.decline:
        case DeclineClass.SOFT:
            return (_retry(state, attempt, invoice, declined, now),)
        case DeclineClass.MERCHANT:
            return (_end(attempt, declined.code, now),)
        case _:
            assert_never(declined.decline)


def _backup_is_next(state: Subscription, attempt: Attempt, declined: Declined) -> bool:
    """Whether the backup is tried now: at once after a decline that is not soft, else when the
    schedule is used up."""
    invoice = state.invoice(attempt.invoice_number)
    if invoice is None or not backup_follows(state, attempt):
        return False
    used_up = invoice.retries >= len(state.terms.retry.wait_days)
    return declined.decline is not DeclineClass.SOFT or used_up


def _after_backup_declined(
    state: Subscription, attempt: Attempt, declined: Declined, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """What follows from a decline of the backup, which is not tried again for this invoice.

    A new approval for the first method is asked for where that cannot be charged. Else its retries
    were used up, and collection ends now; or the schedule goes on, where other terms have brought
    more retries meanwhile. A first method that is new is charged at once. A decline that is our
    own account's fault ends collection, whichever method it was.
    """
    first = state.token
    ours = declined.decline is DeclineClass.MERCHANT
    if first is not None and not first.usable and not ours:
        return request_token(state, reason=declined.code, now=now)
    invoice = state.invoice(attempt.invoice_number)
    if invoice is None or invoice.ended:
        return ()
    if ours:
        return (_end(attempt, declined.code, now),)
    if not invoice.first_failed:
        return ()
    # The provider's advice was for the backup, and the first method is tried next.
    unadvised = attrs.evolve(declined, retry_not_before=None)
    return (_retry(state, attempt, invoice, unadvised, now),)


def _retry(
    state: Subscription, attempt: Attempt, invoice: OpenInvoice, declined: Declined, now: datetime
) -> SubscriptionEvent:
    retry_at = next_retry(state.terms.retry, invoice.retries, declined, now=now)
    if retry_at is None:
        return _end(attempt, RETRIES_USED_UP, now)
    return RetryScheduled(
        attempt_id=attempt.attempt_id,
        invoice_number=invoice.number,
        retry_number=invoice.retries + 1,
        retry_at=retry_at,
        effective_at=now,
    )


def next_retry(
    policy: RetryPolicy, retries: int, declined: Declined, *, now: datetime
) -> datetime | None:
    """When a soft decline is tried again after so many retries, never before the provider's own
    advice; None when the schedule is used up."""
    if retries >= len(policy.wait_days):
        return None
    planned = now + timedelta(days=policy.wait_days[retries])
    return max(planned, declined.retry_not_before or planned)


def _end(attempt: Attempt, reason: str, now: datetime) -> CollectionEnded:
    return CollectionEnded(
        attempt_id=attempt.attempt_id,
        invoice_number=attempt.invoice_number,
        reason=reason,
        effective_at=now,
    )
