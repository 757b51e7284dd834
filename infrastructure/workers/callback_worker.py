"""Work the inbox: what a callback is about is looked up at the provider, then advanced.

A callback is a hint. It says where to look; what is booked comes from the look.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

import attrs
import structlog

from domain.identity import attempt_id, reference_of_charge
from domain.processes.steps import (
    BookReversal,
    Call,
    LookUp,
    LookUpRefund,
    LookUpToken,
    SeeToken,
)
from domain.subscription.charging import CALLBACK
from domain.subscription.owed import Attempt
from domain.subscription.refunds import OpenRefund
from domain.subscription.state import Subscription
from domain.subscription.vaulted import OpenTokenRequest, Token
from infrastructure.store.agenda import Claim
from infrastructure.store.holders import Holders
from infrastructure.store.inbox import QUARANTINE_AFTER, Inbox, Received
from infrastructure.store.ledger import Loaded, Unreadable
from infrastructure.store.view_reader import ViewReader
from infrastructure.workers.advance import Advancer
from infrastructure.workers.agenda_worker import advance_and_give_back, hand_of, rest, unless_away
from infrastructure.workers.crash_points import CALLBACK_TAKEN, reached
from infrastructure.workers.desk import Desk
from infrastructure.workers.told_of_disputes import contested_by, is_too_early, name_of, told_by

log = structlog.get_logger(__name__)

# How long a callback is left alone whose look the provider did not answer.
AGAIN_AFTER_S = 15.0
# How long the end of a token is looked for; nobody looks at tokens by schedule.
GIVE_UP_AFTER = timedelta(days=1)
NO_CONCERN = "names no charge, no dispute, no token and no token request"
OLD_NEWS = "settled before"
HANDLED = "looked up"

# Digest of a token's name -> the references under which the vault has it.
Named = Mapping[bytes, Collection[str]]
_NONE: Named = {}


@attrs.frozen
class Matched:
    """What callbacks are about, as far as that is known yet.

    keys: by a callback's id, the subscriptions. told: callbacks about a token that we know, and
    that no subscription holds any more, or of which they tell nothing new.
    """

    keys: Mapping[int, Collection[str]]
    named: Named
    told: Collection[int]


class CallbackWorker:
    """Takes callbacks from the inbox, in batches; one subscription at a time is leased."""

    def __init__(
        self,
        desk: Desk,
        advancer: Advancer,
        inbox: Inbox,
        views: ViewReader,
        holders: Holders,
        *,
        batch: int,
        poll_s: float,
    ) -> None:
        self._desk, self._advancer, self._inbox, self._views = desk, advancer, inbox, views
        self._holders = holders
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
            for key in matched.keys.get(one.id, ()):
                about[key].append(one)
        placed = {*matched.keys, *matched.told, *silent}
        unplaced = [one for one in received if one.id not in placed]
        loaded = dict(zip(about, await asyncio.gather(*map(self._desk.load, about)), strict=True))
        for key in about:
            about[key] = await self._without_foreign(loaded[key], about[key], matched.named)
        unplaced += [each for key in about for each in _too_early(loaded[key], about[key])]
        for key in about:
            about[key] = [each for each in about[key] if each not in unplaced]
        named = matched.named
        open_ones = {key for key, one in loaded.items() if _worth_a_lease(one, about[key], named)}
        unplaced += [each for key in about if loaded[key].version == 0 for each in about[key]]
        await asyncio.to_thread(self._set_aside, unplaced)
        news = {each.id for key in open_ones for each in about[key]}
        old_news = {
            each.id
            for key in about.keys() - open_ones
            if loaded[key].version > 0
            for each in about[key]
        }
        await asyncio.to_thread(self._inbox.done, [*(old_news - news), *matched.told], OLD_NEWS)
        await self._look({key: about[key] for key in open_ones}, named)

    async def _without_foreign(
        self, loaded: Loaded[Subscription], received: Sequence[Received], named: Named
    ) -> list[Received]:
        """Those that came to the account which they are about; a person looks at the others."""
        foreign = [one.id for one in received if _is_foreign(loaded, one, named)]
        for each in foreign:
            await asyncio.to_thread(
                self._inbox.quarantine, each, "about another account's business"
            )
        return [one for one in received if one.id not in foreign]

    async def _look(self, about: Mapping[str, Sequence[Received]], named: Named) -> None:
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
            *(self._one(claim, about[claim.subscription_id], named) for claim in claims)
        )
        held = {claim.subscription_id for claim in claims}
        busy = [each.id for key, ones in about.items() if key not in held for each in ones]
        again = [
            each.id
            for claim, settled in zip(claims, worked, strict=True)
            for each in about[claim.subscription_id]
            if each not in settled
        ]
        # A token may be held by several subscriptions: its end is settled once all have looked.
        handled = {each.id for ones in worked for each in ones}.difference(busy, again)
        await asyncio.to_thread(self._inbox.done, handled, HANDLED)
        await asyncio.to_thread(self._inbox.put_back, busy)
        await asyncio.to_thread(self._inbox.put_back, again, delay_s=AGAIN_AFTER_S)
        await asyncio.to_thread(self._give_up, about, set(again))

    def _give_up(self, about: Mapping[str, Sequence[Received]], again: Collection[int]) -> None:
        """Set aside what was said of tokens that could not be looked at for too long: the vault
        has lost them, or the account is no more."""
        longest = self._desk.clock() - GIVE_UP_AFTER
        for one in (each for ones in about.values() for each in ones):
            if one.id in again and one.token_ended and one.received_at <= longest:
                self._inbox.quarantine(one.id, "the token could not be looked at")

    def _match(self, received: Sequence[Received]) -> Matched:
        """Which subscriptions each is about, as far as that is known yet."""
        found: dict[int, Collection[str]] = {}
        for one in received:
            if one.reference:
                parts = reference_of_charge(one.reference)
                if parts is not None:
                    found[one.id] = [parts.subscription_id]
        refs = sorted({each.token_request_ref for each in received if each.token_request_ref})
        if refs:
            owners = self._views.keys_by("due_dates", "token_request_ref", refs)
            for one in received:
                if one.token_request_ref in owners:
                    found[one.id] = [owners[one.token_request_ref]]
        found.update(self._match_charges(received))
        return self._match_tokens(received, found)

    def _match_charges(self, received: Sequence[Received]) -> dict[int, Collection[str]]:
        """The same for those about a charge or a dispute by the provider's own id."""
        refs = sorted({each.charge_ref for each in received if each.charge_ref})
        keys = self._views.keys_by("charges", "provider_ref", refs) if refs else {}
        charges = self._views.get_many("charges", keys.values()).rows if keys else {}
        names = sorted({each.dispute_ref for each in received if each.dispute_ref})
        known = self._views.keys_by("disputes", "dispute_ref", names) if names else {}
        disputes = self._views.get_many("disputes", known.values()).rows if known else {}
        found: dict[int, Collection[str]] = {}
        for one in received:
            row = charges.get(keys.get(one.charge_ref, ""))
            row = row or disputes.get(known.get(one.dispute_ref, ""))
            if row is not None:
                found[one.id] = [row.subscription_id]
        return found

    def _match_tokens(
        self, received: Sequence[Received], found: dict[int, Collection[str]]
    ) -> Matched:
        """With those about tokens. That one was made is told by our own call; its end is news."""
        told: set[int] = set()
        rest = [one for one in received if one.token_digest and one.id not in found]
        known = self._holders.known({one.token_digest for one in rest}) if rest else {}
        for one in rest:
            tokens = known.get(one.token_digest)
            holders = self._holders.of(tokens) if tokens and one.token_ended else ()
            if holders:
                found[one.id] = sorted(holders)
            elif tokens:
                told.add(one.id)
        named = {digest: {each.token_ref for each in tokens} for digest, tokens in known.items()}
        return Matched(found, named, told)

    def _set_aside(self, unmatched: Sequence[Received]) -> None:
        """Put back what may yet be matched; quarantine what has waited long enough."""
        now = self._desk.clock()
        early = [one.id for one in unmatched if now - one.received_at < QUARANTINE_AFTER]
        self._inbox.put_back(early)
        for one in unmatched:
            if one.id not in early:
                self._inbox.quarantine(one.id, "belongs to no subscription of these books")

    async def _one(
        self, claim: Claim, received: Sequence[Received], named: Named
    ) -> Sequence[Received]:
        """Look and advance one claimed subscription; the callbacks that are settled by it."""
        loaded = await self._desk.load(claim.subscription_id)
        hand = hand_of(claim, loaded, self._desk.lease_s)
        if hand is None:
            return ()
        looks = calls_of(hand.state, received, named)
        done = await advance_and_give_back(self._desk, self._advancer, hand, looks)
        # What a call that was not carried out would have told is still to be asked.
        if not done or hand.unanswered:
            return ()
        for one in received:
            why = hand.refused.get(name_of(one), "")
            if why:
                await asyncio.to_thread(self._inbox.quarantine, one.id, why)
        return received


def _worth_a_lease(
    loaded: Loaded[Subscription], received: Sequence[Received], named: Named
) -> bool:
    """Whether these callbacks are about something that is open; unreadable streams are left."""
    try:
        return loaded.state is not None and bool(calls_of(loaded.state, received, named))
    except Unreadable as error:
        log.error("stream unreadable", reason=str(error))
        return False


def _names_anything(one: Received) -> bool:
    """Whether a callback is about anything that could be ours."""
    named = one.reference or one.token_request_ref or one.charge_ref or one.dispute_ref
    return bool(named or one.token_digest)


def _too_early(loaded: Loaded[Subscription], received: Sequence[Received]) -> list[Received]:
    """Those about a charge that is not known to have brought money in, as yet."""
    try:
        state = loaded.state
    except Unreadable:
        return []
    return [] if state is None else [one for one in received if is_too_early(state, one)]


def _is_foreign(loaded: Loaded[Subscription], one: Received, named: Named) -> bool:
    """Whether a callback is about a charge, a token or a token request of another account than it
    came to: one account's secret must not vouch for what happens at another."""
    try:
        state = loaded.state
    except Unreadable:
        return False
    return state is not None and any(
        (one.provider, one.account) != (about.provider.value, about.account)
        for about in (*_subjects(state, one, named), *contested_by(state, one))
    )


def _subjects(
    state: Subscription, one: Received, named: Named
) -> Iterator[OpenTokenRequest | Attempt | OpenRefund | Token]:
    """What a callback is about, as far as it may still be settled.

    A provider that speaks of a charge may mean a refund of it. What was only asked for nobody there
    can know.
    """
    request = state.token_request
    if one.token_request_ref and request and request.provider_ref == one.token_request_ref:
        yield request
    if one.token_ended:
        refs = named.get(one.token_digest, ())
        yield from (each for each in state.tokens if each.token_ref in refs)
    parts = reference_of_charge(one.reference)
    if parts is None:
        return
    key = attempt_id(state.namespace, parts.invoice_number, parts.attempt_number)
    open_attempt = () if state.open_attempt is None else (state.open_attempt,)
    known = (*open_attempt, *state.failed_attempts)
    yield from (each for each in known if each.attempt_id == key)
    if request is not None and request.first_charge == key and request.provider_ref:
        yield request  # what is paid on a page makes its token, too
    # Of one that had failed a callback may tell that it was made after all.
    for refund in (*state.refunds, *state.failed_refunds):
        if refund.attempt_id == key and refund.attempted_at is not None:
            yield refund


def calls_of(
    state: Subscription, received: Sequence[Received], named: Named = _NONE
) -> list[Call | BookReversal]:
    """What these callbacks ask us to look at; nothing when it is settled already."""
    calls: dict[str, Call | BookReversal] = {}
    for one in received:
        told = told_by(state, one)
        if told is not None:
            calls[name_of(one)] = told
    for about in (each for one in received for each in _subjects(state, one, named)):
        match about:
            case OpenTokenRequest():
                calls["token"] = SeeToken(about)
            case Attempt():
                calls[about.reference] = LookUp(about, CALLBACK)
            case OpenRefund():
                calls[about.reference] = LookUpRefund(about, CALLBACK)
            case Token():
                calls[about.token_ref] = LookUpToken(about, CALLBACK)
    return list(calls.values())
