"""What may be sent again after a crash, and what a person decides."""

from __future__ import annotations

import pytest

from domain.money import Money
from domain.plan import CaptureMode, Terms
from domain.ports import LookUpAnswer
from domain.processes.next_step import next_step
from domain.processes.steps import LookUp, SendCharge
from domain.subscription.charging import ANSWER, settle
from domain.subscription.events import (
    ChargeDiscrepancyFound,
    ChargeNotMade,
    ChargeSucceeded,
)
from domain.subscription.looking_up import decide_by_person, may_send_again
from domain.subscription.state import Subscription
from tests.specimens import (
    DAY,
    DUE,
    KEY_WINDOW,
    MINUTE,
    NOT_DONE,
    NOT_FOUND,
    PRICE,
    TIME_OUT,
    ZONE_VERSION,
    captured,
    declined,
    key,
    reserved,
    signed_up,
    terms,
)
from tests.vocabulary import Facts, Given, given, play

LATER = DUE + MINUTE
TWO_STEPS = terms(capture=CaptureMode.AFTER_AUTHORIZATION)


def attempted(agreed: Terms | None = None, **changes: object) -> Given:
    """The charge may have been sent; nothing is known of it."""
    run = play(*signed_up(agreed, **changes))
    run.at(DUE)
    return given(*run.facts)


def unknown(agreed: Terms | None = None) -> Given:
    """The charge ran into a time-out at LATER."""
    start = attempted(agreed)
    return start.and_(*settle(start.state, key(), TIME_OUT, evidence=ANSWER, now=LATER))


# --- sending again after a crash --------------------------------------------------------------


def test_F02_what_certainly_was_not_made_may_be_sent_under_its_key() -> None:
    """The provider does not show it, still knows the key, and nobody recorded a doubt."""
    state = attempted().state
    assert may_send_again(state, key(), NOT_FOUND, now=LATER)
    assert may_send_again(state, key(), NOT_FOUND, now=DUE + KEY_WINDOW - MINUTE)


@pytest.mark.parametrize("answer", [captured(), declined(), TIME_OUT, NOT_DONE, reserved()])
def test_anything_but_not_found_forbids_sending(answer: LookUpAnswer) -> None:
    """Only "not found" says that there is nothing to double."""
    assert not may_send_again(attempted().state, key(), answer, now=LATER)


def test_F04_nothing_is_sent_again_after_the_key_window_or_a_doubt() -> None:
    """Not at the window's very end, and not after an unknown outcome."""
    assert not may_send_again(attempted().state, key(), NOT_FOUND, now=DUE + KEY_WINDOW)
    assert not may_send_again(unknown().state, key(), NOT_FOUND, now=LATER)


def test_a_capture_may_be_sent_again_while_only_the_reservation_shows() -> None:
    """The worker died before the capture went out: same key, within its window."""
    run = play(*signed_up(TWO_STEPS))
    run.at(DUE, reserved())
    assert may_send_again(run.state, key(), reserved(), now=LATER)
    assert not may_send_again(run.state, key(), captured(), now=LATER)


def test_an_unknown_is_never_sent() -> None:
    """Not within the window, not by a first taker, not when its look is due."""
    doubtful = unknown()
    for now in (LATER, LATER + 5 * MINUTE, DUE + KEY_WINDOW, DUE + 90 * DAY):
        for taken in (True, False):
            step = next_step(doubtful.state, now=now, taken_before=taken, zone_version=ZONE_VERSION)
            assert not isinstance(step, SendCharge)
            assert isinstance(step, LookUp) == (now >= LATER + 5 * MINUTE)


# --- a person ---------------------------------------------------------------------------------


def person(
    state: Subscription, received: Money | None, reason: str = "seen in the statement"
) -> Facts:
    """A person decides, a day later."""
    return decide_by_person(
        state,
        key(),
        received=received,
        provider_ref="cap-9",
        reason=reason,
        now=LATER + DAY,
    )


def test_a_person_says_that_money_came() -> None:
    """Booked as received, with the person's reason as evidence."""
    unknown().when(person, PRICE).then(
        ChargeSucceeded(
            attempt_id=key(),
            customer_id="c-1",
            invoice_number=1,
            amount=PRICE,
            provider_ref="cap-9",
            evidence="person: seen in the statement",
            effective_at=LATER + DAY,
        )
    )


def test_a_person_says_that_another_amount_came() -> None:
    """The difference is shown like a provider's."""
    unknown().when(person, Money(1, "NOK")).then_types(ChargeSucceeded, ChargeDiscrepancyFound)


def test_a_person_says_that_nothing_came() -> None:
    """The attempt is closed, and a new one under a new key may follow."""
    closed = unknown().when(person, None).then_types(ChargeNotMade)
    assert closed.state.open_attempt is None
    assert play(*closed.facts).at(LATER + DAY, captured()) == [
        "ChargeAttempted",
        "ChargeSucceeded",
    ]


def test_a_person_decides_only_what_is_unknown() -> None:
    """A charge under way, a settled one and a foreign one are nobody's to decide."""
    attempted().when(person, PRICE).then_refused("attempt-not-unknown")
    given(*signed_up()).when(person, PRICE).then_refused("attempt-not-unknown")
    paid = unknown().and_(*settle(unknown().state, key(), captured(), evidence=ANSWER, now=LATER))
    paid.when(person, PRICE).then_refused("attempt-not-unknown")


@pytest.mark.parametrize("reason", ["", "x" * 151, "a\nb"])
def test_a_person_gives_a_reason(reason: str) -> None:
    """It is the only evidence there is."""
    unknown().when(person, None, reason).then_refused("reason-malformed")


@pytest.mark.parametrize("minor", [0, -100])
def test_a_person_books_no_empty_payment(minor: int) -> None:
    """Nothing received is said by saying nothing."""
    unknown().when(person, Money(minor, "NOK")).then_refused("received-not-positive")
