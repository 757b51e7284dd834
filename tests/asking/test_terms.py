"""Terms as callers send them: rates, price lists, one-time charges, instalments."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from domain.money import Money
from domain.percents import parse_percent, percent_text
from domain.plan import Kind, Terms
from domain.plan_rules import check_terms
from domain.prices import Tier, Tiering
from domain.refusals import Refused
from domain.taxes import TaxRate
from infrastructure.api.asked_terms import AgreedTerms, ChangedTerms
from tests.specimens import terms as specimen

NO_25 = {"code": "NO-25", "percent": "25", "included": False}
BASE: dict[str, Any] = {"interval": {"unit": "MONTH"}, "description": "Music"}


def nok(minor: int) -> dict[str, Any]:
    """An amount as messages have it."""
    return {"minor": minor, "currency": "NOK"}


def agreed(**fields: Any) -> Terms:
    """The terms of a message; they must be such as can be agreed to."""
    found = msgspec.convert({**BASE, **fields}, AgreedTerms).terms()
    check_terms(found)
    return found


def refusal(**fields: Any) -> str:
    """The code of a message that is refused."""
    with pytest.raises(Refused) as refused:
        agreed(**fields)
    return refused.value.code


@pytest.mark.parametrize(
    ("text", "ppm"),
    [
        ("0", 0),
        ("25", 250_000),
        ("8.875", 88_750),
        ("0.0001", 1),
        ("100", 1_000_000),
        ("100.00000", 1_000_000),
        ("025.50", 255_000),
    ],
)
def test_percentage_is_exact(text: str, ppm: int) -> None:
    """Decimals become parts per million without a float."""
    assert parse_percent(text) == ppm


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "percent-malformed"),
        ("25 %", "percent-malformed"),
        ("-1", "percent-malformed"),
        ("1e1", "percent-malformed"),
        (".5", "percent-malformed"),
        ("5.", "percent-malformed"),
        ("٢٥", "percent-malformed"),
        ("25\n", "percent-malformed"),
        ("100.0001", "percent-malformed"),
        ("999", "percent-malformed"),
        ("8.87501", "percent-too-precise"),
    ],
)
def test_other_percentages_are_refused(text: str, code: str) -> None:
    """Nothing is guessed, and nothing is rounded."""
    with pytest.raises(Refused) as refused:
        parse_percent(text)
    assert refused.value.code == code


@pytest.mark.parametrize("text", ["0", "25", "8.875", "0.0001", "100", "12.5"])
def test_percentage_is_shown_as_it_was_given(text: str) -> None:
    """There and back."""
    assert percent_text(parse_percent(text)) == text


def test_tax_of_terms() -> None:
    """The rate with its code; included or on top."""
    found = agreed(price=nok(10000), tax=NO_25)
    assert found.tax == TaxRate(code="NO-25", ppm=250_000, included=False)
    assert found.amount == Money(12500, "NOK")
    within = agreed(price=nok(10000), tax={**NO_25, "included": True})
    assert within.amount == Money(10000, "NOK")


def test_tiers_say_the_price() -> None:
    """The price of a unit is that of the first tier, stated or not."""
    tiers = [{"up_to": 10, "unit_price": nok(500)}, {"unit_price": nok(300), "flat": nok(2000)}]
    found = agreed(tiers=tiers, tiering="VOLUME", quantity=12)
    assert found.price == Money(500, "NOK")
    assert found.tiers[1] == Tier(up_to=None, unit_price=Money(300, "NOK"), flat=Money(2000, "NOK"))
    # 12 x 3.00, and 20.00 once.
    assert (found.tiering, found.amount) == (Tiering.VOLUME, Money(5600, "NOK"))
    assert agreed(tiers=tiers, price=nok(500)).price == Money(500, "NOK")
    assert refusal(tiers=tiers, price=nok(400)) == "price-ambiguous"


def test_kind_follows_from_the_rest() -> None:
    """What varies is RECURRING, what ends is INSTALLMENT; or as it is stated."""
    meter = {
        "code": "calls",
        "description": "Calls",
        "unit": "call",
        "tiers": [{"unit_price": nok(1)}],
    }
    assert agreed(price=nok(100)).kind is Kind.SUBSCRIPTION
    assert agreed(price=nok(0), meters=[meter]).kind is Kind.RECURRING
    assert agreed(price=nok(100), variable=True).kind is Kind.RECURRING
    assert agreed(price=nok(100), kind="RECURRING").kind is Kind.RECURRING
    assert agreed(price=nok(100), cycles=2).kind is Kind.INSTALLMENT
    assert agreed(instalments=[nok(1), nok(2)]).kind is Kind.INSTALLMENT
    assert refusal(price=nok(100), variable=True, kind="SUBSCRIPTION") == "amount-fixed"


def test_instalment_total_is_split() -> None:
    """100.00 in three: the first is an øre larger, and the largest is the price."""
    found = agreed(instalment_total=nok(10000), cycles=3)
    assert [each.minor for each in found.instalments] == [3334, 3333, 3333]
    assert (found.price.minor, found.cycles) == (3334, 3)
    assert refusal(instalment_total=nok(10000)) == "cycles-missing"
    assert refusal(instalment_total=nok(2), cycles=3) == "instalments-malformed"
    assert refusal(instalment_total=nok(10000), cycles=10**9) == "cycles-missing"
    both = {"instalment_total": nok(300), "instalments": [nok(100)] * 3}
    assert refusal(**both) == "instalments-ambiguous"


def test_stated_instalments_say_how_many() -> None:
    """They are counted; another count is refused."""
    stated = [nok(10000), nok(2500), nok(2500)]
    found = agreed(instalments=stated)
    assert (found.cycles, found.price) == (3, Money(10000, "NOK"))
    assert refusal(instalments=stated, cycles=2) == "instalments-malformed"
    assert refusal(instalments=stated, price=nok(2500)) == "price-ambiguous"
    assert refusal(instalments=stated, tiers=[{"unit_price": nok(1)}]) == "price-ambiguous"


def test_one_time_total_must_add_up() -> None:
    """Fee 100.00 + 25.00, goods 40.00 + 10.00, shipping 60.00 with 12 % within: 235.00."""
    charges = {
        "price": nok(29900),
        "setup_fee": nok(10000),
        "tax": NO_25,
        "one_time": [
            {"kind": "PRODUCT", "description": "Router", "amount": nok(4000), "tax": NO_25},
            {
                "kind": "SHIPPING",
                "description": "By post",
                "amount": nok(6000),
                "tax": {"code": "NO-12", "percent": "12", "included": True},
            },
        ],
    }
    assert len(agreed(**charges, one_time_total=nok(23500)).one_time) == 2
    assert refusal(**charges, one_time_total=nok(23499)) == "one-time-total-wrong"
    assert refusal(**charges, one_time_total={"minor": 23500, "currency": "USD"}) == (
        "one-time-total-wrong"
    )
    assert refusal(price=nok(1), one_time_total=nok(1)) == "one-time-total-wrong"


def test_price_is_needed() -> None:
    """Where nothing says it."""
    assert refusal() == "price-missing"
    with pytest.raises(msgspec.ValidationError):
        agreed(price=None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tax": {**NO_25, "percent": 25}},
        {"tax": {"code": "NO-25", "percent": "25"}},
        {"tiers": [{"up_to": 1.5, "unit_price": {"minor": 1, "currency": "NOK"}}]},
        {"meters": [{"code": "calls"}]},
        {"one_time": [{"kind": "GIFT", "description": "x", "amount": {}}]},
    ],
)
def test_other_shapes_are_errors(wrong: dict[str, Any]) -> None:
    """A rate is text: JSON's numbers are floats to many."""
    with pytest.raises(msgspec.ValidationError):
        agreed(price=nok(1), **wrong)


class TestChanges:
    """What changes of terms that are agreed to."""

    @staticmethod
    def over(old: Terms, **fields: Any) -> Terms:
        """The terms after a change."""
        return msgspec.convert(fields, ChangedTerms).new_terms().over(old)

    def test_what_is_left_out_stays(self) -> None:
        """Also what is null."""
        rate = TaxRate(code="NO-25", ppm=250_000, included=False)
        old = specimen(kind=Kind.RECURRING, variable=True, tax=rate)
        assert self.over(old, tax=None, tiers=None, meters=None, variable=None) == old

    def test_tax_comes_and_goes(self) -> None:
        """It goes when that is said, not when nothing is."""
        taxed = self.over(specimen(), tax=NO_25)
        assert taxed.tax is not None
        assert self.over(taxed, untaxed=True).tax is None
        assert self.over(taxed, quantity=2).tax == taxed.tax
        with pytest.raises(Refused) as refused:
            self.over(taxed, untaxed=True, tax=NO_25)
        assert refused.value.code == "tax-ambiguous"

    def test_tiers_bring_their_price(self) -> None:
        """And go with an empty list; another price beside old tiers cannot be agreed to."""
        tiered = self.over(specimen(), tiers=[{"unit_price": nok(700)}])
        assert (tiered.price, len(tiered.tiers)) == (Money(700, "NOK"), 1)
        check_terms(tiered)
        plain = self.over(tiered, tiers=[], price=nok(800))
        assert (plain.tiers, plain.price) == ((), Money(800, "NOK"))
        with pytest.raises(Refused) as refused:
            check_terms(self.over(tiered, price=nok(800)))
        assert refused.value.code == "tiers-malformed"
