"""What one period costs, hand-checked: the lines that would be billed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.money import Money
from domain.plan import Kind, Meter, OneTime, OneTimeKind, Terms
from domain.price_previews import PricePreview, preview_price
from domain.prices import Tier
from domain.refusals import Refused
from domain.subscription.discounting import Reduction
from domain.taxes import TaxRate
from tests.specimens import instalments, terms

START = date(2025, 1, 1)
NO_25 = TaxRate(code="NO-25", ppm=250_000, included=False)


def nok(minor: int) -> Money:
    """Øre."""
    return Money(minor, "NOK")


def metered(**changes: Any) -> Terms:
    """100.00 a month; 100 GB at 0.40, then 0.25, at least 5.00 and at most 60.00."""
    meter = Meter(
        code="data",
        description="Data",
        unit="GB",
        tiers=(Tier(up_to=100, unit_price=nok(40)), Tier(up_to=None, unit_price=nok(25))),
        minimum=nok(500),
        cap=nok(6000),
        tax=NO_25,
    )
    return terms(
        price=nok(10000), kind=Kind.RECURRING, meters=(meter,), **{"tax": NO_25, **changes}
    )


def off(coupon: str = "spring", **changes: Any) -> Reduction:
    """A discount."""
    return Reduction(coupon=coupon, reason="preview", **changes)


def lines(seen: PricePreview) -> list[tuple[str, int]]:
    """(kind, amount) of each line."""
    return [(each.kind.value, each.amount.minor) for each in seen.lines]


def test_period_and_usage() -> None:
    """100.00 + 40.00 + 20 x 0.25, each with 25 % tax: 181.25, of which 36.25 is tax."""
    seen = preview_price(START, metered(), usage={"data": 120})
    assert lines(seen) == [("PERIOD", 12500), ("USAGE", 5000), ("USAGE", 625)]
    assert (seen.total, seen.tax) == (nok(18125), nok(3625))
    assert (seen.period.start, seen.period.end) == (START, date(2025, 2, 1))


def test_bounds_of_usage() -> None:
    """No usage is 5.00 at least; 400 GB are 115.00 and cost 60.00."""
    assert lines(preview_price(START, metered(), usage={}))[1:] == [("MINIMUM", 625)]
    seen = preview_price(START, metered(), usage={"data": 400})
    assert lines(seen)[-1] == ("CAP", -6875)
    assert seen.total == nok(12500 + 7500)


def test_discounts_in_their_order() -> None:
    """10 %, then 20.00 of what that left: 90.00 - 20.00, and the tax with it."""
    both = (off(ppm=100_000), off("more", amount=nok(2000)))
    seen = preview_price(START, terms(price=nok(10000), tax=NO_25), usage={}, reductions=both)
    assert lines(seen) == [("PERIOD", 12500), ("DISCOUNT", -1250), ("DISCOUNT", -2500)]
    assert (seen.total, seen.tax) == (nok(8750), nok(1750))


def test_first_period_charges_once() -> None:
    """The fee and goods are on the first alone, and a trial is no period that costs something."""
    goods = OneTime(kind=OneTimeKind.PRODUCT, description="Router", amount=nok(4000))
    agreed = terms(price=nok(10000), setup_fee=nok(700), one_time=(goods,))
    assert lines(preview_price(START, agreed, usage={})) == [("PERIOD", 10000)]
    first = preview_price(START, agreed, usage={}, first=True)
    assert lines(first) == [("PERIOD", 10000), ("SETUP_FEE", 700), ("PRODUCT", 4000)]
    assert first.tax is None


def test_set_amount() -> None:
    """Instead of the price, where it may vary."""
    agreed = terms(price=nok(10000), kind=Kind.RECURRING, variable=True)
    assert preview_price(START, agreed, usage={}, set_amount=nok(4820)).total == nok(4820)
    assert preview_price(START, agreed, usage={}, set_amount=nok(0)).total == nok(0)


@pytest.mark.parametrize(
    ("agreed", "asked", "code"),
    [
        (metered(), {"usage": {"voice": 1}}, "meter-unknown"),
        (metered(), {"usage": {"data": -1}}, "usage-malformed"),
        (metered(), {"usage": {"data": 10**13}}, "usage-malformed"),
        (metered(), {"set_amount": nok(1)}, "amount-fixed"),
        (metered(variable=True), {"set_amount": nok(-1)}, "amount-negative"),
        (metered(variable=True), {"set_amount": Money(1, "USD")}, "currency-mixed"),
        (metered(), {"reductions": (off(ppm=1), off(ppm=2))}, "coupon-used"),
        (metered(), {"reductions": (off(),)}, "discount-malformed"),
        (metered(), {"reductions": (off(amount=Money(1, "USD")),)}, "currency-mixed"),
        (metered(), {"reductions": (off("a b", ppm=1),)}, "id-malformed"),
        (instalments(3), {"reductions": (off(ppm=1),)}, "instalments-fixed"),
        (terms(quantity=0), {}, "quantity-malformed"),
    ],
)
def test_refuses_what_could_not_be_billed(agreed: Terms, asked: dict[str, Any], code: str) -> None:
    """By the codes of the decisions that it stands for."""
    with pytest.raises(Refused) as refused:
        preview_price(START, agreed, **{"usage": {}, **asked})
    assert refused.value.code == code
