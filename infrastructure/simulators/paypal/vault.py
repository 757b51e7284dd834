"""Setup tokens, the payer's page, payment tokens.

Sources: reference notes on PayPal, sections 2.1 to 2.4. PayPal's own names for the parameters it
adds to the return URL are not documented in our material, so none are added.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from aiohttp import web

from infrastructure.simulators import misbehaving
from infrastructure.simulators.faults import Fault
from infrastructure.simulators.paypal.errors import PayPalError, error_body
from infrastructure.simulators.paypal.provider import (
    PROVIDER,
    Provider,
    json_answer,
    number_of,
    payload,
)
from infrastructure.simulators.paypal.records import PaymentToken, SetupToken
from infrastructure.simulators.paypal.resources import payment_token_json, setup_token_json
from infrastructure.simulators.paypal.state import Account
from infrastructure.simulators.paypal.validation import (
    check_plan,
    check_usage_pattern,
    object_at,
)
from infrastructure.simulators.paypal.webhooks import Webhooks

_LARGEST_PAGE, _MOST_PAGES = 5, 10
_CUSTOMER = re.compile("[0-9a-zA-Z_-]{7,36}")
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Simulated PayPal</title></head><body>
<h1>{shown}</h1>
<p>Customer {customer}, {pattern}. This is a simulator: no money is real.</p>
<form method="post" action="{action}">
<button name="action" value="approve">Approve</button>
<button name="action" value="refuse">Refuse</button>
<button name="action" value="cancel">Cancel and return</button></form>
</body></html>
"""


async def create_setup_token(request: web.Request) -> web.StreamResponse:
    """POST /v3/vault/setup-tokens"""
    provider = request.app[PROVIDER]
    account = provider.account
    body = await payload(request)
    provider.check_schema("setup-token", body)
    wallet = object_at(body, "payment_source", "paypal")
    context = object_at(wallet, "experience_context")
    field = "/payment_source/paypal/usage_pattern"
    pattern = check_usage_pattern(wallet.get("usage_pattern", "IMMEDIATE"), field)
    if "billing_plan" in wallet:
        check_plan(wallet["billing_plan"], pattern)
    for name in ("return_url", "cancel_url"):
        if not context.get(name):
            raise PayPalError(
                400, "MISSING_REQUIRED_PARAMETER", field=f"/experience_context/{name}"
            )
    customer = object_at(body, "customer") if "customer" in object_at(body) else {}
    customer_id = str(customer.get("id", ""))
    if customer_id and not account.knows_customer(customer_id):
        raise PayPalError(400, "INVALID_PARAMETER_VALUE", field="/customer/id")

    def make() -> str:
        setup = account.new_setup_token(
            customer_id=customer_id,
            merchant_customer_id=str(customer.get("merchant_customer_id", "")),
            usage_pattern=pattern,
            return_url=str(context["return_url"]),
            cancel_url=str(context["cancel_url"]),
            vaults_on_approval=context.get("vault_instruction") == "ON_PAYER_APPROVAL",
            shown=_shown(wallet),
        )
        return setup.token_id

    return await _once(
        request,
        "token",
        make=make,
        show=lambda known: setup_token_json(account.setup_token(known), provider.base_url(request)),
    )


def _shown(wallet: Mapping[str, Any]) -> str:
    """What the payer agrees to: by pattern and plan, by the pattern alone, or by neither."""
    if "usage_pattern" not in wallet:
        return "Save PayPal for later"
    if "billing_plan" not in wallet:
        return "Approve recurring payments"
    plan = wallet["billing_plan"]
    regular = plan["billing_cycles"][-1]
    price, frequency = regular["pricing_scheme"]["price"], regular.get("frequency") or {}
    amount = f"{price['value']} {price['currency_code']}"
    unit, count = frequency.get("interval_unit", ""), frequency.get("interval_count", 1)
    rhythm = f" every {count} {unit}" if unit else ", when it is needed"
    return f"Approve recurring payments: {plan.get('name', '')} {amount}{rhythm}"


async def _once(
    request: web.Request,
    operation: str,
    *,
    make: Callable[[], str],
    show: Callable[[str], dict[str, Any]],
) -> web.StreamResponse:
    """A POST of the vault: made once for its key, with what the plan does to it.

    make: does it, and gives its id, which `show` takes. Raises: PayPalError.
    """
    provider, account = request.app[PROVIDER], request.app[PROVIDER].account
    key, plan = request.headers.get("PayPal-Request-Id", ""), provider.controls.faults
    fault = plan.pick(operation, key)
    error = error_body(429 if fault is Fault.RATE_LIMITED else 500) if fault else b""
    refusal = await misbehaving.before(request, fault, plan, error)
    if refusal is not None:
        return refusal
    scoped = f"{operation}/{key}" if key else ""
    async with provider.answering(scoped):
        known = account.vault_keys.get(scoped, account.now_us()) if key else None
        if known is not None:
            return json_answer(show(known))
        made = make()
        if key:
            account.vault_keys.keep(scoped, made, account.now_us())
        return await misbehaving.after(request, fault, plan, json_answer(show(made), 201), error)


async def get_setup_token(request: web.Request) -> web.StreamResponse:
    """GET /v3/vault/setup-tokens/{id}"""
    provider = request.app[PROVIDER]
    setup = provider.account.setup_token(request.match_info["id"])
    return json_answer(setup_token_json(setup, provider.base_url(request)))


async def show_approval(request: web.Request) -> web.StreamResponse:
    """GET /agreements/approve?approval_session_id=: the page that a payer sees."""
    try:
        setup = _session(request)
    except PayPalError:
        return web.Response(status=404, text="This request is gone.")
    page = _PAGE.format(
        action=escape(str(request.rel_url)),
        shown=escape(setup.shown),
        customer=escape(setup.merchant_customer_id),
        pattern=escape(setup.usage_pattern),
    )
    return web.Response(text=page, content_type="text/html")


async def decide_approval(request: web.Request) -> web.StreamResponse:
    """POST of that page: action=approve|refuse|cancel, then back to the merchant.

    Who cancels may come again until the request expires; who refuses ends it. A scripted payer who
    accepts JSON gets {"status"} in the place of the redirect.
    """
    try:
        setup = _session(request)
    except PayPalError as error:
        return error.response()
    provider = request.app[PROVIDER]
    action = (await request.post()).get("action", "approve")
    if setup.status == "PAYER_ACTION_REQUIRED":
        if action == "approve":
            _approve(provider, setup)
        elif action == "refuse":
            del provider.account.setup_tokens[setup.token_id]
    if "application/json" in request.headers.get("Accept", ""):
        return json_answer({"status": setup.status})
    back = setup.return_url if action == "approve" else setup.cancel_url
    return web.Response(status=303, headers={"Location": back})


def _approve(provider: Provider, setup: SetupToken) -> None:
    setup.status = "APPROVED"
    if setup.vaults_on_approval:
        provider.webhooks.about_token(provider.account.exchange(setup), setup=setup)


def _session(request: web.Request) -> SetupToken:
    provider = request.app[PROVIDER]
    provider.controls.clock.due()
    return provider.account.setup_token(request.query.get("approval_session_id", ""))


async def create_payment_token(request: web.Request) -> web.StreamResponse:
    """POST /v3/vault/payment-tokens: a setup token becomes a token that may be charged."""
    provider = request.app[PROVIDER]
    account = provider.account
    body = await payload(request)
    provider.check_schema("payment-token", body)
    source = object_at(body, "payment_source", "token")
    if source.get("type") != "SETUP_TOKEN":
        field = "/payment_source/token/type"
        raise PayPalError(400, "INVALID_PARAMETER_VALUE", field=field)

    def make() -> str:
        setup = account.setup_token(str(source.get("id", "")))
        token = account.exchange(setup)
        provider.webhooks.about_token(token, setup=setup)
        return token.token_id

    return await _once(
        request,
        "exchange",
        make=make,
        show=lambda known: payment_token_json(
            _token_of(account, known), provider.base_url(request)
        ),
    )


async def list_payment_tokens(request: web.Request) -> web.StreamResponse:
    """GET /v3/vault/payment-tokens?customer_id=: pages of 5 at most, 10 pages at most."""
    provider = request.app[PROVIDER]
    customer_id = request.query.get("customer_id", "")
    if not _CUSTOMER.fullmatch(customer_id):
        raise PayPalError(400, "INVALID_PARAMETER_SYNTAX", field="customer_id")
    size = number_of(request, "page_size", _LARGEST_PAGE, _LARGEST_PAGE)
    page = number_of(request, "page", 1, _MOST_PAGES)
    tokens = provider.account.tokens_of(customer_id)
    shown = tokens[(page - 1) * size : page * size]
    body: dict[str, Any] = {
        "customer": {"id": customer_id},
        "payment_tokens": [
            payment_token_json(token, provider.base_url(request)) for token in shown
        ],
    }
    if request.query.get("total_required") == "true" and tokens:
        listed = min(len(tokens), size * _MOST_PAGES)
        body |= {"total_items": listed, "total_pages": -(-listed // size)}
    return json_answer(body)


async def get_payment_token(request: web.Request) -> web.StreamResponse:
    """GET /v3/vault/payment-tokens/{id}"""
    provider = request.app[PROVIDER]
    return json_answer(payment_token_json(_payment_token(request), provider.base_url(request)))


async def delete_payment_token(request: web.Request) -> web.StreamResponse:
    """DELETE /v3/vault/payment-tokens/{id}; one that is gone already is not found."""
    provider = request.app[PROVIDER]
    plan = provider.controls.faults
    fault = plan.pick("delete-token", request.match_info["id"])
    error = error_body(429 if fault is Fault.RATE_LIMITED else 500) if fault else b""
    refusal = await misbehaving.before(request, fault, plan, error)
    if refusal is not None:
        return refusal
    _end(provider.account, provider.webhooks, _payment_token(request))
    return await misbehaving.after(request, fault, plan, web.Response(status=204), error)


def revoke(account: Account, webhooks: Webhooks, customer_id: str) -> int:
    """The payer ends what one of the merchant's customers agreed to; how many tokens there were."""
    ended = [
        each for each in account.payment_tokens.values() if each.merchant_customer_id == customer_id
    ]
    for token in ended:
        _end(account, webhooks, token)
    return len(ended)


def _end(account: Account, webhooks: Webhooks, token: PaymentToken) -> None:
    webhooks.about_token(token, "DELETED")
    del account.payment_tokens[token.token_id]


def _payment_token(request: web.Request) -> PaymentToken:
    return _token_of(request.app[PROVIDER].account, request.match_info["id"])


def _token_of(account: Account, token_id: str) -> PaymentToken:
    token = account.payment_tokens.get(token_id)
    if token is None:
        raise PayPalError(404, "INVALID_RESOURCE_ID")
    return token
