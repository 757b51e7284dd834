"""Disputes and reversals as the API and the webhooks show them; see resources.py."""

from __future__ import annotations

from typing import Any

from infrastructure.simulators.paypal.contested import Dispute, Reversal
from infrastructure.simulators.paypal.records import rfc3339
from infrastructure.simulators.paypal.resources import amount


def dispute_json(dispute: Dispute, base_url: str, *, summary: bool = False) -> dict[str, Any]:
    """A dispute as the API shows it; summary: as in a list."""
    currency = dispute.capture.order.currency
    address = f"{base_url}/v1/customer/disputes/{dispute.dispute_id}"
    body: dict[str, Any] = {
        "dispute_id": dispute.dispute_id,
        "create_time": rfc3339(dispute.opened_us),
        "update_time": rfc3339(dispute.changed_us),
        "reason": dispute.reason,
        "status": dispute.status,
        "dispute_amount": amount(dispute.minor, currency),
        "dispute_life_cycle_stage": dispute.stage,
        "dispute_channel": "INTERNAL",
        "links": [{"href": address, "rel": "self", "method": "GET"}],
    }
    if summary:
        return body
    body["disputed_transactions"] = [
        {
            "seller_transaction_id": dispute.capture.capture_id,
            "create_time": rfc3339(dispute.capture.at_us),
            "transaction_status": "COMPLETED",
            "gross_amount": amount(dispute.capture.minor, currency),
            "invoice_number": dispute.capture.invoice_id,
        }
    ]
    taken = 0 if dispute.reversal is None else dispute.reversal.minor
    if dispute.outcome:
        body["dispute_outcome"] = {"outcome_code": dispute.outcome}
        back = taken or dispute.refunded
        if back:
            body["dispute_outcome"]["amount_refunded"] = amount(back, currency)
    if dispute.reversal is not None:
        body["money_movements"] = [
            {
                "affected_party": "SELLER",
                "amount": amount(taken, currency),
                "initiated_time": rfc3339(dispute.reversal.at_us),
                "type": "DEBIT",
                "reason": "DISPUTE_SETTLEMENT",
            }
        ]
    return body


def reversal_json(reversal: Reversal, base_url: str) -> dict[str, Any]:
    """A reversal as its webhook shows it: a refund resource that nobody asked for."""
    captured = f"{base_url}/v2/payments/captures/{reversal.capture.capture_id}"
    return {
        "id": reversal.reversal_id,
        "status": "COMPLETED",
        "amount": amount(reversal.minor, reversal.capture.order.currency),
        "invoice_id": reversal.capture.invoice_id,
        "create_time": rfc3339(reversal.at_us),
        "update_time": rfc3339(reversal.at_us),
        "links": [
            {
                "href": f"{base_url}/v2/payments/refunds/{reversal.reversal_id}",
                "rel": "self",
                "method": "GET",
            },
            {"href": captured, "rel": "up", "method": "GET"},
        ],
    }
