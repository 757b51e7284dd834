"""Setup tokens, the payer's page, payment tokens.

Sources: reference notes on PayPal, sections 2.1 to 2.4. PayPal's own names for the parameters it
adds to the return URL are not documented in our material, so none are added.
"""

from __future__ import annotations

from html import escape

from aiohttp import web

from infrastructure.simulators import misbehaving
from infrastructure.simulators.faults import Fault
from infrastructure.simulators.paypal.errors import PayPalError, error_body
from infrastructure.simulators.paypal.provider import PROVIDER, json_answer, payload
from infrastructure.simulators.paypal.records import PaymentToken, SetupToken
from infrastructure.simulators.paypal.resources import payment_token_json, setup_token_json
from infrastructure.simulators.paypal.state import Account
from infrastructure.simulators.paypal.validation import (
    check_plan,
    check_usage_pattern,
    object_at,
)
from infrastructure.simulators.paypal.webhooks import Webhooks

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Simulated PayPal</title></head><body>
<h1>Approve a recurring payment</h1>
<p>Customer {customer}, {pattern}. This is a simulator: no money is real.</p>
<form method="post"><button name="action" value="approve">Approve</button>
<button name="action" value="cancel">Cancel</button></form>
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
    key = request.headers.get("PayPal-Request-Id", "")
    plan = provider.controls.faults
    fault = plan.pick("token", key)
    error = error_body(429 if fault is Fault.RATE_LIMITED else 500) if fault else b""
    refusal = await misbehaving.before(request, fault, plan, error)
    if refusal is not None:
        return refusal
    known = account.vault_keys.get("setup/" + key, account.now_us()) if key else None
    if known is not None:
        return json_answer(setup_token_json(account.setup_token(known), provider.base_url(request)))
    customer = body.get("customer") if isinstance(body, dict) else None
    setup = account.new_setup_token(
        merchant_customer_id=str((customer or {}).get("merchant_customer_id", "")),
        usage_pattern=pattern,
        return_url=str(context["return_url"]),
        cancel_url=str(context["cancel_url"]),
    )
    if key:
        account.vault_keys.keep("setup/" + key, setup.token_id, account.now_us())
    answer = json_answer(setup_token_json(setup, provider.base_url(request)), 201)
    return await misbehaving.after(request, fault, plan, answer, error)


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
        customer=escape(setup.merchant_customer_id), pattern=escape(setup.usage_pattern)
    )
    return web.Response(text=page, content_type="text/html")


async def decide_approval(request: web.Request) -> web.StreamResponse:
    """POST of that page: action=approve|cancel, then back to the merchant.

    A scripted payer who accepts JSON gets {"status"} in the place of the redirect.
    """
    try:
        setup = _session(request)
    except PayPalError as error:
        return error.response()
    approves = (await request.post()).get("action", "approve") == "approve"
    if approves and setup.status == "PAYER_ACTION_REQUIRED":
        setup.status = "APPROVED"
    if "application/json" in request.headers.get("Accept", ""):
        return json_answer({"status": setup.status})
    return web.Response(
        status=303, headers={"Location": setup.return_url if approves else setup.cancel_url}
    )


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
    key = request.headers.get("PayPal-Request-Id", "")
    plan = provider.controls.faults
    fault = plan.pick("exchange", key)
    error = error_body(429 if fault is Fault.RATE_LIMITED else 500) if fault else b""
    refusal = await misbehaving.before(request, fault, plan, error)
    if refusal is not None:
        return refusal
    known = account.vault_keys.get("payment/" + key, account.now_us()) if key else None
    if known is not None:
        token = _token_of(account, known)
        return json_answer(payment_token_json(token, provider.base_url(request)))
    token = account.exchange(account.setup_token(str(source.get("id", ""))))
    if key:
        account.vault_keys.keep("payment/" + key, token.token_id, account.now_us())
    rendered = payment_token_json(token, provider.base_url(request))
    provider.webhooks.about_token(rendered)
    return await misbehaving.after(request, fault, plan, json_answer(rendered, 201), error)


async def list_payment_tokens(request: web.Request) -> web.StreamResponse:
    """GET /v3/vault/payment-tokens?customer_id="""
    provider = request.app[PROVIDER]
    customer_id = request.query.get("customer_id", "")
    tokens = [
        payment_token_json(token, provider.base_url(request))
        for token in provider.account.payment_tokens.values()
        if token.customer_id == customer_id
    ]
    return json_answer({"customer": {"id": customer_id}, "payment_tokens": tokens})


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
    provider.base_url(request)
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
    webhooks.about_token(payment_token_json(token, webhooks.base_url), "DELETED")
    del account.payment_tokens[token.token_id]


def _payment_token(request: web.Request) -> PaymentToken:
    return _token_of(request.app[PROVIDER].account, request.match_info["id"])


def _token_of(account: Account, token_id: str) -> PaymentToken:
    token = account.payment_tokens.get(token_id)
    if token is None:
        raise PayPalError(404, "INVALID_RESOURCE_ID")
    return token
