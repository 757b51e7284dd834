"""Discounts: invoices to come cost less, a percentage or an amount, never less than nothing."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.identity import checked_id
from domain.money import Money
from domain.plan import Kind
from domain.prices import Part
from domain.pricing import Share, line, stated
from domain.refusals import Refused
from domain.subscription.events import (
    DiscountEnded,
    DiscountGranted,
    InvoiceLine,
    LineKind,
    SubscriptionEvent,
)
from domain.subscription.state import Discount, Subscription
from domain.subscription.wording import checked_reason
from domain.taxes import WHOLE_PPM

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
    if not state.bills:
        raise Refused("subscription-ended", f"{state.subscription_id} is {state.status.value}")
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
    ppm, amount = wish.ppm, wish.amount
    if (ppm is None) == (amount is None):
        raise Refused("discount-malformed", "a discount is a percentage or an amount")
    if ppm is not None and (type(ppm) is not int or not 1 <= ppm <= WHOLE_PPM):
        raise Refused("discount-malformed", f"a percentage is 1 to {WHOLE_PPM} parts per million")
    if amount is not None and amount.currency != state.currency:
        raise Refused("currency-mixed", f"{state.subscription_id} is billed in {state.currency}")
    if amount is not None and amount.minor <= 0:
        raise Refused("discount-malformed", f"{amount} takes nothing off")
    invoices = wish.invoices
    if invoices is not None and (type(invoices) is not int or not 1 <= invoices <= 999):
        raise Refused("discount-malformed", "a discount reduces 1 to 999 invoices, or all")
    if not state.terms.scheduled:
        raise Refused("kind-schedule", "a discount reduces what a schedule bills")
    if state.terms.kind is Kind.INSTALLMENT:
        raise Refused("instalments-fixed", "instalments add up to what was agreed")


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
    discounts: tuple[Discount, ...], lines: tuple[InvoiceLine, ...]
) -> tuple[InvoiceLine, ...]:
    """The lines of an invoice, each followed by what the discounts take off it.

    In the order in which they were granted, each of what the one before it left: a percentage of
    every line, an amount of the lines in their order. What is charged once is not reduced.
    """
    open_ones = [each for each in discounts if each.invoices != 0]
    if not open_ones:
        return lines
    left = [0 if each.kind in _ONCE_CHARGED else stated(each).minor for each in lines]
    behind: list[list[InvoiceLine]] = [[] for _ in lines]
    for discount in open_ones:
        available = sum(left) if discount.amount is None else min(sum(left), discount.amount.minor)
        for place, reduced in enumerate(lines):
            if discount.ppm is not None:
                taken = Part(
                    quantity=-1,
                    unit_price=Money(left[place], reduced.amount.currency),
                    times=discount.ppm,
                    per=WHOLE_PPM,
                )
            else:
                minor = max(0, min(left[place], available))
                available -= minor
                taken = Part(quantity=-1, unit_price=Money(minor, reduced.amount.currency))
            off = _off(discount, reduced, taken)
            if off.amount.minor != 0:
                behind[place].append(off)
                left[place] += stated(off).minor
    return tuple(each for place, one in enumerate(lines) for each in (one, *behind[place]))


def _off(discount: Discount, reduced: InvoiceLine, taken: Part) -> InvoiceLine:
    rate = None if reduced.tax is None else reduced.tax.rate
    words = f"{discount.coupon} off {reduced.description}"
    return line(LineKind.DISCOUNT, words, taken, _OFF, rate, str(discount.discount_number))
