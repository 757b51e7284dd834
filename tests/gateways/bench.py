"""A provider on the bench: a gateway, the simulator it talks to, and a scripted payer."""

from __future__ import annotations

import abc
import asyncio
import functools
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from uuid import UUID, uuid5

import httpx
from aiohttp import web

from domain import identity
from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import CaptureMode, Kind, Terms, Timing
from domain.ports import (
    Authorized,
    Captured,
    CaptureOrder,
    ChargeOrder,
    ChargeQuery,
    Gateway,
    Granted,
    Offered,
    RawCallback,
    TokenOrder,
    TokenQuery,
)
from domain.refund_ports import (
    RefundLookUpAnswer,
    RefundOrder,
    RefundQuery,
    VoidOrder,
)
from infrastructure.settings import Settings
from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import CallbackFault, Fault, ScriptedFault
from infrastructure.simulators.serving import Controls
from tests.waiting import WITHIN_S

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
NAMESPACE = UUID("6f0c2a52-0f3e-4b8e-9a55-2f1f6f7c2a10")
PRICE = Money(2985, "USD")


def terms(**changes: Any) -> Terms:
    """A monthly subscription of 29.85 USD."""
    facts: dict[str, Any] = {
        "plan": "basic",
        "plan_version": 1,
        "description": "Basic membership",
        "kind": Kind.SUBSCRIPTION,
        "timing": Timing.PREPAID,
        "interval": Interval(Unit.MONTH),
        "price": PRICE,
    }
    return Terms(**{**facts, **changes})


def digest_of(name: str) -> bytes:
    """Stands for the token vault's digest of a token's name."""
    return sha256(name.encode()).digest()


def system_without_books() -> Any:
    """What building a gateway asks of a system: settings, a clock, the digest of the vault."""
    settings = Settings(data_dir=Path())
    return SimpleNamespace(settings=settings, clock=lambda: START, digest=digest_of)


class Bench(abc.ABC):
    """What the contract needs of a provider.

    gateway: talks to the simulator that `controls` belongs to; both share its clock.
    received: every callback that the simulator delivered, untouched.
    secrets: texts that no log may hold.
    report_delay: after this long a look-up shows every charge that was made.
    repeats_pages: a repeated token request gives the same page.
    reauthorizes: a reservation can be renewed.
    """

    repeats_pages: ClassVar[bool]
    reauthorizes: ClassVar[bool]
    report_delay: ClassVar[timedelta]

    gateway: Gateway
    controls: Controls
    received: list[RawCallback]
    secrets: tuple[str, ...]

    @abc.abstractmethod
    async def listen_to_tokens(self) -> None:
        """Ask the provider for notices about tokens, where it sends none unasked."""

    @abc.abstractmethod
    async def approve(self, provider_ref: str) -> None:
        """The payer approves a token request."""

    @abc.abstractmethod
    async def refuse(self, provider_ref: str) -> None:
        """The payer turns back."""

    @abc.abstractmethod
    def with_wrong_credentials(self) -> Gateway:
        """A gateway of the same account whose client secret is wrong. The caller closes it."""

    @abc.abstractmethod
    def unreachable(self) -> Gateway:
        """A gateway whose provider listens on no port. The caller closes it."""

    @abc.abstractmethod
    def of_another_account(self) -> Gateway:
        """A gateway that must refuse this account's callbacks. The caller closes it."""

    @abc.abstractmethod
    def through(self, transport: httpx.AsyncBaseTransport) -> Gateway:
        """A gateway of the same account that talks over a transport. The caller closes it."""

    async def refund_again(self, order: RefundOrder) -> RefundLookUpAnswer:
        """What a caller does who may have sent a refund before: repeat it under its key. Where the
        provider has no keys it looks, and never repeats."""
        return await self.gateway.refund(order)

    def pass_time(self, span: timedelta) -> None:
        """Step the clock that the simulator and the gateway share."""
        self.controls.clock.set(self.controls.clock.now() + span)

    def strike(
        self, operation: str, reference: str, fault: Fault | CallbackFault, nth: int = 1
    ) -> None:
        """Script one exact fault; operations as in ScriptedFault."""
        self.controls.faults.script.append(ScriptedFault(operation, reference, nth, fault))

    async def vaulted(self, name: str = "token/1") -> Granted:
        """A token that may be charged, requested under a key derived from `name`."""
        order = self.token_order(name)
        offered = await self.gateway.request_token(order)
        assert isinstance(offered, Offered), offered
        await self.approve(offered.provider_ref)
        granted = await self.gateway.complete_token(
            TokenQuery(request_id=order.request_id, provider_ref=offered.provider_ref)
        )
        assert isinstance(granted, Granted), granted
        return granted

    def token_order(self, name: str = "token/1", **changes: Any) -> TokenOrder:
        """A token request under a key derived from `name`."""
        return TokenOrder(
            request_id=uuid5(NAMESPACE, name),
            subscription_id="sub-1",
            customer_id="customer-1",
            terms=changes.get("terms", terms()),
            start_date=changes.get("start_date"),
            first=changes.get("first"),
            only_look=changes.get("only_look", False),
        )

    def charge_order(
        self,
        granted: Granted,
        reference: str,
        amount: Money = PRICE,
        capture: CaptureMode = CaptureMode.AT_ONCE,
    ) -> ChargeOrder:
        """A charge of a vaulted token."""
        return ChargeOrder(
            attempt_id=uuid5(NAMESPACE, reference),
            reference=reference,
            amount=amount,
            token=granted.token,
            instrument=granted.instrument,
            terms=terms(price=amount),
            subscription_id="sub-1",
            customer_id="customer-1",
            capture=capture,
        )

    def capture_order(
        self,
        order: ChargeOrder,
        authorization_ref: str,
        *,
        number: int = 1,
        amount: Money | None = None,
        final: bool = True,
    ) -> CaptureOrder:
        """The nth capture of an authorisation, in full unless an amount is named."""
        return CaptureOrder(
            attempt_id=order.attempt_id,
            capture_id=identity.capture_id(order.attempt_id, number),
            reference=order.reference,
            amount=amount or order.amount,
            authorization_ref=authorization_ref,
            final=final,
        )

    async def captured(
        self, reference: str = "sub-1-1-1-aa", amount: Money = PRICE
    ) -> tuple[ChargeOrder, Captured]:
        """A charge that took the money."""
        order = self.charge_order(await self.vaulted(f"token/{reference}"), reference, amount)
        answer = await self.gateway.charge(order)
        assert isinstance(answer, Captured), answer
        return order, answer

    async def authorized(
        self, reference: str = "sub-1-1-1-aa", amount: Money = PRICE
    ) -> tuple[ChargeOrder, Authorized]:
        """A charge that only reserved the money."""
        granted = await self.vaulted(f"token/{reference}")
        order = self.charge_order(granted, reference, amount, CaptureMode.AFTER_AUTHORIZATION)
        answer = await self.gateway.charge(order)
        assert isinstance(answer, Authorized), answer
        return order, answer

    def refund_order(
        self,
        order: ChargeOrder,
        captured: Captured,
        minor: int | None = None,
        *,
        number: int = 1,
        reason: str = "Returned goods",
    ) -> RefundOrder:
        """The nth refund of a charge, in full unless an amount in minor units is named."""
        amount = captured.amount if minor is None else Money(minor, captured.amount.currency)
        return RefundOrder(
            refund_id=identity.refund_id(order.attempt_id, number),
            reference=identity.refund_reference(order.reference, number),
            amount=amount,
            charge_reference=order.reference,
            charge_ref=captured.provider_ref,
            reason=reason,
        )

    def refund_query(self, refund: RefundOrder, provider_ref: str = "") -> RefundQuery:
        """The question what became of a refund, now."""
        return RefundQuery(
            refund_id=refund.refund_id,
            reference=refund.reference,
            amount=refund.amount,
            charge_reference=refund.charge_reference,
            charge_ref=refund.charge_ref,
            provider_ref=provider_ref,
            attempted_at=START,
            now=self.controls.clock.now(),
        )

    def void_order(self, order: ChargeOrder, authorized: Authorized, number: int = 1) -> VoidOrder:
        """The nth request to let an authorisation go."""
        return VoidOrder(
            void_id=identity.void_id(order.attempt_id, number),
            reference=order.reference,
            authorization_ref=authorized.authorization_ref,
        )

    def check_book(self) -> None:
        """What holds after every test: nothing was charged, given back or let go twice, and no
        charge gave back more than it took."""
        book = self.controls.book
        assert book.captured_more_than_once() == {}
        assert book.refunded_more_than_once() == {}
        given_back: dict[str, int] = {}
        for entry in book.entries():
            if entry.movement is Movement.VOIDED:
                assert len(book.voids(entry.reference)) == 1, entry
            if entry.movement is Movement.REFUNDED:
                of = identity.refunded_charge(entry.reference) or entry.reference
                given_back[of] = given_back.get(of, 0) + entry.minor
        for of, minor in given_back.items():
            assert minor <= sum(entry.minor for entry in book.captures(of)), of

    def query(self, order: ChargeOrder, **known: Any) -> ChargeQuery:
        """The question what became of a charge, now. known: ids, as in ChargeQuery."""
        facts: dict[str, Any] = {"provider_ref": "", "authorization_ref": "", "order_ref": ""}
        return ChargeQuery(
            attempt_id=order.attempt_id,
            reference=order.reference,
            amount=order.amount,
            attempted_at=START,
            now=self.controls.clock.now(),
            **{**facts, "capture_id": None, **known},
        )

    async def callbacks(self, count: int) -> list[RawCallback]:
        """The callbacks received, once there are `count` of them and no more are on their way."""
        deadline = asyncio.get_running_loop().time() + WITHIN_S
        while len(self.received) < count or self.controls.deliveries.pending:
            assert asyncio.get_running_loop().time() < deadline, f"{len(self.received)} of {count}"
            await asyncio.sleep(0.005)
        return list(self.received)


class CallbackReceiver:
    """A web server that keeps every request it gets and answers 200."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._runner: web.AppRunner | None = None
        self.received: list[RawCallback] = []
        self.base_url = ""

    async def __aenter__(self) -> CallbackReceiver:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._keep)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _keep(self, request: web.Request) -> web.Response:
        self.received.append(
            RawCallback(
                method=request.method,
                url=str(request.url),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await request.read(),
                received_at=self._now(),
            )
        )
        return web.Response()


class Mangling(httpx.AsyncBaseTransport):
    """Alters the bodies of a provider's answers, access tokens excepted.

    alter: the body as it came -> as the gateway gets it.
    """

    def __init__(self, alter: Callable[[bytes], bytes]) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._alter = alter

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on as it is."""
        answer = await self._inner.handle_async_request(request)
        if request.url.path.endswith(("/oauth2/token", "/auth/token")):
            return answer
        body = await answer.aread()
        await answer.aclose()
        headers = {"content-type": answer.headers.get("content-type", "")}
        return httpx.Response(answer.status_code, headers=headers, content=self._alter(body))

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._inner.aclose()


MakeBench = Callable[[], AbstractAsyncContextManager[Bench]]


def on_the_bench(test: Callable[[Any, Any], Awaitable[None]]) -> Callable[[Any], None]:
    """Run an asynchronous test of a class that has `bench()`, in an event loop of its own."""

    @functools.wraps(test)
    def run(self: Any) -> None:
        async def main() -> None:
            async with self.bench() as bench:
                await test(self, bench)
                bench.check_book()

        asyncio.run(main())

    del run.__wrapped__  # pytest would look for a fixture "bench"
    return run
