"""The backup method: tried once an invoice where the terms say so, and never instead of the first.

The first method's token is that of request 1, the backup's that of request 2.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from domain.plan import RetryPolicy, Terms
from domain.ports import ChargeAnswer, NotFound, StillOpen, TokenDenied
from domain.processes.agenda import ItemKind, agenda_of
from domain.subscription.events import (
    ChargeAttempted,
    CollectionEnded,
    TokenPurpose,
    TokenRequested,
    TokenVaulted,
)
from domain.subscription.looking_up import decide_by_person
from domain.subscription.vaulting import ask_payer, completed, offered, request_token
from tests.specimens import (
    CARD,
    DAY,
    DUE,
    GRANTED,
    HARD,
    MERCHANT,
    MINUTE,
    NEXT_DUE,
    OFFERED,
    PAYER_ACTION,
    SIGNED_UP,
    TIME_OUT,
    approval_offered,
    captured,
    declined,
    instalments,
    key,
    requested,
    signed_up,
    started,
    terms,
    token_ref,
    vaulted,
)
from tests.vocabulary import Facts, Play, given, play

FIRST, BACKUP = token_ref(1), token_ref(2)
SOFT = declined()
ONCE = RetryPolicy(())
YES = captured()
BACKED = terms(backup=True)


def with_backup(agreed: Terms = BACKED, *, backup: bool = True) -> Facts:
    """Signed up, with a second method where there is to be one."""
    if not backup:
        return signed_up(agreed)
    return (
        *signed_up(agreed),
        requested(2, purpose=TokenPurpose.BACKUP, reason="to be safe"),
        approval_offered(2),
        vaulted(2),
    )


def tokens(run: Play) -> list[str]:
    """Which methods were tried, in order."""
    names = {FIRST: "first", BACKUP: "backup", token_ref(3): "third"}
    return [names[each.token_ref] for each in run.of(ChargeAttempted)]


def asked(run: Play) -> list[TokenPurpose]:
    """What the payer was asked for after the sign-up."""
    return [each.purpose for each in run.of(TokenRequested)[2:]]


NEW = TokenPurpose.REPLACEMENT


@pytest.mark.parametrize(
    ("answers", "tried", "then_asked", "ended"),
    [
        ([YES], ["first"], [], []),
        ([HARD, YES], ["first", "backup"], [NEW], []),
        ([PAYER_ACTION, YES], ["first", "backup"], [NEW], []),
        ([HARD, HARD], ["first", "backup"], [NEW], []),
        ([HARD, PAYER_ACTION], ["first", "backup"], [NEW], []),
        ([HARD, SOFT], ["first", "backup"], [NEW], []),
        ([HARD, MERCHANT], ["first", "backup"], [], ["PERMISSION_DENIED"]),
        ([MERCHANT], ["first"], [], ["PERMISSION_DENIED"]),
        ([SOFT, YES], ["first", "backup"], [], []),
        ([SOFT, HARD], ["first", "backup"], [], ["retries-used-up"]),
        ([SOFT, SOFT], ["first", "backup"], [], ["retries-used-up"]),
    ],
    ids=lambda case: None,
)
def test_what_the_first_and_then_the_backup_answer(
    answers: list[ChargeAnswer], tried: list[str], then_asked: list[TokenPurpose], ended: list[str]
) -> None:
    """At once after a hard decline, or one for the payer; after a soft one when no retry is left
    (here: at once). A new approval is asked for only after the backup was tried."""
    run = play(*with_backup(attrs.evolve(BACKED, retry=ONCE)))
    run.at(DUE, *answers)
    run.at(DUE + 20 * DAY)
    assert tokens(run) == tried
    assert asked(run)[:1] == then_asked
    assert [each.reason for each in run.of(CollectionEnded)] == ended


@pytest.mark.parametrize(("agreed", "backup"), [(terms(), True), (BACKED, False), (terms(), False)])
def test_without_a_backup_or_where_the_terms_say_no_it_is_as_before(
    agreed: Terms, backup: bool
) -> None:
    """A new approval at once after a hard decline; the end after the last soft one."""
    run = play(*with_backup(agreed, backup=backup))
    assert run.at(DUE, HARD)[-2:] == ["ChargeDeclined", "TokenRequested"]
    assert tokens(run) == ["first"]
    soft = play(*with_backup(attrs.evolve(agreed, retry=ONCE), backup=backup))
    assert soft.at(DUE, SOFT)[-2:] == ["ChargeDeclined", "CollectionEnded"]


def test_the_retries_of_the_first_come_before_the_backup() -> None:
    """Three waits, four declines of the first; then the backup, in the same turn."""
    run, now = play(*with_backup()), DUE
    for wait in (3, 5, 7):
        assert run.at(now, SOFT)[-1] == "RetryScheduled"
        now += wait * DAY
    run.at(now, SOFT, YES)
    assert tokens(run) == ["first"] * 4 + ["backup"]
    assert not run.state.open_invoices


def test_a_success_of_the_backup_changes_the_first_in_nothing() -> None:
    """Next month the first is tried first again."""
    run = play(*with_backup(attrs.evolve(BACKED, retry=ONCE)))
    run.at(DUE, SOFT, YES)
    assert run.state.token is not None
    assert (run.state.token.token_ref, run.state.token.usable) == (FIRST, True)
    run.at(NEXT_DUE, captured(at=NEXT_DUE))
    assert tokens(run) == ["first", "backup", "first"]


def test_while_the_first_cannot_be_charged_the_backup_pays_and_nobody_is_asked_again() -> None:
    """The payer was asked in the month in which it failed, and did not come."""
    run = play(*with_backup())
    run.at(DUE, HARD, YES, OFFERED)
    third = run.state.token_request
    assert third is not None
    run.decide(
        completed, third.request_id, TokenDenied(code="cancelled", message=""), token_ref="",
        now=DUE + DAY,
    )  # fmt: skip
    run.at(NEXT_DUE, captured(at=NEXT_DUE))
    assert tokens(run) == ["first", "backup", "backup"]
    assert run.state.token_request is None
    assert asked(run) == [NEW]


def test_a_new_first_method_begins_anew() -> None:
    """The invoice that both refused is charged with it, and may go to the backup again."""
    run = play(*with_backup())
    run.at(DUE, HARD, SOFT, OFFERED)
    request = run.state.token_request
    assert request is not None
    run.decide(completed, request.request_id, GRANTED, token_ref=token_ref(3), now=DUE + DAY)
    run.at(DUE + DAY, HARD, captured(at=DUE + DAY))
    assert tokens(run) == ["first", "backup", "third", "backup"]


def test_a_backup_that_was_never_charged_may_be_tried_again() -> None:
    """Established as not made, that was not its one time; a doubt holds everything up."""
    run = play(*with_backup())
    run.at(DUE, HARD, TIME_OUT)
    assert tokens(run) == ["first", "backup"]
    run.at(DUE + DAY, NotFound(finding="no charge under this reference"), YES)
    assert tokens(run) == ["first", "backup", "backup"]
    assert not run.state.open_invoices


def test_a_doubt_about_the_first_is_no_decline() -> None:
    """The backup waits until a person says that nothing was taken; then the first goes on."""
    run = play(*with_backup())
    run.at(DUE, TIME_OUT)
    run.at(DUE + MINUTE)
    assert tokens(run) == ["first"]
    run.decide(
        decide_by_person, key(), received=None, provider_ref="", reason="asked", now=DUE + MINUTE
    )
    run.at(DUE + 2 * MINUTE, YES)
    assert tokens(run) == ["first", "first"]


def test_the_last_instalment_paid_by_the_backup_completes_and_asks_nobody() -> None:
    """Nothing is left to charge."""
    run = play(*with_backup(instalments(1, backup=True)))
    assert run.at(DUE, HARD, YES)[-2:] == ["ChargeSucceeded", "SubscriptionCompleted"]


def test_the_agenda_says_which_method_is_next() -> None:
    """And waits for a new token once both have failed."""
    run = play(*with_backup())
    run.at(DUE, HARD)
    attempt = run.facts.pop()
    assert isinstance(attempt, ChargeAttempted)
    (item,) = [each for each in agenda_of(run.state) if each.kind is ItemKind.COLLECT]
    assert (item.why, item.due_at) == ("collect, by the backup method", DUE)
    run.at(DUE, HARD, OFFERED)
    (item,) = [each for each in agenda_of(run.state) if each.kind is ItemKind.COLLECT]
    assert (item.why, item.due_at) == ("waits for a new token", None)


# --- asking for it ----------------------------------------------------------------------------


def test_a_backup_is_asked_for_and_replaces_nothing() -> None:
    """The first stays; a newer backup replaces the older one."""
    start = given(*signed_up(BACKED))
    after = start.when(
        ask_payer, backup=True, reason="to be safe", now=SIGNED_UP
    ).then(requested(2, purpose=TokenPurpose.BACKUP, reason="to be safe"))  # fmt: skip
    shown = after.and_(approval_offered(2))
    request = shown.state.token_request
    assert request is not None
    done = shown.when(completed, request.request_id, GRANTED, token_ref=BACKUP, now=SIGNED_UP)
    held = done.then(vaulted(2))
    assert held.state.token == start.state.token
    assert held.state.backup is not None
    assert (held.state.backup.token_ref, held.state.backup.instrument) == (BACKUP, CARD)
    again = held.and_(
        requested(3, purpose=TokenPurpose.BACKUP), approval_offered(3)
    )  # fmt: skip
    third = again.state.token_request
    assert third is not None
    (newer,) = again.when(
        completed, third.request_id, GRANTED, token_ref=token_ref(3), now=SIGNED_UP
    ).facts
    assert isinstance(newer, TokenVaulted)
    assert newer.replaces == BACKUP


@pytest.mark.parametrize(
    ("facts", "backup", "code"),
    [
        ((started(),), True, "first-method-missing"),
        ((*signed_up(), requested(2)), True, "token-request-open"),
        ((*signed_up(), requested(2, purpose=TokenPurpose.BACKUP)), False, "token-request-open"),
    ],
)
def test_who_may_not_be_asked(facts: Facts, backup: bool, code: str) -> None:
    """A backup of nothing, and two requests at a time."""
    given(*facts).when(ask_payer, backup=backup, reason="x", now=DUE).then_refused(code)


def test_asking_for_a_backup_again_is_quiet() -> None:
    """While its own request is open."""
    start = given(*signed_up(), requested(2, purpose=TokenPurpose.BACKUP))
    start.when(ask_payer, backup=True, reason="x", now=DUE).then_nothing()
    start.when(request_token, reason="x", now=DUE).then_nothing()


@pytest.mark.parametrize("how", ["refused", "too late", "no page", "vaulted"])
def test_a_first_method_that_fails_while_a_backup_is_asked_for_is_asked_for_next(how: str) -> None:
    """The request for the backup ends, however it does; then comes the one for the first."""
    facts = (*signed_up(), requested(2, at=DUE, purpose=TokenPurpose.BACKUP))
    run = play(*facts)
    run.at(DUE, HARD)
    assert run.state.token is not None
    assert not run.state.token.usable
    request = run.state.token_request
    assert request is not None
    deny = TokenDenied(code="INVALID", message="")
    later: dict[str, Any] = {"now": DUE + (4 * DAY if how == "too late" else MINUTE)}
    if how == "no page":
        made = run.decide(offered, request.request_id, deny, **later)
    else:
        run.facts.append(approval_offered(2, at=DUE))
        answer = {"vaulted": GRANTED, "too late": StillOpen(), "refused": deny}[how]
        made = run.decide(completed, request.request_id, answer, token_ref=BACKUP, **later)
    assert isinstance(made[-1], TokenRequested)
    assert made[-1].purpose is TokenPurpose.REPLACEMENT
    assert run.state.token_request is not None
