"""Every request that the gateway sends is one that PayPal's OpenAPI files allow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import uuid5

import attrs
import httpx
import pytest
from jsonschema import Draft202012Validator

from domain import identity
from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import CaptureMode, Kind, Terms, Timing
from domain.ports import (
    CaptureOrder,
    ChargeOrder,
    ChargeQuery,
    Secret,
    TokenOrder,
    TokenQuery,
)
from domain.refund_ports import RefundOrder, RefundQuery, VoidOrder
from domain.subscription.events import Instrument
from infrastructure.gateways.paypal.gateway import PayPalGateway
from tests.gateways.bench import NAMESPACE, PRICE, START, terms
from tests.gateways.paypal_bench import SPECS
from tests.gateways.paypal_canned import Canned, asked, authorization, capture, order, refused

pytestmark = pytest.mark.skipif(
    not SPECS.is_dir(), reason="PayPal's OpenAPI files do not lie beside the project"
)
FILES = (
    "vault_payment_tokens_v3.json",
    "checkout_orders_v2.json",
    "payments_payment_v2.json",
    "reporting_transactions_v1.json",
    "notifications_webhooks_v1.json",
)
SETUP_TOKEN = "5C991763VB2781612"
PAYMENT_TOKEN = "8kk8451t"

PLANS = {
    "plain": terms(),
    "no end, every 2 weeks": terms(interval=Interval(Unit.WEEK, 2)),
    "free trial": terms(trial=Interval(Unit.DAY, 14)),
    "trial and setup fee": terms(trial=Interval(Unit.MONTH), setup_fee=Money(1000, "USD")),
    "instalments": terms(kind=Kind.INSTALLMENT, cycles=12),
    "postpaid": terms(timing=Timing.POSTPAID),
    "forint": terms(price=Money(300000, "HUF")),
    "authorise first": terms(capture=CaptureMode.AFTER_AUTHORIZATION),
    "letters": terms(description="Årsmedlemskap – Ørsta & Co. / «Æ» 漢字 <b>"),
    "only letters we lack": terms(description="漢字"),
    "longest": terms(description="x" * 127),
}


@cache
def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SPECS / name).read_text(encoding="utf-8"))
    return found


def operation_of(request: httpx.Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """The operation that a request is one of, and the document it stands in."""
    for name in FILES:
        for path, methods in document(name)["paths"].items():
            pattern = re.sub(r"\{[^}]+\}", "[^/]+", path)
            if re.fullmatch(pattern, request.url.path) and request.method.lower() in methods:
                return methods[request.method.lower()], document(name)
    raise AssertionError(f"no operation for {request.method} {request.url.path}")


def resolved(item: dict[str, Any], of: dict[str, Any]) -> dict[str, Any]:
    found: Any = item
    if "$ref" in item:
        found = of
        for part in item["$ref"].removeprefix("#/").split("/"):
            found = found[part]
    return dict(found)


def violations(request: httpx.Request) -> Iterator[str]:
    """What PayPal's specification has against a request: body, query, headers."""
    operation, of = operation_of(request)
    body = request.read()
    sent = json.loads(body) if body else None
    if sent is not None and "requestBody" not in operation:
        yield "a body where none is taken"
    if "requestBody" in operation and sent is not None:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        yield from _errors(schema, of, sent)
    for item in operation.get("parameters", []):
        parameter = resolved(item, of)
        if parameter["in"] == "query":
            value = request.url.params.get(parameter["name"])
        elif parameter["in"] == "header":
            value = request.headers.get(parameter["name"])
        else:
            continue
        if value is None:
            if parameter.get("required") and parameter["name"] != "Authorization":
                yield f"{parameter['name']} is missing"
            continue
        schema = resolved(parameter["schema"], of)
        typed = int(value) if schema.get("type") == "integer" else value
        yield from _errors(parameter["schema"], of, typed)
    known = {resolved(item, of)["name"] for item in operation.get("parameters", [])}
    yield from (f"unknown parameter {name}" for name in request.url.params if name not in known)


def _errors(schema: dict[str, Any], of: dict[str, Any], value: object) -> Iterator[str]:
    validator = Draft202012Validator({**schema, "components": of["components"]})
    yield from (
        f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)
    )


def sent_for(plan: Terms, start_date: str | None = None) -> list[httpx.Request]:
    """Everything that is sent in a subscription's life: token, charge, capture, look-ups."""
    canned = Canned(
        {
            ("POST", "/v3/vault/setup-tokens"): (201, {"id": SETUP_TOKEN}),
            ("GET", f"/v3/vault/setup-tokens/{SETUP_TOKEN}"): (
                200,
                {
                    "id": SETUP_TOKEN,
                    "status": "APPROVED",
                    "customer": {"id": "customer_4029352050"},
                },
            ),
            ("POST", "/v3/vault/payment-tokens"): (
                422,
                refused("UNPROCESSABLE_ENTITY", "SETUP_TOKEN_ALREADY_TOKENIZED"),
            ),
            ("GET", "/v3/vault/payment-tokens"): (200, {"payment_tokens": []}),
            ("POST", "/v2/checkout/orders"): (201, order(captures=[capture()])),
            ("GET", "/v2/payments/authorizations/0AW2184448108334S"): (
                200,
                authorization(status="CAPTURED"),
            ),
            ("GET", "/v2/checkout/orders/5O190127TN364715T"): (404, refused("RESOURCE_NOT_FOUND")),
            ("GET", "/v1/reporting/transactions"): (200, {"transaction_details": []}),
        }
    )
    attempt, request_id = uuid5(NAMESPACE, "attempt"), uuid5(NAMESPACE, "token/1")
    reference = "s" * 64 + "-999-12-0123456789"

    async def life(gateway: PayPalGateway) -> None:
        await gateway.request_token(
            TokenOrder(
                request_id=request_id,
                subscription_id="sub-1",
                customer_id="A.b_c-" + "9" * 58,
                terms=plan,
                start_date=start_date,
            )
        )
        await gateway.complete_token(TokenQuery(request_id=request_id, provider_ref=SETUP_TOKEN))
        await gateway.charge(
            ChargeOrder(
                attempt_id=attempt,
                reference=reference,
                amount=plan.price,
                token=Secret(PAYMENT_TOKEN),
                instrument=Instrument(kind="wallet", brand="paypal"),
                terms=plan,
                subscription_id="sub-1",
                customer_id="customer-1",
                capture=plan.capture,
            )
        )
        await gateway.capture(
            CaptureOrder(
                attempt_id=attempt,
                capture_id=uuid5(attempt, "capture"),
                reference=reference,
                amount=plan.price,
                authorization_ref="0AW2184448108334S",
            )
        )
        query = ChargeQuery(
            attempt_id=attempt,
            reference=reference,
            amount=plan.price,
            attempted_at=START,
            now=START,
            provider_ref="3C679366HH908993F",
            authorization_ref="0AW2184448108334S",
            order_ref="5O190127TN364715T",
            capture_id=None,
        )
        await gateway.look_up(query)
        await gateway.look_up(attrs.evolve(query, authorization_ref="", provider_ref=""))

    asked(canned, life)
    return canned.requests


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("start_date", [None, "2026-04-16"])
def test_requests_are_what_the_specification_allows(name: str, start_date: str | None) -> None:
    """Body, query and headers of each call keep to PayPal's schemas."""
    requests = sent_for(PLANS[name], start_date)
    assert len(requests) > 8
    found = {
        f"{request.method} {request.url.path}": broken
        for request in requests
        if (broken := list(violations(request)))
    }
    assert found == {}


@pytest.mark.parametrize("reason", ["", "Returned goods", "Two\nlines\x00", "漢" * 300])
@pytest.mark.parametrize("amount", [PRICE, Money(300000, "HUF"), Money(1, "JPY")])
def test_requests_that_end_payments_keep_to_the_specification(reason: str, amount: Money) -> None:
    """Refund, its look-up, void, renewal, a part, a deletion."""
    attempt, reference = uuid5(NAMESPACE, "attempt"), "s" * 64 + "-999-12-0123456789"
    canned = Canned({("GET", "/v1/reporting/transactions"): (200, {"transaction_details": []})})
    refund = RefundOrder(
        refund_id=identity.refund_id(attempt, 9999),
        reference=identity.refund_reference(reference, 9999),
        amount=amount,
        charge_reference=reference,
        charge_ref="3C679366HH908993F",
        reason=reason,
    )
    query = RefundQuery(
        refund_id=refund.refund_id,
        reference=refund.reference,
        amount=amount,
        charge_reference=reference,
        charge_ref=refund.charge_ref,
        provider_ref="1JU08902781691411",
        attempted_at=START,
        now=START,
    )
    part = CaptureOrder(
        attempt_id=attempt,
        capture_id=uuid5(attempt, "capture"),
        reference=reference,
        amount=amount,
        authorization_ref="0AW2184448108334S",
        final=False,
    )

    async def ends(gateway: PayPalGateway) -> None:
        await gateway.refund(refund)
        await gateway.look_up_refund(query)
        await gateway.capture(part)
        await gateway.reauthorize(part)
        await gateway.void(
            VoidOrder(
                void_id=identity.void_id(attempt, 1),
                reference=reference,
                authorization_ref="0AW2184448108334S",
            )
        )
        await gateway.delete_token(Secret(PAYMENT_TOKEN), Instrument(kind="wallet"))

    asked(canned, ends)
    found = {
        f"{request.method} {request.url.path}": broken
        for request in canned.requests
        if (broken := list(violations(request)))
    }
    assert found == {}
    assert {request.method for request in canned.requests} == {"POST", "GET", "DELETE"}
    assert len(canned.requests) >= 8


def test_check_itself_finds_what_is_wrong() -> None:
    """A body that breaks the schema is noticed; else the test above would prove nothing."""
    (request,) = (
        r
        for r in sent_for(PLANS["plain"])
        if r.url.path == "/v2/checkout/orders" and r.method == "POST"
    )
    body = json.loads(request.read())
    body["purchase_units"][0]["amount"]["value"] = "29,85"
    del body["intent"]
    broken = httpx.Request("POST", request.url, json=body, headers=request.headers)
    assert len(list(violations(broken))) == 2


def test_every_paying_post_carries_a_key() -> None:
    """Each POST goes out under the domain's own key, and asks for the whole answer."""
    posts = [request for request in sent_for(PLANS["plain"]) if request.method == "POST"]
    keys = [request.headers["PayPal-Request-Id"] for request in posts]
    request_id, attempt = uuid5(NAMESPACE, "token/1"), uuid5(NAMESPACE, "attempt")
    assert keys == [
        str(request_id),
        str(uuid5(request_id, "payment-token")),
        str(attempt),
        str(uuid5(attempt, "capture")),
    ]
    assert {request.headers["Prefer"] for request in posts} == {"return=representation"}


def test_charge_says_who_initiates_it() -> None:
    """The merchant, with a token given before, under the pattern the payer agreed to."""
    (request,) = (
        r
        for r in sent_for(PLANS["plain"])
        if r.url.path == "/v2/checkout/orders" and r.method == "POST"
    )
    body = json.loads(request.read())
    assert body["intent"] == "CAPTURE"
    assert body["payment_source"] == {
        "paypal": {
            "vault_id": PAYMENT_TOKEN,
            "stored_credential": {
                "payment_initiator": "MERCHANT",
                "usage": "SUBSEQUENT",
                "usage_pattern": "SUBSCRIPTION_PREPAID",
            },
        }
    }
    (unit,) = body["purchase_units"]
    assert unit["custom_id"] == str(uuid5(NAMESPACE, "attempt"))
    assert unit["amount"] == {"currency_code": "USD", "value": "29.85"}
    assert Money(2985, "USD") == PRICE
