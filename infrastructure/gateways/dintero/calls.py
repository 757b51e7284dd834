"""The calls that we make to Dintero, and its HTTP errors. What answers mean is told elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import date, datetime
from urllib.parse import quote

import httpx

from domain.ports import Declined, NotDone, Secret, Unknown
from domain.subscription.events import DeclineClass
from infrastructure.gateways.access import FetchedToken
from infrastructure.gateways.dintero.account import DinteroAccount
from infrastructure.gateways.dintero.declines import MESSAGE_CHARS, REFUSED_STATUS
from infrastructure.gateways.dintero.requests import STRICT_AMOUNTS, STRICT_REFERENCE
from infrastructure.gateways.dintero.transactions import table, text
from infrastructure.gateways.exchange import Call, Exchange, NoAnswer, NotSent, Reply
from infrastructure.gateways.http import HttpPolicy, ProviderHttp

SYSTEM_HEADERS = {"Dintero-System-Name": "billing-ledger", "Dintero-System-Version": "0.1.0"}
TOKEN_PATH = "/v1/sessions/payment-token"  # noqa: S105
PAYMENT_PATH = "/v1/sessions-profile"
PAY_PATH = "/v1/sessions/pay"


class DinteroCalls:
    """One account's calls; each is one exchange, with at most one POST. See http.py for limits."""

    def __init__(
        self,
        account: DinteroAccount,
        *,
        now: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None,
        policy: HttpPolicy | None,
    ) -> None:
        self._account = account
        self._http = ProviderHttp(
            provider="dintero",
            account=account.name,
            base_url=account.base_url,
            now=now,
            fetch_token=self._fetch_access_token,
            policy=policy,
            debug_header="request-id",
            transport=transport,
        )

    async def make_token_session(self, body: Mapping[str, object], reference: str) -> Exchange:
        """Make a page where a payer enters a card."""
        return await self._post(TOKEN_PATH, TOKEN_PATH, body, reference)

    async def make_payment_session(self, body: Mapping[str, object], reference: str) -> Exchange:
        """Make a page where a payer pays. Its sums have to be right, or it is refused."""
        return await self._post(PAYMENT_PATH, PAYMENT_PATH, body, reference, STRICT_AMOUNTS)

    async def pay(self, body: Mapping[str, object], reference: str) -> Exchange:
        """Create and pay a session; refused if any session has used the reference."""
        return await self._post(PAY_PATH, PAY_PATH, body, reference, STRICT_REFERENCE)

    async def capture(
        self, transaction_id: str, body: Mapping[str, object], capture_reference: str
    ) -> Exchange:
        """Capture a transaction."""
        path = f"/v1/transactions/{_quoted(transaction_id)}/capture"
        return await self._post(path, "/v1/transactions/{id}/capture", body, capture_reference)

    async def refund(
        self, transaction_id: str, body: Mapping[str, object], refund_reference: str
    ) -> Exchange:
        """Give back what was captured of a transaction."""
        path = f"/v1/transactions/{_quoted(transaction_id)}/refund"
        return await self._post(path, "/v1/transactions/{id}/refund", body, refund_reference)

    async def void(self, transaction_id: str, reference: str) -> Exchange:
        """Let go of a transaction's reservation; the call has no body."""
        path = f"/v1/transactions/{_quoted(transaction_id)}/void"
        return await self._post(path, "/v1/transactions/{id}/void", None, reference)

    async def token(self, token_id: str) -> Exchange:
        """One stored card. token_id: the id that cannot be charged."""
        return await self._get(f"/v1/card-tokens/{_quoted(token_id)}", "/v1/card-tokens/{id}")

    async def delete_token(self, token_id: str, body: Mapping[str, object]) -> Exchange:
        """Forget a stored card. token_id: the id that cannot be charged."""
        call = Call(
            method="DELETE",
            path=f"/v1/card-tokens/{_quoted(token_id)}",
            template="/v1/card-tokens/{id}",
            json=body,
            headers=SYSTEM_HEADERS,
        )
        return await self._http.send(call)

    async def session(self, session_id: str) -> Exchange:
        """One session."""
        return await self._get(f"/v1/sessions/{_quoted(session_id)}", "/v1/sessions/{id}")

    async def sessions(self, reference: str) -> Exchange:
        """Sessions that have something to do with a reference; the caller picks the exact ones."""
        query = {"search": reference, "limit": "100"}
        return await self._get("/v1/sessions", "/v1/sessions", query)

    async def transaction(self, transaction_id: str, *includes: str) -> Exchange:
        """One transaction, with what it shows on request only."""
        wanted = "&".join(f"includes={name}" for name in includes)
        path = f"/v1/transactions/{_quoted(transaction_id)}{'?' if wanted else ''}{wanted}"
        return await self._get(path, "/v1/transactions/{id}")

    async def transactions(self, reference: str) -> Exchange:
        """Transactions that bear a reference."""
        query = {"merchant_reference": reference, "limit": "100"}
        return await self._get("/v1/transactions", "/v1/transactions", query)

    async def settlements(
        self, since: date, until: date, limit: int, after_id: str = "", after_date: str = ""
    ) -> Exchange:
        """A page of what was settled on these days. after_*: the last one of the page before."""
        query = {
            "created_at.gte": since.isoformat(),
            "created_at.lte": until.isoformat(),
            "limit": str(limit),
        }
        if after_id:
            query |= {"starting_after_id": after_id, "starting_after_date": after_date}
        return await self._get(self._settlements(), "/v1/accounts/{id}/settlements", query)

    async def settlement_file(self, settlement_id: str, file_id: str, largest: int) -> Exchange:
        """A file of a settlement, as it is. largest: bytes."""
        path = f"{self._settlements()}/{_quoted(settlement_id)}/attachments/{_quoted(file_id)}"
        call = Call(
            method="GET",
            path=path,
            template="/v1/accounts/{id}/settlements/{id}/attachments/{id}",
            headers={**SYSTEM_HEADERS, "Accept": "*/*"},
            raw_bytes=largest,
        )
        return await self._http.send(call)

    def _settlements(self) -> str:
        return f"{self._account.api_url}/v1/accounts/{self._account.account_id}/settlements"

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    async def _get(
        self, path: str, template: str, query: Mapping[str, str] | None = None
    ) -> Exchange:
        call = Call(
            method="GET", path=path, template=template, query=query or {}, headers=SYSTEM_HEADERS
        )
        return await self._http.send(call)

    async def _post(
        self,
        path: str,
        template: str,
        body: Mapping[str, object] | None,
        key: str,
        headers: Mapping[str, str] | None = None,
    ) -> Exchange:
        call = Call(
            method="POST",
            path=path,
            template=template,
            json=body,
            headers={**SYSTEM_HEADERS, **(headers or {})},
            key=key,
        )
        return await self._http.send(call)

    async def _fetch_access_token(self) -> FetchedToken | NotSent | NoAnswer:
        account = self._account
        pair = f"{account.client_id}:{account.client_secret.reveal()}"
        basic = base64.b64encode(pair.encode()).decode()
        call = Call(
            method="POST",
            path=f"{account.auth_url}/v1/accounts/{account.account_id}/auth/token",
            template="/v1/accounts/{id}/auth/token",
            json={"grant_type": "client_credentials", "audience": account.token_audience},
            headers={**SYSTEM_HEADERS, "Authorization": f"Basic {basic}"},
            authenticated=False,
        )
        exchange = await self._http.send(call)
        if not isinstance(exchange, Reply):
            return exchange
        token = text(table(exchange.data).get("access_token"))
        lifetime_s = table(exchange.data).get("expires_in")
        if exchange.status != 200 or not token or type(lifetime_s) is not int:
            return NotSent(reason=f"HTTP {exchange.status} without a token", status=exchange.status)
        return FetchedToken(token=Secret(token), lifetime_s=float(lifetime_s))


def _quoted(identifier: str) -> str:
    return quote(identifier, safe="")


def without_reply(exchange: NotSent | NoAnswer, provider_ref: str = "") -> NotDone | Unknown:
    """The answer of the port to an exchange that brought no answer of Dintero's."""
    if isinstance(exchange, NotSent):
        return NotDone(reason=exchange.reason, retry_after_s=exchange.retry_after_s)
    return Unknown(reason=exchange.reason, provider_ref=provider_ref)


def accepted(reply: Reply) -> str:
    """A 2xx that is no result yet, in words. 202 names the request whose event will tell."""
    request = accepted_request(reply)
    return f"HTTP {reply.status}, accepted only" + (f", request {request}" if request else "")


def accepted_request(reply: Reply) -> str:
    """The request id that a 202 names, or ""."""
    return reply.headers.get("event-request-id", "")[:64]


def refusal(reply: Reply) -> tuple[str, str] | None:
    """Code and words of an HTTP answer that is a definite no; None for any other."""
    words = REFUSED_STATUS.get(reply.status)
    if words is None:
        return None
    code, message = http_error(reply)
    return code, words if message == f"HTTP {reply.status}" else message


def http_error(reply: Reply) -> tuple[str, str]:
    """Code and message of an HTTP error: {"error": {"message", "code"?, "errors"?}}."""
    error = table(table(reply.data).get("error"))
    code = text(error.get("code")) or f"HTTP_{reply.status}"
    message = text(error.get("message")) or f"HTTP {reply.status}"
    return code.upper()[:64], message[:MESSAGE_CHARS]


def ours_to_mend(code: str, message: str, provider_ref: str = "") -> Declined:
    """A definite no for which our request or our account is at fault."""
    return Declined(
        decline=DeclineClass.MERCHANT, code=code, message=message, provider_ref=provider_ref
    )
