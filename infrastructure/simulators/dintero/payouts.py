"""Settlements of the simulated Dintero: made from its book, with a report file each.

One settlement a currency covers all lines of the book since the last one, or of a week. The fee of
a capture is 1.5 %, rounded half up; refunds bear none. A payout that would be below zero is
postponed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha1
from typing import Any
from xml.etree import ElementTree as Xml

import attrs

from domain.currencies import MINOR_DIGITS
from infrastructure.simulators.book import Book, Entry, Movement

_MOVED = frozenset({Movement.CAPTURED, Movement.REFUNDED})


@attrs.frozen(kw_only=True)
class Row:
    """One line of a report: a movement and its fee, in minor units."""

    entry: Entry
    captured: int
    refunded: int
    fee: int

    @property
    def left(self) -> int:
        """What of it is paid out."""
        return self.captured - self.refunded - self.fee


@attrs.frozen(kw_only=True)
class Payout:
    """One settlement. number: from 1; at: UTC."""

    number: int
    id: str
    account_id: str
    acquirer: str
    currency: str
    rows: tuple[Row, ...]
    at: datetime

    @property
    def reference(self) -> str:
        """The acquirer's own id of it."""
        return f"SIM-{self.number:06d}"

    def sums(self) -> tuple[int, int, int, int]:
        """Captured, refunded, fees, and what is paid out."""
        captured = sum(row.captured for row in self.rows)
        refunded = sum(row.refunded for row in self.rows)
        fees = sum(row.fee for row in self.rows)
        return captured, refunded, fees, captured - refunded - fees

    def as_json(self) -> dict[str, Any]:
        """As the list of settlements shows it."""
        captured, refunded, fees, left = self.sums()
        times = [row.entry.at for row in self.rows]
        amounts = {"amount": left, "capture": captured, "refund": refunded, "fee": fees}
        return {
            "id": self.id,
            "provider": self.acquirer,
            "provider_reference": self.reference,
            "start_at": min(times).isoformat(),
            "end_at": max(times).isoformat(),
            "settled_at": self.at.date().isoformat(),
            "payment_status": "paid" if left >= 0 else "postponed",
            "amounts": [amounts | {"currency": self.currency}],
            "attachments": [
                attachment("pdf", "application/pdf", "dintero"),
                attachment("xml", "application/xml", "dintero"),
                attachment("xml", "application/xml", self.acquirer),
            ],
        }


def attachment(extension: str, content_type: str, made_by: str) -> dict[str, str]:
    """A file of a settlement, as the list shows it."""
    return {
        "id": f"{made_by}-{extension}",
        "content_type": content_type,
        "extension": extension,
        "created_by": made_by,
    }


def fee_of(captured: int) -> int:
    """1.5 %, rounded half up; minor units."""
    return (captured * 15 + 500) // 1000


def rows_of(entries: Iterable[Entry], currency: str) -> tuple[Row, ...]:
    """What moved in one currency."""
    rows = []
    for entry in entries:
        if entry.movement in _MOVED and entry.currency == currency and entry.minor:
            came = entry.minor if entry.movement is Movement.CAPTURED else 0
            went = entry.minor - came
            rows.append(Row(entry=entry, captured=came, refunded=went, fee=fee_of(came)))
    return tuple(rows)


class Payouts:
    """The settlements of one account."""

    def __init__(self, account_id: str, acquirer: str = "payex") -> None:
        self._account_id = account_id
        self._acquirer = acquirer
        self._covered = 0
        self.made: list[Payout] = []

    def make(self, book: Book, at: datetime) -> list[Payout]:
        """Settle what the book has had since the last time; nothing, if nothing moved."""
        entries = list(book.entries(self._covered))
        self._covered = len(book)
        return self._settle(entries, at)

    def make_weekly(self, book: Book, now: datetime) -> list[Payout]:
        """The same week by week (Monday to Sunday, UTC), each settled on the Tuesday after, or now
        where that is to come."""
        weeks: dict[datetime, list[Entry]] = {}
        for entry in book.entries(self._covered):
            weeks.setdefault(_tuesday_after(entry.at), []).append(entry)
        self._covered = len(book)
        return [
            each
            for settled_at in sorted(weeks)
            for each in self._settle(weeks[settled_at], min(settled_at, now))
        ]

    def _settle(self, entries: list[Entry], at: datetime) -> list[Payout]:
        new: list[Payout] = []
        for currency in sorted({entry.currency for entry in entries}):
            rows = rows_of(entries, currency)
            if not rows:
                continue
            number = len(self.made) + len(new) + 1
            name = f"{self._account_id}/{number}".encode()
            new.append(
                Payout(
                    number=number,
                    id=sha1(name, usedforsecurity=False).hexdigest(),
                    account_id=self._account_id,
                    acquirer=self._acquirer,
                    currency=currency,
                    rows=rows,
                    at=at,
                )
            )
        self.made += new
        return new

    def page(
        self, since: str, until: str, after: str, limit: int
    ) -> tuple[Sequence[Payout], Payout | None]:
        """A page of those settled on these ISO days, and the last of it where more follow."""
        there = [
            each
            for each in self.made
            if (not since or each.at.date().isoformat() >= since)
            and (not until or each.at.date().isoformat() <= until)
        ]
        places = [place for place, each in enumerate(there) if each.id == after]
        rest = there[places[0] + 1 :] if places else there
        return rest[:limit], rest[limit - 1] if len(rest) > limit else None


def _tuesday_after(moment: datetime) -> datetime:
    """Ten in the morning (UTC) of the Tuesday after a moment's week."""
    monday = moment.astimezone(UTC) - timedelta(days=moment.astimezone(UTC).weekday())
    return monday.replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=8)


def report_xml(payout: Payout, *, major: bool) -> bytes:
    """The report file. major: amounts as 12.50, not 1250; nobody has published which."""
    digits = MINOR_DIGITS[payout.currency] if major else 0

    def put(parent: Xml.Element, name: str, value: str = "") -> Xml.Element:
        made = Xml.SubElement(parent, name)
        made.text = value
        return made

    def amount(minor: int) -> str:
        return f"{Decimal(minor).scaleb(-digits):f}"

    day = payout.at.date().isoformat()
    report = Xml.Element("Report")
    info = put(report, "PaymentsInfo")
    put(info, "SettlementCurrencyCode", payout.currency)
    put(info, "DinteroSettlementId", payout.id)
    put(info, "SettlementAccountNum", payout.account_id)
    settlement = put(info, "SettlementInfo")
    put(settlement, "SettlementDate", day)
    put(settlement, "SettlementProvider", payout.acquirer)
    put(settlement, "SettlementReference", payout.reference)
    put(settlement, "SettlementCurrencyCode", payout.currency)
    for row in payout.rows:
        line = put(settlement, "TransactionInfo")
        put(line, "TransactionType", "settlement")
        put(line, "TransactionTime", row.entry.at.date().isoformat())
        put(line, "TransactionAmount", amount(row.left))
        put(line, "TransactionVatAmount", "0")
        put(line, "TransactionCapture", amount(row.captured))
        put(line, "TransactionRefund", amount(row.refunded))
        put(line, "TransactionFee", amount(row.fee))
        put(line, "TransactionChargeback", "0")
        put(line, "SettlementCurrencyCode", payout.currency)
        put(line, "TransactionID", row.entry.provider_id)
        put(line, "Reference", row.entry.reference)
    return bytes(Xml.tostring(report, encoding="UTF-8", xml_declaration=True))
