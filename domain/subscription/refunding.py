"""Ask for money to go back: credit that a customer is owed, through charges that brought it in.

A refund pays out credit, so it can never be more than is owed, and no invoice is opened again.
What is open is paid first: while a subscription goes on, whoever owes is paid out nothing; once it
has ended, credit pays what is still open, and the rest goes back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from domain.identity import refund_id as refund_key
from domain.identity import refund_reference
from domain.money import Money
from domain.providers import RULES
from domain.refusals import Refused
from domain.subscription.crediting import pay_from_credit
from domain.subscription.events import (
    CreditApplied,
    CreditGranted,
    CreditKind,
    SubscriptionEvent,
)
from domain.subscription.folding import evolve_all
from domain.subscription.owed import oldest_first
from domain.subscription.refund_events import (
    CreditPart,
    RefundAttempted,
    RefundFailed,
    RefundRequested,
)
from domain.subscription.refunds import CHARGE_REVERSED, REFUNDABLE_FOR, Collected, OpenRefund
from domain.subscription.state import Subscription
from domain.subscription.wording import checked_reason

Events = tuple[SubscriptionEvent, ...]


def request_refund(
    state: Subscription,
    amount: Money | None,
    *,
    reason: str,
    now: datetime,
    attempt_id: UUID | None = None,
    credit_missing: bool = False,
) -> Events:
    """Pay credit out, the oldest first, through one charge or, the newest first, several.

    amount: what goes back; None: all credit that is left once open invoices are paid.
    attempt_id: through this charge alone, or None.
    credit_missing: what credit lacks is granted out of goodwill in the same append.
    Refused: "reason-malformed"; "refund-not-positive"; "currency-mixed"; "invoice-open";
        "charge-open" while the outcome of a charge for an open invoice is awaited;
        "discrepancy-unresolved" while a refund that was found late is not covered by credit;
        "nothing-to-refund" without credit or money that came; "credit-too-small";
        "charge-not-refundable" for a charge that brought nothing in, or long ago;
        "charge-disputed" where nothing is left but of charges that are disputed;
        "refund-too-large" for more than is left of what came.
    """
    checked_reason(reason)
    if amount is not None and amount.minor <= 0:
        raise Refused("refund-not-positive", f"a refund of {amount} gives nothing back")
    if amount is not None and amount.currency != state.currency:
        raise Refused("currency-mixed", f"{state.subscription_id} is billed in {state.currency}")
    applied = _pay_what_is_open(state, now)
    after = evolve_all(state, applied)
    credit = credit_of(after)
    wanted = credit if amount is None else amount
    if wanted.minor == 0:
        raise Refused("nothing-to-refund", f"{state.subscription_id} has no credit left")
    granted: Events = ()
    if wanted.minor > credit.minor:
        if not credit_missing:
            raise Refused("credit-too-small", f"{wanted} wanted, {credit} of credit is left")
        granted = (_missing(after, wanted - credit, reason, now),)
    charges = _through(after, attempt_id, now)
    room = sum(each.left.minor for each in charges)
    disputed = any(state.disputed(each.attempt_id) and each.left.minor for each in state.collected)
    if room < wanted.minor and disputed and attempt_id is None:
        raise Refused("charge-disputed", "what is left is of a charge that is disputed")
    if room == 0:
        raise Refused("nothing-to-refund", "nothing is left of the charges that brought money in")
    if wanted.minor > room:
        left = Money(room, state.currency)
        raise Refused("refund-too-large", f"{wanted} wanted, {left} is left of what was captured")
    after = evolve_all(after, granted)
    return (*applied, *granted, *_requests(after, wanted, charges, reason, now))


def refund_granted(
    state: Subscription,
    granted: Iterable[SubscriptionEvent],
    *,
    reason: str,
    now: datetime,
    first: UUID | None = None,
) -> Events:
    """As much of credit that was just granted as can go back; the rest stays credit.

    state: after it was granted. granted: facts among which the credits are.
    first: the charge to go through before others, or None for the newest first.
    Quiet where something open has to be paid before, or nothing is left of what was captured.
    """
    try:
        applied = _pay_what_is_open(state, now)
    except Refused:
        return ()
    after = evolve_all(state, applied)
    given = sum(each.amount.minor for each in granted if isinstance(each, CreditGranted))
    charges = tuple(sorted(_through(after, None, now), key=lambda each: each.attempt_id != first))
    room = sum(each.left.minor for each in charges)
    minor = min(given, credit_of(after).minor, room)
    if minor == 0:
        return ()
    wanted = Money(minor, state.currency)
    return (*applied, *_requests(after, wanted, charges, reason, now))


def let_go_of_reversed(state: Subscription, refund: OpenRefund, *, now: datetime) -> Events:
    """A refund that was never sent is credit again where the provider took back so much of the
    charge that it would give back more than came. Quiet elsewhere."""
    charge = state.charge(refund.attempt_id)
    reversed_too_far = charge is not None and charge.reversed.minor > 0 and charge.overdrawn
    if refund.attempted_at is not None or not reversed_too_far:
        return ()
    return (
        RefundFailed(
            refund_id=refund.refund_id,
            customer_id=state.customer_id,
            attempt_id=refund.attempt_id,
            invoice_number=refund.invoice_number,
            amount=refund.amount,
            code=CHARGE_REVERSED,
            message="",
            provider_ref="",
            evidence="reversal",
            effective_at=now,
        ),
    )


def attempt_refund(refund: OpenRefund, *, now: datetime) -> Events:
    """Intend to send a refund that was asked for; quiet where that was intended before."""
    if refund.attempted_at is not None:
        return ()
    return (
        RefundAttempted(
            refund_id=refund.refund_id,
            attempt_id=refund.attempt_id,
            amount=refund.amount,
            provider=refund.provider,
            account=refund.account,
            charge_reference=refund.charge_reference,
            charge_ref=refund.charge_ref,
            key_expires_at=now + RULES[refund.provider].refund_key_window,
            effective_at=now,
        ),
    )


def credit_of(state: Subscription) -> Money:
    """All credit that is left."""
    return Money(sum(each.left.minor for each in state.credits), state.currency)


def _pay_what_is_open(state: Subscription, now: datetime) -> tuple[CreditApplied, ...]:
    """What credit pays before any of it is paid out, oldest invoice first."""
    uncovered = next((each for each in state.unresolved_refunds if each.missing.minor), None)
    if uncovered is not None:
        raise Refused("discrepancy-unresolved", f"look at the refund {uncovered.refund_id} first")
    if not state.open_invoices:
        return ()
    owed = Money(sum(each.open.minor for each in state.open_invoices), state.currency)
    if state.bills:
        raise Refused("invoice-open", f"{owed} is still to be paid; it comes first")
    attempt = state.open_attempt
    if attempt is not None and state.invoice(attempt.invoice_number) is not None:
        raise Refused("charge-open", f"{attempt.attempt_id} has no outcome yet")
    facts: tuple[CreditApplied, ...] = ()
    for invoice in state.open_invoices:
        applied = pay_from_credit(state, invoice, now=now)
        facts, state = (*facts, *applied), evolve_all(state, applied)
    if state.open_invoices:
        raise Refused("invoice-open", f"{owed} is still owed, and no credit pays all of it")
    return facts


def _missing(state: Subscription, amount: Money, reason: str, now: datetime) -> CreditGranted:
    return CreditGranted(
        customer_id=state.customer_id,
        credit_number=state.credits_granted + 1,
        kind=CreditKind.GOODWILL,
        amount=amount,
        lines=(),
        reason=reason,
        effective_at=now,
    )


def _through(state: Subscription, attempt_id: UUID | None, now: datetime) -> tuple[Collected, ...]:
    """The charges that money may go back through, newest first."""
    recent = [
        each
        for each in reversed(state.collected)
        if each.provider_ref and each.at >= now - REFUNDABLE_FOR
    ]
    if attempt_id is None:
        return tuple(each for each in recent if not state.disputed(each.attempt_id))
    if state.disputed(attempt_id):
        raise Refused("charge-disputed", f"{attempt_id} is disputed; the provider decides first")
    named = tuple(each for each in recent if each.attempt_id == attempt_id)
    if not named:
        raise Refused(
            "charge-not-refundable",
            f"{attempt_id} brought nothing in that could go back, or more than "
            f"{REFUNDABLE_FOR.days} days ago",
        )
    return named


def _requests(
    state: Subscription,
    wanted: Money,
    charges: Iterable[Collected],
    reason: str,
    now: datetime,
) -> tuple[RefundRequested, ...]:
    """One request a charge, until together they are what is wanted."""
    facts: tuple[RefundRequested, ...] = ()
    left = wanted.minor
    for charge in charges:
        minor = min(left, charge.left.minor)
        if minor <= 0:
            continue
        left -= minor
        number = charge.refunds + 1
        fact = RefundRequested(
            refund_id=refund_key(charge.attempt_id, number),
            refund_number=number,
            attempt_id=charge.attempt_id,
            customer_id=state.customer_id,
            invoice_number=charge.invoice_number,
            amount=Money(minor, state.currency),
            credits=_parts(state, minor),
            reference=refund_reference(charge.reference, number),
            reason=reason,
            effective_at=now,
        )
        facts, state = (*facts, fact), evolve_all(state, (fact,))
    return facts


def _parts(state: Subscription, minor: int) -> tuple[CreditPart, ...]:
    """What is taken of which credit, oldest first."""
    return tuple(
        CreditPart(credit_number=number, amount=Money(taken, state.currency))
        for number, taken in oldest_first(state.credits, minor)
    )
