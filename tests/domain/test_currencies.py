"""The table of currencies against the list that ISO 4217's agency publishes."""

from __future__ import annotations

import iso4217
import pytest

from domain.currencies import MINOR_DIGITS, minor_digits
from domain.refusals import Refused


def test_the_table_is_iso_4217s() -> None:
    """Every code with a minor unit is there, with its decimals, and no other code is."""
    published = {each.code: each.exponent for each in iso4217.Currency if each.exponent is not None}
    assert published == MINOR_DIGITS


@pytest.mark.parametrize(
    ("currency", "digits"), [("USD", 2), ("NOK", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)]
)
def test_decimals(currency: str, digits: int) -> None:
    """One example of each number of decimals."""
    assert minor_digits(currency) == digits


@pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "nok", "", "N" * 10_000, 578])
def test_other_codes_are_refused(code: object) -> None:
    """Gold, test codes and nonsense are no currency; the refusal stays short."""
    with pytest.raises(Refused) as refusal:
        minor_digits(code)  # type: ignore[arg-type]
    assert refusal.value.code == "currency-unknown"
    assert len(refusal.value.reason) < 80
