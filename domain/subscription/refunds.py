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
# The same where it was never sent, because the provider took the money back before.
CHARGE_REVERSED = "CHARGE-REVERSED"


@attrs.frozen(kw_only=True)
class Collected:
    """A charge that brought money in, in the subscription's currency.

    captured: what came. refunded: what went back. refunding: what is asked for, without outcome.
    refunds: how many were asked for. provider, account, reference, provider_ref: as the charge's
        facts hold them; the subscription may have moved since.
    at: the provider's UTC instant of the capture.
    token_ref: what was charged. surplus: what of `captured` no invoice needed when it came.
    reversed: what the provider took back.
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
    reversed: Money
    surplus: Money
    token_ref: str
    at: datetime
    refunds: int = 0

    @property
    def gone(self) -> Money:
        """What went back, or is to."""
        return self.refunded + self.refunding + self.reversed

    @property
    def left(self) -> Money:
        """What may still be refunded; nothing where more went back than came."""
        return Money(max(0, self.captured.minor - self.gone.minor), self.captured.currency)

    @property
    def overdrawn(self) -> bool:
        """Whether more went back, or is to, than came."""
        return self.gone.minor > self.captured.minor


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
