"""Every dispute, one row a dispute: what is contested, how far it has come, what it cost."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from domain.copying import with_
from domain.identity import subscription_of
from domain.money import Money
from domain.recorded import Recorded
from domain.subscription.dispute_events import (
    DisputeAdvanced,
    DisputeClosed,
    DisputeOpened,
    DisputeOutcome,
)
from projections.table import Column, ColumnType, TableProjection


@attrs.frozen(kw_only=True)
class DisputeRow:
    """One dispute; see DisputeOpened, DisputeAdvanced and DisputeClosed for the fields.

    outcome: None while it is open. returned: what was taken from us for it; None while it is open.
    opened_at, changed_at: UTC, the provider's time. evidence: how the latest of it is known.
    """

    dispute_ref: str
    subscription_id: str
    customer_id: str
    attempt_id: str
    invoice_number: int
    amount: Money
    reason: str
    stage: str
    opened_at: datetime
    changed_at: datetime
    evidence: str
    status: str = ""
    outcome: DisputeOutcome | None = None
    provider_outcome: str = ""
    returned: Money | None = None


_FACTS = DisputeOpened | DisputeAdvanced | DisputeClosed


def dispute_key(subscription_id: str, dispute_ref: str) -> str:
    """The row's key: "subscription|dispute". Two accounts may use one id for different disputes.

    Unambiguous: no subscription's id (identity.checked_id) holds a bar.
    """
    return f"{subscription_id}|{dispute_ref}"


def _keys(recorded: Recorded[Any]) -> tuple[str, ...]:
    if not isinstance(recorded.event, _FACTS):
        return ()
    return (dispute_key(subscription_of(recorded.stream), recorded.event.dispute_ref),)


def _apply(row: DisputeRow | None, _: str, recorded: Recorded[Any]) -> DisputeRow | None:
    """A dispute after one more fact. Before DisputeOpened there is no row: only a reading as of a
    date can meet such a fact."""
    event = recorded.event
    if isinstance(event, DisputeOpened):
        return DisputeRow(
            dispute_ref=event.dispute_ref,
            subscription_id=subscription_of(recorded.stream),
            customer_id=event.customer_id,
            attempt_id=str(event.attempt_id),
            invoice_number=event.invoice_number,
            amount=event.amount,
            reason=event.reason,
            stage=event.stage,
            opened_at=event.effective_at,
            changed_at=event.effective_at,
            evidence=event.evidence,
        )
    if row is None:
        return None
    row = with_(row, changed_at=event.effective_at, evidence=event.evidence)
    match event:
        case DisputeAdvanced(stage=stage, status=status):
            return with_(row, stage=stage, status=status)
        case DisputeClosed(outcome=outcome, provider_outcome=words, amount=amount):
            return with_(row, outcome=outcome, provider_outcome=words, returned=amount)
        case _:
            return row


DISPUTES: TableProjection[DisputeRow] = TableProjection(
    name="disputes",
    version=1,
    row_type=DisputeRow,
    keys_of=_keys,
    apply=_apply,
    columns={
        "subscription_id": Column(ColumnType.TEXT, lambda row: row.subscription_id, indexed=True),
        "customer_id": Column(ColumnType.TEXT, lambda row: row.customer_id),
        "attempt_id": Column(ColumnType.TEXT, lambda row: row.attempt_id, indexed=True),
        "dispute_ref": Column(ColumnType.TEXT, lambda row: row.dispute_ref, indexed=True),
        "reason": Column(ColumnType.TEXT, lambda row: row.reason),
        "opened_at": Column(ColumnType.INSTANT, lambda row: row.opened_at),
        "open": Column(ColumnType.FLAG, lambda row: row.outcome is None),
        "outcome": Column(
            ColumnType.TEXT, lambda row: None if row.outcome is None else row.outcome.value
        ),
        "amount_minor": Column(ColumnType.INTEGER, lambda row: row.amount.minor),
        "currency": Column(ColumnType.TEXT, lambda row: row.amount.currency),
        "returned_minor": Column(
            ColumnType.INTEGER, lambda row: None if row.returned is None else row.returned.minor
        ),
    },
    by_family=True,
)
