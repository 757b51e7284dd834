"""Put off a charge whose instrument has no place left in a budget. It is no retry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.subscription.events import CollectionPostponed, SubscriptionEvent
from domain.subscription.folding import evolve_all
from domain.subscription.state import Subscription


def postpone(
    state: Subscription,
    before: Sequence[SubscriptionEvent],
    invoice_number: int,
    *,
    until: datetime,
    reason: str,
    now: datetime,
) -> tuple[SubscriptionEvent, ...]:
    """An invoice is not charged before `until` (UTC). Quiet where it is not to be collected, or
    not before then anyway.

    before: facts of the same command, which come first (they may issue the invoice).
    """
    state = evolve_all(state, before)
    invoice = state.invoice(invoice_number)
    if invoice is None or invoice.ended or not state.collects or invoice.collect_at >= until:
        return ()
    return (
        CollectionPostponed(
            customer_id=state.customer_id,
            invoice_number=invoice_number,
            collect_at=until,
            reason=reason,
            effective_at=now,
        ),
    )
