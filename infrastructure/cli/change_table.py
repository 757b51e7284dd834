"""How the preview of a change, and the working of lines, are shown to people."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from infrastructure.cli.output import instant, print_table
from infrastructure.cli.terms_words import tax_words, terms_words

if TYPE_CHECKING:
    from domain.money import Money
    from domain.subscription.events import InvoiceIssued, InvoiceLine
    from infrastructure.commands.change_previews import ChangeAnswer
    from infrastructure.commands.settlement_previews import SettlementAnswer

LINE_COLUMNS = ("line", "working", "amount")


def working_words(line: InvoiceLine) -> str:
    """How a line's amount came about: quantity x unit price x share, and the rounding if any."""
    working = line.working
    parts = [str(working.quantity), str(working.unit_price)]
    share = Fraction(working.numerator, working.denominator)
    if share != 1:
        parts.append(f"{working.numerator}/{working.denominator}")
    rounded = "" if working.rounding == "none" else f", rounded {working.rounding}"
    tax = "" if line.tax is None else tax_words(line.tax.rate)
    return f"{' x '.join(parts)} ({working.policy}{rounded}){tax}"


def line_row(line: InvoiceLine) -> tuple[str, str, str]:
    """A line as a row of LINE_COLUMNS."""
    return line.description, working_words(line), str(line.amount)


def print_lines(lines: Iterable[InvoiceLine], *more: tuple[str, str, str]) -> None:
    """Lines with their working, and rows that sum them up."""
    print_table(LINE_COLUMNS, [*map(line_row, lines), *more], right=("amount",))


def print_change(seen: ChangeAnswer) -> None:
    """What a change would do, for people."""
    click.echo(f"at {instant(seen.at)}, nothing is written")
    if seen.changed:
        click.echo(f"from invoice {seen.from_invoice} on: {terms_words(seen.terms)}")
    else:
        click.echo(f"nothing to do: {terms_words(seen.terms)} is agreed to already")
    early = [each.name for each in seen.facts if each.name.startswith("invoice-issued")]
    if early:
        click.echo(f"billed before, because it is due: {len(early)} invoices")
    if seen.credit_lines:
        click.echo("\nbecomes credit")
        gone = [("goes back to the payer", "", str(-seen.refunded))] if seen.refunded.minor else []
        print_lines(seen.credit_lines, ("credit", "", str(seen.credited)), *gone)
    if seen.invoice is None:
        click.echo("\nno invoice follows")
        return
    _print_invoice(seen.invoice, seen.applied, seen.to_pay)


def print_settlement(seen: SettlementAnswer) -> None:
    """What settling an instalment plan would bill, for people."""
    click.echo(f"at {instant(seen.at)}, nothing is written")
    early = [each.name for each in seen.facts if each.name.startswith("invoice-issued")][1:]
    if early:
        click.echo(f"billed before, because it is due: {len(early)} invoices")
    click.echo(f"instalments {seen.first} to {seen.last} at once; the schedule bills no other")
    _print_invoice(seen.invoice, seen.applied, seen.to_pay)


def _print_invoice(invoice: InvoiceIssued, applied: Money, to_pay: Money) -> None:
    days = f"{invoice.period.start} to {invoice.period.end} (end exclusive)"
    click.echo(f"\ninvoice {invoice.invoice_number}, {days}, due {instant(invoice.effective_at)}")
    print_lines(
        invoice.lines,
        ("total", "", str(invoice.total)),
        ("paid by credit", "", str(-applied)),
        ("to pay", "", str(to_pay)),
    )
