"""Issue the invoice of a period: once, whatever the outcome of collecting it will be."""

from __future__ import annotations

from datetime import datetime

from domain.calendar import start_of_day
from domain.money import total
from domain.pricing import lines_of
from domain.schedule import due_day, last_invoice, period_of
from domain.subscription.events import InvoiceIssued, SubscriptionEvent
from domain.subscription.state import Status, Subscription


def issue_invoice(
    state: Subscription, *, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """Bill the next period if it is due. Quiet when nothing is due or billing has ended.

    A period is billed once because its number is the count of invoices in the stream, and the
    stream's version decides between two workers.
    """
    if state.status is not Status.ACTIVE or state.next_due_at is None or now < state.next_due_at:
        return ()
    terms, number = state.terms, state.invoices_issued + 1
    period = period_of(state.start, terms, number)
    lines = lines_of(terms, number, period)
    next_due_at = None
    if number != last_invoice(terms):
        following = due_day(terms, period_of(state.start, terms, number + 1))
        next_due_at = start_of_day(following, state.zone)
    return (
        InvoiceIssued(
            customer_id=state.customer_id,
            invoice_number=number,
            period=period,
            due_on=due_day(terms, period),
            lines=lines,
            total=total((line.amount for line in lines), state.currency),
            next_due_at=next_due_at,
            zone_version=zone_version,
            effective_at=state.next_due_at,
        ),
    )
