"""A worker's order of doing things, at a desk without a store and with a provider of one answer."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from domain.ports import StillOpen, TokenAnswer
from domain.processes.steps import SeeToken
from domain.recorded import Stamp
from domain.subscription.events import SubscriptionCancelled, SubscriptionEvent
from domain.subscription.state import Subscription
from infrastructure.store.agenda import Claim
from infrastructure.store.ledger import Append, Appended, Conflict, Loaded
from infrastructure.workers.advance import Advancer
from infrastructure.workers.desk import Given
from infrastructure.workers.hand import Hand
from tests.specimens import (
    GRANTED,
    MINUTE,
    SIGNED_UP,
    approval_offered,
    requested,
    started,
    token_ref,
    vaulted,
)
from tests.vocabulary import Facts, given

SHOWN: Facts = (started(), requested(), approval_offered())
NOW = SIGNED_UP + 5 * MINUTE
CANCELLED = SubscriptionCancelled(reason="moved", effective_at=NOW)


@attrs.define
class MemoryDesk:
    """What a worker asks of the store, kept in lists. done: what was asked to be kept, in order."""

    facts_there: list[SubscriptionEvent]
    done: list[str] = attrs.field(factory=list)
    kept: list[Given] = attrs.field(factory=list)
    lease_s: float = 60.0

    def clock(self) -> Any:
        return NOW

    def facts(self, subscription_id: str, version: int, events: Facts, cause: str) -> Append:
        stamp = Stamp(actor="test", cause=cause, command_id=requested().request_id)
        return Append(f"subscription-{subscription_id}", version, events, stamp)

    async def append(self, append: Append) -> Appended | Conflict:
        there = len(self.facts_there)
        if append.expected_version != there:
            return Conflict(append.stream, append.expected_version, there)
        self.facts_there += append.events  # type: ignore[arg-type]
        self.done += [type(event).__name__ for event in append.events]
        return Appended(append.stream, there + len(append.events), there + len(append.events))

    async def load(self, subscription_id: str) -> Loaded[Subscription]:
        stream = f"subscription-{subscription_id}"
        return Loaded(stream, given(*self.facts_there).state, len(self.facts_there))

    async def keep_token(self, token: Given) -> None:
        self.kept.append(token)
        self.done.append("token kept")


@attrs.frozen
class OneAnswer:
    """A provider that says one thing about a token request."""

    answer: TokenAnswer

    async def complete_token(self, _: object) -> TokenAnswer:
        return self.answer


def see_token(desk: MemoryDesk, answer: TokenAnswer, loaded: Facts = SHOWN) -> bool:
    """A worker that has loaded these facts looks at the payer's page; whether it wrote any."""
    request = given(*SHOWN).state.token_request
    assert request is not None
    hand = Hand(
        claim=Claim(subscription_id="s-1", fence=1, taken_before=False, due_at=None, lease_s=60),
        state=given(*loaded).state,
        version=len(loaded),
        taken_before=False,
        check_lease_at=float("inf"),
    )
    gateways: Any = {("paypal", "main"): OneAnswer(answer)}
    at_desk: Any = desk
    return asyncio.run(Advancer(at_desk, gateways, "2025b").carry_out(hand, SeeToken(request)))


def test_a_token_is_in_the_vault_before_a_fact_names_it() -> None:
    """A crash between the two leaves a token too much, never a fact without its token."""
    desk = MemoryDesk(list(SHOWN))
    assert see_token(desk, GRANTED)
    assert desk.done == ["token kept", "TokenVaulted"]
    (kept,) = desk.kept
    assert (kept.customer_id, kept.token_ref, kept.token) == ("c-1", token_ref(), GRANTED.token)


@pytest.mark.parametrize("meanwhile", [CANCELLED, vaulted()])
def test_a_token_that_no_fact_will_name_is_not_kept(meanwhile: SubscriptionEvent) -> None:
    """The subscription was cancelled, or another worker was told before us."""
    facts = (*SHOWN, meanwhile)
    desk = MemoryDesk(list(facts))
    assert not see_token(desk, GRANTED, facts)
    assert desk.done == []


def test_a_token_is_kept_once_when_the_stream_moves() -> None:
    """Another fact came in between: decided anew, with the token already in the vault."""
    desk = MemoryDesk([*SHOWN, approval_offered()])
    assert see_token(desk, GRANTED)
    assert desk.done == ["token kept", "TokenVaulted"]


def test_nothing_is_kept_while_the_payer_has_not_approved() -> None:
    """Still open within its time: no fact, no token."""
    desk = MemoryDesk(list(SHOWN))
    assert not see_token(desk, StillOpen())
    assert desk.done == []
