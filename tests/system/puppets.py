"""What the state machine holds in its hands: the providers' faults, the calls, the deaths.

A `Puppet` is a fault plan whose next fault is given by the test. A `WatchedGateway` is a real
gateway that judges every paying call before it goes out, and can be made to stop on either side of
one. A `Deaths` kills a worker, in this process by an exception that nothing catches.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from contextvars import ContextVar
from uuid import UUID

import attrs

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
from infrastructure.simulators.faults import CallbackFault, Fault, FaultPlan, ScriptedFault
from infrastructure.store.agenda import Claim

# Where a worker may be made to stop: before it asks for its lease, or around a paying call.
BEFORE_LEASE, BEFORE_CALL, AFTER_CALL = "before-lease", "before-call", "after-call"
PLACES = (BEFORE_LEASE, BEFORE_CALL, AFTER_CALL)
REACHED: Counter[str] = Counter()
# The task that a worker's coroutines run for; those that it starts in turn inherit it.
WORKER: ContextVar[asyncio.Task[None] | None] = ContextVar("worker", default=None)
_NEVER = ScriptedFault("never", "never", 1, Fault.LOST_ANSWER)


@attrs.define(kw_only=True)
class Puppet(FaultPlan):
    """Each request meets the fault that was put there for it, in order; then none.

    key_may_be_forgotten: False while a worker may die or sleep around a call. A provider that
        forgets a key which it promised to keep, just when we resend, is beyond anybody's help.
    late: references whose money may come after we gave up. Only a callback can tell of it then, so
        theirs are not lost; comparing the provider's reports would find it otherwise.
    """

    coming: dict[str, deque[Fault | CallbackFault]] = attrs.field(
        factory=lambda: defaultdict(deque)
    )
    key_may_be_forgotten: bool = True
    late: set[str] = attrs.field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.script = [_NEVER]  # without a script look-ups would meet no fault

    def pick(self, operation: str, reference: str) -> Fault | None:
        """The next fault of this operation."""
        fault = self._next(operation)
        if fault is Fault.FORGOTTEN_KEY and not self.key_may_be_forgotten:
            fault = Fault.LOST_ANSWER
        if fault in (Fault.LATE_SUCCESS, Fault.PENDING):
            self.late.add(reference)
        if isinstance(fault, Fault):
            REACHED[f"{operation} met {fault.value}"] += 1
            return fault
        return None

    def pick_callback(self, reference: str) -> CallbackFault | None:
        """The next fault of a callback."""
        fault = self._next("callback")
        if fault is CallbackFault.LOST and reference in self.late:
            fault = CallbackFault.LATE
        if isinstance(fault, CallbackFault):
            REACHED[f"callback met {fault.value}"] += 1
            return fault
        return None

    def _next(self, operation: str) -> Fault | CallbackFault | None:
        return self.coming[operation].popleft() if self.coming[operation] else None


class Death(BaseException):
    """A worker died here: nothing after this point happens."""


@attrs.define
class Deaths:
    """Stands in for crash_points.reached: the nth pass of a point kills who passes."""

    point: str = ""
    passes_left: int = 0

    def plan(self, point: str, nth: int) -> None:
        """The next death; "" for none."""
        self.point, self.passes_left = point, nth

    def reached(self, point: str) -> None:
        """Raises: Death, if that is the plan."""
        if point != self.point:
            return
        self.passes_left -= 1
        if self.passes_left == 0:
            self.point = ""
            REACHED[f"died {point}"] += 1
            raise Death(point)


DEATHS = Deaths()


@attrs.define
class Holds:
    """Workers that stand still. next_place: where the next one to pass will stop, or ""."""

    next_place: str = ""
    held: dict[asyncio.Task[None], tuple[str, asyncio.Future[None]]] = attrs.field(factory=dict)

    async def pass_by(self, place: str) -> None:
        """Stop here if that was planned, until `release`."""
        task = asyncio.current_task()
        if place != self.next_place or task is None:
            return
        self.next_place = ""
        REACHED[f"stopped {place}"] += 1
        task = WORKER.get() or task
        free: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.held[task] = (place, free)
        try:
            await free
        finally:
            del self.held[task]

    def release(self, *places: str) -> list[asyncio.Task[None]]:
        """Let those go on who stand at these places; who they are."""
        going = [task for task, (place, _) in self.held.items() if place in places]
        for task in going:
            self.held[task][1].set_result(None)
        return going


Judge = Callable[[str, UUID, UUID | None], str]


@attrs.define
class WatchedGateway:
    """A real gateway. judge: what is wrong with sending a charge, a capture or a refund now, "" if
    nothing; judge_void: the same of letting a reservation go.

    violations: where what is wrong is noted; the machine looks there after every rule.
    """

    inner: Gateway
    holds: Holds
    judge: Judge
    violations: list[str]
    judge_void: Callable[[VoidOrder], str] = lambda _: ""
    sent: set[UUID] = attrs.field(factory=set)

    async def charge(self, order: ChargeOrder) -> ChargeAnswer:
        """Charge, watched."""
        await self._check(order.reference, order.attempt_id, None)
        await self.holds.pass_by(BEFORE_CALL)
        answer = await self.inner.charge(order)
        return await self._answered(order.attempt_id, answer)

    async def capture(self, order: CaptureOrder) -> ChargeAnswer:
        """Capture, watched."""
        await self._check(order.reference, order.attempt_id, order.capture_id)
        await self.holds.pass_by(BEFORE_CALL)
        answer = await self.inner.capture(order)
        return await self._answered(order.capture_id, answer)

    async def _check(self, reference: str, attempt: UUID, capture: UUID | None) -> None:
        """Intention before effect; never twice without a look in between."""
        wrong = await asyncio.to_thread(self.judge, reference, attempt, capture)
        key = capture or attempt
        if key in self.sent:
            wrong = wrong or "sent before, and nobody has looked since"
        self.sent.add(key)
        if wrong:
            self.violations.append(f"{reference}: {wrong}")

    async def _answered(self, key: UUID, answer: ChargeAnswer) -> ChargeAnswer:
        await self.holds.pass_by(AFTER_CALL)
        if isinstance(answer, NotDone):
            self.sent.discard(key)
        return answer

    async def look_up(self, query: ChargeQuery) -> LookUpAnswer:
        """Look up, and note that somebody did."""
        answer = await self.inner.look_up(query)
        if not isinstance(answer, NotDone):
            self.sent.discard(query.capture_id or query.attempt_id)
        return answer

    async def reauthorize(self, order: CaptureOrder) -> ChargeAnswer:
        """Renew, watched: its capture is intended, and not in doubt."""
        reference, capture = order.reference, order.capture_id
        wrong = await asyncio.to_thread(self.judge, reference, order.attempt_id, capture)
        if wrong:
            self.violations.append(f"{reference}: renewed, {wrong}")
        await self.holds.pass_by(BEFORE_CALL)
        answer = await self.inner.reauthorize(order)
        await self.holds.pass_by(AFTER_CALL)
        REACHED[f"renewal answered {type(answer).__name__}"] += 1
        return answer

    async def refund(self, order: RefundOrder) -> RefundAnswer:
        """Refund, watched."""
        await self._check(order.reference, order.refund_id, None)
        await self.holds.pass_by(BEFORE_CALL)
        answer = await self.inner.refund(order)
        await self.holds.pass_by(AFTER_CALL)
        if isinstance(answer, NotDone):
            self.sent.discard(order.refund_id)
        return answer

    async def look_up_refund(self, query: RefundQuery) -> RefundLookUpAnswer:
        """Look up, and note that somebody did."""
        answer = await self.inner.look_up_refund(query)
        if not isinstance(answer, NotDone):
            self.sent.discard(query.refund_id)
        return answer

    async def look_up_dispute(self, dispute_ref: str) -> DisputeAnswer:
        """As it is."""
        return await self.inner.look_up_dispute(dispute_ref)

    async def void(self, order: VoidOrder) -> VoidAnswer:
        """Let go, watched."""
        wrong = await asyncio.to_thread(self.judge_void, order)
        if wrong:
            self.violations.append(f"{order.reference}: let go, {wrong}")
        await self.holds.pass_by(BEFORE_CALL)
        answer = await self.inner.void(order)
        await self.holds.pass_by(AFTER_CALL)
        REACHED[f"void answered {type(answer).__name__}"] += 1
        return answer

    async def delete_token(
        self, token: Secret, instrument: Instrument
    ) -> TokenGone | Unknown | NotDone:
        """As it is."""
        return await self.inner.delete_token(token, instrument)

    async def look_up_token(
        self, token: Secret, instrument: Instrument
    ) -> TokenGone | TokenHeld | Unknown | NotDone:
        """As it is."""
        return await self.inner.look_up_token(token, instrument)

    async def request_token(self, order: TokenOrder) -> TokenOfferAnswer:
        """As it is; a page that takes a payment is watched as a charge is."""
        first = order.first
        if first is None or order.only_look:
            return await self.inner.request_token(order)
        await self._check(first.reference, first.attempt_id, None)
        await self.holds.pass_by(BEFORE_CALL)
        answer = await self.inner.request_token(order)
        await self.holds.pass_by(AFTER_CALL)
        if isinstance(answer, NotDone):
            self.sent.discard(first.attempt_id)
        return answer

    async def complete_token(self, query: TokenQuery) -> TokenAnswer:
        """As it is."""
        return await self.inner.complete_token(query)

    async def verify(self, callback: RawCallback) -> Hint:
        """As it is."""
        return await self.inner.verify(callback)

    async def close(self) -> None:
        """As it is."""
        await self.inner.close()


@attrs.define
class HeldRenewal:
    """A desk's renewal of leases, before which a worker may be made to sleep."""

    inner: Callable[[Claim], asyncio.Future[bool]]
    holds: Holds

    async def __call__(self, claim: Claim) -> bool:
        """Sleep if that was planned, then ask."""
        await self.holds.pass_by(BEFORE_LEASE)
        return await self.inner(claim)
