"""The PayPal simulator as a web application."""

from __future__ import annotations

from json import JSONDecodeError

from aiohttp import web

from infrastructure.simulators.book import Book
from infrastructure.simulators.clock import SimulatorClock
from infrastructure.simulators.deliveries import Deliveries
from infrastructure.simulators.paypal import (
    authorizations,
    disputes,
    orders,
    postback,
    refunds,
    reports,
    vault,
)
from infrastructure.simulators.paypal.options import PayPalOptions
from infrastructure.simulators.paypal.provider import (
    PROVIDER,
    Provider,
    guarded,
    issue_access_token,
)
from infrastructure.simulators.paypal.state import Account
from infrastructure.simulators.paypal.validation import Schemas
from infrastructure.simulators.paypal.webhooks import (
    CERTIFICATE_PATH,
    Webhooks,
    signer,
)
from infrastructure.simulators.serving import Controls, add_controls


def build_paypal_simulator(options: PayPalOptions | None = None) -> web.Application:
    """A PayPal with one merchant account.

    Besides PayPal's own calls it has the control endpoints of serving.py, `POST /_webhooks`
    {"url", "webhook_id"}, `GET /_root.pem`, the root that its webhook certificate chains to, and
    those by which payers dispute and money is taken back (disputes.py).
    """
    options = options or PayPalOptions()
    controls = Controls(
        book=Book(options.book),
        clock=SimulatorClock(),
        deliveries=Deliveries(tries=options.webhook_tries, pause_s=options.webhook_pause_s),
        faults=options.faults,
    )
    account = Account(options, controls)
    webhooks = Webhooks(account, options.webhook_url, options.webhook_id)
    account.on_completed = webhooks.about_order
    account.on_refund_ended = webhooks.about_refund
    account.contested.told = webhooks.about_dispute
    account.contested.told_of_reversal = webhooks.about_reversal
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
    add("GET", "/v1/customer/disputes", guarded(disputes.list_disputes))
    add("GET", "/v1/customer/disputes/{id}", guarded(disputes.get_dispute))
    add("GET", "/v1/reporting/transactions", guarded(reports.search_transactions))
    add("POST", "/v1/notifications/verify-webhook-signature", guarded(postback.verify_signature))
    add("POST", "/v1/oauth2/token", issue_access_token)
    add("GET", "/agreements/approve", vault.show_approval)
    add("POST", "/agreements/approve", vault.decide_approval)
    add("GET", CERTIFICATE_PATH, _certificate)
    add("GET", "/_root.pem", _root)
    add("POST", "/_webhooks", _set_webhooks)
    add("POST", "/_disputes", disputes.post_dispute)
    add("POST", "/_disputes/{id}", disputes.move_dispute)
    add("POST", "/_reversals", disputes.post_reversal)


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
