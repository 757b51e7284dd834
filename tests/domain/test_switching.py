"""Moving a subscription to another provider or account by a new token.

The first method's token is that of request 1 at PayPal's main account, the new one that of
request 2.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.plan import CaptureMode
from domain.ports import NotFound
from domain.processes.agenda import ItemKind, account_needed, agenda_of
from domain.providers import RULES, Provider
from domain.subscription.events import (
    ChargeAttempted,
    ChargeSucceeded,
    TokenPurpose,
    TokenRequested,
    TokenVaulted,
)
from domain.subscription.vaulting import Elsewhere, ask_payer, completed, offered, request_token
from tests.domain.refunding import nok, paid, wanted
from tests.specimens import (
    DAY,
    DUE,
    GRANTED,
    HARD,
    MINUTE,
    NEXT_DUE,
    NOT_DONE,
    OFFERED,
    SIGNED_UP,
    TIME_OUT,
    captured,
    key,
    reserved,
    signed_up,
    terms,
    token_ref,
)
from tests.vocabulary import Play, given, play

DINTERO = Elsewhere(Provider.DINTERO, "main")
SECOND = Elsewhere(None, "second")
HOUR = timedelta(hours=1)
YES = captured()


def ask(run: Play, where: Elsewhere, *, backup: bool = False, days: float = 0.0) -> None:
    """The payer is asked for a token elsewhere, and gives it."""
    now = SIGNED_UP + days * DAY
    run.decide(ask_payer, backup=backup, reason="cheaper there", now=now, where=where)
    request = run.state.token_request
    assert request is not None
    run.decide(offered, request.request_id, OFFERED, now=now)
    run.decide(completed, request.request_id, GRANTED, token_ref=token_ref(2), now=now)


def attempts(run: Play) -> list[tuple[str, str]]:
    return [(each.provider.value, each.account) for each in run.of(ChargeAttempted)]


@pytest.mark.parametrize(
    ("where", "at"), [(DINTERO, ("dintero", "main")), (SECOND, ("paypal", "second"))]
)
def test_charges_go_where_the_new_token_is(where: Elsewhere, at: tuple[str, str]) -> None:
    """From the token on, with the new provider's windows; until then where they went."""
    run = play(*signed_up())
    run.at(DUE, YES)
    ask(run, where, days=40)
    request = run.of(TokenRequested)[1]
    assert (request.provider, request.account) == (Provider(at[0]), at[1])
    assert request.key_expires_at - request.effective_at == RULES[Provider(at[0])].token_key_window
    assert run.of(TokenVaulted)[1].replaces == token_ref(1)
    run.at(NEXT_DUE, YES)
    assert attempts(run) == [("paypal", "main"), at]
    latest = run.of(ChargeAttempted)[-1]
    window = RULES[Provider(at[0])].charge_key_window
    assert latest.key_expires_at - latest.effective_at == window
    assert (run.state.provider.value, run.state.account) == at


def test_until_it_is_vaulted_nothing_moves() -> None:
    """A payer who never comes is charged where he was."""
    run = play(*signed_up())
    run.decide(ask_payer, backup=False, reason="cheaper", now=SIGNED_UP, where=DINTERO)
    run.at(SIGNED_UP, OFFERED)
    run.at(DUE, YES)
    assert attempts(run) == [("paypal", "main")]


def test_a_doubt_is_looked_up_where_it_was_made() -> None:
    """And for as long as that provider reports late, which is another time than the new one's."""
    run = play(*signed_up())
    run.at(DUE, TIME_OUT)
    ask(run, DINTERO, days=(DUE - SIGNED_UP) / DAY)
    run.at(DUE + 2 * HOUR, NotFound(finding="none"))
    assert len(run.of(ChargeAttempted)) == 1, "Dintero would have shown it by now; PayPal not"
    item = next(each for each in agenda_of(run.state) if each.kind.value == "look-up")
    assert account_needed(run.state, item) == ("paypal", "main")
    run.at(DUE + 2 * DAY, NotFound(finding="none"), YES)
    assert attempts(run) == [("paypal", "main"), ("dintero", "main")]
    assert run.sent[-2:] == ["LookUp", "SendCharge"]


def test_money_that_the_old_provider_took_pays() -> None:
    """Whatever the subscription is charged with now."""
    run = play(*signed_up())
    run.at(DUE, TIME_OUT)
    ask(run, DINTERO, days=(DUE - SIGNED_UP) / DAY)
    run.at(DUE + HOUR, YES)
    assert [each.attempt_id for each in run.of(ChargeSucceeded)] == [key()]
    assert attempts(run) == [("paypal", "main")]


def test_a_refund_waits_for_the_account_that_was_charged() -> None:
    """Whatever the subscription is charged with now."""
    run = play(*wanted(paid(), nok(1000)).facts)
    ask(run, DINTERO, days=60)
    items = [each for each in agenda_of(run.state) if each.kind is ItemKind.REFUND]
    assert [account_needed(run.state, each) for each in items] == [("paypal", "main")]


def test_what_was_not_sent_before_the_move_is_not_sent_after_it() -> None:
    """The old token is replaced: the attempt is looked up, then made anew where it is wanted."""
    run = play(*signed_up())
    run.at(DUE, NOT_DONE)
    ask(run, DINTERO, days=(DUE - SIGNED_UP) / DAY)
    run.at(DUE + MINUTE, NotFound(finding="none"))
    assert run.sent[-1] == "LookUp"
    run.at(DUE + 2 * DAY, NotFound(finding="none"), YES)
    assert attempts(run) == [("paypal", "main"), ("dintero", "main")]


def test_what_is_reserved_at_the_old_provider_is_captured_there() -> None:
    """A reservation needs no token any more."""
    run = play(*signed_up(terms(capture=CaptureMode.AFTER_AUTHORIZATION)))
    run.at(DUE, reserved(), NOT_DONE)
    ask(run, DINTERO, days=(DUE - SIGNED_UP) / DAY)
    run.at(DUE + MINUTE, YES)
    assert run.sent[-1] == "SendCapture"
    assert run.of(ChargeSucceeded)
    assert attempts(run) == [("paypal", "main")]


def test_a_silent_provider_is_asked_again_for_the_same_move() -> None:
    """A request that is given up is made anew at the same place."""
    run = play(*signed_up())
    run.decide(ask_payer, backup=False, reason="cheaper", now=SIGNED_UP, where=DINTERO)
    run.at(SIGNED_UP, TIME_OUT)
    run.at(SIGNED_UP + HOUR, OFFERED)
    second, third = run.of(TokenRequested)[1:]
    assert (third.provider, third.account) == (second.provider, second.account)
    assert third.account == "main"


def test_a_backup_elsewhere_moves_nothing() -> None:
    """It is charged where it is, the first method where that is."""
    run = play(*signed_up(terms(backup=True)))
    ask(run, DINTERO, backup=True)
    assert run.of(TokenRequested)[1].purpose is TokenPurpose.BACKUP
    run.at(DUE, HARD, YES)
    assert attempts(run) == [("paypal", "main"), ("dintero", "main")]
    assert run.state.provider is Provider.PAYPAL


def test_a_repeat_is_quiet_and_another_place_is_refused() -> None:
    """One request at a time."""
    start = given(*signed_up())
    facts = ask_payer(start.state, backup=False, reason="x", now=SIGNED_UP, where=DINTERO)
    after = start.and_(*facts)
    again = {"backup": False, "reason": "x", "now": SIGNED_UP}
    after.when(ask_payer, **again, where=DINTERO).then_nothing()
    after.when(ask_payer, **again, where=SECOND).then_refused("token-request-open")
    after.when(ask_payer, **again).then_refused("token-request-open")


def test_where_it_is_already_is_no_move() -> None:
    """Named or not, the fact says the same."""
    state = given(*signed_up()).state
    named = Elsewhere(Provider.PAYPAL, "main")
    (fact,) = ask_payer(state, backup=False, reason="x", now=SIGNED_UP, where=named)
    assert (fact,) == request_token(state, reason="x", now=SIGNED_UP)
    assert isinstance(fact, TokenRequested)
    assert (fact.provider, fact.account) == (None, "")
