"""Lines, movements and statements with few words; the figures are in the tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import attrs

from domain.money import Money
from domain.settlement_ports import (
    SettledKind,
    SettledTotal,
    Settlement,
    SettlementLine,
    SettlementReport,
)
from domain.settlements.accounts import Comparison, Listed, Movement, Standing
from domain.settlements.state import Statement

PLACE = "dintero/main"
DAY = date(2025, 1, 31)
NOW = datetime(2025, 2, 3, 9, tzinfo=UTC)
LATER = date(2025, 2, 3)
KINDS = {"capture": "charge", "refund": "refund", "chargeback": "reversal"}


def line(kind: str, minor: int, reference: str = "", **more: Any) -> SettlementLine:
    """One line in NOK on DAY; `row`, `charge_ref`, `currency`, `on` and others by name."""
    fields = {"row": 1, "charge_ref": "", "on": DAY, **more}
    currency = fields.pop("currency", "NOK")
    return SettlementLine(
        kind=SettledKind(kind.upper()),
        amount=Money(minor, currency),
        reference=reference,
        **fields,
    )


def numbered(*lines: SettlementLine) -> tuple[SettlementLine, ...]:
    """Lines in rows of their own; a fee stays in the row before it."""
    row, found = 0, []
    for each in lines:
        row += each.kind is not SettledKind.FEE
        found.append(attrs.evolve(each, row=row))
    return tuple(found)


def totals_of(lines: Sequence[SettlementLine]) -> tuple[SettledTotal, ...]:
    """What lines come to, with whatever stays."""

    def summed(currency: str, *kinds: SettledKind) -> int:
        return sum(
            each.amount.minor
            for each in lines
            if each.kind in kinds and each.amount.currency == currency
        )

    found = []
    for code in sorted({each.amount.currency for each in lines}):
        captured, fees = summed(code, SettledKind.CAPTURE), summed(code, SettledKind.FEE)
        back = summed(code, SettledKind.REFUND, SettledKind.CHARGEBACK)
        payout, other = summed(code, SettledKind.PAYOUT), summed(code, SettledKind.OTHER)
        found.append(
            SettledTotal(
                captured=Money(captured, code),
                refunded=Money(back, code),
                fees=Money(fees, code),
                payout=Money(payout, code),
                other=other,
                balance_change=captured - back - fees + other - payout,
            )
        )
    return tuple(found)


def report(
    *lines: SettlementLine,
    settlement_id: str = "s-1",
    settled_on: date = LATER,
    paid: bool = True,
) -> SettlementReport:
    """A settlement whose totals are those of its lines."""
    settlement = Settlement(
        settlement_id=settlement_id,
        provider_ref="SIM-1",
        acquirer="payex",
        settled_on=settled_on,
        paid=paid,
        totals=totals_of(lines),
        files=(),
    )
    return SettlementReport(settlement=settlement, lines=lines)


def statement(*lines: SettlementLine, settlement_id: str = "s-1", **more: Any) -> Statement:
    """The same as it is known. place, settled_on, seen_on, paid: by name."""
    fields = {"place": PLACE, "settled_on": LATER, "seen_on": LATER, "paid": True, **more}
    return Statement(
        settlement_id=settlement_id,
        version=1,
        source="api",
        sha256="",
        totals=totals_of(lines),
        lines=lines,
        **fields,
    )


def ours(kind: str, minor: int, reference: str, **more: Any) -> Movement:
    """A movement of ours in NOK on DAY."""
    fields = {
        "key": f"{KINDS[kind]} {reference}",
        "place": PLACE,
        "provider_ref": "",
        "charge_ref": "",
        "on": DAY,
        "standing": Standing.MOVED,
        "subscription_id": "sub-1",
        **more,
    }
    currency = fields.pop("currency", "NOK")
    return Movement(
        kind=SettledKind(kind.upper()),
        amount=Money(minor, currency),
        reference=reference,
        **fields,
    )


def told(found: Comparison) -> list[tuple[str, int]]:
    """Code and difference of what is listed, in order of the code."""
    assert found.complete, found.volumes
    return sorted((each.code.value, each.difference.minor) for each in found.listed)


def only(found: Comparison) -> Listed:
    """The one exception that there is."""
    assert found.complete, found.volumes
    (one,) = found.listed
    return one
