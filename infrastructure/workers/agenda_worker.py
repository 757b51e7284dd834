"""Take what is due, advance it, give it back; many subscriptions at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence

import psycopg
import structlog

from domain.processes.steps import BookReversal, Call, LookUpDispute
from domain.subscription.state import Subscription
from infrastructure.store.agenda import Claim
from infrastructure.store.ledger import Loaded, Unreadable
from infrastructure.workers.advance import Advancer
from infrastructure.workers.crash_points import BEFORE_RELEASE, reached
from infrastructure.workers.desk import Desk, Returned
from infrastructure.workers.hand import Hand, LeaseLost

log = structlog.get_logger(__name__)

PAUSE_WHEN_AWAY_S = 1.0


def hand_of(claim: Claim, loaded: Loaded[Subscription], lease_s: float) -> Hand | None:
    """A claimed subscription with its state; None when its stream cannot be worked on.

    Its lease then runs out by itself; the projection has set the stream aside, so that it is not
    taken again before it is mended.
    """
    try:
        state = loaded.state
    except Unreadable as error:
        log.error("stream unreadable", reason=str(error))
        return None
    if state is None:
        log.error("no such stream", stream=loaded.stream)
        return None
    return Hand(
        claim=claim,
        state=state,
        version=loaded.version,
        taken_before=claim.taken_before,
        check_lease_at=time.monotonic() + lease_s / 2,
        position=0,
    )


class AgendaWorker:
    """Works the agenda: at most `in_flight` subscriptions at a time in this process."""

    def __init__(self, desk: Desk, advancer: Advancer, *, in_flight: int, poll_s: float) -> None:
        self._desk, self._advancer = desk, advancer
        self._in_flight, self._poll_s = in_flight, poll_s
        # Claiming a few at a time would cost a round trip each: wait until it is worth one.
        self._refill_at = in_flight * 3 // 4
        self._working: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`; then what is in flight is finished and given back."""
        while not stopping.is_set():
            if len(self._working) > self._refill_at:
                self._room.clear()
                await self._room.wait()
            elif await unless_away(self._take()) == 0:
                await rest(stopping, self._poll_s)
        if self._working:
            await asyncio.wait(self._working)

    async def _take(self) -> int:
        """Claim up to the free places and start on them; how many were claimed."""
        claims = await asyncio.to_thread(
            self._desk.agenda.claim,
            self._desk.clock(),
            limit=self._in_flight - len(self._working),
            owner=self._desk.owner,
            lease_s=self._desk.lease_s,
        )
        await self.start(claims)
        return len(claims)

    async def start(self, claims: Sequence[Claim]) -> None:
        """Load claimed subscriptions and begin to advance each."""
        loaded = await asyncio.gather(*(self._desk.load(each.subscription_id) for each in claims))
        for claim, one in zip(claims, loaded, strict=True):
            task = asyncio.create_task(self._work(claim, one))
            self._working.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        if len(self._working) <= self._refill_at:
            self._room.set()

    async def _work(self, claim: Claim, loaded: Loaded[Subscription]) -> None:
        hand = hand_of(claim, loaded, self._desk.lease_s)
        if hand is not None:
            await advance_and_give_back(self._desk, self._advancer, hand)


async def unless_away(look: Awaitable[int]) -> int:
    """What a look at the store found; 0 while the database is away: it is asked again soon."""
    try:
        return await look
    except psycopg.OperationalError as error:
        log.error("database away", reason=type(error).__name__)
        await asyncio.sleep(PAUSE_WHEN_AWAY_S)
        return 0


async def rest(stopping: asyncio.Event, seconds: float) -> None:
    """Wait, but not past the moment at which the process is told to stop."""
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return


async def advance_and_give_back(
    desk: Desk, advancer: Advancer, hand: Hand, first: Sequence[Call | BookReversal] = ()
) -> bool:
    """Make the `first` calls, advance a claimed subscription, give it back.

    False when something went wrong: the claim is then not given back, and whoever takes it when
    its lease ends looks before it sends; the right thing after any error we did not foresee.
    """
    try:
        for call in first:
            match call:
                case BookReversal():
                    await advancer.book(hand, call)
                case LookUpDispute():
                    await advancer.look_at_dispute(hand, call)
                case _:
                    await advancer.carry_out(hand, call)
        await advancer.advance(hand)
    except LeaseLost:
        log.warning("lease lost", subscription=hand.claim.subscription_id)
        return False
    except Exception:
        # Whatever it is, it concerns this subscription only; the others must be billed.
        log.exception("work on a subscription failed", subscription=hand.claim.subscription_id)
        return False
    if hand.snapshot_due:
        await desk.snapshot((hand.claim.subscription_id, hand.version, hand.state))
    reached(BEFORE_RELEASE)
    await desk.give_back(
        Returned(claim=hand.claim, seen_position=hand.position, not_before=hand.not_before)
    )
    return True
