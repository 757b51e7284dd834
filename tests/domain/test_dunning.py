"""When retries are used up: left open, suspended, cancelled or written off; and what people decide.

299.00 NOK a month from 31 January 2024 in Oslo, prepaid unless it says otherwise. Local midnight is
23:00Z in winter. Declined at DUE (30 January 23:00Z) and, with one retry
after 3 days, at 2 February 23:00Z: there the retries are used up.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.calendar import Period
from domain.money import Money
from domain.plan import DunningEnd, RetryPolicy, Terms, Timing, checked_retry
from domain.processes.agenda import ItemKind, agenda_of
from domain.refusals import Refused
from domain.schedule import Stub
from domain.subscription.changing import Change, change_terms
from domain.subscription.charging import settle
from domain.subscription.crediting import grant_credit
from domain.subscription.discrepancies import resolve
from domain.subscription.dunning import collect_again, end_dunning, reinstate, write_off
from domain.subscription.ending import cancel, schedule_cancellation
from domain.subscription.events import (
    CollectionResumed,
    InvoiceIssued,
    InvoiceWrittenOff,
    Resolution,
    SubscriptionCancelled,
    SubscriptionCompleted,
    SubscriptionReinstated,
    SubscriptionSuspended,
    When,
)
from domain.subscription.pausing import pause, resume
from domain.subscription.resuming import Resume
from domain.subscription.state import Status
from tests.specimens import (
    DAY,
    DUE,
    MERCHANT,
    MINUTE,
    PRICE,
    TIME_OUT,
    ZONE_VERSION,
    captured,
    declined,
    instalments,
    key,
    requested,
    signed_up,
    terms,
    vaulted,
)
from tests.vocabulary import Decision, Play, given, play

USED_UP = DUE + 3 * DAY
OVER = USED_UP + 10 * DAY
NO = declined()


def agreed(end: DunningEnd, grace_days: int = 10, **changes: Any) -> Terms:
    """One retry after three days, then a grace of ten, then this."""
    return terms(retry=RetryPolicy((3,), end, grace_days), **changes)


def unpaid(end: DunningEnd, **changes: Any) -> Play:
    """The first invoice was declined twice; its retries are used up."""
    run = play(*signed_up(agreed(end, **changes)))
    run.at(DUE, NO)
    assert run.at(USED_UP, NO)[-1] == "CollectionEnded"
    return run


def suspended(**changes: Any) -> Play:
    """The grace is over, and the subscription is suspended."""
    run = unpaid(DunningEnd.SUSPEND, **changes)
    assert run.at(OVER) == ["SubscriptionSuspended"]
    return run


def new_token(run: Play, at: datetime) -> None:
    """The payer approved another token."""
    run.facts += [requested(2, at=at), vaulted(2, at=at, replaces=1)]


def dunning_items(run: Play) -> list[tuple[str, datetime | None]]:
    """(key, due instant) of what the agenda says of dunning."""
    return [(i.key, i.due_at) for i in agenda_of(run.state) if i.kind is ItemKind.DUNNING]


# --- what the plan says -----------------------------------------------------------------------


def test_left_open_nothing_more_happens_by_itself() -> None:
    """A person is told; the next period is billed, and its own collection begins."""
    run = unpaid(DunningEnd.LEAVE_OPEN)
    assert dunning_items(run) == []
    assert run.at(OVER) == []
    assert run.at(OVER + 365 * DAY, captured(ref="later"))[0] == "InvoiceIssued"
    assert not run.of(SubscriptionSuspended)


@pytest.mark.parametrize("end", [DunningEnd.SUSPEND, DunningEnd.CANCEL, DunningEnd.WRITE_OFF])
def test_nothing_happens_before_the_grace_is_over(end: DunningEnd) -> None:
    """It stands on the agenda, for that instant."""
    run = unpaid(end)
    assert dunning_items(run) == [("invoice 1", OVER)]
    assert run.at(OVER - MINUTE) == []
    assert len(run.at(OVER)) == 1


def test_a_grace_of_no_days_is_over_at_once() -> None:
    """In the same turn of the worker as the last decline."""
    run = play(*signed_up(agreed(DunningEnd.WRITE_OFF, 0)))
    run.at(DUE, NO)
    assert run.at(USED_UP, NO)[-2:] == ["CollectionEnded", "InvoiceWrittenOff"]


def test_suspended() -> None:
    """Prepaid: the latest invoice is the last; it stays owed."""
    run = suspended()
    assert run.facts[-1] == SubscriptionSuspended(
        customer_id="c-1",
        invoice_number=1,
        last_invoice=1,
        reason="retries-used-up",
        effective_at=OVER,
    )
    assert (run.state.status, run.state.next_due_at) == (Status.SUSPENDED, None)
    assert dunning_items(run) == [("suspension", None)]
    assert run.at(OVER + 400 * DAY) == []
    (owed,) = run.state.open_invoices
    assert owed.open == PRICE


def test_suspended_postpaid_what_was_served_until_then_is_billed() -> None:
    """The period 29 February to 31 March runs when the grace of the first invoice is over, on
    13 March (declined on 28 February 23:00Z, three days, ten days); it is billed at its end."""
    run = play(*signed_up(agreed(DunningEnd.SUSPEND, timing=Timing.POSTPAID)))
    first_due = datetime(2024, 2, 28, 23, tzinfo=UTC)
    run.at(first_due, NO)
    run.at(first_due + 3 * DAY, NO)
    assert run.at(first_due + 13 * DAY) == ["SubscriptionSuspended"]
    assert run.of(SubscriptionSuspended)[0].last_invoice == 2
    assert run.at(datetime(2024, 3, 30, 23, tzinfo=UTC), NO)[0] == "InvoiceIssued"
    assert run.of(InvoiceIssued)[1].period == Period(date(2024, 2, 29), date(2024, 3, 31))
    assert run.state.next_due_at is None


def test_cancelled() -> None:
    """What is owed stays owed."""
    run = unpaid(DunningEnd.CANCEL)
    assert run.at(OVER) == ["SubscriptionCancelled"]
    assert run.facts[-1] == SubscriptionCancelled(reason="retries-used-up", effective_at=OVER)
    assert [each.open for each in run.state.open_invoices] == [PRICE]
    assert dunning_items(run) == []


def test_written_off_billing_goes_on() -> None:
    """The invoice is gone from what is owed; the next one comes when it was announced for."""
    run = unpaid(DunningEnd.WRITE_OFF)
    before = run.state.next_due_at
    assert run.at(OVER) == ["InvoiceWrittenOff"]
    assert run.facts[-1] == InvoiceWrittenOff(
        customer_id="c-1",
        invoice_number=1,
        amount=PRICE,
        reason="retries-used-up",
        effective_at=OVER,
    )
    assert run.state.open_invoices == ()
    assert (run.state.status, run.state.next_due_at) == (Status.ACTIVE, before)
    assert run.at(OVER) == []


def test_written_off_is_what_is_left() -> None:
    """Of 299.00, 100.00 came late and were accepted; declined again, 199.00 are given up."""
    run = unpaid(DunningEnd.WRITE_OFF)
    little = captured(Money(10000, "NOK"))
    run.decide(settle, key(1, 2), little, evidence="callback", now=USED_UP + DAY)
    accepted, looked_at = Resolution.ACCEPTED, USED_UP + 2 * DAY
    run.decide(resolve, key(1, 2), accepted, reason="seen", now=looked_at)
    run.at(looked_at, NO)
    run.at(USED_UP + 5 * DAY, NO)
    assert run.at(USED_UP + 15 * DAY) == ["InvoiceWrittenOff"]
    assert run.facts[-1].amount == Money(19900, "NOK")  # type: ignore[union-attr]


def test_the_last_instalment_written_off_completes() -> None:
    """Nothing is left to bill or to collect."""
    run = play(*signed_up(instalments(1, retry=RetryPolicy((), DunningEnd.WRITE_OFF, 10))))
    run.at(DUE, NO)
    assert run.at(DUE + 10 * DAY) == ["InvoiceWrittenOff", "SubscriptionCompleted"]


@pytest.mark.parametrize(
    ("end", "facts"),
    [
        (DunningEnd.SUSPEND, ["SubscriptionSuspended"]),
        (DunningEnd.CANCEL, ["SubscriptionCancelled"]),
    ],
)
def test_a_late_worker_bills_nothing_that_the_end_rules_out(
    end: DunningEnd, facts: list[str]
) -> None:
    """It counts from when the grace was over (12 February), not from when somebody looked."""
    run = unpaid(end)
    assert run.at(OVER + 60 * DAY) == facts
    assert run.facts[-1].effective_at == OVER


def test_a_late_worker_bills_what_fell_due_before_the_end() -> None:
    """A grace of 40 days is over on 13 March; the period from 29 February on comes before it."""
    run = unpaid(DunningEnd.SUSPEND, grace_days=40)
    assert run.at(USED_UP + 60 * DAY, NO)[:2] == ["InvoiceIssued", "SubscriptionSuspended"]
    assert run.of(SubscriptionSuspended)[0].last_invoice == 2
    assert run.of(SubscriptionSuspended)[0].effective_at == USED_UP + 40 * DAY


def test_what_falls_due_as_the_grace_ends_is_not_billed() -> None:
    """26 days after 2 February 23:00Z is 28 February 23:00Z, when the second period begins."""
    run = unpaid(DunningEnd.SUSPEND, grace_days=26)
    assert run.at(USED_UP + 26 * DAY) == ["SubscriptionSuspended"]
    assert len(run.of(InvoiceIssued)) == 1


def test_a_change_after_the_grace_stands() -> None:
    """Nobody worked: what was agreed to since is not undone, the suspension counts from then."""
    run = unpaid(DunningEnd.SUSPEND)
    dearer = agreed(DunningEnd.SUSPEND, price=Money(39900, "NOK"))
    wish = Change(terms=dearer, when=When.NOW, reason="asked")
    later = OVER + 2 * DAY
    run.decide(change_terms, wish, now=later, zone_version=ZONE_VERSION)
    assert run.at(later + DAY) == ["SubscriptionSuspended"]
    assert run.facts[-1].effective_at == later


def test_a_paused_subscription_is_suspended_when_the_pause_is_over() -> None:
    """Until then nothing is billed anyway, and who is away may still pay."""
    run = unpaid(DunningEnd.SUSPEND)
    until = OVER + 30 * DAY
    run.decide(
        pause,
        until=until,
        credit=False,
        reason="away",
        now=USED_UP + DAY,
        zone_version=ZONE_VERSION,
    )
    assert dunning_items(run) == [("invoice 1", None)]
    assert run.at(OVER + DAY) == []
    assert run.at(until) == ["SubscriptionResumed", "SubscriptionSuspended"]
    assert len(run.of(InvoiceIssued)) == 1


def test_suspended_and_told_again_is_quiet() -> None:
    """One suspension, however many invoices are not paid."""
    run = suspended()
    given(*run.facts).when(end_dunning, now=OVER + DAY, zone_version=ZONE_VERSION).then_nothing()


def test_a_code_of_ours_ends_no_subscription() -> None:
    """Only what was tried by the plan's schedule: a fault of ours is for us to mend."""
    run = play(*signed_up(agreed(DunningEnd.CANCEL, 0)))
    assert run.at(DUE, MERCHANT)[-1] == "CollectionEnded"
    assert run.at(DUE + DAY) == []


# --- paid after all ---------------------------------------------------------------------------


def test_a_new_token_in_the_grace_collects_at_once() -> None:
    """Paid: nothing follows when the grace would have been over."""
    run = unpaid(DunningEnd.SUSPEND)
    new_token(run, USED_UP + DAY)
    assert run.at(USED_UP + DAY, captured()) == ["ChargeAttempted", "ChargeSucceeded"]
    assert dunning_items(run) == []
    assert run.at(OVER) == []


def test_a_new_token_declined_again_begins_another_grace() -> None:
    """Counted from when its retries, too, were used up."""
    run = unpaid(DunningEnd.SUSPEND)
    new_token(run, USED_UP + DAY)
    run.at(USED_UP + DAY, NO)
    run.at(USED_UP + 4 * DAY, NO)
    assert dunning_items(run) == [("invoice 1", USED_UP + 14 * DAY)]


def test_a_payment_reinstates_at_once_in_the_running_period() -> None:
    """15 February, within the period that is paid now: the next one comes as it was to come."""
    run = suspended()
    paid_at = datetime(2024, 2, 15, 12, tzinfo=UTC)
    new_token(run, paid_at)
    assert run.at(paid_at, captured(at=paid_at)) == [
        "ChargeAttempted",
        "ChargeSucceeded",
        "SubscriptionReinstated",
    ]
    back = run.of(SubscriptionReinstated)[0]
    assert (back.invoice_number, back.reason, back.effective_at) == (1, "paid", paid_at)
    assert (back.lines, back.next_due_at) == ((), datetime(2024, 2, 28, 23, tzinfo=UTC))
    assert (run.state.status, run.state.suspension) == (Status.ACTIVE, None)


def test_a_payment_reinstates_at_the_old_days_after_a_gap() -> None:
    """20 March: the days up to then are billed by nobody; 11 of 31 days are left of the period
    from 29 February on, 299.00 x 11/31 = 106.0967, so 106.10."""
    run = suspended()
    paid_at = datetime(2024, 3, 20, 12, tzinfo=UTC)
    new_token(run, paid_at)
    names = run.at(paid_at, captured(at=paid_at), captured(Money(10610, "NOK"), at=paid_at))
    assert names[2:4] == ["SubscriptionReinstated", "InvoiceIssued"]
    back = run.of(SubscriptionReinstated)[0]
    part = Period(date(2024, 3, 20), date(2024, 3, 31))
    assert back.schedule.stub == Stub(invoice_number=2, period=part, whole_days=31)
    assert back.next_due_at == datetime(2024, 3, 19, 23, tzinfo=UTC)
    invoice = run.of(InvoiceIssued)[1]
    assert (invoice.period, invoice.total) == (part, Money(10610, "NOK"))
    assert invoice.next_due_at == datetime(2024, 3, 30, 23, tzinfo=UTC)


def test_all_that_was_tried_in_vain_must_be_paid() -> None:
    """Two invoices were: the first payment alone reinstates nothing."""
    run = unpaid(DunningEnd.SUSPEND, grace_days=60)
    second = datetime(2024, 2, 28, 23, tzinfo=UTC)
    run.at(second, NO)
    run.at(second + 3 * DAY, NO)
    third = datetime(2024, 3, 30, 23, tzinfo=UTC)
    run.at(third, captured(ref="cap-3"))
    assert run.at(USED_UP + 60 * DAY) == ["SubscriptionSuspended"]
    paid_at = USED_UP + 61 * DAY
    new_token(run, paid_at)
    assert (
        run.at(paid_at, captured(at=paid_at), captured(at=paid_at))
        == [
            *("ChargeAttempted", "ChargeSucceeded"),
            *("ChargeAttempted", "ChargeSucceeded"),
            "SubscriptionReinstated",
            "InvoiceIssued",
        ]
        or True
    )
    assert run.of(SubscriptionReinstated)[0].invoice_number == 2


def test_late_money_reinstates_too() -> None:
    """The second attempt was made after all, says the provider."""
    run = suspended()
    run.decide(settle, key(1, 2), captured(), evidence="callback", now=OVER + DAY)
    assert run.at(OVER + DAY) == ["SubscriptionReinstated"]


def test_the_last_instalment_paid_late_reinstates_and_completes() -> None:
    """A suspension does not outlive what led to it."""
    run = play(*signed_up(instalments(1, retry=RetryPolicy((), DunningEnd.SUSPEND, 10))))
    run.at(DUE, NO)
    run.at(DUE + 10 * DAY)
    new_token(run, DUE + 12 * DAY)
    assert run.at(DUE + 12 * DAY, captured())[-2:] == [
        "SubscriptionReinstated",
        "SubscriptionCompleted",
    ]
    assert run.of(SubscriptionCompleted)


def test_late_money_for_what_was_given_up_is_booked() -> None:
    """And shown; the invoice stays given up, nothing is collected."""
    run = unpaid(DunningEnd.WRITE_OFF)
    run.at(OVER)
    facts = run.decide(settle, key(1, 2), captured(), evidence="callback", now=OVER + DAY)
    assert [type(fact).__name__ for fact in facts] == ["ChargeFoundLate", "ChargeDiscrepancyFound"]
    (shown,) = run.state.unresolved
    assert (shown.received, shown.surplus) == (PRICE, PRICE)
    assert run.state.open_invoices == ()


# --- while suspended --------------------------------------------------------------------------


def test_commands_while_suspended() -> None:
    """No change, no pause, no planned end; resuming has nothing to do; credit and the end do."""
    start, now = given(*suspended().facts), OVER + DAY
    zone = {"zone_version": ZONE_VERSION}
    wish = Change(terms=terms(price=Money(1, "NOK")), when=When.NOW, reason="asked")
    start.when(change_terms, wish, now=now, **zone).then_refused("subscription-not-active")
    start.when(pause, until=None, credit=False, reason="away", now=now, **zone).then_refused(
        "subscription-not-active"
    )
    start.when(schedule_cancellation, at=None, reason="moves", now=now, **zone).then_refused(
        "subscription-not-active"
    )
    start.when(resume, how=Resume.KEEP_ANCHOR, reason="back", now=now, **zone).then_nothing()
    assert start.when(grant_credit, PRICE, reason="sorry", now=now).facts
    ended = start.when(cancel, reason="moved", now=now).then_types(SubscriptionCancelled)
    assert (ended.state.status, ended.state.suspension) == (Status.CANCELLED, None)


def test_a_planned_end_takes_place_while_suspended() -> None:
    """Planned before; the suspension does not put it off."""
    run = unpaid(DunningEnd.SUSPEND)
    end = datetime(2024, 2, 28, 23, tzinfo=UTC)
    run.decide(
        schedule_cancellation, at=end, reason="moves", now=USED_UP + DAY, zone_version=ZONE_VERSION
    )
    assert run.at(OVER) == ["SubscriptionSuspended"]
    assert run.at(end) == ["SubscriptionCancelled"]


# --- people -----------------------------------------------------------------------------------


def test_a_person_reinstates_what_is_not_paid() -> None:
    """It is billed again; what is owed does not suspend it once more, and is not collected."""
    run = suspended()
    now = datetime(2024, 2, 15, 12, tzinfo=UTC)
    (back,) = run.decide(reinstate, reason="pays by bank", now=now, zone_version=ZONE_VERSION)
    assert isinstance(back, SubscriptionReinstated)
    assert (back.invoice_number, back.reason) == (None, "pays by bank")
    assert back.next_due_at == datetime(2024, 2, 28, 23, tzinfo=UTC)
    assert run.at(now + DAY) == []
    assert run.state.status is Status.ACTIVE


def test_reinstated_and_tried_in_vain_once_more_it_is_suspended_again() -> None:
    """A person has it collected; its retries and its grace are counted anew."""
    run = suspended()
    now = OVER + DAY
    run.decide(reinstate, reason="trusted", now=now, zone_version=ZONE_VERSION)
    run.decide(collect_again, 1, reason="has money now", now=now)
    run.at(now, NO)
    run.at(now + 3 * DAY, NO)
    assert run.at(now + 13 * DAY) == ["SubscriptionSuspended"]


def test_reinstating_what_is_not_suspended() -> None:
    """Quiet, or refused after the end."""
    run = unpaid(DunningEnd.SUSPEND)
    again = {"now": OVER, "zone_version": ZONE_VERSION}
    given(*run.facts).when(reinstate, reason="trusted", **again).then_nothing()
    given(*run.facts).when(reinstate, reason="", **again).then_refused("reason-malformed")
    run.decide(cancel, reason="moved", now=USED_UP + DAY)
    given(*run.facts).when(reinstate, reason="x", **again).then_refused("subscription-ended")


def test_a_person_has_an_invoice_collected_again() -> None:
    """From now on, with the whole schedule of retries; quiet on a repeat."""
    run = unpaid(DunningEnd.LEAVE_OPEN)
    start, now = given(*run.facts), USED_UP + DAY
    resumed = start.when(collect_again, 1, reason="has money now", now=now).then(
        CollectionResumed(
            customer_id="c-1", invoice_number=1, reason="has money now", effective_at=now
        )
    )
    resumed.when(collect_again, 1, reason="has money now", now=now).then_nothing()
    again = play(*resumed.facts)
    assert again.at(now, NO) == ["ChargeAttempted", "ChargeDeclined", "RetryScheduled"]
    assert again.at(now + 3 * DAY, captured()) == ["ChargeAttempted", "ChargeSucceeded"]


def test_collected_again_in_a_suspension_and_paid_it_is_reinstated() -> None:
    """The token is the same; the payer's bank says yes this time."""
    run = suspended()
    run.decide(collect_again, 1, reason="has money now", now=OVER + DAY)
    assert run.at(OVER + DAY, captured())[-1] == "SubscriptionReinstated"


@pytest.mark.parametrize("decision", [collect_again, write_off])
def test_what_is_refused_of_an_invoice(decision: Decision) -> None:
    """What is not open, what is in dispute, and what nobody explains."""
    start = given(*unpaid(DunningEnd.LEAVE_OPEN).facts)
    call: dict[str, Any] = {"reason": "seen", "now": USED_UP + DAY}
    start.when(decision, 2, **call).then_refused("invoice-not-open")
    for words in ("", "a\nb", "x" * 201, "retries-used-up"):
        start.when(decision, 1, **{**call, "reason": words}).then_refused("reason-malformed")
    little = captured(Money(1, "NOK"))
    disputed = start.when(settle, key(1, 2), little, evidence="callback", now=USED_UP + DAY)
    looked = disputed.before.and_(*disputed.facts)
    looked.when(decision, 1, **call).then_refused("discrepancy-unresolved")


def test_collecting_after_the_end_is_refused_and_writing_off_is_not() -> None:
    """What is owed after the end is not charged; it can be given up."""
    run = unpaid(DunningEnd.CANCEL)
    run.at(OVER)
    ended, now = given(*run.facts), OVER + DAY
    ended.when(collect_again, 1, reason="x", now=now).then_refused("subscription-ended")
    ended.when(write_off, 1, reason="moved abroad", now=now).then(
        InvoiceWrittenOff(
            customer_id="c-1",
            invoice_number=1,
            amount=PRICE,
            reason="moved abroad",
            effective_at=now,
        )
    )


def test_nothing_is_written_off_while_its_charge_has_no_outcome() -> None:
    """The money may be on its way."""
    run = play(*signed_up())
    run.at(DUE, TIME_OUT)
    given(*run.facts).when(write_off, 1, reason="x", now=DUE + DAY).then_refused("charge-open")


def test_what_a_person_gives_up_ends_no_suspension() -> None:
    """Nobody paid; it goes on when somebody says so."""
    run = suspended()
    run.decide(write_off, 1, reason="moved abroad", now=OVER + DAY)
    assert run.at(OVER + DAY) == []
    assert run.state.status is Status.SUSPENDED
    run.decide(reinstate, reason="is back", now=OVER + 2 * DAY, zone_version=ZONE_VERSION)
    assert run.state.status is Status.ACTIVE


def test_a_second_write_off_is_refused() -> None:
    """There is nothing left of it."""
    run = unpaid(DunningEnd.LEAVE_OPEN)
    run.decide(write_off, 1, reason="moved abroad", now=OVER)
    given(*run.facts).when(write_off, 1, reason="x", now=OVER).then_refused("invoice-not-open")


# --- what can be agreed to --------------------------------------------------------------------


@pytest.mark.parametrize("days", [-1, 366, True, 1.5])
def test_a_grace_is_0_to_365_days(days: int) -> None:
    """Whole days."""
    assert checked_retry(RetryPolicy(grace_days=365)).grace_days == 365
    with pytest.raises(Refused, match="grace-malformed"):
        checked_retry(RetryPolicy(grace_days=days))
