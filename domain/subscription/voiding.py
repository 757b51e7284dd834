"""Reservations that are wanted no more, or less of them: let go, in part, renewed, or too old.

A void is safe to repeat: what is let go cannot be let go twice. So it needs no window; under one
key it is repeated until the provider shows what became of the reservation.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never
from uuid import UUID

from domain.identity import void_id
from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import Authorized, ChargeAnswer, NotDone, Unknown
from domain.providers import LOOK_UP_WAITS, RULES
from domain.refund_ports import VoidAnswer, VoidDenied, Voided
from domain.subscription.events import (
    ChargeAuthorized,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    SubscriptionEvent,
)
from domain.subscription.owed import Attempt
from domain.subscription.state import Subscription
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted

Events = tuple[SubscriptionEvent, ...]
EXPIRED = "the reservation is too old to be captured"


def still_wanted(state: Subscription, attempt: Attempt) -> Money:
    """What is captured of a reservation: all of it, or what is open by now; zero: let it go."""
    invoice = state.invoice(attempt.invoice_number)
    if invoice is None or not state.wants(attempt):
        return Money(0, attempt.amount.currency)
    return min(attempt.amount, invoice.open, key=lambda each: each.minor)


def has_lapsed(attempt: Attempt, now: datetime) -> bool:
    """Whether a reservation is too old to be captured: by its own end, or the provider's rule."""
    life = RULES[attempt.provider].reservation_life
    ends = attempt.expires_at
    if ends is None and life is not None and attempt.authorized_at is not None:
        ends = attempt.authorized_at + life
    return ends is not None and now >= ends


def is_to_be_renewed(attempt: Attempt, now: datetime) -> bool:
    """Whether the provider no longer guarantees what is reserved, and renews it: once."""
    honoured = RULES[attempt.provider].honour_period
    if honoured is None or attempt.authorized_at is None or attempt.renewed:
        return False
    return attempt.authorized_at + honoured <= now and not has_lapsed(attempt, now)


def let_go(state: Subscription, attempt: Attempt, now: datetime) -> Events:
    """Intend to let a reservation go; a void that was begun goes on under its key."""
    number = attempt.voids if attempt.void_id is not None else attempt.voids + 1
    return (
        VoidAttempted(
            attempt_id=attempt.attempt_id,
            void_id=void_id(attempt.attempt_id, number),
            number=number,
            reason=_why(state, attempt),
            effective_at=now,
        ),
    )


def settle_void(
    state: Subscription, attempt_id: UUID, answer: VoidAnswer, *, evidence: str, now: datetime
) -> Events:
    """Record what the provider answered to a void. Repeats are ignored.

    Denied because money was taken: the charge is looked up at once. Denied otherwise: what is
    reserved lapses by itself, and the charge was not made.
    """
    attempt = state.open_attempt
    if attempt is None or attempt.attempt_id != attempt_id or attempt.void_id is None:
        return ()
    match answer:
        case Voided(at=at):
            return (voided(state, attempt, evidence, at),)
        case VoidDenied(captured=True, code=code):
            if attempt.unknown:
                return ()
            return (_doubt(attempt, f"not let go: {code}, money was taken", now, now),)
        case VoidDenied(code=code, message=message):
            words = f"{evidence}: reserved only, and not let go: {code}, {message}"
            return (
                ChargeNotMade(
                    attempt_id=attempt_id,
                    customer_id=state.customer_id,
                    invoice_number=attempt.invoice_number,
                    evidence=words[:200],
                    effective_at=now,
                ),
            )
        case Unknown(reason=reason):
            if attempt.unknown:
                return ()
            again = now + LOOK_UP_WAITS[min(attempt.looks, len(LOOK_UP_WAITS) - 1)]
            return (_doubt(attempt, f"void: {reason}", again, now),)
        case NotDone():
            return ()
        case _:
            assert_never(answer)


def voided(
    state: Subscription, attempt: Attempt, evidence: str, at: datetime
) -> AuthorizationVoided:
    """Nothing is reserved any more, and nothing was taken."""
    return AuthorizationVoided(
        attempt_id=attempt.attempt_id,
        customer_id=state.customer_id,
        invoice_number=attempt.invoice_number,
        evidence=evidence[:200],
        effective_at=at,
    )


def renewed(
    state: Subscription, attempt_id: UUID, answer: ChargeAnswer, *, evidence: str
) -> Events:
    """Record that a reservation was renewed. Any other answer leaves what is reserved as it is;
    a lost one is harmless: the renewal is asked for again under its key."""
    attempt = state.open_attempt
    if attempt is None or attempt.attempt_id != attempt_id or attempt.unknown:
        return ()
    if not isinstance(answer, Authorized) or attempt.capture is CaptureMode.AT_ONCE:
        return ()
    if answer.authorization_ref == attempt.authorization_ref:
        return ()
    return (reserved(attempt, answer, evidence),)


def reserved(attempt: Attempt, answer: Authorized, evidence: str) -> ChargeAuthorized:
    """The reservation as the provider states it."""
    return ChargeAuthorized(
        attempt_id=attempt.attempt_id,
        amount=answer.amount,
        authorization_ref=answer.authorization_ref,
        order_ref=answer.order_ref or attempt.order_ref,
        expires_at=answer.expires_at,
        evidence=evidence,
        effective_at=answer.at,
    )


def _doubt(attempt: Attempt, reason: str, again: datetime, now: datetime) -> ChargeOutcomeUnknown:
    return ChargeOutcomeUnknown(
        attempt_id=attempt.attempt_id,
        reason=reason[:200],
        provider_ref="",
        next_look_up_at=again,
        effective_at=now,
    )


def _why(state: Subscription, attempt: Attempt) -> str:
    """Why the money is wanted no more, for a person."""
    invoice = state.invoice(attempt.invoice_number)
    if not state.collects:
        return f"the subscription is {state.status.value.lower()}"
    if invoice is None:
        return f"nothing of invoice {attempt.invoice_number} is open"
    if invoice.ended:
        return f"invoice {invoice.number} is not collected: {invoice.ended}"
    return EXPIRED
