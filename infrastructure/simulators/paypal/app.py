"""The PayPal simulator as a web application."""

from __future__ import annotations

from json import JSONDecodeError

from aiohttp import web

from infrastructure.simulators.book import Book
from infrastructure.simulators.clock import SimulatorClock
from infrastructure.simulators.deliveries import Deliveries
from infrastructure.simulators.paypal import authorizations, orders, refunds, reports, vault
from infrastructure.simulators.paypal.options import PayPalOptions
from infrastructure.simulators.paypal.provider import (
    PROVIDER,
    Provider,
    guarded,
    issue_access_token,
    json_answer,
    payload,
)
from infrastructure.simulators.paypal.state import Account
from infrastructure.simulators.paypal.validation import Schemas, object_at
from infrastructure.simulators.paypal.webhooks import (
    CERTIFICATE_PATH,
    Webhooks,
    signed_text,
    signer,
)
from infrastructure.simulators.serving import Controls, add_controls


def build_paypal_simulator(options: PayPalOptions | None = None) -> web.Application:
    """A PayPal with one merchant account.

    Besides PayPal's own calls it has the control endpoints of serving.py, `POST /_webhooks`
    {"url", "webhook_id"}, and `GET /_root.pem`, the root that its webhook certificate chains to.
    """
    options = options or PayPalOptions()
    controls = Controls(
        book=Book(options.book),
        clock=SimulatorClock(),
        deliveries=Deliveries(),
        faults=options.faults,
    )
    account = Account(options, controls)
    webhooks = Webhooks(account, options.webhook_url, options.webhook_id)
    account.on_completed = webhooks.about_order
    account.on_refund_ended = webhooks.about_refund
    controls.revoke = lambda customer_id: vault.revoke(account, webhooks, customer_id)
    app = web.Application(client_max_size=1024 * 1024)
    app[PROVIDER] = Provider(
        options=options,
        controls=controls,
        account=account,
        webhooks=webhooks,
        schemas=Schemas(options.specs)
        if options.validation == "strict" and options.specs is not None
        else None,
    )
    add_controls(app, controls)
    _add_routes(app)
    return app


def _add_routes(app: web.Application) -> None:
    add = app.router.add_route
    add("POST", "/v2/checkout/orders", guarded(orders.create_order, mockable=True))
    add("GET", "/v2/checkout/orders/{id}", guarded(orders.get_order, mockable=True))
    add("GET", "/v2/payments/captures/{id}", guarded(orders.get_capture, mockable=True))
    add("POST", "/v2/payments/captures/{id}/refund", guarded(refunds.refund_capture, mockable=True))
    add("GET", "/v2/payments/refunds/{id}", guarded(refunds.get_refund, mockable=True))
    authorization = "/v2/payments/authorizations/{id}"
    add("GET", authorization, guarded(authorizations.get_authorization, mockable=True))
    capture = guarded(authorizations.capture_authorization, mockable=True)
    add("POST", f"{authorization}/capture", capture)
    add("POST", f"{authorization}/reauthorize", guarded(authorizations.reauthorize))
    add("POST", f"{authorization}/void", guarded(authorizations.void_authorization, mockable=True))
    add("POST", "/v3/vault/setup-tokens", guarded(vault.create_setup_token))
    add("GET", "/v3/vault/setup-tokens/{id}", guarded(vault.get_setup_token))
    add("POST", "/v3/vault/payment-tokens", guarded(vault.create_payment_token))
    add("GET", "/v3/vault/payment-tokens", guarded(vault.list_payment_tokens))
    add("GET", "/v3/vault/payment-tokens/{id}", guarded(vault.get_payment_token))
    add("DELETE", "/v3/vault/payment-tokens/{id}", guarded(vault.delete_payment_token))
    add("GET", "/v1/reporting/transactions", guarded(reports.search_transactions))
    add("POST", "/v1/notifications/verify-webhook-signature", guarded(_verify_signature))
    add("POST", "/v1/oauth2/token", issue_access_token)
    add("GET", "/agreements/approve", vault.show_approval)
    add("POST", "/agreements/approve", vault.decide_approval)
    add("GET", CERTIFICATE_PATH, _certificate)
    add("GET", "/_root.pem", _root)
    add("POST", "/_webhooks", _set_webhooks)


async def _certificate(_: web.Request) -> web.Response:
    return web.Response(body=signer().chain_pem, content_type="application/x-pem-file")


async def _root(_: web.Request) -> web.Response:
    return web.Response(body=signer().root_pem, content_type="application/x-pem-file")


async def _set_webhooks(request: web.Request) -> web.Response:
    webhooks = request.app[PROVIDER].webhooks
    try:
        body = await request.json()
        webhooks.url = str(body["url"])
        webhooks.webhook_id = str(body.get("webhook_id", webhooks.webhook_id))
    except (JSONDecodeError, KeyError, TypeError, AttributeError):
        return web.json_response({"error": 'give {"url", "webhook_id"}'}, status=400)
    request.app[PROVIDER].base_url(request)
    return web.json_response({"url": webhooks.url, "webhook_id": webhooks.webhook_id})


async def _verify_signature(request: web.Request) -> web.StreamResponse:
    """POST /v1/notifications/verify-webhook-signature

    The event is checked over its bytes as sent: like PayPal, this one refuses a message that was
    parsed and written again in another way.
    """
    body = object_at(await payload(request))
    raw = await request.read()
    _, _, event = raw.partition(b'"webhook_event":')
    event = event.strip().removesuffix(b"}").strip()
    text = signed_text(
        str(body.get("transmission_id", "")),
        str(body.get("transmission_time", "")),
        str(body.get("webhook_id", "")),
        event,
    )
    holds = signer().holds(str(body.get("transmission_sig", "")), text)
    return json_answer({"verification_status": "SUCCESS" if holds else "FAILURE"})
