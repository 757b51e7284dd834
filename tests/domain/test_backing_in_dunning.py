"""The backup method and put-off charges beside the end of dunning, write-offs and discrepancies.

299.00 NOK a month, prepaid. One retry after 3 days; the first method is that of request 1, the
backup's that of request 2. Declined at DUE and at USED_UP, the backup is tried at USED_UP.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import pytest

from domain.money import Money
from domain.plan import DunningEnd, RetryPolicy, Terms
from domain.ports import ChargeAnswer
from domain.processes.agenda import ItemKind, agenda_of
from domain.subscription.discrepancies import resolve
from domain.subscription.dunning import collect_again, reinstate, write_off
from domain.subscription.events import (
    ChargeAttempted,
    CollectionEnded,
    CollectionPostponed,
    Resolution,
    SubscriptionSuspended,
    TermsChanged,
    TokenPurpose,
    TokenRequested,
    When,
)
from domain.subscription.postponing import postpone
from domain.subscription.state import Status
from tests.specimens import (
    DAY,
    DUE,
    HARD,
    MERCHANT,
    MINUTE,
    NEXT_DUE,
    TIME_OUT,
    ZONE_VERSION,
    approval_offered,
    captured,
    declined,
    requested,
    signed_up,
    terms,
    token_ref,
    vaulted,
)
from tests.vocabulary import Play, play

USED_UP = DUE + 3 * DAY
OVER = USED_UP + 10 * DAY
NO = declined()
FIRST, BACKUP, THIRD = token_ref(1), token_ref(2), token_ref(3)


def agreed(end: DunningEnd = DunningEnd.SUSPEND, **changes: Any) -> Terms:
    """One retry after three days, the backup, then a grace of ten days, then this."""
    return terms(backup=True, retry=RetryPolicy((3,), end, 10), **changes)


def backed(end: DunningEnd = DunningEnd.SUSPEND) -> Play:
    """Signed up with a second method."""
    return play(
        *signed_up(agreed(end)),
        requested(2, purpose=TokenPurpose.BACKUP, reason="to be safe"),
        approval_offered(2),
        vaulted(2),
    )


def in_vain(end: DunningEnd = DunningEnd.SUSPEND, backup: ChargeAnswer = NO) -> Play:
    """The first method was declined twice, the backup once."""
    run = backed(end)
    run.at(DUE, NO)
    run.at(USED_UP, NO, backup)
    return run


def tried(run: Play) -> list[str]:
    """Which methods were tried, in order."""
    names = {FIRST: "first", BACKUP: "backup", THIRD: "third"}
    return [names[each.token_ref] for each in run.of(ChargeAttempted)]


def another(run: Play, at: datetime, **changes: Any) -> None:
    """The payer approved a third token: a new first method, unless it says otherwise."""
    backup = changes.get("purpose") is TokenPurpose.BACKUP
    run.facts += [
        requested(3, at=at, **changes),
        approval_offered(3, at=at),
        vaulted(3, at=at, replaces=2 if backup else 1),
    ]


def graces(run: Play) -> list[datetime | None]:
    """When the end of dunning is due."""
    return [each.due_at for each in agenda_of(run.state) if each.kind is ItemKind.DUNNING]


# --- the end of retries -----------------------------------------------------------------------


@pytest.mark.parametrize("backup", [NO, HARD], ids=["soft", "hard"])
def test_the_grace_begins_when_the_backup_was_declined(backup: ChargeAnswer) -> None:
    """Not when the first method's retries were: until then collection has not ended."""
    run = backed()
    run.at(DUE, NO)
    run.at(USED_UP, NO)
    assert graces(run) == []
    assert not run.of(CollectionEnded)
    doubt = play(*run.facts)
    # The worker died while the backup was charged; it is looked up, and was declined a day later.
    doubt.at(USED_UP + DAY, backup, taken_before=True)
    (ended,) = doubt.of(CollectionEnded)
    assert (ended.reason, ended.effective_at) == ("retries-used-up", USED_UP + DAY)
    assert graces(doubt) == [OVER + DAY]


@pytest.mark.parametrize(
    ("end", "what"),
    [
        (DunningEnd.LEAVE_OPEN, []),
        (DunningEnd.SUSPEND, ["SubscriptionSuspended"]),
        (DunningEnd.CANCEL, ["SubscriptionCancelled"]),
        (DunningEnd.WRITE_OFF, ["InvoiceWrittenOff"]),
    ],
)
def test_what_the_plan_says_follows_when_both_failed(end: DunningEnd, what: list[str]) -> None:
    """As without a backup, ten days after it was declined."""
    run = in_vain(end)
    assert tried(run) == ["first", "first", "backup"]
    assert run.at(OVER - MINUTE) == []
    assert run.at(OVER) == what
    assert tried(run) == ["first", "first", "backup"]


def test_what_the_backup_pays_leads_to_no_grace() -> None:
    """And the first method is tried first next month."""
    run = in_vain(backup=captured(at=USED_UP))
    assert not run.of(CollectionEnded)
    assert graces(run) == []
    run.at(NEXT_DUE, captured(at=NEXT_DUE, ref="next"))
    assert tried(run) == ["first", "first", "backup", "first"]


def test_a_doubt_about_the_backup_holds_the_end_up() -> None:
    """It may have been paid."""
    run = in_vain(backup=TIME_OUT)
    assert not run.of(CollectionEnded)
    assert graces(run) == []


def test_our_own_account_at_fault_leads_to_no_grace_on_either_method() -> None:
    """The payer did nothing wrong."""
    run = in_vain(backup=MERCHANT)
    assert [each.reason for each in run.of(CollectionEnded)] == ["PERMISSION_DENIED"]
    assert graces(run) == []


def test_more_retries_agreed_to_meanwhile_are_used_before_the_end() -> None:
    """The backup was tried when there was one retry; when it is declined there are three."""
    run = backed()
    run.at(DUE, NO)
    run.at(USED_UP, NO)
    state = run.state
    run.facts.append(
        TermsChanged(
            customer_id="c-1",
            terms=attrs.evolve(state.terms, retry=RetryPolicy((3, 5, 7), DunningEnd.SUSPEND, 10)),
            when=When.PERIOD_END,
            from_invoice=2,
            schedule=state.schedule,
            lines=(),
            next_due_at=state.next_due_at,
            zone_version=ZONE_VERSION,
            reason="agreed",
            effective_at=USED_UP,
        )
    )
    made = run.at(USED_UP + MINUTE, NO, taken_before=True)
    assert made[-2:] == ["ChargeDeclined", "RetryScheduled"]
    run.at(USED_UP + MINUTE + 5 * DAY, NO)
    run.at(USED_UP + MINUTE + 12 * DAY, NO)
    assert tried(run) == ["first", "first", "backup", "first", "first"]
    assert [each.reason for each in run.of(CollectionEnded)] == ["retries-used-up"]


# --- collected again --------------------------------------------------------------------------


def test_a_person_who_has_it_collected_again_gives_both_methods_another_turn() -> None:
    """First the first with its retry, then the backup, once."""
    run, now = in_vain(DunningEnd.LEAVE_OPEN), USED_UP + DAY
    run.decide(collect_again, 1, reason="has money now", now=now)
    run.at(now, NO)
    run.at(now + 3 * DAY, NO, NO)
    assert tried(run) == ["first", "first", "backup"] * 2
    assert [each.reason for each in run.of(CollectionEnded)] == ["retries-used-up"] * 2


def test_a_new_first_method_in_the_suspension_is_tried_before_the_backup() -> None:
    """And may go to the backup again; its payment lifts the suspension."""
    run = in_vain()
    assert run.at(OVER) == ["SubscriptionSuspended"]
    another(run, OVER + DAY)
    paid = captured(at=OVER + DAY)
    assert run.at(OVER + DAY, HARD, paid)[-1] == "SubscriptionReinstated"
    assert tried(run) == ["first", "first", "backup", "third", "backup"]
    assert run.state.status is Status.ACTIVE
    # The third was refused for good: the payer is asked for a fourth.
    assert [each.number for each in run.of(TokenRequested)] == [1, 2, 3, 4]


@pytest.mark.parametrize("at", [USED_UP + DAY, OVER + DAY], ids=["grace", "suspension"])
def test_a_new_backup_pays_what_both_had_refused(at: datetime) -> None:
    """At once; the first method, whose retries are used up, is not tried for it."""
    run = in_vain()
    run.at(min(at, OVER))
    another(run, at, purpose=TokenPurpose.BACKUP)
    assert graces(run) == ([] if at < OVER else [None])
    run.at(at, captured(at=at))
    assert tried(run) == ["first", "first", "backup", "third"]
    assert not run.state.open_invoices
    assert run.state.status is Status.ACTIVE


def test_a_new_backup_that_is_declined_begins_the_grace_anew() -> None:
    """The first method's retries stay used up."""
    run, now = in_vain(), USED_UP + DAY
    another(run, now, purpose=TokenPurpose.BACKUP)
    assert run.at(now, NO)[-1] == "CollectionEnded"
    assert graces(run) == [now + 10 * DAY]


def test_a_new_backup_that_the_terms_do_not_want_is_not_tried() -> None:
    """Nor does it bring back an invoice whose collection has ended."""
    run = play(*signed_up(attrs.evolve(agreed(), backup=False)))
    run.at(DUE, NO)
    run.at(USED_UP, NO)
    run.facts += [requested(2, at=USED_UP, purpose=TokenPurpose.BACKUP), vaulted(2, at=USED_UP)]
    assert run.at(USED_UP + DAY) == []
    assert graces(run) == [OVER]


def test_a_first_method_that_is_new_is_not_given_up_for_what_the_backup_answers() -> None:
    """It came while the backup was being charged; it is charged next."""
    run = backed()
    run.at(DUE, NO)
    run.at(USED_UP, NO)
    another(run, USED_UP + MINUTE)
    now = USED_UP + 2 * MINUTE
    run.at(now, NO, captured(at=now), taken_before=True)
    assert tried(run) == ["first", "first", "backup", "third"]
    assert not run.of(CollectionEnded)


# --- given up, and looked at ------------------------------------------------------------------


def test_what_is_written_off_is_neither_put_off_nor_tried_on_a_new_backup() -> None:
    """It is not open."""
    run, now = in_vain(DunningEnd.LEAVE_OPEN), USED_UP + DAY
    run.decide(write_off, 1, reason="moved abroad", now=now)
    another(run, now, purpose=TokenPurpose.BACKUP)
    assert run.at(now) == []
    assert postpone(run.state, (), 1, until=now + DAY, reason="visa-30-days", now=now) == ()


def test_while_suspended_what_is_owed_may_be_put_off() -> None:
    """The new token's card has no place: it waits, and is charged when there is one."""
    run = in_vain()
    run.at(OVER)
    another(run, OVER + DAY)
    run.decide(postpone, (), 1, until=OVER + 2 * DAY, reason="visa-30-days", now=OVER + DAY)
    assert run.of(CollectionPostponed)
    assert run.at(OVER + DAY) == []
    run.decide(reinstate, reason="pays by bank", now=OVER + DAY, zone_version=ZONE_VERSION)
    assert run.state.status is Status.ACTIVE
    later = OVER + 2 * DAY
    assert "ChargeSucceeded" in run.at(later, captured(at=later))
    assert len(run.of(SubscriptionSuspended)) == 1


def test_an_invoice_whose_collection_ended_is_not_put_off() -> None:
    """It would be collected then, against what the plan says."""
    run = in_vain()
    facts = postpone(run.state, (), 1, until=OVER, reason="visa-30-days", now=USED_UP)
    assert facts == ()


def test_the_rest_of_what_the_backup_paid_in_part_is_collected_on_the_first_again() -> None:
    """Looked at, it is collected anew: 199.00 of 299.00 NOK are left."""
    run = in_vain(backup=captured(Money(10000, "NOK"), at=USED_UP))
    attempt = run.of(ChargeAttempted)[-1].attempt_id
    now = USED_UP + DAY
    assert run.at(now) == []
    run.decide(resolve, attempt, Resolution.ACCEPTED, reason="seen", now=now)
    run.at(now, NO)
    run.at(now + 3 * DAY, NO, captured(Money(19900, "NOK"), at=now + 3 * DAY, ref="rest"))
    assert tried(run) == ["first", "first", "backup"] * 2
    assert [each.amount.minor for each in run.of(ChargeAttempted)] == [29900] * 3 + [19900] * 3
    assert not run.state.open_invoices


def test_a_new_backup_collects_nothing_that_a_person_has_to_look_at() -> None:
    """Until somebody has."""
    run = in_vain(backup=captured(Money(10000, "NOK"), at=USED_UP))
    another(run, USED_UP + DAY, purpose=TokenPurpose.BACKUP)
    assert run.at(USED_UP + DAY) == []
    assert tried(run) == ["first", "first", "backup"]
