"""Attempt, authorise and capture, settle: once each."""

from __future__ import annotations

from datetime import datetime

import attrs
import pytest

from domain.money import Money
from domain.plan import CaptureMode, Terms
from domain.ports import ChargeAnswer
from domain.processes.answers import follow
from domain.processes.next_step import next_step
from domain.processes.steps import LookUp, SendCharge, Step
from domain.providers import RULES, Provider
from domain.subscription.charging import ANSWER, CALLBACK, LOOK_UP, attempt_charge, settle
from domain.subscription.ending import cancel
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAttempted,
    ChargeAuthorized,
    ChargeDeclined,
    ChargeDiscrepancyFound,
    ChargeFoundLate,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    CollectionEnded,
    DeclineClass,
    Discrepancy,
    RetryScheduled,
    SubscriptionCancelled,
    SubscriptionCompleted,
    TokenRequested,
)
from domain.subscription.invoicing import issue_invoice
from domain.subscription.looking_up import looked_up, may_send_again
from domain.subscription.state import Status
from tests.specimens import (
    DAY,
    DUE,
    HARD,
    HOUR,
    KEY_WINDOW,
    MERCHANT,
    MINUTE,
    NEXT_DUE,
    NOT_DONE,
    NOT_FOUND,
    PAYER_ACTION,
    PRICE,
    REPORT_DELAY,
    TIME_OUT,
    ZONE_VERSION,
    capture_key,
    captured,
    declined,
    instalments,
    key,
    reserved,
    signed_up,
    terms,
    token_ref,
    vaulted,
)
from tests.vocabulary import Given, given

LATER = DUE + MINUTE
TWO_STEPS = terms(capture=CaptureMode.AFTER_AUTHORIZATION)


def invoiced(agreed: object = None, **changes: object) -> Given:
    """The first invoice is open and nothing was attempted."""
    start = given(*signed_up(agreed, **changes))  # type: ignore[arg-type]
    return start.and_(*issue_invoice(start.state, now=DUE, zone_version=ZONE_VERSION))


def attempted(agreed: object = None, **changes: object) -> Given:
    """The first charge is on the ledger and may have been sent."""
    start = invoiced(agreed, **changes)
    return start.and_(*attempt_charge(start.state, now=DUE))


def answered(start: Given, answer: ChargeAnswer, invoice: int = 1, attempt: int = 1) -> Given:
    """An answer to an attempt was recorded."""
    return start.and_(
        *settle(start.state, key(invoice, attempt), answer, evidence=ANSWER, now=LATER)
    )


# --- authorise, then capture ------------------------------------------------------------------


def test_a_reservation_is_followed_by_the_intention_to_capture() -> None:
    """Both facts in one append: the reservation, and the capture under a key of its own."""
    attempted(TWO_STEPS).when(settle, key(), reserved(), evidence=ANSWER, now=LATER).then(
        ChargeAuthorized(
            attempt_id=key(),
            amount=PRICE,
            authorization_ref="auth-1",
            order_ref="order-1",
            expires_at=None,
            effective_at=LATER,
        ),
        CaptureAttempted(
            attempt_id=key(),
            capture_id=capture_key(),
            amount=PRICE,
            key_expires_at=LATER + RULES[Provider.PAYPAL].capture_key_window,
            effective_at=LATER,
        ),
    )


@pytest.mark.parametrize("evidence", [ANSWER, CALLBACK, LOOK_UP])
def test_F11_a_reservation_told_twice_is_captured_once(evidence: str) -> None:
    """A second word of the same reservation starts no second capture."""
    reserved_once = answered(attempted(TWO_STEPS), reserved())
    reserved_once.when(settle, key(), reserved(), evidence=evidence, now=LATER).then_nothing()


def test_F11_a_callback_does_not_disturb_a_capture_under_way() -> None:
    """A callback of the reservation that overtakes the capture's answer leaves no trace."""
    reserved_once = answered(attempted(TWO_STEPS), reserved())
    look = LookUp(reserved_once.attempt, CALLBACK)
    reserved_once.when(follow, look, reserved(), now=LATER).then_nothing()


def test_F11_a_callback_does_not_disturb_a_charge_under_way() -> None:
    """Where one call takes the money, a callback that shows it reserved settles nothing."""
    under_way = attempted()
    look = LookUp(under_way.attempt, CALLBACK)
    under_way.when(follow, look, reserved(), now=LATER).then_nothing()
    doubtful = answered(under_way, TIME_OUT)
    doubtful.when(follow, look, reserved(), now=LATER).then_nothing()


# --- what is no longer wanted -----------------------------------------------------------------


def step(start: Given, now: datetime) -> Step:
    """What a worker who took the subscription for the first time does."""
    return next_step(start.state, now=now, taken_before=False, zone_version=ZONE_VERSION)


def cancelled(start: Given) -> Given:
    """The subscription was cancelled."""
    return start.and_(*cancel(start.state, reason="moved", now=LATER))


def second_attempt_after_not_made(agreed: Terms | None = None) -> Given:
    """The first attempt was found not to have been made, and the second is on the ledger."""
    first = answered(attempted(agreed), TIME_OUT)
    closed = first.and_(*looked_up(first.state, key(), NOT_FOUND, now=DUE + REPORT_DELAY))
    return closed.and_(*attempt_charge(closed.state, now=DUE + REPORT_DELAY))


def late_money(start: Given) -> Given:
    """The first attempt turns out to have been made after all."""
    return start.and_(*settle(start.state, key(), captured(), evidence=CALLBACK, now=LATER))


def test_F21_a_cancelled_subscriptions_attempt_is_not_sent_any_more() -> None:
    """Held back by a 429 when the cancellation came, say: it is looked up, never sent."""
    ended = cancelled(attempted())
    assert step(ended, LATER) == LookUp(ended.attempt, LOOK_UP)
    assert not may_send_again(ended.state, key(), NOT_FOUND, now=LATER)


def test_F21_nothing_is_captured_after_cancelling() -> None:
    """A reservation that shows after the end is recorded and left to lapse."""
    ended = cancelled(attempted(TWO_STEPS))
    ended.when(settle, key(), reserved(), evidence=ANSWER, now=LATER).then(
        ChargeAuthorized(
            attempt_id=key(),
            amount=PRICE,
            authorization_ref="auth-1",
            order_ref="order-1",
            expires_at=None,
            effective_at=LATER,
        ),
        ChargeNotMade(
            attempt_id=key(),
            customer_id="c-1",
            invoice_number=1,
            evidence="answer: reserved only, and not wanted any more",
            effective_at=LATER,
        ),
    )


def test_F21_a_capture_that_never_showed_is_not_repeated_after_cancelling() -> None:
    """After the provider's delay the capture is known not to have been made; that is all."""
    ended = cancelled(answered(attempted(TWO_STEPS), reserved()))
    assert step(ended, LATER) == LookUp(ended.attempt, LOOK_UP)
    early, late = LATER + REPORT_DELAY - MINUTE, LATER + REPORT_DELAY
    ended.when(looked_up, key(), reserved(), now=early).then_types(ChargeOutcomeUnknown)
    ended.when(looked_up, key(), reserved(), now=late).then_types(ChargeNotMade)


def test_late_money_is_booked_and_shown() -> None:
    """A charge that was recorded as not made turns up: booked as received, and contradicted."""
    second_attempt_after_not_made().when(
        settle, key(), captured(), evidence=CALLBACK, now=LATER
    ).then(
        ChargeFoundLate(
            attempt_id=key(),
            customer_id="c-1",
            invoice_number=1,
            amount=PRICE,
            provider_ref="cap-1",
            evidence="callback",
            effective_at=LATER,
        ),
        ChargeDiscrepancyFound(
            attempt_id=key(),
            invoice_number=1,
            discrepancy=Discrepancy.UNEXPECTED,
            expected=Money(0, "NOK"),
            received=PRICE,
            effective_at=LATER,
        ),
    )


def test_late_money_stops_the_next_attempt_on_the_same_invoice() -> None:
    """The open attempt of a paid invoice is not sent: the customer would pay twice."""
    second, now = second_attempt_after_not_made(), DUE + REPORT_DELAY
    assert step(second, now) == SendCharge(second.attempt)
    paid = late_money(second)
    assert step(paid, now) == LookUp(paid.attempt, LOOK_UP)
    assert not may_send_again(paid.state, key(1, 2), NOT_FOUND, now=now)


def test_late_money_of_too_small_an_amount_stops_it_too() -> None:
    """A person has to look first."""
    second, now = second_attempt_after_not_made(), DUE + REPORT_DELAY
    little = captured(Money(1, "NOK"))
    some = second.and_(*settle(second.state, key(), little, evidence=CALLBACK, now=now))
    assert step(some, now) == LookUp(some.attempt, LOOK_UP)


def test_late_money_stops_the_capture_of_the_next_attempt() -> None:
    """An invoice that late money paid is not captured from a second reservation."""
    paid = late_money(second_attempt_after_not_made(TWO_STEPS))
    paid.when(looked_up, key(1, 2), reserved(), now=LATER).then_types(
        ChargeAuthorized, ChargeNotMade
    )


def test_a_look_at_one_attempt_says_nothing_about_another() -> None:
    """A callback's look at the attempt before does not clear the open one for sending."""
    second, now = second_attempt_after_not_made(), DUE + REPORT_DELAY
    assert may_send_again(second.state, key(1, 2), NOT_FOUND, now=now)
    assert not may_send_again(second.state, key(1, 1), NOT_FOUND, now=now)
