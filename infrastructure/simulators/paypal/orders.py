"""Orders and what they captured at once, over HTTP: create, read.

Sources: reference notes on PayPal, sections 2.5, 2.6, 3 and 6.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web

from infrastructure.simulators import misbehaving
from infrastructure.simulators.faults import Fault
from infrastructure.simulators.paypal.errors import PayPalError, error_body
from infrastructure.simulators.paypal.provider import PROVIDER, Provider, json_answer, payload
from infrastructure.simulators.paypal.records import Order
from infrastructure.simulators.paypal.resources import capture_json, order_json
from infrastructure.simulators.paypal.state import IN_PROGRESS, Purchase
from infrastructure.simulators.paypal.validation import check_usage_pattern, minor_units, object_at

_LONGEST_KEY = 108
_SHOWN_ON_STATEMENT = 22  # characters; PayPal cuts the rest and says so in its answer


async def create_order(request: web.Request) -> web.StreamResponse:
    """POST /v2/checkout/orders with a vaulted token: a single step that captures or authorises."""
    provider = request.app[PROVIDER]
    body = await payload(request)
    provider.check_schema("order", body)
    purchase = _purchase(body)
    key = request.headers.get("PayPal-Request-Id", "")
    if not 1 <= len(key) <= _LONGEST_KEY:
        raise PayPalError(400, "PAYPAL_REQUEST_ID_REQUIRED", field="PayPal-Request-Id")
    plan = provider.controls.faults
    fault = plan.pick("charge", purchase.invoice_id)
    refusal = await misbehaving.before(request, fault, plan, error_for(fault))
    if refusal is not None:
        return refusal
    async with provider.answering(f"order/{key}"):
        return await _answered(request, purchase, key, fault)


async def _answered(
    request: web.Request, purchase: Purchase, key: str, fault: Fault | None
) -> web.StreamResponse:
    provider = request.app[PROVIDER]
    plan = provider.controls.faults
    known = provider.account.order_keys.get(key, provider.account.now_us())
    if known is not None:
        return _replayed(provider, request, known, purchase)
    if fault is Fault.LATE_SUCCESS:
        provider.account.order_keys.keep(key, IN_PROGRESS, provider.account.now_us())
        _carry_out_later(provider, purchase, key)
        raise PayPalError(503)
    order = _carry_out(provider, purchase, fault, key, provider.controls.clock.now())
    if fault is Fault.FORGOTTEN_KEY:
        provider.account.order_keys.forget(key)
    await provider.webhooks.about_new_order(order)
    answer = _order_answer(provider, request, order, 201)
    return await misbehaving.after(request, fault, plan, answer, error_for(fault))


def _purchase(body: object) -> Purchase:
    """What is asked for. Raises: PayPalError(400 or 422)."""
    request = object_at(body)
    intent = request.get("intent")
    if intent not in ("CAPTURE", "AUTHORIZE"):
        raise PayPalError(400, "INVALID_PARAMETER_VALUE", field="/intent")
    units = request.get("purchase_units")
    if not isinstance(units, list) or not units:
        raise PayPalError(400, "MISSING_REQUIRED_PARAMETER", field="/purchase_units")
    if len(units) > 1:
        raise PayPalError(422, "MERCHANT_INITIATED_WITH_MULTIPLE_PURCHASE_UNITS")
    unit = object_at(units[0])
    minor, currency = minor_units(unit.get("amount"), "/purchase_units/0/amount")
    wallet = object_at(request, "payment_source", "paypal")
    credential = object_at(wallet, "stored_credential")
    if "vault_id" not in wallet:
        field = "/payment_source/paypal/vault_id"
        raise PayPalError(422, "PAYPAL_STORED_CREDENTIAL_MISSING_REQUIRED_PARAMETER", field=field)
    if credential.get("payment_initiator") not in ("MERCHANT", "CUSTOMER"):
        field = "/payment_source/paypal/stored_credential/payment_initiator"
        raise PayPalError(400, "MISSING_REQUIRED_PARAMETER", field=field)
    if credential.get("usage") == "FIRST" and credential["payment_initiator"] == "MERCHANT":
        raise PayPalError(422, "INCOMPATIBLE_PARAMETER_VALUE")
    pattern = credential.get("usage_pattern", "IMMEDIATE")
    field = "/payment_source/paypal/stored_credential/usage_pattern"
    return Purchase(
        is_capture=intent == "CAPTURE",
        invoice_id=str(unit.get("invoice_id", "")),
        custom_id=str(unit.get("custom_id", "")),
        minor=minor,
        currency=currency,
        token=str(wallet["vault_id"]),
        usage_pattern=check_usage_pattern(pattern, field),
        soft_descriptor=str(unit.get("soft_descriptor", ""))[:_SHOWN_ON_STATEMENT],
    )


def _carry_out(
    provider: Provider, purchase: Purchase, fault: Fault | None, key: str, at: datetime
) -> Order:
    """Do it, and keep what became of it under the key: an order's number or an issue."""
    account = provider.account
    if key == purchase.custom_id:
        key = purchase.custom_id  # one string in memory, not two
    try:
        order = account.purchase(purchase, fault, at)
    except PayPalError as error:
        account.order_keys.keep(key, error.issue, account.now_us())
        raise
    account.order_keys.keep(key, order.number, account.now_us())
    return order


def _carry_out_later(provider: Provider, purchase: Purchase, key: str) -> None:
    def act(at: datetime) -> None:
        try:
            order = _carry_out(provider, purchase, None, key, at)
        except PayPalError:
            return  # it came to nothing after all; the key says so
        provider.webhooks.about_order(order)

    clock = provider.controls.clock
    clock.at(clock.now() + timedelta(seconds=provider.controls.faults.late_s), act)


def _replayed(
    provider: Provider, request: web.Request, known: int | str, purchase: Purchase
) -> web.Response:
    """A known key: the present state of what it stands for, 200 in the place of 201.

    PayPal does not say what the same key with another body gets; here it is refused, visibly.
    """
    if known == IN_PROGRESS:
        raise PayPalError(409, IN_PROGRESS)
    if isinstance(known, str):
        raise PayPalError(422, known)
    order = provider.account.orders[known - 1]
    same = (order.invoice_id, order.asked, order.currency, order.token)
    if same != (purchase.invoice_id, purchase.minor, purchase.currency, purchase.token):
        raise PayPalError(422, "DUPLICATE_REQUEST_ID")
    return _order_answer(provider, request, order, 200)


def _order_answer(
    provider: Provider, request: web.Request, order: Order, status: int
) -> web.Response:
    minimal = request.headers.get("Prefer", "return=minimal") != "return=representation"
    body = order_json(provider.account, order, provider.base_url(request), minimal=minimal)
    return json_answer(body, status)


async def get_order(request: web.Request) -> web.StreamResponse:
    """GET /v2/checkout/orders/{id}"""
    provider = request.app[PROVIDER]
    order = provider.account.order(request.match_info["id"])
    body = order_json(provider.account, order, provider.base_url(request), minimal=False)
    return json_answer(body)


async def get_capture(request: web.Request) -> web.StreamResponse:
    """GET /v2/payments/captures/{id}"""
    provider = request.app[PROVIDER]
    capture = provider.account.captured(request.match_info["id"])
    return json_answer(capture_json(provider.account, capture, provider.base_url(request)))


def error_for(fault: Fault | None) -> bytes:
    """The API's own body for a fault's status; none is built when all is well."""
    if fault is None:
        return b""
    return error_body(429 if fault is Fault.RATE_LIMITED else 500)
