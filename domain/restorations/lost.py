"""What books that were lost may have done, and what follows from what the providers show of it.

Keys and references derive from the subscription, the invoice and the number, so what the lost
books sent bears names that can be worked out again. But which numbers they came to is lost: an
attempt whose own reference the provider does not show may have been declined, and the one after
it paid. So before an attempt is made that they may have made, every number is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import attrs

from domain.budgets import BUDGETS
from domain.identity import (
    attempt_id,
    charge_reference,
    reference_parts,
    refund_id,
    refund_reference,
)
from domain.plan import Terms
from domain.ports import (
    Authorized,
    Captured,
    Declined,
    LookUpAnswer,
    NotDone,
    Unknown,
)
from domain.providers import RULES, Provider
from domain.refund_ports import Refunded, RefundLookUpAnswer
from domain.restorations.saying import Restored
from domain.subscription.charging import LOOK_UP
from domain.subscription.events import ChargeAttempted, ChargeNotMade, SubscriptionEvent
from domain.subscription.folding import evolve_all
from domain.subscription.looking_up import looked_up
from domain.subscription.owed import Attempt
from domain.subscription.refunds import OpenRefund
from domain.subscription.state import Subscription

Place = tuple[Provider, str]

# The lost books may have billed a period earlier than these do (they knew of another anchor, of an
# end of a pause), so what falls due this long after a restoration is looked for, too.
MARGIN = timedelta(days=35)
# At least so many attempts are looked for: as many as the tightest budget lets one card have.
LEAST_ATTEMPTS = min(each.limit for each in BUDGETS)
# How many refunds of a charge beyond those that we know of are looked for.
MORE_REFUNDS = 3
# After a doubt it is looked for again; where a person has to look, seldom.
AFTER_DOUBT, FOR_A_PERSON = timedelta(minutes=5), timedelta(hours=1)


@attrs.frozen
class Shown:
    """What the provider showed of one attempt."""

    attempt: Attempt
    answer: LookUpAnswer


@attrs.frozen
class Absent:
    """The lost books certainly made no such charge."""


@attrs.frozen(kw_only=True)
class Held:
    """Nothing is charged or given back before `until`, UTC; then it is looked for again.

    reason: for a person.
    """

    until: datetime
    reason: str


@attrs.frozen
class Found:
    """The attempt of that number is at the provider, where the next one would go."""

    number: int
    answer: Captured | Authorized | Declined


Verdict = Absent | Held | Found


def may_be_lost(state: Subscription, attempted: ChargeAttempted, restored: Restored) -> bool:
    """Whether the lost books may have made an attempt on the invoice that is to be collected.

    state: with the invoice.
    """
    invoice = state.invoice(attempted.invoice_number)
    due_at = attempted.effective_at if invoice is None else invoice.due_at
    return state.started_at <= restored.until and due_at <= restored.until + MARGIN


def lost_sight_of(attempt: Attempt, restored: Restored) -> bool:
    """Whether the lost books may have gone on with an attempt: sent, captured or settled it. Then
    it is looked up, and what is not shown is not sent. What a payer pays on a page nobody sends."""
    return attempt.attempted_at < restored.until and not attempt.waits_for_payer


def most_attempts(terms: Terms) -> int:
    """How many attempts on one invoice are looked for: what the plan tries on one card and its
    backup, twice, for a payer may have given a new one; and at least LEAST_ATTEMPTS."""
    tries = 1 + len(terms.retry.wait_days) + (1 if terms.backup else 0)
    return max(LEAST_ATTEMPTS, 2 * tries)


def attempts_to_look_for(
    state: Subscription, attempted: ChargeAttempted, places: Iterable[Place]
) -> tuple[Attempt, ...]:
    """The attempts that the lost books may have made on an invoice, from `attempted` on, at every
    place where they may have made them."""
    first, number = attempted.attempt_number, attempted.invoice_number
    return tuple(
        _attempt(state, attempted, nth, attempt_id(state.namespace, number, nth), place)
        for place in places
        for nth in range(first, first + most_attempts(state.terms))
    )


def _attempt(
    state: Subscription, attempted: ChargeAttempted, nth: int, key: UUID, place: Place
) -> Attempt:
    number = attempted.invoice_number
    return Attempt(
        provider=place[0],
        account=place[1],
        attempt_id=key,
        invoice_number=number,
        attempt_number=nth,
        amount=attempted.amount,
        reference=charge_reference(state.subscription_id, number, nth, key),
        token_ref=attempted.token_ref,
        capture=attempted.capture,
        attempted_at=attempted.effective_at,
        key_expires_at=attempted.key_expires_at,
    )


def judged(shown: Sequence[Shown], *, at: Place, restored: Restored, now: datetime) -> Verdict:
    """What was shown of all attempts that the lost books may have made.

    at: where the next one would go. Money that was taken comes first; then every doubt, for it may
    be money; then a reservation, then a decline, the earliest first. Absence is proved once the
    provider's own delay is over, counted from when the lost books may have charged last.
    """
    here = sorted(
        (each for each in shown if _place(each.attempt) == at),
        key=lambda each: each.attempt.attempt_number,
    )
    elsewhere = [each for each in shown if _place(each.attempt) != at]
    for each in here:
        if isinstance(each.answer, Captured):
            return Found(each.attempt.attempt_number, each.answer)
    for each in elsewhere:
        if isinstance(each.answer, Captured | Authorized):
            provider, account = _place(each.attempt)
            words = f"{each.attempt.reference} is charged at {provider.value} account {account}"
            return Held(until=now + FOR_A_PERSON, reason=f"{words}; a person has to look")
    for each in shown:
        if isinstance(each.answer, Unknown | NotDone):
            return _doubted(each.attempt.reference, each.answer, now)
    for kind in (Authorized, Declined):
        for each in here:
            if isinstance(each.answer, kind):
                return Found(each.attempt.attempt_number, each.answer)
    return _absent({each.attempt.provider for each in shown} | {at[0]}, restored, now)


def as_found(
    before: Sequence[SubscriptionEvent],
    state: Subscription,
    attempted: ChargeAttempted,
    found: Found,
    *,
    now: datetime,
) -> tuple[SubscriptionEvent, ...]:
    """The next attempt as the provider shows it, in place of one that would be sent.

    before: what is recorded with it. state: after that. An attempt in front of the one that was
    found brought no money and is not sent any more: it was not made.
    """
    if attempted.attempt_number < found.number:
        words = f"{LOOK_UP}: after a restoration, attempt {found.number} is at the provider"
        not_made = ChargeNotMade(
            attempt_id=attempted.attempt_id,
            customer_id=attempted.customer_id,
            invoice_number=attempted.invoice_number,
            evidence=words,
            effective_at=now,
        )
        return (*before, attempted, not_made)
    after = evolve_all(state, (attempted,))
    settled = looked_up(after, attempted.attempt_id, found.answer, evidence=LOOK_UP, now=now)
    return (*before, attempted, *settled)


def refund_may_be_lost(state: Subscription, refund: OpenRefund, restored: Restored) -> bool:
    """Whether the lost books may have given back of the charge that a refund goes back through."""
    charge = state.charge(refund.attempt_id)
    return (refund.requested_at if charge is None else charge.at) < restored.until


def refunds_to_look_for(state: Subscription, refund: OpenRefund) -> tuple[OpenRefund, ...]:
    """The refund itself, and those of its charge that these books know nothing of."""
    charge = state.charge(refund.attempt_id)
    known = 0 if charge is None else charge.refunds
    return (
        refund,
        *(
            attrs.evolve(
                refund,
                refund_id=refund_id(refund.attempt_id, number),
                reference=refund_reference(refund.charge_reference, number),
                provider_ref="",
            )
            for number in range(known + 1, known + 1 + MORE_REFUNDS)
        ),
    )


def refund_judged(
    refund: OpenRefund,
    others: Sequence[tuple[OpenRefund, RefundLookUpAnswer]],
    *,
    restored: Restored,
    now: datetime,
) -> Absent | Held | Refunded:
    """What was shown of the other refunds of a charge, when that of `refund` is not shown.

    Refunded: money went back of which these books know nothing: perhaps this very refund, asked
    for once more. A person decides.
    """
    for _, answer in others:
        if isinstance(answer, Refunded):
            return answer
    for other, answer in others:
        if isinstance(answer, Unknown | NotDone):
            return _doubted(other.reference, answer, now)
    return _absent({refund.provider}, restored, now)


def _place(attempt: Attempt) -> Place:
    return attempt.provider, attempt.account


def _doubted(reference: str, answer: Unknown | NotDone, now: datetime) -> Held:
    wait = AFTER_DOUBT
    if isinstance(answer, NotDone) and answer.retry_after_s is not None:
        wait = max(wait, timedelta(seconds=answer.retry_after_s))
    return Held(until=now + wait, reason=f"{reference} may have been sent: {answer.reason}")


def _absent(providers: Iterable[Provider], restored: Restored, now: datetime) -> Absent | Held:
    proved_at = restored.until + max(RULES[each].report_delay for each in providers)
    if now < proved_at:
        return Held(until=proved_at, reason="what was charged last may not show yet")
    return Absent()


def is_ours(state: Subscription | None, reference: str) -> bool:
    """Whether a charge's reference was made for this very subscription: its key derives from the
    namespace, which nobody else has."""
    parts = reference_parts(reference)
    if state is None or parts is None:
        return False
    key = attempt_id(state.namespace, parts.invoice_number, parts.attempt_number)
    own = charge_reference(state.subscription_id, parts.invoice_number, parts.attempt_number, key)
    return own == reference
