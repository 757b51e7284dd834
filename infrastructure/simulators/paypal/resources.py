"""PayPal's resources as JSON, built when they are asked for.

Sources: OpenAPI checkout_orders_v2, payments_payment_v2, vault_payment_tokens_v3; the seed's
samples.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from domain.currencies import minor_digits
from domain.money import Money, decimal_text
from infrastructure.simulators.paypal.records import (
    Order,
    PaymentToken,
    SetupToken,
    State,
    rfc3339,
)
from infrastructure.simulators.paypal.state import AUTHORIZATION_LIFE, Account

WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
_CAPTURE_STATUS = {
    State.CAPTURED: "COMPLETED",
    State.AUTHORIZATION_CAPTURED: "COMPLETED",
    State.CAPTURE_PENDING: "PENDING",
    State.CAPTURE_DECLINED: "DECLINED",
}
_AUTHORIZATION_STATUS = {
    State.AUTHORIZED: "CREATED",
    State.AUTHORIZATION_CAPTURED: "CAPTURED",
    State.AUTHORIZATION_VOIDED: "VOIDED",
}
_LIFE_US = AUTHORIZATION_LIFE // timedelta(microseconds=1)


def amount(minor: int, currency: str) -> dict[str, str]:
    """An amount as PayPal writes it."""
    digits = 0 if currency in WITHOUT_DECIMALS else min(2, minor_digits(currency))
    return {"currency_code": currency, "value": decimal_text(Money(minor, currency), digits)}


def order_json(account: Account, order: Order, base_url: str, *, minimal: bool) -> dict[str, Any]:
    """An order; minimal: only what "Prefer: return=minimal" gives."""
    order_id = account.ids.of("OR", order.number)
    body: dict[str, Any] = {
        "id": order_id,
        "status": "COMPLETED",
        "links": [_link(f"{base_url}/v2/checkout/orders/{order_id}", "self")],
    }
    if minimal:
        return body
    payments: dict[str, Any] = {}
    if order.state in _AUTHORIZATION_STATUS:
        payments["authorizations"] = [authorization_json(account, order, base_url)]
    if order.state in _CAPTURE_STATUS:
        payments["captures"] = [capture_json(account, order, base_url)]
    is_capture = order.state not in _AUTHORIZATION_STATUS
    unit = {
        "reference_id": "default",
        "amount": amount(order.asked, order.currency),
        "invoice_id": order.invoice_id,
        "custom_id": order.custom_id,
        "payments": payments,
    }
    stored_credential = {
        "payment_initiator": "MERCHANT",
        "usage": "SUBSEQUENT",
        "usage_pattern": order.usage_pattern,
    }
    return {
        **body,
        "intent": "CAPTURE" if is_capture else "AUTHORIZE",
        "payment_source": {"paypal": {"stored_credential": stored_credential}},
        "purchase_units": [unit],
        "create_time": rfc3339(order.at_us),
        "update_time": rfc3339(max(order.at_us, order.captured_us)),
    }


def capture_json(account: Account, order: Order, base_url: str) -> dict[str, Any]:
    """The capture of an order."""
    capture_id = account.ids.of("CA", order.number)
    order_id = account.ids.of("OR", order.number)
    at_us = order.captured_us or order.at_us
    status = _CAPTURE_STATUS[order.state]
    related = {"order_id": order_id}
    up = f"{base_url}/v2/checkout/orders/{order_id}"
    if order.state is State.AUTHORIZATION_CAPTURED:
        related["authorization_id"] = account.ids.of("AU", order.number)
        up = f"{base_url}/v2/payments/authorizations/{related['authorization_id']}"
    body: dict[str, Any] = {
        "id": capture_id,
        "status": status,
        "amount": amount(order.stated, order.currency),
        "final_capture": True,
        "invoice_id": order.invoice_id,
        "custom_id": order.custom_id,
        "create_time": rfc3339(at_us),
        "update_time": rfc3339(at_us),
        "supplementary_data": {"related_ids": related},
        "links": [_link(f"{base_url}/v2/payments/captures/{capture_id}", "self"), _link(up, "up")],
    }
    if status == "PENDING":
        body["status_details"] = {"reason": "PENDING_REVIEW"}
    if status == "DECLINED":
        body["status_details"] = {"reason": "DECLINED_BY_RISK_FRAUD_FILTERS"}
    return body


def authorization_json(account: Account, order: Order, base_url: str) -> dict[str, Any]:
    """The authorisation of an order; an expired one shows as voided."""
    authorization_id = account.ids.of("AU", order.number)
    order_id = account.ids.of("OR", order.number)
    address = f"{base_url}/v2/payments/authorizations/{authorization_id}"
    has_expired = account.has_expired(order, account.controls.clock.now())
    return {
        "id": authorization_id,
        "status": "VOIDED" if has_expired else _AUTHORIZATION_STATUS[order.state],
        "amount": amount(order.stated, order.currency),
        "invoice_id": order.invoice_id,
        "custom_id": order.custom_id,
        "expiration_time": rfc3339(order.at_us + _LIFE_US),
        "create_time": rfc3339(order.at_us),
        "update_time": rfc3339(max(order.at_us, order.captured_us)),
        "supplementary_data": {"related_ids": {"order_id": order_id}},
        "links": [
            _link(address, "self"),
            _link(f"{address}/capture", "capture", "POST"),
            _link(f"{address}/void", "void", "POST"),
            _link(f"{base_url}/v2/checkout/orders/{order_id}", "up"),
        ],
    }


def setup_token_json(setup: SetupToken, base_url: str) -> dict[str, Any]:
    """A setup token. The plan is not echoed."""
    body: dict[str, Any] = {
        "id": setup.token_id,
        "customer": _customer(setup),
        "status": setup.status,
        "payment_source": {
            "paypal": {"usage_pattern": setup.usage_pattern, "usage_type": "MERCHANT"}
        },
        "links": [_link(f"{base_url}/v3/vault/setup-tokens/{setup.token_id}", "self")],
    }
    if setup.status == "PAYER_ACTION_REQUIRED":
        page = f"{base_url}/agreements/approve?approval_session_id={setup.token_id}"
        body["links"].append(_link(page, "approve"))
    return body


def payment_token_json(token: PaymentToken, base_url: str) -> dict[str, Any]:
    """A payment token."""
    address = f"{base_url}/v3/vault/payment-tokens/{token.token_id}"
    return {
        "id": token.token_id,
        "customer": _customer(token),
        "payment_source": {
            "paypal": {
                "usage_pattern": token.usage_pattern,
                "usage_type": "MERCHANT",
                "email_address": "payer@example.com",
                "payer_id": token.customer_id[:13],
            }
        },
        "links": [_link(address, "self"), _link(address, "delete", "DELETE")],
    }


def transaction_json(
    account: Account, order: Order, at_us: int, *, is_authorization: bool
) -> dict[str, Any]:
    """A row of the transaction search."""
    if is_authorization:
        transaction_id, code, status = account.ids.of("AU", order.number), "T1300", "S"
    else:
        transaction_id, code = account.ids.of("CA", order.number), "T0003"
        status = {State.CAPTURE_PENDING: "P", State.CAPTURE_DECLINED: "D"}.get(order.state, "S")
    time = rfc3339(at_us)
    return {
        "transaction_info": {
            "transaction_id": transaction_id,
            "paypal_reference_id": account.ids.of("OR", order.number),
            "paypal_reference_id_type": "ODR",
            "transaction_event_code": code,
            "transaction_initiation_date": time,
            "transaction_updated_date": time,
            "transaction_amount": amount(order.stated, order.currency),
            "transaction_status": status,
            "invoice_id": order.invoice_id,
            "custom_field": order.custom_id[:127],
        }
    }


def _customer(of: SetupToken | PaymentToken) -> dict[str, str]:
    customer = {"id": of.customer_id}
    if of.merchant_customer_id:
        customer["merchant_customer_id"] = of.merchant_customer_id
    return customer


def _link(href: str, rel: str, method: str = "GET") -> dict[str, str]:
    return {"href": href, "rel": rel, "method": method}
