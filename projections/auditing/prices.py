"""What was agreed to pay, worked out anew: tiers, tax, and a line against its own working.

Kept apart from domain.prices, pricing, metering and discounting on purpose; see book.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import attrs

from domain.money import Money, rounded
from domain.plan import Terms
from domain.prices import Tier, Tiering
from domain.subscription.events import InvoiceLine, LineKind
from domain.taxes import TaxRate
from projections.auditing.codes import Say

_WHOLE = 1_000_000


@attrs.frozen
class Price:
    """quantity x minor x share. minor: of a unit, minor units."""

    quantity: int
    minor: int
    share: Fraction = Fraction(1)

    def of(self, share: Fraction) -> Fraction:
        """A share of it, exact."""
        return self.quantity * self.minor * self.share * share


def half_up(exact: Fraction) -> int:
    """Minor units, half away from nothing."""
    magnitude = (2 * abs(exact) + 1) // 2
    return magnitude if exact >= 0 else -magnitude


def by_tiers(quantity: int, tiers: Iterable[Tier], tiering: Tiering) -> tuple[Price, ...]:
    """What a number of units comes to: tiers are filled, or (VOLUME) one of them takes all."""
    found: list[Price] = []
    below = 0
    for tier in tiers:
        if below >= quantity:
            break
        held = quantity if tier.up_to is None else min(quantity, tier.up_to)
        if tiering is Tiering.VOLUME:
            found.clear()
            below = 0
        found.append(Price(held - below, tier.unit_price.minor, Fraction(1, tier.per)))
        if tier.flat is not None:
            found.append(Price(1, tier.flat.minor))
        below = held
    return tuple(found)


def agreed_prices(terms: Terms) -> tuple[Price, ...]:
    """What a whole period costs by its terms, where nothing else was set or stated."""
    if terms.tiers:
        return by_tiers(terms.quantity, terms.tiers, terms.tiering)
    return (Price(terms.quantity, terms.price.minor),)


# --- tax ----------------------------------------------------------------------------------------


def tax_in(stated: int, rate: TaxRate | None) -> int:
    """The tax of a stated price, minor units: on top of it, or within it."""
    if rate is None:
        return 0
    if rate.included:
        return stated - half_up(Fraction(stated * _WHOLE, _WHOLE + rate.ppm))
    return half_up(Fraction(stated * rate.ppm, _WHOLE))


def with_tax(stated: int, rate: TaxRate | None) -> int:
    """What is paid for a stated price, minor units."""
    on_top = rate is not None and not rate.included
    return stated + (tax_in(stated, rate) if on_top else 0)


def stated(line: InvoiceLine) -> int:
    """What a line's working yields, minor units; 0 where it yields nothing."""
    exact = _exact(line)
    return 0 if exact is None else half_up(exact)


def _exact(line: InvoiceLine) -> Fraction | None:
    working = line.working
    if working.denominator == 0:
        return None
    return Fraction(
        working.quantity * working.unit_price.minor * working.numerator, working.denominator
    )


def check_worked_out(line: InvoiceLine, say: Say, *, what: str) -> None:
    """A line's amount is what its own working yields, and the tax on top of it."""
    exact, tax = _exact(line), line.tax
    yields = None if exact is None else rounded(exact, line.working.unit_price.currency)
    exactly = exact is not None and exact.denominator == 1
    if (line.working.rounding == "none") != exactly:
        yields = None
    if tax is not None:
        if (line.amount if tax.rate.included else tax.net) != yields:
            say("line-wrong", f"{what}: {line.description!r} is not {line.amount}")
        elif _added(tax.net, tax.tax) != line.amount:
            say("tax-wrong", f"{what}: {tax.net} and {tax.tax} are not {line.amount}")
    elif line.amount != yields:
        say("line-wrong", f"{what}: {line.description!r} is not {line.amount}")


def _added(one: Money, other: Money) -> Money | None:
    return one + other if one.currency == other.currency else None


def check_tax(line: InvoiceLine, rate: TaxRate | None, say: Say, *, what: str) -> None:
    """A line is taxed at the rate that was agreed to, once, at the line."""
    tax = line.tax
    if (None if tax is None else tax.rate) != rate:
        named = "no rate" if rate is None else rate.code
        say("tax-wrong", f"{what}: {line.description!r} is not taxed at {named}")
    elif tax is not None and tax.tax.minor != tax_in(stated(line), rate):
        say("tax-wrong", f"{what}: {tax.tax} is not the tax of {line.description!r}")


def tax_of_lines(lines: Iterable[InvoiceLine]) -> int | None:
    """The tax that lines hold, minor units; None where none is taxed."""
    held = [line.tax.tax.minor for line in lines if line.tax is not None]
    return sum(held) if held else None


# --- lines --------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Expected:
    """A line that was agreed to. item: see InvoiceLine."""

    kind: LineKind
    price: Price
    tax: TaxRate | None
    item: str = ""


def check_line(line: InvoiceLine, agreed: Expected, say: Say, *, what: str) -> None:
    """A line against what was agreed to, field by field."""
    working, price = line.working, agreed.price
    if working.unit_price.minor != price.minor:
        say("price-not-agreed", f"{what}: {working.unit_price} a unit")
    if working.quantity != price.quantity:
        say("quantity-not-agreed", f"{what}: {working.quantity}, not {price.quantity}")
    if working.denominator != 0:
        share = Fraction(working.numerator, working.denominator)
        if share != price.share:
            say("share-wrong", f"{what}: {share} of the price of {line.description!r}")
    if line.item != agreed.item:
        say("lines-not-agreed", f"{what}: {line.description!r} is for {line.item!r}")
    check_tax(line, agreed.tax, say, what=what)


def sum_stated(lines: Iterable[Expected]) -> int:
    """What agreed lines come to before tax on top, each rounded at the line; minor units."""
    return sum(half_up(each.price.of(Fraction(1))) for each in lines)
