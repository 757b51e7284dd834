"""The Dintero bench: gateway, simulator and a scripted payer, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx

from domain.ports import Granted, Secret
from domain.providers import RULES, Provider
from domain.refund_ports import RefundLookUpAnswer, RefundOrder
from infrastructure.gateways.dintero.account import TOKEN_KINDS, DinteroAccount
from infrastructure.gateways.dintero.gateway import DinteroGateway
from infrastructure.simulators import serving
from infrastructure.simulators.dintero.app import (
    DinteroSimulatorOptions,
    build_dintero_simulator,
)
from infrastructure.simulators.dintero.hooks import TOKEN_EVENTS
from infrastructure.simulators.dintero.tables import FIRST_CARD
from tests.gateways.bench import START, Bench, CallbackReceiver, digest_of

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "dintero"
SPECIFICATION = REFERENCE / "spec-payments.swagger2.2024-07-23.yaml"

OPTIONS = DinteroSimulatorOptions(
    account_id="T12345678",
    client_id="client-1",
    client_secret=Secret("a-client-secret"),
    signature_secret=Secret("a-signature-secret"),
    specification=SPECIFICATION if SPECIFICATION.exists() else None,
    callback_pause_s=0.01,
)
WEBHOOK_SECRET = "a-webhook-secret"
ACCOUNT = DinteroAccount(
    name="dintero-test",
    account_id=OPTIONS.account_id,
    client_id=OPTIONS.client_id,
    client_secret=OPTIONS.client_secret,
    signature_secret=OPTIONS.signature_secret,
    callback_url="https://merchant.example/callbacks/dintero",
    return_url="https://merchant.example/thanks",
    webhook_secret=Secret(WEBHOOK_SECRET),
)


class Wiretap(httpx.AsyncBaseTransport):
    """Hears what a gateway sends. blind: takes the query off every address."""

    def __init__(self, *, blind: bool = False) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._blind = blind
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass it on; signing in is not kept."""
        if self._blind:
            request.url = request.url.copy_with(query=None)
        if not request.url.path.endswith("/auth/token"):
            self.sent.append(request)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._inner.aclose()


class DinteroBench(Bench):
    """See Bench. account: as the gateway has it."""

    repeats_pages = True
    reauthorizes = False
    report_delay = RULES[Provider.DINTERO].report_delay

    def __init__(self, served: serving.Served, receiver: CallbackReceiver, **changes: Any) -> None:
        self.controls = served.controls
        self.base_url = served.base_url
        self.received = receiver.received
        self.account = attrs.evolve(
            ACCOUNT,
            base_url=served.base_url,
            auth_url=served.base_url,
            api_url=served.base_url,
            callback_url=f"{receiver.base_url}/callbacks/dintero",
            **changes,
        )
        self.gateway = self.another()
        self._card = FIRST_CARD
        self.secrets = (ACCOUNT.client_secret.reveal(), "a-signature-secret")

    def another(self, tap: Wiretap | None = None, **changes: Any) -> DinteroGateway:
        """Another gateway of the account, with changes to it. The caller closes it."""
        account = attrs.evolve(self.account, **changes)
        now = self.controls.clock.now
        return DinteroGateway(account, now=now, transport=tap, digest=digest_of)

    def through(self, transport: httpx.AsyncBaseTransport) -> DinteroGateway:
        """See Bench."""
        now = self.controls.clock.now
        return DinteroGateway(self.account, now=now, transport=transport, digest=digest_of)

    async def listen_to_tokens(self) -> None:
        """Dintero's events of the account are asked for by a subscription."""
        await self.subscribe(f"{self.account.callback_url}/events", *sorted(TOKEN_EVENTS))

    async def subscribe(self, url: str, *events: str) -> None:
        """Wish for webhooks of the account at the simulator."""
        account = self.account
        async with httpx.AsyncClient(base_url=self.base_url) as http:
            pair = (account.client_id, account.client_secret.reveal())
            asked = {"grant_type": "client_credentials", "audience": account.token_audience}
            path = f"/v1/accounts/{account.account_id}"
            signed_in = await http.post(f"{path}/auth/token", json=asked, auth=pair)
            bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
            config = {"url": url, "secret": {"type": "HMAC-SHA1", "value": WEBHOOK_SECRET}}
            wish = {"config": config, "events": events}
            answer = await http.post(f"{path}/hooks/subscriptions", json=wish, headers=bearer)
            assert answer.status_code == 200, answer.text

    async def vaulted(self, name: str = "token/1", card: str = FIRST_CARD) -> Granted:
        """See Bench; with one of the sandbox cards."""
        self._card = card
        return await super().vaulted(name)

    async def refund_again(self, order: RefundOrder) -> RefundLookUpAnswer:
        """Dintero has no keys: who may have sent a refund looks."""
        return await self.gateway.look_up_refund(self.refund_query(order))

    async def approve(self, provider_ref: str, card: str = "", *, save: bool = True) -> None:
        """The payer enters a card. save: whether the box "save this card" is ticked."""
        ticked = {"save": "yes" if save else "no"}
        form = {"action": "pay", "card": card or self._card, **ticked}
        await self._use_page(provider_ref, form)

    async def refuse(self, provider_ref: str) -> None:
        """The payer cancels."""
        await self._use_page(provider_ref, {"action": "cancel"})

    async def _use_page(self, provider_ref: str, form: dict[str, str]) -> None:
        async with httpx.AsyncClient(base_url=self.base_url) as browser:
            answer = await browser.post(
                f"/v1/view/{provider_ref}", json=form, headers={"Accept": "application/json"}
            )
        assert answer.status_code == 200, answer.text

    def with_wrong_credentials(self) -> DinteroGateway:
        """See Bench."""
        return self.another(client_secret=Secret("another-client-secret"))

    def unreachable(self) -> DinteroGateway:
        """See Bench; port 9 answers nobody here."""
        return self.another(base_url="http://127.0.0.1:9", auth_url="http://127.0.0.1:9")

    def of_another_account(self) -> DinteroGateway:
        """See Bench."""
        return self.another(account_id="T87654321")


Test = Callable[[DinteroBench], Awaitable[None]]


def on_the_dintero_bench(test: Test, **account_changes: Any) -> None:
    """Run a test with a bench of its own. account_changes: of the gateway's account."""

    async def main() -> None:
        async with dintero_bench(**account_changes) as bench:
            await test(bench)

    asyncio.run(main())


@asynccontextmanager
async def dintero_bench(
    options: DinteroSimulatorOptions = OPTIONS, through: str = "", **account_changes: Any
) -> AsyncIterator[DinteroBench]:
    """A fresh Dintero, its clock at START. account_changes: of the gateway's account.

    through: the payment product type of its cards, with the first kind of token that it makes.
    """
    if through:
        account_changes["payment_product_type"] = through
        account_changes.setdefault("token_kind", TOKEN_KINDS[through][0])
    app = build_dintero_simulator(attrs.evolve(options, faults=type(options.faults).none()))
    served = await serving.start(app)
    served.controls.clock.set(START)
    try:
        async with CallbackReceiver(served.controls.clock.now) as receiver:
            bench = DinteroBench(served, receiver, **account_changes)
            try:
                yield bench
            finally:
                await bench.gateway.close()
    finally:
        await served.close()
