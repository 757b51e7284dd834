"""Money: an integer of minor units with its currency.

Fractions stay exact (`fractions.Fraction`) until `rounded`, the one place where money is rounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import cache

import attrs

from domain.currencies import minor_digits
from domain.refusals import Refused

# What PostgreSQL's bigint and JSON readers hold without loss, and far above any invoice.
LARGEST_MINOR = 10**15


@attrs.frozen(order=False)
class Money:
    """An amount in one currency.

    minor: minor units (cents, øre; whole yen), may be negative.
    currency: ISO 4217 code.

    The one value that is judged wherever it is made, so also when a stored fact is read: what is
    no integer of a known currency cannot be added up, and books must not be made from it. Such a
    fact is set aside as unreadable. Every other rule belongs to a decision, which may change.
    Raises: Refused("money-not-integer"), Refused("money-too-large"), Refused("currency-unknown").
    """

    minor: int
    currency: str

    def __attrs_post_init__(self) -> None:
        # One call, not a validator a field: facts that are read are full of money.
        value = self.minor
        if type(value) is not int:
            raise Refused("money-not-integer", f"money is an integer of minor units, not {value!r}")
        if not -LARGEST_MINOR <= value <= LARGEST_MINOR:
            raise Refused("money-too-large", f"{value} minor units is beyond {LARGEST_MINOR}")
        minor_digits(self.currency)

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __str__(self) -> str:
        return f"{decimal_text(self)} {self.currency}"

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise Refused("currency-mixed", f"cannot add {self.currency} and {other.currency}")


@cache
def zero(currency: str) -> Money:
    """Nothing, in a currency."""
    return Money(0, currency)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of amounts that are all in `currency`; zero when there are none."""
    result = zero(currency)
    for amount in amounts:
        result = result + amount
    return result


def rounded(exact: Fraction, currency: str) -> Money:
    """An exact number of minor units, rounded half up (away from zero) to a whole one."""
    magnitude = abs(exact)
    whole = (2 * magnitude.numerator + magnitude.denominator) // (2 * magnitude.denominator)
    return Money(whole if exact >= 0 else -whole, currency)


def decimal_text(money: Money, digits: int | None = None) -> str:
    """The amount as a decimal string, e.g. Money(2985, "USD") -> "29.85".

    digits: decimals to show; by default those of ISO 4217. A provider that takes fewer (PayPal
        takes none for HUF and TWD) gets an exact string or a refusal, never a rounded one.
    """
    exponent = minor_digits(money.currency)
    shown = exponent if digits is None else digits
    value = Decimal(money.minor).scaleb(-exponent)
    text = f"{value:.{shown}f}"
    if Decimal(text) != value:
        raise Refused("money-needs-decimals", f"{value} {money.currency} needs {exponent} decimals")
    return text


_PLAIN_DECIMAL = re.compile(r"([+-]?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?")


def parse_money(text: str, currency: str) -> Money:
    """Money from a decimal string such as "29.85" or "70.7"; never from a float.

    Raises: Refused("money-not-decimal") for anything but ASCII digits with a sign and a point;
        Refused("money-too-precise") for more decimals than the currency has;
        Refused("money-too-large").
    """
    match = _PLAIN_DECIMAL.fullmatch(text.strip())
    if match is None:
        raise Refused("money-not-decimal", f"{text[:40]!r} is not a plain decimal number")
    sign, whole, fraction = match[1], match[2].lstrip("0"), (match[3] or "").rstrip("0")
    digits = minor_digits(currency)
    if len(fraction) > digits:
        raise Refused("money-too-precise", f"{text[:40]!r} has too many decimals for {currency}")
    if len(whole) > len(str(LARGEST_MINOR)):
        raise Refused("money-too-large", f"{text[:40]!r} is beyond {LARGEST_MINOR} minor units")
    return Money(int(f"{sign}0{whole}{fraction.ljust(digits, '0')}"), currency)
