"""Dintero's report file by itself, without the list that has its totals.

Nobody has published whether its amounts are major or minor units, and without the list nothing in
the file tells. So whoever hands it over has to say. The file names its settlement, day and rows;
the totals are those of its rows, each of which must add up. That rows are missing at its end shows
as XML that does not end.
"""

from __future__ import annotations

from collections import Counter

from domain.currencies import MINOR_DIGITS
from domain.money import LARGEST_MINOR, Money
from domain.settlement_ports import (
    SettledKind,
    SettledTotal,
    Settlement,
    SettlementReport,
    SettlementUnreadable,
)
from infrastructure.gateways.dintero.report_files import Head, head_of, read_report


def read_settlement_file(content: bytes, *, major: bool) -> SettlementReport | SettlementUnreadable:
    """Every line of a file. major: its amounts are written as 12.50, not as 1250."""
    head = head_of(content)
    if isinstance(head, SettlementUnreadable):
        return head
    totals = _totals(head, major=major)
    if totals is None:
        words = "an amount that is no whole number of minor units in these units"
        return SettlementUnreadable(code="amount-malformed", words=words)
    settlement = Settlement(
        settlement_id=head.settlement_id,
        provider_ref=head.provider_ref,
        acquirer=head.acquirer,
        settled_on=head.settled_on,
        paid=all(total.payout.minor >= 0 for total in totals),
        totals=totals,
        files=(),
    )
    return read_report(settlement, content)


def _totals(head: Head, *, major: bool) -> tuple[SettledTotal, ...] | None:
    """What the rows come to, by currency; None where that is no money."""
    sums: dict[str, Counter[SettledKind]] = {}
    for currency, amounts in head.amounts:
        found = sums.setdefault(currency, Counter())
        shift = MINOR_DIGITS[currency] if major else 0
        for kind, amount in amounts.items():
            minor = amount.scaleb(shift)
            if minor % 1 or abs(minor) > LARGEST_MINOR:
                return None
            found[kind] += int(minor)
    return tuple(_total(currency, sums[currency]) for currency in sorted(sums))


def _total(currency: str, sums: Counter[SettledKind]) -> SettledTotal:
    captured, fees = sums[SettledKind.CAPTURE], sums[SettledKind.FEE]
    back = sums[SettledKind.REFUND] + sums[SettledKind.CHARGEBACK]
    return SettledTotal(
        captured=Money(captured, currency),
        refunded=Money(back, currency),
        fees=Money(fees, currency),
        payout=Money(captured - back - fees, currency),
    )
