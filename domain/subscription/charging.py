"""Collect what is open: attempt, authorise and capture, and settle each attempt once."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never
from uuid import UUID

from domain.identity import attempt_id as attempt_key
from domain.identity import capture_id, charge_reference
from domain.plan import CaptureMode
from domain.ports import Authorized, Captured, ChargeAnswer, Declined, NotDone, Unknown
from domain.providers import LOOK_UP_WAITS, RULES, Provider
from domain.subscription.backing import after_backup_paid, method_for
from domain.subscription.completing import with_completion
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAttempted,
    ChargeDeclined,
    ChargeDiscrepancyFound,
    ChargeFoundLate,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    Discrepancy,
    SubscriptionEvent,
)
from domain.subscription.folding import evolve_all
from domain.subscription.owed import Attempt, OpenInvoice
from domain.subscription.retrying import after_decline
from domain.subscription.state import Subscription
from domain.subscription.voiding import has_lapsed, let_go, reserved, still_wanted

ANSWER, LOOK_UP, CALLBACK = "answer", "look-up", "callback"


def collectible(state: Subscription, *, now: datetime) -> OpenInvoice | None:
    """The oldest open invoice that may be charged now, or None."""
    if not state.collects or state.open_attempt is not None:
        return None
    for invoice in state.open_invoices:
        ready = not invoice.ended and invoice.collect_at <= now
        if ready and not state.held_back(invoice) and method_for(state, invoice) is not None:
            return invoice
    return None


def attempt_charge(state: Subscription, *, now: datetime) -> tuple[SubscriptionEvent, ...]:
    """Intend to collect the oldest invoice whose time has come. Quiet when there is none.

    One attempt at a time: while one has no outcome, nothing else is charged.
    """
    invoice = collectible(state, now=now)
    token = None if invoice is None else method_for(state, invoice)
    if invoice is None or token is None:
        return ()
    return (
        intended(
            state,
            invoice,
            provider=token.provider,
            account=token.account,
            token_ref=token.token_ref,
            now=now,
        ),
    )


def intended(
    state: Subscription,
    invoice: OpenInvoice,
    *,
    provider: Provider,
    account: str,
    token_ref: str,
    now: datetime,
) -> ChargeAttempted:
    """The next attempt on an invoice, of all that is open on it. token_ref: as in the fact."""
    number = invoice.attempts + 1
    key = attempt_key(state.namespace, invoice.number, number)
    return ChargeAttempted(
        attempt_id=key,
        customer_id=state.customer_id,
        invoice_number=invoice.number,
        attempt_number=number,
        amount=invoice.open,
        provider=provider,
        account=account,
        token_ref=token_ref,
        reference=charge_reference(state.subscription_id, invoice.number, number, key),
        capture=state.terms.capture,
        key_expires_at=now + RULES[provider].charge_key_window,
        effective_at=now,
    )


def settle(
    state: Subscription,
    attempt_id: UUID,
    answer: ChargeAnswer,
    *,
    evidence: str,
    now: datetime,
) -> tuple[SubscriptionEvent, ...]:
    """Record what the provider answered. An attempt settles once; repeats are ignored.

    evidence: ANSWER, LOOK_UP, CALLBACK, or a person's reason.
    """
    attempt = state.open_attempt
    if attempt is None or attempt.attempt_id != attempt_id:
        return _found_late(state, attempt_id, answer, evidence=evidence, now=now)
    match answer:
        case Captured():
            return _captured(state, attempt, answer, evidence, now)
        case Authorized():
            # Told again while its capture or its void is under way, a reservation is no news.
            if attempt.capture_id is not None or attempt.void_id is not None:
                return ()
            return capture_next(state, attempt, answer, evidence=evidence, now=now)
        case Declined():
            return _declined(state, attempt, answer, evidence, now)
        case Unknown(reason=reason, provider_ref=provider_ref):
            return () if attempt.unknown else (doubt(attempt, reason, provider_ref, now),)
        case NotDone():
            return ()
        case _:
            assert_never(answer)


def doubt(attempt: Attempt, reason: str, provider_ref: str, now: datetime) -> ChargeOutcomeUnknown:
    """We cannot tell whether money moved; the provider is asked after the first wait."""
    return ChargeOutcomeUnknown(
        attempt_id=attempt.attempt_id,
        reason=reason[:200],
        provider_ref=provider_ref,
        next_look_up_at=now + LOOK_UP_WAITS[0],
        effective_at=now,
    )


def _captured(
    state: Subscription, attempt: Attempt, answer: Captured, evidence: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    paid: tuple[SubscriptionEvent, ...] = (
        ChargeSucceeded(
            attempt_id=attempt.attempt_id,
            customer_id=state.customer_id,
            invoice_number=attempt.invoice_number,
            amount=answer.amount,
            provider_ref=answer.provider_ref,
            evidence=evidence,
            effective_at=answer.at,
        ),
    )
    if answer.amount != attempt.amount:
        same_currency = answer.amount.currency == attempt.amount.currency
        paid = (
            *paid,
            ChargeDiscrepancyFound(
                attempt_id=attempt.attempt_id,
                customer_id=state.customer_id,
                invoice_number=attempt.invoice_number,
                discrepancy=Discrepancy.AMOUNT if same_currency else Discrepancy.CURRENCY,
                expected=attempt.amount,
                received=answer.amount,
                effective_at=now,
            ),
        )
    completed = with_completion(state, paid, now=now)
    return (*completed, *after_backup_paid(state, completed, attempt, now=now))


def capture_next(
    state: Subscription, attempt: Attempt, answer: Authorized, *, evidence: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """Reserve recorded, then the intention to capture all of it that is open, finally: so an
    authorisation can be captured once only, and a new key for a capture that did not happen is
    safe.

    Where billing has ended, the invoice was paid otherwise, or the reservation is too old, it is
    let go.
    """
    if attempt.capture is CaptureMode.AT_ONCE:
        reason = "authorised, and not captured yet"
        if attempt.unknown:
            return ()
        return (doubt(attempt, reason, answer.authorization_ref, now),)
    facts: tuple[SubscriptionEvent, ...] = ()
    if attempt.authorization_ref != answer.authorization_ref:
        facts = (reserved(attempt, answer, evidence),)
        state = evolve_all(state, facts)
        attempt = state.open_attempt or attempt
    wanted = still_wanted(state, attempt)
    if wanted.minor == 0 or has_lapsed(attempt, now):
        return (*facts, *let_go(state, attempt, now))
    capture = CaptureAttempted(
        attempt_id=attempt.attempt_id,
        capture_id=capture_id(attempt.attempt_id, attempt.captures + 1),
        amount=wanted,
        key_expires_at=now + RULES[attempt.provider].capture_key_window,
        effective_at=now,
    )
    return (*facts, capture)


def _declined(
    state: Subscription, attempt: Attempt, answer: Declined, evidence: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    fact = ChargeDeclined(
        attempt_id=attempt.attempt_id,
        customer_id=state.customer_id,
        invoice_number=attempt.invoice_number,
        decline=answer.decline,
        code=answer.code,
        message=answer.message[:200],
        retry_not_before=answer.retry_not_before,
        provider_ref=answer.provider_ref,
        evidence=evidence,
        effective_at=answer.at or now,
    )
    if state.token_of(attempt.token_ref) is None:
        # With a newer token the invoice is collected at once; the old token's decline is history.
        return (fact,)
    return (fact, *after_decline(state, attempt, answer, now=now))


def _found_late(
    state: Subscription, attempt_id: UUID, answer: ChargeAnswer, *, evidence: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """Money for an attempt that was settled without money: book it, and show the contradiction."""
    failed = next((each for each in state.failed_attempts if each.attempt_id == attempt_id), None)
    if failed is None or not isinstance(answer, Captured):
        return ()
    late: tuple[SubscriptionEvent, ...] = (
        ChargeFoundLate(
            attempt_id=attempt_id,
            customer_id=state.customer_id,
            invoice_number=failed.invoice_number,
            amount=answer.amount,
            provider_ref=answer.provider_ref,
            evidence=evidence,
            effective_at=answer.at,
        ),
        ChargeDiscrepancyFound(
            attempt_id=attempt_id,
            customer_id=state.customer_id,
            invoice_number=failed.invoice_number,
            discrepancy=Discrepancy.UNEXPECTED,
            expected=type(answer.amount)(0, answer.amount.currency),
            received=answer.amount,
            effective_at=now,
        ),
    )
    return with_completion(state, late, now=now)
