"""What a charge is made of, for the provider's receipt: an invoice's parts by rate of tax."""

from __future__ import annotations

from collections.abc import Iterable

from domain.money import Money, zero
from domain.ports import ChargeLine
from domain.subscription.events import InvoiceLine
from domain.subscription.owed import OpenInvoice, TaxedPart

PAID_OTHERWISE = "Paid before, or by credit"


def taxed_parts(lines: Iterable[InvoiceLine]) -> tuple[TaxedPart, ...]:
    """The lines of an invoice added up by rate, in the order of the rates; none without tax."""
    sums: dict[int, tuple[Money, Money]] = {}
    taxed = False
    for line in lines:
        rate = 0 if line.tax is None else line.tax.rate.ppm
        tax = zero(line.amount.currency) if line.tax is None else line.tax.tax
        taxed = taxed or line.tax is not None
        amount, before = sums.get(rate, (zero(tax.currency), zero(tax.currency)))
        sums[rate] = (amount + line.amount, before + tax)
    if not taxed:
        return ()
    return tuple(TaxedPart(ppm=ppm, amount=a, tax=t) for ppm, (a, t) in sums.items())


def charge_lines(invoice: OpenInvoice, amount: Money, description: str) -> tuple[ChargeLine, ...]:
    """The lines of a charge of `amount`; they add up to it, and so does their tax to the invoice's.

    What was paid before, or by credit, is a line below zero: the tax is that of the whole supply.
    None where the invoice has no tax, or does not come to the amount.
    """
    due = sum((part.amount.minor for part in invoice.parts), 0)
    if not invoice.parts or due < amount.minor:
        return ()
    lines = tuple(
        ChargeLine(description=description, amount=part.amount, tax=part.tax, tax_ppm=part.ppm)
        for part in invoice.parts
    )
    rest = due - amount.minor
    if not rest:
        return lines
    paid, none = Money(-rest, amount.currency), zero(amount.currency)
    return (*lines, ChargeLine(description=PAID_OTHERWISE, amount=paid, tax=none, tax_ppm=0))
