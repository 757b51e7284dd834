"""The end of a token: let go by us, or revoked; nothing is charged with it from then on.

The first method's token is that of request 1, the backup's or the next one's that of request 2.
"""

from __future__ import annotations

from typing import Any

import pytest

from domain.plan import CaptureMode
from domain.ports import (
    NotDone,
    Reversal,
    TokenDenied,
    TokenGone,
    TokenHeld,
    TokenShared,
    Unknown,
)
from domain.processes.agenda import ItemKind, account_needed, agenda_of, tokens_to_delete
from domain.processes.steps import LookUpToken
from domain.subscription.charging import CALLBACK
from domain.subscription.disputing import taken_back
from domain.subscription.events import (
    ChargeAttempted,
    ChargeNotMade,
    SubscriptionCancelled,
    SubscriptionCompleted,
    TokenPurpose,
    TokenRequested,
)
from domain.subscription.letting_go import (
    Which,
    deletion_answered,
    request_deletion,
    token_looked_up,
)
from domain.subscription.settling_refunds import settle_refund
from domain.subscription.token_events import TokenDeletionRequested, TokenRevoked
from tests.domain.refunding import FEB_10, back, nok, paid, refund_key, tried, wanted
from tests.domain.stages import LATER, TWO_STEPS, answered, attempted, cancelled
from tests.domain.test_backing import with_backup
from tests.specimens import (
    DAY,
    DUE,
    GRANTED,
    HARD,
    HOUR,
    MINUTE,
    NEXT_DUE,
    NOT_FOUND,
    OFFERED,
    REPORT_DELAY,
    SIGNED_UP,
    TIME_OUT,
    approval_offered,
    captured,
    declined,
    requested,
    reserved,
    signed_up,
    started,
    terms,
    token_ref,
    vaulted,
)
from tests.vocabulary import Given, given, play

WHY = "asked by the payer"
FIRST, SECOND = token_ref(1), token_ref(2)
REPLACED = (
    *signed_up(),
    requested(2, reason="another card"),
    approval_offered(2),
    vaulted(2, replaces=1),
)


def let_go(ref: str = FIRST, at: Any = SIGNED_UP, reason: str = WHY) -> TokenDeletionRequested:
    return TokenDeletionRequested(token_ref=ref, customer_id="c-1", reason=reason, effective_at=at)


def revoked(
    ref: str = FIRST,
    at: Any = SIGNED_UP,
    reason: str = "revoked at the provider",
    evidence: str = "callback",
) -> TokenRevoked:
    return TokenRevoked(
        token_ref=ref, customer_id="c-1", reason=reason, evidence=evidence, effective_at=at
    )


def asked_anew(number: int = 2, at: Any = SIGNED_UP, reason: str = WHY) -> TokenRequested:
    return requested(number, at=at, reason=reason, purpose=TokenPurpose.REPLACEMENT)


def deletion(start: Given, which: Which = Which.ALL, at: Any = SIGNED_UP) -> Any:
    return start.when(request_deletion, which, reason=WHY, now=at)


def look(start: Given, answer: Any, ref: str = FIRST, at: Any = SIGNED_UP) -> Any:
    return start.when(token_looked_up, ref, answer, evidence=CALLBACK, now=at)


# --- let go -----------------------------------------------------------------------------------


def test_a_token_is_let_go_and_the_payer_asked_for_another() -> None:
    """In one append: from then on it is not charged, and billing is to go on."""
    after = deletion(given(*signed_up())).then(let_go(), asked_anew())
    assert after.state.token is not None
    assert not after.state.token.usable
    deletion(after).then_nothing()


@pytest.mark.parametrize(
    "end",
    [
        SubscriptionCancelled(reason="moved", effective_at=DUE),
        SubscriptionCompleted(effective_at=DUE),
    ],
)
def test_nobody_is_asked_once_it_has_ended(end: Any) -> None:
    """The token goes, and no other one is needed."""
    after = given(*signed_up(), end)
    assert after.state.ended_at == DUE
    deletion(after, at=NEXT_DUE).then(let_go(at=NEXT_DUE))


def test_a_payer_who_is_being_asked_is_not_asked_twice() -> None:
    """The open request will bring the next token."""
    deletion(given(*signed_up(), requested(2, reason="another card"))).then(let_go())


def test_a_token_that_was_declined_already_led_to_its_request() -> None:
    """The payer said no then; letting the token go asks nobody again."""
    run = play(*signed_up())
    run.at(DUE, HARD, OFFERED)
    run.at(DUE + 4 * DAY, TokenDenied(code="cancelled", message=""))
    assert run.decide(request_deletion, Which.ALL, reason=WHY, now=NEXT_DUE) == (
        let_go(at=NEXT_DUE),
    )


@pytest.mark.parametrize(
    ("which", "refs"),
    [
        (Which.ALL, [SECOND, FIRST]),
        (Which.REPLACED, [FIRST]),
    ],
)
def test_what_was_replaced_is_still_held_and_can_go(which: Which, refs: list[str]) -> None:
    """The provider holds the old token until it is told to forget it."""
    facts = deletion(given(*REPLACED), which).facts
    assert [each.token_ref for each in facts if isinstance(each, TokenDeletionRequested)] == refs
    assert any(isinstance(each, TokenRequested) for each in facts) == (which is Which.ALL)


def test_the_backup_goes_alone() -> None:
    """The first method stays, and nobody is asked."""
    after = deletion(given(*with_backup()), Which.BACKUP).then(let_go(SECOND))
    assert after.state.token is not None
    assert after.state.token.usable
    assert after.state.backup is not None
    assert not after.state.backup.usable


def test_there_is_nothing_to_let_go() -> None:
    """Before the first token, or without a backup; what was never replaced is no error."""
    deletion(given(started())).then_refused("token-missing")
    deletion(given(*signed_up()), Which.BACKUP).then_refused("token-missing")
    deletion(given(*signed_up()), Which.REPLACED).then_nothing()
    given(*signed_up()).when(request_deletion, Which.ALL, reason="", now=DUE).then_refused(
        "reason-malformed"
    )


# --- deleted ----------------------------------------------------------------------------------


def test_it_is_deleted_until_it_is_gone() -> None:
    """A doubt, or nothing done: it stands on the agenda, and is asked for again."""
    run = play(*signed_up())
    run.decide(request_deletion, Which.ALL, reason=WHY, now=SIGNED_UP)
    run.at(SIGNED_UP, Unknown(reason="ReadTimeout"), OFFERED)
    run.at(SIGNED_UP + MINUTE, NotDone(reason="429"))
    assert [item.kind for item in agenda_of(run.state)].count(ItemKind.DELETE_TOKEN) == 1
    assert run.at(SIGNED_UP + HOUR, TokenGone()) == ["TokenRevoked"]
    assert run.sent == ["DeleteToken", "AskToken", "DeleteToken", "DeleteToken"]


def test_gone_once() -> None:
    """A second answer makes no second fact; one that nobody let go is not deleted by an answer."""
    gone = revoked(reason="deleted by us", evidence="answer", at=DUE)
    after = deletion(given(*cancelled(given(*signed_up())).facts), at=DUE).then(let_go(at=DUE))
    named = {"evidence": "answer", "now": DUE}
    ended = after.when(deletion_answered, FIRST, TokenGone(), **named).then(gone)
    ended.when(deletion_answered, FIRST, TokenGone(), **named).then_nothing()
    given(*signed_up()).when(deletion_answered, FIRST, TokenGone(), **named).then_nothing()
    assert ended.state.tokens == ()
    assert not [item for item in agenda_of(ended.state) if item.kind is ItemKind.DELETE_TOKEN]


def test_one_that_another_subscription_holds_is_given_up_here() -> None:
    """The provider is not asked; the fact says so."""
    after = deletion(given(*cancelled(given(*signed_up())).facts), at=DUE).then(let_go(at=DUE))
    after.when(deletion_answered, FIRST, TokenShared(), evidence="answer", now=DUE).then(
        revoked(at=DUE, reason="kept for another subscription", evidence="vault")
    )


def test_a_deletion_that_is_not_done_holds_nothing_up() -> None:
    """The charge by the new token goes out all the same."""
    run = play(*REPLACED)
    run.decide(request_deletion, Which.REPLACED, reason=WHY, now=SIGNED_UP)
    run.at(DUE, NotDone(reason="429"), captured())
    assert run.sent == ["DeleteToken", "SendCharge"]
    assert run.at(DUE + HOUR, TokenGone()) == ["TokenRevoked"]


def test_a_deletion_waits_for_the_charge_that_is_open() -> None:
    """First the doubt is resolved; then the token goes."""
    run = play(*signed_up())
    run.at(DUE, TIME_OUT)
    run.decide(request_deletion, Which.ALL, reason=WHY, now=DUE + MINUTE)
    (item,) = (each for each in agenda_of(run.state) if each.kind is ItemKind.DELETE_TOKEN)
    assert item.due_at is None
    assert "open" in item.why
    assert account_needed(run.state, item) is None
    assert run.at(DUE + 10 * MINUTE, captured(), TokenGone(), OFFERED)[:2] == [
        "ChargeSucceeded",
        "TokenRevoked",
    ]


def test_a_deletion_waits_for_the_void_that_is_open() -> None:
    """What is reserved with it is let go first; it may have to be looked up by it."""
    start = answered(cancelled(attempted(TWO_STEPS)), reserved())
    run = play(*start.facts)
    run.decide(request_deletion, Which.ALL, reason=WHY, now=LATER)
    run.at(LATER, TIME_OUT)
    assert run.sent == ["SendVoid"]
    assert not tokens_to_delete(run.state)
    assert run.at(LATER + DAY, NOT_FOUND, TokenGone())[-1] == "TokenRevoked"
    assert run.sent == ["SendVoid", "LookUp", "DeleteToken"]


def test_a_deletion_waits_for_a_refund_that_was_begun() -> None:
    """One whose outcome is not known; what nobody has sent yet holds nothing back."""
    asked = wanted(paid(), nok(250))
    let = asked.and_(*request_deletion(asked.state, Which.ALL, reason=WHY, now=FEB_10))
    assert [each.token_ref for each in tokens_to_delete(let.state)] == [FIRST]
    begun = tried(let)
    assert not tokens_to_delete(begun.state)
    named = {"evidence": "answer", "now": FEB_10 + HOUR}
    lost = begun.and_(*settle_refund(begun.state, refund_key(), TIME_OUT, **named))
    assert not tokens_to_delete(lost.state)
    settled = begun.and_(*settle_refund(begun.state, refund_key(), back(250), **named))
    assert [each.token_ref for each in tokens_to_delete(settled.state)] == [FIRST]


def test_what_ended_stays_ended_when_its_money_is_taken_back() -> None:
    """Its invoice is open again, and a person's; nothing is charged, and its end is what it was."""
    ended = paid().and_(SubscriptionCompleted(effective_at=FEB_10))
    reversal = Reversal(charge_ref="cap-1", amount=nok(250), provider_ref="rev-1", at=FEB_10 + DAY)
    back_again = ended.and_(*taken_back(ended.state, reversal, evidence=CALLBACK, now=FEB_10 + DAY))
    assert [each.number for each in back_again.state.open_invoices] == [1]
    assert back_again.state.ended_at == FEB_10
    assert not back_again.state.collects
    run = play(*back_again.facts)
    assert run.at(FEB_10 + 2 * DAY) == []
    assert run.sent == []
    deletion(back_again, at=FEB_10 + 2 * DAY).then(let_go(at=FEB_10 + 2 * DAY))


def test_the_agenda_names_where_it_is_deleted() -> None:
    """A token is forgotten by the provider that made it, wherever charges go now."""
    state = deletion(given(*signed_up())).then(let_go(), asked_anew()).state
    (item,) = (each for each in agenda_of(state) if each.kind is ItemKind.DELETE_TOKEN)
    assert (item.key, item.due_at) == (FIRST, SIGNED_UP)
    assert WHY in item.why
    assert account_needed(state, item) == ("paypal", "main")


# --- nothing is charged with it ---------------------------------------------------------------


@pytest.mark.parametrize("end", [let_go(at=DUE), revoked(at=DUE)])
def test_an_attempt_that_was_not_sent_is_not_sent_any_more(end: Any) -> None:
    """It is looked up; when it is certain that it was never made, the invoice waits."""
    run = play(*attempted().facts, end)
    run.at(DUE + MINUTE, NOT_FOUND)
    assert run.sent == ["LookUp"]
    deleted = [TokenGone()] * isinstance(end, TokenDeletionRequested)
    after = run.at(DUE + REPORT_DELAY + HOUR, NOT_FOUND, *deleted)
    assert after[0] == ChargeNotMade.__name__
    waits = [item.why for item in agenda_of(run.state) if item.kind is ItemKind.COLLECT]
    assert waits == ["waits for a new token"]
    assert len(run.of(ChargeAttempted)) == 1


@pytest.mark.parametrize("end", [let_go(at=DUE), revoked(at=DUE)])
def test_it_is_not_sent_after_a_crash_either(end: Any) -> None:
    """The key would still be known; the token is not to be used."""
    run = play(*attempted().facts, end)
    run.at(DUE + MINUTE, NOT_FOUND, taken_before=True)
    assert run.sent == ["LookUp"]


def test_what_is_reserved_is_captured() -> None:
    """A capture needs the reservation, not the token."""
    start = answered(attempted(terms(capture=CaptureMode.AFTER_AUTHORIZATION)), reserved())
    run = play(*start.facts, revoked(at=DUE))
    run.at(DUE + 2 * MINUTE, captured())
    assert run.sent == ["SendCapture"]


@pytest.mark.parametrize("end", [let_go(at=DUE - DAY), revoked(at=DUE - DAY)])
def test_nothing_is_attempted_until_there_is_another(end: Any) -> None:
    """Periods are billed, and collected at once by the next token."""
    run = play(*signed_up(), end, asked_anew(at=DUE - DAY))
    run.at(DUE - DAY, *([TokenGone()] * isinstance(end, TokenDeletionRequested)), OFFERED)
    run.at(DUE)
    run.at(NEXT_DUE)
    assert run.of(ChargeAttempted) == []
    run.at(NEXT_DUE + DAY, GRANTED, captured(), captured(ref="cap-2"))
    assert [each.token_ref for each in run.of(ChargeAttempted)] == [SECOND, SECOND]


def test_the_backup_is_charged_meanwhile() -> None:
    """Where the terms say so; the payer is asked for a first method all the same."""
    run = play(*with_backup(), revoked(at=DUE - DAY), asked_anew(3, at=DUE - DAY))
    run.at(DUE, captured(), OFFERED)
    assert [each.token_ref for each in run.of(ChargeAttempted)] == [SECOND]


def test_a_revoked_backup_is_not_tried() -> None:
    """A hard decline then asks the payer, as without a backup."""
    run = play(*with_backup(), revoked(SECOND, at=DUE - DAY))
    run.at(DUE, HARD, OFFERED)
    assert [each.token_ref for each in run.of(ChargeAttempted)] == [FIRST]
    assert run.of(TokenRequested)[-1].purpose is TokenPurpose.REPLACEMENT


# --- revoked ----------------------------------------------------------------------------------


def test_a_revoked_token_is_like_one_that_was_declined_hard() -> None:
    """Once; the payer is asked for another, once."""
    reason = "revoked at the provider"
    after = look(given(*signed_up()), TokenGone()).then(revoked(), asked_anew(reason=reason))
    look(after, TokenGone()).then_nothing()


@pytest.mark.parametrize("answer", [TokenHeld(), Unknown(reason="x"), NotDone(reason="x")])
def test_what_is_not_confirmed_is_not_booked(answer: Any) -> None:
    """A callback only says where to look."""
    look(given(*signed_up()), answer).then_nothing()


def test_an_unknown_token_is_nobodys() -> None:
    """Another subscription's, or one that is gone."""
    look(given(*signed_up()), TokenGone(), "token-x").then_nothing()


def test_a_token_of_before_ends_quietly() -> None:
    """It was charged no more."""
    after = look(given(*REPLACED), TokenGone()).then(revoked())
    assert after.state.replaced == ()


def test_a_token_that_we_let_go_was_deleted_by_us() -> None:
    """The provider's own word of it may come before our answer."""
    after = deletion(given(*signed_up())).then(let_go(), asked_anew())
    look(after, TokenGone()).then(revoked(reason="deleted by us"))


def test_a_decline_that_comes_after_the_revocation_asks_nobody_again() -> None:
    """The charge was under way when the token ended: one request, no second."""
    run = play(*signed_up())
    run.at(DUE, TIME_OUT)
    run.decide(token_looked_up, FIRST, TokenGone(), evidence=CALLBACK, now=DUE + MINUTE)
    run.at(DUE + 2 * MINUTE, OFFERED)
    run.at(DUE + 10 * MINUTE, HARD)
    assert len(run.of(TokenRequested)) == 2
    run.at(DUE + 2 * DAY)
    assert len(run.of(ChargeAttempted)) == 1


def test_a_soft_decline_of_a_revoked_token_waits_for_another() -> None:
    """The retry is planned, and is not sent with a token that ended."""
    run = play(*signed_up())
    run.at(DUE, declined())
    run.decide(token_looked_up, FIRST, TokenGone(), evidence=CALLBACK, now=DUE + DAY)
    run.at(DUE + DAY, OFFERED)
    run.at(DUE + 3 * DAY + HOUR)
    assert len(run.of(ChargeAttempted)) == 1


def test_a_step_knows_its_token() -> None:
    """Where a token is asked about is where it was made."""
    state = given(*signed_up()).state
    step = LookUpToken(state.tokens[0], CALLBACK)
    assert (step.token.provider.value, step.token.account) == ("paypal", "main")


def test_what_replaces_a_token_that_is_gone() -> None:
    """It says what was there before; the one that is gone is held nowhere."""
    run = play(*signed_up(), revoked(), asked_anew(reason="revoked at the provider"))
    run.at(SIGNED_UP, OFFERED)
    run.at(SIGNED_UP + 4 * DAY, GRANTED)
    assert [each.token_ref for each in run.state.tokens] == [SECOND]
