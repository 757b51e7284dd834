"""A gateway behind a circuit: while it is open, every call is NotDone at once, and not sent.

NotDone is the whole truth: the request was certainly not carried out and may be sent again under
its key. Nothing is declined by an outage, and a call whose answer was lost stays Unknown.

The probe is a question about a token request that nobody made: it moves no money, uses up nothing,
and every provider that is well answers it. Only after a good answer does a paying call go, and one
at a time until one of them was answered.
"""

from __future__ import annotations

from asyncio import Semaphore
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from domain.dispute_ports import DisputeAnswer
from domain.ports import (
    CaptureOrder,
    ChargeAnswer,
    ChargeOrder,
    ChargeQuery,
    Gateway,
    Hint,
    LookUpAnswer,
    NotDone,
    RawCallback,
    Secret,
    TokenAnswer,
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
from domain.subscription.events import Instrument
from infrastructure.gateways.circuit import Circuit

A = TypeVar("A")
# Of no request that was ever made; letters and digits, as the ids of both providers.
PROBE = TokenQuery(request_id=UUID(int=0), provider_ref="0PROBE00000000000")


class GuardedGateway:
    """One merchant account's gateway, with its circuit.

    concurrency: calls at a time; a call waits for its turn before the circuit is asked, so that
        nothing goes out after the outage is known.
    """

    def __init__(self, inner: Gateway, circuit: Circuit, *, concurrency: int) -> None:
        self.inner, self.circuit = inner, circuit
        self._turns = Semaphore(concurrency)
        self._probing = self._paying = False
        self._next_new: datetime | None = None

    async def hold_back_s(self, key: str) -> float | None:
        """Seconds for which nothing new is to be attempted at this account; None: go on.

        Asked before an attempt is recorded, so that after the outage nothing needs looking up. On
        trial one subscription is let through at a time.
        """
        if (wait := await self._wait_s(key)) is not None:
            return wait
        if not self.circuit.on_trial:
            return None
        now = self.circuit.now()
        if self._paying or (self._next_new is not None and now < self._next_new):
            return self.circuit.spread_s(key)
        self._next_new = now + self.circuit.policy.first_pause
        return None

    async def charge(self, order: ChargeOrder) -> ChargeAnswer:
        """Charge, unless the circuit is open."""
        return await self._paid(order.attempt_id, lambda: self.inner.charge(order))

    async def capture(self, order: CaptureOrder) -> ChargeAnswer:
        """Capture, unless the circuit is open."""
        return await self._paid(order.capture_id, lambda: self.inner.capture(order))

    async def reauthorize(self, order: CaptureOrder) -> ChargeAnswer:
        """Renew a reservation, unless the circuit is open."""
        return await self._paid(order.capture_id, lambda: self.inner.reauthorize(order))

    async def refund(self, order: RefundOrder) -> RefundAnswer:
        """Give back, unless the circuit is open."""
        return await self._paid(order.refund_id, lambda: self.inner.refund(order))

    async def void(self, order: VoidOrder) -> VoidAnswer:
        """Let a reservation go, unless the circuit is open."""
        return await self._paid(order.void_id, lambda: self.inner.void(order))

    async def request_token(self, order: TokenOrder) -> TokenOfferAnswer:
        """Ask for a page, unless the circuit is open."""
        return await self._paid(order.request_id, lambda: self.inner.request_token(order))

    async def complete_token(self, query: TokenQuery) -> TokenAnswer:
        """See how a request stands, unless the circuit is open."""
        return await self._asked(query.request_id, lambda: self.inner.complete_token(query))

    async def delete_token(
        self, token: Secret, instrument: Instrument
    ) -> TokenGone | Unknown | NotDone:
        """Make the provider forget a token, unless the circuit is open."""
        return await self._asked(
            instrument.provider_token_id, lambda: self.inner.delete_token(token, instrument)
        )

    async def look_up_token(
        self, token: Secret, instrument: Instrument
    ) -> TokenGone | TokenHeld | Unknown | NotDone:
        """See whether a token is still held, unless the circuit is open."""
        return await self._asked(
            instrument.provider_token_id, lambda: self.inner.look_up_token(token, instrument)
        )

    async def look_up(self, query: ChargeQuery) -> LookUpAnswer:
        """Look an attempt up, unless the circuit is open: no look of the plan is used up then."""
        return await self._asked(query.attempt_id, lambda: self.inner.look_up(query))

    async def look_up_refund(self, query: RefundQuery) -> RefundLookUpAnswer:
        """Look a refund up, unless the circuit is open."""
        return await self._asked(query.refund_id, lambda: self.inner.look_up_refund(query))

    async def look_up_dispute(self, dispute_ref: str) -> DisputeAnswer:
        """Look a dispute up, unless the circuit is open."""
        return await self._asked(dispute_ref, lambda: self.inner.look_up_dispute(dispute_ref))

    async def verify(self, callback: RawCallback) -> Hint:
        """Callbacks come in whatever goes out. Raises: CallbackRejected."""
        return await self.inner.verify(callback)

    async def close(self) -> None:
        """Let go of connections."""
        await self.inner.close()

    async def _asked(self, key: object, send: Callable[[], Awaitable[A]]) -> A | NotDone:
        """The answer to a question; NotDone where it does not go out."""
        async with self._turns:
            wait = await self._wait_s(str(key))
            return await send() if wait is None else self._not_done(wait)

    async def _paid(self, key: object, send: Callable[[], Awaitable[A]]) -> A | NotDone:
        """The answer to what moves money or makes a token; NotDone where it does not go out."""
        async with self._turns:
            wait = await self._wait_s(str(key))
            if wait is None and self.circuit.on_trial and self._paying:
                wait = self.circuit.spread_s(str(key))
            if wait is not None:
                return self._not_done(wait)
            with self._one_paying():
                return await send()

    def _not_done(self, wait_s: float) -> NotDone:
        outage = self.circuit.outage
        why = "the first payment after an outage is awaited" if outage is None else outage.reason
        return NotDone(reason=f"not sent, the account is out of order: {why}", retry_after_s=wait_s)

    async def _wait_s(self, key: str) -> float | None:
        """Probe if it is time to; then how long to wait, or None."""
        circuit = self.circuit
        wait = circuit.wait_s(key)
        if wait is not None or circuit.outage is None:
            return wait
        if self._probing:
            return circuit.spread_s(key)
        self._probing = True
        before = circuit.outage
        try:
            await self.inner.complete_token(PROBE)
        finally:
            self._probing = False
        if circuit.outage is before:
            circuit.put_off(key)
        return None if circuit.outage is None else circuit.wait_s(key) or circuit.spread_s(key)

    @contextmanager
    def _one_paying(self) -> Iterator[None]:
        """On trial, the one call that others wait for."""
        if not self.circuit.on_trial:
            yield
            return
        self._paying = True
        try:
            yield
        finally:
            self._paying = False


def guards_of(gateways: Mapping[tuple[str, str], Gateway]) -> dict[tuple[str, str], GuardedGateway]:
    """Those of the gateways that stand behind a circuit."""
    return {key: each for key, each in gateways.items() if isinstance(each, GuardedGateway)}
