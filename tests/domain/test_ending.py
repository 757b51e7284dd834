"""Cancel, and complete with the last payment."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.plan import Proration
from domain.processes.agenda import ItemKind, agenda_of
from domain.subscription.charging import ANSWER, settle
from domain.subscription.ending import cancel, schedule_cancellation, withdraw_cancellation
from domain.subscription.events import (
    ChargeDiscrepancyFound,
    SubscriptionCancelled,
    SubscriptionCompleted,
)
from domain.subscription.state import Status
from domain.subscription.vaulting import request_token
from tests.domain.billing import (
    BIG,
    FEB_10,
    at_price,
    billed_until,
    changed,
    credits,
    invoices,
    postpaid,
    running,
)
from tests.specimens import (
    DAY,
    DUE,
    MERCHANT,
    MINUTE,
    NEXT_DUE,
    OFFERED,
    PRICE,
    ZONE_VERSION,
    captured,
    declined,
    instalments,
    key,
    requested,
    signed_up,
    started,
)
from tests.vocabulary import Given, given, play

LATER = DUE + MINUTE


def test_cancelling_ends_billing() -> None:
    """One fact with the caller's reason; nothing falls due any more."""
    ended = (
        given(*signed_up())
        .when(cancel, reason="moved", now=LATER)
        .then(SubscriptionCancelled(reason="moved", effective_at=LATER))
    )
    assert ended.state.status is Status.CANCELLED
    assert agenda_of(ended.state) == ()


def test_a_subscription_that_has_no_token_yet_can_be_cancelled() -> None:
    """The open request goes with it."""
    ended = given(started(), requested()).when(cancel, reason="no", now=LATER)
    assert ended.then_types(SubscriptionCancelled).state.token_request is None


def test_cancelling_twice_is_quiet() -> None:
    """A repeat writes nothing, whatever its reason."""
    ended = given(*signed_up(), SubscriptionCancelled(reason="moved", effective_at=LATER))
    ended.when(cancel, reason="", now=LATER).then_nothing()


@pytest.mark.parametrize("reason", ["", "x" * 201, "a\nb", "\u202eabc", "a\x00"])
def test_F36_a_reason_is_printable_and_short(reason: str) -> None:
    """A reason is kept for good, so it is looked at first."""
    given(*signed_up()).when(cancel, reason=reason, now=LATER).then_refused("reason-malformed")


def test_what_ended_by_itself_is_not_cancelled() -> None:
    """Completed is completed."""
    completed = given(*signed_up(instalments(1)), SubscriptionCompleted(effective_at=LATER))
    completed.when(cancel, reason="moved", now=LATER).then_refused("subscription-completed")


def test_what_is_owed_stays_owed() -> None:
    """An open invoice stays on the agenda of a cancelled subscription, and says why it waits."""
    run = play(*signed_up())
    run.at(DUE)
    run.decide(settle, key(), declined(), evidence=ANSWER, now=LATER)
    run.decide(cancel, reason="moved", now=LATER)
    (item,) = agenda_of(run.state)
    assert (item.kind, item.due_at) == (ItemKind.COLLECT, None)
    assert "owed" in item.why
    assert run.at(NEXT_DUE) == []


def test_the_last_payment_completes() -> None:
    """The money of the last invoice, and the end, in one append."""
    run = play(*signed_up(instalments(2)))
    assert run.at(DUE, captured())[-1] == "ChargeSucceeded"
    assert run.at(NEXT_DUE, captured())[-2:] == ["ChargeSucceeded", "SubscriptionCompleted"]
    assert run.state.status is Status.COMPLETED
    assert agenda_of(run.state) == ()


def test_the_last_invoice_alone_completes_nothing() -> None:
    """While an earlier instalment is owed the subscription goes on."""
    run = play(*signed_up(instalments(2)))
    run.at(DUE, MERCHANT)
    assert run.at(NEXT_DUE, captured())[-1] == "ChargeSucceeded"
    assert run.state.status is Status.ACTIVE


def test_a_payment_that_differs_completes_only_when_nothing_is_left() -> None:
    """More than asked completes, beside the discrepancy; less does not."""
    for minor, last in ((100, SubscriptionCompleted), (-100, ChargeDiscrepancyFound)):
        run = play(*signed_up(instalments(1)))
        run.at(DUE, captured(PRICE + type(PRICE)(minor, "NOK")))
        assert type(run.facts[-1]) is last
        assert len(run.of(ChargeDiscrepancyFound)) == 1


def test_completing_takes_an_open_token_request_off_the_agenda() -> None:
    """The payer had asked for a new token: nobody needs it any more, and nobody asks on."""
    run = play(*signed_up(instalments(1)))
    run.decide(request_token, reason="payer asked", now=DUE - DAY)
    run.at(DUE - DAY, OFFERED)
    assert run.at(DUE, captured())[-1] == "SubscriptionCompleted"
    assert agenda_of(run.state) == ()
    assert run.at(NEXT_DUE) == []


# --- planned endings --------------------------------------------------------------------------


def planned(start: Given, at: datetime | None = None) -> Given:
    """A cancellation was scheduled on 10 February."""
    facts = schedule_cancellation(
        start.state, at=at, reason="moves", now=FEB_10, zone_version=ZONE_VERSION
    )
    return start.and_(*facts)


def test_prepaid_it_ends_with_the_period_that_is_paid_for() -> None:
    """Cancelled at the instant at which the next invoice would fall due; that one is not issued."""
    run = play(*planned(running()).facts)
    run.at(FEB_10, captured())
    (item,) = [each for each in agenda_of(run.state) if each.kind is ItemKind.CANCEL]
    assert item.due_at == NEXT_DUE
    late = NEXT_DUE + 3 * DAY
    assert run.at(late) == ["SubscriptionCancelled"]
    assert run.facts[-1] == SubscriptionCancelled(reason="moves", effective_at=NEXT_DUE)


def test_postpaid_the_running_period_is_billed_once_more() -> None:
    """Then nothing, and it is complete when that is paid."""
    run = play(*planned(running(postpaid())).facts)
    assert run.at(NEXT_DUE, captured())[-1] == "SubscriptionCompleted"
    assert len(invoices(tuple(run.facts))) == 1


def test_at_a_date_every_period_before_it_is_billed() -> None:
    """To 5 April: the periods that begin by then, billed and charged; none after it."""
    april_5 = datetime(2024, 4, 5, tzinfo=UTC)
    start = planned(running(), april_5)
    june = datetime(2024, 6, 1, tzinfo=UTC)
    run = play(*start.facts)
    run.at(june, captured(), captured(), captured())
    assert [each[0] for each in invoices(tuple(run.facts))] == [
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
    ]
    assert run.facts[-1] == SubscriptionCancelled(reason="moves", effective_at=april_5)


def test_a_planned_end_can_be_taken_back() -> None:
    """As if it had never been planned; postpaid also after its last invoice."""
    start = planned(running())
    back = start.and_(
        *withdraw_cancellation(start.state, reason="stays", now=FEB_10, zone_version=ZONE_VERSION)
    )
    assert (back.state.cancellation, back.state.next_due_at) == (None, NEXT_DUE)
    last = billed_until(planned(running(postpaid())), NEXT_DUE)
    assert last.state.next_due_at is None
    on = last.and_(
        *withdraw_cancellation(last.state, reason="stays", now=NEXT_DUE, zone_version=ZONE_VERSION)
    )
    assert on.state.next_due_at == datetime(2024, 3, 30, 23, tzinfo=UTC)


def test_cancelling_now_may_give_back_what_is_not_used() -> None:
    """19 of 29 days of 299.00: 195.90, where that rule is wished for."""
    for policy, granted in (
        (Proration.NONE, []),
        (Proration.BY_DAY, [19590]),
        (Proration.FULL, [29900]),
    ):
        start = running()
        facts = cancel(start.state, reason="moved", now=FEB_10, credit=policy)
        assert credits(facts) == granted
        assert isinstance(facts[-1], SubscriptionCancelled)


def test_plans_to_end_repeat_quietly_and_refuse_what_makes_no_sense() -> None:
    """The same plan twice, an instant in the past, a date where periods are billed afterwards."""
    start = running()
    wish = {"at": None, "reason": "moves", "now": FEB_10, "zone_version": ZONE_VERSION}
    planned(start).when(schedule_cancellation, **wish).then_nothing()
    start.when(schedule_cancellation, **wish | {"at": FEB_10}).then_refused(
        "cancellation-in-the-past"
    )
    arrears = running(postpaid())
    arrears.when(schedule_cancellation, **wish | {"at": NEXT_DUE}).then_refused(
        "cancellation-at-period-end"
    )
    given(started()).when(schedule_cancellation, **wish).then_refused("subscription-not-active")
    back = {"reason": "stays", "now": FEB_10, "zone_version": ZONE_VERSION}
    start.when(withdraw_cancellation, **back).then_nothing()
    ended = start.and_(*cancel(start.state, reason="moved", now=FEB_10))
    ended.when(withdraw_cancellation, **back).then_refused("subscription-ended")


# --- what waits for an invoice that does not come ---------------------------------------------


def test_what_waits_for_the_next_invoice_is_billed_before_the_end() -> None:
    """Upgraded on 10 February and ended with the period: 326.93 wait, 195.90 are credit."""
    run = play(*planned(changed(running(), at_price(BIG))).facts)
    run.at(FEB_10, captured())
    assert run.at(NEXT_DUE) == ["InvoiceIssued", "CreditApplied", "SubscriptionCancelled"]
    last = invoices(tuple(run.facts))[-1]
    assert last == ("2024-02-10", "2024-02-29", [32693], 13103)
    (item,) = agenda_of(run.state)
    assert "owed" in item.why


def test_cancelled_with_credit_after_an_upgrade_gives_back_what_is_not_used() -> None:
    """On the same day: 326.93 wait and are not used, 195.90 of January's 299.00 were not either."""
    start = changed(running(), at_price(BIG))
    facts = cancel(start.state, reason="moved", now=FEB_10, credit=Proration.BY_DAY)
    assert credits(facts) == [32693]
    after = start.and_(*facts)
    assert invoices(after.facts)[-1][2:] == ([32693], 0)
    assert sum(each.left.minor for each in after.state.credits) == 19590
