"""What a subscription knows of money that may go back, and of refunds without an outcome."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import attrs

from domain.money import Money
from domain.providers import Provider
from domain.subscription.events import Resolution
from domain.subscription.refund_events import CreditPart

# What was captured is remembered for so long, and so many charges at most, the newest ones.
REFUNDABLE_FOR = timedelta(days=366)
MOST_REMEMBERED = 100
# RefundFailed.code where it is established that the refund never was.
NOT_MADE = "NOT-MADE"


@attrs.frozen(kw_only=True)
class Collected:
    """A charge that brought money in, in the subscription's currency.

    captured: what came. refunded: what went back. refunding: what is asked for, without outcome.
    refunds: how many were asked for. provider, account, reference, provider_ref: as the charge's
        facts hold them; the subscription may have moved since.
    at: the provider's UTC instant of the capture.
    """

    attempt_id: UUID
    invoice_number: int
    provider: Provider
    account: str
    reference: str
    provider_ref: str
    captured: Money
    refunded: Money
    refunding: Money
    at: datetime
    refunds: int = 0

    @property
    def left(self) -> Money:
        """What may still be refunded; nothing where more went back than came."""
        left = self.captured - self.refunded - self.refunding
        return left if left.minor > 0 else Money(0, left.currency)


@attrs.frozen(kw_only=True)
class OpenRefund:
    """A refund without an outcome; see RefundRequested and RefundAttempted for the fields.

    provider, account: of the charge.
    attempted_at, key_expires_at: None while nothing was sent.
    unknown_at: when its outcome was recorded as unknown; from then on it is only looked up.
    next_look_up_at: None with `unknown` means that a person has to decide.
    finding: what was shown last, in words.
    """

    refund_id: UUID
    attempt_id: UUID
    invoice_number: int
    amount: Money
    credits: tuple[CreditPart, ...]
    reference: str
    reason: str
    provider: Provider
    account: str
    charge_reference: str
    charge_ref: str
    requested_at: datetime
    attempted_at: datetime | None = None
    key_expires_at: datetime | None = None
    unknown_at: datetime | None = None
    looks: int = 0
    next_look_up_at: datetime | None = None
    provider_ref: str = ""
    finding: str = ""

    @property
    def unknown(self) -> bool:
        """Whether its outcome was recorded as unknown."""
        return self.unknown_at is not None

    @property
    def awaits_person(self) -> bool:
        """Whether nobody looks it up any more."""
        return self.unknown and self.next_look_up_at is None


@attrs.frozen(kw_only=True)
class LateRefund:
    """A refund that was made although it was settled as failed; see RefundFoundLate.

    missing: what of it no credit has covered yet. resolution: what a person made of it; None:
    nobody has looked.
    """

    refund_id: UUID
    attempt_id: UUID
    invoice_number: int
    amount: Money
    missing: Money
    resolution: Resolution | None = None
