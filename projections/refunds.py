"""Every refund that was ever asked for, one row a refund: what goes back, what came of it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

import attrs

from domain.copying import with_
from domain.identity import subscription_of
from domain.money import Money
from domain.recorded import Recorded
from domain.subscription.events import DiscrepancyResolved, Resolution
from domain.subscription.refund_events import (
    RefundAttempted,
    RefundEvent,
    RefundFailed,
    RefundFoundLate,
    RefundLookedUp,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)
from projections.table import Column, ColumnType, TableProjection


class RefundStatus(Enum):
    """REQUESTED: not sent. ATTEMPTED: may have been sent. UNKNOWN: looked up by schedule;
    NEEDS_PERSON: no longer. The others are settled; of FAILED the credit is there again.
    FOUND_LATE: it was settled as failed, and the money has gone after all."""

    REQUESTED = "requested"
    ATTEMPTED = "attempted"
    UNKNOWN = "unknown"
    NEEDS_PERSON = "needs-person"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    FOUND_LATE = "found-late"


@attrs.frozen(kw_only=True)
class Refund:
    """One refund.

    asked: as in RefundRequested. given_back: what went back; None: nothing, or not known.
    attempt_id, invoice_number: of the charge that it goes back through.
    reference: ours, in both books; provider_ref: the provider's id, or "".
    code, message: of a failure; they stay when it is found late. finding: of a doubt, what was seen
        last. evidence: how the outcome is known. looks: how often the provider was asked in vain.
    requested_at, settled_at: UTC, the world's time; settled_at None while it is open.
    resolution: what a person made of one that was found late, or None.
    """

    refund_id: str
    subscription_id: str
    customer_id: str
    attempt_id: str
    invoice_number: int
    refund_number: int
    asked: Money
    reference: str
    reason: str
    requested_at: datetime
    status: RefundStatus = RefundStatus.REQUESTED
    given_back: Money | None = None
    provider_ref: str = ""
    code: str = ""
    message: str = ""
    finding: str = ""
    evidence: str = ""
    looks: int = 0
    settled_at: datetime | None = None
    resolution: Resolution | None = None

    @property
    def unresolved(self) -> bool:
        """Whether a person has to look: it was found late, and nobody has."""
        return self.status is RefundStatus.FOUND_LATE and self.resolution is None


def _keys(recorded: Recorded[Any]) -> tuple[str, ...]:
    if isinstance(recorded.event, DiscrepancyResolved):
        return (str(recorded.event.attempt_id),)  # a refund's key, or a charge's: then no row
    return (str(recorded.event.refund_id),) if isinstance(recorded.event, RefundEvent) else ()


def _apply(row: Refund | None, key: str, recorded: Recorded[Any]) -> Refund | None:
    """A refund after one more fact. Before RefundRequested there is no row: only a reading as of a
    date can meet such a fact, where the provider's clock lies behind ours."""
    event = recorded.event
    match event:
        case RefundRequested():
            return Refund(
                refund_id=key,
                subscription_id=subscription_of(recorded.stream),
                customer_id=event.customer_id,
                attempt_id=str(event.attempt_id),
                invoice_number=event.invoice_number,
                refund_number=event.refund_number,
                asked=event.amount,
                reference=event.reference,
                reason=event.reason,
                requested_at=event.effective_at,
            )
        case _ if row is None:
            return None
        case RefundAttempted():
            return with_(row, status=RefundStatus.ATTEMPTED)
        case RefundOutcomeUnknown(reason=finding):
            return with_(_doubted(row, event), finding=finding)
        case RefundLookedUp(finding=finding, look_number=looks):
            return with_(_doubted(row, event), finding=finding, looks=looks)
        case RefundSucceeded(amount=amount):
            return with_(_settled(row, event, RefundStatus.SUCCEEDED), given_back=amount)
        case RefundFailed(code=code, message=message):
            failed = _settled(row, event, RefundStatus.FAILED)
            return with_(failed, code=code, message=message)
        case RefundFoundLate(amount=amount):
            return with_(_settled(row, event, RefundStatus.FOUND_LATE), given_back=amount)
        case DiscrepancyResolved(resolution=resolution):
            return with_(row, resolution=resolution)
        case _:
            return row


def _doubted(row: Refund, event: RefundOutcomeUnknown | RefundLookedUp) -> Refund:
    again = event.next_look_up_at
    return with_(
        row,
        status=RefundStatus.NEEDS_PERSON if again is None else RefundStatus.UNKNOWN,
        provider_ref=event.provider_ref or row.provider_ref,
    )


def _settled(
    row: Refund, event: RefundSucceeded | RefundFailed | RefundFoundLate, status: RefundStatus
) -> Refund:
    return with_(
        row,
        status=status,
        provider_ref=event.provider_ref or row.provider_ref,
        evidence=event.evidence,
        settled_at=event.effective_at,
    )


REFUNDS: TableProjection[Refund] = TableProjection(
    name="refunds",
    version=2,
    row_type=Refund,
    keys_of=_keys,
    apply=_apply,
    columns={
        "subscription_id": Column(ColumnType.TEXT, lambda row: row.subscription_id, indexed=True),
        "customer_id": Column(ColumnType.TEXT, lambda row: row.customer_id),
        "attempt_id": Column(ColumnType.TEXT, lambda row: row.attempt_id, indexed=True),
        "status": Column(ColumnType.TEXT, lambda row: row.status.value, indexed=True),
        "reference": Column(ColumnType.TEXT, lambda row: row.reference),
        "requested_at": Column(ColumnType.INSTANT, lambda row: row.requested_at),
        "amount_minor": Column(ColumnType.INTEGER, lambda row: row.asked.minor),
        "currency": Column(ColumnType.TEXT, lambda row: row.asked.currency),
        "given_back_minor": Column(
            ColumnType.INTEGER, lambda row: None if row.given_back is None else row.given_back.minor
        ),
        "unresolved": Column(ColumnType.FLAG, lambda row: row.unresolved),
    },
    by_family=True,
)
