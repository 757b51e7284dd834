"""A guard: billing that runs wild stops, and waits for a person.

A period is billed once, whatever happens. What cannot be excluded is a mistake in what was agreed
to, or in a program, that makes period after period fall due on one day.
"""

from __future__ import annotations

from datetime import date, datetime

from domain.refusals import Refused
from domain.subscription.events import BillingParked, BillingReleased, SubscriptionEvent
from domain.subscription.state import Subscription
from domain.subscription.wording import checked_reason

# Beyond the first invoice of a day, however long that is.
MOST_LINES_A_DAY = 100


def park(
    state: Subscription, invoice_number: int, due_on: date, lines: int, now: datetime
) -> tuple[BillingParked, ...]:
    """Stop where another invoice would put too many lines on one local day; else nothing."""
    before = state.lines_due_on(due_on)
    if before == 0 or before + lines <= MOST_LINES_A_DAY:
        return ()
    return (
        BillingParked(
            customer_id=state.customer_id,
            invoice_number=invoice_number,
            due_on=due_on,
            lines=before + lines,
            effective_at=now,
        ),
    )


def release(state: Subscription, *, reason: str, now: datetime) -> tuple[SubscriptionEvent, ...]:
    """Go on, after a person has looked. Quiet where nothing is parked.

    Refused: "reason-malformed".
    """
    checked_reason(reason)
    if not state.parked:
        return ()
    return (BillingReleased(customer_id=state.customer_id, reason=reason, effective_at=now),)


def check_not_parked(state: Subscription) -> None:
    """What is billed is not changed meanwhile. Raises: Refused("billing-parked")."""
    if state.parked:
        raise Refused("billing-parked", f"{state.subscription_id} waits for a person to look")
