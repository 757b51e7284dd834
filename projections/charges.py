"""Every charge we ever intended, one row an attempt: what was asked, what came, how we know."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

import attrs

from domain.copying import with_
from domain.identity import subscription_of
from domain.money import Money
from domain.providers import Provider
from domain.recorded import Recorded
from domain.subscription.dispute_events import ChargeReversed, DisputeClosed, DisputeOpened
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAttempted,
    ChargeAuthorized,
    ChargeDeclined,
    ChargeDiscrepancyFound,
    ChargeFoundLate,
    ChargeLookedUp,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    DeclineClass,
    Discrepancy,
    DiscrepancyResolved,
    Resolution,
)
from domain.subscription.refund_events import RefundFoundLate, RefundSucceeded
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted
from projections.table import Column, ColumnType, TableProjection


class ChargeStatus(Enum):
    """ATTEMPTED: may have been sent. AUTHORIZED: reserved. CAPTURING: its capture may have been
    sent. VOIDING: what was reserved is being let go. UNKNOWN: looked up by schedule; NEEDS_PERSON:
    no longer. The others are settled; VOIDED: let go, and no money moved. FOUND_LATE: it was
    settled without money, and the money turned up. DISPUTED: it brought money in, and a dispute is
    open. REVERSED: the provider took some of it back."""

    ATTEMPTED = "attempted"
    AUTHORIZED = "authorized"
    CAPTURING = "capturing"
    VOIDING = "voiding"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    NEEDS_PERSON = "needs-person"
    NOT_MADE = "not-made"
    VOIDED = "voided"
    FOUND_LATE = "found-late"
    DISPUTED = "disputed"
    REVERSED = "reversed"


@attrs.frozen(kw_only=True)
class Charge:
    """One attempt to collect an invoice.

    asked, received: as in ChargeAttempted and ChargeSucceeded; received None: no money came. Where
        only a part of what was reserved is wanted, `asked` is that part.
    decline, code, message: of a decline; they stay when money is found late.
    reference: ours, in both books; provider_ref: the provider's id, or "".
    evidence: how the outcome is known, or "". looks: how often the provider was asked in vain.
    attempted_at, settled_at: UTC, the world's time; settled_at None while it is open.
    discrepancies: in what the provider's charge was not the one we asked for.
    resolution: what a person made of that, or None.
    refunded: what went back of it, or None. reversed: what the provider took back, or None.
    late: whether the money was found late. disputes: the provider's ids of those that are open.
    """

    attempt_id: str
    subscription_id: str
    customer_id: str
    invoice_number: int
    attempt_number: int
    asked: Money
    provider: Provider
    account: str
    reference: str
    attempted_at: datetime
    status: ChargeStatus = ChargeStatus.ATTEMPTED
    received: Money | None = None
    decline: DeclineClass | None = None
    code: str = ""
    message: str = ""
    provider_ref: str = ""
    evidence: str = ""
    looks: int = 0
    settled_at: datetime | None = None
    discrepancies: tuple[Discrepancy, ...] = ()
    resolution: Resolution | None = None
    refunded: Money | None = None
    reversed: Money | None = None
    late: bool = False
    disputes: tuple[str, ...] = ()

    @property
    def returned_above(self) -> bool:
        """Whether more went back than came, by refunds and reversals."""
        if self.received is None:
            return False
        back = [each.minor for each in (self.refunded, self.reversed) if each is not None]
        return sum(back) > self.received.minor


_Outcome = ChargeSucceeded | ChargeFoundLate | ChargeDeclined | ChargeNotMade | AuthorizationVoided
_OUTCOMES = (ChargeSucceeded, ChargeFoundLate, ChargeDeclined, ChargeNotMade, AuthorizationVoided)
_FACTS = (
    ChargeAttempted
    | ChargeAuthorized
    | CaptureAttempted
    | VoidAttempted
    | AuthorizationVoided
    | ChargeSucceeded
    | ChargeDeclined
    | ChargeOutcomeUnknown
    | ChargeLookedUp
    | ChargeNotMade
    | ChargeFoundLate
    | ChargeDiscrepancyFound
    | DiscrepancyResolved
    | RefundSucceeded
    | RefundFoundLate
    | DisputeOpened
    | DisputeClosed
    | ChargeReversed
)


def _keys(recorded: Recorded[Any]) -> tuple[str, ...]:
    return (str(recorded.event.attempt_id),) if isinstance(recorded.event, _FACTS) else ()


def _apply(row: Charge | None, key: str, recorded: Recorded[Any]) -> Charge | None:
    """An attempt after one more fact.

    Before ChargeAttempted there is no row: only a reading as of a date can meet such a fact,
    where the provider's clock lies behind ours.
    """
    event = recorded.event
    if isinstance(event, ChargeAttempted):
        return _attempted(key, recorded)
    if row is None:
        return None
    if isinstance(event, _OUTCOMES):
        return _settled(row, event)
    return _open(row, event)


def _attempted(key: str, recorded: Recorded[ChargeAttempted]) -> Charge:
    event = recorded.event
    return Charge(
        attempt_id=key,
        subscription_id=subscription_of(recorded.stream),
        customer_id=event.customer_id,
        invoice_number=event.invoice_number,
        attempt_number=event.attempt_number,
        asked=event.amount,
        provider=event.provider,
        account=event.account,
        reference=event.reference,
        attempted_at=event.effective_at,
    )


def _open(row: Charge, event: Any) -> Charge:
    """What happens to a charge between intention and outcome, and the contradictions after it."""
    match event:
        case ChargeAuthorized(authorization_ref=reference):
            return with_(row, status=ChargeStatus.AUTHORIZED, provider_ref=reference)
        case CaptureAttempted(amount=amount):
            return with_(row, status=ChargeStatus.CAPTURING, asked=amount)
        case VoidAttempted():
            return with_(row, status=ChargeStatus.VOIDING)
        case ChargeOutcomeUnknown(provider_ref=reference):
            return with_(
                row, status=ChargeStatus.UNKNOWN, provider_ref=reference or row.provider_ref
            )
        case ChargeLookedUp(next_look_up_at=again, provider_ref=reference):
            status = ChargeStatus.NEEDS_PERSON if again is None else ChargeStatus.UNKNOWN
            known = reference or row.provider_ref
            return with_(row, status=status, looks=row.looks + 1, provider_ref=known)
        case ChargeDiscrepancyFound(discrepancy=found):
            return with_(row, discrepancies=(*row.discrepancies, found), resolution=None)
        case DiscrepancyResolved(resolution=resolution):
            return with_(row, resolution=resolution)
        case RefundSucceeded(amount=amount) | RefundFoundLate(amount=amount):
            before = Money(0, amount.currency) if row.refunded is None else row.refunded
            if amount.currency != before.currency:
                return row  # it shows in the table of refunds
            return with_(row, refunded=before + amount)
        case ChargeReversed(amount=amount):
            before = Money(0, amount.currency) if row.reversed is None else row.reversed
            return _stands(with_(row, reversed=before + amount))
        case DisputeOpened(dispute_ref=ref):
            return _stands(with_(row, disputes=(*row.disputes, ref)))
        case DisputeClosed(dispute_ref=ref):
            left = tuple(each for each in row.disputes if each != ref)
            return _stands(with_(row, disputes=left))
        case _:
            return row


def _stands(row: Charge) -> Charge:
    """The charge with the status that money which came has: contested, taken back, or kept."""
    if row.disputes:
        status = ChargeStatus.DISPUTED
    elif row.reversed is not None:
        status = ChargeStatus.REVERSED
    else:
        status = ChargeStatus.FOUND_LATE if row.late else ChargeStatus.SUCCEEDED
    return with_(row, status=status)


def _settled(row: Charge, event: _Outcome) -> Charge:
    row = with_(row, evidence=event.evidence, settled_at=event.effective_at)
    match event:
        case ChargeNotMade():
            return with_(row, status=ChargeStatus.NOT_MADE)
        case AuthorizationVoided():
            return with_(row, status=ChargeStatus.VOIDED)
        case ChargeDeclined():
            return with_(
                row,
                status=ChargeStatus.DECLINED,
                decline=event.decline,
                code=event.code,
                message=event.message,
                provider_ref=event.provider_ref or row.provider_ref,
            )
        case _:
            late = isinstance(event, ChargeFoundLate)
            return with_(
                row,
                status=ChargeStatus.FOUND_LATE if late else ChargeStatus.SUCCEEDED,
                received=event.amount,
                provider_ref=event.provider_ref,
                late=late,
            )


CHARGES: TableProjection[Charge] = TableProjection(
    name="charges",
    version=5,
    row_type=Charge,
    keys_of=_keys,
    apply=_apply,
    columns={
        "subscription_id": Column(ColumnType.TEXT, lambda row: row.subscription_id, indexed=True),
        "customer_id": Column(ColumnType.TEXT, lambda row: row.customer_id),
        "status": Column(ColumnType.TEXT, lambda row: row.status.value, indexed=True),
        "reference": Column(ColumnType.TEXT, lambda row: row.reference, indexed=True),
        "provider_ref": Column(ColumnType.TEXT, lambda row: row.provider_ref or None, indexed=True),
        "attempted_at": Column(ColumnType.INSTANT, lambda row: row.attempted_at),
        "amount_minor": Column(ColumnType.INTEGER, lambda row: row.asked.minor),
        "currency": Column(ColumnType.TEXT, lambda row: row.asked.currency),
        "received_minor": Column(
            ColumnType.INTEGER, lambda row: None if row.received is None else row.received.minor
        ),
        "received_currency": Column(
            ColumnType.TEXT, lambda row: None if row.received is None else row.received.currency
        ),
        "refunded_minor": Column(
            ColumnType.INTEGER, lambda row: None if row.refunded is None else row.refunded.minor
        ),
        "reversed_minor": Column(
            ColumnType.INTEGER, lambda row: None if row.reversed is None else row.reversed.minor
        ),
        "returned_above": Column(ColumnType.FLAG, lambda row: row.returned_above),
        "discrepancy": Column(ColumnType.FLAG, lambda row: bool(row.discrepancies)),
        "unresolved": Column(
            ColumnType.FLAG, lambda row: bool(row.discrepancies) and row.resolution is None
        ),
    },
    by_family=True,
)
