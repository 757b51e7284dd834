"""The facts of disputes and reversals: a payer contests a charge, a provider takes money back.

Money moves by one fact alone, ChargeReversed; a dispute without one has cost nothing. See events.py
for what holds of every fact.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

import attrs

from domain.money import Money
from domain.recorded import stored_as


class DisputeOutcome(Enum):
    """WON: the money stays. LOST: decided for the payer. WITHDRAWN: the payer let it go, or it was
    closed without a decision."""

    WON = "WON"
    LOST = "LOST"
    WITHDRAWN = "WITHDRAWN"


@stored_as("dispute-opened.v1")
@attrs.frozen(kw_only=True)
class DisputeOpened:
    """The payer contests a charge. No money has moved by it.

    dispute_ref: the provider's id of the dispute. amount: what is disputed of the charge.
    reason, stage: the provider's words (PayPal: dispute reason, dispute life cycle stage).
    evidence: how we know: "callback", or a person's reason.
    effective_at: the provider's own time.
    """

    dispute_ref: str
    customer_id: str
    attempt_id: UUID
    invoice_number: int
    amount: Money
    reason: str
    stage: str
    evidence: str
    effective_at: datetime


@stored_as("dispute-advanced.v1")
@attrs.frozen(kw_only=True)
class DisputeAdvanced:
    """A dispute has come to another stage or status; see DisputeOpened for the fields.

    status: the provider's word for who has to do something next.
    """

    dispute_ref: str
    stage: str
    status: str
    evidence: str
    effective_at: datetime


@stored_as("dispute-closed.v1")
@attrs.frozen(kw_only=True)
class DisputeClosed:
    """A dispute is over. One fact for every outcome: won and lost differ in nothing else.

    attempt_id: the charge that was disputed.
    amount: what was taken from us for it; zero where nothing was.
    provider_outcome: the provider's word for the outcome.
    """

    dispute_ref: str
    attempt_id: UUID
    outcome: DisputeOutcome
    amount: Money
    provider_outcome: str
    evidence: str
    effective_at: datetime


@stored_as("charge-reversed.v1")
@attrs.frozen(kw_only=True)
class ChargeReversed:
    """The provider took money back that a charge had brought in, against our will.

    amount: more than zero. What was captured stays captured; so much of it is owed again.
    provider_ref: the provider's id of the reversal, or "". dispute_ref: the dispute that it
        follows from, or "". Either names one reversal, however often it is told.
    evidence: "callback", or a person's reason.
    effective_at: the provider's own time.
    """

    attempt_id: UUID
    customer_id: str
    invoice_number: int
    amount: Money
    provider_ref: str
    dispute_ref: str
    evidence: str
    effective_at: datetime


DisputeEvent = DisputeOpened | DisputeAdvanced | DisputeClosed | ChargeReversed
