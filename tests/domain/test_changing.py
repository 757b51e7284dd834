"""Change the plan, the price, the quantity or the rhythm: hand-checked."""

from __future__ import annotations

from datetime import UTC, date, datetime

import attrs
import pytest

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import Kind, Proration, Timing
from domain.subscription.changing import Change, change_terms
from domain.subscription.ending import cancel, schedule_cancellation
from domain.subscription.events import InvoiceIssued, TermsChanged, When
from domain.subscription.pausing import Resume, pause, resume
from tests.domain.billing import (
    BIG,
    FEB_10,
    SMALL,
    at_price,
    billed_until,
    changed,
    credits,
    invoices,
    postpaid,
    running,
)
from tests.specimens import ZONE_VERSION, instalments, signed_up, started, terms
from tests.vocabulary import given

APRIL = datetime(2024, 4, 29, 12, tzinfo=UTC)


def wish(agreed: object, **changes: object) -> Change:
    """A wish to change to these terms now."""
    standard = Change(terms=agreed, when=When.NOW, reason="asked")  # type: ignore[arg-type]
    return attrs.evolve(standard, **changes)


@pytest.mark.parametrize(
    ("price", "proration", "credit", "lines", "left"),
    [
        # 299.00 x 19/29 = 195.8965...; 499.00 x 19/29 = 326.9310...
        (BIG, Proration.BY_DAY, [19590], [49900, 32693], 63003),
        (SMALL, Proration.BY_DAY, [19590], [9900, 6486], 0),
        # From 13:00 in Oslo, 18 days and 11 hours of 29 days are left.
        (BIG, Proration.BY_SECOND, [19031], [49900, 31761], 62630),
        (BIG, Proration.NONE, [], [49900], 49900),
        (BIG, Proration.FULL, [29900], [49900, 49900], 69900),
    ],
)
def test_a_change_now_settles_the_rest_of_a_period_that_is_billed(
    price: Money, proration: Proration, credit: list[int], lines: list[int], left: int
) -> None:
    """The old rest becomes credit, the new rest goes on the next invoice."""
    after = changed(running(), at_price(price), proration=proration)
    assert credits(after.facts) == credit
    second = invoices(billed_until(after, APRIL).facts)[1]
    assert second == ("2024-02-29", "2024-03-31", lines, left)


def test_credit_that_an_invoice_does_not_need_pays_the_one_after() -> None:
    """195.90 of credit, 163.86 to pay for: 32.04 are left for the third invoice."""
    after = changed(running(), at_price(SMALL))
    assert [left for *_, left in invoices(billed_until(after, APRIL).facts)] == [29900, 0, 6696]


def test_the_rule_of_the_terms_holds_where_nobody_names_another() -> None:
    """Each line repeats it."""
    after = changed(running(terms(proration=Proration.FULL)), at_price(BIG))
    assert credits(after.facts) == [29900]
    (line,) = after.facts[-1].lines  # type: ignore[union-attr]
    assert line.working.policy == "FULL"


def test_a_change_of_a_period_that_is_not_billed_yet_is_settled_on_its_invoice() -> None:
    """Postpaid: 299.00 - 195.90 + 326.93 for the running period, 499.00 from the next on."""
    after = changed(running(postpaid()), at_price(BIG, timing=Timing.POSTPAID))
    assert credits(after.facts) == []
    march = datetime(2024, 4, 1, tzinfo=UTC)
    assert invoices(billed_until(after, march).facts) == [
        ("2024-01-31", "2024-02-29", [29900, -19590, 32693], 43003),
        ("2024-02-29", "2024-03-31", [49900], 49900),
    ]


def test_a_second_change_gives_back_what_the_first_one_charged() -> None:
    """299 until the 10th, 499 for four days, 99 for the last 15: each priced for its days."""
    feb_14 = datetime(2024, 2, 14, 12, tzinfo=UTC)
    first = changed(running(), at_price(BIG))
    second = changed(first, at_price(SMALL), now=feb_14)
    # 499.00 x 15/29 = 258.1034..., 99.00 x 15/29 = 51.2068...
    assert credits(second.facts) == [19590, 25810]
    assert invoices(billed_until(second, APRIL).facts)[1][2] == [9900, 32693, 5121]
    unbilled = changed(running(postpaid()), at_price(BIG, timing=Timing.POSTPAID))
    again = changed(unbilled, at_price(SMALL, timing=Timing.POSTPAID), now=feb_14)
    lines = invoices(billed_until(again, APRIL).facts)[0][2]
    assert lines == [29900, -19590, 32693, -25810, 5121]


@pytest.mark.parametrize("agreed", [terms(), postpaid()])
def test_a_change_at_the_period_end_leaves_the_running_period_alone(agreed: object) -> None:
    """Nothing is credited or charged for it; the next one has the new price."""
    start = running(agreed)  # type: ignore[arg-type]
    new = attrs.evolve(start.state.terms, price=BIG)
    after = changed(start, new, when=When.PERIOD_END)
    assert credits(after.facts) == []
    billed = invoices(billed_until(after, APRIL).facts)
    assert [lines for _, _, lines, _ in billed[:2]] == [[29900], [49900]]


def test_another_quantity_is_a_change_of_terms() -> None:
    """Three instead of one: 3 x 299.00 x 19/29 = 587.6896..."""
    after = changed(running(), terms(quantity=3))
    assert credits(after.facts) == [19590]
    assert invoices(billed_until(after, APRIL).facts)[1][2] == [89700, 58769]


def test_another_interval_from_now_on_begins_a_period_of_its_own() -> None:
    """Monthly to yearly on 10 February: a whole year from that day, the old rest given back."""
    yearly = attrs.evolve(at_price(Money(299000, "NOK")), interval=Interval(Unit.YEAR))
    after = changed(running(), yearly)
    assert after.state.next_due_at == datetime(2024, 2, 9, 23, tzinfo=UTC)
    billed = billed_until(after, FEB_10)
    assert invoices(billed.facts)[1] == ("2024-02-10", "2025-02-10", [299000], 279410)
    assert billed.state.next_due_at == datetime(2025, 2, 9, 23, tzinfo=UTC)


def test_another_interval_at_the_period_end_counts_from_there() -> None:
    """Yearly from 29 February: the next year's period ends on the 28th, in 2028 on the 29th."""
    yearly = attrs.evolve(at_price(Money(299000, "NOK")), interval=Interval(Unit.YEAR))
    after = changed(running(), yearly, when=When.PERIOD_END)
    state = after.state
    assert state.schedule.period(2).start == date(2024, 2, 29)
    assert state.schedule.period(2).end == date(2025, 2, 28)
    assert state.schedule.period(5).end == date(2028, 2, 29)


def test_the_same_rhythm_keeps_its_anchor() -> None:
    """The 31st clamps to February's end and returns, whatever the price."""
    after = billed_until(changed(running(), at_price(BIG)), APRIL)
    assert [first for first, *_ in invoices(after.facts)] == [
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
    ]


def test_a_price_never_changes_the_past() -> None:
    """What was due before the change is billed first, at the price of its day."""
    late = running()
    on_march_5 = datetime(2024, 3, 5, 12, tzinfo=UTC)
    after = changed(late, at_price(BIG), when=When.PERIOD_END, now=on_march_5)
    kinds = [type(fact) for fact in after.facts[len(late.facts) :]]
    assert kinds == [InvoiceIssued, TermsChanged]
    assert invoices(after.facts)[1][2] == [29900]


def test_a_trial_stays_free_whatever_is_changed_in_it() -> None:
    """No credit for days that cost nothing, no charge for them either."""
    trial = Interval(Unit.MONTH)
    start = running(terms(trial=trial))
    after = changed(start, at_price(BIG))
    assert credits(after.facts) == []
    assert after.state.terms.trial == trial
    assert invoices(billed_until(after, APRIL).facts)[1][2] == [49900]


def test_the_same_terms_again_are_quiet() -> None:
    """In force or agreed to: a repeat writes nothing."""
    running().when(
        change_terms, wish(terms()), now=FEB_10, zone_version=ZONE_VERSION
    ).then_nothing()
    for agreed in (running(), running(postpaid())):
        new = attrs.evolve(agreed.state.terms, price=BIG)
        after = changed(agreed, new, when=When.PERIOD_END)
        after.when(change_terms, wish(new), now=FEB_10, zone_version=ZONE_VERSION).then_nothing()


def test_what_cannot_be_changed_is_refused() -> None:
    """Currency, kind and timing stay; instalments stay as they were agreed."""
    prepaid, arrears = running(), running(postpaid())
    for start, new, code in (
        (prepaid, terms(price=Money(100, "SEK")), "currency-fixed"),
        (prepaid, instalments(3), "kind-fixed"),
        (prepaid, postpaid(), "timing-fixed"),
        (running(instalments(3)), instalments(4), "instalments-fixed"),
        (arrears, postpaid(interval=Interval(Unit.YEAR)), "change-at-period-end"),
        (prepaid, terms(price=Money(0, "NOK")), "price-not-positive"),
        (prepaid, terms(quantity=0), "quantity-malformed"),
    ):
        assert start.state.terms.kind in (Kind.SUBSCRIPTION, Kind.INSTALLMENT)
        start.when(change_terms, wish(new), now=FEB_10, zone_version=ZONE_VERSION).then_refused(
            code
        )
    prepaid.when(
        change_terms, wish(at_price(BIG), reason=""), now=FEB_10, zone_version=ZONE_VERSION
    ).then_refused("reason-malformed")


def test_what_has_not_begun_or_has_ended_is_not_changed() -> None:
    """Only what is billed; and not what is going to end."""
    ended = running()
    ended = ended.and_(*cancel(ended.state, reason="moved", now=FEB_10))
    ending = running()
    ending = ending.and_(
        *schedule_cancellation(
            ending.state, at=None, reason="moves", now=FEB_10, zone_version=ZONE_VERSION
        )
    )
    for start, code in (
        (given(started()), "subscription-not-active"),
        (ended, "subscription-not-active"),
        (ending, "cancellation-scheduled"),
    ):
        start.when(
            change_terms, wish(at_price(BIG)), now=FEB_10, zone_version=ZONE_VERSION
        ).then_refused(code)


def test_before_the_first_period_the_new_terms_simply_hold() -> None:
    """Signed up on the 20th, begins on the 31st, changed on the 25th: nothing to settle."""
    early = datetime(2024, 1, 25, 12, tzinfo=UTC)
    after = changed(given(*signed_up()), at_price(BIG), now=early)
    assert credits(after.facts) == []
    assert invoices(billed_until(after, FEB_10).facts) == [
        ("2024-01-31", "2024-02-29", [49900], 49900)
    ]


def test_a_change_within_a_part_of_a_period_is_measured_by_the_whole() -> None:
    """After a pause 15 to 31 March is billed as 16 of 31 days; on the 21st 10 of 31 are left."""
    march_15, march_21 = (datetime(2024, 3, day, 12, tzinfo=UTC) for day in (15, 21))
    for agreed, new in ((terms(), at_price(BIG)), (postpaid(), postpaid(price=BIG))):
        start = running(agreed)
        stopped = {"until": None, "credit": False, "reason": "away", "now": FEB_10}
        start = start.and_(*pause(start.state, **stopped, zone_version=ZONE_VERSION))
        back = {"how": Resume.KEEP_ANCHOR, "reason": "back", "now": march_15}
        start = start.and_(*resume(start.state, **back, zone_version=ZONE_VERSION))
        after = changed(billed_until(start, march_21), new, now=march_21)
        billed = invoices(billed_until(after, datetime(2024, 3, 31, 12, tzinfo=UTC)).facts)
        if agreed.timing is Timing.PREPAID:
            assert credits(after.facts) == [9645]
            assert [lines for _, _, lines, _ in billed[1:3]] == [[15432], [49900, 16097]]
        else:
            assert billed[1] == ("2024-03-15", "2024-03-31", [15432, -9645, 16097], 21884)


def test_the_whole_price_is_given_back_only_where_there_is_one() -> None:
    """Agreed to give back in full, but changed by day on 10 February: a pause then measures by
    day, and no invoice comes to less than nothing."""
    full = postpaid(proration=Proration.FULL)
    after = changed(running(full), attrs.evolve(full, price=BIG), proration=Proration.BY_DAY)
    away = {"until": None, "credit": True, "reason": "away", "now": FEB_10}
    paused = after.and_(*pause(after.state, **away, zone_version=ZONE_VERSION))
    assert invoices(billed_until(paused, APRIL).facts)[0][2] == [29900, -19590, 32693, -32693]
