"""Instalments settled early: all that is left on one invoice, and nothing after it.

The plan costs 299.00 a month, prepaid, from 31 January 2024 in Oslo; it is 10 February.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.calendar import Interval, Period, Unit
from domain.plan import (
    DunningEnd,
    OneTime,
    OneTimeKind,
    Proration,
    RetryPolicy,
    Terms,
    Timing,
    split_total,
)
from domain.processes.agenda import agenda_of
from domain.settlement_previews import preview_settlement
from domain.subscription.aligning import change_anchor
from domain.subscription.crediting import grant_credit
from domain.subscription.demanding import demand
from domain.subscription.ending import cancel, schedule_cancellation, withdraw_cancellation
from domain.subscription.events import (
    SETTLEMENT,
    ChargeAttempted,
    CollectionEnded,
    CreditApplied,
    InstalmentsSettled,
    InvoiceIssued,
    LineKind,
    SubscriptionCancelled,
    SubscriptionCompleted,
    SubscriptionEvent,
    SubscriptionReinstated,
    SubscriptionSuspended,
)
from domain.subscription.pausing import Resume, pause, resume
from domain.subscription.settling import settle_early
from domain.subscription.state import Status
from domain.taxes import TaxRate
from tests.domain.asking import asked, beside, demanded, nok, signed, unscheduled
from tests.domain.billing import FEB_10, billed_until, running
from tests.specimens import (
    DAY,
    DUE,
    HARD,
    MINUTE,
    NEXT_DUE,
    PRICE,
    ZONE_VERSION,
    captured,
    declined,
    instalments,
    signed_up,
    started,
)
from tests.vocabulary import Given, Play, given, play

FIRST = 1_000_001
NOW: dict[str, Any] = {"reason": "sold the car", "now": FEB_10, "zone_version": ZONE_VERSION}
MVA = TaxRate(code="NO-25", ppm=250_000, included=False)
FORTNIGHT = Interval(Unit.WEEK, 2)


def settled(start: Given, **changes: Any) -> Given:
    """It was settled."""
    return start.and_(*settle_early(start.state, **{**NOW, **changes}))


def invoice_of(start: Given) -> InvoiceIssued:
    """The invoice of the settlement."""
    (found,) = (
        fact
        for fact in start.facts
        if isinstance(fact, InvoiceIssued) and fact.demand == SETTLEMENT
    )
    return found


def fact_of(start: Given) -> InstalmentsSettled:
    """The fact that says that it was settled."""
    (found,) = (fact for fact in start.facts if isinstance(fact, InstalmentsSettled))
    return found


def test_what_is_left_is_billed_at_once() -> None:
    """The first of three is billed; the other two are, now: 2 x 299.00, and the plan is over."""
    done = running(instalments(3)).when(settle_early, **NOW)
    over = done.then_types(InstalmentsSettled, InvoiceIssued)
    fact, invoice = over.facts[-2:]
    assert fact == InstalmentsSettled(
        invoice_number=FIRST,
        first=2,
        last=3,
        amount=nok(59800),
        reason="sold the car",
        effective_at=FEB_10,
    )
    assert isinstance(invoice, InvoiceIssued)
    assert (invoice.invoice_number, invoice.demand, invoice.total) == (
        FIRST,
        SETTLEMENT,
        nok(59800),
    )
    assert invoice.period == Period(NEXT_DUE.date() + DAY, (DUE + timedelta(days=91)).date())
    assert str(invoice.period.end) == "2024-04-30"
    assert (str(invoice.due_on), invoice.effective_at) == ("2024-02-10", FEB_10)
    assert (invoice.next_due_at, invoice.zone_version) == (None, "")
    assert [(line.kind, line.description, line.amount) for line in invoice.lines] == [
        (
            LineKind.PERIOD,
            "instalment 2 of 3: Gold membership, 2024-02-29 to 2024-03-31 (end exclusive)",
            PRICE,
        ),
        (
            LineKind.PERIOD,
            "instalment 3 of 3: Gold membership, 2024-03-31 to 2024-04-30 (end exclusive)",
            PRICE,
        ),
    ]
    assert over.state.next_due_at is None
    assert over.state.invoices_issued == 1


# What is agreed to; instalments settled on 10 February; lines of the settlement; tax in them.
TABLE: list[tuple[Terms, tuple[int, int], list[int], int | None]] = [
    # 100.00 in three, of which the first is billed: 33.34, then 33.33 twice.
    (
        instalments(3, price=nok(3334), instalments=split_total(nok(10000), 3)),
        (2, 3),
        [3333, 3333],
        None,
    ),
    (
        instalments(3, price=nok(5000), instalments=(nok(1000), nok(5000), nok(1))),
        (2, 3),
        [5000, 1],
        None,
    ),
    # 25 % on top of each, rounded at each line: 33.33 -> 8.33.
    (
        instalments(3, price=nok(3334), instalments=split_total(nok(10000), 3), tax=MVA),
        (2, 3),
        [4166, 4166],
        1666,
    ),
    # Billed afterwards: none is billed yet on 10 February, and what comes once is still to come.
    (instalments(2, timing=Timing.POSTPAID), (1, 2), [29900, 29900], None),
    (
        instalments(
            2,
            timing=Timing.POSTPAID,
            setup_fee=nok(5000),
            one_time=(OneTime(kind=OneTimeKind.SHIPPING, description="Parcel", amount=nok(900)),),
        ),
        (1, 2),
        [29900, 5000, 900, 29900],
        None,
    ),
    # Within a free fortnight, which was billed (prepaid) or not (postpaid): it stays free.
    (instalments(2, trial=FORTNIGHT), (1, 2), [29900, 29900], None),
    (instalments(2, trial=FORTNIGHT, timing=Timing.POSTPAID), (1, 2), [0, 29900, 29900], None),
    # Three of a thing at 299.00, twice.
    (instalments(2, quantity=3), (2, 2), [89700], None),
    (instalments(2), (2, 2), [29900], None),
]


@pytest.mark.parametrize(("agreed", "which", "lines", "tax"), TABLE)
def test_each_payment_is_billed_as_the_schedule_would_have(
    agreed: Terms, which: tuple[int, int], lines: list[int], tax: int | None
) -> None:
    """The same lines, to the minor unit; with what was billed they make the whole."""
    start = running(agreed)
    over = settled(start)
    fact, invoice = fact_of(over), invoice_of(over)
    assert (fact.first, fact.last) == which
    assert [line.amount.minor for line in invoice.lines] == lines
    assert invoice.total == fact.amount == nok(sum(lines))
    assert invoice.tax == (None if tax is None else nok(tax))
    whole = [
        each.total.minor
        for each in billed_until(start, FEB_10 + timedelta(days=400)).facts
        if isinstance(each, InvoiceIssued)
    ]
    parts = [each.total.minor for each in over.facts if isinstance(each, InvoiceIssued)]
    assert sum(parts) == sum(whole)


def test_what_is_due_is_billed_by_the_schedule_first() -> None:
    """On 29 February the second falls due: it is an invoice of its own."""
    start = running(instalments(3))
    for now, own in ((NEXT_DUE - MINUTE, 0), (NEXT_DUE, 1)):
        facts = settle_early(start.state, **{**NOW, "now": now})
        issued = [fact.invoice_number for fact in facts if isinstance(fact, InvoiceIssued)]
        assert issued == [2, FIRST][1 - own :]


def test_before_the_first_day_all_is_left() -> None:
    """Signed up on 20 January, to begin on the 31st: settled before anything is billed."""
    over = settled(signed(instalments(2)), now=DUE - DAY)
    assert (fact_of(over).first, fact_of(over).last) == (1, 2)
    assert over.state.last_invoice == 0


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (running(), "not-instalments"),
        (signed(unscheduled()), "not-instalments"),
        (given(started(instalments(3))), "subscription-not-active"),
        (running(instalments(1)), "nothing-to-settle"),
        (settled(running(instalments(3))), "already-settled"),
    ],
)
def test_what_cannot_be_settled(start: Given, code: str) -> None:
    """No instalments, no token yet, nothing left, settled already."""
    start.when(settle_early, **NOW).then_refused(code)


def test_what_is_the_last_by_now_is_not_settled() -> None:
    """The second of two falls due: nothing is left for a settlement, and a worker bills it."""
    start = running(instalments(2))
    start.when(settle_early, **{**NOW, "now": NEXT_DUE}).then_refused("nothing-to-settle")


def test_what_stands_still_or_ends_is_not_settled() -> None:
    """Paused, going to end, ended, without a reason."""
    start = running(instalments(3))
    away = pause(start.state, until=None, credit=False, **NOW)
    start.and_(*away).when(settle_early, **NOW).then_refused("subscription-not-active")
    going = schedule_cancellation(start.state, at=FEB_10 + DAY, **NOW)
    start.and_(*going).when(settle_early, **NOW).then_refused("cancellation-scheduled")
    over = start.and_(SubscriptionCancelled(reason="moved", effective_at=FEB_10))
    over.when(settle_early, **NOW).then_refused("subscription-ended")
    start.when(settle_early, **{**NOW, "reason": ""}).then_refused("reason-malformed")


def test_without_a_token_that_can_be_charged_it_is_refused() -> None:
    """Declined for good, and nobody has another."""
    run = play(*signed_up(instalments(3)))
    run.at(DUE, HARD)
    given(*run.facts).when(settle_early, **NOW).then_refused("token-unusable")


def worked(agreed: Terms, *answers: Any) -> Play:
    """The first instalment is paid, and the rest is settled; a worker meets the answers."""
    run = play(*signed_up(agreed))
    run.at(DUE, captured())
    run.decide(settle_early, **NOW)
    if answers:
        run.at(FEB_10, *answers)
    return run


def test_it_is_charged_once_and_completes_when_it_is_paid() -> None:
    """598.00 at once; then nothing is due ever again."""
    run = worked(instalments(3))
    assert [(each.kind.value, each.key) for each in agenda_of(run.state)] == [
        ("collect", str(FIRST))
    ]
    assert run.at(FEB_10, captured(nok(59800))) == [
        "ChargeAttempted",
        "ChargeSucceeded",
        "SubscriptionCompleted",
    ]
    attempt = run.of(ChargeAttempted)[-1]
    assert (attempt.invoice_number, attempt.amount) == (FIRST, nok(59800))
    assert run.state.status is Status.COMPLETED
    assert agenda_of(run.state) == ()
    assert run.at(NEXT_DUE + 400 * DAY) == []
    given(*run.facts).when(settle_early, **NOW).then_refused("subscription-ended")


def test_while_an_earlier_instalment_is_owed_it_is_not_complete() -> None:
    """The first was declined and waits for its retry; paid, everything is."""
    run = play(*signed_up(instalments(3)))
    run.at(DUE, declined())
    now = DUE + DAY
    run.decide(settle_early, **{**NOW, "now": now})
    run.at(now, captured(nok(59800)))
    assert run.of(SubscriptionCompleted) == []
    later = DUE + 3 * DAY
    run.at(later, captured())
    assert run.state.status is Status.COMPLETED


def test_credit_pays_it_first() -> None:
    """100.00 of 598.00; where credit pays all of it, it is complete at once."""
    start = running(instalments(3))
    some = start.and_(*grant_credit(start.state, nok(10000), reason="sorry", now=FEB_10))
    assert settled(some).facts[-1] == CreditApplied(
        customer_id="c-1",
        credit_number=1,
        invoice_number=FIRST,
        amount=nok(10000),
        effective_at=FEB_10,
    )
    paid = play(*signed_up(instalments(3)))
    paid.at(DUE, captured())
    paid.decide(grant_credit, nok(60000), reason="sorry", now=FEB_10)
    facts = paid.decide(settle_early, **NOW)
    assert isinstance(facts[-1], SubscriptionCompleted)


def _ends(end: DunningEnd) -> Terms:
    return instalments(3, retry=RetryPolicy((), end, 10))


@pytest.mark.parametrize(
    ("end", "then"),
    [
        (DunningEnd.LEAVE_OPEN, []),
        (DunningEnd.SUSPEND, [SubscriptionSuspended]),
        (DunningEnd.CANCEL, [SubscriptionCancelled]),
    ],
)
def test_what_is_not_paid_follows_the_rules_of_dunning(
    end: DunningEnd, then: list[type[SubscriptionEvent]]
) -> None:
    """Declined, no retries: what the plan says happens after the grace, and nothing is billed."""
    run = worked(_ends(end), declined())
    assert len(run.of(CollectionEnded)) == 1
    before = len(run.facts)
    run.at(FEB_10 + 10 * DAY)
    run.at(FEB_10 + 400 * DAY)
    assert [type(fact) for fact in run.facts[before:]] == then
    assert len(run.of(InvoiceIssued)) == 2


def test_paid_late_it_is_reinstated_and_complete() -> None:
    """Suspended for it, collected again and paid: nothing else is announced."""
    from domain.subscription.dunning import collect_again

    run = worked(_ends(DunningEnd.SUSPEND), declined())
    run.at(FEB_10 + 10 * DAY)
    run.decide(collect_again, FIRST, reason="called", now=FEB_10 + 11 * DAY)
    later = FEB_10 + 40 * DAY
    run.at(later, captured(nok(59800)))
    (back,) = run.of(SubscriptionReinstated)
    assert back.next_due_at is None
    assert run.state.status is Status.COMPLETED


def test_a_pause_after_it_brings_no_instalment_back() -> None:
    """Paused and resumed, within the period and long after it: nothing is announced."""
    for days in (1, 300):
        start = settled(running(instalments(3)))
        away = start.and_(*pause(start.state, until=None, credit=False, **NOW))
        then = {**NOW, "now": FEB_10 + days * DAY}
        back = away.and_(*resume(away.state, how=Resume.KEEP_ANCHOR, **then))
        assert back.state.next_due_at is None
        assert billed_until(back, FEB_10 + 500 * DAY) == back


def test_nothing_else_moves_what_was_settled() -> None:
    """Its end cannot be planned any more, nor its days moved; cancelled, it stays owed."""
    over = settled(running(instalments(3)))
    over.when(schedule_cancellation, at=None, **NOW).then_nothing()
    over.when(withdraw_cancellation, **NOW).then_nothing()
    over.when(change_anchor, FEB_10.date(), **NOW).then_refused("subscription-not-active")
    gone = over.and_(*cancel(over.state, reason="x", now=FEB_10, credit=Proration.BY_DAY))
    assert isinstance(gone.facts[-1], SubscriptionCancelled)
    assert len(gone.facts) == len(over.facts) + 1
    assert gone.state.invoice(FIRST) is not None


def test_a_preview_is_the_bill() -> None:
    """The same facts, and what is left to charge after credit."""
    start = running(instalments(3))
    start = start.and_(*grant_credit(start.state, nok(10000), reason="sorry", now=FEB_10))
    seen = preview_settlement(start.state, **NOW)
    assert seen.facts == settle_early(start.state, **NOW)
    assert (seen.settled, seen.invoice) == (fact_of(settled(start)), invoice_of(settled(start)))
    assert (seen.applied, seen.to_pay) == (nok(10000), nok(49800))


def test_a_demand_may_be_called_as_settlements_are() -> None:
    """A caller's own id changes nothing."""
    start = demanded(signed(unscheduled()), demand_id=SETTLEMENT)
    assert beside(start) == [(FIRST, SETTLEMENT, 1000)]
    start.when(demand, asked(demand_id=SETTLEMENT), now=FEB_10).then_nothing()
    assert start.state.settled is None
