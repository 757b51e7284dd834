"""What a charge is made of: an invoice's parts by rate of tax, added up to the minor unit."""

from __future__ import annotations

import pytest
from hypothesis import event as reached
from hypothesis import given as drawn
from hypothesis import strategies as st

from domain.money import Money
from domain.plan import OneTime, OneTimeKind, Terms
from domain.ports import ChargeLine
from domain.subscription.charge_lines import PAID_OTHERWISE, charge_lines
from domain.subscription.owed import OpenInvoice, TaxedPart
from domain.taxes import TaxRate
from tests.domain.stages import invoiced
from tests.specimens import DUE, terms

MVA = TaxRate(code="NO-25", ppm=250_000, included=False)
FOOD = TaxRate(code="NO-15", ppm=150_000, included=True)


def nok(minor: int) -> Money:
    """Norwegian kroner, in minor units."""
    return Money(minor, "NOK")


def line(minor: int, tax: int, ppm: int, words: str = "Gold membership") -> ChargeLine:
    """A line of a charge in NOK."""
    return ChargeLine(description=words, amount=nok(minor), tax=nok(tax), tax_ppm=ppm)


def taxed(**changes: object) -> Terms:
    """100.00 a month, and 25 % on top."""
    return terms(price=nok(10_000), tax=MVA, **changes)


BASKET = (
    OneTime(kind=OneTimeKind.PRODUCT, description="Lunch", amount=nok(5_000), tax=FOOD),
    OneTime(kind=OneTimeKind.PRODUCT, description="Box", amount=nok(4_000), tax=MVA),
    OneTime(kind=OneTimeKind.SHIPPING, description="Post", amount=nok(900)),
)


def lines_of(agreed: Terms, minor: int | None = None) -> tuple[ChargeLine, ...]:
    """The lines of a charge of the first invoice: all of it, or so much."""
    (invoice,) = invoiced(agreed).state.open_invoices
    amount = invoice.open if minor is None else nok(minor)
    return charge_lines(invoice, amount, agreed.description)


def test_one_rate_is_one_line() -> None:
    """125.00, of which 25.00 is tax."""
    assert lines_of(taxed()) == (line(12_500, 2_500, 250_000),)


def test_each_rate_is_a_line() -> None:
    """25 % on 100.00 and 40.00: 175.00 and 35.00. 15 % within 50.00: 6.52. 9.00 without tax."""
    found = lines_of(taxed(one_time=BASKET))
    assert sorted(found, key=lambda each: each.tax_ppm) == [
        line(900, 0, 0),
        line(5_000, 652, 150_000),
        line(17_500, 3_500, 250_000),
    ]
    assert sum(each.amount.minor for each in found) == 23_400


def test_what_was_paid_otherwise_is_a_line_below_zero() -> None:
    """The tax stays that of the whole supply."""
    assert lines_of(taxed(), 12_000) == (
        line(12_500, 2_500, 250_000),
        line(-500, 0, 0, PAID_OTHERWISE),
    )


def test_nothing_is_said_where_nothing_is_known() -> None:
    """No tax at all, or an amount that the invoice does not come to."""
    assert lines_of(terms()) == ()
    assert lines_of(taxed(), 12_501) == ()


PARTS = st.builds(
    TaxedPart,
    ppm=st.sampled_from([0, 120_000, 150_000, 250_000]),
    amount=st.integers(-2_000, 100_000).map(nok),
    tax=st.integers(-400, 20_000).map(nok),
)


@drawn(st.lists(PARTS, max_size=4), st.integers(1, 120_000))
def test_lines_add_up_to_the_charge(parts: list[TaxedPart], minor: int) -> None:
    """Or there are none; and no line is added for nothing."""
    total = nok(sum(each.amount.minor for each in parts))
    invoice = OpenInvoice(
        number=1,
        due_at=DUE,
        total=total,
        paid=nok(0),
        credited=nok(0),
        written_off=nok(0),
        reversed=nok(0),
        parts=tuple(parts),
    )
    found = charge_lines(invoice, nok(minor), "Gold membership")
    reached(f"{'below' if total.minor > minor else 'whole or none'}, lines {bool(found)}")
    assert bool(found) == (bool(parts) and total.minor >= minor)
    if found:
        assert sum(each.amount.minor for each in found) == minor
        assert sum(each.tax.minor for each in found) == sum(each.tax.minor for each in parts)


@pytest.mark.parametrize("minor", [1, 12_499, 12_500])
def test_tax_is_the_invoices_whatever_is_charged(minor: int) -> None:
    """Retries of a smaller amount state the same tax."""
    assert sum(each.tax.minor for each in lines_of(taxed(), minor)) == 2_500
