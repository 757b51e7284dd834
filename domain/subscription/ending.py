"""End a subscription: now, when the running period is over, or at a date; and take that back."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.plan import Kind, Proration, Timing
from domain.refusals import Refused
from domain.subscription.events import (
    CancellationScheduled,
    CancellationWithdrawn,
    CreditKind,
    LineKind,
    SubscriptionCancelled,
    SubscriptionEvent,
)
from domain.subscription.folding import evolve_all
from domain.subscription.invoicing import bill_what_is_due, closing_invoice, due_at
from domain.subscription.parking import check_not_parked
from domain.subscription.refunding import refund_granted
from domain.subscription.running import credit_for, rest_of, rule_for, running
from domain.subscription.standing import check_active, check_not_ended
from domain.subscription.state import Status, Subscription
from domain.subscription.wording import checked_reason


def cancel(
    state: Subscription,
    *,
    reason: str,
    now: datetime,
    credit: Proration = Proration.NONE,
    refund: bool = False,
) -> tuple[SubscriptionEvent, ...]:
    """End billing now: no invoice and no attempt after this. Quiet when already cancelled.

    credit: by which rule the rest of a period that is billed already becomes credit. What waited
    for the next invoice is billed first, and paid from credit as far as that goes.
    refund: whether that credit goes back, once what is open is paid from it, as far as money came.
    What is owed stays owed. An open attempt may have been sent: it is still settled, but from
    now on only looked up, never sent.
    Refused: "subscription-completed"; "reason-malformed".
    """
    if state.status is Status.CANCELLED:
        return ()
    if state.status is Status.COMPLETED:
        raise Refused("subscription-completed", f"{state.subscription_id} has ended by itself")
    checked_reason(reason)
    unused = _unused(state, credit, reason, now)
    closing = closing_invoice(evolve_all(state, unused), now=now)
    facts = (*unused, *closing, SubscriptionCancelled(reason=reason, effective_at=now))
    if not refund:
        return facts
    back = refund_granted(evolve_all(state, facts), unused, reason=reason, now=now)
    return (*facts, *back)


def _unused(
    state: Subscription, policy: Proration, reason: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    period = running(state, now=now)
    paused = state.pause is not None and state.pause.unused_from is not None
    if period is None or not period.billed or paused or state.terms.kind is Kind.INSTALLMENT:
        return ()
    rule = rule_for(state, policy)
    unused = rest_of(state, period.cost, LineKind.UNUSED, now=now, policy=rule)
    return credit_for(state, unused, CreditKind.CANCELLATION, reason, now)


def schedule_cancellation(
    state: Subscription, *, at: datetime | None, reason: str, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """End billing later: at an instant (UTC), or, with None, when the running period is over.

    Prepaid, the running period is the last that was billed; postpaid, it is billed once more at
    its end, and the subscription is complete when that is paid. A new wish takes the place of the
    one before it. Quiet where the same is planned already.
    Refused: "subscription-not-active" unless it is active; "cancellation-in-the-past";
        "cancellation-at-period-end" for an instant where periods are billed afterwards;
        "kind-schedule" without an instant where no periods are billed;
        "reason-malformed".
    """
    checked_reason(reason)
    check_active(state)
    if at is not None and at <= now:
        raise Refused("cancellation-in-the-past", f"{at} is not after {now}; cancel it now")
    if not state.terms.scheduled:
        return _end_at(state, at, reason, now)
    postpaid = state.terms.timing is Timing.POSTPAID
    if at is not None and postpaid:
        raise Refused("cancellation-at-period-end", "a postpaid period is billed to its end")
    check_not_parked(state)
    billed, after = bill_what_is_due(state, now=now, zone_version=zone_version)
    if after.next_due_at is None or after.parked:
        # What is billed already is the last there is.
        return billed
    last = after.invoices_issued + 1 if postpaid else None
    planned = CancellationScheduled(
        customer_id=state.customer_id,
        at=None if postpaid else at or after.next_due_at,
        last_invoice=last,
        reason=reason,
        effective_at=now,
    )
    present = after.cancellation
    if present is not None and (present.at, present.last_invoice) == (planned.at, last):
        return billed
    return (*billed, planned)


def _end_at(
    state: Subscription, at: datetime | None, reason: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """The planned end of what bills no periods: an instant, and nothing else."""
    if at is None:
        raise Refused("kind-schedule", "no period runs that could be over; name an instant")
    if state.cancellation is not None and state.cancellation.at == at:
        return ()
    planned = CancellationScheduled(
        customer_id=state.customer_id, at=at, last_invoice=None, reason=reason, effective_at=now
    )
    return (planned,)


def withdraw_cancellation(
    state: Subscription, *, reason: str, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """Let a subscription go on that was going to end. Quiet where no cancellation is planned.

    Refused: "subscription-ended" once it has ended; "reason-malformed".
    """
    checked_reason(reason)
    check_not_ended(state)
    planned = state.cancellation
    if planned is None:
        return ()
    next_due_at = state.next_due_at
    last = attrs.evolve(state, cancellation=None).last_invoice
    over = last is not None and state.invoices_issued >= last
    if planned.last_invoice == state.invoices_issued and not over:
        next_due_at = due_at(state, state.invoices_issued + 1)
    return (
        CancellationWithdrawn(
            customer_id=state.customer_id,
            next_due_at=next_due_at,
            zone_version=zone_version,
            reason=reason,
            effective_at=now,
        ),
    )


def cancel_as_scheduled(state: Subscription, *, now: datetime) -> tuple[SubscriptionEvent, ...]:
    """The cancellation whose time has come, once every period before it is billed."""
    planned = state.cancellation
    if planned is None or planned.at is None or not state.bills or now < planned.at:
        return ()
    if state.next_due_at is not None and not state.ends_before_next:
        return ()
    cancelled = SubscriptionCancelled(reason=planned.reason, effective_at=planned.at)
    return (*closing_invoice(state, now=planned.at), cancelled)
