"""A subscription that ends by itself, because nothing is left to bill or to pay."""

from __future__ import annotations

from datetime import datetime

from domain.subscription.events import SubscriptionCompleted, SubscriptionEvent
from domain.subscription.folding import evolve_all
from domain.subscription.state import Status, Subscription


def with_completion(
    state: Subscription, events: tuple[SubscriptionEvent, ...], *, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """`events`, and the completion if they bring in the last of the agreed payments."""
    after = evolve_all(state, events)
    if not after.terms.scheduled:
        return events  # what is billed when it is asked for has no last payment
    if after.status is Status.ACTIVE and after.next_due_at is None and not after.open_invoices:
        return (*events, SubscriptionCompleted(effective_at=now))
    return events
