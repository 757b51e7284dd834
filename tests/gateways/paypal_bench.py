"""PayPal on the bench."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import attrs
import httpx

from domain.ports import Gateway, Secret
from infrastructure.gateways.http import HttpPolicy
from infrastructure.gateways.paypal.account import PayPalAccount
from infrastructure.gateways.paypal.gateway import PayPalGateway
from infrastructure.simulators.paypal.app import build_paypal_simulator
from infrastructure.simulators.paypal.options import PayPalOptions
from infrastructure.simulators.paypal.provider import PROVIDER, Provider
from infrastructure.simulators.paypal.webhooks import signer
from infrastructure.simulators.serving import Served, start
from tests.gateways.bench import START, Bench, CallbackReceiver, digest_of

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "paypal"
SPECS = REFERENCE / "openapi"
# The payer talks plain HTTP; reading the roots of TLS would take longer than the tests.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CLIENT_SECRET = "s3cret-of-the-bench"


class PayPalBench(Bench):
    """One simulated account; provider: its inside, for what no call shows."""

    repeats_pages: ClassVar[bool] = True
    reauthorizes: ClassVar[bool] = True
    report_delay: ClassVar[timedelta] = timedelta(hours=3)

    def __init__(self, served: Served, provider: Provider, receiver: CallbackReceiver) -> None:
        self.served = served
        self.provider = provider
        self.controls = served.controls
        self.received = receiver.received
        self.account = PayPalAccount(
            name="bench",
            client_id=provider.options.client_id,
            client_secret=Secret(CLIENT_SECRET),
            webhook_id=provider.options.webhook_id,
            return_url="https://shop.example/return",
            cancel_url="https://shop.example/cancel",
            base_url=served.base_url,
            certificate_hosts=(served.base_url,),
            trust_roots=signer().root_pem,
            http=HttpPolicy(read_timeout_s=2.0, connect_timeout_s=2.0),
        )
        self.gateway: PayPalGateway = self.another()
        self._access_tokens: set[str] = set()

    @property
    def secrets(self) -> tuple[str, ...]:  # type: ignore[override]
        """The client secret and every access token that was given out."""
        return (CLIENT_SECRET, *self.provider.access_tokens)

    def another(self, **changes: Any) -> PayPalGateway:
        """A gateway to this simulator whose account differs in some fields."""
        account = attrs.evolve(self.account, **changes)
        return PayPalGateway(account, now=self.controls.clock.now, digest=digest_of)

    def with_wrong_credentials(self) -> Gateway:
        return self.another(client_secret=Secret("wrong"))

    def unreachable(self) -> Gateway:
        return self.another(base_url="http://127.0.0.1:1")

    def through(self, transport: httpx.AsyncBaseTransport) -> Gateway:
        now = self.controls.clock.now
        return PayPalGateway(self.account, now=now, transport=transport, digest=digest_of)

    def of_another_account(self) -> Gateway:
        return self.another(webhook_id="WH-ANOTHER")

    async def approve(self, provider_ref: str) -> None:
        await self._decide(provider_ref, "approve")

    async def listen_to_tokens(self) -> None:
        """PayPal's webhook tells of everything."""

    async def refuse(self, provider_ref: str) -> None:
        await self._decide(provider_ref, "cancel")

    async def _decide(self, provider_ref: str, action: str) -> None:
        async with httpx.AsyncClient(verify=NO_TLS) as payer:
            response = await payer.post(
                f"{self.served.base_url}/agreements/approve",
                params={"approval_session_id": provider_ref},
                data={"action": action},
                headers={"Accept": "application/json"},
            )
        assert response.status_code == 200, response.text


@asynccontextmanager
async def paypal_bench(**options: Any) -> AsyncIterator[PayPalBench]:
    """A fresh PayPal whose clock stands at START; strict where its OpenAPI files lie."""
    if SPECS.is_dir():
        options = {"validation": "strict", "specs": SPECS, **options}
    set_up = PayPalOptions(client_secret=CLIENT_SECRET, **options)
    app = build_paypal_simulator(set_up)
    served = await start(app)
    served.controls.clock.set(START)
    async with CallbackReceiver(served.controls.clock.now) as receiver:
        app[PROVIDER].webhooks.url = f"{receiver.base_url}/callbacks/paypal/bench"
        bench = PayPalBench(served, app[PROVIDER], receiver)
        try:
            yield bench
        finally:
            await bench.gateway.close()
            await served.close()
