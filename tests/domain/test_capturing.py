"""Authorise, capture, and stop when the money is wanted no more."""

from __future__ import annotations

from datetime import datetime

import pytest

from domain.identity import void_id
from domain.money import Money
from domain.processes.answers import follow
from domain.processes.next_step import next_step
from domain.processes.steps import LookUp, SendCharge, Step
from domain.providers import RULES, Provider
from domain.subscription.charging import ANSWER, CALLBACK, LOOK_UP, settle
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAuthorized,
    ChargeDiscrepancyFound,
    ChargeFoundLate,
    ChargeOutcomeUnknown,
    Discrepancy,
)
from domain.subscription.looking_up import looked_up, may_send_again
from domain.subscription.void_events import VoidAttempted
from tests.domain.stages import (
    LATER,
    TWO_STEPS,
    answered,
    attempted,
    cancelled,
    late_money,
    second_attempt_after_not_made,
)
from tests.specimens import (
    DUE,
    MINUTE,
    NOT_FOUND,
    PRICE,
    REPORT_DELAY,
    TIME_OUT,
    ZONE_VERSION,
    capture_key,
    captured,
    key,
    reserved,
)
from tests.vocabulary import Given


def step(start: Given, now: datetime) -> Step:
    """What a worker who took the subscription for the first time does."""
    return next_step(start.state, now=now, taken_before=False, zone_version=ZONE_VERSION)


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
            evidence="answer",
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


def test_F21_a_cancelled_subscriptions_attempt_is_not_sent_any_more() -> None:
    """Held back by a 429 when the cancellation came, say: it is looked up, never sent."""
    ended = cancelled(attempted())
    assert step(ended, LATER) == LookUp(ended.attempt, LOOK_UP)
    assert not may_send_again(ended.state, key(), NOT_FOUND, now=LATER)


def test_F21_nothing_is_captured_after_cancelling() -> None:
    """A reservation that shows after the end is recorded and let go."""
    ended = cancelled(attempted(TWO_STEPS))
    ended.when(settle, key(), reserved(), evidence=ANSWER, now=LATER).then(
        ChargeAuthorized(
            attempt_id=key(),
            amount=PRICE,
            authorization_ref="auth-1",
            order_ref="order-1",
            expires_at=None,
            evidence="answer",
            effective_at=LATER,
        ),
        VoidAttempted(
            attempt_id=key(),
            void_id=void_id(key(), 1),
            number=1,
            reason="the subscription is cancelled",
            effective_at=LATER,
        ),
    )


def test_F21_a_capture_that_never_showed_is_not_repeated_after_cancelling() -> None:
    """After the provider's delay the capture is known not to have been made, and what is reserved
    is let go."""
    ended = cancelled(answered(attempted(TWO_STEPS), reserved()))
    assert step(ended, LATER) == LookUp(ended.attempt, LOOK_UP)
    early, late = LATER + REPORT_DELAY - MINUTE, LATER + REPORT_DELAY
    ended.when(looked_up, key(), reserved(), now=early).then_types(ChargeOutcomeUnknown)
    ended.when(looked_up, key(), reserved(), now=late).then_types(VoidAttempted)


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
            customer_id="c-1",
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
        ChargeAuthorized, VoidAttempted
    )


def test_a_look_at_one_attempt_says_nothing_about_another() -> None:
    """A callback's look at the attempt before does not clear the open one for sending."""
    second, now = second_attempt_after_not_made(), DUE + REPORT_DELAY
    assert may_send_again(second.state, key(1, 2), NOT_FOUND, now=now)
    assert not may_send_again(second.state, key(1, 1), NOT_FOUND, now=now)
