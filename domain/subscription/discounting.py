"""Discounts: invoices to come cost less, a percentage or an amount, never less than nothing."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.identity import checked_id
from domain.money import Money
from domain.plan import Kind
from domain.prices import Part
from domain.pricing import AS_GIVEN_BACK, Share, line, stated
from domain.refusals import Refused
from domain.subscription.events import (
    SETTLED,
    DiscountEnded,
    DiscountGranted,
    InvoiceLine,
    LineKind,
    SubscriptionEvent,
)
from domain.subscription.standing import check_not_ended
from domain.subscription.state import Subscription
from domain.subscription.used import Discount
from domain.subscription.wording import checked_reason
from domain.taxes import WHOLE_PPM, LineTax, TaxRate, taxed

MOST_DISCOUNTS = 50
_ONCE_CHARGED = (LineKind.SETUP_FEE, LineKind.PRODUCT, LineKind.SHIPPING)
_OFF = Share(numerator=1, denominator=1, days=0, policy="discount")


@attrs.frozen(kw_only=True)
class Reduction:
    """The wish to reduce invoices; see DiscountGranted for the fields."""

    coupon: str
    ppm: int | None = None
    amount: Money | None = None
    invoices: int | None = None
    reason: str


def grant_discount(
    state: Subscription, wish: Reduction, *, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """Reduce invoices to come. Quiet when this coupon was granted with the same values before.

    Refused: "coupon-used" where it was granted with others; "discount-malformed"; "currency-mixed";
        "instalments-fixed"; "kind-schedule" where no periods are billed; "subscription-ended";
        "id-malformed"; "reason-malformed".
    """
    checked_reason(wish.reason)
    checked_id("coupon", wish.coupon)
    _check(state, wish)
    for each in state.discounts:
        if each.coupon == wish.coupon:
            if (each.ppm, each.amount, each.granted) == (wish.ppm, wish.amount, wish.invoices):
                return ()
            raise Refused("coupon-used", f"{wish.coupon} was granted with other values")
    check_not_ended(state)
    if len(state.discounts) >= MOST_DISCOUNTS:
        raise Refused("discount-malformed", f"a subscription has up to {MOST_DISCOUNTS} coupons")
    return (
        DiscountGranted(
            customer_id=state.customer_id,
            discount_number=len(state.discounts) + 1,
            coupon=wish.coupon,
            ppm=wish.ppm,
            amount=wish.amount,
            invoices=wish.invoices,
            reason=wish.reason,
            effective_at=now,
        ),
    )


def _check(state: Subscription, wish: Reduction) -> None:
    check_reduction(wish, state.currency)
    if not state.terms.scheduled:
        raise Refused("kind-schedule", "a discount reduces what a schedule bills")
    if state.terms.kind is Kind.INSTALLMENT:
        raise Refused("instalments-fixed", "instalments add up to what was agreed")


def check_reduction(wish: Reduction, currency: str) -> None:
    """Raises: Refused("discount-malformed"), Refused("currency-mixed")."""
    ppm, amount = wish.ppm, wish.amount
    if (ppm is None) == (amount is None):
        raise Refused("discount-malformed", "a discount is a percentage or an amount")
    if ppm is not None and (type(ppm) is not int or not 1 <= ppm <= WHOLE_PPM):
        raise Refused("discount-malformed", f"a percentage is 1 to {WHOLE_PPM} parts per million")
    if amount is not None and amount.currency != currency:
        raise Refused("currency-mixed", f"{amount} is not in {currency}")
    if amount is not None and amount.minor <= 0:
        raise Refused("discount-malformed", f"{amount} takes nothing off")
    invoices = wish.invoices
    if invoices is not None and (type(invoices) is not int or not 1 <= invoices <= 999):
        raise Refused("discount-malformed", "a discount reduces 1 to 999 invoices, or all")


def end_discount(
    state: Subscription, coupon: str, *, reason: str, now: datetime
) -> tuple[SubscriptionEvent, ...]:
    """Reduce no further invoice by a coupon. Quiet when it is used up or ended.

    Refused: "coupon-unknown"; "reason-malformed".
    """
    checked_reason(reason)
    found = next((each for each in state.discounts if each.coupon == coupon), None)
    if found is None:
        raise Refused("coupon-unknown", f"{coupon[:64]!r} was not granted")
    if found.invoices == 0:
        return ()
    return (
        DiscountEnded(
            customer_id=state.customer_id,
            discount_number=found.discount_number,
            reason=reason,
            effective_at=now,
        ),
    )


def with_discounts(
    discounts: tuple[Discount, ...],
    lines: tuple[InvoiceLine, ...],
    waiting: tuple[InvoiceLine, ...] = (),
) -> tuple[InvoiceLine, ...]:
    """The lines of an invoice, each followed by what the discounts take off it.

    In the order in which they were granted, each of what the one before it left: a percentage of
    every line, an amount of the lines in their order. What is charged once is not reduced, nor
    days that are charged again at what a discount had left of them, nor what is settled for an
    invoice before. Tax is of what is left.

    waiting: the lines that waited for this invoice, behind the others. Those that stand for days
    given back before a discount was granted are not reduced by it.
    """
    bills = [_Bill(lines=(each,), left=_reducible(each)) for each in lines]
    bills += [_Bill((each,), _reducible(each), place) for place, each in enumerate(waiting)]
    for discount in discounts:
        if discount.invoices != 0:
            bills = _less(bills, discount)
    return tuple(line for bill in bills for line in bill.lines)


@attrs.frozen
class _Bill:
    """A line and what is taken off it.

    left: of its stated price, minor units. place: among those that waited, from 0; or None.
    """

    lines: tuple[InvoiceLine, ...]
    left: int
    place: int | None = None

    def reducible(self, discount: Discount) -> int:
        """What a discount may take off, minor units."""
        spared = self.place is not None and self.place < discount.spares
        return 0 if spared else self.left

    @property
    def to_pay(self) -> int:
        """With tax, minor units."""
        return sum(each.amount.minor for each in self.lines)


def _reducible(line: InvoiceLine) -> int:
    if line.kind in _ONCE_CHARGED or line.item == AS_GIVEN_BACK or line.working.policy == SETTLED:
        return 0
    return stated(line).minor


def _less(bills: list[_Bill], discount: Discount) -> list[_Bill]:
    if discount.amount is None:
        reduced = [_percent_off(each, discount) for each in bills]
        return bills if _to_pay(reduced) < 0 else reduced
    limit = min(discount.amount.minor, sum(each.reducible(discount) for each in bills))
    # Lines that give back, and their tax, are rounded, too: what that takes is not taken twice.
    while _to_pay(reduced := _amount_off(bills, discount, limit)) < 0 < limit:
        limit = max(0, limit + _to_pay(reduced))
    return reduced


def _to_pay(bills: list[_Bill]) -> int:
    return sum(each.to_pay for each in bills)


def _percent_off(bill: _Bill, discount: Discount) -> _Bill:
    assert discount.ppm is not None
    price = Money(bill.reducible(discount), bill.lines[0].amount.currency)
    return _off(
        bill, discount, Part(quantity=-1, unit_price=price, times=discount.ppm, per=WHOLE_PPM)
    )


def _amount_off(bills: list[_Bill], discount: Discount, limit: int) -> list[_Bill]:
    reduced = []
    for bill in bills:
        minor = max(0, min(bill.reducible(discount), limit))
        limit -= minor
        price = Money(minor, bill.lines[0].amount.currency)
        reduced.append(_off(bill, discount, Part(quantity=-1, unit_price=price)))
    return reduced


def _off(bill: _Bill, discount: Discount, taken: Part) -> _Bill:
    """The line with one more behind it, if that takes anything off."""
    reduced, number = bill.lines[0], str(discount.discount_number)
    words = f"{discount.coupon} off {reduced.description}"
    off = line(LineKind.DISCOUNT, words, taken, _OFF, None, number)
    minor = off.amount.minor
    if minor == 0:
        return bill
    if reduced.tax is not None:
        off = _with_tax(off, bill.left, reduced.tax.rate)
    return _Bill((*bill.lines, off), bill.left + minor, bill.place)


def _with_tax(off: InvoiceLine, left: int, rate: TaxRate) -> InvoiceLine:
    """The tax of what is left less, to the minor unit: what is free is free of tax."""
    currency = off.amount.currency
    before, after = (
        taxed(Money(minor, currency), rate) for minor in (left, left + off.amount.minor)
    )
    tax = LineTax(rate=rate, net=after.net - before.net, tax=after.tax - before.tax)
    return attrs.evolve(off, amount=tax.net + tax.tax, tax=tax)
