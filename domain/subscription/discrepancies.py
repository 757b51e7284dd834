"""A person looks at a charge that was not the one asked for, or a refund made after all."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.money import zero
from domain.refusals import Refused
from domain.subscription.completing import with_completion
from domain.subscription.disputing import pay_reversed_from_surplus
from domain.subscription.events import (
    CreditGranted,
    CreditKind,
    DiscrepancyResolved,
    Resolution,
    SubscriptionEvent,
)
from domain.subscription.folding import evolve_all
from domain.subscription.owed import Difference
from domain.subscription.refunding import credit_of, refund_granted
from domain.subscription.refunds import LateRefund
from domain.subscription.state import Subscription
from domain.subscription.wording import checked_reason


def resolve(
    state: Subscription,
    attempt_id: UUID,
    resolution: Resolution,
    *,
    reason: str,
    now: datetime,
    refund: bool = False,
) -> tuple[SubscriptionEvent, ...]:
    """What was received stays as it is booked; what is left of the invoice is collected again.
    Quiet where it was resolved in this way before.

    ACCEPTED: what no invoice needed becomes credit, which pays first what the provider took back of
    this charge since, and with `refund` goes back, through this
    charge first, as far as it can; also after the end. DISMISSED: it was settled by other means,
    and becomes no credit here.
    attempt_id: of the charge, or the key of a refund that was found late. ACCEPTED, what no credit
    covered of that is given up; DISMISSED, the customer has paid it otherwise.
    Refused: "discrepancy-unknown"; "discrepancy-resolved" in the other way; "charge-open" while
        another charge of the invoice has no outcome; "currency-mixed" to accept money that the
        subscription is not billed in; "subscription-ended" to accept a surplus that can pay no
        invoice any more and is not refunded in full; "resolution-refunds-nothing" to refund what
        is dismissed; "reason-malformed".
    """
    checked_reason(reason)
    found = next((each for each in state.differences if each.attempt_id == attempt_id), None)
    late = state.late_refund(attempt_id)
    if late is not None:
        return _resolve_refund(state, late, resolution, reason=reason, now=now, refund=refund)
    if found is None:
        raise Refused("discrepancy-unknown", f"{attempt_id} was charged as it was asked for")
    if refund and resolution is Resolution.DISMISSED:
        raise Refused("resolution-refunds-nothing", "what was settled otherwise is not paid back")
    if found.resolution is resolution:
        return ()
    if found.resolution is not None:
        raise Refused("discrepancy-resolved", f"{attempt_id} is {found.resolution.value} already")
    _check_settled(state, found)
    if resolution is Resolution.ACCEPTED:
        _check_acceptable(state, found, refund=refund)
    resolved = DiscrepancyResolved(
        attempt_id=attempt_id,
        customer_id=state.customer_id,
        invoice_number=found.invoice_number,
        resolution=resolution,
        received=found.received,
        reason=reason,
        effective_at=now,
    )
    if resolution is Resolution.DISMISSED or found.surplus.minor == 0:
        return (resolved,)
    credit = CreditGranted(
        customer_id=state.customer_id,
        credit_number=state.credits_granted + 1,
        kind=CreditKind.OVERPAYMENT,
        amount=found.surplus,
        lines=(),
        reason=reason,
        effective_at=now,
    )
    facts: tuple[SubscriptionEvent, ...] = (resolved, credit)
    after = evolve_all(state, facts)
    if (charge := after.charge(attempt_id)) is not None and charge.reversed.minor:
        none = zero(charge.reversed.currency)
        paid = pay_reversed_from_surplus(after, charge, since=none, now=now)
        facts, after = (*facts, *paid), evolve_all(after, paid)
    if not refund:
        return with_completion(state, facts, now=now)
    back = refund_granted(after, (credit,), reason=reason, now=now, first=attempt_id)
    if not state.bills and credit_of(evolve_all(after, back)).minor > credit_of(state).minor:
        raise Refused(
            "subscription-ended", f"{found.surplus} can neither pay an invoice nor go back"
        )
    return (*facts, *back)


def _resolve_refund(
    state: Subscription,
    late: LateRefund,
    resolution: Resolution,
    *,
    reason: str,
    now: datetime,
    refund: bool,
) -> tuple[SubscriptionEvent, ...]:
    if refund:
        raise Refused("resolution-refunds-nothing", "what has gone back is not paid back again")
    if late.resolution is resolution:
        return ()
    if late.resolution is not None:
        raise Refused(
            "discrepancy-resolved", f"{late.refund_id} is {late.resolution.value} already"
        )
    return (
        DiscrepancyResolved(
            attempt_id=late.refund_id,
            customer_id=state.customer_id,
            invoice_number=late.invoice_number,
            resolution=resolution,
            received=late.amount,
            reason=reason,
            effective_at=now,
        ),
    )


def _check_settled(state: Subscription, found: Difference) -> None:
    """More money for the invoice might be under way: then its surplus is not known yet."""
    attempt = state.open_attempt
    if attempt is not None and attempt.invoice_number == found.invoice_number:
        raise Refused("charge-open", f"{attempt.attempt_id} has no outcome yet")


def _check_acceptable(state: Subscription, found: Difference, *, refund: bool) -> None:
    if found.received.currency != state.currency:
        raise Refused(
            "currency-mixed",
            f"{found.received} cannot count for what is billed in {state.currency}; pay it back",
        )
    if found.surplus.minor > 0 and not state.bills and not refund:
        raise Refused(
            "subscription-ended", f"{found.surplus} can pay no invoice any more; pay it back"
        )
