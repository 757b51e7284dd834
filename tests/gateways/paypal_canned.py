"""A PayPal gateway whose answers are written down in the test, and whose requests are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from domain.ports import Secret
from infrastructure.gateways.paypal.account import PayPalAccount
from infrastructure.gateways.paypal.gateway import PayPalGateway
from tests.gateways.bench import START

A = TypeVar("A")
Answer = tuple[int, Any]

ACCOUNT = PayPalAccount(
    name="main",
    client_id="client",
    client_secret=Secret("client-secret"),
    webhook_id="WH-OURS",
    return_url="https://shop.example/return",
    cancel_url="https://shop.example/cancel",
    base_url="https://api-m.sandbox.paypal.com",
    brand_name="Shop",
)


class Canned:
    """Answers by (method, path); a list is used up in order, its last entry stays.

    requests: every request but those for an access token.
    """

    def __init__(self, answers: dict[tuple[str, str], Answer | list[Answer]]) -> None:
        self._answers = {
            key: list(value) if isinstance(value, list) else [value]
            for key, value in answers.items()
        }
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/oauth2/token":
            return httpx.Response(200, json={"access_token": "A21AA", "expires_in": 32400})
        self.requests.append(request)
        left = self._answers.get((request.method, request.url.path))
        if left is None:
            return httpx.Response(404, json=refused("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"))
        status, body = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(body, str):
            return httpx.Response(status, text=body)
        return httpx.Response(status, json=body)

    @property
    def paths(self) -> list[str]:
        """Of all requests, in order."""
        return [request.url.path for request in self.requests]


def asked(canned: Canned, question: Callable[[PayPalGateway], Awaitable[A]]) -> A:
    """What a gateway makes of canned answers."""

    async def main() -> A:
        gateway = PayPalGateway(ACCOUNT, now=lambda: START, transport=httpx.MockTransport(canned))
        try:
            return await question(gateway)
        finally:
            await gateway.close()

    return asyncio.run(main())


def refused(name: str, *issues: str) -> dict[str, Any]:
    """An error body of PayPal's."""
    details = [{"issue": issue, "description": f"About {issue}."} for issue in issues]
    body: dict[str, Any] = {"name": name, "message": "Message.", "debug_id": "f00"}
    return {**body, "details": details} if details else body


def capture(**changes: Any) -> dict[str, Any]:
    """A completed capture of 29.85 USD."""
    return {
        "id": "3C679366HH908993F",
        "status": "COMPLETED",
        "amount": {"currency_code": "USD", "value": "29.85"},
        "invoice_id": "sub-1-1-1-aa",
        "create_time": "2026-03-01T02:00:05-08:00",
        "update_time": "2026-03-01T10:00:09Z",
        **changes,
    }


def authorization(**changes: Any) -> dict[str, Any]:
    """An authorisation of 29.85 USD, as PayPal's seed shows one."""
    return {
        "id": "0AW2184448108334S",
        "status": "CREATED",
        "amount": {"currency_code": "USD", "value": "29.85"},
        "expiration_time": "2026-03-30T10:00:05Z",
        "create_time": "2026-03-01T10:00:05Z",
        "supplementary_data": {"related_ids": {"order_id": "5O190127TN364715T"}},
        **changes,
    }


def order(status: str = "COMPLETED", **payments: list[dict[str, Any]]) -> dict[str, Any]:
    """An order with these payments."""
    return {
        "id": "5O190127TN364715T",
        "status": status,
        "purchase_units": [{"reference_id": "default", "payments": payments}],
    }
