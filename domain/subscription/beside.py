"""Invoices beside the schedule: the second series, which moves nothing of the first."""

from __future__ import annotations

from datetime import datetime

from domain.calendar import Period, local_day
from domain.identity import ON_DEMAND
from domain.money import total
from domain.subscription.crediting import apply_credits
from domain.subscription.events import InvoiceIssued, InvoiceLine, SubscriptionEvent
from domain.subscription.invoicing import tax_of
from domain.subscription.state import Subscription


def invoice_beside(
    state: Subscription,
    lines: tuple[InvoiceLine, ...],
    demand: str,
    period: Period,
    *,
    at: datetime,
    now: datetime,
) -> tuple[SubscriptionEvent, ...]:
    """The next invoice of the second series, paid from credit as far as that goes.

    demand: see InvoiceIssued. at: UTC instant from which it is owed.
    """
    number = ON_DEMAND + state.asked_for + 1
    invoice = InvoiceIssued(
        customer_id=state.customer_id,
        invoice_number=number,
        period=period,
        due_on=local_day(at, state.zone),
        lines=lines,
        total=total((each.amount for each in lines), state.currency),
        next_due_at=None,
        zone_version="",
        effective_at=at,
        tax=tax_of(lines),
        demand=demand,
    )
    return (invoice, *apply_credits(state, invoice, now=now))
