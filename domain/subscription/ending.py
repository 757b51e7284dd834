"""End a subscription: by a wish, or because the last payment is in."""

from __future__ import annotations

from datetime import datetime

from domain.refusals import Refused
from domain.subscription.events import (
    SubscriptionCancelled,
    SubscriptionCompleted,
    SubscriptionEvent,
)
from domain.subscription.folding import evolve
from domain.subscription.state import Status, Subscription


def cancel(state: Subscription, *, reason: str, now: datetime) -> tuple[SubscriptionEvent, ...]:
    """End billing now: no invoice and no attempt after this. Quiet when already cancelled.

    What is owed stays owed. An open attempt may have been sent: it is still settled, but from
    now on only looked up, never sent.
    Refused: "subscription-completed"; "reason-malformed".
    """
    if state.status is Status.CANCELLED:
        return ()
    if state.status is Status.COMPLETED:
        raise Refused("subscription-completed", f"{state.subscription_id} has ended by itself")
    if not 1 <= len(reason) <= 200 or not reason.isprintable():
        raise Refused("reason-malformed", "a reason is 1-200 printable characters")
    return (SubscriptionCancelled(reason=reason, effective_at=now),)


def with_completion(
    state: Subscription, events: tuple[SubscriptionEvent, ...], *, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """`events`, and the completion if they bring in the last of the agreed payments."""
    after = state
    for event in events:
        after = evolve(after, event)
    if after.status is Status.ACTIVE and after.next_due_at is None and not after.open_invoices:
        return (*events, SubscriptionCompleted(effective_at=now))
    return events
