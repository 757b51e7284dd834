"""When retries are used up: what the plan says follows after the grace, and what a person decides.

A suspension ends by itself once something whose retries were used up was paid and nothing such is
open any more; an invoice that a person gives up does not end it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

import attrs

from domain.plan import DunningEnd, Timing
from domain.refusals import Refused
from domain.subscription.aligning import moved_along
from domain.subscription.completing import with_completion
from domain.subscription.ending import cancel
from domain.subscription.events import (
    CollectionResumed,
    InvoiceWrittenOff,
    SubscriptionEvent,
    SubscriptionReinstated,
    SubscriptionSuspended,
)
from domain.subscription.invoicing import bill_what_is_due
from domain.subscription.owed import DISCREPANCY, RETRIES_USED_UP, OpenInvoice
from domain.subscription.parking import check_not_parked
from domain.subscription.resuming import Resume, announced, served_from
from domain.subscription.running import last_before_standstill
from domain.subscription.standing import check_not_ended
from domain.subscription.state import Status, Subscription
from domain.subscription.wording import checked_reason

# What facts say where the payment of what had led to a suspension has ended it.
PAID = "paid"


def grace_over_at(state: Subscription, invoice: OpenInvoice) -> datetime | None:
    """The UTC instant from which on the plan's end of dunning is due for an invoice; None where
    nothing follows by itself."""
    policy = state.terms.retry
    if not state.collects or invoice.ended != RETRIES_USED_UP or invoice.used_up_at is None:
        return None
    if policy.end is DunningEnd.LEAVE_OPEN:
        return None
    if policy.end is DunningEnd.SUSPEND and state.status is Status.SUSPENDED:
        return None
    return invoice.used_up_at + timedelta(days=policy.grace_days)


def waits_for_pause(state: Subscription) -> bool:
    """Whether it is suspended only when its pause is over: until then nothing is billed anyway."""
    return state.status is Status.PAUSED and state.terms.retry.end is DunningEnd.SUSPEND


def end_dunning(
    state: Subscription, *, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """What the plan says of the oldest invoice whose grace is over, or the end of a suspension
    that was paid. Quiet where there is neither.

    It counts from when the grace was over, not from when somebody got round to it; but never
    from before the last change of what is served.
    """
    if state.parked:
        return ()
    if state.lifted_by is not None:
        return _reinstated(state, state.lifted_by, PAID, now, zone_version)
    if waits_for_pause(state):
        return ()
    for invoice in state.open_invoices:
        over_at = grace_over_at(state, invoice)
        if over_at is not None and over_at <= now:
            at = max(over_at, state.shaped_at)
            return _ended(state, invoice, over_at, at, zone_version)
    return ()


def _ended(
    state: Subscription, invoice: OpenInvoice, over_at: datetime, at: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    end = state.terms.retry.end
    if end is DunningEnd.WRITE_OFF:
        return with_completion(state, (_written_off(state, invoice, RETRIES_USED_UP, at),), now=at)
    billed, after = _billed_before(state, over_at, zone_version)
    match end:
        case DunningEnd.CANCEL:
            return (*billed, *cancel(after, reason=RETRIES_USED_UP, now=at))
        case DunningEnd.SUSPEND:
            return (*billed, suspended(after, invoice.number, now=at))
        case DunningEnd.LEAVE_OPEN:
            raise AssertionError("grace_over_at gives no instant for what is left open")
        case _:
            assert_never(end)


def _billed_before(
    state: Subscription, over_at: datetime, zone_version: str
) -> tuple[tuple[SubscriptionEvent, ...], Subscription]:
    """Periods that fell due before the grace was over. One that falls due at that very instant is
    still to be served where it is prepaid, and has been served where it is not."""
    prepaid = state.terms.timing is Timing.PREPAID
    until = over_at - datetime.resolution if prepaid else over_at
    return bill_what_is_due(state, now=until, zone_version=zone_version)


def suspended(state: Subscription, invoice_number: int, *, now: datetime) -> SubscriptionSuspended:
    """The suspension for an invoice, of a subscription that is billed for what was due."""
    return SubscriptionSuspended(
        customer_id=state.customer_id,
        invoice_number=invoice_number,
        last_invoice=last_before_standstill(state, now=now),
        reason=RETRIES_USED_UP,
        effective_at=now,
    )


def reinstate(
    state: Subscription, *, reason: str, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """A person lets service and billing go on, paid or not. Quiet when it is not suspended.

    What is owed stays owed, and does not lead to another suspension until it was collected again
    in vain.
    Refused: "subscription-ended" once it has ended; "reason-malformed".
    """
    checked_reason(reason)
    check_not_ended(state)
    if state.suspension is None:
        return ()
    check_not_parked(state)
    return _reinstated(state, None, reason, now, zone_version)


def _reinstated(
    state: Subscription, paid: int | None, reason: str, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    billed, after = bill_what_is_due(state, now=now, zone_version=zone_version)
    schedule, lines = served_from(after, None, Resume.KEEP_ANCHOR, now)
    reinstated = SubscriptionReinstated(
        customer_id=state.customer_id,
        invoice_number=paid,
        schedule=schedule,
        lines=lines,
        next_due_at=announced(attrs.evolve(after, suspension=None), schedule),
        zone_version=zone_version,
        reason=reason,
        effective_at=now,
    )
    facts = (*billed, reinstated, *moved_along(after, reinstated))
    return with_completion(state, facts, now=now)


def write_off(
    state: Subscription, invoice_number: int, *, reason: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """A person gives up what is left of an invoice, also after the end of the subscription.

    Refused: "invoice-not-open"; "charge-open" while a charge of it has no outcome;
        "discrepancy-unresolved"; "reason-malformed".
    """
    _checked_words(reason)
    invoice = _open_invoice(state, invoice_number)
    attempt = state.open_attempt
    if attempt is not None and attempt.invoice_number == invoice_number:
        raise Refused("charge-open", f"{attempt.attempt_id} has no outcome yet")
    written_off = _written_off(state, invoice, reason, now)
    return with_completion(state, (written_off,), now=now)


def collect_again(
    state: Subscription, invoice_number: int, *, reason: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """A person has an invoice collected whose collection had ended, or that waits for a dispute.
    Quiet where it is collected.

    Refused: "invoice-not-open"; "subscription-ended"; "discrepancy-unresolved";
        "reason-malformed".
    """
    _checked_words(reason)
    check_not_ended(state)
    invoice = _open_invoice(state, invoice_number)
    if not invoice.ended and not state.held_back(invoice):
        return ()
    return (
        CollectionResumed(
            customer_id=state.customer_id,
            invoice_number=invoice_number,
            reason=reason,
            effective_at=now,
        ),
    )


def _checked_words(reason: str) -> None:
    if checked_reason(reason) == RETRIES_USED_UP:
        raise Refused("reason-malformed", "say it in words of your own: the plan decided nothing")


def _open_invoice(state: Subscription, number: int) -> OpenInvoice:
    invoice = state.invoice(number)
    if invoice is None:
        raise Refused("invoice-not-open", f"nothing of invoice {number} is open")
    if invoice.ended == DISCREPANCY or any(
        each.invoice_number == number for each in state.unresolved
    ):
        raise Refused("discrepancy-unresolved", f"look at the charge of invoice {number} first")
    return invoice


def _written_off(
    state: Subscription, invoice: OpenInvoice, reason: str, now: datetime
) -> InvoiceWrittenOff:
    return InvoiceWrittenOff(
        customer_id=state.customer_id,
        invoice_number=invoice.number,
        amount=invoice.open,
        reason=reason,
        effective_at=now,
    )
