"""Ports, continued: what a provider tells of a dispute, and of money that it took back.

answers
  DisputeSeen | NotFound | Unknown | NotDone               to look_up_dispute
"""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.money import Money
from domain.ports import NotDone, NotFound, Unknown
from domain.subscription.dispute_events import DisputeOutcome


@attrs.frozen(kw_only=True)
class DisputeSeen:
    """A dispute as the provider shows it now.

    charge_ref: the provider's id of what was captured (ChargeSucceeded.provider_ref).
    reason, stage, status, provider_outcome: the provider's words; "" where it says none.
    outcome: None while it is open. returned: what the payer got back from us for it, by a reversal
        or by a refund of ours; zero where nothing.
    opened_at, at: when it began, and when it was changed last; the provider's time, UTC.
    """

    dispute_ref: str
    charge_ref: str
    amount: Money
    reason: str
    stage: str
    status: str
    outcome: DisputeOutcome | None
    provider_outcome: str
    returned: Money
    opened_at: datetime
    at: datetime


DisputeAnswer = DisputeSeen | NotFound | Unknown | NotDone
