"""The report as people read it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from domain.money import Money, decimal_text
from infrastructure.audit import as_words
from infrastructure.rehearsal.report import Report
from infrastructure.rehearsal.settling import Settled

MOST_LISTED = 20


def print_report(console: Console, report: Report) -> None:
    """Print it all; every list says how much of it is left out."""
    console.print(_balances(report))
    _lines(console, "Due next", report.due)
    console.print(_declines(report))
    _counts(console, "Unknown outcomes, and how they were resolved", report.unknowns)
    _lines(console, "Charges without an outcome", report.open_unknowns)
    _counts(console, "Open invoices that wait", report.waiting)
    _lines(console, "Missed", report.missed)
    if report.changes:
        _counts(console, "Customers who changed something", report.changes)
    if report.usage:
        _counts(console, "Usage reported", report.usage)
    _books(console, report)
    if report.settled is not None:
        _settled(console, report.settled)
    console.print(as_words(report.audit), markup=False, highlight=False)
    _figures(console, report)
    verdict = "[green]CLEAN[/green]" if report.clean else "[red]NOT CLEAN[/red]"
    console.print(f"\nVerdict: {verdict}")


def _balances(report: Report) -> Table:
    table = Table(title="Balances by customer state", title_justify="left")
    words = ("state", "currency")
    figures = ("billed", "paid", "refunded", "written off", "open", "overdue")
    for name in (*words, "customers", *figures, "credit"):
        table.add_column(name, justify="left" if name in words else "right")
    for (group, currency), money in sorted(report.balances.items()):
        settled = (money.billed, money.paid, money.refunded, money.written_off)
        amounts = (*settled, money.open, money.overdue, money.credit)
        shown = (decimal_text(Money(minor, currency)) for minor in amounts)
        table.add_row(group, currency, f"{money.customers:,}", *shown)
    return table


def _declines(report: Report) -> Table:
    table = Table(title="Declines, and how they went on", title_justify="left")
    for name in ("class", "code", "went on", "charges"):
        table.add_column(name, justify="right" if name == "charges" else "left")
    for (kind, code, went_on), count in sorted(report.declines.items()):
        table.add_row(kind, code, went_on, f"{count:,}")
    return table


def _books(console: Console, report: Report) -> None:
    console.print("\n[bold]Our books and the simulators'[/bold]")
    for currency, (count, minor) in sorted(report.books.totals.items()):
        console.print(f"  {count:,} charges, {Money(minor, currency)}: equal", highlight=False)
    for currency, (count, minor) in sorted(report.books.refunds.items()):
        console.print(f"  {count:,} refunds, {Money(minor, currency)}: equal", highlight=False)
    for currency, (count, minor) in sorted(report.books.reversals.items()):
        money = Money(minor, currency)
        console.print(f"  {count:,} charges taken back, {money}: equal", highlight=False)
    if report.books.doubtful:
        _lines(console, "Refunds of unknown outcome that a provider made", report.books.doubtful)
    _lines(console, "Charged or refunded twice by a provider", report.books.twice)
    _lines(console, "Theirs, not in ours", report.books.missing_ours)
    _lines(console, "Ours, not in theirs", report.books.missing_theirs)
    _lines(console, "Different amounts", report.books.amounts)


def _settled(console: Console, found: Settled) -> None:
    console.print("\n[bold]What the providers settled, against our books[/bold]")
    console.print(
        f"  {found.settlements:,} settlements, {found.lines:,} lines, {found.matches:,} matches",
        highlight=False,
    )
    for currency, volume in found.volumes.items():
        figures = (volume.theirs_matched, volume.theirs_listed)
        matched, listed = (str(Money(minor, currency)) for minor in figures)
        ours = Money(volume.ours_listed, currency)
        words = f"{matched} matched, {listed} listed; of ours {ours} listed"
        console.print(f"  {words}: {'all' if volume.complete else 'INCOMPLETE'}", highlight=False)
    if found.booked:
        words = "chargebacks of which no callback told, booked from the list"
        console.print(f"  {found.booked:,} {words}", highlight=False)
    _counts(console, "Exceptions of the reconciliation", found.listed)
    _lines(console, "Exceptions that nobody expects", found.unexpected)
    if found.problems:
        _lines(console, "Settlements that could not be read", found.problems)


def _figures(console: Console, report: Report) -> None:
    rate = report.charges / report.seconds["billing"]
    parts = ", ".join(f"{name} {value:.1f} s" for name, value in report.seconds.items())
    peaks = ", ".join(f"{name} {mib} MiB" for name, mib in report.peaks_mib.items())
    console.print(
        f"\n{report.facts:,} facts, {report.charges:,} charges, {report.clock_steps:,} steps of"
        f" the clock; {parts}; {rate:,.0f} charges a second\npeak memory: {peaks}",
        highlight=False,
    )


def _lines(console: Console, title: str, lines: Sequence[str]) -> None:
    console.print(f"\n[bold]{title}[/bold]: {len(lines) or 'none'}")
    for line in lines[:MOST_LISTED]:
        console.print(f"  {line}", markup=False, highlight=False)
    if len(lines) > MOST_LISTED:
        console.print(f"  and {len(lines) - MOST_LISTED} more (--json lists them)")


def _counts(console: Console, title: str, counts: dict[str, int]) -> None:
    console.print(f"\n[bold]{title}[/bold]: {sum(counts.values()) or 'none'}")
    for name, count in sorted(counts.items()):
        console.print(f"  {count:6,}  {name}", markup=False, highlight=False)
