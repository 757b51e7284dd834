"""The PayPal gateway: one merchant account, the domain's questions, PayPal's answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import httpx

from domain.dispute_ports import DisputeAnswer
from domain.ports import (
    CaptureOrder,
    ChargeAnswer,
    ChargeOrder,
    ChargeQuery,
    Declined,
    Hint,
    LookUpAnswer,
    NotDone,
    RawCallback,
    Secret,
    StillOpen,
    TokenAnswer,
    TokenDenied,
    TokenGone,
    TokenHeld,
    TokenOfferAnswer,
    TokenOrder,
    TokenQuery,
    Unknown,
)
from domain.refund_ports import (
    RefundAnswer,
    RefundLookUpAnswer,
    RefundOrder,
    RefundQuery,
    VoidAnswer,
    VoidOrder,
)
from domain.refusals import Refused
from domain.subscription.events import DeclineClass, Instrument
from infrastructure.gateways.access import FetchedToken
from infrastructure.gateways.exchange import Call, Exchange, NoAnswer, NotSent, Reply
from infrastructure.gateways.http import ProviderHttp
from infrastructure.gateways.paypal import declines, disputes, orders, vault, webhooks
from infrastructure.gateways.paypal.account import PayPalAccount
from infrastructure.gateways.paypal.calls import AUTHORIZATIONS, ORDERS, is_id, post
from infrastructure.gateways.paypal.certificates import Certificates
from infrastructure.gateways.paypal.declines import refusal_of
from infrastructure.gateways.paypal.lookups import LookUps
from infrastructure.gateways.paypal.presenting import Presentation
from infrastructure.gateways.paypal.refunds import Refunds
from infrastructure.gateways.paypal.reports import TransactionReports
from infrastructure.gateways.paypal.reservations import Reservations
from infrastructure.gateways.paypal.wire import fetch_token, mapping, not_done, unknown

SETUP_TOKENS = "/v3/vault/setup-tokens"
PAYMENT_TOKENS = "/v3/vault/payment-tokens"


class PayPalGateway:
    """Implements domain.ports.Gateway for one account.

    now: UTC instant; lives of access tokens and certificates are judged by it.
    transport: another httpx transport, for tests.
    digest: of a token's name, as the token vault makes it; without it no notice finds its token.
    """

    def __init__(
        self,
        account: PayPalAccount,
        *,
        now: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
        digest: Callable[[str], bytes] = lambda _: b"",
    ) -> None:
        self._account = account
        self._digest = digest
        self._now = now
        self._http = ProviderHttp(
            provider="paypal",
            account=account.name,
            base_url=account.base_url,
            now=now,
            fetch_token=self._fetch_token,
            policy=account.http,
            debug_header="paypal-debug-id",
            transport=transport,
        )
        reports = TransactionReports(self._http)
        self._look_ups = LookUps(self._http, reports, now)
        self._refunds = Refunds(self._http, reports, now)
        self._reservations = Reservations(self._http, now)
        self._certificates = Certificates(account, self._http, now)

    async def request_token(
        self, order: TokenOrder, presentation: Presentation | None = None
    ) -> TokenOfferAnswer:
        """Create a setup token. PayPal keeps the key for 3 hours.

        presentation: of this request; None for the account's.
        Source: "Recurring payments module"; OpenAPI vault_payment_tokens_v3.
        """
        today = self._now().astimezone(UTC).date()
        try:
            body = vault.setup_token_json(order, self._account, today, presentation)
        except Refused as refused:
            return TokenDenied(code=refused.code.upper(), message=refused.reason)
        answer = await self._post(SETUP_TOKENS, SETUP_TOKENS, body, str(order.request_id))
        if isinstance(answer, Reply):
            return vault.offer_of(answer, self._now())
        return not_done(answer) if isinstance(answer, NotSent) else unknown(answer)

    async def complete_token(self, query: TokenQuery) -> TokenAnswer:
        """Read the setup token; once approved, exchange it, under a key of its own.

        An exchange that was made before is the same token while PayPal keeps the key (3 hours),
        and is found in the customer's list after that.
        """
        if not query.provider_ref.replace("-", "").replace("_", "").isalnum():
            return TokenDenied(code="INVALID_RESOURCE_ID", message="not an id of PayPal's")
        answer = await self._get(f"{SETUP_TOKENS}/{query.provider_ref}", f"{SETUP_TOKENS}/{{id}}")
        if isinstance(answer, NotSent):
            return not_done(answer)
        if isinstance(answer, NoAnswer):
            return unknown(answer)
        if answer.status >= 400:
            refusal = refusal_of(answer.data)
            return TokenDenied(code=refusal.code, message=refusal.message)
        setup = mapping(answer.data)
        if setup.get("status") in vault.WAITING:
            return StillOpen()
        if setup.get("status") not in vault.APPROVED:
            return Unknown(reason="setup token in a state we do not know")
        return await self._exchange(query, str(mapping(setup.get("customer")).get("id", "")))

    async def charge(self, order: ChargeOrder) -> ChargeAnswer:
        """Create one order against the vaulted token; it captures or authorises in one step.

        The attempt id goes out as PayPal-Request-Id, which PayPal keeps for 6 hours.
        Returns: Captured or Authorized with PayPal's own amount and time; Declined for a refusal
            that PayPal names and we know; Unknown for a pending payment, a state conflict, an
            issue we do not know, and every answer that is none.
        Source: "Recurring payments module"; OpenAPI checkout_orders_v2.
        """
        try:
            body = orders.order_json(order, self._account.soft_descriptor)
        except Refused as refused:
            return _not_payable(refused)
        answer = await self._post(ORDERS, ORDERS, body, str(order.attempt_id))
        return self._meaning(answer, orders.order_answer)

    async def capture(self, order: CaptureOrder) -> ChargeAnswer:
        """Capture an authorisation, in full or in part; PayPal keeps the key for 45 days.

        Source: OpenAPI payments_payment_v2.
        """
        if not is_id(order.authorization_ref):
            return Unknown(reason="not an id of PayPal's")
        try:
            body = orders.capture_json(order, self._account.soft_descriptor)
        except Refused as refused:
            return _not_payable(refused)
        answer = await self._post(
            f"{AUTHORIZATIONS}{order.authorization_ref}/capture",
            f"{AUTHORIZATIONS}{{id}}/capture",
            body,
            str(order.capture_id),
        )
        return self._meaning(answer, orders.capture_answer)

    async def look_up(self, query: ChargeQuery) -> LookUpAnswer:
        """Read what we have an id of, else search the transaction report; only GETs.

        The report runs up to 3 hours late: a NotFound before that proves nothing.
        """
        return await self._look_ups.find(query)

    async def reauthorize(self, order: CaptureOrder) -> ChargeAnswer:
        """Renew a reservation whose three days of honour are over, once, from day 4 to 29.

        The key is made of the capture's. Returns: Authorized under a new id, which is what is
            captured then; Declined where PayPal does not renew it: what was reserved still is.
        Source: OpenAPI payments_payment_v2.
        """
        return await self._reservations.renew(order)

    async def refund(self, order: RefundOrder) -> RefundAnswer:
        """Give a capture back, in part or in full; PayPal keeps the key for 45 days.

        Returns: Refunded for a refund that is COMPLETED, with PayPal's own amount and time;
            RefundDenied for one that failed, or a refusal that we know and that no earlier sending
            explains; Unknown with its id while it is pending, and for every answer that is none.
        Source: OpenAPI payments_payment_v2.
        """
        return await self._refunds.refund(order)

    async def look_up_refund(self, query: RefundQuery) -> RefundLookUpAnswer:
        """Read the refund, or those of its charge's order, else the report; only GETs.

        The order shows a refund at once. The report, up to 3 hours late, is searched where the
        charge or its order cannot be found.
        """
        return await self._refunds.find(query)

    async def look_up_dispute(self, dispute_ref: str) -> DisputeAnswer:
        """Read a dispute. Source: OpenAPI customer_disputes_v1."""
        return await disputes.look_up(self._http, dispute_ref, self._now())

    async def void(self, order: VoidOrder) -> VoidAnswer:
        """Let an authorisation go; PayPal keeps the key for 45 days.

        Returns: Voided also for one that was let go before, or ended by its age.
        Source: OpenAPI payments_payment_v2.
        """
        return await self._reservations.void(order)

    async def delete_token(
        self,
        token: Secret,
        instrument: Instrument,  # noqa: ARG002 - every token of PayPal's is deleted alike
    ) -> TokenGone | Unknown | NotDone:
        """Delete a payment token: 204, or 404 where it is gone already.

        Source: OpenAPI vault_payment_tokens_v3.
        """
        token_id = token.reveal()
        if not is_id(token_id.replace("_", "-")):
            return NotDone(reason="not a token of PayPal's")
        path = f"{PAYMENT_TOKENS}/{token_id}"
        answer = await self._http.send(
            Call(method="DELETE", path=path, template=f"{PAYMENT_TOKENS}/{{id}}")
        )
        if isinstance(answer, NotSent):
            return not_done(answer)
        if isinstance(answer, NoAnswer):
            return unknown(answer)
        if answer.status in (204, 404):
            return TokenGone()
        return Unknown(reason=f"HTTP {answer.status} to a deletion")

    async def look_up_token(
        self,
        token: Secret,
        instrument: Instrument,  # noqa: ARG002 - every token of PayPal's is read alike
    ) -> TokenGone | TokenHeld | Unknown | NotDone:
        """Read a payment token: 200 while it is held, 404 once it is gone.

        Source: OpenAPI vault_payment_tokens_v3.
        """
        token_id = token.reveal()
        if not is_id(token_id.replace("_", "-")):
            return NotDone(reason="not a token of PayPal's")
        answer = await self._get(f"{PAYMENT_TOKENS}/{token_id}", f"{PAYMENT_TOKENS}/{{id}}")
        if isinstance(answer, NotSent):
            return not_done(answer)
        if isinstance(answer, NoAnswer):
            return unknown(answer)
        if answer.status == 404:
            return TokenGone()
        shown = mapping(answer.data).get("id")
        if answer.status == 200 and shown == token_id:
            return TokenHeld()
        return Unknown(reason=f"HTTP {answer.status} to a look at a token")

    async def verify(self, callback: RawCallback) -> Hint:
        """Check a webhook. Raises: CallbackRejected, see webhooks.verify.

        A refund made by hand may bear no invoice id: its capture, which is read, names the charge.
        """
        hint = await webhooks.verify(callback, self._account, self._certificates, self._http)
        token, ended = webhooks.token_in(callback.body)
        if token:
            return attrs.evolve(hint, token_digest=self._digest(token), token_ended=ended)
        if hint.reference or hint.charge_ref or hint.dispute_ref:
            return hint
        capture_id = webhooks.capture_behind(callback.body)
        return attrs.evolve(hint, reference=await self._look_ups.reference_of(capture_id))

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    async def _exchange(self, query: TokenQuery, customer_id: str) -> TokenAnswer:
        source = {"payment_source": {"token": {"id": query.provider_ref, "type": "SETUP_TOKEN"}}}
        key = vault.exchange_key(query.request_id)
        answer = await self._post(PAYMENT_TOKENS, PAYMENT_TOKENS, source, key)
        if isinstance(answer, NotSent):
            return not_done(answer)
        if isinstance(answer, NoAnswer):
            return unknown(answer)
        issues = refusal_of(answer.data).issues if answer.status >= 400 else ()
        if "SETUP_TOKEN_ALREADY_TOKENIZED" not in issues or not customer_id:
            return vault.token_of(answer)
        listed = await self._get(
            PAYMENT_TOKENS, PAYMENT_TOKENS, {"customer_id": customer_id, "page_size": "5"}
        )
        if isinstance(listed, Reply):
            return vault.only_token_of(listed)
        return not_done(listed) if isinstance(listed, NotSent) else unknown(listed)

    def _meaning(
        self, answer: Exchange, of: Callable[[Reply, datetime], ChargeAnswer]
    ) -> ChargeAnswer:
        if isinstance(answer, NotSent):
            return declines.of_the_payer(answer) or not_done(answer)
        if isinstance(answer, NoAnswer):
            return unknown(answer)
        return of(answer, self._now())

    async def _fetch_token(self) -> FetchedToken | NotSent | NoAnswer:
        return await fetch_token(self._http, self._account)

    async def _post(self, path: str, template: str, body: dict[str, Any], key: str) -> Exchange:
        return await post(self._http, path, template, body, key)

    async def _get(self, path: str, template: str, query: dict[str, str] | None = None) -> Exchange:
        return await self._http.send(
            Call(method="GET", path=path, template=template, query=query or {})
        )


def _not_payable(refused: Refused) -> Declined:
    """An amount that PayPal cannot take was never sent: a definite no, and our own fault."""
    return Declined(
        decline=DeclineClass.MERCHANT,
        code="DECIMALS_NOT_SUPPORTED",
        message=refused.reason[:200],
    )
