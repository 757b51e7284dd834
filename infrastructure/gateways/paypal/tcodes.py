"""What PayPal's transaction event codes are in a settlement.

The group (the first two digits) is enough to reconcile by, PayPal says; where one group holds
refunds, reversals and fees, the code decides. What is not here moved the balance all the same: it
is OTHER, and a person is shown it. Source: PayPal, "Transaction event codes".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import attrs

from domain.money import Money
from domain.settlement_ports import (
    SettledKind,
    SettledTotal,
    Settlement,
    SettlementLine,
)

_GROUPS = {
    "T00": SettledKind.CAPTURE,  # payments
    "T01": SettledKind.FEE,
    "T04": SettledKind.PAYOUT,  # withdrawals to a bank account
    "T12": SettledKind.CHARGEBACK,  # adjustments: chargebacks, guarantees, and their reversals
}
_CODES = {
    "T1106": SettledKind.CHARGEBACK,  # payment reversal, started by PayPal
    "T1107": SettledKind.REFUND,  # payment refund, started by the merchant
    "T1108": SettledKind.FEE,  # fee reversal
    "T1109": SettledKind.FEE,  # fee refund
    "T1116": SettledKind.CHARGEBACK,  # reversal of a bank payment
    "T1201": SettledKind.CHARGEBACK,
    "T1202": SettledKind.CHARGEBACK,  # a chargeback was taken back: an amount below zero
}


@attrs.frozen(kw_only=True)
class Transaction:
    """One row of a report, of the search or of a file.

    amount: gross, negative where money left the merchant. fee: what was kept, negative where it
    was given back. reference_id: the transaction that it is about, or "".
    """

    transaction_id: str
    event_code: str
    amount: Money
    fee: Money | None
    reference_id: str
    invoice_id: str
    at: datetime
    day: date


def kind_of(code: str, minor: int) -> SettledKind:
    """What a row of that code is. A payment that the merchant made is OTHER."""
    kind = _CODES.get(code) or _GROUPS.get(code[:3], SettledKind.OTHER)
    return SettledKind.OTHER if kind is SettledKind.CAPTURE and minor < 0 else kind


def lines_of(row: int, each: Transaction) -> Iterator[SettlementLine]:
    """A row's movement, and its fee."""
    kind = kind_of(each.event_code, each.amount.minor)
    plain = kind in (SettledKind.CAPTURE, SettledKind.OTHER)
    own = kind is SettledKind.CAPTURE
    about = {
        "row": row,
        "charge_ref": each.transaction_id if own else each.reference_id,
        "reference": each.invoice_id,
        "on": each.day,
        "provider_ref": "" if own else each.transaction_id,
    }
    if each.amount.minor:
        amount = each.amount if plain else -each.amount
        yield SettlementLine(kind=kind, amount=amount, **about)  # type: ignore[arg-type]
    if each.fee is not None and each.fee.minor:
        yield SettlementLine(kind=SettledKind.FEE, amount=each.fee, **about)  # type: ignore[arg-type]


def totals_of(lines: list[SettlementLine]) -> tuple[SettledTotal, ...]:
    """What lines come to, by currency; what was not transferred stays."""
    found = []
    for currency in sorted({line.amount.currency for line in lines}):
        sums = dict.fromkeys(SettledKind, 0)
        for line in lines:
            if line.amount.currency == currency:
                sums[line.kind] += line.amount.minor
        back = sums[SettledKind.REFUND] + sums[SettledKind.CHARGEBACK]
        came = sums[SettledKind.CAPTURE] + sums[SettledKind.OTHER]
        went = back + sums[SettledKind.FEE] + sums[SettledKind.PAYOUT]
        found.append(
            SettledTotal(
                captured=Money(sums[SettledKind.CAPTURE], currency),
                refunded=Money(back, currency),
                fees=Money(sums[SettledKind.FEE], currency),
                payout=Money(sums[SettledKind.PAYOUT], currency),
                other=sums[SettledKind.OTHER],
                balance_change=came - went,
            )
        )
    return tuple(found)


def settlement_of(day: date, lines: list[SettlementLine]) -> Settlement:
    """A day as a settlement: PayPal has none, money is free to be transferred at once."""
    return Settlement(
        settlement_id=day.isoformat(),
        provider_ref="",
        acquirer="paypal",
        settled_on=day,
        paid=True,
        totals=totals_of(lines),
        files=(),
    )
