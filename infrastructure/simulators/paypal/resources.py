"""PayPal's resources as JSON, built when they are asked for.

Sources: OpenAPI checkout_orders_v2, payments_payment_v2, vault_payment_tokens_v3; the seed's
samples.
"""

from __future__ import annotations

from typing import Any

from domain.currencies import minor_digits
from domain.money import Money, decimal_text
from infrastructure.simulators.paypal.payments import (
    AUTHORIZATION_LIFE_US,
    COMPLETED,
    PENDING,
    Capture,
    Refund,
    Renewal,
)
from infrastructure.simulators.paypal.records import (
    Order,
    PaymentToken,
    SetupToken,
    State,
    pacific,
    rfc3339,
)
from infrastructure.simulators.paypal.state import Account
from infrastructure.simulators.paypal.sweeping import WITHOUT_DECIMALS

# A payer's id has no letters and digits that look alike.
_PAYER_LETTERS = str.maketrans("01IO", "23JP")
_CAPTURE_STATUS = {State.CAPTURE_PENDING: "PENDING", State.CAPTURE_DECLINED: "DECLINED"}
_AUTHORIZATION_STATUS = {
    State.AUTHORIZED: "CREATED",
    State.AUTHORIZATION_PARTLY_CAPTURED: "PARTIALLY_CAPTURED",
    State.AUTHORIZATION_CAPTURED: "CAPTURED",
    State.AUTHORIZATION_VOIDED: "VOIDED",
}


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
        renewal = account.aftermath.renewal_of(order)
        payments["authorizations"] = [authorization_json(account, order, base_url)]
        if renewal is not None:
            payments["authorizations"].append(renewal_json(account, renewal, base_url))
    captures = account.captures(order)
    if captures:
        payments["captures"] = [capture_json(account, one, base_url) for one in captures]
    refunds = account.aftermath.refunds_of(order)
    if refunds:
        payments["refunds"] = [refund_json(account, one, base_url) for one in refunds]
    is_capture = order.state not in _AUTHORIZATION_STATUS
    unit: dict[str, Any] = {
        "reference_id": "default",
        "amount": amount(order.asked, order.currency),
        "invoice_id": order.invoice_id,
        "custom_id": order.custom_id,
        "payments": payments,
    }
    if order.soft_descriptor:
        unit["soft_descriptor"] = order.soft_descriptor
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


def capture_json(account: Account, capture: Capture, base_url: str) -> dict[str, Any]:
    """A capture, with what became of it since."""
    order = capture.order
    order_id = account.ids.of("OR", order.number)
    related = {"order_id": order_id}
    up = f"{base_url}/v2/checkout/orders/{order_id}"
    if order.state in _AUTHORIZATION_STATUS:
        related["authorization_id"] = account.ids.of("AU", order.number)
        up = f"{base_url}/v2/payments/authorizations/{related['authorization_id']}"
    address = f"{base_url}/v2/payments/captures/{capture.capture_id}"
    status = capture_status(account, capture)
    refunds = account.aftermath.refunds_of(order, capture.capture_id)
    updated_us = max((capture.at_us, *(one.ended_us for one in refunds)))
    body: dict[str, Any] = {
        "id": capture.capture_id,
        "status": status,
        "amount": amount(capture.minor, order.currency),
        "final_capture": capture.final,
        "invoice_id": capture.invoice_id,
        "custom_id": order.custom_id,
        "create_time": rfc3339(capture.at_us),
        "update_time": rfc3339(updated_us),
        "supplementary_data": {"related_ids": related},
        "links": [
            _link(address, "self"),
            _link(f"{address}/refund", "refund", "POST"),
            _link(up, "up"),
        ],
    }
    if status == "PENDING":
        body["status_details"] = {"reason": "PENDING_REVIEW"}
    if status == "DECLINED":
        body["status_details"] = {"reason": "DECLINED_BY_RISK_FRAUD_FILTERS"}
    return body


def capture_status(account: Account, capture: Capture) -> str:
    """As the API spells it."""
    if capture.order.state in _CAPTURE_STATUS:
        return _CAPTURE_STATUS[capture.order.state]
    given_back = account.aftermath.given_back(capture.order, capture.capture_id, COMPLETED)
    if given_back:
        return "REFUNDED" if given_back == capture.minor else "PARTIALLY_REFUNDED"
    return "COMPLETED"


def authorization_json(account: Account, order: Order, base_url: str) -> dict[str, Any]:
    """The authorisation of an order."""
    authorization_id = account.ids.of("AU", order.number)
    return _authorization(
        account, order, authorization_id, base_url, minor=order.stated, at_us=order.at_us
    )


def renewal_json(account: Account, renewal: Renewal, base_url: str) -> dict[str, Any]:
    """A reauthorisation: an authorisation with an id of its own."""
    renewal_id = account.ids.of("RA", renewal.number)
    return _authorization(
        account, renewal.order, renewal_id, base_url, minor=renewal.minor, at_us=renewal.at_us
    )


def _authorization(
    account: Account,
    order: Order,
    authorization_id: str,
    base_url: str,
    *,
    minor: int,
    at_us: int,
) -> dict[str, Any]:
    """One that has expired shows as voided."""
    order_id = account.ids.of("OR", order.number)
    address = f"{base_url}/v2/payments/authorizations/{authorization_id}"
    has_expired = account.has_expired(order, account.controls.clock.now())
    expires_us = order.at_us + AUTHORIZATION_LIFE_US
    ended_us = max(order.captured_us, account.aftermath.voided_us(order))
    return {
        "id": authorization_id,
        "status": "VOIDED" if has_expired else _AUTHORIZATION_STATUS[order.state],
        "amount": amount(minor, order.currency),
        "invoice_id": order.invoice_id,
        "custom_id": order.custom_id,
        "expiration_time": rfc3339(expires_us),
        "create_time": rfc3339(at_us),
        "update_time": rfc3339(expires_us if has_expired else max(at_us, ended_us)),
        "supplementary_data": {"related_ids": {"order_id": order_id}},
        "links": [
            _link(address, "self"),
            _link(f"{address}/capture", "capture", "POST"),
            _link(f"{address}/void", "void", "POST"),
            _link(f"{address}/reauthorize", "reauthorize", "POST"),
            _link(f"{base_url}/v2/checkout/orders/{order_id}", "up"),
        ],
    }


def refund_json(
    account: Account, refund: Refund, base_url: str, *, minimal: bool = False
) -> dict[str, Any]:
    """A refund; minimal: only what "Prefer: return=minimal" gives. PayPal writes its times here
    with an offset, not with Z."""
    refund_id = account.ids.of("RF", refund.number)
    currency = refund.order.currency
    body: dict[str, Any] = {
        "id": refund_id,
        "status": refund.status,
        "links": [
            _link(f"{base_url}/v2/payments/refunds/{refund_id}", "self"),
            _link(f"{base_url}/v2/payments/captures/{refund.capture_id}", "up"),
        ],
    }
    if minimal:
        return body
    given_back = account.aftermath.given_back(refund.order, refund.capture_id, COMPLETED)
    body |= {
        "amount": amount(refund.minor, currency),
        "seller_payable_breakdown": {
            "gross_amount": amount(refund.minor, currency),
            "paypal_fee": amount(0, currency),
            "net_amount": amount(refund.minor, currency),
            "total_refunded_amount": amount(given_back, currency),
        },
        "create_time": pacific(refund.at_us),
        "update_time": pacific(max(refund.at_us, refund.ended_us)),
    }
    named = {
        "invoice_id": refund.invoice_id,
        "custom_id": refund.custom_id,
        "note_to_payer": refund.note,
    }
    body |= {name: text for name, text in named.items() if text}
    if refund.status == PENDING:
        body["status_details"] = {"reason": "ECHECK"}
    return body


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
                "payer_id": token.customer_id[:13].translate(_PAYER_LETTERS),
            }
        },
        "links": [_link(address, "self"), _link(address, "delete", "DELETE")],
    }


def _customer(of: SetupToken | PaymentToken) -> dict[str, str]:
    customer = {"id": of.customer_id}
    if of.merchant_customer_id:
        customer["merchant_customer_id"] = of.merchant_customer_id
    return customer


def _link(href: str, rel: str, method: str = "GET") -> dict[str, str]:
    return {"href": href, "rel": rel, "method": method}
