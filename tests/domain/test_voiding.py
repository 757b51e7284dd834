"""Reservations that are wanted no more are let go; of which less is wanted, captured in part."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
import pytest

from domain.identity import void_id
from domain.money import Money
from domain.ports import Unknown
from domain.processes.agenda import ItemKind, account_needed, agenda_of
from domain.processes.answers import follow
from domain.processes.next_step import next_step
from domain.processes.steps import LookUp, SendCapture, SendCharge, SendRenewal, SendVoid, Step
from domain.providers import LOOK_UP_WAITS, Provider
from domain.refund_ports import VoidDenied, Voided
from domain.subscription.charging import ANSWER, CALLBACK, LOOK_UP, attempt_charge, settle
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAuthorized,
    ChargeDiscrepancyFound,
    ChargeFoundLate,
    ChargeLookedUp,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    CreditApplied,
)
from domain.subscription.looking_up import decide_by_person, looked_up, may_send_again
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted
from domain.subscription.voiding import EXPIRED, renewed, settle_void
from tests.domain.stages import (
    LATER,
    TWO_STEPS,
    answered,
    attempted,
    cancelled,
    second_attempt_after_not_made,
)
from tests.specimens import (
    DAY,
    HOUR,
    MINUTE,
    NOT_DONE,
    NOT_FOUND,
    PRICE,
    REPORT_DELAY,
    TIME_OUT,
    ZONE_VERSION,
    capture_key,
    captured,
    declined,
    key,
    reserved,
)
from tests.vocabulary import Given, Play, play

KEY = void_id(key(), 1)
GONE = Voided(at=LATER + MINUTE)
VOIDED = declined(code="AUTHORIZATION_VOIDED", provider_ref="auth-1")
CAPTURED_BEFORE = VoidDenied(code="PREVIOUSLY_CAPTURED", message="captured", captured=True)
FORBIDDEN = VoidDenied(code="PERMISSION_DENIED", message="not for this account")
PART = Money(19900, "NOK")


def step(start: Given, now: datetime, *, taken_before: bool = False, **more: object) -> Step:
    """What a worker does."""
    return next_step(
        start.state,
        now=now,
        taken_before=taken_before,
        zone_version=ZONE_VERSION,
        **more,  # type: ignore[arg-type]
    )


def letting_go() -> Given:
    """Cancelled while the reservation was under way: it is about to be let go."""
    return answered(cancelled(attempted(TWO_STEPS)), reserved())


def in_doubt() -> Given:
    """The answer to the void was lost."""
    start = letting_go()
    lost = settle_void(start.state, key(), TIME_OUT, evidence=ANSWER, now=LATER)
    return start.and_(*lost)


def about_to_capture(**changes: object) -> Given:
    """Reserved, and the capture intended."""
    return answered(attempted(TWO_STEPS, **changes), reserved())


def paid_in_part(start: Given, amount: Money = Money(10000, "NOK")) -> Given:
    """Credit came for the invoice meanwhile."""
    applied = CreditApplied(
        customer_id="c-1", credit_number=1, invoice_number=1, amount=amount, effective_at=LATER
    )
    return start.and_(applied)


# --- let go -----------------------------------------------------------------------------------


def test_F21_what_is_wanted_no_more_is_let_go() -> None:
    """The void goes out under its own key, and settles the attempt without money."""
    start = letting_go()
    assert step(start, LATER) == SendVoid(start.attempt, KEY)
    gone = start.when(settle_void, key(), GONE, evidence=ANSWER, now=LATER).then(
        AuthorizationVoided(
            attempt_id=key(),
            customer_id="c-1",
            invoice_number=1,
            evidence="answer",
            effective_at=LATER + MINUTE,
        )
    )
    assert gone.state.open_attempt is None
    assert [each.attempt_id for each in gone.state.failed_attempts] == [key()]


def test_F21_the_worker_lets_go_in_one_turn() -> None:
    """Reserved, cancelled meanwhile: the intention stands before the void is sent."""
    start = cancelled(attempted(TWO_STEPS))
    run = play(*start.facts)
    assert run.at(LATER, reserved(), GONE) == [
        "ChargeAuthorized",
        "VoidAttempted",
        "AuthorizationVoided",
    ]
    assert run.sent == ["LookUp", "SendVoid"]


@pytest.mark.parametrize("paid", [PRICE, Money(1, "NOK")])
def test_late_money_lets_the_next_reservation_go(paid: Money) -> None:
    """An invoice that late money paid, or paid in part, is not captured from a second one."""
    second = second_attempt_after_not_made(TWO_STEPS)
    late = second.and_(*settle(second.state, key(), captured(paid), evidence=CALLBACK, now=LATER))
    facts = looked_up(late.state, key(1, 2), reserved(), now=LATER)
    assert [type(fact) for fact in facts] == [ChargeAuthorized, VoidAttempted]
    intention = facts[-1]
    assert isinstance(intention, VoidAttempted)
    assert intention.void_id == void_id(key(1, 2), 1)
    expected = "nothing of invoice 1 is open" if paid == PRICE else "not collected: discrepancy"
    assert expected in intention.reason


def test_an_invoice_that_credit_paid_is_not_captured() -> None:
    """Nothing is open any more: the reservation is let go."""
    doubtful = answered(attempted(TWO_STEPS), TIME_OUT)
    paid = paid_in_part(doubtful, PRICE)
    paid.when(looked_up, key(), reserved(), now=LATER + HOUR).then_types(
        ChargeAuthorized, VoidAttempted
    )


def test_where_one_call_takes_the_money_nothing_is_let_go() -> None:
    """It is captured by itself any moment; there is no void of that."""
    ended = cancelled(attempted())
    ended.when(settle, key(), reserved(), evidence=LOOK_UP, now=LATER).then_types(
        ChargeOutcomeUnknown
    )


def test_the_agenda_says_what_is_let_go() -> None:
    """A void is an item of its own, due from its intention on; a doubt is a look-up."""
    (item,) = agenda_of(letting_go().state)
    assert (item.kind, item.key, item.due_at) == (ItemKind.VOID, str(key()), LATER)
    (item,) = agenda_of(in_doubt().state)
    assert (item.kind, item.due_at) == (ItemKind.LOOK_UP, LATER + 5 * MINUTE)


# --- a void whose answer is missing -----------------------------------------------------------


def test_F06_a_void_without_an_answer_is_a_doubt() -> None:
    """Told once; nothing is sent before the provider was asked."""
    start = letting_go()
    start.when(settle_void, key(), TIME_OUT, evidence=ANSWER, now=LATER).then(
        ChargeOutcomeUnknown(
            attempt_id=key(),
            reason="void: ReadTimeout",
            provider_ref="",
            next_look_up_at=LATER + 5 * MINUTE,
            effective_at=LATER,
        )
    )
    doubtful = in_doubt()
    doubtful.when(settle_void, key(), TIME_OUT, evidence=ANSWER, now=LATER).then_nothing()
    assert step(doubtful, LATER + 5 * MINUTE) == LookUp(doubtful.attempt, LOOK_UP)


@pytest.mark.parametrize("evidence", [LOOK_UP, CALLBACK])
def test_F06_the_look_up_tells_that_it_is_gone(evidence: str) -> None:
    """What shows as voided is no decline: no retry, no new token."""
    now = LATER + 5 * MINUTE
    in_doubt().when(looked_up, key(), VOIDED, evidence=evidence, now=now).then(
        AuthorizationVoided(
            attempt_id=key(),
            customer_id="c-1",
            invoice_number=1,
            evidence=f"{evidence}: AUTHORIZATION_VOIDED",
            effective_at=now,
        )
    )


def test_F07_still_reserved_it_is_let_go_again_under_its_key() -> None:
    """The look is counted, and the same void goes out once more."""
    now = LATER + 5 * MINUTE
    again = (
        in_doubt()
        .when(looked_up, key(), reserved(), now=now)
        .then(
            ChargeLookedUp(
                attempt_id=key(),
                look_number=1,
                finding="still reserved",
                provider_ref="auth-1",
                next_look_up_at=now + HOUR,
                effective_at=now,
            ),
            VoidAttempted(
                attempt_id=key(),
                void_id=KEY,
                number=1,
                reason="the subscription is cancelled",
                effective_at=now,
            ),
        )
    )
    assert step(again, now) == SendVoid(again.attempt, KEY)
    again.when(settle_void, key(), GONE, evidence=ANSWER, now=now).then_types(AuthorizationVoided)


def test_F07_a_provider_that_never_tells_is_not_asked_for_ever() -> None:
    """After the planned looks a person decides."""
    run = play(*in_doubt().facts)
    now = LATER
    for _ in range(40):
        (item, *_others) = agenda_of(run.state)
        if item.due_at is None:
            break
        now = max(now, item.due_at)
        run.at(now, reserved(), TIME_OUT) if len(run.of(ChargeLookedUp)) < len(
            LOOK_UP_WAITS
        ) - 1 else run.at(now, reserved())
    assert run.sent.count("SendVoid") == len(LOOK_UP_WAITS) - 1
    assert "person" in item.why
    assert now - LATER == sum(LOOK_UP_WAITS, timedelta(0))
    run.decide(
        decide_by_person, key(), received=None, provider_ref="", reason="seen there", now=now
    )
    assert run.state.open_attempt is None


def test_F06_captured_after_all_it_is_paid() -> None:
    """Somebody captured it before the void: the money is booked."""
    in_doubt().when(looked_up, key(), captured(), now=LATER + HOUR).then_types(ChargeSucceeded)


def test_F11_a_callback_that_shows_the_reservation_leaves_no_trace() -> None:
    """Neither while the void is under way nor while it is in doubt."""
    for start in (letting_go(), in_doubt()):
        look = LookUp(start.attempt, CALLBACK)
        start.when(follow, look, reserved(), now=LATER).then_nothing()


def test_F11_the_answer_after_the_callback_is_no_news() -> None:
    """The attempt is settled; whichever comes second changes nothing."""
    start = letting_go()
    told = start.and_(*looked_up(start.state, key(), VOIDED, evidence=CALLBACK, now=LATER))
    for answer in (GONE, TIME_OUT, CAPTURED_BEFORE, FORBIDDEN, NOT_DONE):
        told.when(settle_void, key(), answer, evidence=ANSWER, now=LATER).then_nothing()
    told.when(looked_up, key(), VOIDED, evidence=CALLBACK, now=LATER).then_nothing()


def test_F11_the_reservation_told_once_more_is_no_news() -> None:
    """The answer to the charge comes after the look that began the void."""
    for start in (letting_go(), in_doubt()):
        start.when(settle, key(), reserved(), evidence=ANSWER, now=LATER).then_nothing()


def test_F08_a_void_that_was_not_carried_out_is_sent_later() -> None:
    """A 429 leaves the intention as it is."""
    start = letting_go()
    start.when(settle_void, key(), NOT_DONE, evidence=ANSWER, now=LATER).then_nothing()
    assert step(start, LATER + DAY) == SendVoid(start.attempt, KEY)


# --- a worker that dies -----------------------------------------------------------------------


def test_F02_killed_before_the_void_it_is_looked_up_and_sent() -> None:
    """Found reserved, the void goes on under its key, without another intention."""
    run = play(*letting_go().facts)
    assert run.at(LATER + HOUR, reserved(), GONE, taken_before=True) == ["AuthorizationVoided"]
    assert run.sent == ["LookUp", "SendVoid"]


def test_F03_killed_after_the_void_it_is_found() -> None:
    """Nothing is sent again."""
    run = play(*letting_go().facts)
    assert run.at(LATER + HOUR, VOIDED, taken_before=True) == ["AuthorizationVoided"]
    assert run.sent == ["LookUp"]
    assert run.of(AuthorizationVoided)[0].evidence == "look-up: AUTHORIZATION_VOIDED"


def test_F03_in_doubt_it_is_not_sent_without_a_look() -> None:
    """What was recorded as unknown is looked up by schedule alone."""
    doubtful = in_doubt()
    assert may_send_again(letting_go().state, key(), reserved(), now=LATER)
    assert not may_send_again(letting_go().state, key(), NOT_FOUND, now=LATER)
    assert not may_send_again(doubtful.state, key(), reserved(), now=LATER)
    assert not may_send_again(doubtful.state, key(1, 2), reserved(), now=LATER)


# --- a void that is denied --------------------------------------------------------------------


def test_a_void_denied_because_of_a_capture_is_looked_up_at_once() -> None:
    """Money was taken: the look books it."""
    run = play(*letting_go().facts)
    assert run.at(LATER, CAPTURED_BEFORE, captured()) == [
        "ChargeOutcomeUnknown",
        "ChargeSucceeded",
    ]
    assert run.sent == ["SendVoid", "LookUp"]


def test_a_void_denied_otherwise_is_left_to_lapse() -> None:
    """As it was before there were voids; the provider's words are kept."""
    letting_go().when(settle_void, key(), FORBIDDEN, evidence=ANSWER, now=LATER).then(
        ChargeNotMade(
            attempt_id=key(),
            customer_id="c-1",
            invoice_number=1,
            evidence="answer: reserved only, and not let go: PERMISSION_DENIED, "
            "not for this account",
            effective_at=LATER,
        )
    )


def test_money_that_turns_up_after_the_void_is_booked_and_shown() -> None:
    """The provider took what it said it had let go."""
    start = letting_go()
    gone = start.and_(*settle_void(start.state, key(), GONE, evidence=ANSWER, now=LATER))
    gone.when(settle, key(), captured(), evidence=CALLBACK, now=LATER).then_types(
        ChargeFoundLate, ChargeDiscrepancyFound
    )


def test_a_void_of_another_attempt_says_nothing() -> None:
    """Nor one of an attempt that nobody lets go."""
    letting_go().when(settle_void, key(1, 2), GONE, evidence=ANSWER, now=LATER).then_nothing()
    about_to_capture().when(settle_void, key(), GONE, evidence=ANSWER, now=LATER).then_nothing()


# --- captured in part -------------------------------------------------------------------------


def test_of_what_is_reserved_only_what_is_open_is_captured() -> None:
    """Credit of 100.00 came while the reservation was in doubt: 199.00 of 299.00."""
    doubtful = paid_in_part(answered(attempted(TWO_STEPS), TIME_OUT))
    facts = looked_up(doubtful.state, key(), reserved(), now=LATER + HOUR)
    intention = facts[-1]
    assert isinstance(intention, CaptureAttempted)
    assert (intention.amount, intention.capture_id) == (PART, capture_key())
    start = doubtful.and_(*facts)
    assert step(start, LATER + HOUR) == SendCapture(start.attempt, capture_key())
    assert start.attempt.amount == PART
    paid = start.when(settle, key(), captured(PART), evidence=ANSWER, now=LATER + HOUR).then_types(
        ChargeSucceeded
    )
    assert paid.state.open_invoices == ()


def test_never_more_is_captured_than_was_reserved() -> None:
    """However much is open by then; the rest is for another attempt."""
    state = attempted(TWO_STEPS).state
    (invoice,) = state.open_invoices
    dearer = attrs.evolve(invoice, total=Money(40000, "NOK"))
    more = attrs.evolve(state, open_invoices=(dearer,))
    facts = settle(more, key(), reserved(), evidence=ANSWER, now=LATER)
    intention = facts[-1]
    assert isinstance(intention, CaptureAttempted)
    assert intention.amount == PRICE


def test_F09_another_amount_than_the_part_is_shown() -> None:
    """The whole was taken, a part was asked for: a discrepancy of what the capture asked for."""
    doubtful = paid_in_part(answered(attempted(TWO_STEPS), TIME_OUT))
    start = doubtful.and_(*looked_up(doubtful.state, key(), reserved(), now=LATER + HOUR))
    facts = settle(start.state, key(), captured(), evidence=ANSWER, now=LATER + HOUR)
    found = facts[-1]
    assert isinstance(found, ChargeDiscrepancyFound)
    assert (found.expected, found.received) == (PART, PRICE)


def test_a_capture_of_more_than_is_open_is_not_sent() -> None:
    """The credit came after the intention: looked up, and after the delay captured in part."""
    start = paid_in_part(about_to_capture())
    assert step(start, LATER) == LookUp(start.attempt, LOOK_UP)
    assert not may_send_again(start.state, key(), reserved(), now=LATER)
    late = start.when(looked_up, key(), reserved(), now=LATER + REPORT_DELAY).then_types(
        CaptureAttempted
    )
    assert (late.attempt.amount, late.attempt.capture_id) == (PART, capture_key(1, 1, 2))


def test_a_charge_of_more_than_is_open_is_not_sent() -> None:
    """Nor one that takes the money at once."""
    start = paid_in_part(attempted())
    assert step(start, LATER) == LookUp(start.attempt, LOOK_UP)
    assert not may_send_again(start.state, key(), NOT_FOUND, now=LATER)


# --- renewed ----------------------------------------------------------------------------------


def again(**changes: object) -> object:
    """The reservation under its new id."""
    return attrs.evolve(reserved(at=LATER + 3 * DAY), authorization_ref="auth-2", **changes)


def test_PayPal_an_old_reservation_is_renewed_before_it_is_captured() -> None:
    """From three days on, once, under the capture's key; then captured under its new id."""
    start = about_to_capture()
    at = LATER + 3 * DAY
    assert step(start, at - MINUTE) == SendCapture(start.attempt, capture_key())
    assert step(start, at) == SendRenewal(start.attempt, capture_key())
    anew = start.when(renewed, key(), again(), evidence=ANSWER).then(
        ChargeAuthorized(
            attempt_id=key(),
            amount=PRICE,
            authorization_ref="auth-2",
            order_ref="order-1",
            expires_at=None,
            evidence="answer",
            effective_at=at,
        )
    )
    assert anew.attempt.authorization_ref == "auth-2"
    for later in (at, at + 10 * DAY):
        assert step(anew, later) == SendCapture(anew.attempt, capture_key())
    anew.when(renewed, key(), again(), evidence=ANSWER).then_nothing()


def test_Dintero_renews_nothing() -> None:
    """The reservation is captured as it is."""
    start = about_to_capture(provider=Provider.DINTERO)
    later = LATER + timedelta(minutes=29)
    assert step(start, later) == SendCapture(start.attempt, capture_key())
    assert not isinstance(step(start, LATER + 3 * DAY), SendRenewal)


def run_late(*answers: object, at: datetime = LATER + 4 * DAY, taken_before: bool = False) -> Play:
    """A capture that waited for days."""
    run = play(*about_to_capture().facts)
    run.at(at, *answers, taken_before=taken_before)  # type: ignore[arg-type]
    return run


def test_renewal_that_is_declined_leaves_what_is_reserved() -> None:
    """It is captured as it stands."""
    run = run_late(declined(code="REAUTHORIZATION_TOO_SOON"), captured())
    assert run.sent == ["SendRenewal", "SendCapture"]
    assert run.calls[-1].attempt.authorization_ref == "auth-1"  # type: ignore[union-attr]
    assert run.state.open_invoices == ()


def test_F06_lost_answer_of_a_renewal_is_asked_for_again() -> None:
    """No doubt about money: nothing is recorded, and the next turn renews under the same key."""
    run = run_late(TIME_OUT)
    facts = len(run.facts)
    run.at(LATER + 4 * DAY + MINUTE, again(), captured())
    assert run.sent == ["SendRenewal", "SendRenewal", "SendCapture"]
    keys = {call.capture_id for call in run.calls}  # type: ignore[union-attr]
    assert keys == {capture_key()}
    assert [type(fact) for fact in run.facts[facts:]] == [ChargeAuthorized, ChargeSucceeded]


def test_F03_killed_after_a_renewal_it_is_renewed_under_the_same_key() -> None:
    """Looked up first, as everything that may have been sent."""
    run = run_late(reserved(), again(), captured(), taken_before=True)
    assert run.sent == ["LookUp", "SendRenewal", "SendCapture"]


def test_a_renewed_reservation_is_let_go_under_its_new_id() -> None:
    """Cancelled between the renewal and the capture."""
    start = about_to_capture()
    anew = cancelled(start.and_(*renewed(start.state, key(), again(), evidence=ANSWER)))
    late = LATER + 4 * DAY
    gone = anew.and_(
        *looked_up(
            anew.state, key(), attrs.evolve(reserved(), authorization_ref="auth-2"), now=late
        )
    )
    assert isinstance(step(gone, late), SendVoid)
    assert gone.attempt.authorization_ref == "auth-2"


# --- too old ----------------------------------------------------------------------------------


@pytest.mark.parametrize("expires_after", [None, 29 * DAY, 10 * DAY])
def test_what_is_too_old_is_looked_up_and_attempted_anew(expires_after: timedelta | None) -> None:
    """It shows as voided: nothing was taken, and a new attempt follows under a key of its own."""
    answer = (
        reserved()
        if expires_after is None
        else attrs.evolve(reserved(), expires_at=LATER + expires_after)
    )
    run = play(*answered(attempted(TWO_STEPS), answer).facts)
    late = LATER + (expires_after or 29 * DAY)
    before = step(Given(tuple(run.facts)), late - MINUTE)
    assert isinstance(before, SendRenewal)
    # The second period is billed in the same turn where it is due by then.
    names = run.at(late, VOIDED)
    assert names[0] == "ChargeNotMade"
    assert run.sent == ["LookUp", "SendCharge"]
    (not_made,) = run.of(ChargeNotMade)
    assert not_made.evidence == "look-up: reserved only, and too old to be captured"
    call = run.calls[-1]
    assert isinstance(call, SendCharge)
    assert call.attempt.attempt_id == key(1, 2)


def test_too_old_and_still_shown_it_is_let_go_before_the_next_attempt() -> None:
    """Nothing is left that could be captured beside the new attempt."""
    start = about_to_capture()
    late = LATER + 29 * DAY
    assert step(start, late) == LookUp(start.attempt, LOOK_UP)
    assert not may_send_again(start.state, key(), reserved(), now=late)
    old = start.and_(*looked_up(start.state, key(), reserved(), now=late))
    (*_, intention) = old.facts
    assert isinstance(intention, VoidAttempted)
    assert intention.reason == EXPIRED
    gone = old.and_(*settle_void(old.state, key(), GONE, evidence=ANSWER, now=late))
    (anew,) = attempt_charge(gone.state, now=late)
    assert getattr(anew, "attempt_id", None) == key(1, 2)


def test_a_decline_of_the_capture_stays_a_decline() -> None:
    """Only what ended by its age is attempted at once; a refusal follows the plan."""
    start = about_to_capture()
    late = LATER + 29 * DAY
    refused = declined(code="CAPTURE_DECLINED", provider_ref="cap-9")
    facts = looked_up(start.state, key(), refused, now=late)
    assert [type(fact).__name__ for fact in facts] == ["ChargeDeclined", "RetryScheduled"]


def test_unknown_is_no_renewal() -> None:
    """Nor does anything else change what is reserved."""
    start = about_to_capture()
    for answer in (TIME_OUT, NOT_DONE, declined(), Unknown(reason="?"), reserved()):
        start.when(renewed, key(), answer, evidence=ANSWER).then_nothing()
    start.when(renewed, key(1, 2), again(), evidence=ANSWER).then_nothing()


def test_the_void_waits_for_the_account_that_reserved() -> None:
    """Where the attempt was made, wherever the customer is charged by now."""
    start = letting_go()
    (item,) = agenda_of(start.state)
    moved = attrs.evolve(start.state, provider=Provider.DINTERO, account="second")
    assert account_needed(moved, item) == ("paypal", "main")
