"""Tokens that end, in a worker's hand: deleted until they are gone, in nobody's way."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from domain.ports import (
    NotDone,
    Secret,
    TokenGone,
    TokenHeld,
    Unknown,
)
from domain.processes.steps import LookUpToken
from domain.providers import Provider
from domain.subscription.charging import CALLBACK
from domain.subscription.ending import cancel
from domain.subscription.letting_go import Which, request_deletion
from domain.subscription.token_events import TokenRevoked
from infrastructure.store.agenda import Claim
from infrastructure.store.inbox import Received
from infrastructure.workers.advance import Advancer
from infrastructure.workers.callback_worker import calls_of
from infrastructure.workers.hand import Hand
from infrastructure.workers.provider_calls import ask
from tests.specimens import (
    CARD,
    DAY,
    DUE,
    HOUR,
    MINUTE,
    OFFERED,
    SIGNED_UP,
    ZONE_VERSION,
    captured,
    signed_up,
    token_ref,
)
from tests.test_advance import MemoryDesk
from tests.vocabulary import Given, given

NOW = SIGNED_UP + HOUR

OURS = b"digest-of-ours"


@attrs.define
class Desk(MemoryDesk):
    """At a clock of its own. shared: whether another subscription holds the token, too."""

    now: datetime = NOW
    shared: bool = False
    token: Secret | None = attrs.field(factory=lambda: Secret("tok"))

    def clock(self) -> Any:
        return self.now

    async def plan(self, _: str) -> None:
        return None

    async def reserve(self, _: object) -> None:
        return None

    async def open_token(self, _: str) -> Secret | None:
        return self.token

    async def is_shared(self, _: str) -> bool:
        return self.shared

    async def drop_token(self, ref: str) -> None:
        self.done.append(f"dropped {ref}")


@attrs.define
class Provides:
    """A provider with one answer to deletions and one to looks. sent: what it was asked."""

    to_delete: Any = attrs.field(factory=TokenGone)
    to_look: Any = attrs.field(factory=TokenGone)
    sent: list[str] = attrs.field(factory=list)

    async def delete_token(self, token: Secret, instrument: Any) -> Any:
        assert (token, instrument) == (Secret("tok"), CARD)
        self.sent.append("delete")
        return self.to_delete

    async def look_up_token(self, token: Secret, instrument: Any) -> Any:
        assert (token, instrument) == (Secret("tok"), CARD)
        self.sent.append("look")
        return self.to_look

    async def request_token(self, _: Any) -> Any:
        self.sent.append("page")
        return OFFERED

    async def charge(self, order: Any) -> Any:
        self.sent.append("charge")
        return captured(order.amount)


def let_go(start: Given, at: datetime = SIGNED_UP) -> Given:
    """All tokens are let go."""
    return start.and_(*request_deletion(start.state, Which.ALL, reason="asked", now=at))


def ended(at: datetime = SIGNED_UP) -> Given:
    """Signed up, and cancelled at once."""
    start = given(*signed_up())
    return start.and_(*cancel(start.state, reason="left", now=at))


def advanced(start: Given, provider: Provides, desk: Desk) -> Hand:
    """A worker has claimed a subscription with this history."""
    hand = hand_of(start)
    asyncio.run(advancer(provider, desk, start).advance(hand))
    return hand


def hand_of(start: Given) -> Hand:
    return Hand(
        claim=Claim(subscription_id="s-1", fence=1, taken_before=False, due_at=None, lease_s=60),
        state=start.state,
        version=len(start.facts),
        taken_before=False,
        check_lease_at=float("inf"),
    )


def advancer(provider: Provides, desk: Desk, start: Given) -> Advancer:
    desk.facts_there[:] = list(start.facts)
    gateways: Any = {("paypal", "main"): provider}
    at_desk: Any = desk
    return Advancer(at_desk, gateways, ZONE_VERSION)


def revocations(desk: Desk) -> list[str]:
    """The reasons for which tokens ended."""
    return [each.reason for each in desk.facts_there if isinstance(each, TokenRevoked)]


def test_it_is_deleted_and_dropped_from_the_vault() -> None:
    """After the fact is written, not before."""
    desk, provider = Desk([]), Provides()
    hand = advanced(let_go(given(*signed_up())), provider, desk)
    assert provider.sent == ["delete", "page"]
    assert revocations(desk) == ["deleted by us"]
    assert desk.done[:2] == ["TokenRevoked", f"dropped {token_ref()}"]
    assert hand.not_before is None


def test_one_that_another_subscription_is_charged_with_is_kept() -> None:
    """The provider is not asked."""
    desk, provider = Desk([], shared=True), Provides()
    advanced(let_go(ended()), provider, desk)
    assert provider.sent == []
    assert revocations(desk) == ["kept for another subscription"]


@pytest.mark.parametrize("answer", [Unknown(reason="ReadTimeout"), NotDone(reason="403")])
def test_what_is_not_done_is_asked_once_a_turn_and_holds_nothing_up(answer: Any) -> None:
    """The payer's page is got all the same."""
    desk, provider = Desk([]), Provides(to_delete=answer)
    hand = advanced(let_go(given(*signed_up())), provider, desk)
    assert provider.sent == ["delete", "page"]
    assert revocations(desk) == []
    # Billed still: within ten minutes, however long it was asked for.
    assert hand.not_before == NOW + 10 * MINUTE


@pytest.mark.parametrize(
    ("asked_before", "wait"),
    [
        (timedelta(0), MINUTE),
        (5 * MINUTE, 5 * MINUTE),
        (3 * HOUR, 3 * HOUR),
        (9 * DAY, DAY),
    ],
)
def test_the_older_it_is_the_more_seldom_it_is_asked_for(
    asked_before: timedelta, wait: timedelta
) -> None:
    """Of what has ended; from a minute to a day."""
    desk = Desk([], now=SIGNED_UP + asked_before)
    hand = advanced(let_go(ended()), Provides(to_delete=NotDone(reason="403")), desk)
    assert hand.not_before == desk.now + wait


def test_the_provider_may_say_how_long_to_wait() -> None:
    """Never earlier than it says."""
    refused = NotDone(reason="429", retry_after_s=7200)
    hand = advanced(let_go(ended()), Provides(to_delete=refused), Desk([]))
    assert hand.not_before == NOW + 2 * HOUR


def test_what_falls_due_meanwhile_does_not_wait_for_it() -> None:
    """The next period comes before the next try."""
    desk = Desk([], now=DUE - 2 * MINUTE)
    start = let_go(given(*signed_up()), at=DUE - 3 * HOUR)
    hand = advanced(start, Provides(to_delete=NotDone(reason="403")), desk)
    assert hand.not_before == DUE


def test_without_a_token_nothing_is_sent() -> None:
    """The vault has been emptied: a person has to look."""
    desk, provider = Desk([], token=None), Provides()
    hand = advanced(let_go(ended()), provider, desk)
    assert (provider.sent, revocations(desk)) == ([], [])
    assert hand.not_before is not None
    state = let_go(ended()).state
    step = LookUpToken(state.tokens[0], CALLBACK)
    gateways: Any = {("paypal", "main"): provider}
    answer = asyncio.run(ask(gateways, state, step, token=None, now=NOW))
    assert isinstance(answer, NotDone)


# --- notices ----------------------------------------------------------------------------------


def notice(**changes: Any) -> Received:
    """A provider's word that a token has ended."""
    plain = {
        "id": 1,
        "provider": "paypal",
        "account": "main",
        "delivery_id": "d-1",
        "event_type": "VAULT.PAYMENT-TOKEN.DELETED",
        "reference": "",
        "token_request_ref": "",
        "headers": {},
        "received_at": NOW,
        "token_digest": OURS,
        "token_ended": True,
    }
    return Received(**{**plain, **changes})


def looks(start: Given, *received: Received, refs: tuple[str, ...] = (token_ref(),)) -> list[Any]:
    """What these notices make a worker look at."""
    return calls_of(start.state, received, {OURS: refs})


def test_F10_notices_of_an_end_lead_to_one_look() -> None:
    """However often they come; at the token that they name."""
    start = given(*signed_up())
    (look,) = looks(start, notice(), notice(delivery_id="d-2"))
    assert look == LookUpToken(start.state.tokens[0], CALLBACK)


@pytest.mark.parametrize(
    "received",
    [notice(token_ended=False), notice(token_digest=b"another"), notice(token_digest=b"")],
)
def test_other_notices_lead_to_none(received: Received) -> None:
    """That a token was made, or the end of one that is not ours."""
    assert looks(given(*signed_up()), received) == []


def test_a_token_that_is_gone_or_anothers_is_not_looked_at() -> None:
    """The reference is another subscription's."""
    assert looks(given(*signed_up()), notice(), refs=("token-x",)) == []


def look_at(start: Given, answer: Any) -> tuple[bool, Hand, Desk]:
    """A worker looks at the token of a notice."""
    desk, provider = Desk([]), Provides(to_look=answer)
    hand, (look,) = hand_of(start), looks(start, notice())
    wrote = asyncio.run(advancer(provider, desk, start).carry_out(hand, look))
    assert provider.sent == ["look"]
    return wrote, hand, desk


def test_F38_a_confirmed_end_is_booked_and_the_payer_asked() -> None:
    """In one append; the vault forgets the token."""
    wrote, hand, desk = look_at(given(*signed_up()), TokenGone())
    assert wrote
    assert desk.done == ["TokenRevoked", "TokenRequested", f"dropped {token_ref()}"]
    assert not hand.unanswered


@pytest.mark.parametrize(
    ("answer", "again"),
    [(TokenHeld(), False), (Unknown(reason="ReadTimeout"), True), (NotDone(reason="429"), True)],
)
def test_a_notice_that_could_not_be_confirmed_is_taken_again(answer: Any, again: bool) -> None:
    """Nobody looks at a token by schedule; where it is held, the notice was no news."""
    wrote, hand, desk = look_at(given(*signed_up()), answer)
    assert (wrote, hand.unanswered, desk.done) == (False, again, [])


def test_where_a_token_was_made_is_who_is_asked() -> None:
    """Moved since, the subscription is charged elsewhere; the token is still there."""
    state = given(*signed_up()).state
    assert state.tokens[0].provider is Provider.PAYPAL
    step = LookUpToken(attrs.evolve(state.tokens[0], account="second"), CALLBACK)
    gateways: Any = {("paypal", "main"): Provides()}
    answer = asyncio.run(ask(gateways, state, step, token=Secret("tok"), now=NOW))
    assert isinstance(answer, NotDone)
    assert "second" in answer.reason
