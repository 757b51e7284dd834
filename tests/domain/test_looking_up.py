"""Resolve a doubt: planned looks and callbacks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.money import Money
from domain.plan import CaptureMode, Terms
from domain.ports import Declined, LookUpAnswer, Unknown
from domain.processes.steps import LookUp
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
from domain.subscription.looking_up import looked_up
from tests.specimens import (
    DAY,
    DUE,
    HARD,
    HOUR,
    KEY_WINDOW,
    MINUTE,
    NOT_DONE,
    NOT_FOUND,
    REPORT_DELAY,
    TIME_OUT,
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
            provider_ref="",
            next_look_up_at=now + waits[number] if number < len(waits) else None,
            effective_at=now,
        )
    # The next invoice is issued; nothing is charged while this is open.
    assert run.at(now + 60 * DAY) == ["InvoiceIssued"] * 2
    assert run.sent == ["LookUp"] * 9


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (Unknown(reason="capture pending", provider_ref="cap-1"), "cap-1"),
        (reserved(), "auth-1"),
        (NOT_FOUND, ""),
        (TIME_OUT, ""),
    ],
)
def test_the_next_look_goes_by_the_id_that_a_look_showed(answer: LookUpAnswer, shown: str) -> None:
    """The id is in the fact, and stays with the attempt when a later look shows none."""
    run = play(*unknown().facts)
    run.at(LATER + 5 * MINUTE, answer)
    (fact,) = run.of(ChargeLookedUp)
    assert fact.provider_ref == shown
    run.at(LATER + 2 * HOUR, TIME_OUT)
    look = run.calls[-1]
    assert isinstance(look, LookUp)
    assert look.attempt.provider_ref == shown
    assert run.state.open_attempt is not None
    assert run.state.open_attempt.provider_ref == shown


def test_a_reservation_whose_capture_does_not_show_tells_its_id() -> None:
    """After a crash while the capture was out: the doubt begins with the reservation's id."""
    run = play(*signed_up(TWO_STEPS))
    run.at(DUE, reserved())
    (doubt,) = run.decide(looked_up, key(), reserved(), now=DUE + HOUR)
    assert isinstance(doubt, ChargeOutcomeUnknown)
    assert doubt.provider_ref == "auth-1"


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
