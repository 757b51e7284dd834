"""Tax of a line: at one rate, on top of the price or within it, rounded once at the line."""

from __future__ import annotations

from fractions import Fraction

import attrs

from domain.identity import checked_id
from domain.money import Money, rounded
from domain.refusals import Refused

WHOLE_PPM = 1_000_000


@attrs.frozen(kw_only=True)
class TaxRate:
    """A rate as it was agreed to.

    code: what the books call it, e.g. "NO-25". ppm: parts per million of the net, 250_000 is 25 %.
    included: whether prices state it (gross), or it comes on top of them (net).
    """

    code: str
    ppm: int
    included: bool


@attrs.frozen(kw_only=True)
class LineTax:
    """The tax of one line. net + tax is the line's amount, to the minor unit."""

    rate: TaxRate
    net: Money
    tax: Money


def taxed(stated: Money, rate: TaxRate) -> LineTax:
    """Net and tax of a price as it is stated, rounded half up once: the tax that comes on top of
    a net price, or the net within a gross one."""
    if rate.included:
        exact = Fraction(stated.minor * WHOLE_PPM, WHOLE_PPM + rate.ppm)
        net = rounded(exact, stated.currency)
        return LineTax(rate=rate, net=net, tax=stated - net)
    exact = Fraction(stated.minor * rate.ppm, WHOLE_PPM)
    return LineTax(rate=rate, net=stated, tax=rounded(exact, stated.currency))


def gross(stated: Money, rate: TaxRate | None) -> Money:
    """What is paid for a price as it is stated."""
    if rate is None:
        return stated
    tax = taxed(stated, rate)
    return tax.net + tax.tax


def check_rate(rate: TaxRate) -> None:
    """A rate from nothing to all of the price. Raises: Refused("tax-malformed", "id-malformed")."""
    checked_id("tax code", rate.code)
    if type(rate.ppm) is not int or not 0 <= rate.ppm <= WHOLE_PPM:
        raise Refused("tax-malformed", f"a tax rate is 0 to {WHOLE_PPM} parts per million")
