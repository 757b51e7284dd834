"""A merchant of the simulated Dintero, with plain HTTP: no gateway in between."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import attrs

from infrastructure.simulators import serving
from infrastructure.simulators.dintero.app import build_dintero_simulator
from infrastructure.simulators.faults import Fault, ScriptedFault
from tests.gateways.dintero_bench import OPTIONS

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
STRICT = {"Dintero-Feature-Toggles": "strict-merchant-reference"}
STRICT_SUCCESS = {"Dintero-Feature-Toggles": "strict-success-merchant-reference"}


@attrs.define
class Merchant:
    """callback_url: asked for in every session, if not ""."""

    http: aiohttp.ClientSession
    served: serving.Served
    callback_url: str = ""
    access: str = ""

    async def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of a call with an access token."""
        bearer = {"Authorization": f"Bearer {self.access}"} | (headers or {})
        async with self.http.request(method, path, json=body, headers=bearer) as answer:
            return answer.status, await answer.json()

    async def sign_in(self, secret: str = "a-client-secret", account: str = "T12345678") -> int:
        """The status of signing in."""
        basic = base64.b64encode(f"client-1:{secret}".encode()).decode()
        body = {
            "grant_type": "client_credentials",
            "audience": f"https://api.dintero.com/v1/accounts/{account}",
        }
        path = f"/v1/accounts/{account}/auth/token"
        headers = {"Authorization": f"Basic {basic}"}
        async with self.http.post(path, json=body, headers=headers) as answer:
            if answer.status == 200:
                self.access = (await answer.json())["access_token"]
            return answer.status

    async def opened(self, reference: str = "token-1") -> str:
        """A checkout session's id."""
        session: dict[str, Any] = {
            "order": {"currency": "NOK", "merchant_reference": reference},
            "url": {"return_url": "https://merchant.example/thanks?shop=1"},
            "customer": {"customer_id": "customer-1"},
        }
        if self.callback_url:
            session["url"]["callback_url"] = self.callback_url
        provider = {"payment_product_type": "payex.creditcard", "token_types": ["recurrence_token"]}
        body = {"session": session, "token_provider": provider}
        status, answer = await self.call("POST", "/v1/sessions/payment-token", body)
        assert status == 200, answer
        session_id: str = answer["id"]
        return session_id

    async def token(self, reference: str = "token-1") -> str:
        """A recurrence token."""
        session_id = await self.opened(reference)
        accept = {"Accept": "application/json"}
        status, _ = await self.call("POST", f"/v1/view/{session_id}", {"action": "pay"}, accept)
        assert status == 200
        _, session = await self.call("GET", f"/v1/sessions/{session_id}")
        path = f"/v1/transactions/{session['transaction_id']}?includes=card.recurrence_token"
        _, transaction = await self.call("GET", path)
        value: str = transaction["card"]["recurrence_token"]
        return value

    def body(
        self, token: str, reference: str, amount: int = 29990, *, auto_capture: bool = True
    ) -> dict[str, Any]:
        """A body for /v1/sessions/pay."""
        session: dict[str, Any] = {
            "order": {
                "amount": amount,
                "currency": "NOK",
                "merchant_reference": reference,
                "items": [{"line_id": "1", "amount": amount}],
            },
            "customer": {
                "customer_id": "customer-1",
                "tokens": {"payex.creditcard": {"recurrence_token": token}},
            },
            "configuration": {"auto_capture": auto_capture},
        }
        if self.callback_url:
            session["url"] = {"callback_url": self.callback_url}
        operation = "recurring_purchase"
        payment = {"payment_product_type": "payex.creditcard", "operation": operation}
        return {"session": session, "payment": payment}

    async def pay(
        self, token: str, reference: str, headers: dict[str, str] | None = None, **more: Any
    ) -> tuple[int, Any]:
        """Status and JSON of a charge."""
        return await self.call(
            "POST", "/v1/sessions/pay", self.body(token, reference, **more), headers
        )


def strike(merchant: Merchant, operation: str, fault: Fault, reference: str = "*") -> None:
    """Script one exact fault for the first request."""
    merchant.served.controls.faults.script.append(ScriptedFault(operation, reference, 1, fault))


Test = Callable[[Merchant], Awaitable[None]]


@asynccontextmanager
async def merchant(**options: Any) -> AsyncIterator[Merchant]:
    """A merchant who has signed in; the clock stands at START."""
    served = await serving.start(build_dintero_simulator(attrs.evolve(OPTIONS, **options)))
    served.controls.clock.set(START)
    try:
        async with aiohttp.ClientSession(served.base_url) as http:
            found = Merchant(http, served)
            assert await found.sign_in() == 200
            yield found
    finally:
        await served.close()


def as_merchant(test: Test, **options: Any) -> None:
    """Run a test as a merchant of a simulator with these options."""

    async def main() -> None:
        async with merchant(faults=type(OPTIONS.faults).none(), **options) as found:
            await test(found)

    asyncio.run(main())
