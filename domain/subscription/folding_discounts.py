"""Folding of discounts."""

from __future__ import annotations

from domain.copying import with_
from domain.subscription.events import DiscountEnded, DiscountGranted, InvoiceIssued, LineKind
from domain.subscription.state import Discount, Subscription


def discounted(state: Subscription, event: DiscountGranted | DiscountEnded) -> Subscription:
    """A discount comes, or reduces nothing any more."""
    match event:
        case DiscountGranted():
            discount = Discount(
                discount_number=event.discount_number,
                coupon=event.coupon,
                ppm=event.ppm,
                amount=event.amount,
                granted=event.invoices,
                invoices=event.invoices,
            )
            return with_(state, discounts=(*state.discounts, discount))
        case DiscountEnded():
            ended = tuple(
                with_(each, invoices=0) if each.discount_number == event.discount_number else each
                for each in state.discounts
            )
            return with_(state, discounts=ended)


def used_up(discounts: tuple[Discount, ...], event: InvoiceIssued) -> tuple[Discount, ...]:
    """The discounts after an invoice: one is used up where it took something off."""
    if not discounts:
        return discounts
    used = {line.item for line in event.lines if line.kind is LineKind.DISCOUNT}
    return tuple(
        with_(each, invoices=each.invoices - 1)
        if each.invoices and str(each.discount_number) in used
        else each
        for each in discounts
    )
