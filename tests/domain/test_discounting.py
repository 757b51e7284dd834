"""Discounts: percent or amount, once, n invoices, for ever; never below nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from domain.money import Money
from domain.plan import Kind, Proration, Terms
from domain.prices import Part
from domain.pricing import ONCE, line
from domain.subscription.crediting import grant_credit
from domain.subscription.discounting import (
    Reduction,
    end_discount,
    grant_discount,
    with_discounts,
)
from domain.subscription.ending import cancel
from domain.subscription.events import DiscountGranted, InvoiceIssued, LineKind
from domain.subscription.pausing import Resume, pause, resume
from domain.subscription.used import Discount
from domain.taxes import TaxRate
from tests.domain.billing import (
    BIG,
    FEB_10,
    NOK,
    at_price,
    billed_until,
    changed,
    credits,
    postpaid,
    running,
)
from tests.specimens import SIGNED_UP, ZONE_VERSION, instalments, signed_up, terms
from tests.vocabulary import Given, given

MAY = datetime(2024, 5, 1, 12, tzinfo=UTC)
TENTH = Reduction(coupon="SPRING", ppm=100_000, reason="campaign")
HUNDRED = Reduction(coupon="WELCOME", amount=Money(10000, NOK), reason="welcome")


def reduced(*wishes: Reduction, agreed: Terms | None = None) -> Given:
    """Signed up, with these coupons, billed up to May: four invoices."""
    start = given(*signed_up(agreed))
    for wish in wishes:
        start = start.and_(*grant_discount(start.state, wish, now=SIGNED_UP))
    return billed_until(start, MAY)


def totals(start: Given) -> list[int]:
    """What each invoice comes to."""
    return [each.total.minor for each in start.facts if isinstance(each, InvoiceIssued)]


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ((TENTH,), [26910, 26910, 26910, 26910]),
        ((attrs.evolve(TENTH, invoices=1),), [26910, 29900, 29900, 29900]),
        ((attrs.evolve(TENTH, invoices=3),), [26910, 26910, 26910, 29900]),
        ((HUNDRED,), [19900, 19900, 19900, 19900]),
        ((attrs.evolve(HUNDRED, amount=Money(99999, NOK), invoices=2),), [0, 0, 29900, 29900]),
        ((attrs.evolve(TENTH, ppm=1_000_000, invoices=1),), [0, 29900, 29900, 29900]),
        # 10 % first: 269.10 - 100.00; the other way round 199.00 - 19.90.
        ((TENTH, HUNDRED), [16910, 16910, 16910, 16910]),
        ((HUNDRED, TENTH), [17910, 17910, 17910, 17910]),
    ],
)
def test_what_is_left_to_pay(wishes: tuple[Reduction, ...], expected: list[int]) -> None:
    """299.00 a month, four times."""
    assert totals(reduced(*wishes)) == expected


def test_a_third_is_rounded_at_the_line() -> None:
    """33.3333 % of 299.00 is 99.67 (9966.6567 øre)."""
    assert totals(reduced(attrs.evolve(TENTH, ppm=333_333)))[0] == 29900 - 9967


def test_the_line_says_whose_discount_it_is() -> None:
    """It stands behind the line that it reduces, and names the coupon."""
    invoice = next(each for each in reduced(TENTH).facts if isinstance(each, InvoiceIssued))
    period, off = invoice.lines
    assert off.item == "1"
    assert off.description == f"SPRING off {period.description}"
    working = off.working
    assert (working.quantity, working.unit_price, working.numerator, working.denominator) == (
        -1,
        Money(29900, NOK),
        100_000,
        1_000_000,
    )


def test_what_is_charged_once_is_not_reduced() -> None:
    """The setup fee stays; the period is free."""
    free = attrs.evolve(TENTH, ppm=1_000_000)
    assert totals(reduced(free, agreed=terms(setup_fee=Money(5000, NOK))))[0] == 5000


def test_a_trial_does_not_use_a_discount_up() -> None:
    """Once is the first invoice that costs something."""
    once = attrs.evolve(TENTH, invoices=1)
    assert totals(reduced(once, agreed=terms(trial=terms().interval)))[:3] == [0, 26910, 29900]


def test_tax_is_of_what_is_left() -> None:
    """299.00 less 29.90 is 269.10; 25 % of it is 67.28 (67.275, half up): 74.75 - 7.47."""
    rate = TaxRate(code="NO-25", ppm=250_000, included=False)
    invoice = next(
        each
        for each in reduced(TENTH, agreed=terms(tax=rate)).facts
        if isinstance(each, InvoiceIssued)
    )
    assert invoice.tax == Money(6728, NOK)
    assert invoice.total == Money(26910 + 6728, NOK)


@pytest.mark.parametrize("included", [True, False])
def test_what_is_free_is_free_of_tax(included: bool) -> None:
    """7.475 and 67.275 of tax are rounded up both; 74.75 is all there was."""
    rate = TaxRate(code="NO-25", ppm=250_000, included=included)
    rest = attrs.evolve(HUNDRED, amount=Money(99999, NOK))
    start = reduced(TENTH, rest, agreed=terms(tax=rate))
    assert totals(start) == [0, 0, 0, 0]
    facts = cancel(start.state, reason="moved", now=MAY, credit=Proration.BY_DAY)
    assert credits(facts) == [], "nothing was paid for the days that are left"


@pytest.mark.parametrize("free", [TENTH, attrs.evolve(HUNDRED, amount=Money(99999, NOK))])
def test_what_waits_is_given_back_at_what_will_be_paid_for_it(free: Reduction) -> None:
    """Dearer from now on, and cancelled: all was free, so nothing comes back."""
    all_off = free if free.ppm is None else attrs.evolve(free, ppm=1_000_000)
    start = given(*signed_up())
    start = billed_until(start.and_(*grant_discount(start.state, all_off, now=SIGNED_UP)), FEB_10)
    dearer = changed(start, at_price(BIG))
    facts = cancel(dearer.state, reason="moved", now=FEB_10, credit=Proration.BY_DAY)
    assert credits(facts) == []


def test_days_charged_again_are_not_reduced_again() -> None:
    """Given back at 269.10 a period, charged again at it: the next invoice's own tenth is 29.90."""
    start = given(*signed_up())
    start = billed_until(start.and_(*grant_discount(start.state, TENTH, now=SIGNED_UP)), FEB_10)
    common: dict[str, Any] = {"reason": "x", "now": FEB_10, "zone_version": ZONE_VERSION}
    away = start.and_(*pause(start.state, until=None, credit=True, **common))
    back = away.and_(*resume(away.state, how=Resume.KEEP_ANCHOR, **common))
    after = billed_until(back, datetime(2024, 3, 1, tzinfo=UTC))
    assert credits(after.facts) == [17631]
    assert totals(after)[1] == 26910 + 17631


@pytest.mark.parametrize("later", [attrs.evolve(TENTH, ppm=1_000_000), HUNDRED])
def test_a_later_discount_does_not_reduce_days_given_back_before(later: Reduction) -> None:
    """Dearer for the rest of February (326.93), and given back at that at once: it is still owed.
    What is charged again is, too; only March is reduced."""
    common: dict[str, Any] = {"reason": "x", "now": FEB_10, "zone_version": ZONE_VERSION}
    dearer = changed(running(), at_price(BIG))
    away = dearer.and_(*pause(dearer.state, until=None, credit=True, **common))
    assert credits(away.facts) == [19590, 32693]
    given_later = away.and_(*grant_discount(away.state, later, now=FEB_10))
    back = given_later.and_(*resume(given_later.state, how=Resume.KEEP_ANCHOR, **common))
    assert [each.amount.minor for each in back.state.lines_to_come] == [32693, 32693]
    after = billed_until(back, datetime(2024, 3, 1, tzinfo=UTC))
    march = 0 if later.ppm else 49900 - 10000
    assert totals(after)[1] == march + 32693 + 32693
    assert [each.spares for each in after.state.discounts] == [0]
    again = after.state.discounts
    assert totals(billed_until(after, MAY))[2] == march, "it reduces every invoice to come"
    assert again[0].invoices is None


def test_days_that_are_still_to_be_served_are_reduced_by_a_later_discount() -> None:
    """Dearer for the rest of February, and nothing of that was given back: goodwill is not that."""
    dearer = changed(running(), at_price(BIG))
    kind = grant_credit(dearer.state, Money(100, NOK), reason="sorry", now=FEB_10)
    given_later = dearer.and_(*kind)
    given_later = given_later.and_(*grant_discount(given_later.state, TENTH, now=FEB_10))
    after = billed_until(given_later, datetime(2024, 3, 1, tzinfo=UTC))
    assert totals(after)[1] == 49900 - 4990 + 32693 - 3269


def test_days_given_back_are_worth_what_was_paid_for_them() -> None:
    """19 of 29 days of 269.10: 195.90 - 19.59, not 195.90."""
    start = given(*signed_up())
    start = start.and_(*grant_discount(start.state, TENTH, now=SIGNED_UP))
    start = billed_until(start, FEB_10)
    facts = cancel(start.state, reason="moved", now=FEB_10, credit=Proration.BY_DAY)
    assert credits(facts) == [19590 - 1959]


def test_a_free_period_gives_nothing_back() -> None:
    """Nothing was paid for it."""
    free = attrs.evolve(TENTH, ppm=1_000_000, invoices=1)
    start = given(*signed_up())
    start = billed_until(start.and_(*grant_discount(start.state, free, now=SIGNED_UP)), FEB_10)
    assert credits(cancel(start.state, reason="moved", now=FEB_10, credit=Proration.BY_DAY)) == []


def test_an_upgrade_is_reduced_where_it_is_billed() -> None:
    """10 % for ever: back at 269.10 a period, and the rest at 499.00 less 10 % on the next."""
    start = given(*signed_up())
    start = billed_until(start.and_(*grant_discount(start.state, TENTH, now=SIGNED_UP)), FEB_10)
    after = billed_until(changed(start, at_price(BIG)), datetime(2024, 3, 1, tzinfo=UTC))
    assert credits(after.facts) == [17631]
    # 499.00 - 49.90 for March, and 19/29 of 499.00 (326.93) - 32.69 for the rest of February.
    assert totals(after)[1] == 49900 - 4990 + 32693 - 3269


def test_billed_afterwards_the_whole_invoice_is_reduced() -> None:
    """Old days given back and new days charged, a tenth off each: 10 % off the sum."""
    start = given(*signed_up(postpaid()))
    start = billed_until(start.and_(*grant_discount(start.state, TENTH, now=SIGNED_UP)), FEB_10)
    after = changed(start, attrs.evolve(at_price(BIG), timing=start.state.terms.timing))
    bill = totals(billed_until(after, datetime(2024, 3, 1, tzinfo=UTC)))[0]
    assert bill == (29900 - 2990) - (19590 - 1959) + (32693 - 3269)


# --- granting and ending ------------------------------------------------------------------------


def test_granted_is_a_fact() -> None:
    """Numbered, with its reason."""
    running().when(grant_discount, TENTH, now=FEB_10).then(
        DiscountGranted(
            customer_id="c-1",
            discount_number=1,
            coupon="SPRING",
            ppm=100_000,
            amount=None,
            invoices=None,
            reason="campaign",
            effective_at=FEB_10,
        )
    )


def test_a_coupon_counts_once() -> None:
    """The same again is quiet, even when it is used up; with other values it is refused."""
    once = attrs.evolve(TENTH, invoices=1)
    after = reduced(once)
    after.when(grant_discount, once, now=MAY).then_nothing()
    after.when(grant_discount, TENTH, now=MAY).then_refused("coupon-used")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ppm": None}, "discount-malformed"),
        ({"amount": Money(1, NOK)}, "discount-malformed"),
        ({"ppm": 0}, "discount-malformed"),
        ({"ppm": 1_000_001}, "discount-malformed"),
        ({"ppm": None, "amount": Money(0, NOK)}, "discount-malformed"),
        ({"ppm": None, "amount": Money(1, "USD")}, "currency-mixed"),
        ({"invoices": 0}, "discount-malformed"),
        ({"coupon": "two words"}, "id-malformed"),
        ({"reason": ""}, "reason-malformed"),
    ],
)
def test_discounts_that_are_refused(changes: dict[str, Any], code: str) -> None:
    """Each refusal has its code."""
    running().when(grant_discount, attrs.evolve(TENTH, **changes), now=FEB_10).then_refused(code)


def test_instalments_are_not_reduced() -> None:
    """They add up to what was agreed."""
    running(instalments(3)).when(grant_discount, TENTH, now=FEB_10).then_refused(
        "instalments-fixed"
    )


def test_ended_by_hand() -> None:
    """No invoice after it is reduced; a repeat is quiet; an unknown coupon is refused."""
    start = running()
    start = start.and_(*grant_discount(start.state, TENTH, now=FEB_10))
    over = start.and_(*end_discount(start.state, "SPRING", reason="abuse", now=FEB_10))
    assert totals(billed_until(over, MAY)) == [29900] * 4
    over.when(end_discount, "SPRING", reason="abuse", now=FEB_10).then_nothing()
    over.when(end_discount, "AUTUMN", reason="abuse", now=FEB_10).then_refused("coupon-unknown")


def test_a_recurring_plan_may_be_reduced_too() -> None:
    """The kind does not matter where the end is open."""
    assert totals(reduced(TENTH, agreed=terms(kind=Kind.RECURRING)))[0] == 26910


RATES = st.sampled_from(
    [
        None,
        TaxRate(code="A", ppm=250_000, included=False),
        TaxRate(code="B", ppm=82_500, included=False),
        TaxRate(code="C", ppm=250_000, included=True),
    ]
)
OFFS = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 1_000_000), st.none()),
        st.tuples(st.none(), st.integers(1, 700)),
    ),
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@hypothesis_given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), RATES, RATES, OFFS)
def test_no_invoice_is_below_nothing(
    price: int,
    back: int,
    rest: int,
    old: TaxRate | None,
    new: TaxRate | None,
    offs: list[tuple[int | None, int | None]],
) -> None:
    """Days given back and days charged at another tax, and whatever is taken off: the sum is
    nothing at least."""
    lines = tuple(
        line(kind, "x", Part(quantity=quantity, unit_price=Money(minor, NOK)), ONCE, rate)
        for kind, quantity, minor, rate in (
            (LineKind.PERIOD, 1, price, old),
            (LineKind.UNUSED, -1, min(back, price), old),
            (LineKind.REST, 1, rest, new),
        )
    )
    discounts = tuple(
        Discount(
            discount_number=number,
            coupon=f"C{number}",
            ppm=ppm,
            amount=None if minor is None else Money(minor, NOK),
            granted=None,
            invoices=None,
        )
        for number, (ppm, minor) in enumerate(offs, start=1)
    )
    before = sum(each.amount.minor for each in lines)
    after = sum(each.amount.minor for each in with_discounts(discounts, lines))
    assert after >= 0
    # Roundings of what is given back less may add a minor unit a discount.
    assert after <= before + len(offs)
