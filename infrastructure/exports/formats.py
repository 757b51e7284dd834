"""How each format writes transactions: CSV, JSON lines, hledger's journal, beancount's ledger.

Amounts: minor units in CSV and JSON lines, decimals in the other two. hledger and beancount make
every transaction balance by themselves, so their reading is a check of ours.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from typing import Any, TextIO
from urllib.parse import quote

import msgspec

from domain.books.accounts import KIND_OF, AccountKind
from domain.books.chart import ChartAccount
from domain.money import Money, decimal_text
from infrastructure.exports.transactions import Posted, Transaction

COLUMNS = (
    "day",
    "voucher",
    "document",
    "position",
    "stream",
    "fact",
    "about",
    "number",
    "name",
    "of",
    "currency",
    "minor",
    "belongs_to",
)
_ROOTS = {
    AccountKind.ASSET: "Assets",
    AccountKind.LIABILITY: "Liabilities",
    AccountKind.INCOME: "Income",
    AccountKind.EXPENSE: "Expenses",
}


def write_csv(found: Iterable[Transaction], out: TextIO) -> None:
    """One line a posting, under COLUMNS."""
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for each in found:
        writer.writerows(_rows(each))


def write_jsonl(found: Iterable[Transaction], out: TextIO) -> None:
    """One object a posting, with the names of COLUMNS."""
    for each in found:
        for row in _rows(each):
            out.write(msgspec.json.encode(row).decode() + "\n")


def write_hledger(found: Iterable[Transaction], out: TextIO) -> None:
    """Accounts are `root:number name:of`; what hledger would read as its own syntax is escaped."""
    for each in found:
        code = f" ({each.voucher})" if each.voucher else ""
        out.write(f"{each.day}{code} {_words(each)}\n")
        for line in each.lines:
            account = f"{_root(line.account).lower()}:{_plain(line.account)}:{_escaped(line.of)}"
            out.write(f"    {account}  {_decimal(line)} {line.currency}\n")
        out.write("\n")


def write_beancount(found: Iterable[Transaction], out: TextIO) -> None:
    """Accounts are `Root:A<number>`; what a line is about stands beside it as `of`."""
    opened: set[str] = set()
    for each in found:
        out.write(f"{each.day} * {_text(each.voucher or each.fact)} {_text(_words(each))}\n")
        for line in each.lines:
            account = f"{_root(line.account)}:A{_escaped(line.account.number).replace('%', '')}"
            opened.add(account)
            out.write(f"  {account}  {_decimal(line)} {line.currency}\n")
            out.write(f"    of: {_text(line.of)}\n")
        out.write("\n")
    # Beancount goes by dates, not by the order of the file.
    for account in sorted(opened):
        out.write(f"1970-01-01 open {account}\n")


WRITERS: dict[str, tuple[str, Callable[[Iterable[Transaction], TextIO], None]]] = {
    "csv": ("journal.csv", write_csv),
    "jsonl": ("journal.jsonl", write_jsonl),
    "hledger": ("books.journal", write_hledger),
    "beancount": ("books.beancount", write_beancount),
}


def _rows(each: Transaction) -> list[dict[str, Any]]:
    return [
        {
            "day": each.day.isoformat(),
            "voucher": each.voucher,
            "document": each.document,
            "position": each.position,
            "stream": each.stream,
            "fact": each.fact,
            "about": each.about,
            "number": line.account.number,
            "name": line.account.name,
            "of": line.of,
            "currency": line.currency,
            "minor": line.minor,
            "belongs_to": each.belongs_to,
        }
        for line in each.lines
    ]


def _root(account: ChartAccount) -> str:
    return _ROOTS[KIND_OF[account.role]]


def _plain(account: ChartAccount) -> str:
    # hledger's accounts end at two spaces.
    return " ".join(_escaped(each) for each in (account.number, *account.name.split()))


def _escaped(text: str) -> str:
    """Without spaces, colons, and whatever else a ledger's reader may stumble over."""
    return "".join(each if each.isalnum() or each in "/|.,@_-+" else quote(each) for each in text)


def _words(each: Transaction) -> str:
    document = f" {each.document}" if each.document else ""
    return f"{each.fact}{document} {_escaped(each.stream)} {each.about}".replace("  ", " ")


def _text(text: str) -> str:
    """A beancount string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _decimal(line: Posted) -> str:
    return decimal_text(Money(line.minor, line.currency))
