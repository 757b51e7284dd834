"""Reservations in a worker's hand: the intention stands before the void or the renewal is sent."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import attrs

from domain.identity import void_id
from domain.money import Money
from domain.ports import CaptureOrder, ChargeQuery, NotDone, Unknown
from domain.processes.steps import SendCapture, SendRenewal
from domain.refund_ports import VoidDenied, Voided, VoidOrder
from domain.subscription.events import ChargeAuthorized, CreditApplied
from domain.subscription.folding import evolve_all
from domain.subscription.looking_up import looked_up
from domain.subscription.owed import TaxedPart
from domain.subscription.voiding import settle_void
from infrastructure.store.agenda import Claim
from infrastructure.workers.advance import Advancer
from infrastructure.workers.hand import Hand
from infrastructure.workers.provider_calls import ask
from tests.domain.stages import LATER, TWO_STEPS, answered, attempted, cancelled
from tests.specimens import (
    DAY,
    HOUR,
    MINUTE,
    PRICE,
    TIME_OUT,
    ZONE_VERSION,
    capture_key,
    captured,
    declined,
    key,
    reserved,
)
from tests.vocabulary import Given
from tests.workers.test_refund_work import Desk

GONE = Voided(at=LATER)
AGAIN = attrs.evolve(reserved(at=LATER + 4 * DAY), authorization_ref="auth-2")


@attrs.define
class Provides:
    """A provider with answers for each kind of call. sent: what it was asked, in order."""

    to_void: Any = GONE
    to_look: Any = attrs.field(factory=reserved)
    to_renew: Any = AGAIN
    to_capture: Any = None
    sent: list[Any] = attrs.field(factory=list)
    named: list[str] = attrs.field(factory=list)

    async def void(self, order: VoidOrder) -> Any:
        return self._said("void", order, self.to_void)

    async def look_up(self, query: ChargeQuery) -> Any:
        return self._said("look_up", query, self.to_look)

    async def reauthorize(self, order: CaptureOrder) -> Any:
        return self._said("reauthorize", order, self.to_renew)

    async def capture(self, order: CaptureOrder) -> Any:
        answer = self.to_capture or captured(order.amount, at=LATER)
        return self._said("capture", order, answer)

    def _said(self, name: str, order: Any, answer: Any) -> Any:
        self.sent.append(order)
        self.named.append(name)
        return answer


def advanced(
    start: Given, provider: Provides, *, now: datetime = LATER, taken_before: bool = False
) -> tuple[list[str], Hand, list[str]]:
    """The facts that a worker writes, its hand, and the causes that it names."""
    desk = CausesDesk(list(start.facts))
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
    gateways: Any = {("paypal", "main"): provider}
    at_desk: Any = desk
    asyncio.run(Advancer(at_desk, gateways, ZONE_VERSION).advance(hand))
    return [type(each).__name__ for each in desk.facts_there[len(start.facts) :]], hand, desk.causes


class CausesDesk(Desk):
    """Keeps the causes of what is written."""

    def __init__(self, facts: list[Any]) -> None:
        super().__init__(facts)
        self.causes: list[str] = []

    def facts(self, subscription_id: str, version: int, events: Any, cause: str) -> Any:
        self.causes.append(cause)
        return super().facts(subscription_id, version, events, cause)


def letting_go() -> Given:
    return answered(cancelled(attempted(TWO_STEPS)), reserved())


def about_to_capture() -> Given:
    return answered(attempted(TWO_STEPS), reserved())


def test_the_void_goes_out_under_its_key() -> None:
    """As the ledger intends it; and the answer says what it was an answer to."""
    provider = Provides()
    written, hand, causes = advanced(letting_go(), provider)
    assert written == ["AuthorizationVoided"]
    assert provider.sent == [
        VoidOrder(
            void_id=void_id(key(), 1),
            reference=letting_go().attempt.reference,
            authorization_ref="auth-1",
        )
    ]
    assert causes == ["answer:void"]
    assert hand.not_before is None


def test_F02_after_a_crash_it_is_looked_up_first() -> None:
    """Still reserved: then it is sent."""
    provider = Provides()
    written, _, _ = advanced(letting_go(), provider, taken_before=True)
    assert provider.named == ["look_up", "void"]
    assert written == ["AuthorizationVoided"]


def test_F08_a_void_that_was_not_carried_out_waits() -> None:
    """As long as the provider says."""
    provider = Provides(to_void=NotDone(reason="429", retry_after_s=90))
    written, hand, _ = advanced(letting_go(), provider)
    assert (written, provider.named) == ([], ["void"])
    assert hand.not_before == LATER + timedelta(seconds=90)


def test_F06_lost_answer_is_looked_up_by_plan() -> None:
    """Nothing more in this turn; five minutes later it is looked up, and sent again."""
    provider = Provides(to_void=TIME_OUT)
    written, _, _ = advanced(letting_go(), provider)
    assert (written, provider.named) == (["ChargeOutcomeUnknown"], ["void"])
    start = letting_go()
    doubtful = start.and_(*_lost(start))
    provider = Provides()
    written, _, _ = advanced(doubtful, provider, now=LATER + 5 * MINUTE)
    assert provider.named == ["look_up", "void"]
    assert written == ["ChargeLookedUp", "VoidAttempted", "AuthorizationVoided"]
    assert {order.void_id for order in provider.sent[1:]} == {void_id(key(), 1)}


def _lost(start: Given) -> Any:
    return settle_void(start.state, key(), TIME_OUT, evidence="answer", now=LATER)


def test_a_void_denied_because_of_a_capture_ends_in_the_money() -> None:
    """Looked up in the same turn."""
    denied = VoidDenied(code="PREVIOUSLY_CAPTURED", message="captured", captured=True)
    provider = Provides(to_void=denied, to_look=captured())
    written, _, _ = advanced(letting_go(), provider)
    assert provider.named == ["void", "look_up"]
    assert written == ["ChargeOutcomeUnknown", "ChargeSucceeded"]


def test_PayPal_an_old_reservation_is_renewed_then_captured() -> None:
    """Two calls, and the new reservation is on the ledger between them."""
    provider = Provides()
    written, _, causes = advanced(about_to_capture(), provider, now=LATER + 4 * DAY)
    assert provider.named == ["reauthorize", "capture"]
    assert written == ["ChargeAuthorized", "ChargeSucceeded"]
    assert causes == ["answer:reauthorize", "answer:capture"]
    renewal, capture = provider.sent
    assert (renewal.capture_id, renewal.authorization_ref) == (capture_key(), "auth-1")
    assert (capture.capture_id, capture.authorization_ref) == (capture_key(), "auth-2")


def test_a_renewal_that_is_refused_is_not_asked_for_again() -> None:
    """What is reserved is captured as it stands, in the same turn."""
    refused = declined(code="REAUTHORIZATION_TOO_SOON")
    provider = Provides(to_renew=refused)
    written, hand, _ = advanced(about_to_capture(), provider, now=LATER + 4 * DAY)
    assert provider.named == ["reauthorize", "capture"]
    assert provider.sent[1].authorization_ref == "auth-1"
    assert written == ["ChargeSucceeded"]
    assert hand.not_renewed == {capture_key()}


def test_F06_lost_answer_of_a_renewal_waits_a_little() -> None:
    """Nothing is recorded, nothing is captured."""
    now = LATER + 4 * DAY
    for answer in (TIME_OUT, Unknown(reason="HTTP 500"), NotDone(reason="429")):
        provider = Provides(to_renew=answer)
        written, hand, _ = advanced(about_to_capture(), provider, now=now)
        assert (written, provider.named) == ([], ["reauthorize"])
        assert hand.not_before == now + MINUTE


def test_F20_a_renewal_is_not_sent_after_the_key_window() -> None:
    """Judged once more before it goes out."""
    start, provider = about_to_capture(), Provides()
    gateways: Any = {("paypal", "main"): provider}
    call = SendRenewal(start.attempt, capture_key())
    late = start.attempt.key_expires_at
    answer = asyncio.run(ask(gateways, start.state, call, token=None, now=late))
    assert isinstance(answer, NotDone)
    assert provider.sent == []


def test_the_capture_is_of_what_is_open() -> None:
    """100.00 of credit came meanwhile."""
    doubtful = answered(attempted(TWO_STEPS), TIME_OUT)
    credit = CreditApplied(
        customer_id="c-1",
        credit_number=1,
        invoice_number=1,
        amount=Money(10000, "NOK"),
        effective_at=LATER,
    )
    provider = Provides()
    written, _, _ = advanced(doubtful.and_(credit), provider, now=LATER + HOUR)
    assert provider.named == ["look_up", "capture"]
    assert provider.sent[1].amount == Money(PRICE.minor - 10000, "NOK")
    assert provider.sent[1].final
    assert written == ["ChargeAuthorized", "CaptureAttempted", "ChargeSucceeded"]


def test_the_lines_of_a_capture_in_part_are_those_of_its_charge() -> None:
    """A provider knows no others; the part stands in the amount."""
    taxed = TaxedPart(ppm=250_000, amount=PRICE, tax=Money(5980, "NOK"))
    start = answered(attempted(TWO_STEPS), TIME_OUT)
    state = start.state
    (invoice,) = state.open_invoices
    state = attrs.evolve(
        state, open_invoices=(attrs.evolve(invoice, parts=(taxed,), credited=Money(10000, "NOK")),)
    )
    facts = looked_up(state, key(), reserved(), now=LATER + HOUR)
    state = evolve_all(state, facts)
    assert state.open_attempt is not None
    provider = Provides()
    gateways: Any = {("paypal", "main"): provider}
    call = SendCapture(state.open_attempt, capture_key())
    asyncio.run(ask(gateways, state, call, token=None, now=LATER + HOUR))
    (order,) = provider.sent
    assert order.amount == Money(19900, "NOK")
    assert [line.amount for line in order.lines] == [PRICE]


def test_a_callback_finds_the_renewed_reservation_no_news() -> None:
    """It is looked at by the new id, and changes nothing."""
    start = about_to_capture()
    anew = start.and_(
        ChargeAuthorized(
            attempt_id=key(),
            amount=PRICE,
            authorization_ref="auth-2",
            order_ref="order-1",
            expires_at=None,
            evidence="answer",
            effective_at=LATER + 4 * DAY,
        )
    )
    anew.when(looked_up, key(), AGAIN, evidence="callback", now=LATER + HOUR).then_nothing()
