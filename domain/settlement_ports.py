"""What a provider paid out, as it tells: input of a reconciliation. Only reads; nothing is booked.

answers
  tuple[Settlement, ...] | SettlementUnreadable | NotDone    to settlements
  SettlementReport | SettlementUnreadable | NotDone          to report
"""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Protocol

import attrs

from domain.money import Money
from domain.ports import NotDone


class SettledKind(Enum):
    """What a line of a settlement is. CAPTURE: came in. REFUND, CHARGEBACK: went back to payers.
    FEE: kept by the provider. PAYOUT: what is left, paid to the merchant's bank account.
    OTHER: moved the balance, and is none of these (a conversion, a hold, a bonus)."""

    CAPTURE = "CAPTURE"
    REFUND = "REFUND"
    CHARGEBACK = "CHARGEBACK"
    FEE = "FEE"
    PAYOUT = "PAYOUT"
    OTHER = "OTHER"


@attrs.frozen(kw_only=True)
class SettledTotal:
    """A settlement's sums in one currency, as the provider's list has them.

    payout = captured - refunded - fees + other - balance_change, to the minor unit; below zero
    where more went back than came. refunded: chargebacks are in it.
    other: what came (negative: went) by lines that are none of these, minor units.
    balance_change: by how much more lies at the provider afterwards, minor units; zero where each
        settlement pays out all there is.
    """

    captured: Money
    refunded: Money
    fees: Money
    payout: Money
    other: int = 0
    balance_change: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether what came is what went and what stayed."""
        left = self.captured.minor - self.refunded.minor - self.fees.minor + self.other
        return left == self.payout.minor + self.balance_change


@attrs.frozen(kw_only=True)
class ReportFile:
    """A file of a settlement. extension: "xml", "pdf". made_by: who wrote it."""

    file_id: str
    content_type: str
    extension: str
    made_by: str


@attrs.frozen(kw_only=True)
class Settlement:
    """One payout.

    settlement_id: the provider's; provider_ref: its acquirer's, or "".
    acquirer: whose payout it is, e.g. "payex". settled_on: the provider's day of it.
    paid: False while it is postponed. totals: one a currency.
    """

    settlement_id: str
    provider_ref: str
    acquirer: str
    settled_on: date
    paid: bool
    totals: tuple[SettledTotal, ...]
    files: tuple[ReportFile, ...]


@attrs.frozen(kw_only=True)
class SettlementLine:
    """One movement within a payout.

    row: of the file, from 1; a row that has an amount and its fee makes two lines. 0: the payout.
    amount: as the provider states it. It counts for the merchant as CAPTURE and OTHER, against it
        as anything else but PAYOUT; one below zero takes back an earlier one of its kind.
    charge_ref: the provider's id of the charge, or "". reference: what both books call it, or "".
    on: the provider's day of the movement. provider_ref: the provider's id of the movement itself,
        where it is not the charge's; else "".
    """

    row: int
    kind: SettledKind
    amount: Money
    charge_ref: str
    reference: str
    on: date
    provider_ref: str = ""


@attrs.frozen(kw_only=True)
class SettlementReport:
    """A settlement with all its lines; checked: they add up to its totals."""

    settlement: Settlement
    lines: tuple[SettlementLine, ...]

    def sum(self, kind: SettledKind, currency: str) -> int:
        """Minor units of all lines of one kind in one currency."""
        return sum(
            line.amount.minor
            for line in self.lines
            if line.kind is kind and line.amount.currency == currency
        )


@attrs.frozen(kw_only=True)
class SettlementUnreadable:
    """What the provider sent cannot be used, and none of it is.

    code: "list-malformed", "report-missing", "report-malformed", "field-missing",
        "field-malformed", "amount-malformed", "row-does-not-add-up", "totals-differ",
        "another-settlement".
    row: of the file, or place in the list, from 1; 0: all of it.
    """

    code: str
    words: str
    row: int = 0


class SettlementSource(Protocol):
    """One merchant account's payouts. Neither method raises for what a provider or network does."""

    async def settlements(
        self, since: date, until: date
    ) -> tuple[Settlement, ...] | SettlementUnreadable | NotDone:
        """What was settled on the days from `since` to `until`, both included; all pages."""

    async def report(
        self, settlement: Settlement
    ) -> SettlementReport | SettlementUnreadable | NotDone:
        """Every line of one of them."""

    async def close(self) -> None:
        """Let go of connections."""
