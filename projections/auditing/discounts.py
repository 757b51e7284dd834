"""Discounts: granted and ended once, and what they take off each line, worked out anew."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import attrs

from domain.plan import Kind
from domain.subscription.events import (
    DiscountEnded,
    DiscountGranted,
    InvoiceIssued,
    InvoiceLine,
    LineKind,
)
from projections.auditing.book import Book, Coupon
from projections.auditing.codes import Say
from projections.auditing.prices import check_worked_out, half_up, stated, tax_in, with_tax

_NOT_REDUCED = (LineKind.SETUP_FEE, LineKind.PRODUCT, LineKind.SHIPPING)
_GIVEN_BACK_BEFORE = "as-given-back"
_WHOLE = 1_000_000


def check_granted(book: Book, event: DiscountGranted, say: Say) -> None:
    """A discount is the next one, takes something off, and its coupon counts once."""
    number, coupon = event.discount_number, event.coupon
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"discount {number} is for {event.customer_id}")
    if number != len(book.coupons) + 1:
        say("discount-number-wrong", f"discount {number} after {len(book.coupons)}")
    if any(each.name == coupon for each in book.coupons.values()):
        say("coupon-doubled", f"{coupon} was granted before")
    percent = event.ppm is not None and 1 <= event.ppm <= _WHOLE
    amount = event.amount is not None and event.amount.minor > 0
    count = event.invoices is None or event.invoices >= 1
    one_of_two = (event.ppm is None) != (event.amount is None)
    instalments = book.beginning.terms.kind is Kind.INSTALLMENT
    if not (one_of_two and (percent or amount) and count) or instalments or book.has_ended:
        say("discount-malformed", f"{coupon}: {event.ppm} ppm or {event.amount}")
    if event.amount is not None and event.amount.currency != book.beginning.currency:
        say("currency-mixed", f"discount {number} of {event.amount}")
    minor = None if event.amount is None else event.amount.minor
    book.coupons[number] = Coupon(coupon, event.ppm, minor, event.invoices, book.given_back)


def check_ended(book: Book, event: DiscountEnded, say: Say) -> None:
    """Only a discount that still reduces something ends."""
    coupon = book.coupons.get(event.discount_number)
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"discount {event.discount_number} of {event.customer_id}")
    if coupon is None or coupon.left == 0:
        say("discount-end-wrong", f"discount {event.discount_number} is not open")
    if coupon is not None:
        coupon.left = 0


@attrs.define
class Reduced:
    """A line of an invoice and the discounts that stand behind it."""

    line: InvoiceLine
    off: list[InvoiceLine]

    @property
    def left(self) -> int:
        """Of its stated price, minor units."""
        return stated(self.line) + sum(stated(each) for each in self.off)


def takes_off(line: InvoiceLine) -> bool:
    """Whether a line reduces the one it follows; not what is settled for an invoice before."""
    return line.kind is LineKind.DISCOUNT and line.working.policy != "settled"


def grouped(lines: Sequence[InvoiceLine]) -> list[Reduced]:
    """The lines of an invoice, each with its discounts. The first one is never a discount."""
    found: list[Reduced] = []
    for line in lines:
        if takes_off(line) and found:
            found[-1].off.append(line)
        else:
            found.append(Reduced(line, []))
    return found


def reductions(
    lines: Sequence[InvoiceLine], coupons: dict[int, Coupon], waited: int
) -> list[dict[int, int]]:
    """What each open discount takes off each line, by its number; stated minor units.

    waited: how many of the last lines waited for their invoice.
    """
    prices = [0 if never_reduced(line) else stated(line) for line in lines]
    return taken_off(prices, coupons, waited)


def taken_off(
    prices: Sequence[int], coupons: dict[int, Coupon], waited: int
) -> list[dict[int, int]]:
    """The same of prices, minor units."""
    first = len(prices) - waited
    left = list(prices)
    taken: list[dict[int, int]] = [{} for _ in left]
    for number, coupon in sorted(coupons.items()):
        if coupon.left == 0:
            continue
        spared = range(first, first + coupon.spares)
        mine = [0 if place in spared else price for place, price in enumerate(left)]
        budget = sum(mine) if coupon.minor is None else min(coupon.minor, sum(mine))
        for place, price in enumerate(mine):
            if coupon.ppm is not None:
                off = half_up(Fraction(price * coupon.ppm, _WHOLE))
            else:
                off = max(0, min(price, budget))
                budget -= off
            if off != 0:
                taken[place][number] = off
                left[place] -= off
    return taken


def never_reduced(line: InvoiceLine) -> bool:
    """What is charged once, or stands as it was settled before."""
    settled = line.item == _GIVEN_BACK_BEFORE or line.working.policy == "settled"
    return settled or line.kind in _NOT_REDUCED


def share_left(lines: Sequence[InvoiceLine], coupons: dict[int, Coupon]) -> Fraction:
    """Which part of lines that wait discounts would leave to pay, if they were billed alone."""
    whole = sum(stated(line) for line in lines if not never_reduced(line))
    off = sum(sum(each.values()) for each in reductions(lines, coupons, len(lines)))
    return Fraction(1) if whole == 0 else 1 - Fraction(off, whole)


def check_discounts(book: Book, event: InvoiceIssued, say: Say) -> None:
    """Each line is followed by what the open discounts take off it, in order, with its tax."""
    what, groups = f"invoice {event.invoice_number}", grouped(event.lines)
    if not book.coupons and all(not each.off for each in groups):
        return
    bases = [each.line for each in groups]
    expected = reductions(bases, book.coupons, 0 if event.demand else len(book.lines_to_come))
    actual = [{_number(line): -stated(line) for line in each.off} for each in groups]
    listed = all(len(each.off) == len(off) for each, off in zip(groups, actual, strict=True))
    # Where roundings would make it less than nothing, less is taken off.
    if not listed or (actual != expected and not _below_nothing(bases, expected)):
        say("discount-wrong", f"{what}: {actual} was taken off, not {expected}")
    for each in groups:
        _check_off(each, book.coupons, say, what=what)
    for number in {number for each in actual for number in each}:
        coupon = book.coupons.get(number)
        if coupon is None or coupon.left == 0:
            say("discount-wrong", f"{what}: discount {number} is not open")
        elif coupon.left is not None:
            coupon.left -= 1


def _number(line: InvoiceLine) -> int:
    return int(line.item) if line.item.isdigit() else 0


def _below_nothing(bases: list[InvoiceLine], taken: list[dict[int, int]]) -> bool:
    """Whether an invoice would come to less than nothing after one of its discounts."""
    numbers = {number for each in taken for number in each}
    return any(_to_pay(bases, taken, number) < 0 for number in numbers)


def _to_pay(bases: list[InvoiceLine], taken: list[dict[int, int]], last: int) -> int:
    to_pay = 0
    for line, off in zip(bases, taken, strict=True):
        rate = None if line.tax is None else line.tax.rate
        left = stated(line) - sum(minor for number, minor in off.items() if number <= last)
        to_pay += with_tax(left, rate)
    return to_pay


def _check_off(reduced: Reduced, coupons: dict[int, Coupon], say: Say, *, what: str) -> None:
    """What was granted of what was left, and the tax of that, to the minor unit."""
    tax = reduced.line.tax
    rate, left = None if tax is None else tax.rate, stated(reduced.line)
    for off in reduced.off:
        check_worked_out(off, say, what=what)
        before, left = left, left + stated(off)
        coupon = coupons.get(_number(off))
        if (
            coupon is not None
            and coupon.ppm is not None
            and _share(off) != (before, Fraction(coupon.ppm))
        ):
            say("discount-wrong", f"{what}: {off.description!r} is not {coupon.ppm} ppm")
        held = None if off.tax is None else (off.tax.rate, off.tax.tax.minor)
        fits = None if rate is None else (rate, tax_in(left, rate) - tax_in(before, rate))
        if held != fits:
            say("tax-wrong", f"{what}: {off.description!r} is taxed otherwise than its line")


def _share(off: InvoiceLine) -> tuple[int, Fraction]:
    """Of which price how many parts per million were taken off."""
    working = off.working
    share = Fraction(-working.quantity * working.numerator * _WHOLE, working.denominator or 1)
    return working.unit_price.minor, share
