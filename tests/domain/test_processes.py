"""A subscription's life, played by a worker against a scripted provider."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import CaptureMode, Timing
from domain.ports import Declined
from domain.processes.agenda import ItemKind, agenda_of, next_due
from domain.processes.next_step import next_step
from domain.processes.steps import AskToken, LookUp, Nothing, SeeToken, SendCapture, SendCharge
from domain.subscription.charging import LOOK_UP
from domain.subscription.ending import cancel
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAttempted,
    ChargeSucceeded,
    CollectionEnded,
    InvoiceIssued,
    SubscriptionCompleted,
    TokenVaulted,
)
from domain.subscription.state import Status, Subscription
from tests.specimens import (
    DAY,
    DUE,
    GRANTED,
    HARD,
    HOUR,
    MERCHANT,
    MINUTE,
    NEXT_DUE,
    NOT_FOUND,
    OFFERED,
    PAYER_ACTION,
    PRICE,
    REPORT_DELAY,
    SIGNED_UP,
    TIME_OUT,
    ZONE_VERSION,
    captured,
    declined,
    instalments,
    requested,
    reserved,
    signed_up,
    started,
    terms,
)
from tests.vocabulary import Play, play

BILLED = ["InvoiceIssued", "ChargeAttempted", "ChargeSucceeded"]
FEE = Money(9900, "NOK")
TWO_STEPS = terms(capture=CaptureMode.AFTER_AUTHORIZATION)


def due_of(run: Play) -> timedelta:
    """When the next invoice is due, counted from DUE."""
    assert run.state.next_due_at is not None
    return run.state.next_due_at - DUE


def test_from_sign_up_to_the_third_renewal() -> None:
    """Asked, approved, and billed month after month; the whole trail."""
    run = play(started(), requested())
    run.at(SIGNED_UP, OFFERED)
    run.at(SIGNED_UP + 3 * DAY, GRANTED)
    for days in (0, 29, 60):
        assert due_of(run).days == days
        due = run.state.next_due_at
        assert due is not None
        assert run.at(due - MINUTE) == []
        assert run.at(due, captured(at=due)) == BILLED
        assert run.at(due) == []
    assert run.sent == ["AskToken", "SeeToken"] + ["SendCharge"] * 3
    assert [each.invoice_number for each in run.of(ChargeSucceeded)] == [1, 2, 3]


def test_postpaid_is_billed_at_the_end_of_each_period() -> None:
    """The first money comes a month after the start."""
    run = play(*signed_up(terms(timing=Timing.POSTPAID)))
    assert run.at(DUE + 28 * DAY) == []
    assert run.at(NEXT_DUE, captured()) == BILLED
    (issued,) = run.of(InvoiceIssued)
    assert issued.due_on == issued.period.end


def test_a_trial_with_a_setup_fee() -> None:
    """The fee at once, nothing for the trial, then the price, and the fee never again."""
    run = play(*signed_up(terms(trial=Interval(Unit.WEEK, 2), setup_fee=FEE)))
    assert run.at(DUE, captured(FEE)) == BILLED
    assert run.at(DUE + 14 * DAY, captured()) == BILLED
    due = run.state.next_due_at
    assert due is not None
    assert run.at(due, captured()) == BILLED
    assert [each.amount for each in run.of(ChargeAttempted)] == [FEE, PRICE, PRICE]


def test_instalments_to_completion() -> None:
    """Three payments, then nothing more, ever."""
    run = play(*signed_up(instalments(3)))
    while run.state.next_due_at is not None:
        run.at(run.state.next_due_at, captured())
    assert len(run.of(ChargeSucceeded)) == 3
    assert isinstance(run.facts[-1], SubscriptionCompleted)
    assert run.at(DUE + 900 * DAY) == []
    assert agenda_of(run.state) == ()


def test_an_instalment_that_is_paid_late_completes_then() -> None:
    """The last invoice is retried; its money ends the subscription."""
    run = play(*signed_up(instalments(1)))
    run.at(DUE, declined())
    assert run.state.status is Status.ACTIVE
    assert run.at(DUE + 3 * DAY, captured())[-1] == "SubscriptionCompleted"


def test_authorise_and_capture() -> None:
    """Reserve under one key, capture under another; both intentions before their calls."""
    run = play(*signed_up(TWO_STEPS))
    assert run.at(DUE, reserved(), captured()) == [
        "InvoiceIssued",
        "ChargeAttempted",
        "ChargeAuthorized",
        "CaptureAttempted",
        "ChargeSucceeded",
    ]
    assert run.sent == ["SendCharge", "SendCapture"]
    (capture,) = [call for call in run.calls if isinstance(call, SendCapture)]
    assert capture.capture_id == run.of(CaptureAttempted)[0].capture_id


def test_a_worker_that_died_before_the_capture_captures_under_the_same_key() -> None:
    """The reservation shows and the capture does not: sent, with its own key, hours later too."""
    run = play(*signed_up(TWO_STEPS))
    run.at(DUE, reserved())
    assert run.at(DUE + 8 * HOUR, reserved(), captured(), taken_before=True) == ["ChargeSucceeded"]
    captures = [call.capture_id for call in run.calls if isinstance(call, SendCapture)]
    assert len(captures) == 2
    assert len(set(captures)) == 1


def test_a_declined_capture_starts_again_with_a_reservation() -> None:
    """A new attempt, from the first step."""
    run = play(*signed_up(TWO_STEPS))
    run.at(DUE, reserved(), declined())
    assert run.at(DUE + 3 * DAY, reserved(), captured())[-1] == "ChargeSucceeded"
    assert run.sent == ["SendCharge", "SendCapture"] * 2


def test_soft_declines_to_the_end_of_the_schedule() -> None:
    """After the last one nothing is tried; what is owed stays in sight; the next period goes on."""
    run, now = play(*signed_up()), DUE
    for wait in (0, 3, 5, 7):
        now += wait * DAY
        run.at(now, declined())
    assert len(run.of(CollectionEnded)) == 1
    assert run.at(now + 10 * DAY) == []
    collect = [item for item in agenda_of(run.state) if item.kind is ItemKind.COLLECT]
    assert [(item.key, item.due_at) for item in collect] == [("1", None)]
    assert run.at(NEXT_DUE, captured()) == BILLED
    assert run.of(ChargeSucceeded)[0].invoice_number == 2


def test_a_fault_of_ours_is_not_tried_again_by_itself() -> None:
    """One call, one fact for a person."""
    run = play(*signed_up())
    run.at(DUE, MERCHANT)
    assert run.at(DUE + 28 * DAY) == []
    assert run.sent == ["SendCharge"]


@pytest.mark.parametrize("no", [HARD, PAYER_ACTION])
def test_a_hard_decline_a_new_token_and_the_money(no: Declined) -> None:
    """The payer is asked; with the new token the invoice is collected at once."""
    run = play(*signed_up())
    assert run.at(DUE, no, OFFERED) == [
        "InvoiceIssued",
        "ChargeAttempted",
        "ChargeDeclined",
        "TokenRequested",
        "ApprovalOffered",
    ]
    waiting = [item for item in agenda_of(run.state) if item.kind is ItemKind.COLLECT]
    assert [(item.due_at, item.why) for item in waiting] == [(None, "waits for a new token")]
    assert run.at(DUE + 2 * DAY) == []
    assert run.at(DUE + 3 * DAY, GRANTED, captured()) == [
        "TokenVaulted",
        "ChargeAttempted",
        "ChargeSucceeded",
    ]
    first, second = run.of(ChargeAttempted)
    assert first.token_ref != second.token_ref == run.of(TokenVaulted)[1].token_ref


def test_a_payer_who_never_comes_back() -> None:
    """The request expires; the invoice waits in sight; no token is charged that was refused."""
    run = play(*signed_up())
    run.at(DUE, HARD, OFFERED)
    run.decide(cancel, reason="no payment", now=NEXT_DUE - DAY)
    assert run.at(NEXT_DUE) == []
    assert run.sent == ["SendCharge", "AskToken"]


def test_an_unknown_from_time_out_to_not_made() -> None:
    """5 minutes, 1 hour, daily; "not found" is believed when the provider's delay is over."""
    run = play(*signed_up())
    run.at(DUE, TIME_OUT)
    now, looks = DUE, []
    while run.state.open_attempt is not None and run.state.open_attempt.unknown:
        due = run.state.open_attempt.next_look_up_at
        assert due is not None
        looks.append(due - now)
        now = due
        run.at(now, NOT_FOUND, *([captured()] if now >= DUE + REPORT_DELAY else []))
    assert looks == [5 * MINUTE, HOUR, DAY]
    assert run.facts[-1].effective_at == captured().at
    assert run.sent == ["SendCharge"] + ["LookUp"] * 3 + ["SendCharge"]


def test_arrears_are_caught_up_one_after_the_other() -> None:
    """Half a year asleep: every period is billed once, oldest first, at its own due instant."""
    run = play(*signed_up())
    run.at(DUE + 160 * DAY, *[captured()] * 6)
    issued = run.of(InvoiceIssued)
    assert [each.invoice_number for each in issued] == [1, 2, 3, 4, 5, 6]
    assert all(one.effective_at < two.effective_at for one, two in pairwise(issued))
    assert [each.invoice_number for each in run.of(ChargeAttempted)] == [1, 2, 3, 4, 5, 6]


# --- the order of things ----------------------------------------------------------------------


def step(state: Subscription, now: object = DUE, *, taken_before: bool = False) -> object:
    """What is next."""
    return next_step(
        state,
        now=now,  # type: ignore[arg-type]
        taken_before=taken_before,
        zone_version=ZONE_VERSION,
    )


def test_each_step_names_what_it_is_about() -> None:
    """The calls carry the open attempt or request, as it stands on the ledger."""
    asked = play(started(), requested())
    request = asked.state.token_request
    assert request is not None
    assert step(asked.state, SIGNED_UP) == AskToken(request)
    asked.at(SIGNED_UP, OFFERED)
    offered = asked.state.token_request
    assert offered is not None
    assert step(asked.state, SIGNED_UP) == Nothing()
    assert step(asked.state, SIGNED_UP + 3 * DAY) == SeeToken(offered)
    run = play(*signed_up())
    run.at(DUE)
    attempt = run.state.open_attempt
    assert attempt is not None
    assert step(run.state) == SendCharge(attempt)
    assert step(run.state, taken_before=True) == LookUp(attempt, LOOK_UP)
    assert step(run.state, attempt.key_expires_at) == LookUp(attempt, LOOK_UP)
    assert step(run.state, attempt.key_expires_at - MINUTE) == SendCharge(attempt)


def test_what_may_have_been_sent_comes_first() -> None:
    """An open attempt is settled before the next period is billed."""
    run = play(*signed_up())
    run.at(DUE)
    assert isinstance(step(run.state, NEXT_DUE), LookUp)


def test_the_agenda_says_when_the_next_thing_is_due() -> None:
    """The first instant of its items, or none when all of them wait."""
    run = play(*signed_up())
    assert next_due(agenda_of(run.state)) == DUE
    run.at(DUE, TIME_OUT)
    assert next_due(agenda_of(run.state)) == DUE + 5 * MINUTE
    assert next_due(agenda_of(play(started()).state)) is None
    assert next_due(()) is None
