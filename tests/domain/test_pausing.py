"""Pause and resume: hand-checked days and amounts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.calendar import Interval, Unit
from domain.processes.agenda import ItemKind, agenda_of
from domain.subscription.crediting import grant_credit
from domain.subscription.ending import schedule_cancellation
from domain.subscription.events import SubscriptionPaused, SubscriptionResumed
from domain.subscription.pausing import PAUSE_OVER, Resume, pause, resume
from domain.subscription.state import Status
from tests.domain.billing import FEB_10, billed_until, credits, invoices, postpaid, running
from tests.specimens import (
    NEXT_DUE,
    PRICE,
    ZONE_VERSION,
    captured,
    instalments,
    key,
    signed_up,
    terms,
)
from tests.vocabulary import Given, given, play

FEB_20 = datetime(2024, 2, 20, 12, tzinfo=UTC)
MARCH_15 = datetime(2024, 3, 15, 12, tzinfo=UTC)
JUNE = datetime(2024, 6, 15, tzinfo=UTC)


def paused(start: Given, *, credit: bool, until: datetime | None = None) -> Given:
    """Paused on 10 February."""
    facts = pause(
        start.state,
        until=until,
        credit=credit,
        reason="away",
        now=FEB_10,
        zone_version=ZONE_VERSION,
    )
    return start.and_(*facts)


def resumed(start: Given, now: datetime, how: Resume = Resume.KEEP_ANCHOR) -> Given:
    """Resumed at `now`."""
    return start.and_(
        *resume(start.state, how=how, reason="back", now=now, zone_version=ZONE_VERSION)
    )


@pytest.mark.parametrize(("credit", "granted"), [(True, [19590]), (False, [])])
def test_a_paused_subscription_is_not_billed(credit: bool, granted: list[int]) -> None:
    """No period after the one that is billed; its rest is credited where that was wished."""
    away = paused(running(), credit=credit)
    assert away.state.status is Status.PAUSED
    assert credits(away.facts) == granted
    assert billed_until(away, JUNE).facts == away.facts


def test_a_period_billed_afterwards_is_billed_to_its_end_or_to_the_pause() -> None:
    """Postpaid: 299.00 where the rest is paid for, 299.00 - 195.90 where it is not; then none."""
    for credit, lines in ((False, [29900]), (True, [29900, -19590])):
        away = billed_until(paused(running(postpaid()), credit=credit), JUNE)
        assert [each[2] for each in invoices(away.facts)] == [lines]
        assert (away.state.status, away.state.next_due_at) == (Status.PAUSED, None)


def test_resumed_within_a_period_that_is_paid_for_nothing_has_changed() -> None:
    """The next invoice falls due when it always would."""
    back = resumed(paused(running(), credit=False), FEB_20)
    assert back.state.next_due_at == NEXT_DUE
    assert invoices(billed_until(back, MARCH_15).facts)[1][2:] == ([29900], 29900)


def test_resumed_within_a_period_that_was_given_back_its_rest_is_charged() -> None:
    """From 20 February 9 of 29 days: 92.79 more on the next invoice, 195.90 credit against it."""
    back = resumed(paused(running(), credit=True), FEB_20)
    assert invoices(billed_until(back, MARCH_15).facts)[1][2:] == ([29900, 9279], 19589)
    arrears = resumed(paused(running(postpaid()), credit=True), FEB_20)
    assert invoices(billed_until(arrears, MARCH_15).facts)[0][2] == [29900, -19590, 9279]


def test_resumed_later_a_part_of_a_period_is_billed_up_to_the_old_day() -> None:
    """From 15 March 16 of the 31 days to the 31st: 154.32; nobody bills the days before."""
    back = billed_until(resumed(paused(running(), credit=False), MARCH_15), JUNE)
    assert invoices(back.facts)[1:] == [
        ("2024-03-15", "2024-03-31", [15432], 15432),
        ("2024-03-31", "2024-04-30", [29900], 29900),
        ("2024-04-30", "2024-05-31", [29900], 29900),
        ("2024-05-31", "2024-06-30", [29900], 29900),
    ]


def test_resumed_on_the_old_day_there_is_no_part() -> None:
    """On 31 March a whole period begins."""
    on_the_day = datetime(2024, 3, 31, 12, tzinfo=UTC)
    back = billed_until(resumed(paused(running(), credit=False), on_the_day), on_the_day)
    assert invoices(back.facts)[1:] == [("2024-03-31", "2024-04-30", [29900], 29900)]


def test_restarted_periods_count_from_that_day() -> None:
    """Whole months from 15 March on."""
    back = resumed(paused(running(), credit=False), MARCH_15, Resume.RESTART)
    april = datetime(2024, 4, 20, tzinfo=UTC)
    assert [each[:2] for each in invoices(billed_until(back, april).facts)[1:]] == [
        ("2024-03-15", "2024-04-15"),
        ("2024-04-15", "2024-05-15"),
    ]


def test_restarted_within_days_given_back_a_whole_period_begins() -> None:
    """From 20 February; days that are paid for are not given up that way."""
    back = resumed(paused(running(), credit=True), FEB_20, Resume.RESTART)
    assert invoices(billed_until(back, FEB_20).facts)[1][:2] == ("2024-02-20", "2024-03-20")
    kept = resumed(paused(running(), credit=False), FEB_20, Resume.RESTART)
    assert kept.state.next_due_at == NEXT_DUE


def test_a_pause_before_the_first_period_bills_nothing_early() -> None:
    """Begins on 31 January, paused on the 21st, resumed on the 25th: the first day stays."""
    early = datetime(2024, 1, 21, tzinfo=UTC)
    start = given(*signed_up())
    away = start.and_(
        *pause(
            start.state,
            until=None,
            credit=True,
            reason="away",
            now=early,
            zone_version=ZONE_VERSION,
        )
    )
    for how in Resume:
        back = resumed(away, datetime(2024, 1, 25, tzinfo=UTC), how)
        assert invoices(billed_until(back, FEB_10).facts)[0][:2] == ("2024-01-31", "2024-02-29")


def test_a_pause_with_an_end_ends_by_itself() -> None:
    """On the named day, whenever a worker gets to it, and billed from that day."""
    run = play(*paused(running(), credit=False, until=MARCH_15).facts)
    (waits,) = [item for item in agenda_of(run.state) if item.kind is ItemKind.RESUME]
    assert waits.due_at == MARCH_15
    two_days_late = datetime(2024, 3, 17, 12, tzinfo=UTC)
    run.at(two_days_late, captured(PRICE))
    (back,) = run.of(SubscriptionResumed)
    assert (back.effective_at, back.reason) == (MARCH_15, PAUSE_OVER)
    assert invoices(tuple(run.facts))[1][:2] == ("2024-03-15", "2024-03-31")


def test_what_is_owed_is_collected_during_a_pause() -> None:
    """The invoice of the first period is charged although it is paused."""
    run = play(*paused(running(), credit=False).facts)
    assert run.at(FEB_20, captured()) == ["ChargeAttempted", "ChargeSucceeded"]
    assert run.calls[0].attempt.attempt_id == key()


def test_repeats_are_quiet() -> None:
    """Paused twice, resumed twice."""
    away = paused(running(), credit=True)
    assert paused(away, credit=True) == away
    back = resumed(away, FEB_20)
    assert resumed(back, FEB_20) == back


def test_what_cannot_be_paused_is_refused() -> None:
    """In the past, instalments with credit, what is going to end, what has not begun."""
    start = running()
    wish = {"until": None, "credit": False, "reason": "away", "now": FEB_10}
    wish["zone_version"] = ZONE_VERSION
    start.when(pause, **wish | {"until": FEB_10}).then_refused("pause-in-the-past")
    start.when(pause, **wish | {"reason": ""}).then_refused("reason-malformed")
    parts = running(instalments(3))
    parts.when(pause, **wish | {"credit": True}).then_refused("instalments-fixed")
    ending = schedule_cancellation(
        start.state, at=None, reason="moves", now=FEB_10, zone_version=ZONE_VERSION
    )
    start.and_(*ending).when(pause, **wish).then_refused("cancellation-scheduled")
    given(*signed_up()[:2]).when(pause, **wish).then_refused("subscription-not-active")


def test_instalments_go_on_after_a_pause() -> None:
    """Three payments remain three, later."""
    back = resumed(paused(running(instalments(3)), credit=False), MARCH_15)
    assert len(invoices(billed_until(back, datetime(2025, 1, 1, tzinfo=UTC)).facts)) == 3


def test_credit_may_be_given_during_a_pause() -> None:
    """It pays the first invoice after it."""
    away = paused(running(), credit=False)
    thanked = away.and_(*grant_credit(away.state, PRICE, reason="sorry", now=FEB_20))
    back = billed_until(resumed(thanked, MARCH_15), MARCH_15)
    assert invoices(back.facts)[1][3] == 0
    assert [type(fact) for fact in away.facts[-1:]] == [SubscriptionPaused]


def test_free_days_do_not_pass_during_a_pause() -> None:
    """A trial that has not begun is not paused: on resuming there would be nothing left of it."""
    early = datetime(2024, 1, 21, tzinfo=UTC)
    start = given(*signed_up(terms(trial=Interval(Unit.WEEK))))
    wish = {"until": None, "credit": False, "reason": "away", "now": early}
    start.when(pause, **wish, zone_version=ZONE_VERSION).then_refused("trial-not-begun")
