"""What a subscription knows of disputes, and of money that was taken back.

Parts of the state; see state.py.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs

from domain.money import Money
from domain.subscription.dispute_events import DisputeOutcome

# Reasons for which, once a dispute is lost, the method is not charged again.
TOKEN_LOST_FOR = frozenset({"CANCELED_RECURRING_BILLING", "UNAUTHORISED"})


@attrs.frozen(kw_only=True)
class Dispute:
    """A dispute; see DisputeOpened and DisputeAdvanced for the fields.

    token_ref: what the charge was made with, or "". at: when it was opened.
    outcome: None while it is open. returned: what was taken from us for it; None while it is open.
    """

    dispute_ref: str
    attempt_id: UUID
    invoice_number: int
    amount: Money
    reason: str
    stage: str
    status: str
    token_ref: str
    at: datetime
    outcome: DisputeOutcome | None = None
    returned: Money | None = None


@attrs.frozen(kw_only=True)
class TakenBack:
    """Money that was taken back; see ChargeReversed for the fields."""

    attempt_id: UUID
    amount: Money
    provider_ref: str
    dispute_ref: str
