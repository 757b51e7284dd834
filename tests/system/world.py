"""The whole system in one process and one event loop, moved step by step by a test.

Real books, both simulators over HTTP, the real gateways, the API for callbacks and payers, the
workers' own code. Nothing happens between two steps: no thread works on its own, no clock ticks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar, cast
from uuid import UUID

import attrs
import httpx
import uvicorn
from litestar import Litestar
from psycopg.sql import SQL, Identifier

from domain.budgets import BUDGETS
from domain.identity import reference_parts, refunded_charge, stream_of
from domain.providers import Provider
from domain.refund_ports import VoidOrder
from domain.subscription.refunds import OpenRefund
from infrastructure.api.app import build_app
from infrastructure.bootstrap import System
from infrastructure.gateways.guarded import guards_of
from infrastructure.store.projector import Runner
from infrastructure.store.rebuild import Rebuilder
from infrastructure.workers.advance import Advancer
from infrastructure.workers.agenda_worker import advance_and_give_back, hand_of
from infrastructure.workers.callback_worker import CallbackWorker
from infrastructure.workers.desk import Desk
from tests.system.providers import Simulators
from tests.system.puppets import (
    BEFORE_CALL,
    DEATHS,
    PLACES,
    REACHED,
    WORKER,
    Death,
    HeldRenewal,
    Holds,
    WatchedGateway,
)
from tests.systems import HandClock
from tests.waiting import until

T = TypeVar("T")
# Nobody waits for a lease here; they end when the test says so.
LEASE_S = 3600.0
# A request is not under way for longer than this: whoever stands around a call goes on first.
LONGEST_CALL = timedelta(minutes=20)
REST_DAYS = 10


class _Present:
    """Stands for the system of the present world: making the API anew for each takes too long."""

    system: System

    def __getattr__(self, name: str) -> Any:
        return getattr(self.system, name)


_PRESENT = _Present()


@cache
def _app() -> Litestar:
    system = cast(System, _PRESENT)
    return build_app(system, gateways=lambda: system.gateways())


# A card that was declined is left alone for longer than the shortest retry waits.
SMALL_BUDGETS = tuple(attrs.evolve(each, limit=1, window=timedelta(hours=30)) for each in BUDGETS)


class World:
    """One system over fresh books, and its simulators."""

    def __init__(self, runner: asyncio.Runner, system: System, simulators: Simulators) -> None:
        self.runner, self.system, self.simulators = runner, system, simulators
        assert isinstance(system.clock, HandClock)
        self.clock = system.clock
        self.holds, self.violations = Holds(), list[str]()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held_since = self.clock.now
        self.run(self._open())
        self.projector = Runner(
            system.books.connect,
            system.books.schema,
            system.ledger,
            system.kept,
            batch=7,
            silence_s=3600.0,
        )
        self.project()

    async def _open(self) -> None:
        _PRESENT.system = self.system
        self._server = uvicorn.Server(uvicorn.Config(_app(), access_log=False, log_config=None))
        self._door = asyncio.create_task(self._server._serve([self.simulators.listener]))
        inner = self.system.gateways()
        self.gateways = {
            key: WatchedGateway(
                each, self.holds, self._judge, self.violations, judge_void=self._judge_void
            )
            for key, each in inner.items()
        }
        system = self.system
        self._desk = Desk(
            ledger=system.ledger,
            agenda=system.agenda,
            attempts=system.attempts,
            vault=system.vault,
            clock=system.clock,
            actor="worker",
            owner="machine",
            lease_s=LEASE_S,
            holders=system.holders,
        )
        self._desk.renew = HeldRenewal(self._desk.renew, self.holds)  # type: ignore[assignment]
        self._advancer = Advancer(
            self._desk, self.gateways, system.zone_version, SMALL_BUDGETS, guards_of(inner)
        )
        self._callbacks = CallbackWorker(
            self._desk,
            self._advancer,
            system.inbox,
            system.views,
            system.holders,
            batch=100,
            poll_s=1.0,
        )
        # Reading the certificates of the world takes long, and every page here is on loopback.
        self._browser = httpx.AsyncClient(timeout=20.0, verify=False)
        await _until(lambda: self._server.started)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the loop go round until this is done."""
        return self.runner.run(work)

    def close(self) -> None:
        """Everybody goes home."""
        self.run(self._close())
        self.projector.close()
        self.simulators.listener.close()

    async def _close(self) -> None:
        self.holds.release(*PLACES)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._browser.aclose()
        for gateway in self.gateways.values():
            await gateway.close()
        self._server.should_exit = True
        await self._door
        for each in self.simulators.served.values():
            await each.close()

    # --- the judge ------------------------------------------------------------------------------

    def _judge(self, reference: str, attempt_id: UUID, capture_id: UUID | None) -> str:
        """A paying call needs its intention on the ledger, open, not in doubt, in its window."""
        of_charge = refunded_charge(reference)
        parts = reference_parts(of_charge or reference)
        if parts is None:
            return "not a reference of ours"
        stream = stream_of(parts.subscription_id)
        state = self.system.ledger.load([stream])[stream].state
        if of_charge is not None:
            return self._judge_refund(None if state is None else state.refund(attempt_id))
        attempt = None if state is None else state.open_attempt
        if attempt is None or attempt.attempt_id != attempt_id:
            return "sent, and not the open attempt of the ledger"
        if attempt.unknown:
            return "sent, and its outcome is in doubt"
        if capture_id != attempt.capture_id:
            return "sent, and not the capture that the ledger intends"
        if self.clock() >= attempt.key_expires_at:
            return "sent after its key window"
        return ""

    def _judge_void(self, order: VoidOrder) -> str:
        """Intended under this key, and not in doubt. Who sleeps before the call may find it
        settled by somebody else: what is let go cannot be let go twice."""
        parts = reference_parts(order.reference)
        if parts is None:
            return "not a reference of ours"
        stream = stream_of(parts.subscription_id)
        state = self.system.ledger.load([stream])[stream].state
        attempt = None if state is None else state.open_attempt
        if attempt is None or attempt.reference != order.reference:
            return "and not the open attempt of the ledger"
        if attempt.void_id != order.void_id:
            return "and not the void that the ledger intends"
        return "and its outcome is in doubt" if attempt.unknown else ""

    def _judge_refund(self, refund: OpenRefund | None) -> str:
        """As a charge: intended, not in doubt, in its window."""
        if refund is None or refund.attempted_at is None or refund.key_expires_at is None:
            return "sent, and the ledger intends no such refund"
        if refund.unknown:
            return "sent, and its outcome is in doubt"
        return "" if self.clock() < refund.key_expires_at else "sent after its key window"

    # --- steps ----------------------------------------------------------------------------------

    def forward(self, span: timedelta) -> None:
        """Move every clock; calls that would be under way for too long are answered first."""
        if self.clock.now + span > self._held_since + LONGEST_CALL:
            self.go_on(BEFORE_CALL)
        self.deliver()  # a signature is good for minutes
        if span > LONGEST_CALL:
            self.end_leases()
        self.clock.now += span
        self.simulators.set_time(self.clock.now)

    def work(self, limit: int, *, death: tuple[str, int] = ("", 0), stop: str = "") -> int:
        """Claim what is due and advance it, each in a task; how many were claimed.

        death: a point and the pass at which one of them dies. stop: where one stands still.
        """
        return self.run(self._watched(self._work(limit), death, stop))

    async def _work(self, limit: int) -> int:
        claims = await asyncio.to_thread(
            self._desk.agenda.claim, self.clock(), limit=limit, owner="machine", lease_s=LEASE_S
        )
        loaded = await asyncio.gather(*(self._desk.load(each.subscription_id) for each in claims))
        for claim, one in zip(claims, loaded, strict=True):
            hand = hand_of(claim, one, LEASE_S)
            assert hand is not None
            hand.check_lease_at = 0.0  # the first call asks for the lease, however fast we were
            self._begin(advance_and_give_back(self._desk, self._advancer, hand))
        return len(claims)

    def work_callbacks(
        self, limit: int, *, death: tuple[str, int] = ("", 0), stop: str = ""
    ) -> int:
        """Take callbacks from the inbox and work them; how many."""
        return self.run(
            self._watched(
                self._work_callbacks(limit, one_by_one=bool(stop or death[0])), death, stop
            )
        )

    async def _work_callbacks(self, limit: int, *, one_by_one: bool) -> int:
        received = await asyncio.to_thread(
            self.system.inbox.take, limit=limit, owner="machine", lease_s=LEASE_S
        )
        # A batch is one task: if one of it stood still or died, all of it would.
        batches = [[each] for each in received] if one_by_one else [received]
        for batch in batches:
            self._begin(self._callbacks.work(batch))
        return len(received)

    async def _watched(
        self, work: Coroutine[Any, Any, int], death: tuple[str, int], stop: str
    ) -> int:
        if stop and not self.holds.held:
            self.holds.next_place, self._held_since = stop, self.clock.now
        DEATHS.plan(*death)
        for puppet in self.simulators.faults.values():
            puppet.key_may_be_forgotten = not death[0] and not stop and not self.holds.held
        try:
            done = await work
            await self._settled()
        finally:
            DEATHS.plan("", 0)
            self.holds.next_place = ""
        return done

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._until_death(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_death(self, work: Coroutine[Any, Any, None]) -> None:
        WORKER.set(asyncio.current_task())
        try:
            await work
        except Death:
            return

    async def _settled(self) -> None:
        """Until every task has ended or stands still."""
        await _until(lambda: not self._tasks - self.holds.held.keys())

    def go_on(self, *places: str) -> int:
        """Let workers who stand at these places go on; how many."""

        async def go() -> int:
            going = self.holds.release(*places)
            await asyncio.sleep(0)
            await self._settled()
            return len(going)

        return self.run(go())

    def end_leases(self) -> None:
        """The time of every lease is over: on subscriptions and on callbacks."""
        with self.system.pool.connection() as conn:
            for table in ("work", "inbox"):
                conn.execute(
                    SQL(
                        "UPDATE {} SET leased_until = clock_timestamp() - interval '1 second'"
                        " WHERE leased_until IS NOT NULL"
                    ).format(Identifier(self.system.books.schema, table))
                )

    def deliver(self) -> None:
        """Callbacks that are on their way arrive at the door."""

        self.run(_until(lambda: not self.simulators.undelivered()))

    def answer_page(
        self, url: str, provider: Provider, *, approve: bool, returns: bool, save: bool = True
    ) -> None:
        """The payer presses a button, and may come back to our page of thanks.

        save: whether the box "save this card" is ticked, where there is one.
        """
        yes = {Provider.PAYPAL: "approve", Provider.DINTERO: "pay"}[provider]
        form = {"action": yes if approve else "cancel", "save": "yes" if save else "no"}

        async def press() -> int:
            answer = await self._browser.post(url, data=form, follow_redirects=returns)
            return answer.status_code

        # A page that was used or is gone says so; that is the payer's to see.
        REACHED[f"page answered {self.run(press())}"] += 1

    def contest(self, path: str, **body: Any) -> dict[str, Any]:
        """What payers and PayPal do behind our back, by a control endpoint of its simulator."""

        async def post() -> dict[str, Any]:
            answer = await self._browser.post(self.simulators.urls["paypal"] + path, json=body)
            return dict(answer.json())

        return self.run(post())

    def project(self, batches: int | None = None) -> None:
        """Bring the projections a few events further, or up to the log's end."""
        if batches is None:
            self.projector.catch_up(self.clock())
            return
        for _ in range(batches):
            self.projector.run_once(self.clock())

    def rebuild(self, number: int) -> None:
        """Fold one projection anew and swap it in."""
        books = self.system.books
        kept = self.system.kept
        projection = kept[number % len(kept)]
        Rebuilder(books.connect, books.schema, self.system.ledger).rebuild(projection, self.clock())

    # --- coming to rest -------------------------------------------------------------------------

    def come_to_rest(self) -> None:
        """Ten days without faults: whatever is under way ends, whatever is in doubt is found."""
        for puppet in self.simulators.faults.values():
            puppet.coming.clear()
        self.go_on(*PLACES)
        goal = self.clock.now + timedelta(days=REST_DAYS)
        while True:
            self._quiet()
            following = self.system.agenda.next_due(self.clock.now)
            if following is None or following > goal:
                break
            self.forward(max(following - self.clock.now, timedelta(seconds=1)))
        self.forward(max(goal - self.clock.now, timedelta(0)))
        self._quiet()

    def _quiet(self) -> None:
        """Until nothing is due, under way or unread; a callback may wait for its time to come."""

        def still() -> bool:
            self.end_leases()
            self.deliver()
            self.project()
            worked = self.work(100) + self.work_callbacks(100)
            self.project()
            return worked == 0 or (
                self.system.agenda.idle(self.clock.now) and not self.simulators.undelivered()
            )

        until(still, "the world to come to rest")


async def _until(condition: Callable[[], bool]) -> None:
    """Let the loop go round until it holds."""
    async with asyncio.timeout(60.0):
        while not condition():  # noqa: ASYNC110 - it becomes true in others' code
            await asyncio.sleep(0.002)
