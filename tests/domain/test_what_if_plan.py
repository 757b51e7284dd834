"""The same history under the terms of a version of a plan.

Version 1 of "gold" costs 299.00 NOK a month, version 2 399.00; see plans.py.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, event, given, settings

from domain.calendar import Interval, Unit
from domain.catalogue.offering import Choice, version_named
from domain.catalogue.state import Version
from domain.money import Money
from domain.plan import Kind, Meter, PaidTrial, Terms, Timing
from domain.prices import Tier
from domain.refusals import Refused
from domain.subscription.changing import Change, change_terms
from domain.subscription.events import SubscriptionStarted, TermsChanged, When
from domain.subscription.invoicing import bill_what_is_due
from domain.subscription.metering import Report, report_usage
from domain.what_if import WhatIf, what_if
from domain.what_if_plan import on_version
from tests.books import Books
from tests.domain.asking import by_threshold, unscheduled
from tests.domain.billing import BIG, FEB_10, at_price
from tests.domain.plans import MARCH, NOW, gold, moved, version
from tests.domain.test_what_if import billed_on, upgraded
from tests.histories import ZONE_VERSION, History, histories, show
from tests.specimens import SIGNED_UP, instalments, terms
from tests.specimens import wish as start_wish

SOME = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
YEAR = Interval(Unit.YEAR)


def of(agreed: Terms) -> Version:
    """A version with these terms."""
    return Version(number=agreed.plan_version, terms=agreed, available_from=NOW)


def begun(days: int, **changes: Any) -> Books:
    """Signed up; everything due within so many days of the start is billed."""
    books = Books(SIGNED_UP)
    books.sign_up(start_wish(**changes))
    for _ in range(days + 11):
        books.now += timedelta(days=1)
        billed, _ = bill_what_is_due(books.states["s-1"], now=books.now, zone_version=ZONE_VERSION)
        books.append("s-1", billed)
    return books


def decided(books: Books, agreed: Terms) -> WhatIf:
    """Its history on a version with these terms."""
    return what_if(books.log, on_version(of(agreed)))


def test_another_version_from_the_first_day_on() -> None:
    """Upgraded in truth: 299.00 + 825.93 - 195.90 = 929.03. On version 2, 399.00 twice, and an
    upgrade to what is in force anyhow does nothing: 131.03 less."""
    found = decided(billed_on(upgraded()), version(2))
    assert (found.would_be.invoices, found.would_be.billed, found.would_be.credited) == (
        2,
        79800,
        0,
    )
    assert found.difference == Money(-13103, "NOK")
    assert found.refused == ()


def test_quantity_and_trial_stay() -> None:
    """A week free, then 3 x 399.00 instead of 3 x 299.00; a change to 5 units changes to 5."""
    agreed = terms(quantity=3, trial=Interval(Unit.WEEK))
    books = begun(8, terms=agreed)
    found = decided(books, version(2))
    assert (found.was.billed, found.would_be.billed) == (89700, 119700)
    assert (found.was.invoices, found.would_be.invoices) == (2, 2)
    five = Change(terms=attrs.evolve(agreed, quantity=5), when=When.PERIOD_END, reason="grows")
    facts = change_terms(books.states["s-1"], five, now=books.now, zone_version=ZONE_VERSION)
    books.append("s-1", facts)
    books.now += timedelta(days=30)
    books.append(
        "s-1",
        bill_what_is_due(books.states["s-1"], now=books.now, zone_version=ZONE_VERSION)[0],
    )
    found = decided(books, version(2))
    assert (found.was.billed, found.would_be.billed) == (8 * 29900, 8 * 39900)


@pytest.mark.parametrize(("interval", "regular"), [(Interval(Unit.MONTH), 2), (YEAR, 1)])
def test_a_paid_trial_stays(interval: Interval, regular: int) -> None:
    """Two weeks at 9.00 each, then regular periods, from 14 February on: two months, or a year."""
    trial = PaidTrial(price=Money(900, "NOK"), interval=Interval(Unit.WEEK), cycles=2)
    books = begun(50, paid_trial=trial)
    found = decided(books, version(2, interval=interval))
    assert (found.was.billed, found.would_be.billed) == (1800 + 2 * 29900, 1800 + regular * 39900)
    assert decided(books, version(1)).difference.minor == 0


def test_an_anchor_stays_where_the_other_rhythm_reaches_it() -> None:
    """15 of 31 days of 299.00 are 144.68; 15 of the 365 before 15 February, of 3990.00, 163.97."""
    books = begun(20, anchor=date(2024, 2, 15))
    yearly = decided(books, version(2, interval=YEAR, price=Money(399000, "NOK")))
    assert yearly.was.billed == 14468 + 29900
    assert yearly.would_be.billed == 16397 + 399000
    weekly = decided(books, version(2, interval=Interval(Unit.WEEK)))
    assert ["anchor-out-of-range" in each for each in weekly.refused] == [True]


def test_a_change_of_rhythm_moves_no_day_of_a_plan_that_stays() -> None:
    """By the year from March on, in truth; on version 2 it is billed by the month throughout."""
    books = begun(0)
    by_year = attrs.evolve(at_price(BIG), interval=YEAR)
    wanted = Change(terms=by_year, when=When.PERIOD_END, reason="by the year")
    facts = change_terms(books.states["s-1"], wanted, now=books.now, zone_version=ZONE_VERSION)
    books.append("s-1", facts)
    books.now += timedelta(days=29)
    billed = bill_what_is_due(books.states["s-1"], now=books.now, zone_version=ZONE_VERSION)[0]
    books.append("s-1", billed)
    found = decided(books, version(2))
    assert (found.was.billed, found.would_be.billed) == (29900 + 49900, 2 * 39900)
    assert found.refused == ()
    # By the week: on 31 January, and on 7, 14, 21 and 28 February.
    weekly = decided(books, version(2, interval=Interval(Unit.WEEK)))
    assert (weekly.would_be.billed, weekly.refused) == (5 * 39900, ())


def test_usage_is_billed_at_the_other_threshold() -> None:
    """250 GB at 0.40 come to 100.00, where they are billed; at 0.20 they are not billed yet."""
    books = begun(0, terms=by_threshold())
    report = Report(usage_id="u-1", meter="data", quantity=250, at=FEB_10)
    books.now = FEB_10
    books.append("s-1", report_usage(books.states["s-1"], report, now=FEB_10))
    same = decided(books, by_threshold())
    assert (same.was.billed, same.was) == (29900 + 10000, same.would_be)
    half = Meter(
        code="data",
        description="Data",
        unit="GB",
        tiers=(Tier(up_to=None, unit_price=Money(20, "NOK")),),
    )
    assert decided(books, by_threshold(meters=(half,))).would_be.billed == 29900


@pytest.mark.parametrize(
    ("agreed", "other", "code"),
    [
        (terms(), version(2, price=Money(3900, "EUR")), "currency-fixed"),
        (terms(), instalments(3), "kind-fixed"),
        (terms(), version(2, timing=Timing.POSTPAID), "timing-fixed"),
        (unscheduled(), unscheduled(), "kind-schedule"),
        (terms(), version(2, price=Money(0, "NOK")), "price-not-positive"),
    ],
)
def test_terms_that_could_not_be_those_of_the_plan_are_refused(
    agreed: Terms, other: Terms, code: str
) -> None:
    """Whatever the history holds."""
    with pytest.raises(Refused, match=code):
        decided(begun(0, terms=agreed), other)


def test_a_version_is_found_by_its_name_or_its_number() -> None:
    """Also one that is still to come; what nobody published is refused."""
    plan = gold(2)
    named = [version_named(plan, Choice(plan="gold", version=each), now=NOW) for each in (1, None)]
    assert [each.number for each in named] == [1, 2]
    later = NOW - timedelta(days=1)
    assert version_named(plan, Choice(plan="gold", version=2), now=later).number == 2
    for missing, choice, code in (
        (None, Choice(plan="tin"), "plan-unknown"),
        (plan, Choice(plan="gold", version=3), "plan-version-unknown"),
        (plan, Choice(plan="gold", version=0), "plan-version-unknown"),
        (plan, Choice(plan="gold"), "plan-not-available"),
    ):
        with pytest.raises(Refused, match=code):
            version_named(missing, choice, now=later)


def test_an_announced_move_is_left_out() -> None:
    """Version 1 is what is asked about, whatever is to become of it."""
    plan = moved(gold(2), on=MARCH)
    books = begun(40)
    found = what_if(books.log, on_version(plan.versions[0]))
    assert found.difference.minor == 0


@SOME
@given(histories())
def test_the_same_version_gives_no_difference(history: History) -> None:
    """A history whose terms were always those of one version, decided on that version."""
    show(history)
    for wanted in history.wishes:
        log = [each for each in history.log if each.stream.endswith(f"-{wanted.subscription_id}")]
        if wanted.terms.kind in (Kind.UNSCHEDULED, Kind.IMMEDIATE, Kind.DEFERRED):
            continue
        facts = [
            each.event for each in log if isinstance(each.event, SubscriptionStarted | TermsChanged)
        ]
        own = [attrs.evolve(each.terms, quantity=1, trial=None) for each in facts]
        found = what_if(log, on_version(of(wanted.terms)))
        if all(each == own[0] for each in own):
            event("never left its version" + (", changed" if len(own) > 1 else ""))
            assert found.refused == ()
            assert found.was == found.would_be
