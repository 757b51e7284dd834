"""The books as a workbook, for people: numbers are numbers, days are days, texts stay texts.

Written row by row, so that memory does not grow with the journal; a sheet that is full goes on in
the next one. The same books and parameters make the same bytes.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from domain.books.accounts import Role
from domain.currencies import minor_digits
from domain.money import Money
from domain.refusals import Refused
from infrastructure.exports.source import Source
from projections.account_sums import Sums, sums, trial_balance
from projections.statements import OWED
from projections.waterfall import waterfall

FILE = "books.xlsx"
# What Excel has room for, and the digits of a number that it keeps.
ROWS, DIGITS = 1_048_576, 15
JOURNAL = (
    "day",
    "voucher",
    "document",
    "position",
    "stream",
    "fact",
    "about",
    "belongs to",
    "account",
    "name",
    "of",
    "currency",
    "amount",
)
_HOLDS = {Role.RECEIVABLE: "owed", Role.CREDIT: "credit", Role.REFUNDING: "refunding"}
Cell = str | int | date | Money | None


def write_xlsx(source: Source, folder: Path, *, rows: int = ROWS) -> tuple[str, ...]:
    """Write the workbook. The name of what was written. rows: of a sheet, with its heading.

    Refused: "account-unmapped"; "xlsx-number-too-long" past 15 digits.
    """
    known = source.wanted.known
    with tempfile.TemporaryDirectory(dir=folder, prefix=".rows-") as scratch:
        options = {"constant_memory": True, "tmpdir": scratch}
        book = xlsxwriter.Workbook(str(folder / FILE), options)
        try:
            book.set_properties(
                {
                    "title": f"Books as of {known.as_of}",
                    "author": source.wanted.software,
                    "created": source.wanted.made_at.replace(tzinfo=None),
                }
            )
            sheets = _Sheets(book, rows)
            sheets.write("Parameters", ("parameter", "value"), _parameters(source))
            found = sums(source.entries, known)
            sheets.write(
                "Trial balance",
                ("account", "name", "currency", "amount"),
                (
                    (each.number, each.name, each.currency, Money(each.minor, each.currency))
                    for each in trial_balance(found, source.chart)
                ),
            )
            sheets.write(
                "Journal",
                JOURNAL,
                _journal(source),
            )
            sheets.write(
                "Waterfall",
                ("month", "product", "tax class", "currency", "amount"),
                (
                    (each.first, *_parted(each.revenue), each.currency, _money(each))
                    for each in waterfall(source.entries, known)
                ),
            )
            sheets.write(
                "Customers",
                ("customer", "currency", *_HOLDS.values(), "balance"),
                _customers(found),
            )
        finally:
            book.close()
    return (FILE,)


class _Sheets:
    """The sheets of a workbook, each under its heading."""

    def __init__(self, book: Any, rows: int) -> None:
        self._book, self._rows = book, rows
        self._heading = book.add_format({"bold": True})
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._money: dict[int, Any] = {}

    def write(self, name: str, heading: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """One sheet, or as many as it takes: "Journal", "Journal 2", ..."""
        place, number, sheet = self._rows, 0, None
        for row in rows:
            if place >= self._rows:
                number, place = number + 1, 1
                sheet = self._begun(name if number == 1 else f"{name} {number}", heading)
            for column, cell in enumerate(row):
                self._cell(sheet, place, column, cell)
            place += 1
        if sheet is None:
            self._begun(name, heading)

    def _begun(self, name: str, heading: Sequence[str]) -> Any:
        sheet = self._book.add_worksheet(name)
        sheet.set_column(0, len(heading) - 1, 16)
        sheet.freeze_panes(1, 0)
        for column, text in enumerate(heading):
            sheet.write_string(0, column, text, self._heading)
        return sheet

    def _cell(self, sheet: Any, row: int, column: int, cell: Cell) -> None:
        match cell:
            case str():
                # Never as a formula, a link or a number, whatever it looks like.
                sheet.write_string(row, column, cell)
            case Money():
                sheet.write_number(row, column, _decimal(cell), self._format(cell.currency))
            case int():
                sheet.write_number(row, column, cell)
            case date():
                sheet.write_datetime(row, column, cell, self._day)
            case None:
                pass

    def _format(self, currency: str) -> Any:
        digits = minor_digits(currency)
        if digits not in self._money:
            shown = "#,##0" + ("." + "0" * digits if digits else "")
            self._money[digits] = self._book.add_format({"num_format": shown})
        return self._money[digits]


def _decimal(money: Money) -> Decimal:
    if abs(money.minor) >= 10**DIGITS:
        raise Refused("xlsx-number-too-long", f"{money} has more than {DIGITS} digits")
    return Decimal(money.minor).scaleb(-minor_digits(money.currency))


def _money(each: Any) -> Money:
    return Money(each.minor, each.currency)


def _parted(revenue: str) -> tuple[str, str]:
    product, _, tax_class = revenue.rpartition("|")
    return product, tax_class


def _parameters(source: Source) -> Iterable[tuple[str, Cell]]:
    wanted = source.wanted
    yield "as of the end of", wanted.known.as_of
    yield "days end in", wanted.known.zone
    yield "made at (UTC)", f"{wanted.made_at:%Y-%m-%d %H:%M:%S}"
    yield "made by", wanted.software
    yield "amounts", "in whole units of the currency; debits positive"
    yield "position, hash, totals", "in manifest.json beside this file"


def _journal(source: Source) -> Iterable[tuple[Cell, ...]]:
    for each in source.transactions():
        told = (each.day, each.voucher, each.document, each.position)
        whose = (each.stream, each.fact, each.about, each.belongs_to)
        for line in each.lines:
            account = (line.account.number, line.account.name, line.of, line.currency)
            yield (*told, *whose, *account, Money(line.minor, line.currency))


def _customers(found: Sums) -> Iterable[tuple[Cell, ...]]:
    """What each customer owes (positive), by account; those that come to nothing are left out."""
    by_role: Counter[tuple[str, str, Role]] = Counter()
    for (account, currency), minor in found.items():
        if account.role in OWED and minor:
            by_role[account.of, currency, account.role] = minor
    for customer_id, currency in sorted({(of, code) for of, code, _ in by_role}):
        held = [by_role[customer_id, currency, role] for role in _HOLDS]
        yield customer_id, currency, *(Money(each, currency) for each in (*held, sum(held)))
