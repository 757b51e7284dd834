"""What the state remembers of what was asked for beside the schedule."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.money import Money
from domain.taxes import TaxRate


@attrs.frozen(kw_only=True)
class Demanded:
    """What was asked for, and is remembered as long as usage is. See InvoiceIssued for the fields.

    amount: before tax that comes on top. at: UTC instant at which it was asked for.
    """

    demand_id: str
    description: str
    amount: Money
    tax: TaxRate | None
    at: datetime


@attrs.frozen(kw_only=True)
class Reloading:
    """How auto-reload stands; None before the first report of a balance.

    report_id, balance, at: the latest report. below: whether it is below the threshold.
    reloaded: whether this crossing has its invoice; a crossing lasts while `below`.
    """

    report_id: str
    balance: Money
    at: datetime
    below: bool
    reloaded: bool = False


@attrs.frozen(kw_only=True)
class Reloaded:
    """A reload that may still count towards a cap. at: UTC instant of its invoice."""

    report_id: str
    at: datetime
