"""What a quantity costs: one price or tiers, tax on top or within, stated instalments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from domain.money import Money, total
from domain.plan import (
    Kind,
    Meter,
    OneTime,
    OneTimeKind,
    Terms,
    one_time_total,
    split_total,
)
from domain.plan_rules import check_terms
from domain.prices import Part, Tier, Tiering, priced
from domain.pricing import ONCE, given_back, line, lines_of, stated
from domain.refusals import Refused
from domain.schedule import schedule_of
from domain.subscription.events import LineKind
from domain.taxes import TaxRate, taxed
from tests.specimens import START, instalments, terms

NOK = "NOK"
ON_TOP = TaxRate(code="NO-25", ppm=250_000, included=False)
WITHIN = TaxRate(code="NO-25", ppm=250_000, included=True)
NEW_YORK = TaxRate(code="US-NY", ppm=88_750, included=False)


def nok(minor: int) -> Money:
    """Øre."""
    return Money(minor, NOK)


# 10.00 each up to 5, 8.00 up to 10, 6.00 from 11 on; 20.00 once from 11 on.
TIERS = (
    Tier(up_to=5, unit_price=nok(1000)),
    Tier(up_to=10, unit_price=nok(800)),
    Tier(up_to=None, unit_price=nok(600), flat=nok(2000)),
)


def cost(parts: tuple[Part, ...]) -> int:
    """Of whole units."""
    return sum(each.quantity * each.unit_price.minor for each in parts)


@pytest.mark.parametrize(
    ("quantity", "graduated", "volume"),
    [
        (0, 0, 0),
        (1, 1000, 1000),
        (5, 5000, 5000),
        (6, 5800, 4800),
        (10, 9000, 8000),
        (11, 11600, 8600),  # 50 + 40 + 6 + 20; 11 x 6 + 20
        (100, 65000, 62000),
    ],
)
def test_tiers(quantity: int, graduated: int, volume: int) -> None:
    """Each unit by its own tier, or all by the last one's."""
    assert cost(priced(quantity, TIERS, Tiering.GRADUATED)) == graduated
    assert cost(priced(quantity, TIERS, Tiering.VOLUME)) == volume


@drawn(st.integers(1, 60))
def test_graduated_tiers_price_every_unit_once(quantity: int) -> None:
    """One unit more costs what its own tier says, and the flat fee where it opens one."""
    more = cost(priced(quantity, TIERS, Tiering.GRADUATED))
    less = cost(priced(quantity - 1, TIERS, Tiering.GRADUATED))
    tier = TIERS[0] if quantity <= 5 else TIERS[1] if quantity <= 10 else TIERS[2]
    opens = 2000 if quantity == 11 else 0
    assert more - less == tier.unit_price.minor + opens
    units = sum(
        each.quantity
        for each in priced(quantity, TIERS, Tiering.GRADUATED)
        if not each.words.startswith("flat")
    )
    assert units == quantity


@pytest.mark.parametrize(
    ("price", "rate", "net", "tax"),
    [
        (10000, ON_TOP, 10000, 2500),
        (10000, WITHIN, 8000, 2000),
        (9999, WITHIN, 7999, 2000),  # 7999.2
        (999, NEW_YORK, 999, 89),  # 88.66
        (2, ON_TOP, 2, 1),  # 0.5, half up
        (-2, ON_TOP, -2, -1),
        (0, ON_TOP, 0, 0),
    ],
)
def test_tax(price: int, rate: TaxRate, net: int, tax: int) -> None:
    """On top of a net price, or within a gross one; rounded half up."""
    line_tax = taxed(nok(price), rate)
    assert (line_tax.net.minor, line_tax.tax.minor) == (net, tax)


@drawn(st.integers(-(10**9), 10**9), st.integers(0, 10**6), st.booleans())
def test_net_and_tax_make_the_amount(minor: int, ppm: int, included: bool) -> None:
    """A line and the same line given back come to nothing, in net, tax and amount."""
    rate = TaxRate(code="any", ppm=ppm, included=included)
    one = line(LineKind.PERIOD, "x", Part(quantity=1, unit_price=nok(minor)), ONCE, rate)
    assert one.tax is not None
    assert one.tax.net + one.tax.tax == one.amount
    assert stated(one) == nok(minor)
    back = line(LineKind.UNUSED, "x", Part(quantity=-1, unit_price=nok(minor)), ONCE, rate)
    assert back.tax is not None
    assert back.amount + one.amount == nok(0)
    assert back.tax.tax + one.tax.tax == nok(0)
    turned = given_back(one)
    assert (turned.amount, turned.tax) == (back.amount, back.tax)


def test_lines_of_tiers() -> None:
    """12 seats: 5 at 10, 5 at 8, 2 at 6, and the flat fee; the amount is their sum."""
    agreed = terms(price=nok(1000), quantity=12, tiers=TIERS)
    check_terms(agreed)
    lines = lines_of(agreed, 1, schedule_of(START, agreed))
    assert [each.amount.minor for each in lines] == [5000, 4000, 1200, 2000]
    assert agreed.amount == nok(12200)


def test_several_rates_on_the_first_invoice() -> None:
    """299.00 and 25 %, a set-up of 100.00 and 25 %, a box at 12 % within, shipping without tax."""
    food = TaxRate(code="NO-12", ppm=120_000, included=True)
    box = OneTime(kind=OneTimeKind.PRODUCT, description="Box", amount=nok(11200), tax=food)
    post = OneTime(kind=OneTimeKind.SHIPPING, description="Post", amount=nok(5000))
    agreed = terms(tax=ON_TOP, setup_fee=nok(10000), one_time=(box, post))
    check_terms(agreed)
    lines = lines_of(agreed, 1, schedule_of(START, agreed))
    assert [(each.kind.value, each.amount.minor) for each in lines] == [
        ("PERIOD", 37375),
        ("SETUP_FEE", 12500),
        ("PRODUCT", 11200),
        ("SHIPPING", 5000),
    ]
    taxes = [each.tax.tax.minor for each in lines if each.tax is not None]
    assert taxes == [7475, 2500, 1200]
    assert one_time_total(agreed) == nok(12500 + 11200 + 5000)
    assert lines_of(agreed, 2, schedule_of(START, agreed))[0].amount == agreed.amount


@drawn(st.integers(1, 10**12), st.integers(1, 999))
def test_equal_payments_add_up(amount: int, payments: int) -> None:
    """To the minor unit, and no two differ by more than one."""
    parts = split_total(nok(amount), payments)
    assert total(parts, NOK) == nok(amount)
    assert max(each.minor for each in parts) - min(each.minor for each in parts) <= 1


def test_stated_instalments_are_billed_as_stated() -> None:
    """100.00 in 3: 33.34, 33.33, 33.33."""
    stated_amounts = split_total(nok(10000), 3)
    agreed = instalments(3, price=nok(3334), instalments=stated_amounts)
    check_terms(agreed)
    schedule = schedule_of(START, agreed)
    billed = [lines_of(agreed, number, schedule)[0].amount.minor for number in (1, 2, 3)]
    assert billed == [3334, 3333, 3333]


METER = Meter(code="data", description="Data", unit="GB", tiers=TIERS)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"meters": (METER,)}, "amount-fixed"),
        ({"variable": True}, "amount-fixed"),
        ({"kind": Kind.RECURRING, "price": nok(0)}, "price-not-positive"),
        ({"tiers": TIERS}, "tiers-malformed"),
        ({"price": nok(1000), "tiers": TIERS[:2]}, "tiers-malformed"),
        ({"price": nok(800), "tiers": (TIERS[1], *TIERS)}, "tiers-malformed"),
        ({"tiers": (Tier(up_to=None, unit_price=Money(299, "USD")),)}, "currency-mixed"),
        ({"tax": TaxRate(code="x", ppm=-1, included=True)}, "tax-malformed"),
        ({"tax": TaxRate(code="", ppm=1, included=True)}, "id-malformed"),
        ({"instalments": (nok(29900),)}, "cycles-not-allowed"),
        ({"kind": Kind.RECURRING, "meters": (METER, METER)}, "meters-malformed"),
        (
            {"one_time": (OneTime(kind=OneTimeKind.PRODUCT, description="", amount=nok(1)),)},
            "one-time-malformed",
        ),
        (
            {"one_time": (OneTime(kind=OneTimeKind.PRODUCT, description="x", amount=nok(0)),)},
            "one-time-malformed",
        ),
    ],
)
def test_terms_that_cannot_be_billed(changes: dict[str, Any], code: str) -> None:
    """Each refusal has its code."""
    with pytest.raises(Refused) as refused:
        check_terms(terms(**changes))
    assert refused.value.code == code


@pytest.mark.parametrize("amounts", [(1, 1), (3334, 3333), (3334, 3333, 0), (3333, 3333, 3334, 1)])
def test_instalments_that_are_not_those_of_the_plan(amounts: tuple[int, ...]) -> None:
    """One amount a payment, each more than nothing, the largest of them the price."""
    agreed = instalments(3, price=nok(3334), instalments=tuple(nok(each) for each in amounts))
    with pytest.raises(Refused, match="instalments-malformed"):
        check_terms(agreed)


def test_usage_alone_may_be_billed() -> None:
    """A recurring plan with meters may have no base price."""
    agreed: Terms = terms(kind=Kind.RECURRING, price=nok(0), meters=(METER,))
    check_terms(agreed)
    assert agreed.usage_pattern == "RECURRING_PREPAID"
