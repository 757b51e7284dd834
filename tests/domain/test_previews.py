"""Previews: pure answers to "what would be billed", with their working."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.calendar import Interval, Period, Unit
from domain.money import Money
from domain.plan import DunningEnd, Proration, RetryPolicy
from domain.previews import (
    as_if,
    preview_change,
    preview_proration,
    preview_retries,
    preview_schedule,
)
from domain.refusals import Refused
from domain.subscription.changing import Change, change_terms
from domain.subscription.events import DeclineClass, When
from tests.domain.billing import BIG, FEB_10, NOK, at_price
from tests.domain.refunding import paid
from tests.specimens import HARD, MERCHANT, PRICE, START, ZONE, ZONE_VERSION, declined, terms

FEBRUARY = Period(date(2024, 2, 1), date(2024, 3, 1))


def test_a_schedule_shows_clamped_days_and_their_instants() -> None:
    """The 31st in Oslo: midnight is 23:00 UTC in winter, 22:00 in summer time."""
    shown = preview_schedule(START, terms(), ZONE, count=4)
    assert [(each.due_on.isoformat(), each.due_at.hour, each.days) for each in shown] == [
        ("2024-01-31", 23, 29),
        ("2024-02-29", 23, 31),
        ("2024-03-31", 23, 30),
        ("2024-04-30", 22, 31),
    ]


def test_a_schedule_ends_where_the_terms_end() -> None:
    """A trial and two instalments are three invoices, however many are asked for."""
    from tests.specimens import instalments

    agreed = instalments(2, trial=Interval(Unit.WEEK))
    shown = preview_schedule(START, agreed, ZONE, count=50)
    assert [each.days for each in shown] == [7, 29, 31]


@pytest.mark.parametrize("count", [0, -1, 1201])
def test_a_schedule_has_a_bound(count: int) -> None:
    """Nobody reads more, and a program that asks for it has a fault."""
    with pytest.raises(Refused, match="count-out-of-range"):
        preview_schedule(START, terms(), ZONE, count=count)


@pytest.mark.parametrize(
    ("policy", "rest"),
    [
        # 10 February at noon UTC is the 10th in Oslo: 20 of 29 days of 100.00 are left.
        (Proration.BY_DAY, 6897),
        # 13:00 in Oslo: 19 days and 11 hours of 29 days.
        (Proration.BY_SECOND, 6710),
        (Proration.NONE, 0),
        (Proration.FULL, 10000),
    ],
)
def test_a_proration_adds_up_to_the_whole(policy: Proration, rest: int) -> None:
    """What is left and what is used up are the price."""
    shown = preview_proration(Money(10000, NOK), FEBRUARY, at=FEB_10, zone=ZONE, policy=policy)
    assert shown.rest.amount.minor == rest
    assert shown.used + shown.rest.amount == shown.whole == Money(10000, NOK)
    assert shown.rest.working.policy == policy.value


def test_a_proration_by_the_second_knows_that_a_day_may_have_23_hours() -> None:
    """Sunday 31 March in Oslo is an hour short: half of that day's price is left at 12:30."""
    day = Period(date(2024, 3, 31), date(2024, 4, 1))
    at = datetime(2024, 3, 31, 10, 30, tzinfo=UTC)
    shown = preview_proration(Money(2300, NOK), day, at=at, zone=ZONE, policy=Proration.BY_SECOND)
    assert shown.rest.amount.minor == 1150


def test_a_proration_outside_of_its_period_is_refused() -> None:
    """A moment before or after it, or a period without a day."""
    for period, code in (
        (Period(date(2024, 3, 1), date(2024, 4, 1)), "not-in-period"),
        (Period(date(2024, 1, 1), date(2024, 2, 10)), "not-in-period"),
        (Period(date(2024, 2, 10), date(2024, 2, 10)), "period-empty"),
    ):
        with pytest.raises(Refused, match=code):
            preview_proration(PRICE, period, at=FEB_10, zone=ZONE, policy=Proration.BY_DAY)


def test_a_change_can_be_previewed_on_a_subscription_that_never_was() -> None:
    """195.90 back, 326.93 and 499.00 to come: 630.03 to pay."""
    state = as_if(START, terms(), ZONE, now=FEB_10, zone_version=ZONE_VERSION)
    wish = Change(terms=at_price(BIG), when=When.NOW, reason="asks")
    shown = preview_change(state, wish, now=FEB_10, zone_version=ZONE_VERSION)
    assert shown.credited.minor == 19590
    assert shown.invoice is not None
    assert shown.invoice.total.minor == 49900 + 32693
    assert (shown.applied.minor, shown.to_pay.minor) == (19590, 63003)


def test_a_change_is_previewed_with_what_it_refunds() -> None:
    """19 of 29 days at 299.00 are 195.90: credit, or gone back; the preview is what would be
    written."""
    state = paid().state
    for refund, back, applied in ((False, 0, 19590), (True, 19590, 0)):
        wish = Change(terms=at_price(BIG), when=When.NOW, reason="preview", refund=refund)
        seen = preview_change(state, wish, now=FEB_10, zone_version=ZONE_VERSION)
        assert seen.facts == change_terms(state, wish, now=FEB_10, zone_version=ZONE_VERSION)
        assert seen.credited == Money(19590, NOK)
        assert (seen.refunded, seen.applied) == (Money(back, NOK), Money(applied, NOK))
        assert seen.invoice is not None
        assert seen.to_pay == seen.invoice.total - seen.applied


def test_retries_follow_the_schedule_and_the_providers_advice() -> None:
    """3, 5 and 7 days after each other; never before the provider says so."""
    advice = FEB_10 + timedelta(days=4)
    policy = RetryPolicy((3, 5, 7))
    plain = preview_retries(policy, declined(), at=FEB_10)
    assert [(each.at - FEB_10).days for each in plain.retries] == [3, 8, 15]
    advised = preview_retries(policy, declined(retry_not_before=advice), at=FEB_10)
    assert [(each.at - FEB_10).days for each in advised.retries] == [4, 9, 16]


def test_a_decline_that_is_final_is_not_retried() -> None:
    """A hard one asks for a new token, one of ours for a person."""
    for answer, words in ((HARD, "new token"), (MERCHANT, "person")):
        assert answer.decline in (DeclineClass.HARD, DeclineClass.MERCHANT)
        shown = preview_retries(RetryPolicy(), answer, at=FEB_10)
        assert shown.retries == ()
        assert words in shown.end


def test_the_end_of_dunning_is_dated_by_the_last_decline_and_the_grace() -> None:
    """Tried after 3 and 8 days; with ten days of grace something follows on the 18th day."""
    for end in DunningEnd:
        shown = preview_retries(RetryPolicy((3, 5), end, 10), declined(), at=FEB_10)
        left_open = end is DunningEnd.LEAVE_OPEN
        assert shown.end_at == (None if left_open else FEB_10 + timedelta(days=18))
        assert ("grace" in shown.end) is not left_open
    assert preview_retries(RetryPolicy((3,), DunningEnd.CANCEL), HARD, at=FEB_10).end_at is None
