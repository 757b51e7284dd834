"""Money: whole minor units, one rounding, decimal text in and out."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.currencies import MINOR_DIGITS
from domain.money import LARGEST_MINOR, Money, decimal_text, parse_money, rounded, total, zero
from domain.refusals import Refused

AMOUNTS = st.builds(
    Money, st.integers(-LARGEST_MINOR, LARGEST_MINOR), st.sampled_from(sorted(MINOR_DIGITS))
)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("29.85", "USD", 2985),
        ("70.7", "USD", 7070),
        ("20", "USD", 2000),
        ("0.00", "NOK", 0),
        ("-1.50", "EUR", -150),
        (" 18.25 ", "USD", 1825),
        ("29.8500", "USD", 2985),
        ("500", "JPY", 500),
        ("500.00", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("1.2345", "CLF", 12345),
        (".5", "USD", 50),
        ("5.", "USD", 500),
        ("+7.10", "USD", 710),
        ("10000000000000.00", "USD", LARGEST_MINOR),
    ],
)
def test_a_decimal_is_read_exactly(text: str, currency: str, minor: int) -> None:
    """A plain decimal string gives its exact number of minor units."""
    assert parse_money(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "money-not-decimal"),
        (" ", "money-not-decimal"),
        ("NaN", "money-not-decimal"),
        ("Infinity", "money-not-decimal"),
        ("1e309", "money-not-decimal"),
        ("1e2", "money-not-decimal"),
        ("1e9999999", "money-not-decimal"),
        ("1e-9999999", "money-not-decimal"),
        ("1_000", "money-not-decimal"),
        ("1,000.00", "money-not-decimal"),
        ("12,50", "money-not-decimal"),
        ("\uff11\uff12", "money-not-decimal"),
        ("0x10", "money-not-decimal"),
        ("--1", "money-not-decimal"),
        (".", "money-not-decimal"),
        ("1\n2", "money-not-decimal"),
        ("9" * 5000, "money-too-large"),
        ("99999999999999.00", "money-too-large"),
        ("29.855", "money-too-precise"),
        ("29.850000000000000000000000000000000001", "money-too-precise"),
        ("0." + "0" * 40 + "1", "money-too-precise"),
    ],
)
def test_F36_what_is_no_plain_decimal_is_refused(text: str, code: str) -> None:
    """Nothing but a plain decimal that the currency can hold becomes money."""
    with pytest.raises(Refused) as refusal:
        parse_money(text, "USD")
    assert refusal.value.code == code
    assert len(refusal.value.reason) < 200


def test_F36_three_decimals_of_kroner_are_refused() -> None:
    """NOK has two decimals."""
    with pytest.raises(Refused, match="money-too-precise"):
        parse_money("299.005", "NOK")


@pytest.mark.parametrize("value", [1.5, True, "1", None, Fraction(1, 2)])
def test_money_is_an_integer(value: object) -> None:
    """A float, a bool or a text is no number of minor units."""
    with pytest.raises(Refused, match="money-not-integer"):
        Money(value, "USD")  # type: ignore[arg-type]


def test_money_has_a_largest_amount() -> None:
    """What bigint and JSON readers might lose is refused, on both sides of zero."""
    assert Money(LARGEST_MINOR, "USD").minor == LARGEST_MINOR
    for minor in (LARGEST_MINOR + 1, -LARGEST_MINOR - 1):
        with pytest.raises(Refused, match="money-too-large"):
            Money(minor, "USD")


@pytest.mark.parametrize("currency", ["XXX", "usd", "", "XAU", None, ["USD"]])
def test_F36_an_unknown_currency_is_refused(currency: object) -> None:
    """Only codes of the table are money."""
    with pytest.raises(Refused, match="currency-unknown"):
        Money(1, currency)  # type: ignore[arg-type]


def test_currencies_do_not_mix() -> None:
    """Adding and subtracting across currencies is refused."""
    with pytest.raises(Refused, match="currency-mixed"):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(Refused, match="currency-mixed"):
        Money(1, "USD") - Money(1, "EUR")
    with pytest.raises(Refused, match="currency-mixed"):
        total([Money(1, "USD")], "EUR")


def test_sums() -> None:
    """Sums, differences and signs are those of the integers."""
    assert total([Money(1, "USD"), Money(2, "USD")], "USD") == Money(3, "USD")
    assert total([], "JPY") == zero("JPY") == Money(0, "JPY")
    assert Money(5, "USD") - Money(7, "USD") == -Money(2, "USD")
    assert str(Money(-2985, "USD")) == "-29.85 USD"


@pytest.mark.parametrize(
    ("exact", "minor"),
    [
        (Fraction(5, 2), 3),
        (Fraction(-5, 2), -3),
        (Fraction(1, 2), 1),
        (Fraction(49, 100), 0),
        (Fraction(-49, 100), 0),
        (Fraction(2985 * 17, 31), 1637),  # 1636.935...
        (Fraction(10, 3), 3),
        (Fraction(7), 7),
    ],
)
def test_halves_are_rounded_away_from_zero(exact: Fraction, minor: int) -> None:
    """The one rounding: half up, the same on both sides of zero."""
    assert rounded(exact, "USD") == Money(minor, "USD")


@given(st.fractions(-(10**12), 10**12))
def test_rounding_moves_by_half_a_unit_at_most(exact: Fraction) -> None:
    """A rounded amount lies within half a minor unit, and a credit mirrors its charge."""
    assert abs(rounded(exact, "USD").minor - exact) <= Fraction(1, 2)
    assert rounded(-exact, "USD") == -rounded(exact, "USD")


@given(AMOUNTS)
def test_text_and_back(money: Money) -> None:
    """An amount survives its decimal text, which has the currency's decimals."""
    text = decimal_text(money)
    assert parse_money(text, money.currency) == money
    digits = MINOR_DIGITS[money.currency]
    assert -Decimal(text).as_tuple().exponent == digits  # type: ignore[operator]


def test_fewer_decimals_are_exact_or_refused() -> None:
    """PayPal takes no decimals for HUF: what needs them is refused, never rounded."""
    assert decimal_text(Money(150000, "HUF"), 0) == "1500"
    assert decimal_text(Money(150000, "HUF"), 3) == "1500.000"
    with pytest.raises(Refused, match="money-needs-decimals"):
        decimal_text(Money(150050, "HUF"), 0)
