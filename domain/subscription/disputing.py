"""Record disputes as a provider shows them, and money that it took back against our will.

What a provider did is recorded as it is; nobody here could refuse it. One dispute is opened and
closed once, and one reversal counts once, in whatever order and however often they are told.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.dispute_ports import DisputeSeen
from domain.money import Money, zero
from domain.ports import Reversal
from domain.refusals import Refused
from domain.subscription.completing import with_completion
from domain.subscription.dispute_events import (
    ChargeReversed,
    DisputeAdvanced,
    DisputeClosed,
    DisputeOpened,
    DisputeOutcome,
)
from domain.subscription.events import CreditApplied, Resolution, SubscriptionEvent
from domain.subscription.folding import evolve_all
from domain.subscription.owed import oldest_first
from domain.subscription.refunds import Collected
from domain.subscription.state import Subscription
from domain.subscription.wording import checked_reason

Events = tuple[SubscriptionEvent, ...]


def charge_of(state: Subscription, charge_ref: str) -> Collected | None:
    """The charge that a provider knows by this id, if it brought money in lately."""
    named = (each for each in state.collected if charge_ref and each.provider_ref == charge_ref)
    return next(named, None)


def dispute_seen(state: Subscription, seen: DisputeSeen, *, evidence: str, now: datetime) -> Events:
    """Record how a dispute stands. Quiet where that is on the ledger; once closed, it stays so.

    Refused: "charge-unknown" for a charge that brought nothing in, or long ago;
        "currency-mixed" where other money was taken back than the subscription is billed in.
    """
    charge = _charge_of_dispute(state, seen)
    known = state.dispute(seen.dispute_ref)
    if known is not None and known.outcome is not None:
        return ()
    facts: Events = ()
    if known is None:
        facts = (_opened(state, charge, seen, evidence),)
    before = evolve_all(state, facts).dispute(seen.dispute_ref)
    assert before is not None, "it was opened just now, if not before"
    if seen.outcome is not None:
        return (*facts, *_closed(evolve_all(state, facts), charge, seen, evidence, now))
    status = before.status or "OPEN"
    if (seen.stage, seen.status) == (before.stage, status):
        return facts
    advanced = DisputeAdvanced(
        dispute_ref=seen.dispute_ref,
        stage=seen.stage,
        status=seen.status,
        evidence=evidence,
        effective_at=seen.at,
    )
    return (*facts, advanced)


def taken_back(state: Subscription, reversal: Reversal, *, evidence: str, now: datetime) -> Events:
    """Record that a provider took money back. Quiet where that is on the ledger.

    While one dispute about the charge is open, it is taken back for that one.
    Refused: as `dispute_seen`.
    """
    charge = charge_of(state, reversal.charge_ref)
    if charge is None:
        raise Refused("charge-unknown", f"nothing came by {reversal.charge_ref}, or long ago")
    disputes = [each for each in state.open_disputes if each.attempt_id == charge.attempt_id]
    dispute_ref = disputes[0].dispute_ref if len(disputes) == 1 else ""
    fact = ChargeReversed(
        attempt_id=charge.attempt_id,
        customer_id=state.customer_id,
        invoice_number=charge.invoice_number,
        amount=_beyond_dispute(state, charge, reversal.amount),
        provider_ref=reversal.provider_ref,
        dispute_ref=dispute_ref,
        evidence=evidence,
        effective_at=reversal.at,
    )
    return _reversed(state, fact, now)


def reverse_charge(
    state: Subscription,
    attempt_id: UUID,
    amount: Money,
    *,
    reason: str,
    now: datetime,
    provider_ref: str = "",
) -> Events:
    """A person says that a provider took money back: from a settlement report, say.

    provider_ref: the provider's id of that, or "". With one, a repeat is quiet.
    Refused: "reason-malformed"; "reversal-not-positive"; "charge-unknown"; "currency-mixed";
        "reversal-above-captured" for more than is left of what the charge brought in.
    """
    checked_reason(reason)
    if amount.minor <= 0:
        raise Refused("reversal-not-positive", f"{amount} takes nothing back")
    charge = state.charge(attempt_id)
    if charge is None:
        raise Refused("charge-unknown", f"nothing came by {attempt_id}, or long ago")
    fact = ChargeReversed(
        attempt_id=attempt_id,
        customer_id=state.customer_id,
        invoice_number=charge.invoice_number,
        amount=amount,
        provider_ref=provider_ref,
        dispute_ref="",
        evidence=f"person: {reason}",
        effective_at=now,
    )
    facts = _reversed(state, fact, now)
    if facts and amount.minor > charge.left.minor:
        raise Refused("reversal-above-captured", f"{amount}, and {charge.left} is left of it")
    return facts


def pay_reversed_from_surplus(
    state: Subscription, charge: Collected, *, since: Money, now: datetime
) -> tuple[CreditApplied, ...]:
    """What was more than its invoice needed is taken back first, of the credit that it became.

    charge: as it is now. since: what of it was reversed before. Money that nobody has accepted yet
    is no credit: see discrepancies.resolve.
    """
    invoice = state.invoice(charge.invoice_number)
    waiting = any(
        each.attempt_id == charge.attempt_id and each.resolution is not Resolution.ACCEPTED
        for each in state.differences
    )
    if invoice is None or waiting:
        return ()
    spare = max(0, (charge.surplus - charge.refunded - charge.refunding).minor)
    back = min(spare, charge.reversed.minor) - min(spare, since.minor)
    return tuple(
        CreditApplied(
            customer_id=state.customer_id,
            credit_number=number,
            invoice_number=invoice.number,
            amount=Money(minor, state.currency),
            effective_at=now,
        )
        for number, minor in oldest_first(state.credits, min(back, invoice.open.minor))
    )


def _charge_of_dispute(state: Subscription, seen: DisputeSeen) -> Collected:
    """The charge that is disputed; once the dispute is known, that one, whatever is told."""
    known = state.dispute(seen.dispute_ref)
    first = charge_of(state, seen.charge_ref)
    charge = first if known is None else state.charge(known.attempt_id)
    if charge is None:
        raise Refused("charge-unknown", f"nothing came by {seen.charge_ref}, or long ago")
    return charge


def _opened(
    state: Subscription, charge: Collected, seen: DisputeSeen, evidence: str
) -> DisputeOpened:
    return DisputeOpened(
        dispute_ref=seen.dispute_ref,
        customer_id=state.customer_id,
        attempt_id=charge.attempt_id,
        invoice_number=charge.invoice_number,
        amount=seen.amount,
        reason=seen.reason,
        stage=seen.stage,
        evidence=evidence,
        effective_at=seen.opened_at,
    )


def _closed(
    state: Subscription, charge: Collected, seen: DisputeSeen, evidence: str, now: datetime
) -> Events:
    """The outcome, and in the same append what was taken from us, unless that was told before."""
    assert seen.outcome is not None
    lost = seen.outcome is DisputeOutcome.LOST
    returned = _taken(state, charge, seen.returned) if lost else zero(charge.captured.currency)
    closed = DisputeClosed(
        dispute_ref=seen.dispute_ref,
        attempt_id=charge.attempt_id,
        outcome=seen.outcome,
        amount=returned,
        provider_outcome=seen.provider_outcome,
        evidence=evidence,
        effective_at=seen.at,
    )
    if returned.minor == 0:
        return (closed,)
    fact = ChargeReversed(
        attempt_id=charge.attempt_id,
        customer_id=state.customer_id,
        invoice_number=charge.invoice_number,
        amount=returned,
        provider_ref="",
        dispute_ref=seen.dispute_ref,
        evidence=evidence,
        effective_at=seen.at,
    )
    told = _told_before(state, fact)
    return (closed,) if told else (closed, *_reversed(evolve_all(state, (closed,)), fact, now))


def _taken(state: Subscription, charge: Collected, returned: Money) -> Money:
    """What was taken from us of what the payer got back. A refund of all that came closes a dispute
    for the payer, too: what we sent back is no reversal. One beyond that is told by a callback."""
    if returned.currency != charge.captured.currency:
        return returned
    sent = sum(
        each.amount.minor
        for each in state.refunds
        if each.attempt_id == charge.attempt_id and each.attempted_at is not None
    )
    room = charge.captured.minor - charge.refunded.minor - sent
    return Money(max(0, min(returned.minor, room)), returned.currency)


def _beyond_dispute(state: Subscription, charge: Collected, amount: Money) -> Money:
    """What a told reversal adds to what a lost dispute took already.

    While a refund has no outcome the dispute's part may have been booked too small (see _taken).
    Where the reversal is larger than that part, and both together are more than came and did not go
    back, they are one, and only the difference is news. A smaller one is another.
    """
    by_disputes = [
        each.amount.minor
        for each in state.reversals
        if each.attempt_id == charge.attempt_id and each.dispute_ref and not each.provider_ref
    ]
    booked = max(by_disputes, default=0)
    room = (charge.captured - charge.refunded - charge.reversed).minor
    if amount.currency != state.currency or amount.minor <= max(booked, room):
        return amount
    return Money(amount.minor - booked, amount.currency)


def _reversed(state: Subscription, fact: ChargeReversed, now: datetime) -> Events:
    before = state.charge(fact.attempt_id)
    assert before is not None, "a reversal is of a charge that is known"
    if fact.amount.currency != state.currency:
        raise Refused("currency-mixed", f"{fact.amount} was taken back of {before.captured}")
    if fact.amount.minor <= 0 or _told_before(state, fact):
        return ()
    after = evolve_all(state, (fact,))
    charge = after.charge(fact.attempt_id)
    assert charge is not None, "a reversal does not make a charge forgotten"
    paid = pay_reversed_from_surplus(after, charge, since=before.reversed, now=now)
    return with_completion(state, (fact, *paid), now=now)


def _told_before(state: Subscription, fact: ChargeReversed) -> bool:
    """Whether a reversal is on the ledger: under the same id, or under the other one.

    A lost dispute and the reversal that follows from it are told apart, in either order, and only
    the amount shows that they are one. As many are taken for one as can be.
    """
    before = [each for each in state.reversals if each.attempt_id == fact.attempt_id]
    alike = [each for each in before if each.amount == fact.amount]
    if fact.provider_ref:
        by_disputes = [each for each in alike if each.dispute_ref and not each.provider_ref]
        return any(each.provider_ref == fact.provider_ref for each in before) or bool(by_disputes)
    if not fact.dispute_ref:
        return False
    own = {each.dispute_ref for each in before}
    by_callbacks = [each for each in alike if each.provider_ref and not each.dispute_ref]
    claimed = [
        each
        for each in state.disputes
        if each.attempt_id == fact.attempt_id
        and each.dispute_ref not in own
        and each.returned == fact.amount
    ]
    return fact.dispute_ref in own or len(by_callbacks) > len(claimed)
