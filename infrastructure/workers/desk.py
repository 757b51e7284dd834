"""The desk: everything a worker asks of the store, each kind gathered into batches."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid4

import attrs

from domain.budgets import Wait
from domain.catalogue.state import Plan
from domain.identity import stream_of
from domain.ports import Secret
from domain.processes.places import Place
from domain.recorded import Stamp
from domain.subscription.events import SubscriptionEvent
from domain.subscription.state import Subscription
from infrastructure.clock import Clock
from infrastructure.store.agenda import Agenda, Claim
from infrastructure.store.attempts import Attempts
from infrastructure.store.holders import Holders
from infrastructure.store.ledger import Append, Appended, Conflict, Ledger, Loaded, Unreadable
from infrastructure.store.plan_reader import PlanReader
from infrastructure.store.vault import TokenVault
from infrastructure.workers.batching import Batcher

# A snapshot is taken when a stream's version passes a multiple of this many facts: loading then
# reads one snapshot and at most this many facts.
SNAPSHOT_EVERY = 12


@attrs.frozen(kw_only=True)
class Given:
    """A token to put into the vault. token_ref: where; customer_id: under whose key.

    name: what its provider calls it in notices, where that is not the token itself.
    """

    customer_id: str
    token_ref: str
    token: Secret
    name: str = ""


@attrs.frozen(kw_only=True)
class Returned:
    """A claim given back. not_before: leave it alone until then, by the books' clock."""

    claim: Claim
    seen_position: int
    not_before: datetime | None


class Desk:
    """One worker process's access to one set of books, for coroutines.

    actor: what the facts written here name as their actor.
    owner: what the leases taken here name as their owner; one name a process.
    plans: the catalogue; by default that of the ledger.
    holders: who holds which token; None: no token is held twice.
    """

    def __init__(
        self,
        *,
        ledger: Ledger[Subscription],
        agenda: Agenda,
        attempts: Attempts,
        vault: TokenVault,
        clock: Clock,
        actor: str,
        owner: str,
        lease_s: float,
        plans: PlanReader | None = None,
        holders: Holders | None = None,
    ) -> None:
        self.agenda, self.clock, self.actor = agenda, clock, actor
        self.owner, self.lease_s = owner, lease_s
        self._ledger, self._vault, self._attempts = ledger, vault, attempts
        self._plans = plans or PlanReader(ledger, clock)
        self._holders = holders
        self.append = Batcher[Append, Appended | Conflict](self._append)
        self.load = Batcher[str, Loaded[Subscription]](self._load)
        self._plan = Batcher[str, Plan | Unreadable | None](self._read_plans)
        self.open_token = Batcher[str, Secret | None](self._open_tokens)
        self.keep_token = Batcher[Given, None](self._keep_tokens)
        self.drop_token = Batcher[str, None](self._drop_tokens)
        self.reserve = Batcher[Place, Wait | None](self._reserve)
        self.release_place = Batcher[UUID, None](self._release_places)
        self.give_back = Batcher[Returned, None](self._give_back)
        self.renew = Batcher[Claim, bool](self._renew)
        # (subscription id, version, state)
        self.snapshot = Batcher[tuple[str, int, Subscription], None](self._snapshot)

    def facts(
        self,
        subscription_id: str,
        version: int,
        events: tuple[SubscriptionEvent, ...],
        cause: str,
    ) -> Append:
        """An append at the end of a subscription's stream.

        Its command id is drawn, not derived: of two workers who decide the same, only one has
        written it, and only that one may send what it intends.
        """
        stamp = Stamp(actor=self.actor, cause=cause, command_id=uuid4())
        stream = stream_of(subscription_id)
        return Append(stream=stream, expected_version=version, events=events, stamp=stamp)

    def _append(self, appends: Sequence[Append]) -> Sequence[Appended | Conflict]:
        return self._ledger.append(appends, now=self.clock())

    def _load(self, subscription_ids: Sequence[str]) -> Sequence[Loaded[Subscription]]:
        streams = [stream_of(each) for each in subscription_ids]
        loaded = self._ledger.load(streams)
        return [loaded[stream] for stream in streams]

    async def plan(self, code: str) -> Plan | None:
        """A plan of the catalogue. Raises: Unreadable; then nobody on it is billed."""
        # In nearly every case, that there is none included: a thread is asked only to read.
        known = self._plans.at_hand(code)
        if known is not None:
            return known[0]
        found = await self._plan(code)
        if isinstance(found, Unreadable):
            raise found
        return found

    def _read_plans(self, codes: Sequence[str]) -> Sequence[Plan | Unreadable | None]:
        found = {code: self._read_plan(code) for code in dict.fromkeys(codes)}
        return [found[code] for code in codes]

    def _read_plan(self, code: str) -> Plan | Unreadable | None:
        """One that cannot be read is its own subscribers' trouble, not that of the batch."""
        try:
            return self._plans.recent(code)
        except Unreadable as error:
            return error

    def _open_tokens(self, refs: Sequence[str]) -> Sequence[Secret | None]:
        found: Mapping[str, Secret] = self._vault.open_many(list(dict.fromkeys(refs)))
        return [found.get(ref) for ref in refs]

    def _keep_tokens(self, given: Sequence[Given]) -> Sequence[None]:
        self._vault.put_many(
            [(each.customer_id, each.token_ref, each.token) for each in given],
            {each.token_ref: each.name for each in given},
        )
        return [None] * len(given)

    def _drop_tokens(self, refs: Sequence[str]) -> Sequence[None]:
        self._vault.drop(refs)
        return [None] * len(refs)

    async def is_shared(self, token_ref: str) -> bool:
        """Whether another subscription that goes on is charged with the same token."""
        if self._holders is None:
            return False
        return await asyncio.to_thread(self._holders.is_shared, token_ref)

    def _reserve(self, places: Sequence[Place]) -> Sequence[Wait | None]:
        return self._attempts.reserve(places)

    def _release_places(self, attempt_ids: Sequence[UUID]) -> Sequence[None]:
        self._attempts.release(attempt_ids)
        return [None] * len(attempt_ids)

    def _give_back(self, returned: Sequence[Returned]) -> Sequence[None]:
        self.agenda.release(
            [(each.claim, each.seen_position, each.not_before) for each in returned]
        )
        return [None] * len(returned)

    def _renew(self, claims: Sequence[Claim]) -> Sequence[bool]:
        held = self.agenda.renew(claims)
        return [claim.subscription_id in held for claim in claims]

    def _snapshot(self, items: Sequence[tuple[str, int, Subscription]]) -> Sequence[None]:
        self._ledger.save_snapshots(
            [(stream_of(key), version, state) for key, version, state in items]
        )
        return [None] * len(items)
