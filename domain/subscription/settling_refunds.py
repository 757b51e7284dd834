"""What became of a refund: by the provider's answer, by a look, or by a person with a reason."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never
from uuid import UUID

from domain.money import Money
from domain.ports import NotDone, NotFound, Unknown
from domain.providers import REFUND_LOOK_UP_WAITS, RULES
from domain.refund_ports import RefundAnswer, RefundDenied, Refunded, RefundLookUpAnswer
from domain.refusals import Refused
from domain.subscription.charging import CALLBACK, LOOK_UP
from domain.subscription.events import SubscriptionEvent
from domain.subscription.refund_events import (
    RefundFailed,
    RefundFoundLate,
    RefundLookedUp,
    RefundOutcomeUnknown,
    RefundSucceeded,
)
from domain.subscription.refunds import NOT_MADE, OpenRefund
from domain.subscription.state import Subscription

Events = tuple[SubscriptionEvent, ...]


def settle_refund(
    state: Subscription, refund_id: UUID, answer: RefundAnswer, *, evidence: str, now: datetime
) -> Events:
    """Record what the provider answered. A refund settles once; repeats are ignored, but for money
    that went back after all.

    Another amount or currency than was asked for settles nothing: a person decides.
    evidence: ANSWER, LOOK_UP, CALLBACK, or a person's reason.
    """
    refund = state.refund(refund_id)
    if refund is None:
        return _found_late(state, refund_id, answer, evidence)
    if refund.attempted_at is None:
        return ()
    match answer:
        case Refunded(amount=amount) if amount != refund.amount:
            finding = f"the provider says {amount} went back, {refund.amount} was asked for"
            return _for_a_person(refund, finding, answer.provider_ref, now)
        case Refunded():
            return (_made(state, refund, answer, evidence),)
        case RefundDenied():
            return (_failed(state, refund, answer, evidence, now),)
        case Unknown(reason=reason, provider_ref=provider_ref):
            return () if refund.unknown else (_doubt(refund, reason, provider_ref, now),)
        case NotDone():
            return ()
        case _:
            assert_never(answer)


def refund_looked_up(
    state: Subscription,
    refund_id: UUID,
    answer: RefundLookUpAnswer,
    *,
    evidence: str = LOOK_UP,
    now: datetime,
) -> Events:
    """Record what a look at the provider showed. Safe to repeat.

    evidence: LOOK_UP, or CALLBACK when a callback made us look; that one leaves no trace where it
    settles nothing: only planned looks use up the plan.
    """
    refund = state.refund(refund_id)
    if refund is None:
        return _found_late(state, refund_id, answer, evidence)
    if refund.attempted_at is None:
        return ()
    match answer:
        case NotFound() | Unknown() if evidence == CALLBACK:
            return ()
        case NotFound(finding=finding):
            return (_not_found(state, refund, finding, now),)
        case Unknown(reason=reason, provider_ref=provider_ref) if refund.unknown:
            return (_looked(refund, reason, provider_ref, now),)
        case _:
            return settle_refund(state, refund_id, answer, evidence=evidence, now=now)


def may_send_refund_again(
    state: Subscription, refund_id: UUID, answer: RefundLookUpAnswer, *, now: datetime
) -> bool:
    """After a crash: may a refund that was looked up be sent, under its own key?

    Only if its outcome was never recorded as unknown, the provider does not show it, still
    remembers the key, and recognises a repeat by it. Dintero does not: a first sending that is on
    its way would be doubled.
    """
    refund = state.refund(refund_id)
    if refund is None or refund.key_expires_at is None or refund.unknown:
        return False
    repeats = RULES[refund.provider].refund_repeats
    return repeats and isinstance(answer, NotFound) and now < refund.key_expires_at


def refund_for_a_person(
    state: Subscription, refund_id: UUID, finding: str, *, now: datetime
) -> Events:
    """A refund that was about to be sent is not: money went back of which the books do not know,
    and a person decides. Quiet where it has an outcome, or was never begun."""
    refund = state.refund(refund_id)
    if refund is None or refund.attempted_at is None:
        return ()
    return _for_a_person(refund, finding[:200], "", now)


def decide_refund(
    state: Subscription,
    refund_id: UUID,
    *,
    made: Money | None,
    provider_ref: str,
    reason: str,
    now: datetime,
) -> Events:
    """A person settles a doubt about a refund from evidence of their own.

    made: what really went back, at most what was asked for (the rest is credit again); None: it
        was never made, and all of it is credit again.
    Refused: "refund-not-unknown" unless its outcome is recorded as unknown; "reason-malformed";
        "refund-not-positive"; "currency-mixed"; "refund-above-asked".
    """
    refund = state.refund(refund_id)
    if refund is None or not refund.unknown:
        raise Refused("refund-not-unknown", f"{refund_id} is not an open doubt")
    if not 1 <= len(reason) <= 150 or not reason.isprintable():
        raise Refused("reason-malformed", "a reason is 1-150 printable characters")
    evidence = f"person: {reason}"
    if made is None:
        denied = RefundDenied(code=NOT_MADE, message="", provider_ref=provider_ref)
        return (_failed(state, refund, denied, evidence, now),)
    if made.minor <= 0:
        raise Refused("refund-not-positive", "where nothing went back, say that it was not made")
    if made.currency != refund.amount.currency:
        raise Refused("currency-mixed", f"{refund.amount} was asked for, not {made.currency}")
    if made.minor > refund.amount.minor:
        raise Refused("refund-above-asked", f"{made} is more than {refund.amount}")
    answer = Refunded(amount=made, provider_ref=provider_ref, at=now)
    return (_made(state, refund, answer, evidence),)


def _made(
    state: Subscription, refund: OpenRefund, answer: Refunded, evidence: str
) -> RefundSucceeded:
    return RefundSucceeded(
        refund_id=refund.refund_id,
        customer_id=state.customer_id,
        attempt_id=refund.attempt_id,
        invoice_number=refund.invoice_number,
        amount=answer.amount,
        provider_ref=answer.provider_ref,
        evidence=evidence,
        effective_at=answer.at,
    )


def _found_late(
    state: Subscription, refund_id: UUID, answer: RefundLookUpAnswer, evidence: str
) -> Events:
    """Money of a refund that was settled as failed has gone: book it, whatever the amount."""
    failed = next((each for each in state.failed_refunds if each.refund_id == refund_id), None)
    if failed is None or not isinstance(answer, Refunded):
        return ()
    return (
        RefundFoundLate(
            refund_id=refund_id,
            attempt_id=failed.attempt_id,
            customer_id=state.customer_id,
            invoice_number=failed.invoice_number,
            amount=answer.amount,
            provider_ref=answer.provider_ref,
            evidence=evidence,
            effective_at=answer.at,
        ),
    )


def _failed(
    state: Subscription, refund: OpenRefund, answer: RefundDenied, evidence: str, now: datetime
) -> RefundFailed:
    return RefundFailed(
        refund_id=refund.refund_id,
        customer_id=state.customer_id,
        attempt_id=refund.attempt_id,
        invoice_number=refund.invoice_number,
        amount=refund.amount,
        code=answer.code,
        message=answer.message[:200],
        provider_ref=answer.provider_ref,
        evidence=evidence,
        effective_at=answer.at or now,
    )


def _not_found(
    state: Subscription, refund: OpenRefund, finding: str, now: datetime
) -> SubscriptionEvent:
    """The provider shows no such refund. That proves nothing before its own longest delay, counted
    from the doubt: until then it may have been sent again. Nor where it did show one."""
    if refund.unknown_at is None:
        return _doubt(refund, f"may have been sent; {finding}", "", now)
    if now < refund.unknown_at + RULES[refund.provider].report_delay or refund.provider_ref:
        return _looked(refund, finding, "", now)
    denied = RefundDenied(code=NOT_MADE, message="")
    return _failed(state, refund, denied, f"{LOOK_UP}: {finding}"[:200], now)


def _doubt(
    refund: OpenRefund, reason: str, provider_ref: str, now: datetime
) -> RefundOutcomeUnknown:
    return RefundOutcomeUnknown(
        refund_id=refund.refund_id,
        reason=reason[:200],
        provider_ref=provider_ref,
        next_look_up_at=now + REFUND_LOOK_UP_WAITS[0],
        effective_at=now,
    )


def _looked(refund: OpenRefund, finding: str, provider_ref: str, now: datetime) -> RefundLookedUp:
    look = refund.looks + 1
    again = now + REFUND_LOOK_UP_WAITS[look] if look < len(REFUND_LOOK_UP_WAITS) else None
    return RefundLookedUp(
        refund_id=refund.refund_id,
        look_number=look,
        finding=finding[:200],
        provider_ref=provider_ref,
        next_look_up_at=again,
        effective_at=now,
    )


def _for_a_person(refund: OpenRefund, finding: str, provider_ref: str, now: datetime) -> Events:
    """Something went back that was not asked for so. Quiet where a person is told already."""
    if not refund.unknown:
        return (
            RefundOutcomeUnknown(
                refund_id=refund.refund_id,
                reason=finding,
                provider_ref=provider_ref,
                next_look_up_at=None,
                effective_at=now,
            ),
        )
    if refund.awaits_person and refund.finding == finding:
        return ()
    return (
        RefundLookedUp(
            refund_id=refund.refund_id,
            look_number=refund.looks + 1,
            finding=finding,
            provider_ref=provider_ref,
            next_look_up_at=None,
            effective_at=now,
        ),
    )
