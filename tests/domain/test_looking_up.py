"""Resolve a doubt: planned looks, callbacks, and a person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.money import Money
from domain.plan import CaptureMode, Terms
from domain.ports import Declined, LookUpAnswer, Unknown
from domain.processes.next_step import next_step
from domain.processes.steps import LookUp, SendCharge
from domain.providers import LOOK_UP_WAITS, RULES, Provider
from domain.subscription.charging import ANSWER, CALLBACK, settle
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAuthorized,
    ChargeDeclined,
    ChargeDiscrepancyFound,
    ChargeLookedUp,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    RetryScheduled,
)
from domain.subscription.looking_up import decide_by_person, looked_up, may_send_again
from tests.specimens import (
    DAY,
    DUE,
    HARD,
    HOUR,
    KEY_WINDOW,
    MINUTE,
    NOT_DONE,
    NOT_FOUND,
    PRICE,
    REPORT_DELAY,
    TIME_OUT,
    ZONE_VERSION,
    captured,
    declined,
    key,
    reserved,
    signed_up,
    terms,
)
from tests.vocabulary import Given, given, play

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


# --- planned looks ----------------------------------------------------------------------------


def test_F06_a_time_out_is_unknown_and_asked_after_five_minutes() -> None:
    """A doubt is recorded as a doubt."""
    attempted().when(settle, key(), TIME_OUT, evidence=ANSWER, now=LATER).then(
        ChargeOutcomeUnknown(
            attempt_id=key(),
            reason="ReadTimeout",
            provider_ref="",
            next_look_up_at=LATER + 5 * MINUTE,
            effective_at=LATER,
        )
    )


def test_a_doubt_told_again_is_quiet() -> None:
    """An answer that knows as little as the one before adds nothing."""
    unknown().when(settle, key(), TIME_OUT, evidence=ANSWER, now=LATER + MINUTE).then_nothing()


def test_looks_are_spaced_out_and_then_a_person_decides() -> None:
    """5 minutes, 1 hour, then daily for a week, each from the look before; then nobody looks."""
    run, now = play(*unknown().facts), LATER
    waits = [5 * MINUTE, HOUR, *[DAY] * 7]
    assert list(LOOK_UP_WAITS) == waits
    for number, wait in enumerate(waits, start=1):
        assert run.at(now + wait - MINUTE / 60) == []
        now += wait
        assert run.at(now, TIME_OUT) == ["ChargeLookedUp"]
        assert run.facts[-1] == ChargeLookedUp(
            attempt_id=key(),
            look_number=number,
            finding="ReadTimeout",
            next_look_up_at=now + waits[number] if number < len(waits) else None,
            effective_at=now,
        )
    # The next invoice is issued; nothing is charged while this is open.
    assert run.at(now + 60 * DAY) == ["InvoiceIssued"] * 2
    assert run.sent == ["LookUp"] * 9


@pytest.mark.parametrize(
    ("provider", "delay"), [(Provider.PAYPAL, 9 * HOUR), (Provider.DINTERO, HOUR)]
)
def test_F07_not_found_is_believed_after_the_providers_delay(
    provider: Provider, delay: timedelta
) -> None:
    """Before it the doubt stays; from then on the attempt was not made."""
    open_charge = attempted(provider=provider)
    doubtful = open_charge.and_(
        *settle(open_charge.state, key(), TIME_OUT, evidence=ANSWER, now=LATER)
    )
    assert RULES[provider].report_delay == delay
    early, late = DUE + RULES[provider].report_delay - MINUTE, DUE + RULES[provider].report_delay
    doubtful.when(looked_up, key(), NOT_FOUND, now=early).then_types(ChargeLookedUp)
    doubtful.when(looked_up, key(), NOT_FOUND, now=late).then(
        ChargeNotMade(
            attempt_id=key(),
            customer_id="c-1",
            invoice_number=1,
            evidence="look-up: no charge under this reference",
            effective_at=late,
        )
    )


@pytest.mark.parametrize("provider", list(Provider))
def test_not_found_is_believed_only_when_no_sending_can_follow(provider: Provider) -> None:
    """The provider's delay ends after the key window: what was sent last had time to show."""
    rules = RULES[provider]
    assert rules.report_delay > rules.charge_key_window


def test_F04_after_a_crash_not_found_is_a_doubt_once_the_key_is_forgotten() -> None:
    """It may have been sent and may yet show; it is never sent again."""
    after_window = DUE + KEY_WINDOW
    attempted().when(looked_up, key(), NOT_FOUND, now=after_window).then(
        ChargeOutcomeUnknown(
            attempt_id=key(),
            reason="may have been sent; no charge under this reference",
            provider_ref="",
            next_look_up_at=after_window + 5 * MINUTE,
            effective_at=after_window,
        )
    )


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        (captured(), (ChargeSucceeded,)),
        (declined(), (ChargeDeclined, RetryScheduled)),
        (captured(Money(1, "NOK")), (ChargeSucceeded, ChargeDiscrepancyFound)),
        (TIME_OUT, (ChargeLookedUp,)),
        (reserved(), (ChargeLookedUp,)),
        (NOT_FOUND, (ChargeLookedUp,)),
        (NOT_DONE, ()),
    ],
)
def test_what_a_look_makes_of_a_doubt(answer: LookUpAnswer, facts: tuple[type, ...]) -> None:
    """Money or a decline settles it; everything else leaves it open."""
    unknown().when(looked_up, key(), answer, now=LATER + 5 * MINUTE).then_types(*facts)


def test_a_look_says_how_we_know() -> None:
    """Money that a look found is booked at the provider's time, as evidence of a look."""
    (paid,) = unknown().when(looked_up, key(), captured(at=DUE), now=LATER + DAY).facts
    assert isinstance(paid, ChargeSucceeded)
    assert (paid.evidence, paid.effective_at) == ("look-up", DUE)


def test_a_look_after_a_crash_that_shows_nothing_readable_is_a_doubt() -> None:
    """Nothing was recorded before; now it is."""
    attempted().when(looked_up, key(), TIME_OUT, now=LATER).then_types(ChargeOutcomeUnknown)
    attempted().when(looked_up, key(), NOT_DONE, now=LATER).then_nothing()


def test_a_look_that_finds_the_reservation_goes_on_to_capture_it() -> None:
    """The answer to the authorisation was lost; the reservation was not."""
    unknown(TWO_STEPS).when(looked_up, key(), reserved(), now=LATER + 5 * MINUTE).then_types(
        ChargeAuthorized, CaptureAttempted
    )


def test_a_capture_whose_answer_was_lost_waits_for_the_providers_delay() -> None:
    """The reservation still shows; a capture may be under way until the delay is over."""
    run = play(*signed_up(TWO_STEPS))
    run.at(DUE, reserved(), TIME_OUT)
    start = given(*run.facts)
    start.when(looked_up, key(), reserved(), now=DUE + HOUR).then_types(ChargeLookedUp)
    start.when(looked_up, key(), reserved(), now=DUE + REPORT_DELAY).then_types(CaptureAttempted)


@pytest.mark.parametrize("answer", [TIME_OUT, NOT_FOUND, reserved(), NOT_DONE])
def test_a_callback_that_settles_nothing_leaves_no_trace(answer: LookUpAnswer) -> None:
    """Only planned looks use up the plan, and a callback alone makes no doubt."""
    for start in (attempted(), unknown()):
        start.when(
            looked_up, key(), answer, evidence=CALLBACK, now=DUE + REPORT_DELAY
        ).then_nothing()


def test_a_look_at_a_settled_attempt_is_quiet() -> None:
    """Whatever it shows, unless it contradicts."""
    paid = unknown().and_(*settle(unknown().state, key(), captured(), evidence=ANSWER, now=LATER))
    for answer in (captured(), declined(), HARD, TIME_OUT, NOT_FOUND, NOT_DONE, reserved()):
        paid.when(looked_up, key(), answer, now=LATER + DAY).then_nothing()


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


def person(state: object, received: Money | None, reason: str = "seen in the statement") -> object:
    """A person decides, a day later."""
    return decide_by_person(
        state,  # type: ignore[arg-type]
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


def test_long_words_of_providers_are_cut() -> None:
    """Reasons, findings and messages are kept to 200 characters."""
    long = "x" * 10_000
    (doubt,) = (
        attempted().when(settle, key(), Unknown(reason=long), evidence=ANSWER, now=LATER).facts
    )
    assert len(doubt.reason) == 200  # type: ignore[union-attr]
    wordy: Declined = declined(message=long)
    no = attempted().when(settle, key(), wordy, evidence=ANSWER, now=LATER).facts[0]
    assert len(no.message) == 200  # type: ignore[union-attr]
