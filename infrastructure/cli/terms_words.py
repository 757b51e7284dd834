"""How terms are shown to people: one line for the price, and one for each thing beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.plan import Meter, Terms
    from domain.prices import Tier, Tiering
    from domain.subscription.state import Subscription
    from domain.subscription.used import Discount
    from domain.taxes import TaxRate


def terms_words(terms: Terms) -> str:
    """E.g. "29.85 USD every 1 MONTH", "74.63 USD every 1 MONTH (2 x 29.85 USD + 25 % tax NO-25)".

    The amount is with tax.
    """
    interval, tax = terms.interval, terms.tax
    text = f"{terms.amount} every {interval.count} {interval.unit.value}"
    working = ""
    if terms.tiers:
        working = f"{terms.quantity} units: {tiers_words(terms.tiers, terms.tiering)}"
    elif terms.quantity != 1:
        working = f"{terms.quantity} x {terms.price}"
    elif tax is not None:
        working = str(terms.price)
    if tax is not None:
        working += tax_words(tax)
    varies = ", unless another amount is set" if terms.variable else ""
    return f"{text} ({working}){varies}" if working else f"{text}{varies}"


def tax_words(rate: TaxRate) -> str:
    """E.g. " + 25 % tax NO-25", " with 8.875 % tax NY within"."""
    from domain.percents import percent_text

    percent = f"{percent_text(rate.ppm)} % tax {rate.code}"
    return f" with {percent} within" if rate.included else f" + {percent}"


def tiers_words(tiers: Sequence[Tier], tiering: Tiering) -> str:
    """E.g. "GRADUATED: up to 10 5.00 USD, then 3.00 USD"."""
    steps = []
    for tier in tiers:
        price = str(tier.unit_price) if tier.per == 1 else f"{tier.unit_price} for {tier.per}"
        flat = "" if tier.flat is None else f" and {tier.flat} once"
        reach = "then" if tier.up_to is None else f"up to {tier.up_to}"
        steps.append(f"{reach} {price}{flat}")
    if len(tiers) == 1:
        return steps[0].removeprefix("then ")
    return f"{tiering.value}: {', '.join(steps)}"


def more_words(terms: Terms) -> Iterator[str]:
    """What the price alone does not say."""
    if len(set(terms.instalments)) > 1:
        yield f"instalments: {', '.join(map(str, terms.instalments))}"
    elif terms.cycles is not None:
        yield f"instalments: {terms.cycles}"
    if terms.setup_fee is not None:
        tax = "" if terms.tax is None else tax_words(terms.tax)
        yield f"once: setup fee {terms.setup_fee}{tax}"
    for each in terms.one_time:
        tax = "" if each.tax is None else tax_words(each.tax)
        yield f"once: {each.description} ({each.kind.value.lower()}) {each.amount}{tax}"
    for meter in terms.meters:
        yield f"meter {_meter_words(meter)}"


def _meter_words(meter: Meter) -> str:
    prices = tiers_words(meter.tiers, meter.tiering)
    words = f"{meter.code}: {meter.description}, a {meter.unit} {prices}"
    if meter.minimum is not None:
        words += f", at least {meter.minimum}"
    if meter.cap is not None:
        words += f", at most {meter.cap}"
    return words if meter.tax is None else words + tax_words(meter.tax)


def to_come_words(state: Subscription) -> Iterator[str]:
    """What was used, set and taken off for the invoices to come."""
    from infrastructure.api.usage_messages import MeterReading

    for reading in MeterReading.all_of(state):
        used = f"{reading.quantity} {reading.unit} in {reading.reports} reports"
        yield f"used of {reading.meter}, not billed yet: {used}"
    for number, amount in state.amounts:
        yield f"set for invoice {number}: {amount}"
    for each in state.discounts:
        if each.invoices != 0:
            yield f"discount {each.coupon}: {_discount_words(each)}"


def _discount_words(discount: Discount) -> str:
    from domain.percents import percent_text

    off = str(discount.amount) if discount.ppm is None else f"{percent_text(discount.ppm)} %"
    if discount.invoices is None:
        return f"{off} off every invoice to come"
    if discount.invoices == 1:
        return f"{off} off the next invoice"
    return f"{off} off the next {discount.invoices} invoices"
