"""Histories that refunds are tested on, and the facts that are expected of them.

299.00 NOK were captured for the period from 31 January 2024; it is 10 February.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import attrs

from domain.identity import charge_reference, refund_id, refund_reference
from domain.money import Money
from domain.providers import RULES, Provider
from domain.refund_ports import RefundDenied, Refunded
from domain.subscription.charging import ANSWER, attempt_charge, settle
from domain.subscription.events import CreditApplied, CreditGranted
from domain.subscription.invoicing import issue_invoice
from domain.subscription.refund_events import (
    CreditPart,
    RefundAttempted,
    RefundFailed,
    RefundFoundLate,
    RefundRequested,
    RefundSucceeded,
)
from domain.subscription.refunding import attempt_refund, request_refund
from domain.subscription.state import Subscription
from tests.domain.billing import FEB_10, NOK
from tests.specimens import DUE, MINUTE, PRICE, ZONE_VERSION, captured, key, signed_up
from tests.vocabulary import Facts, Given, given

SENT_AT = FEB_10 + MINUTE


def nok(minor: int) -> Money:
    """So many øre."""
    return Money(minor, NOK)


def paid_next(start: Given, *, amount: Money | None = None) -> Given:
    """The invoice that is due next was issued and paid."""
    due = start.state.next_due_at
    assert due is not None
    start = start.and_(*issue_invoice(start.state, now=due, zone_version=ZONE_VERSION))
    return charged(start, due, amount=amount)


def charged(start: Given, now: datetime, *, amount: Money | None = None) -> Given:
    """The oldest open invoice was attempted, and the money came."""
    start = start.and_(*attempt_charge(start.state, now=now))
    attempt = start.attempt
    answer = captured(
        amount or attempt.amount, at=now + MINUTE, ref=f"cap-{attempt.invoice_number}"
    )
    return start.and_(
        *settle(start.state, attempt.attempt_id, answer, evidence=ANSWER, now=now + MINUTE)
    )


def paid(**changes: Any) -> Given:
    """One period is billed and paid."""
    return paid_next(given(*signed_up(**changes)))


def wanted(start: Given, amount: Money | None = None, **changes: Any) -> Given:
    """A refund was asked for; what credit lacks was granted."""
    named = {"reason": "sent back", "now": FEB_10, "credit_missing": True, **changes}
    return start.and_(*request_refund(start.state, amount, **named))


def tried(start: Given, now: datetime = SENT_AT) -> Given:
    """Every refund that was asked for is about to be sent."""
    for refund in start.state.refunds:
        start = start.and_(*attempt_refund(refund, now=now))
    return start


def refund_key(invoice: int = 1, number: int = 1) -> UUID:
    """The key of the nth refund of what an invoice's first attempt brought in."""
    return refund_id(key(invoice), number)


def reference(invoice: int = 1) -> str:
    """The reference of an invoice's first attempt."""
    return charge_reference("s-1", invoice, 1, key(invoice))


def asked(
    minor: int, *parts: tuple[int, int], invoice: int = 1, number: int = 1, **changes: Any
) -> RefundRequested:
    """The request for a refund. parts: (number of a credit, what is taken of it)."""
    standard = RefundRequested(
        refund_id=refund_key(invoice, number),
        refund_number=number,
        attempt_id=key(invoice),
        customer_id="c-1",
        invoice_number=invoice,
        amount=nok(minor),
        credits=tuple(CreditPart(credit_number=each, amount=nok(part)) for each, part in parts),
        reference=refund_reference(reference(invoice), number),
        reason="sent back",
        effective_at=FEB_10,
    )
    return attrs.evolve(standard, **changes)


def attempted(minor: int, *, provider: Provider = Provider.PAYPAL) -> RefundAttempted:
    """The first refund of the first charge, about to be sent."""
    return RefundAttempted(
        refund_id=refund_key(),
        attempt_id=key(),
        amount=nok(minor),
        provider=provider,
        account="main",
        charge_reference=reference(),
        charge_ref="cap-1",
        key_expires_at=SENT_AT + RULES[provider].refund_key_window,
        effective_at=SENT_AT,
    )


def back(minor: int, *, at: datetime = SENT_AT + MINUTE) -> Refunded:
    """The provider says that so much went back."""
    return Refunded(amount=nok(minor), provider_ref="ref-1", at=at)


DENIED = RefundDenied(code="REFUND_NOT_ALLOWED", message="no", provider_ref="ref-1")


def balance(facts: Facts) -> tuple[int, int, int]:
    """(credit granted, credit applied or gone back, taken and without outcome), minor units."""
    granted = sum(each.amount.minor for each in facts if isinstance(each, CreditGranted))
    used = sum(
        each.amount.minor
        for each in facts
        if isinstance(each, CreditApplied | RefundSucceeded | RefundFoundLate)
    )
    settled = {each.refund_id for each in facts if isinstance(each, RefundSucceeded | RefundFailed)}
    waiting = sum(
        each.amount.minor
        for each in facts
        if isinstance(each, RefundRequested) and each.refund_id not in settled
    )
    return granted, used, waiting


def credit_left(state: Subscription) -> dict[int, int]:
    """What is left of each credit, by its number; minor units."""
    return {each.credit_number: each.left.minor for each in state.credits}


__all__ = [
    "DENIED",
    "DUE",
    "FEB_10",
    "PRICE",
    "SENT_AT",
    "asked",
    "attempted",
    "back",
    "balance",
    "charged",
    "credit_left",
    "nok",
    "paid",
    "paid_next",
    "reference",
    "refund_key",
    "timedelta",
    "tried",
    "wanted",
]
