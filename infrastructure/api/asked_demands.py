"""What callers send about what is billed beside the schedule; see asking.py."""

from __future__ import annotations

from datetime import datetime

from domain.subscription.demanding import BalanceReport, Demand
from infrastructure.api.asked import Amount, Asked
from infrastructure.api.asked_terms import Tax


class DemandWanted(Asked):
    """Charge once. demand_id: your own, one a charge. description: what for, 1-127 characters.

    amount: before tax that comes on top. reason: 1-200 characters; both texts are kept in the
    ledger: no personal data.
    """

    demand_id: str
    description: str
    amount: Amount
    reason: str
    tax: Tax | None = None

    def demand(self) -> Demand:
        """As the domain has it. Raises: Refused."""
        return Demand(
            demand_id=self.demand_id,
            description=self.description,
            amount=self.amount.money(),
            tax=None if self.tax is None else self.tax.rate(),
            reason=self.reason,
        )


class BalanceSeen(Asked):
    """What a customer has left with you. report_id: your own, one a report. at: when it was so."""

    report_id: str
    balance: Amount
    at: datetime

    def report(self) -> BalanceReport:
        """As the domain has it. Raises: Refused."""
        return BalanceReport(report_id=self.report_id, balance=self.balance.money(), at=self.at)


class SettlementWanted(Asked):
    """Bill all instalments that are left, now. reason: 1-200 characters, kept in the ledger."""

    reason: str
