"""Refunds in a worker's hand: intended before they are sent, sent once, in nobody's way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from domain.identity import refund_reference
from domain.ports import NotDone, NotFound, Unknown
from domain.processes.steps import LookUp, LookUpRefund, SendRefund
from domain.providers import Provider
from domain.refund_ports import Refunded, RefundOrder, RefundQuery
from domain.subscription.charging import attempt_charge
from domain.subscription.ending import cancel
from domain.subscription.events import ChargeAttempted, SubscriptionEvent
from domain.subscription.invoicing import issue_invoice
from domain.subscription.refund_events import (
    RefundAttempted,
    RefundOutcomeUnknown,
    RefundSucceeded,
)
from domain.subscription.settling_refunds import settle_refund
from infrastructure.store.agenda import Claim
from infrastructure.store.inbox import Received
from infrastructure.workers.advance import Advancer
from infrastructure.workers.callback_worker import calls_of
from infrastructure.workers.hand import Hand
from infrastructure.workers.provider_calls import ask
from tests.domain.refunding import (
    DENIED,
    FEB_10,
    nok,
    paid,
    paid_next,
    reference,
    refund_key,
    tried,
    wanted,
)
from tests.specimens import MINUTE, ZONE_VERSION, captured
from tests.test_advance import MemoryDesk
from tests.vocabulary import Given, given

NOW = FEB_10 + 2 * MINUTE


class Desk(MemoryDesk):
    """At a clock of its own; no plan in the catalogue, a place for every attempt."""

    now: datetime = NOW

    def clock(self) -> Any:
        return self.now

    async def plan(self, _: str) -> None:
        return None

    async def reserve(self, _: object) -> None:
        return None

    async def open_token(self, _: str) -> str:
        return "token"


@attrs.define
class Provides:
    """A provider with one answer to refunds and one to looks. sent: what it was asked, in order."""

    to_refund: Any
    to_look: Any = attrs.field(factory=lambda: NotFound(finding="nothing"))
    sent: list[Any] = attrs.field(factory=list)

    async def refund(self, order: RefundOrder) -> Any:
        self.sent.append(order)
        return self.to_refund

    async def look_up_refund(self, query: RefundQuery) -> Any:
        self.sent.append(query)
        return self.to_look

    async def charge(self, order: Any) -> Any:
        self.sent.append(order)
        return captured(order.amount)

    async def look_up(self, query: Any) -> Any:
        self.sent.append(query)
        return captured(query.amount)

    @property
    def asked(self) -> list[str]:
        """The kinds of what it was asked."""
        return [type(each).__name__ for each in self.sent]


def advanced(
    start: Given,
    provider: Provides,
    *,
    taken_before: bool = False,
    now: datetime = NOW,
    which: Provider = Provider.PAYPAL,
) -> tuple[list[SubscriptionEvent], Hand]:
    """What a worker writes that has claimed a subscription with this history."""
    desk = Desk(list(start.facts))
    desk.now = now
    hand = Hand(
        claim=Claim(
            subscription_id="s-1", fence=1, taken_before=taken_before, due_at=None, lease_s=60
        ),
        state=start.state,
        version=len(start.facts),
        taken_before=taken_before,
        check_lease_at=float("inf"),
    )
    gateways: Any = {(which.value, "main"): provider}
    at_desk: Any = desk
    asyncio.run(Advancer(at_desk, gateways, ZONE_VERSION).advance(hand))
    return desk.facts_there[len(start.facts) :], hand


def kinds(facts: list[SubscriptionEvent]) -> list[type]:
    """The kinds of facts."""
    return [type(fact) for fact in facts]


def made(minor: int = 1000) -> Refunded:
    """It went back."""
    return Refunded(amount=nok(minor), provider_ref="ref-1", at=NOW)


def test_the_intention_is_written_and_then_it_is_sent() -> None:
    """With everything that the provider needs to know, under the refund's key."""
    provider = Provides(made())
    facts, _ = advanced(wanted(paid(), nok(1000)), provider)
    assert kinds(facts) == [RefundAttempted, RefundSucceeded]
    assert provider.sent == [
        RefundOrder(
            refund_id=refund_key(),
            reference=refund_reference(reference(), 1),
            amount=nok(1000),
            charge_reference=reference(),
            charge_ref="cap-1",
            reason="sent back",
        )
    ]


@pytest.mark.parametrize(
    ("which", "asked", "end"),
    [
        (Provider.PAYPAL, ["RefundQuery", "RefundOrder"], RefundSucceeded),
        (Provider.DINTERO, ["RefundQuery"], RefundOutcomeUnknown),
    ],
)
def test_F02_what_another_worker_may_have_sent_is_looked_up(
    which: Provider, asked: list[str], end: type
) -> None:
    """Sent again only where the provider knows the key."""
    provider = Provides(made())
    start = tried(wanted(paid(provider=which), nok(1000)))
    facts, _ = advanced(start, provider, taken_before=True, which=which)
    assert (provider.asked, kinds(facts)) == (asked, [end])


@pytest.mark.parametrize("which", list(Provider))
def test_what_was_not_done_and_given_back_is_sent_again(which: Provider) -> None:
    """Whoever held it has said that nothing is under way."""
    provider = Provides(made())
    facts, _ = advanced(tried(wanted(paid(provider=which), nok(1000))), provider, which=which)
    assert (provider.asked, kinds(facts)) == (["RefundOrder"], [RefundSucceeded])


def test_a_provider_that_does_no_refunds_holds_up_no_charge() -> None:
    """The next period is billed and paid in the same turn; then it is left alone for a while."""
    start = wanted(paid(), nok(1000))
    due = start.state.next_due_at
    assert due is not None
    provider = Provides(NotDone(reason="403"))
    facts, hand = advanced(start, provider, now=due)
    assert provider.asked == ["RefundOrder", "ChargeOrder"]
    assert RefundAttempted in kinds(facts)
    assert hand.state.open_invoices == ()
    assert hand.not_before is not None


def test_F02_a_refund_does_not_clear_a_charge_that_may_have_been_sent() -> None:
    """Its intention is written in this hand; the charge was another's, and is looked up."""
    start = wanted(paid(), nok(1000))
    due = start.state.next_due_at
    assert due is not None
    start = start.and_(*issue_invoice(start.state, now=due, zone_version=ZONE_VERSION))
    start = start.and_(*attempt_charge(start.state, now=due))
    provider = Provides(made())
    advanced(start, provider, taken_before=True, now=due + MINUTE)
    assert provider.asked == ["RefundOrder", "ChargeQuery"]


def test_a_refund_of_a_stream_that_moved_is_sent_by_whoever_wrote_its_intention() -> None:
    """Another worker was faster: what it intended is looked up here, not sent."""
    start = wanted(paid(provider=Provider.DINTERO), nok(1000))
    desk = Desk(list(tried(start).facts))
    hand = Hand(
        claim=Claim(subscription_id="s-1", fence=1, taken_before=False, due_at=None, lease_s=60),
        state=start.state,
        version=len(start.facts),
        taken_before=False,
        check_lease_at=float("inf"),
    )
    provider = Provides(made())
    gateways: Any = {("dintero", "main"): provider}
    at_desk: Any = desk
    asyncio.run(Advancer(at_desk, gateways, ZONE_VERSION).advance(hand))
    assert provider.asked == ["RefundQuery"]


def test_a_worker_that_slept_sends_nothing_under_a_forgotten_key() -> None:
    """Judged once more before anything goes out."""
    start = tried(wanted(paid(), nok(1000)))
    (refund,) = start.state.refunds
    provider = Provides(made())
    late = NOW + timedelta(days=45)
    gateways: Any = {("paypal", "main"): provider}
    answer = asyncio.run(ask(gateways, start.state, SendRefund(refund), token=None, now=late))
    assert isinstance(answer, NotDone)
    assert provider.sent == []


# --- callbacks --------------------------------------------------------------------------------


def callback(about: str) -> Received:
    """A provider's callback about a reference."""
    return Received(
        id=1,
        provider="paypal",
        account="main",
        delivery_id="d-1",
        event_type="PAYMENT.CAPTURE.REFUNDED",
        reference=about,
        token_request_ref="",
        headers={},
        received_at=datetime(2024, 2, 10, tzinfo=UTC),
    )


def looks(start: Given, *about: str) -> list[tuple[str, str]]:
    """What callbacks about these references make a worker look at."""
    found = []
    for call in calls_of(start.state, [callback(each) for each in about]):
        assert isinstance(call, LookUp | LookUpRefund)
        key = call.attempt.reference if isinstance(call, LookUp) else call.refund.reference
        found.append((type(call).__name__, key))
    return found


def test_F10_callbacks_about_a_refund_lead_to_one_look() -> None:
    """By its own reference or by that of its charge, however often."""
    start = tried(wanted(paid(), nok(1000)))
    mine = refund_reference(reference(), 1)
    assert looks(start, mine, mine, reference()) == [("LookUpRefund", mine)]
    assert looks(start, refund_reference(reference(2), 1)) == []


def test_F12_a_callback_about_a_refund_that_was_not_sent_is_no_news() -> None:
    """Asked for, and nobody at the provider can know of it; after its outcome, neither."""
    start = wanted(paid(), nok(1000))
    mine = refund_reference(reference(), 1)
    assert looks(start, mine) == []
    done = tried(start).and_(
        *_settled(tried(start)),
    )
    assert looks(done, mine, reference()) == []


def test_a_callback_about_a_refund_that_failed_makes_us_look_again() -> None:
    """It may have been made after all."""
    start = tried(wanted(paid(), nok(1000)))
    mine = refund_reference(reference(), 1)
    failed = start.and_(
        *settle_refund(start.state, refund_key(), DENIED, evidence="answer", now=NOW)
    )
    assert looks(failed, mine, reference()) == [("LookUpRefund", mine)]


def test_F12_a_callback_about_a_refund_of_a_charge_in_doubt_makes_us_look_at_the_charge() -> None:
    """Whoever gives money back has taken it."""
    start = paid()
    due = start.state.next_due_at
    assert due is not None
    start = start.and_(*issue_invoice(start.state, now=due, zone_version=ZONE_VERSION))
    start = start.and_(*attempt_charge(start.state, now=due))
    attempted = next(each for each in reversed(start.facts) if isinstance(each, ChargeAttempted))
    about = refund_reference(attempted.reference, 1)
    assert looks(start, about) == [("LookUp", attempted.reference)]


def test_F16_a_callback_about_an_unknown_refund_leads_to_no_look() -> None:
    """A charge that we never made; nor words that are no reference."""
    start = paid_next(paid())
    for about in ("s-1-9-1-0123456789-r1", "somebody else's", "-r1"):
        assert looks(start, about) == []


def _settled(start: Given) -> tuple[SubscriptionEvent, ...]:
    return settle_refund(start.state, refund_key(), made(), evidence="answer", now=NOW)


def test_a_refund_of_what_was_cancelled_is_sent() -> None:
    """The end of billing ends no refund; an unknown answer is a doubt, as before it."""
    start = wanted(paid(), nok(1000))
    ended = given(*start.facts, *cancel(start.state, reason="moved", now=FEB_10))
    facts, _ = advanced(ended, Provides(Unknown(reason="ReadTimeout")))
    assert kinds(facts) == [RefundAttempted, RefundOutcomeUnknown]
