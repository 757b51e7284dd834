"""The facts of a reservation that is let go: money that was set aside and is wanted no more.

No money moves by them. A doubt about a void is a doubt about its attempt (ChargeOutcomeUnknown,
ChargeLookedUp). See events.py for what holds of every fact.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs

from domain.recorded import stored_as


@stored_as("void-attempted.v1")
@attrs.frozen(kw_only=True)
class VoidAttempted:
    """We intend to let a reservation go, under this key; nothing of it is captured any more.

    void_id: sent as PayPal-Request-Id; derives from attempt_id and number.
    number: counts the voids of this attempt, from 1. The same number again: it is still reserved
        after a doubt, and the void is repeated under its key.
    reason: why the money is wanted no more, in words.
    """

    attempt_id: UUID
    void_id: UUID
    number: int
    reason: str
    effective_at: datetime


@stored_as("authorization-voided.v1")
@attrs.frozen(kw_only=True)
class AuthorizationVoided:
    """The provider let the reservation go; the attempt is settled, and no money moved.

    evidence: how we know: "answer", or "look-up: ..." or "callback: ..." with what was shown.
    effective_at: the provider's own time where it states one.
    """

    attempt_id: UUID
    customer_id: str
    invoice_number: int
    evidence: str
    effective_at: datetime


VoidEvent = VoidAttempted | AuthorizationVoided
