"""Resolve a doubt: by what the provider shows, or by a person with a reason."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never
from uuid import UUID

from domain.money import Money
from domain.ports import Authorized, Captured, Declined, LookUpAnswer, NotDone, NotFound, Unknown
from domain.providers import LOOK_UP_WAITS, PAYERS_LAST_MINUTES, RULES
from domain.refusals import Refused
from domain.subscription.charging import CALLBACK, LOOK_UP, capture_next, doubt, settle
from domain.subscription.events import (
    ChargeLookedUp,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    SubscriptionEvent,
)
from domain.subscription.owed import Attempt
from domain.subscription.state import Subscription
from domain.subscription.voiding import has_lapsed, let_go, still_wanted, voided


def looked_up(
    state: Subscription,
    attempt_id: UUID,
    answer: LookUpAnswer,
    *,
    evidence: str = LOOK_UP,
    now: datetime,
) -> tuple[SubscriptionEvent, ...]:
    """Record what a look at the provider showed. Safe to repeat.

    evidence: LOOK_UP, or CALLBACK when a callback made us look.
    A callback's look that settles nothing leaves no trace: only planned looks use up the plan.
    "Not found" proves nothing before the provider's own delay is over; then the attempt is
    closed as not made, and only a new attempt under a new key may follow.
    """
    attempt = state.open_attempt
    if attempt is None or attempt.attempt_id != attempt_id:
        if isinstance(answer, NotFound):
            return ()
        return settle(state, attempt_id, answer, evidence=evidence, now=now)
    if evidence == CALLBACK and isinstance(answer, NotFound):
        return ()
    facts = _seen(state, attempt, answer, evidence, now)
    only_doubt = all(isinstance(fact, ChargeLookedUp | ChargeOutcomeUnknown) for fact in facts)
    return () if evidence == CALLBACK and only_doubt else facts


def _seen(
    state: Subscription, attempt: Attempt, answer: LookUpAnswer, evidence: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """What a look at the open attempt makes of it."""
    match answer:
        case Declined(code=code) if attempt.void_id is not None:
            return (voided(state, attempt, f"{evidence}: {code}", now),)
        case Declined(provider_ref=ref) if ref == attempt.authorization_ref and has_lapsed(
            attempt, now
        ):
            words = f"{evidence}: reserved only, and too old to be captured"
            return (_not_made(state, attempt, words, now),)
        case Captured() | Declined():
            return settle(state, attempt.attempt_id, answer, evidence=evidence, now=now)
        case Authorized() if attempt.void_id is not None:
            return _still_to_let_go(state, attempt, answer, evidence, now)
        case Authorized():
            return _still_authorized(state, attempt, answer, evidence, now)
        case NotFound(finding=finding):
            return _not_found(state, attempt, finding, now)
        case Unknown(reason=reason, provider_ref=provider_ref):
            if not attempt.unknown:
                return (doubt(attempt, reason, provider_ref, now),)
            return (_looked(attempt, reason, provider_ref, now),)
        case NotDone():
            return ()
        case _:
            assert_never(answer)


def may_send_again(
    state: Subscription, attempt_id: UUID, answer: LookUpAnswer, *, now: datetime
) -> bool:
    """After a crash: may the attempt that was looked up be sent, under its own key?

    Only if it is the open one, its outcome was never recorded as unknown, the provider does not
    show it, and the provider still remembers the key, so that a first sending that is on its way
    is not doubled; and only while its money is wanted, all of it, and wanted there. A void goes on
    while the reservation stands.
    """
    attempt = state.open_attempt
    if attempt is None or attempt.attempt_id != attempt_id:
        return False
    if attempt.void_id is not None:
        return isinstance(answer, Authorized) and not attempt.unknown
    if still_wanted(state, attempt) != attempt.amount or has_lapsed(attempt, now):
        return False
    if attempt.capture_id is None and not state.may_send(attempt):
        return False
    missing = isinstance(answer, NotFound) or (
        isinstance(answer, Authorized) and attempt.capture_id is not None
    )
    return missing and not attempt.unknown and now < attempt.key_expires_at


def _still_authorized(
    state: Subscription, attempt: Attempt, answer: Authorized, evidence: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """Reserved, not captured: go on to the capture, unless one may still be under way."""
    shown = answer.authorization_ref
    if attempt.capture_id is None:
        facts = settle(state, attempt.attempt_id, answer, evidence=evidence, now=now)
        return facts or (_looked(attempt, "authorised, and not captured yet", shown, now),)
    if now < attempt.attempted_at + RULES[attempt.provider].report_delay:
        if attempt.unknown:
            return (_looked(attempt, "authorised, and no capture shows yet", shown, now),)
        return (doubt(attempt, "authorised, and no capture shows", shown, now),)
    return capture_next(state, attempt, answer, evidence=evidence, now=now)


def _still_to_let_go(
    state: Subscription, attempt: Attempt, answer: Authorized, evidence: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """Reserved after all: the void is repeated under its key, until the looks are used up."""
    if evidence == CALLBACK or not attempt.unknown:
        return ()
    looked = _looked(attempt, "still reserved", answer.authorization_ref, now)
    return (looked,) if looked.next_look_up_at is None else (looked, *let_go(state, attempt, now))


def _not_found(
    state: Subscription, attempt: Attempt, finding: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    if now >= attempt.attempted_at + RULES[attempt.provider].report_delay:
        return (_not_made(state, attempt, f"{LOOK_UP}: {finding}", now),)
    if attempt.unknown:
        return (_looked(attempt, finding, "", now),)
    return (doubt(attempt, f"may have been sent; {finding}", "", now),)


def _not_made(state: Subscription, attempt: Attempt, evidence: str, now: datetime) -> ChargeNotMade:
    return ChargeNotMade(
        attempt_id=attempt.attempt_id,
        customer_id=state.customer_id,
        invoice_number=attempt.invoice_number,
        evidence=evidence[:200],
        effective_at=now,
    )


def _looked(attempt: Attempt, finding: str, provider_ref: str, now: datetime) -> ChargeLookedUp:
    look = attempt.looks + 1
    again = now + LOOK_UP_WAITS[look] if look < len(LOOK_UP_WAITS) else None
    return ChargeLookedUp(
        attempt_id=attempt.attempt_id,
        look_number=look,
        finding=finding[:200],
        provider_ref=provider_ref,
        next_look_up_at=again,
        effective_at=now,
    )


def decide_by_person(
    state: Subscription,
    attempt_id: UUID,
    *,
    received: Money | None,
    provider_ref: str,
    reason: str,
    now: datetime,
) -> tuple[SubscriptionEvent, ...]:
    """A person settles a doubt from evidence of their own.

    received: what the provider took, or None when it took nothing.
    Refused: "attempt-not-unknown" unless the attempt's outcome is recorded as unknown;
        "page-still-open" for nothing received while the payer may yet pay on the page;
        "reason-malformed" without a reason; "received-not-positive" for an empty payment.
    """
    attempt = state.open_attempt
    if attempt is None or attempt.attempt_id != attempt_id or not attempt.unknown:
        raise Refused("attempt-not-unknown", f"{attempt_id} is not an open doubt")
    if not 1 <= len(reason) <= 150 or not reason.isprintable():
        raise Refused("reason-malformed", "a reason is 1-150 printable characters")
    if received is not None and received.minor <= 0:
        raise Refused("received-not-positive", "where nothing was received, leave it out")
    evidence = f"person: {reason}"
    if received is None:
        _check_page_is_over(attempt, now)
        return (_not_made(state, attempt, evidence, now),)
    answer = Captured(amount=received, provider_ref=provider_ref, at=now)
    return settle(state, attempt_id, answer, evidence=evidence, now=now)


def _check_page_is_over(attempt: Attempt, now: datetime) -> None:
    """A payer who began before a page's end may still be at the bank's."""
    until = attempt.page_until
    if attempt.waits_for_payer and until is not None and now < until + PAYERS_LAST_MINUTES:
        raise Refused("page-still-open", f"the payer may pay {attempt.reference} until {until}")
