"""Work the inbox: what a callback is about is looked up at the provider, then advanced.

A callback is a hint. It says where to look; what is booked comes from the look.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import structlog

from domain.identity import ReferenceParts, attempt_id, reference_parts, refunded_charge
from domain.processes.steps import (
    BookReversal,
    Call,
    LookUp,
    LookUpRefund,
    SeeToken,
)
from domain.subscription.charging import CALLBACK
from domain.subscription.owed import Attempt
from domain.subscription.refunds import OpenRefund
from domain.subscription.state import Subscription
from domain.subscription.vaulted import OpenTokenRequest
from infrastructure.store.agenda import Claim
from infrastructure.store.inbox import Inbox, Received
from infrastructure.store.ledger import Loaded, Unreadable
from infrastructure.store.view_reader import ViewReader
from infrastructure.workers.advance import Advancer
from infrastructure.workers.agenda_worker import advance_and_give_back, hand_of, rest, unless_away
from infrastructure.workers.crash_points import CALLBACK_TAKEN, reached
from infrastructure.workers.desk import Desk
from infrastructure.workers.told_of_disputes import contested_by, is_too_early, name_of, told_by

log = structlog.get_logger(__name__)

# How long a callback may wait for the facts it is about (it can overtake our own append) before
# it is set aside for a person.
QUARANTINE_AFTER = timedelta(minutes=10)
# How long a callback is left alone whose look the provider did not answer.
AGAIN_AFTER_S = 15.0
NO_CONCERN = "names no charge, no dispute and no token request"
OLD_NEWS = "settled before"
HANDLED = "looked up"


class CallbackWorker:
    """Takes callbacks from the inbox, in batches; one subscription at a time is leased."""

    def __init__(
        self,
        desk: Desk,
        advancer: Advancer,
        inbox: Inbox,
        views: ViewReader,
        *,
        batch: int,
        poll_s: float,
    ) -> None:
        self._desk, self._advancer, self._inbox, self._views = desk, advancer, inbox, views
        self._batch, self._poll_s = batch, poll_s

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`; a batch that was taken is finished."""
        while not stopping.is_set():
            if await unless_away(self._take()) == 0:
                await rest(stopping, self._poll_s)

    async def _take(self) -> int:
        """Take a batch from the inbox and work it; how many callbacks it had."""
        received = await asyncio.to_thread(
            self._inbox.take,
            limit=self._batch,
            owner=self._desk.owner,
            lease_s=self._desk.lease_s,
        )
        if received:
            await self.work(received)
        return len(received)

    async def work(self, received: Sequence[Received]) -> None:
        """Work one batch: most tell what is settled already; the others are looked up."""
        reached(CALLBACK_TAKEN)
        silent = [one.id for one in received if not _names_anything(one)]
        await asyncio.to_thread(self._inbox.done, silent, NO_CONCERN)
        matched = await asyncio.to_thread(self._match, received)
        about: dict[str, list[Received]] = defaultdict(list)
        for one in received:
            if one.id in matched:
                about[matched[one.id]].append(one)
        unplaced = [one for one in received if one.id not in matched and one.id not in silent]
        loaded = dict(zip(about, await asyncio.gather(*map(self._desk.load, about)), strict=True))
        for key in about:
            about[key] = await self._without_foreign(loaded[key], about[key])
        unplaced += [each for key in about for each in _too_early(loaded[key], about[key])]
        for key in about:
            about[key] = [each for each in about[key] if each not in unplaced]
        open_ones = {key for key, one in loaded.items() if _worth_a_lease(one, about[key])}
        unplaced += [each for key in about if loaded[key].version == 0 for each in about[key]]
        await asyncio.to_thread(self._set_aside, unplaced)
        old_news = [
            each.id
            for key in about.keys() - open_ones
            if loaded[key].version > 0
            for each in about[key]
        ]
        await asyncio.to_thread(self._inbox.done, old_news, OLD_NEWS)
        await self._look({key: about[key] for key in open_ones})

    async def _without_foreign(
        self, loaded: Loaded[Subscription], received: Sequence[Received]
    ) -> list[Received]:
        """Those that came to the account which they are about; a person looks at the others."""
        foreign = [one.id for one in received if _is_foreign(loaded, one)]
        for each in foreign:
            await asyncio.to_thread(
                self._inbox.quarantine, each, "about another account's business"
            )
        return [one for one in received if one.id not in foreign]

    async def _look(self, about: Mapping[str, Sequence[Received]]) -> None:
        """Lease these subscriptions, look at the provider, advance them, settle the callbacks."""
        if not about:
            return
        claims = await asyncio.to_thread(
            self._desk.agenda.claim_ids,
            list(about),
            owner=self._desk.owner,
            lease_s=self._desk.lease_s,
        )
        worked = await asyncio.gather(
            *(self._one(claim, about[claim.subscription_id]) for claim in claims)
        )
        handled = [each.id for ones in worked for each in ones]
        held = {claim.subscription_id for claim in claims}
        busy = [each.id for key, ones in about.items() if key not in held for each in ones]
        again = [each.id for key in held for each in about[key] if each.id not in handled]
        await asyncio.to_thread(self._inbox.done, handled, HANDLED)
        await asyncio.to_thread(self._inbox.put_back, busy)
        await asyncio.to_thread(self._inbox.put_back, again, delay_s=AGAIN_AFTER_S)

    def _match(self, received: Sequence[Received]) -> dict[int, str]:
        """Which subscription each is about, as far as that is known yet."""
        found: dict[int, str] = {}
        for one in received:
            if one.reference:
                parts = _charge_of(one.reference)
                if parts is not None:
                    found[one.id] = parts.subscription_id
        refs = sorted({each.token_request_ref for each in received if each.token_request_ref})
        if refs:
            owners = self._views.keys_by("due_dates", "token_request_ref", refs)
            for one in received:
                if one.token_request_ref in owners:
                    found[one.id] = owners[one.token_request_ref]
        return {**found, **self._match_charges(received)}

    def _match_charges(self, received: Sequence[Received]) -> dict[int, str]:
        """The same for those about a charge or a dispute by the provider's own id."""
        refs = sorted({each.charge_ref for each in received if each.charge_ref})
        keys = self._views.keys_by("charges", "provider_ref", refs) if refs else {}
        charges = self._views.get_many("charges", keys.values()).rows if keys else {}
        names = sorted({each.dispute_ref for each in received if each.dispute_ref})
        known = self._views.keys_by("disputes", "dispute_ref", names) if names else {}
        disputes = self._views.get_many("disputes", known.values()).rows if known else {}
        found: dict[int, str] = {}
        for one in received:
            row = charges.get(keys.get(one.charge_ref, ""))
            row = row or disputes.get(known.get(one.dispute_ref, ""))
            if row is not None:
                found[one.id] = row.subscription_id
        return found

    def _set_aside(self, unmatched: Sequence[Received]) -> None:
        """Put back what may yet be matched; quarantine what has waited long enough."""
        now = self._desk.clock()
        early = [one.id for one in unmatched if now - one.received_at < QUARANTINE_AFTER]
        self._inbox.put_back(early)
        for one in unmatched:
            if one.id not in early:
                self._inbox.quarantine(one.id, "belongs to no subscription of these books")

    async def _one(self, claim: Claim, received: Sequence[Received]) -> Sequence[Received]:
        """Look and advance one claimed subscription; the callbacks that are settled by it."""
        loaded = await self._desk.load(claim.subscription_id)
        hand = hand_of(claim, loaded, self._desk.lease_s)
        if hand is None:
            return ()
        looks = calls_of(hand.state, received)
        done = await advance_and_give_back(self._desk, self._advancer, hand, looks)
        # What a call that was not carried out would have told is still to be asked.
        if not done or hand.unanswered:
            return ()
        for one in received:
            why = hand.refused.get(name_of(one), "")
            if why:
                await asyncio.to_thread(self._inbox.quarantine, one.id, why)
        return received


def _worth_a_lease(loaded: Loaded[Subscription], received: Sequence[Received]) -> bool:
    """Whether these callbacks are about something that is open; unreadable streams are left."""
    try:
        return loaded.state is not None and bool(calls_of(loaded.state, received))
    except Unreadable as error:
        log.error("stream unreadable", reason=str(error))
        return False


def _names_anything(one: Received) -> bool:
    """Whether a callback is about anything that could be ours."""
    return bool(one.reference or one.token_request_ref or one.charge_ref or one.dispute_ref)


def _too_early(loaded: Loaded[Subscription], received: Sequence[Received]) -> list[Received]:
    """Those about a charge that is not known to have brought money in, as yet."""
    try:
        state = loaded.state
    except Unreadable:
        return []
    return [] if state is None else [one for one in received if is_too_early(state, one)]


def _is_foreign(loaded: Loaded[Subscription], one: Received) -> bool:
    """Whether a callback is about a charge or a token request of another account than it came to:
    one account's secret must not vouch for what happens at another."""
    try:
        state = loaded.state
    except Unreadable:
        return False
    return state is not None and any(
        (one.provider, one.account) != (about.provider.value, about.account)
        for about in (*_subjects(state, one), *contested_by(state, one))
    )


def _subjects(
    state: Subscription, one: Received
) -> Iterator[OpenTokenRequest | Attempt | OpenRefund]:
    """What a callback is about, as far as it may still be settled.

    A provider that speaks of a charge may mean a refund of it. What was only asked for nobody there
    can know.
    """
    request = state.token_request
    if one.token_request_ref and request and request.provider_ref == one.token_request_ref:
        yield request
    parts = _charge_of(one.reference)
    if parts is None:
        return
    key = attempt_id(state.namespace, parts.invoice_number, parts.attempt_number)
    open_attempt = () if state.open_attempt is None else (state.open_attempt,)
    known = (*open_attempt, *state.failed_attempts)
    yield from (each for each in known if each.attempt_id == key)
    # Of one that had failed a callback may tell that it was made after all.
    for refund in (*state.refunds, *state.failed_refunds):
        if refund.attempt_id == key and refund.attempted_at is not None:
            yield refund


def calls_of(state: Subscription, received: Sequence[Received]) -> list[Call | BookReversal]:
    """What these callbacks ask us to look at; nothing when it is settled already."""
    calls: dict[str, Call | BookReversal] = {}
    for one in received:
        told = told_by(state, one)
        if told is not None:
            calls[name_of(one)] = told
    for about in (each for one in received for each in _subjects(state, one)):
        match about:
            case OpenTokenRequest():
                calls["token"] = SeeToken(about)
            case Attempt():
                calls[about.reference] = LookUp(about, CALLBACK)
            case OpenRefund():
                calls[about.reference] = LookUpRefund(about, CALLBACK)
    return list(calls.values())


def _charge_of(reference: str) -> ReferenceParts | None:
    """The charge that a reference names, or that the refund which it names goes back through."""
    return reference_parts(refunded_charge(reference) or reference)
