"""Folding of discounts."""

from __future__ import annotations

from domain.copying import with_
from domain.subscription.events import (
    OF_USAGE,
    SETTLED,
    DiscountEnded,
    DiscountGranted,
    InvoiceIssued,
    InvoiceLine,
    LineKind,
)
from domain.subscription.state import Subscription
from domain.subscription.used import Bill, Discount

# What the terms give an invoice; usage follows it, and then what waited.
_OWN = (
    LineKind.PERIOD,
    LineKind.TRIAL,
    LineKind.SETUP_FEE,
    LineKind.PRODUCT,
    LineKind.SHIPPING,
)


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
                spares=state.given_back,
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
    used = _used(event)
    return tuple(
        with_(each, invoices=each.invoices - 1)
        if each.invoices and str(each.discount_number) in used
        else each
        for each in discounts
    )


def nothing_waits(discounts: tuple[Discount, ...]) -> tuple[Discount, ...]:
    """The discounts once what waited is billed."""
    return tuple(with_(each, spares=0) if each.spares else each for each in discounts)


def _used(event: InvoiceIssued) -> set[str]:
    """The numbers of the discounts that took something off an invoice."""
    return {line.item for line in event.lines if reduces(line)}


def reduces(line: InvoiceLine) -> bool:
    """Whether a line takes something off the invoice that it stands on, not off an earlier one."""
    return line.kind is LineKind.DISCOUNT and line.working.policy != SETTLED


def bill_of(discounts: tuple[Discount, ...], event: InvoiceIssued) -> Bill:
    """What is remembered of an invoice, to work it out anew under the discounts it had.

    discounts: as they stood when it was issued. One for a number of invoices counts where it took
    something off: it is used up by those invoices, and reduces no other.
    """
    used = _used(event)
    in_force = tuple(
        with_(each, invoices=None)
        for each in discounts
        if each.invoices is None or (each.invoices and str(each.discount_number) in used)
    )
    if not in_force:
        return Bill(invoice_number=event.invoice_number)
    lines = [each for each in event.lines if not reduces(each)]
    return Bill(
        invoice_number=event.invoice_number,
        before=tuple(each for each in lines if each.kind in _OWN),
        after=tuple(each for each in lines if each.kind not in _OWN and not _is_used(each)),
        discounts=in_force,
    )


def _is_used(line: InvoiceLine) -> bool:
    """Whether a line bills usage of the invoice's own time."""
    return line.kind in OF_USAGE and line.working.policy != SETTLED
