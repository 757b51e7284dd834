"""What other usage changes on an invoice that was issued: to the minor unit what the invoice would
come to with it, less what it comes to without.

The discounts are those that the invoice was issued under, whatever has become of them since: a
coupon that has ended goes on counting for its own time, a later one does not reach back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from domain.calendar import local_day
from domain.money import Money
from domain.plan import Meter
from domain.prices import Part
from domain.pricing import Share, given_back, line, stated
from domain.subscription.discounting import with_discounts
from domain.subscription.events import SETTLED, InvoiceLine, LineKind
from domain.subscription.folding_discounts import reduces
from domain.subscription.state import Subscription
from domain.subscription.usage_pricing import FREE, billed, first_day, usage_line
from domain.subscription.used import Bill, Counted, Usage
from domain.taxes import LineTax, TaxRate

_CHANGED = Share(numerator=1, denominator=1, days=0, policy=SETTLED)
# Which price a line counts units at; the last is 1 for a second tier of the same price.
_Price = tuple[LineKind, bool, Money, int, int]
# The number of a discount, and the rate of the lines that it reduces.
_Off = tuple[str, TaxRate | None]


def difference(
    state: Subscription, stretch: Counted, usage: Sequence[Usage], why: str
) -> tuple[InvoiceLine, ...]:
    """What other usage in a billed stretch adds to what was billed for it, or takes away.

    To the minor unit what the whole invoice costs more or less, in price and in tax: many small
    reports add up to what one of all would have cost, and what is taken back is what was paid.
    """
    end = local_day(stretch.ends, state.zone)
    words = f"{why}, {first_day(state, stretch)} to {end} (end exclusive)"
    restated = attrs.evolve(stretch, usage=tuple(usage))
    lines = tuple(
        each
        for meter in stretch.meters
        for each in _by_meter(stretch, restated, meter, words)
        if each.amount.minor != 0
    )
    return (*lines, *_less_off(state, stretch, restated, words)) if lines else ()


def _by_meter(before: Counted, after: Counted, meter: Meter, words: str) -> Iterator[InvoiceLine]:
    """Before discounts, at each price of a meter: the units more or less."""
    units_now, units_then = _by_price(after, meter), _by_price(before, meter)
    for price in dict.fromkeys((*units_now, *units_then)):
        now, then = units_now.get(price, 0), units_then.get(price, 0)
        whole, was, change = (
            _at(price, meter, words, quantity) for quantity in (now, then, now - then)
        )
        if _is_between(change, was, whole):
            yield change
        else:  # a fraction of a minor unit a piece: the whole now, less what was billed
            yield whole
            yield given_back(was)


def _is_between(change: InvoiceLine, was: InvoiceLine, whole: InvoiceLine) -> bool:
    """Whether a line takes one to the other, in price and in tax."""
    return (stated(was) + stated(change), _tax(was) + _tax(change)) == (stated(whole), _tax(whole))


def _tax(each: InvoiceLine) -> Money:
    return Money(0, each.amount.currency) if each.tax is None else each.tax.tax


def _by_price(stretch: Counted, meter: Meter) -> dict[_Price, int]:
    """How many units of a meter a stretch bills at each price."""
    units: dict[_Price, int] = {}
    for each in billed(stretch, meter, ""):
        working, tier = each.working, 0
        while True:
            price = (each.kind, stretch.free, working.unit_price, working.denominator, tier)
            if price not in units:
                break
            tier += 1
        units[price] = working.quantity
    return units


def _at(price: _Price, meter: Meter, words: str, quantity: int) -> InvoiceLine:
    kind, free, unit_price, per, _ = price
    part = Part(quantity=quantity, unit_price=unit_price, per=per)
    return usage_line(kind, meter, words, part, FREE if free else _CHANGED)


# --- discounts ----------------------------------------------------------------------------------


@attrs.frozen
class _Taken:
    """What a discount takes off lines of one rate, minor units, not below nothing in sum: of their
    stated price, and of its net and tax."""

    stated: int = 0
    net: int = 0
    tax: int = 0

    def with_(self, off: InvoiceLine) -> _Taken:
        """One line more, which takes something off."""
        net, tax = (0, 0) if off.tax is None else (off.tax.net.minor, off.tax.tax.minor)
        return _Taken(self.stated - stated(off).minor, self.net - net, self.tax - tax)


def _less_off(
    state: Subscription, before: Counted, after: Counted, words: str
) -> Iterator[InvoiceLine]:
    """What each discount of the invoice takes off more or less, by the rate of tax."""
    bill = before.bill
    assert bill is not None, "the next invoice bills what no invoice has billed"
    if not bill.discounts:
        return
    beside = [each for each in state.counted if _is_on(each, bill)]
    then = _taken_off(bill, beside)
    now = _taken_off(bill, [after if each == before else each for each in beside])
    coupons = {str(each.discount_number): each.coupon for each in bill.discounts}
    for off in dict.fromkeys((*now, *then)):
        new, old = now.get(off, _Taken()), then.get(off, _Taken())
        if new != old:
            yield _changed(off, new, old, f"{coupons[off[0]]}, {words}", state.currency)


def _is_on(stretch: Counted, bill: Bill) -> bool:
    return stretch.bill is not None and stretch.bill.invoice_number == bill.invoice_number


def _taken_off(bill: Bill, stretches: Sequence[Counted]) -> dict[_Off, _Taken]:
    """What discounts take off the whole invoice, with the usage of these stretches on it."""
    usage = (
        each
        for stretch in stretches
        for meter in stretch.meters
        for each in billed(stretch, meter, "")
    )
    found: dict[_Off, _Taken] = {}
    for each in with_discounts(bill.discounts, (*bill.before, *usage), bill.after):
        if reduces(each):
            off = (each.item, None if each.tax is None else each.tax.rate)
            found[off] = found.get(off, _Taken()).with_(each)
    return found


def _changed(off: _Off, new: _Taken, old: _Taken, words: str, currency: str) -> InvoiceLine:
    """A line for what is taken off more; its tax is that of the lines it reduces."""
    number, rate = off
    more = new.stated - old.stated
    now, then = Money(new.stated, currency), Money(old.stated, currency)
    said = f"{words}: {now} off the invoice instead of {then}"
    part = Part(quantity=-1 if more > 0 else 1, unit_price=Money(abs(more), currency))
    found = line(LineKind.DISCOUNT, said, part, _CHANGED, None, number)
    if rate is None:
        return found
    net, tax = Money(old.net - new.net, currency), Money(old.tax - new.tax, currency)
    return attrs.evolve(found, amount=net + tax, tax=LineTax(rate=rate, net=net, tax=tax))
