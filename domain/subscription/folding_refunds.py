"""Folding of refunds: what charges brought in, what of it goes back, and the credit it takes."""

from __future__ import annotations

from typing import Any

from domain.copying import with_
from domain.money import Money, zero
from domain.subscription.events import ChargeFoundLate, ChargeSucceeded, DiscrepancyResolved
from domain.subscription.owed import Attempt, Credit, oldest_first
from domain.subscription.refund_events import (
    CreditPart,
    RefundAttempted,
    RefundEvent,
    RefundFailed,
    RefundFoundLate,
    RefundLookedUp,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)
from domain.subscription.refunds import (
    MOST_REMEMBERED,
    REFUNDABLE_FOR,
    Collected,
    LateRefund,
    OpenRefund,
)
from domain.subscription.state import Subscription


def collected(
    state: Subscription, event: ChargeSucceeded | ChargeFoundLate, attempt: Attempt | None
) -> Subscription:
    """Money that came may go back. In another currency than is billed it never became credit.

    attempt: the one that the money is for; without it there is no reference to refund by.
    """
    fits = event.amount.currency == state.currency
    if attempt is None or attempt.attempt_id != event.attempt_id or not fits:
        return state
    nothing = zero(state.currency)
    charge = Collected(
        attempt_id=event.attempt_id,
        invoice_number=event.invoice_number,
        provider=attempt.provider,
        account=attempt.account,
        reference=attempt.reference,
        provider_ref=event.provider_ref,
        captured=event.amount,
        refunded=nothing,
        refunding=nothing,
        reversed=nothing,
        surplus=_surplus(state, event),
        token_ref=attempt.token_ref,
        at=event.effective_at,
    )
    oldest = event.effective_at - REFUNDABLE_FOR
    charges = (*state.collected, charge)
    recent = [each for each in charges if each.at >= oldest][-MOST_REMEMBERED:]
    # Few subscriptions are disputed, and few of their charges: each is asked before the next.
    contested = {each.attempt_id for each in state.open_disputes}
    older = [each for each in charges if each.attempt_id in contested and each not in recent]
    return with_(state, collected=(*older, *recent))


def _surplus(state: Subscription, event: ChargeSucceeded | ChargeFoundLate) -> Money:
    """What of the money its invoice does not need."""
    invoice = state.invoice(event.invoice_number)
    needed = 0 if invoice is None else invoice.open.minor
    return Money(max(0, event.amount.minor - needed), event.amount.currency)


def refunded(state: Subscription, event: RefundEvent) -> Subscription:
    """A refund goes on. Facts about one that is not open change nothing."""
    if isinstance(event, RefundRequested):
        return _requested(state, event)
    if isinstance(event, RefundFoundLate):
        return _found_late(state, event)
    refund = state.refund(event.refund_id)
    if refund is None:
        return state
    match event:
        case RefundAttempted():
            return _still_open(
                state,
                refund,
                attempted_at=event.effective_at,
                key_expires_at=event.key_expires_at,
            )
        case RefundOutcomeUnknown(reason=finding):
            return _still_open(
                state,
                refund,
                unknown_at=event.effective_at,
                next_look_up_at=event.next_look_up_at,
                provider_ref=event.provider_ref or refund.provider_ref,
                finding=finding,
            )
        case RefundLookedUp(finding=finding):
            return _still_open(
                state,
                refund,
                unknown_at=refund.unknown_at or event.effective_at,
                looks=event.look_number,
                next_look_up_at=event.next_look_up_at,
                provider_ref=event.provider_ref or refund.provider_ref,
                finding=finding,
            )
        case RefundSucceeded(amount=amount):
            return _closed(state, refund, gone=amount)
        case RefundFailed():
            failed = _remembered(state, refund, event)
            return _closed(failed, refund, gone=zero(refund.amount.currency))


def _requested(state: Subscription, event: RefundRequested) -> Subscription:
    charge = state.charge(event.attempt_id)
    refund = OpenRefund(
        refund_id=event.refund_id,
        attempt_id=event.attempt_id,
        invoice_number=event.invoice_number,
        amount=event.amount,
        credits=event.credits,
        reference=event.reference,
        reason=event.reason,
        provider=state.provider if charge is None else charge.provider,
        account=state.account if charge is None else charge.account,
        charge_reference="" if charge is None else charge.reference,
        charge_ref="" if charge is None else charge.provider_ref,
        requested_at=event.effective_at,
    )
    state = with_(state, refunds=(*state.refunds, refund))
    if charge is not None:
        charge = with_(
            charge, refunding=charge.refunding + event.amount, refunds=event.refund_number
        )
    return with_charge(_with_credit(state, event.credits, sign=-1), charge)


def _closed(state: Subscription, refund: OpenRefund, *, gone: Money) -> Subscription:
    """An outcome: what went back has left the charge, the rest is credit again."""
    open_ones = tuple(each for each in state.refunds if each.refund_id != refund.refund_id)
    state = _with_credit(
        with_(state, refunds=open_ones), left_of(refund.credits, gone.minor), sign=1
    )
    charge = state.charge(refund.attempt_id)
    if charge is not None:
        charge = with_(
            charge,
            refunding=charge.refunding - refund.amount,
            refunded=charge.refunded + gone,
        )
    return covered(with_charge(state, charge))


def _remembered(state: Subscription, refund: OpenRefund, event: RefundFailed) -> Subscription:
    """It may turn out to have been made: so long, and so many of them, as charges are."""
    failed = with_(refund, provider_ref=event.provider_ref or refund.provider_ref)
    oldest = event.effective_at - REFUNDABLE_FOR
    kept = tuple(e for e in (*state.failed_refunds, failed) if e.requested_at >= oldest)
    return with_(state, failed_refunds=kept[-MOST_REMEMBERED:])


def _found_late(state: Subscription, event: RefundFoundLate) -> Subscription:
    """The money has gone: credit is taken for it, the oldest first, as far as there is any."""
    fits = event.amount.currency == state.currency
    late = LateRefund(
        refund_id=event.refund_id,
        attempt_id=event.attempt_id,
        invoice_number=event.invoice_number,
        amount=event.amount,
        missing=event.amount,
    )
    others = tuple(each for each in state.failed_refunds if each.refund_id != event.refund_id)
    state = with_(state, failed_refunds=others, late_refunds=(*state.late_refunds, late))
    charge = state.charge(event.attempt_id)
    if charge is not None and fits:
        charge = with_(charge, refunded=charge.refunded + event.amount)
    return covered(with_charge(state, charge))


def covered(state: Subscription) -> Subscription:
    """Credit covers what is missing of refunds that were found late: at once, and whenever there is
    credit again, before anything else can use it. Not once a person has looked."""
    for late in state.unresolved_refunds:
        if late.missing.currency != state.currency:
            continue
        parts = tuple(
            CreditPart(credit_number=number, amount=Money(minor, state.currency))
            for number, minor in oldest_first(state.credits, late.missing.minor)
        )
        if parts:
            taken = Money(sum(part.amount.minor for part in parts), state.currency)
            less = with_(late, missing=late.missing - taken)
            found = tuple(less if each == late else each for each in state.late_refunds)
            state = _with_credit(with_(state, late_refunds=found), parts, sign=-1)
    return state


def refund_resolved(state: Subscription, event: DiscrepancyResolved) -> Subscription:
    """A person has looked at a refund that was found late."""
    looked_at = tuple(
        with_(each, resolution=event.resolution) if each.refund_id == event.attempt_id else each
        for each in state.late_refunds
    )
    return with_(state, late_refunds=looked_at)


def left_of(parts: tuple[CreditPart, ...], gone: int) -> tuple[CreditPart, ...]:
    """What of the parts is credit again where `gone` minor units went back: the newest."""
    rest = []
    for part in parts:
        taken = min(gone, part.amount.minor)
        gone -= taken
        if taken < part.amount.minor:
            amount = Money(part.amount.minor - taken, part.amount.currency)
            rest.append(CreditPart(credit_number=part.credit_number, amount=amount))
    return tuple(rest)


def _with_credit(state: Subscription, parts: tuple[CreditPart, ...], *, sign: int) -> Subscription:
    """Credit that is taken (sign -1) or there again (1), oldest first."""
    left = {each.credit_number: each.left for each in state.credits}
    for part in parts:
        before = left.get(part.credit_number, zero(part.amount.currency))
        change = Money(sign * part.amount.minor, part.amount.currency)
        left[part.credit_number] = before + change
    credits = tuple(
        Credit(credit_number=number, left=left[number])
        for number in sorted(left)
        if left[number].minor != 0
    )
    return with_(state, credits=credits)


def with_charge(state: Subscription, charge: Collected | None) -> Subscription:
    """The state with a charge as it is now; the same where there is none."""
    if charge is None:
        return state
    changed = tuple(
        charge if each.attempt_id == charge.attempt_id else each for each in state.collected
    )
    return with_(state, collected=changed)


def _still_open(state: Subscription, refund: OpenRefund, **changes: Any) -> Subscription:
    changed = with_(refund, **changes)
    refunds = tuple(changed if each == refund else each for each in state.refunds)
    return with_(state, refunds=refunds)
