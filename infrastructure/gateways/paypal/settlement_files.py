"""PayPal's settlement report file (STL-yyyymmdd): a day of transactions as CSV.

    RH, FH     report and file header
    SH         section header: from when to when, and whose account
    CH         the columns' names
    SB         a transaction
    SF         section footer, one a currency: gross and fees, credited and debited
    SC         how many SB rows the section has
    RF, RC, FF footers of report and file; the last row is one of them

Amounts are minor units without a sign; CR or DR says which way. A section that does not have as
many rows as it counts, or whose rows do not come to its footers, is truncated, or not as it was
written, and nothing of the file is used. Days are those of the section header, in the account's
own time zone: use the file or the search for an account, not both, unless that zone is UTC.
Source: PayPal, "Settlement Report Specification", versions 9 and later.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import datetime

import attrs

from domain.currencies import MINOR_DIGITS
from domain.money import LARGEST_MINOR, Money
from domain.settlement_ports import SettlementReport, SettlementUnreadable
from infrastructure.gateways.paypal.tcodes import Transaction, lines_of, settlement_of

_CREDIT, _DEBIT = "CR", "DR"
_NEEDED = (
    "Transaction ID",
    "Invoice ID",
    "PayPal Reference ID",
    "PayPal Reference ID Type",
    "Transaction Event Code",
    "Transaction Initiation Date",
    "Transaction Debit or Credit",
    "Gross Transaction Amount",
    "Gross Transaction Currency",
    "Fee Debit or Credit",
    "Fee Amount",
    "Fee Currency",
)
_ENDS = ("RC", "RF", "FC", "FF")
# Footer: currency, gross credits, gross debits, fee credits, fee debits, then balances.
_FOOTER_FIELDS = 5
_DIGITS = 18


class _Refused(Exception):
    """Stops the reading; nothing of the file is used."""

    def __init__(self, code: str, words: str, row: int = 0) -> None:
        super().__init__(code)
        self.finding = SettlementUnreadable(code=code, words=words, row=row)


@attrs.define
class _Section:
    """One account's day. sums: by currency and column of the footer."""

    begins: datetime
    columns: list[str] = attrs.field(factory=list)
    rows: list[Transaction] = attrs.field(factory=list)
    sums: Counter[tuple[str, int]] = attrs.field(factory=Counter)
    footers: list[list[str]] = attrs.field(factory=list)
    counted: int | None = None


def read_settlement_file(content: bytes) -> SettlementReport | SettlementUnreadable:
    """A file as one settlement: its day. A file of several accounts is refused."""
    try:
        section = _section(_text(content))
        _check(section)
    except _Refused as refused:
        return refused.finding
    ordered = sorted(section.rows, key=lambda one: (one.at, one.transaction_id))
    lines = [line for row, each in enumerate(ordered, 1) for line in lines_of(row, each)]
    settlement = settlement_of(section.begins.date(), lines)
    return SettlementReport(settlement=settlement, lines=tuple(lines))


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _Refused("report-malformed", "not CSV in UTF-8") from None


def _section(text: str) -> _Section:
    section: _Section | None = None
    last = ""
    try:
        for number, fields in enumerate(csv.reader(io.StringIO(text), strict=True), start=1):
            if not fields:
                continue
            last, rest = fields[0], fields[1:]
            if last == "SH":
                if section is not None:
                    raise _Refused("report-malformed", "two sections in one file", number)
                section = _Section(_moment(rest[0] if rest else "", number))
            elif last in ("CH", "SB", "SF", "SC"):
                if section is None:
                    raise _Refused("report-malformed", f"{last} before any section", number)
                _take(section, last, rest, number)
            elif last not in ("RH", "FH", *_ENDS):
                raise _Refused("report-malformed", f"a row of kind {last[:20]!r}", number)
    except csv.Error as error:
        raise _Refused("report-malformed", f"not CSV: {error}") from None
    if section is None or section.counted is None or last not in _ENDS:
        raise _Refused("report-malformed", "the file ends before its footer")
    return section


def _take(section: _Section, kind: str, fields: list[str], row: int) -> None:
    match kind:
        case "CH":
            # PayPal has written "Transaction  Debit or Credit" with two blanks, too.
            section.columns = [" ".join(each.split()) for each in fields]
            missing = [each for each in _NEEDED if each not in section.columns]
            if missing:
                raise _Refused("field-missing", f"no column {missing[0]}", row)
        case "SB":
            if len(fields) < len(section.columns) or not section.columns:
                raise _Refused("field-missing", "fewer fields than columns", row)
            named = dict(zip(section.columns, fields, strict=False))
            each = _transaction(named, section.begins, row)
            section.rows.append(each)
            _add(section.sums, each.amount, 0)
            if each.fee is not None:
                _add(section.sums, -each.fee, 2)
        case "SF":
            section.footers.append(fields)
        case "SC":
            section.counted = _whole(fields[0] if fields else "", row)


def _add(sums: Counter[tuple[str, int]], amount: Money, place: int) -> None:
    """Credits at a place of the footer, debits at the next."""
    sums[amount.currency, place + (amount.minor < 0)] += abs(amount.minor)


def _check(section: _Section) -> None:
    """The control totals."""
    if section.counted != len(section.rows):
        words = f"{len(section.rows)} rows, and the section counts {section.counted}"
        raise _Refused("totals-differ", words)
    told = {currency for currency, _ in section.sums}
    named: set[str] = set()
    for fields in section.footers:
        if len(fields) < _FOOTER_FIELDS:
            raise _Refused("field-missing", "a section footer without its sums")
        currency = fields[0]
        named.add(currency)
        for place, name in enumerate(("credits", "debits", "fee credits", "fee debits")):
            stated, found = _whole(fields[1 + place], 0), section.sums[currency, place]
            if stated != found:
                words = f"{name} in {currency} are {found} by the rows, {stated} by the footer"
                raise _Refused("totals-differ", words)
    if told - named:
        raise _Refused("totals-differ", f"no footer for {min(told - named)}")


def _transaction(named: dict[str, str], begins: datetime, row: int) -> Transaction:
    if not named["Transaction ID"] or not named["Transaction Event Code"]:
        raise _Refused("field-missing", "a transaction without id or code", row)
    amount = _money(named, "Gross Transaction Amount", "Transaction Debit or Credit", row)
    if amount is None:
        raise _Refused("field-missing", "a transaction without an amount", row)
    fee = _money(named, "Fee Amount", "Fee Debit or Credit", row)
    about = named["PayPal Reference ID Type"] == "TXN"
    return Transaction(
        transaction_id=named["Transaction ID"],
        event_code=named["Transaction Event Code"],
        amount=amount,
        fee=None if fee is None else -fee,
        reference_id=named["PayPal Reference ID"] if about else "",
        invoice_id=named["Invoice ID"],
        at=_moment(named["Transaction Initiation Date"], row),
        day=begins.date(),
    )


def _money(named: dict[str, str], column: str, direction: str, row: int) -> Money | None:
    """Credited above zero, debited below; None where the column is empty."""
    if not named[column]:
        return None
    currency = named[f"{column.removesuffix('Amount')}Currency"]
    if currency not in MINOR_DIGITS or named[direction] not in (_CREDIT, _DEBIT):
        raise _Refused("field-malformed", f"{column} without currency or direction", row)
    minor = _whole(named[column], row)
    return Money(minor if named[direction] == _CREDIT else -minor, currency)


def _whole(text: str, row: int) -> int:
    plain = text.isascii() and text.isdigit() and len(text) <= _DIGITS
    if not plain or int(text) > LARGEST_MINOR:
        raise _Refused("amount-malformed", f"{text[:30]!r} is no number of minor units", row)
    return int(text)


def _moment(text: str, row: int) -> datetime:
    try:
        return datetime.strptime(text, "%Y/%m/%d %H:%M:%S %z")
    except ValueError:
        raise _Refused("field-malformed", f"{text[:40]!r} is no time", row) from None
