"""Canned answers of Dintero, and what the gateway makes of them. Signing in always works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import (
    ChargeAnswer,
    ChargeOrder,
    ChargeQuery,
    LookUpAnswer,
)
from domain.subscription.events import Instrument
from infrastructure.gateways.dintero.gateway import DinteroGateway
from infrastructure.gateways.dintero.requests import StoredToken
from tests.gateways.bench import terms
from tests.gateways.dintero_bench import ACCOUNT

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
PRICE = Money(29990, "NOK")
KEY, CAPTURE = UUID(int=1), UUID(int=2)
SESSION = {"id": "T12345678.ses", "order": {"merchant_reference": "sub-1-1-1-aa"}}
Answers = Callable[[httpx.Request], httpx.Response]


def event(name: str, amount: int = 29990, success: bool = True, **more: Any) -> dict[str, Any]:
    """One entry of events[]."""
    at = more.pop("created_at", "2026-03-01T09:00:00.000Z")
    return {"event": name, "amount": amount, "success": success, "created_at": at, **more}


def transaction(status: str, *events: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A transaction of 299.90 NOK."""
    return {
        "id": "T12345678.abc",
        "session_id": "T12345678.ses",
        "status": status,
        "amount": 29990,
        "currency": "NOK",
        "merchant_reference": "sub-1-1-1-aa",
        "events": [event("INITIALIZE"), *events],
        **more,
    }


AUTHORIZE = event("AUTHORIZE", created_at="2026-03-01T08:59:00Z")


def asked(answers: Answers, ask: Callable[[DinteroGateway], Any]) -> Any:
    """What the gateway makes of canned HTTP answers; signing in always works."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/auth/token"):
            body = {"access_token": "access", "token_type": "Bearer", "expires_in": 3600}
            return httpx.Response(200, json=body)
        return answers(request)

    async def main() -> Any:
        transport = httpx.MockTransport(handler)
        gateway = DinteroGateway(ACCOUNT, now=lambda: NOW, transport=transport)
        try:
            return await ask(gateway)
        finally:
            await gateway.close()

    return asyncio.run(main())


def order(capture: CaptureMode = CaptureMode.AT_ONCE, amount: Money = PRICE) -> ChargeOrder:
    """A charge of 299.90 NOK."""
    return ChargeOrder(
        attempt_id=KEY,
        reference="sub-1-1-1-aa",
        amount=amount,
        token=StoredToken("payex.creditcard", "recurrence_token", "the-token").sealed(),
        instrument=Instrument(kind="card"),
        terms=terms(price=amount),
        subscription_id="sub-1",
        customer_id="customer-1",
        capture=capture,
    )


def charged(
    body: Any,
    status: int = 200,
    capture: CaptureMode = CaptureMode.AT_ONCE,
    headers: dict[str, str] | None = None,
) -> ChargeAnswer:
    """What a charge makes of an answer to /sessions/pay; nothing else is to be asked."""

    def answers(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/v1/sessions/pay", request.url
        if isinstance(body, bytes):
            return httpx.Response(status, content=body, headers=headers)
        return httpx.Response(status, json=body, headers=headers)

    answer: ChargeAnswer = asked(answers, lambda gateway: gateway.charge(order(capture)))
    return answer


def query(**known: Any) -> ChargeQuery:
    """The question what became of the charge. known: ids, as in ChargeQuery."""
    facts: dict[str, Any] = {"provider_ref": "", "authorization_ref": "", "order_ref": ""}
    return ChargeQuery(
        attempt_id=KEY,
        reference="sub-1-1-1-aa",
        amount=PRICE,
        attempted_at=NOW,
        now=NOW,
        **{**facts, "capture_id": None, **known},
    )


def looked_up(
    shown: dict[str, Any] | None, *, capture_id: UUID | None = None, sessions: Any = ()
) -> LookUpAnswer:
    """What a look-up makes of a transaction, or of none and these sessions."""

    def answers(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET", "a look-up only reads"
        if request.url.path == "/v1/transactions":
            return httpx.Response(200, json=[] if shown is None else [shown])
        if request.url.path == "/v1/sessions":
            return httpx.Response(200, json=list(sessions))
        assert request.url.params["includes"] == "session"
        return httpx.Response(200, json=shown)

    known = {"authorization_ref": "T12345678.abc"} if capture_id else {}
    about = query(capture_id=capture_id, **known)
    answer: LookUpAnswer = asked(answers, lambda gateway: gateway.look_up(about))
    return answer
