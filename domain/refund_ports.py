"""Ports, continued: giving money back, and letting go of what is only reserved.

answers
  Refunded | RefundDenied | Unknown | NotDone              to refund
  the same | NotFound                                      to look_up_refund
  Voided | VoidDenied | Unknown | NotDone                  to void
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs

from domain.money import Money
from domain.ports import NotDone, NotFound, Unknown


@attrs.frozen(kw_only=True)
class RefundOrder:
    """Give back what was captured, in part or in full, once.

    refund_id: the key. Where the provider has no keys, a repeat is the caller's to prevent.
    reference: what both books call the refund.
    amount: at most what is left of the charge.
    charge_reference: ChargeAttempted.reference. charge_ref: ChargeSucceeded.provider_ref.
    reason: for the payer, in words; "" for none.
    """

    refund_id: UUID
    reference: str
    amount: Money
    charge_reference: str
    charge_ref: str
    reason: str


@attrs.frozen(kw_only=True)
class RefundQuery:
    """What became of a refund?

    provider_ref: the provider's id of the refund if we know it, else "".
    attempted_at: UTC instant of the intention; now: UTC instant of the question.
    since: UTC instant before which it cannot have been made, whatever became of our books; a search
        need not look further back. None: attempted_at. See ChargeQuery.
    """

    refund_id: UUID
    reference: str
    amount: Money
    charge_reference: str
    charge_ref: str
    provider_ref: str
    attempted_at: datetime
    now: datetime
    since: datetime | None = None


@attrs.frozen(kw_only=True)
class VoidOrder:
    """Let go of a reservation of which nothing was captured; safe to repeat.

    void_id: the key. authorization_ref: as ChargeAuthorized holds it.
    """

    void_id: UUID
    reference: str
    authorization_ref: str


@attrs.frozen(kw_only=True)
class Refunded:
    """Money went back. amount: as the provider states it. at: the provider's time, UTC."""

    amount: Money
    provider_ref: str
    at: datetime


@attrs.frozen(kw_only=True)
class RefundDenied:
    """A definite no: no money went back, and this refund is not sent again.

    code: the provider's own, upper case. provider_ref: its id of what failed, or "".
    """

    code: str
    message: str
    provider_ref: str = ""
    at: datetime | None = None


@attrs.frozen(kw_only=True)
class Voided:
    """Nothing is reserved any more, by this request or by an earlier one."""

    at: datetime


@attrs.frozen(kw_only=True)
class VoidDenied:
    """The reservation cannot be voided. captured: because money was taken of it."""

    code: str
    message: str
    captured: bool = False


RefundAnswer = Refunded | RefundDenied | Unknown | NotDone
RefundLookUpAnswer = RefundAnswer | NotFound
VoidAnswer = Voided | VoidDenied | Unknown | NotDone
