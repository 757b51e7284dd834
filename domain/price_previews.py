"""What one period would cost, by the functions that bill. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import attrs

from domain.calendar import Period
from domain.identity import checked_id
from domain.money import Money, total
from domain.plan import Kind, Terms
from domain.plan_rules import check_terms
from domain.pricing import lines_of
from domain.refusals import Refused
from domain.schedule import schedule_of
from domain.subscription.discounting import (
    MOST_DISCOUNTS,
    Reduction,
    check_reduction,
    with_discounts,
)
from domain.subscription.events import InvoiceLine
from domain.subscription.invoicing import tax_of
from domain.subscription.metering import usage_of_period
from domain.subscription.used import Discount


@attrs.frozen(kw_only=True)
class PricePreview:
    """What one period costs. tax: a part of the total, None where no line has any."""

    period: Period
    lines: tuple[InvoiceLine, ...]
    tax: Money | None
    total: Money


def preview_price(
    start: date,
    terms: Terms,
    *,
    usage: Mapping[str, int],
    set_amount: Money | None = None,
    reductions: Sequence[Reduction] = (),
    first: bool = False,
) -> PricePreview:
    """A whole paid period from a local day on, by its quantity, its usage and what reduces it.

    usage: meter -> units. set_amount: instead of the price, where it may vary. first: with what is
    charged once.
    Refused: "meter-unknown", "usage-malformed"; "amount-fixed", "amount-negative",
        "currency-mixed"; "coupon-used" for one that comes twice; the codes of `check_terms` and
        `check_reduction`; "id-malformed"; "instalments-fixed"; "kind-schedule".
    """
    check_terms(terms)
    if not terms.scheduled:
        raise Refused("kind-schedule", f"{terms.kind.value} bills no periods")
    _check_amount(terms, set_amount)
    _check_reductions(terms, reductions)
    paid = attrs.evolve(terms, trial=None)
    if not first:
        paid = attrs.evolve(paid, setup_fee=None, one_time=())
    schedule = schedule_of(start, paid)
    period = schedule.period(1)
    lines = (
        *lines_of(paid, 1, schedule, set_amount),
        *usage_of_period(terms.meters, usage, period),
    )
    discounts = tuple(
        Discount(
            discount_number=number,
            coupon=each.coupon,
            ppm=each.ppm,
            amount=each.amount,
            granted=None,
            invoices=None,
        )
        for number, each in enumerate(reductions, start=1)
    )
    lines = with_discounts(discounts, lines)
    return PricePreview(
        period=period,
        lines=lines,
        tax=tax_of(lines),
        total=total((each.amount for each in lines), terms.currency),
    )


def _check_amount(terms: Terms, amount: Money | None) -> None:
    if amount is None:
        return
    if not terms.variable:
        raise Refused("amount-fixed", "the terms do not let the amount vary")
    if amount.currency != terms.currency:
        raise Refused("currency-mixed", f"{amount} is not in {terms.currency}")
    if amount.minor < 0:
        raise Refused("amount-negative", f"{amount} cannot be billed; grant a credit")


def _check_reductions(terms: Terms, reductions: Sequence[Reduction]) -> None:
    if reductions and terms.kind is Kind.INSTALLMENT:
        raise Refused("instalments-fixed", "instalments add up to what was agreed")
    if len(reductions) > MOST_DISCOUNTS:
        raise Refused("discount-malformed", f"a subscription has up to {MOST_DISCOUNTS} coupons")
    for each in reductions:
        checked_id("coupon", each.coupon)
        check_reduction(each, terms.currency)
    if len({each.coupon for each in reductions}) < len(reductions):
        raise Refused("coupon-used", "a coupon counts once")
