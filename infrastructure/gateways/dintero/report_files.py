"""Dintero's settlement report file: one XML form for the payouts of all acquirers.

    <Report><PaymentsInfo>
      <DinteroSettlementId/> <SettlementCurrencyCode/>
      <SettlementInfo> <SettlementDate/> ...
        <TransactionInfo> TransactionType, TransactionTime, TransactionAmount, TransactionCapture,
          TransactionRefund, TransactionFee, TransactionChargeback, SettlementCurrencyCode,
          TransactionID, Reference </TransactionInfo> ...

It is not published whether its amounts are major or minor units. So it is not guessed: the sums
of the file must come to the totals of Dintero's list, in one of the two. Where they do not, none
of the file is used. Of the two hundred-fold readings only one can fit, unless all is zero.

VAT amounts are Dintero's "best effort" and are not read. Source: Dintero, "Settlement report
formats" and its example file; reference notes, section 12.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree as Xml

import attrs

from domain.currencies import MINOR_DIGITS
from domain.money import LARGEST_MINOR, Money
from domain.settlement_ports import (
    SettledKind,
    SettledTotal,
    Settlement,
    SettlementLine,
    SettlementReport,
    SettlementUnreadable,
)

_COLUMNS: dict[SettledKind, str] = {
    SettledKind.CAPTURE: "TransactionCapture",
    SettledKind.REFUND: "TransactionRefund",
    SettledKind.CHARGEBACK: "TransactionChargeback",
    SettledKind.FEE: "TransactionFee",
}
_TEXT_CHARS = 200
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(T|$)", re.ASCII)
_DIGITS = 20  # more than money has, fewer than Decimal keeps exactly


class _Refused(Exception):
    """Stops the reading; nothing of the file is used."""

    def __init__(self, code: str, words: str, row: int = 0) -> None:
        super().__init__(code)
        self.finding = SettlementUnreadable(code=code, words=words, row=row)


@attrs.frozen(kw_only=True)
class _Row:
    """One TransactionInfo. amounts: as written, in units that are not known yet."""

    number: int
    currency: str
    amounts: dict[SettledKind, Decimal]
    charge_ref: str
    reference: str
    on: date


@attrs.frozen(kw_only=True)
class Head:
    """What a file says of its settlement by itself. amounts: of each row, with its currency, in
    units that the file does not name."""

    settlement_id: str
    provider_ref: str
    acquirer: str
    settled_on: date
    amounts: tuple[tuple[str, dict[SettledKind, Decimal]], ...]


def head_of(content: bytes) -> Head | SettlementUnreadable:
    """The settlement that a file is of, and what its rows hold."""
    try:
        tree = _tree(content)
        named = [_text(each) for each in tree.iter("DinteroSettlementId")]
        days = {_text(each)[:10] for each in tree.iter("SettlementDate")}
        settled_on = day_of(next(iter(days))) if len(days) == 1 else None
        if len(named) != 1 or not named[0] or settled_on is None:
            raise _Refused("field-missing", "not one settlement with one day")
        rows = [_row(each, n) for n, each in enumerate(tree.iter("TransactionInfo"), start=1)]
    except _Refused as refused:
        return refused.finding
    return Head(
        settlement_id=named[0],
        provider_ref=_text(next(tree.iter("SettlementReference"), None)),
        acquirer=_text(next(tree.iter("SettlementProvider"), None)),
        settled_on=settled_on,
        amounts=tuple((row.currency, row.amounts) for row in rows),
    )


def read_report(settlement: Settlement, content: bytes) -> SettlementReport | SettlementUnreadable:
    """Every line of a file, with the payouts, as integers of minor units."""
    try:
        rows = tuple(_rows(settlement, _tree(content)))
        lines: list[SettlementLine] = []
        currencies = {total.payout.currency for total in settlement.totals}
        strange = next((row for row in rows if row.currency not in currencies), None)
        if strange is not None:
            words = f"the list has no total in {strange.currency}"
            raise _Refused("totals-differ", words, strange.number)
        for total in settlement.totals:
            ours = [row for row in rows if row.currency == total.payout.currency]
            digits = _minor_digits(total, ours)
            lines += (line for row in ours for line in _lines(row, digits))
            lines.append(_payout(settlement, total))
    except _Refused as refused:
        return refused.finding
    lines.sort(key=lambda line: (line.row == 0, line.row))
    return SettlementReport(settlement=settlement, lines=tuple(lines))


def _tree(content: bytes) -> Xml.Element:
    """The file as a tree, with no declaration in it that could grow or reach out."""
    try:
        text = content.decode("utf-8-sig")
        if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
            raise _Refused("report-malformed", "a declaration in the file")
        # As text, so that no other encoding, named in it, makes a declaration of it after all.
        return Xml.fromstring(text)  # noqa: S314 - declarations are refused above
    except (Xml.ParseError, ValueError, RecursionError):
        raise _Refused("report-malformed", "not XML in UTF-8") from None


def _rows(settlement: Settlement, tree: Xml.Element) -> Iterator[_Row]:
    named = [_text(each) for each in tree.iter("DinteroSettlementId")]
    if named != [settlement.settlement_id]:
        raise _Refused("another-settlement", "the file is not of this settlement")
    for number, each in enumerate(tree.iter("TransactionInfo"), start=1):
        yield _row(each, number)


def _row(raw: Xml.Element, number: int) -> _Row:
    currency = _field(raw, "SettlementCurrencyCode", number)
    if currency not in MINOR_DIGITS:
        raise _Refused("field-malformed", "SettlementCurrencyCode is no currency", number)
    amounts = {kind: _number(raw, name, number) for kind, name in _COLUMNS.items()}
    stated = _number(raw, "TransactionAmount", number)
    left = 2 * amounts[SettledKind.CAPTURE] - sum(amounts.values())
    if left != stated:
        words = "TransactionAmount is not capture - refund - chargeback - fee"
        raise _Refused("row-does-not-add-up", words, number)
    if not any(amounts.values()):
        raise _Refused("row-does-not-add-up", "a row without any amount", number)
    return _Row(
        number=number,
        currency=currency,
        amounts=amounts,
        charge_ref=_field(raw, "TransactionID", number),
        reference=_text(raw.find("Reference")),
        on=_day(_field(raw, "TransactionTime", number), number),
    )


def _field(raw: Xml.Element, name: str, row: int) -> str:
    found = raw.findall(name)
    if len(found) != 1 or not _text(found[0]):
        raise _Refused("field-missing", f"{name} is there {len(found)} times, or empty", row)
    return _text(found[0])


def _text(element: Xml.Element | None) -> str:
    return "" if element is None else (element.text or "").strip()[:_TEXT_CHARS]


def _number(raw: Xml.Element, name: str, row: int) -> Decimal:
    """A plain decimal number; what else Decimal would take is none."""
    text = _field(raw, name, row)
    plain = text.removeprefix("-").replace(".", "", 1)
    try:
        short = len(plain) <= _DIGITS and plain.isascii() and plain.isdigit()
        number = Decimal(text) if short else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise _Refused("amount-malformed", f"{name} is not a number in range", row)
    return number


def day_of(written: str) -> date | None:
    """The day of a date or time, as it is written: a zone would move some of them to another."""
    if not _DAY.match(written):
        return None
    try:
        return date.fromisoformat(written[:10])
    except ValueError:
        return None


def _day(text: str, row: int) -> date:
    day = day_of(text)
    if day is None:
        raise _Refused("field-malformed", "TransactionTime is no day", row)
    return day


def _minor_digits(total: SettledTotal, rows: list[_Row]) -> int:
    """By how many digits the file's amounts are shifted: 0, or those of the currency."""
    digits = MINOR_DIGITS[total.payout.currency]
    for shift in (0, digits):
        if all(_fits(row, shift) for row in rows) and _come_to(total, rows, shift):
            return shift
    words = f"the rows do not come to the list's totals in {total.payout.currency}"
    raise _Refused("totals-differ", words)


def _fits(row: _Row, shift: int) -> bool:
    shifted = [each.scaleb(shift) for each in row.amounts.values()]
    return all(each % 1 == 0 and abs(each) <= LARGEST_MINOR for each in shifted)


def _come_to(total: SettledTotal, rows: list[_Row], shift: int) -> bool:
    def summed(*kinds: SettledKind) -> int:
        return int(sum((row.amounts[k] for row in rows for k in kinds), Decimal()).scaleb(shift))

    captured, fees = summed(SettledKind.CAPTURE), summed(SettledKind.FEE)
    refunded, back = summed(SettledKind.REFUND), summed(SettledKind.CHARGEBACK)
    # That the list's refunds include chargebacks is not published. They must: it has no place for
    # them, and its own sum holds.
    return (
        captured == total.captured.minor
        and fees == total.fees.minor
        and total.refunded.minor == refunded + back
        and captured - refunded - back - fees == total.payout.minor
    )


def _lines(row: _Row, shift: int) -> Iterator[SettlementLine]:
    for kind, amount in row.amounts.items():
        if amount:
            yield SettlementLine(
                row=row.number,
                kind=kind,
                amount=Money(int(amount.scaleb(shift)), row.currency),
                charge_ref=row.charge_ref,
                reference=row.reference,
                on=row.on,
            )


def _payout(settlement: Settlement, total: SettledTotal) -> SettlementLine:
    return SettlementLine(
        row=0,
        kind=SettledKind.PAYOUT,
        amount=total.payout,
        charge_ref="",
        reference=settlement.provider_ref,
        on=settlement.settled_on,
    )
