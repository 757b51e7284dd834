"""Rows of the transaction search. Source: OpenAPI reporting_transactions_v1."""

from __future__ import annotations

from typing import Any

from infrastructure.simulators.paypal.contested import Reversal
from infrastructure.simulators.paypal.payments import COMPLETED, FAILED, PENDING, Capture, Refund
from infrastructure.simulators.paypal.records import Line, Order, rfc3339
from infrastructure.simulators.paypal.resources import amount, capture_status
from infrastructure.simulators.paypal.state import Account
from infrastructure.simulators.paypal.sweeping import Transfer

_REFUND_STATUS = {COMPLETED: "S", PENDING: "P", FAILED: "D"}
_CAPTURE_STATUS = {"PENDING": "P", "DECLINED": "D", "REFUNDED": "V"}


def transaction_json(account: Account, line: Line, number: int, at_us: int) -> dict[str, Any]:
    """A row of the transaction search."""
    if line is Line.REFUND:
        return _refund_row(account, account.aftermath.refunds[number - 1], at_us)
    if line is Line.PART:
        part = account.aftermath.parts[number - 1]
        return _capture_row(account, part, at_us)
    if line is Line.REVERSAL:
        return _reversal_row(account, account.contested.reversals[number - 1], at_us)
    if line is Line.TRANSFER:
        return _transfer_row(account, account.sweeps.made[number - 1], at_us)
    if line is Line.RENEWAL:
        renewal = account.aftermath.renewals[number - 1]
        order, transaction_id = renewal.order, account.ids.of("RA", number)
        return _row(account, order, at_us, transaction_id, "T1300", "S", renewal.minor)
    order = account.orders[number - 1]
    if line is Line.AUTHORIZATION:
        transaction_id = account.ids.of("AU", number)
        return _row(account, order, at_us, transaction_id, "T1300", "S", order.stated)
    (whole,) = account.captures(order)
    return _capture_row(account, whole, at_us)


def _capture_row(account: Account, capture: Capture, at_us: int) -> dict[str, Any]:
    status = _CAPTURE_STATUS.get(capture_status(account, capture), "S")
    row = _row(account, capture.order, at_us, capture.capture_id, "T0003", status, capture.minor)
    row["transaction_info"]["invoice_id"] = capture.invoice_id
    fee = account.sweeps.fee(capture.minor, capture.order.currency)
    if fee and status in ("S", "V"):
        row["transaction_info"]["fee_amount"] = amount(-fee, capture.order.currency)
    return row


def _refund_row(account: Account, refund: Refund, at_us: int) -> dict[str, Any]:
    """Money that left the merchant: a negative amount, under the refund's own invoice id."""
    refund_id, status = account.ids.of("RF", refund.number), _REFUND_STATUS[refund.status]
    row = _row(account, refund.order, at_us, refund_id, "T1107", status, -refund.minor)
    info = row["transaction_info"]
    info |= {"paypal_reference_id": refund.capture_id, "paypal_reference_id_type": "TXN"}
    info["invoice_id"] = refund.invoice_id or refund.order.invoice_id
    return row


def _reversal_row(account: Account, reversal: Reversal, at_us: int) -> dict[str, Any]:
    """Money that was taken back of a capture, under the capture's invoice id."""
    capture = reversal.capture
    row = _row(account, capture.order, at_us, reversal.reversal_id, "T1106", "S", -reversal.minor)
    info = row["transaction_info"]
    info |= {"paypal_reference_id": capture.capture_id, "paypal_reference_id_type": "TXN"}
    info["invoice_id"] = capture.invoice_id
    return row


def _transfer_row(account: Account, transfer: Transfer, at_us: int) -> dict[str, Any]:
    """What went to the merchant's bank; it is about no order."""
    time = rfc3339(at_us)
    return {
        "transaction_info": {
            "transaction_id": account.ids.of("TR", transfer.number),
            "transaction_event_code": "T0401",
            "transaction_initiation_date": time,
            "transaction_updated_date": time,
            "transaction_amount": amount(-transfer.minor, transfer.currency),
            "transaction_status": "S",
        }
    }


def _row(
    account: Account,
    order: Order,
    at_us: int,
    transaction_id: str,
    code: str,
    status: str,
    minor: int,
) -> dict[str, Any]:
    time = rfc3339(at_us)
    return {
        "transaction_info": {
            "transaction_id": transaction_id,
            "paypal_reference_id": account.ids.of("OR", order.number),
            "paypal_reference_id_type": "ODR",
            "transaction_event_code": code,
            "transaction_initiation_date": time,
            "transaction_updated_date": time,
            "transaction_amount": amount(minor, order.currency),
            "transaction_status": status,
            "invoice_id": order.invoice_id,
            "custom_field": order.custom_id[:127],
        }
    }
