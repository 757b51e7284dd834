"""Faults planted in tax, usage, discounts and set amounts; see plants_of_changes.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from domain.money import Money
from domain.subscription import events as e
from tests.projections import scenes_of_prices as s
from tests.projections.forging import DAY, changed, doubled, dropped, followed, foreign, more
from tests.projections.forging_prices import (
    again_under,
    before_the_last,
    each,
    has,
    later_than_all,
    number,
    other_rate,
    relined,
    scaled,
    taxed_more,
    turned,
    untaxed,
    with_coupon,
    without,
)
from tests.projections.plants_of_changes import Plant

_KIND = e.LineKind

PRICED: list[Plant] = [
    ("a minor unit more of tax", "tax-wrong", s.taxed,
     relined(e.InvoiceIssued, each(_KIND.PERIOD, taxed_more))),
    ("a minor unit more of tax within", "tax-wrong", s.taxed_within,
     relined(e.InvoiceIssued, each(_KIND.PERIOD, taxed_more))),
    ("tax left out", "tax-wrong", s.taxed, relined(e.InvoiceIssued, each(_KIND.PERIOD, untaxed))),
    ("tax of the setup fee left out", "tax-wrong", s.taxed,
     relined(e.InvoiceIssued, each(_KIND.SETUP_FEE, untaxed))),
    ("within taken for on top", "tax-wrong", s.taxed_within,
     relined(e.InvoiceIssued, each(_KIND.PERIOD, other_rate))),
    ("tax that does not add up", "tax-wrong", s.taxed,
     relined(e.InvoiceIssued, each(_KIND.PERIOD, lambda line: attrs.evolve(
         line, amount=more(line.amount))))),
    ("the sum of the tax", "tax-total-wrong", s.taxed,
     changed(e.InvoiceIssued, tax=lambda event: more(event.tax))),
    ("the sum of the tax left out", "tax-total-wrong", s.taxed,
     changed(e.InvoiceIssued, tax=lambda _: None)),
    ("tax in francs", "currency-mixed", s.taxed,
     changed(e.InvoiceIssued, lines=lambda event: (attrs.evolve(
         event.lines[0], tax=attrs.evolve(
             event.lines[0].tax, tax=foreign(event.lines[0].tax.tax))), *event.lines[1:]))),
    ("one seat in the wrong tier", "quantity-not-agreed", s.once_and_tiers,
     relined(e.InvoiceIssued, lambda lines: (
         scaled(lines[0], 3), scaled(lines[1], 2), *lines[2:]))),
    ("a tier left out", "lines-not-agreed", s.once_and_tiers,
     relined(e.InvoiceIssued, lambda lines: (lines[0], *lines[2:]))),
    ("a router twice", "lines-not-agreed", s.once_and_tiers,
     relined(e.InvoiceIssued, lambda lines: (*lines, lines[-2]))),
    ("a tier of the rest left out", "parts-wrong", s.once_and_tiers,
     relined(e.TermsChanged, lambda lines: lines[1:])),
    ("a tier of the rest not given back", "parts-wrong", s.once_and_tiers,
     relined(e.CreditGranted, lambda lines: lines[1:])),
    ("the first instalment twice", "price-not-agreed", s.stated_instalments,
     relined(e.InvoiceIssued, lambda lines: (attrs.evolve(
         lines[0], amount=Money(3334, "NOK"), working=attrs.evolve(
             lines[0].working, unit_price=Money(3334, "NOK"))),), number(2))),
    ("another amount than was set", "price-not-agreed", s.amount_set,
     changed(e.AmountSet, amount=lambda event: more(event.amount))),
    ("the amount that was set is lost", "price-not-agreed", s.amount_set, dropped(e.AmountSet)),
    ("set after it was billed", "amount-set-wrong", s.amount_set, later_than_all(e.AmountSet)),
    ("set below nothing", "amount-set-wrong", s.amount_set,
     changed(e.AmountSet, amount=lambda event: -event.amount)),
    ("set for the invoice after", "amount-set-wrong", s.amount_set,
     changed(e.AmountSet, invoice_number=lambda event: event.invoice_number + 1)),
    ("set in francs", "currency-mixed", s.amount_set,
     changed(e.AmountSet, amount=lambda event: foreign(event.amount))),
    ("another customer's amount", "customer-mixed", s.amount_set,
     changed(e.AmountSet, customer_id=lambda _: "someone")),
]  # fmt: skip

USED: list[Plant] = [
    ("a report taken out", "usage-billed-wrong", s.usage_in_time, dropped(e.UsageReported)),
    ("a GB more than reported", "usage-billed-wrong", s.usage_in_time,
     changed(e.UsageReported, quantity=lambda event: event.quantity + 1)),
    ("usage of the next period billed now", "usage-billed-wrong", s.usage_in_time,
     changed(e.UsageReported, effective_at=lambda event: event.effective_at + 19 * DAY)),
    ("usage left off the invoice", "usage-billed-wrong", s.usage_in_time,
     relined(e.InvoiceIssued, without(_KIND.USAGE), has(_KIND.USAGE))),
    ("usage twice on the invoice", "usage-billed-wrong", s.usage_in_time,
     relined(e.InvoiceIssued, lambda lines: (*lines, lines[-1]), has(_KIND.USAGE))),
    ("one GB in the wrong tier", "usage-billed-wrong", s.usage_in_time,
     relined(e.InvoiceIssued, lambda lines: (
         lines[0], scaled(lines[1], 101), scaled(lines[2], 49)), has(_KIND.USAGE))),
    ("usage without tax", "tax-wrong", s.usage_in_time,
     relined(e.InvoiceIssued, each(_KIND.USAGE, untaxed), has(_KIND.USAGE))),
    ("no minimum", "usage-billed-wrong", s.usage_bounded,
     relined(e.InvoiceIssued, without(_KIND.MINIMUM), has(_KIND.MINIMUM))),
    ("no cap", "usage-billed-wrong", s.usage_bounded,
     relined(e.InvoiceIssued, without(_KIND.CAP), has(_KIND.CAP))),
    ("a trial's usage is charged", "usage-billed-wrong", s.usage_in_a_trial,
     relined(e.InvoiceIssued, each(_KIND.USAGE, lambda line: scaled(attrs.evolve(
         line, working=attrs.evolve(line.working, numerator=1)), 25)), has(_KIND.USAGE))),
    ("reported twice", "usage-doubled", s.usage_late, doubled(e.UsageReported)),
    ("reported once more after the bill", "usage-doubled", s.usage_late,
     changed(e.UsageReported, when=lambda event: event.usage_id == "late",
             usage_id=lambda _: "u-1")),
    ("usage of nothing", "usage-wrong", s.usage_late,
     changed(e.UsageReported, quantity=lambda _: 0)),
    ("usage of another meter", "usage-wrong", s.usage_late,
     changed(e.UsageReported, meter=lambda _: "calls")),
    ("usage before the start", "usage-wrong", s.usage_late,
     changed(e.UsageReported, effective_at=lambda event: event.effective_at - 20 * DAY)),
    ("usage to come", "usage-wrong", s.usage_late,
     changed(e.UsageReported, effective_at=lambda event: event.effective_at + 400 * DAY)),
    ("late usage is lost", "usage-late-wrong", s.usage_late,
     changed(e.UsageReported, when=lambda event: event.lines != (), lines=lambda _: ())),
    ("late usage at the first tier's price", "usage-late-wrong", s.usage_late,
     relined(e.UsageReported, lambda lines: (scaled(lines[0], 20),), lambda event: event.lines)),
    ("late usage without tax", "tax-wrong", s.usage_late,
     relined(e.UsageReported, each(_KIND.USAGE, untaxed), lambda event: event.lines)),
    ("late usage is not billed", "parts-not-announced", s.usage_late,
     relined(e.InvoiceIssued, without(_KIND.USAGE), number(3))),
    ("late usage on another meter", "usage-late-wrong", s.usage_late,
     relined(e.UsageReported, each(_KIND.USAGE, lambda line: attrs.evolve(line, item="calls")),
             lambda event: event.lines)),
    ("cheaper by volume, and no credit", "usage-late-wrong", s.usage_by_volume,
     dropped(e.CreditGranted)),
    ("more than it is cheaper by", "usage-late-wrong", s.usage_by_volume,
     relined(e.CreditGranted, lambda lines: lines[:1])),
    ("corrected from something else", "usage-correction-wrong", s.usage_corrected_up,
     changed(e.UsageCorrected, previous=lambda event: event.previous + 1)),
    ("a correction of nothing known", "usage-correction-wrong", s.usage_corrected_up,
     changed(e.UsageCorrected, usage_id=lambda _: "u-2")),
    ("corrected below nothing", "usage-correction-wrong", s.usage_corrected_up,
     changed(e.UsageCorrected, quantity=lambda _: -1)),
    ("corrected, and not charged", "usage-late-wrong", s.usage_corrected_up,
     changed(e.UsageCorrected, lines=lambda _: ())),
    ("corrected, and no credit", "usage-late-wrong", s.usage_corrected_down,
     dropped(e.CreditGranted)),
    ("credit, and no correction", "credit-unfounded", s.usage_corrected_down,
     dropped(e.UsageCorrected)),
    ("more credit than was billed", "usage-late-wrong", s.usage_corrected_down,
     relined(e.CreditGranted, each(_KIND.USAGE, lambda line: scaled(line, 51)))),
    ("credit at once and later", "usage-late-wrong", s.usage_corrected_down,
     changed(e.UsageCorrected, quantity=lambda _: 41)),
    ("the old meter's usage is lost", "usage-billed-wrong", s.usage_at_a_change,
     relined(e.TermsChanged, without(_KIND.USAGE))),
    ("a dearer meter reaches back", "price-not-agreed", s.usage_at_a_change,
     relined(e.TermsChanged, each(_KIND.USAGE, lambda line: scaled(attrs.evolve(
         line, working=attrs.evolve(line.working, unit_price=Money(100, "NOK"))), 25)))),
    ("the last usage is lost", "closing-missing", s.usage_at_the_end,
     dropped(e.InvoiceIssued, when=lambda event: event.next_due_at is None)),
    ("the last usage billed for a month", "period-off-schedule", s.usage_at_the_end,
     changed(e.InvoiceIssued, when=lambda event: event.next_due_at is None,
             period=lambda event: attrs.evolve(event.period, end=event.period.end + 30 * DAY))),
    ("used after the end", "usage-after-end", s.usage_at_the_end,
     followed(e.SubscriptionCancelled, lambda event: e.UsageReported(
         customer_id="c-1", usage_id="u-9", meter="data", quantity=1, lines=(),
         effective_at=event.effective_at))),
    ("another customer's usage", "customer-mixed", s.usage_late,
     changed(e.UsageReported, customer_id=lambda _: "someone")),
]  # fmt: skip

REDUCED: list[Plant] = [
    ("another percentage", "discount-wrong", s.discounted, with_coupon(ppm=100_001)),
    ("no discount", "discount-wrong", s.discounted,
     relined(e.InvoiceIssued, without(_KIND.DISCOUNT))),
    ("a discount that nobody granted", "discount-wrong", s.discounted,
     dropped(e.DiscountGranted)),
    ("taken off twice", "discount-wrong", s.discounted,
     relined(e.InvoiceIssued, lambda lines: (*lines, lines[-1]))),
    ("taken off once more", "discount-wrong", s.discounted_once, with_coupon(invoices=2)),
    ("for ever, and only once", "discount-wrong", s.discounted_once, with_coupon(invoices=None)),
    ("more than it was for", "discount-wrong", s.discounted_once,
     with_coupon(amount=Money(9999, "NOK"))),
    ("ended, and taken off", "discount-wrong", s.discounted,
     lambda log: followed(e.DiscountGranted, lambda event: e.DiscountEnded(
         customer_id="c-1", discount_number=1, reason="forged",
         effective_at=event.effective_at))(log)),
    ("taken off before the line", "discount-wrong", s.discounted_and_changed,
     relined(e.InvoiceIssued, lambda lines: turned(lines[:3]) + lines[3:], number(2))),
    ("a discount without its tax", "tax-wrong", s.discounted,
     relined(e.InvoiceIssued, each(_KIND.DISCOUNT, untaxed))),
    ("given back at the full price", "price-not-agreed", s.discounted_and_changed,
     relined(e.CreditGranted, each(_KIND.UNUSED, lambda line: attrs.evolve(
         line, amount=Money(19590, "NOK"), working=attrs.evolve(
             line.working, unit_price=Money(29900, "NOK")))))),
    ("a discount's number", "discount-number-wrong", s.discounted,
     with_coupon(discount_number=2)),
    ("a coupon twice", "coupon-doubled", s.discounted,
     followed(e.DiscountGranted, again_under(discount_number=2))),
    ("a discount of nothing", "discount-malformed", s.discounted, with_coupon(ppm=0)),
    ("a percentage and an amount", "discount-malformed", s.discounted,
     with_coupon(amount=Money(1, "NOK"))),
    ("for no invoice", "discount-malformed", s.discounted, with_coupon(invoices=0)),
    ("a discount in francs", "currency-mixed", s.discounted_once,
     with_coupon(amount=Money(10000, "CHF"))),
    ("ended twice", "discount-end-wrong", s.discounted, doubled(e.DiscountEnded)),
    ("another customer's discount", "customer-mixed", s.discounted,
     with_coupon(customer_id="someone")),
    ("another customer's discount ended", "customer-mixed", s.discounted,
     changed(e.DiscountEnded, customer_id=lambda _: "someone")),
]  # fmt: skip


def _settled(make: Callable[[e.InvoiceLine], e.InvoiceLine]) -> Callable[..., Any]:
    """The lines of discounts on late usage are others."""
    return relined(e.UsageReported, each(_KIND.DISCOUNT, make), lambda event: event.lines)


SETTLED: list[Plant] = [
    ("late usage in full, where the invoice was reduced", "discount-wrong", s.reduced_and_late,
     relined(e.UsageReported, without(_KIND.DISCOUNT), lambda event: event.lines)),
    ("more given back than was paid", "discount-wrong", s.reduced_and_corrected,
     relined(e.CreditGranted, without(_KIND.DISCOUNT))),
    ("late usage reduced by a later coupon", "discount-wrong", s.late_before_a_later_coupon,
     relined(e.UsageReported, lambda lines: (*lines, _tenth_off(lines[-1])),
             lambda event: event.lines)),
    ("late usage reduced by another coupon", "discount-wrong", s.reduced_and_late,
     _settled(lambda line: attrs.evolve(line, item="2"))),
    ("a minor unit of tax less off late usage", "tax-wrong", s.reduced_and_late,
     _settled(taxed_more)),
    ("late usage that is to be reduced once more", "usage-late-wrong", s.reduced_and_late,
     relined(e.UsageReported, each(_KIND.USAGE, lambda line: attrs.evolve(
         line, working=attrs.evolve(line.working, policy="usage"))), lambda event: event.lines)),
    ("late usage is reduced once more", "discount-wrong", s.reduced_and_late,
     relined(e.InvoiceIssued, lambda lines: (*lines, _tenth_off(lines[-2], "discount")),
             number(3))),
    ("what was settled is left off the invoice", "parts-not-announced", s.reduced_and_late,
     relined(e.InvoiceIssued, lambda lines: lines[:-1], number(3))),
    ("settled, and billed once more with its stretch", "usage-late-wrong",
     s.late_before_its_invoice,
     changed(e.UsageReported, when=lambda event: event.usage_id == "late",
             lines=lambda _: (_a_line(),))),
    ("granted before the days were given back", "discount-wrong", s.discounted_after_a_pause,
     before_the_last(e.DiscountGranted, e.CreditGranted)),
    ("late usage before its invoice is not on it", "usage-billed-wrong",
     s.late_before_its_invoice, dropped(e.UsageReported, when=lambda event: event.quantity == 10)),
]  # fmt: skip


def _tenth_off(line: e.InvoiceLine, policy: str = e.SETTLED) -> e.InvoiceLine:
    """A tenth off a line of whole tenths, as the first discount would take it."""
    tenth = scaled(attrs.evolve(line, working=attrs.evolve(
        line.working, unit_price=Money(1, "NOK"), numerator=1, denominator=1, policy=policy)),
        -(line.working.quantity * line.working.unit_price.minor // 10))  # fmt: skip
    return attrs.evolve(tenth, kind=_KIND.DISCOUNT, item="1")


def _a_line() -> e.InvoiceLine:
    return next(
        recorded.event.lines[-2]
        for recorded in s.reduced_and_late().log
        if isinstance(recorded.event, e.UsageReported) and recorded.event.lines
    )


PLANTS_OF_PRICES = PRICED + USED + REDUCED + SETTLED
