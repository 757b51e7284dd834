"""Disputes: what PayPal shows of one, and what its webhooks say of disputes and reversals.

What was taken from us for a dispute is what it debited to the seller, less what it credited again.
Where PayPal names no movements of money, and the outcome is for the buyer, it is the amount that
the outcome says was refunded, which may be a refund of ours: the rules know that. PayPal's own
payout costs us nothing.
Sources: reference notes on PayPal, section 5; OpenAPI customer_disputes_v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.dispute_ports import DisputeAnswer, DisputeSeen
from domain.money import Money, zero
from domain.ports import NotFound, Reversal, Unknown
from domain.subscription.dispute_events import DisputeOutcome
from infrastructure.gateways.exchange import NoAnswer, NotSent, Reply
from infrastructure.gateways.http import ProviderHttp
from infrastructure.gateways.paypal.calls import DISPUTES, is_id, read
from infrastructure.gateways.paypal.wire import (
    amount_of,
    items,
    mapping,
    not_done,
    text_of,
    time_of,
    unknown,
)

_RESOLVED = "RESOLVED"
# ACCEPTED and DENIED are of old: PayPal accepted the payer's claim, or denied it.
_OUTCOMES = {
    "RESOLVED_BUYER_FAVOUR": DisputeOutcome.LOST,
    "ACCEPTED": DisputeOutcome.LOST,
    "RESOLVED_SELLER_FAVOUR": DisputeOutcome.WON,
    "RESOLVED_WITH_PAYOUT": DisputeOutcome.WON,
    "DENIED": DisputeOutcome.WON,
    "CANCELED_BY_BUYER": DisputeOutcome.WITHDRAWN,
    "NONE": DisputeOutcome.WITHDRAWN,
}


async def look_up(http: ProviderHttp, dispute_ref: str, now: datetime) -> DisputeAnswer:
    """GET /v1/customer/disputes/{id}; `now` stands in for a time that PayPal does not state."""
    if not is_id(dispute_ref):
        return NotFound(finding="not an id of PayPal's")
    answer = await read(http, DISPUTES, dispute_ref)
    if isinstance(answer, NotSent):
        return not_done(answer)
    if isinstance(answer, NoAnswer):
        return unknown(answer)
    return dispute_of(answer, dispute_ref, now)


def dispute_of(reply: Reply, dispute_ref: str, now: datetime) -> DisputeAnswer:
    """What an answer shows; Unknown where it cannot be read, or ends in a way we do not know."""
    if reply.status == 404:
        return NotFound(finding="PayPal shows no such dispute")
    dispute = mapping(reply.data)
    if reply.status >= 400 or dispute.get("dispute_id") != dispute_ref:
        return Unknown(reason=f"HTTP {reply.status} to a look at a dispute")
    amount = amount_of(dispute.get("dispute_amount"))
    if amount is None:
        return Unknown(reason="a dispute without an amount")
    status, said = text_of(dispute.get("status")), mapping(dispute.get("dispute_outcome"))
    code = text_of(said.get("outcome_code"))
    if status == _RESOLVED and code not in _OUTCOMES:
        return Unknown(reason=f"dispute resolved as {code[:40] or 'nothing'}")
    outcome = _OUTCOMES[code] if status == _RESOLVED else None
    opened_at = time_of(dispute.get("create_time")) or now
    return DisputeSeen(
        dispute_ref=dispute_ref,
        charge_ref=charge_behind(dispute),
        amount=amount,
        reason=text_of(dispute.get("reason"))[:100],
        stage=text_of(dispute.get("dispute_life_cycle_stage"))[:100],
        status=status[:100],
        outcome=outcome,
        provider_outcome=code,
        returned=_returned(dispute, amount.currency, outcome),
        opened_at=opened_at,
        at=time_of(dispute.get("update_time")) or opened_at,
    )


def _returned(dispute: Mapping[str, Any], currency: str, outcome: DisputeOutcome | None) -> Money:
    if outcome is not DisputeOutcome.LOST:
        return zero(currency)
    ours = [
        each
        for each in items(dispute.get("money_movements"))
        if each.get("affected_party") == "SELLER"
    ]
    if items(dispute.get("money_movements")):
        amounts = [(each.get("type"), amount_of(each.get("amount"))) for each in ours]
        moved = sum(
            amount.minor if kind == "DEBIT" else -amount.minor
            for kind, amount in amounts
            if amount is not None and amount.currency == currency
        )
        return Money(max(0, moved), currency)
    said = amount_of(mapping(dispute.get("dispute_outcome")).get("amount_refunded"))
    return zero(currency) if said is None else said


def charge_behind(dispute: Mapping[str, Any]) -> str:
    """The capture that is disputed, by the id that we know it by; "" where none is named."""
    for each in items(dispute.get("disputed_transactions")):
        capture_id = text_of(each.get("seller_transaction_id"))
        if is_id(capture_id):
            return capture_id
    return ""


def reversal_in(resource: Mapping[str, Any], capture_id: str) -> Reversal | None:
    """What a webhook says was taken back of a capture; None where it cannot be read."""
    amount = amount_of(resource.get("amount"))
    times = (time_of(resource.get("update_time")), time_of(resource.get("create_time")))
    at = next((each for each in times if each is not None), None)
    provider_ref = text_of(resource.get("id"))
    if amount is None or amount.minor == 0 or at is None or not capture_id:
        return None
    if not is_id(provider_ref) or provider_ref == capture_id:
        return None
    taken = amount if amount.minor > 0 else -amount
    return Reversal(charge_ref=capture_id, amount=taken, provider_ref=provider_ref, at=at)
