"""A bare client of the PayPal simulator: what a test says is what goes over the wire."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from infrastructure.simulators.paypal.app import build_paypal_simulator
from infrastructure.simulators.paypal.options import PayPalOptions
from infrastructure.simulators.serving import Controls, start
from tests.gateways.bench import START

# Reading the roots of TLS for each client would take longer than the tests.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

CLIENT = httpx.BasicAuth("simulated-client", "simulated-secret")


class Client:
    """Calls with access; `controls` is the simulator's inside."""

    def __init__(self, http: httpx.AsyncClient, controls: Controls) -> None:
        self.http = http
        self.controls = controls

    async def sign_in(self) -> None:
        """Take an access token and put it on every call from now on."""
        answer = await self.http.post(
            "/v1/oauth2/token", auth=CLIENT, data={"grant_type": "client_credentials"}
        )
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def vaulted(self) -> str:
        """A payment token."""
        setup = (await self.post("/v3/vault/setup-tokens", setup_token())).json()
        await self.http.post(
            f"/agreements/approve?approval_session_id={setup['id']}", data={"action": "approve"}
        )
        source = {"payment_source": {"token": {"id": setup["id"], "type": "SETUP_TOKEN"}}}
        return str((await self.post("/v3/vault/payment-tokens", source)).json()["id"])

    async def post(self, path: str, body: object, key: str = "", **headers: str) -> httpx.Response:
        """POST JSON under a key. Underscores in names of headers stand for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            named["PayPal-Request-Id"] = key
        return await self.http.post(path, json=body, headers=named)

    async def order(
        self, token: str, reference: str, key: str = "", **changes: Any
    ) -> httpx.Response:
        """Create an order and ask for all of it."""
        return await self.post(
            "/v2/checkout/orders",
            order(token, reference, **changes),
            key or f"key-{reference}",
            Prefer="return=representation",
        )


def setup_token(**wallet: Any) -> dict[str, Any]:
    """The body of a token request."""
    context = {"return_url": "https://s.example/r", "cancel_url": "https://s.example/c"}
    paypal = {"usage_pattern": "SUBSCRIPTION_PREPAID", "experience_context": context, **wallet}
    return {
        "customer": {"merchant_customer_id": "customer-1"},
        "payment_source": {"paypal": paypal},
    }


def order(
    token: str,
    reference: str,
    value: str = "29.85",
    currency: str = "USD",
    intent: str = "CAPTURE",
) -> dict[str, Any]:
    """The body of an order against a vaulted token."""
    credential = {
        "payment_initiator": "MERCHANT",
        "usage": "SUBSEQUENT",
        "usage_pattern": "SUBSCRIPTION_PREPAID",
    }
    return {
        "intent": intent,
        "purchase_units": [
            {
                "invoice_id": reference,
                "custom_id": f"key-{reference}",
                "amount": {"currency_code": currency, "value": value},
            }
        ],
        "payment_source": {"paypal": {"vault_id": token, "stored_credential": credential}},
    }


def simulated(test: Callable[[Client], Awaitable[None]], **options: Any) -> None:
    """Run a test against a fresh simulator whose clock stands at START."""

    async def main() -> None:
        served = await start(build_paypal_simulator(PayPalOptions(**options)))
        served.controls.clock.set(START)
        async with httpx.AsyncClient(base_url=served.base_url, verify=NO_TLS) as http:
            client = Client(http, served.controls)
            await client.sign_in()
            try:
                await test(client)
            finally:
                await served.close()

    asyncio.run(main())


def issue(answer: httpx.Response) -> tuple[int, str]:
    """Status and first issue (or the name) of an error answer."""
    body = answer.json()
    details = body.get("details") or [{"issue": body.get("name", body.get("error", ""))}]
    return answer.status_code, details[0]["issue"]
