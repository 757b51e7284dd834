"""The recurring kinds: PayPal's names, and what each may vary."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import Kind, OneTime, OneTimeKind, Terms, Timing
from domain.plan_rules import check_terms
from domain.previews import preview_schedule
from domain.prices import Tier
from domain.refusals import Refused
from domain.subscription.changing import Change, change_terms
from domain.subscription.discounting import Reduction, grant_discount
from domain.subscription.ending import cancel_as_scheduled, schedule_cancellation
from domain.subscription.events import When
from domain.subscription.pausing import pause
from domain.subscription.starting import start
from domain.subscription.state import Status
from tests.domain.asking import DATA, RELOAD, RELOADED, by_threshold, nok, signed, unscheduled
from tests.domain.billing import FEB_10
from tests.specimens import DAY, SIGNED_UP, START, ZONE, ZONE_VERSION, instalments, terms, wish

IMMEDIATE = terms(kind=Kind.IMMEDIATE, variable=True)
DEFERRED = terms(kind=Kind.DEFERRED, timing=Timing.POSTPAID, variable=True)
POSTPAID = {"timing": Timing.POSTPAID}

AGREED: list[tuple[Terms, str]] = [
    (terms(), "SUBSCRIPTION_PREPAID"),
    (terms(**POSTPAID), "SUBSCRIPTION_POSTPAID"),
    (terms(kind=Kind.RECURRING, variable=True), "RECURRING_PREPAID"),
    (terms(kind=Kind.RECURRING, **POSTPAID), "RECURRING_POSTPAID"),
    (instalments(3), "INSTALLMENT_PREPAID"),
    (instalments(3, **POSTPAID), "INSTALLMENT_POSTPAID"),
    (by_threshold(), "THRESHOLD_PREPAID"),
    (by_threshold(Timing.POSTPAID), "THRESHOLD_POSTPAID"),
    (unscheduled(), "UNSCHEDULED_PREPAID"),
    (unscheduled(**POSTPAID), "UNSCHEDULED_POSTPAID"),
    (IMMEDIATE, "IMMEDIATE"),
    (DEFERRED, "DEFERRED"),
]


@pytest.mark.parametrize(("agreed", "pattern"), AGREED, ids=[pattern for _, pattern in AGREED])
def test_each_of_the_twelve_patterns_can_be_agreed_to(agreed: Terms, pattern: str) -> None:
    """Under PayPal's own name."""
    check_terms(agreed)
    assert agreed.usage_pattern == pattern


def test_there_are_twelve() -> None:
    """No kind is without a row."""
    assert len({pattern for _, pattern in AGREED}) == 12
    assert {agreed.kind for agreed, _ in AGREED} == set(Kind)


TRIAL = Interval(Unit.DAY, 14)
SHIPPING = OneTime(kind=OneTimeKind.SHIPPING, description="Parcel", amount=nok(100))
STEPS = (Tier(up_to=10, unit_price=nok(40)), Tier(up_to=None, unit_price=nok(25)))
FLAT_FEE = (Tier(up_to=None, unit_price=nok(40), flat=nok(100)),)
IN_TIERS = (Tier(up_to=None, unit_price=nok(29900)),)


def reload(**changes: Any) -> Terms:
    """Auto-reload with something else."""
    return attrs.evolve(RELOADED, reload=attrs.evolve(RELOAD, **changes))


def data(**changes: Any) -> Terms:
    """A threshold with another meter."""
    return by_threshold(meters=(attrs.evolve(DATA, **changes),))


REFUSED: list[tuple[Terms, str]] = [
    (attrs.evolve(IMMEDIATE, timing=Timing.POSTPAID), "timing-fixed"),
    (attrs.evolve(DEFERRED, timing=Timing.PREPAID), "timing-fixed"),
    (terms(variable=True), "amount-fixed"),
    (by_threshold(variable=True), "amount-fixed"),
    (terms(meters=(DATA,)), "amount-fixed"),
    (unscheduled(meters=(DATA,)), "amount-fixed"),
    (attrs.evolve(IMMEDIATE, meters=(DATA,)), "amount-fixed"),
    (unscheduled(trial=TRIAL), "kind-schedule"),
    (unscheduled(setup_fee=nok(100)), "kind-schedule"),
    (unscheduled(one_time=(SHIPPING,)), "kind-schedule"),
    (unscheduled(quantity=2), "kind-schedule"),
    (unscheduled(tiers=IN_TIERS), "kind-schedule"),
    (attrs.evolve(DEFERRED, trial=TRIAL), "kind-schedule"),
    (unscheduled(cycles=3), "cycles-not-allowed"),
    (by_threshold(cycles=3), "cycles-not-allowed"),
    (unscheduled(most_demands_a_day=0), "demands-malformed"),
    (unscheduled(most_demands_a_day=101), "demands-malformed"),
    (unscheduled(most_demands_a_day=True), "demands-malformed"),
    (unscheduled(price=nok(0), variable=False), "price-not-positive"),
    (unscheduled(timing=Timing.POSTPAID, reload=RELOAD), "reload-not-allowed"),
    (terms(reload=RELOAD), "reload-not-allowed"),
    (attrs.evolve(IMMEDIATE, reload=RELOAD), "reload-not-allowed"),
    (reload(threshold=nok(0)), "reload-malformed"),
    (reload(amount=nok(0)), "reload-malformed"),
    (reload(amount=Money(100, "SEK")), "currency-mixed"),
    (reload(most_a_day=0), "reload-malformed"),
    (reload(most_a_day=6), "reload-malformed"),
    (reload(most_a_day=True), "reload-malformed"),
    (reload(most_a_month=1001), "reload-malformed"),
    (by_threshold(threshold=None), "threshold-missing"),
    (by_threshold(threshold=nok(0)), "threshold-malformed"),
    (by_threshold(meters=()), "meters-missing"),
    (terms(threshold=nok(100)), "threshold-not-allowed"),
    (unscheduled(threshold=nok(100)), "threshold-not-allowed"),
    (data(tiers=STEPS), "threshold-malformed"),
    (data(tiers=FLAT_FEE), "threshold-malformed"),
    (data(minimum=nok(100)), "threshold-malformed"),
    (data(cap=nok(100)), "threshold-malformed"),
]


@pytest.mark.parametrize(("agreed", "code"), REFUSED)
def test_what_a_kind_may_not_vary_is_refused_by_code(agreed: Terms, code: str) -> None:
    """Before anything is written."""
    with pytest.raises(Refused) as refusal:
        check_terms(agreed)
    assert refusal.value.code == code


@pytest.mark.parametrize("agreed", [unscheduled(), IMMEDIATE, DEFERRED, RELOADED])
def test_without_a_schedule_nothing_is_announced_and_nothing_falls_due(agreed: Terms) -> None:
    """The interval stays in the terms and bills nothing."""
    (fact,) = start(None, wish(terms=agreed), now=SIGNED_UP, zone_version=ZONE_VERSION)
    assert fact.first_due_at is None  # type: ignore[union-attr]
    running = signed(agreed)
    assert running.state.status is Status.ACTIVE
    assert running.state.next_due_at is None
    with pytest.raises(Refused, match="kind-schedule"):
        preview_schedule(START, agreed, ZONE, count=3)


def test_what_moves_periods_is_refused_where_there_are_none() -> None:
    """A change, a pause, a discount, the end of a period: typed, not silently nothing."""
    running = signed(unscheduled())
    at = {"now": FEB_10, "zone_version": ZONE_VERSION}
    change = Change(terms=unscheduled(price=nok(1)), when=When.NOW, reason="x")
    running.when(change_terms, change, **at).then_refused("kind-schedule")
    running.when(pause, until=None, credit=False, reason="x", **at).then_refused("kind-schedule")
    coupon = Reduction(coupon="SPRING", ppm=100_000, reason="x")
    running.when(grant_discount, coupon, now=FEB_10).then_refused("kind-schedule")
    running.when(schedule_cancellation, at=None, reason="x", **at).then_refused("kind-schedule")


@pytest.mark.parametrize("agreed", [unscheduled(), DEFERRED])
def test_it_can_be_planned_to_end_at_an_instant(agreed: Terms) -> None:
    """Then it is cancelled; asked again for the same, it is quiet."""
    at, running = FEB_10 + DAY, signed(agreed)
    plan = {"at": at, "reason": "moves", "now": FEB_10, "zone_version": ZONE_VERSION}
    planned = running.and_(*schedule_cancellation(running.state, **plan))
    planned.when(schedule_cancellation, **plan).then_nothing()
    planned.when(cancel_as_scheduled, now=at - DAY).then_nothing()
    ended = planned.and_(*cancel_as_scheduled(planned.state, now=at))
    assert ended.state.status is Status.CANCELLED
