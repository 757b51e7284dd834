"""Issue the invoice of a period: once, whatever the outcome of collecting it will be."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.calendar import Period, local_day, start_of_day
from domain.money import Money, total
from domain.plan import Timing
from domain.pricing import lines_of
from domain.schedule import due_day
from domain.subscription.completing import with_completion
from domain.subscription.crediting import apply_credits
from domain.subscription.discounting import with_discounts
from domain.subscription.events import (
    OF_USAGE,
    SETTLED,
    InvoiceIssued,
    InvoiceLine,
    LineKind,
    SubscriptionEvent,
)
from domain.subscription.folding import evolve_all
from domain.subscription.parking import park
from domain.subscription.state import Status, Subscription
from domain.subscription.usage_pricing import usage_to_bill


def issue_invoice(
    state: Subscription, *, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """Bill the next period if it is due, and pay it from the customer's credit as far as that
    goes. Quiet when nothing is due or billing has ended.

    A period is billed once because its number is the count of invoices in the stream, and the
    stream's version decides between two workers.
    """
    if not invoice_due(state, now=now):
        return ()
    return _issued(state, now, zone_version)


def first_invoice(
    state: Subscription, *, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """The invoice of the first period, before there is a token, if it is due. Quiet else.

    Only for who has the payer pay it with the approval.
    """
    waiting = state.status is Status.PENDING and not state.invoices_issued
    due = state.next_due_at
    if not waiting or state.parked or due is None or now < due or state.ends_before_next:
        return ()
    return _issued(state, now, zone_version)


def _issued(state: Subscription, now: datetime, zone_version: str) -> tuple[SubscriptionEvent, ...]:
    assert state.next_due_at is not None
    number = state.invoices_issued + 1
    terms, schedule = state.plan_of(number)
    period = schedule.period(number)
    due_on = due_day(terms, period)
    lines = with_discounts(
        state.discounts,
        (
            *lines_of(terms, number, schedule, state.set_amount(number)),
            *usage_to_bill(state, until=state.next_due_at),
        ),
        state.lines_to_come,
    )
    if parked := park(state, number, due_on, len(lines), now):
        return parked
    invoice = InvoiceIssued(
        customer_id=state.customer_id,
        invoice_number=number,
        period=period,
        due_on=due_on,
        lines=lines,
        total=total((line.amount for line in lines), state.currency),
        next_due_at=None if number == state.last_invoice else due_at(state, number + 1),
        zone_version=zone_version,
        effective_at=state.next_due_at,
        tax=tax_of(lines),
    )
    paid = apply_credits(state, invoice, now=now)
    return with_completion(state, (invoice, *paid), now=now)


def closing_invoice(state: Subscription, *, now: datetime) -> tuple[SubscriptionEvent, ...]:
    """What waited for the next invoice, billed because there is none: usage and, before a prepaid
    subscription ends, parts of periods. Paid from credit as far as that goes; the rest stays
    owed."""
    # What ends where a period does has served all of it.
    usage = usage_to_bill(state, until=now, bounded=now == state.next_due_at)
    waiting = state.lines_to_come
    if state.terms.timing is Timing.POSTPAID:
        # The running period is billed to nobody, and so is what was to change on its invoice.
        waiting = tuple(line for line in waiting if of_usage(line))
    lines = with_discounts(state.discounts, usage, waiting)
    amount = total((line.amount for line in lines), state.currency)
    if amount.minor <= 0:
        return ()
    number = state.invoices_issued + 1
    served = max(line.working.days for line in lines)
    end = state.schedule.period(number).start
    if served == 0:  # usage alone: the day on which it ends
        end, served = local_day(now, state.zone) + timedelta(days=1), 1
    invoice = InvoiceIssued(
        customer_id=state.customer_id,
        invoice_number=number,
        period=Period(end - timedelta(days=served), end),
        due_on=local_day(now, state.zone),
        lines=lines,
        total=amount,
        next_due_at=None,
        zone_version="",
        effective_at=now,
        tax=tax_of(lines),
    )
    return (invoice, *apply_credits(state, invoice, now=now))


def of_usage(line: InvoiceLine) -> bool:
    """Whether a line that waits is for usage."""
    return line.kind in OF_USAGE or line.working.policy == SETTLED


def tax_of(lines: tuple[InvoiceLine, ...]) -> Money | None:
    """The tax that lines hold, or None where none is taxed."""
    taxes = [line.tax.tax for line in lines if line.tax is not None]
    return total(taxes, taxes[0].currency) if taxes else None


def closes(invoice: InvoiceIssued) -> bool:
    """Whether an invoice bills no period, but what waited for it when it ended."""
    return not invoice.demand and all(
        line.kind not in (LineKind.PERIOD, LineKind.TRIAL) for line in invoice.lines
    )


def invoice_due(state: Subscription, *, now: datetime) -> bool:
    """Whether the next period is to be billed at `now`, before any cancellation takes effect."""
    due = state.next_due_at
    if not state.collects or state.parked or due is None or now < due:
        return False
    return not state.ends_before_next


def due_at(state: Subscription, invoice_number: int) -> datetime:
    """The UTC instant at which an invoice to come falls due."""
    terms, schedule = state.plan_of(invoice_number)
    return start_of_day(due_day(terms, schedule.period(invoice_number)), state.zone)


def bill_what_is_due(
    state: Subscription, *, now: datetime, zone_version: str
) -> tuple[tuple[SubscriptionEvent, ...], Subscription]:
    """The invoices of all periods that are due by now, and the state after them.

    Whoever changes what is billed does this first, so that no change reaches into the past.
    """
    facts: tuple[SubscriptionEvent, ...] = ()
    while events := issue_invoice(state, now=now, zone_version=zone_version):
        facts, state = (*facts, *events), evolve_all(state, events)
    return facts, state
