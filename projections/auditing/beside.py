"""What the audit remembers of one subscription beside its schedule."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.calendar import Period
from domain.money import Money
from projections.auditing.prices import Expected


@attrs.frozen
class Asked:
    """An invoice that was asked for. at: UTC instant from which it was owed."""

    asked_by: str
    at: datetime


@attrs.define
class Crossing:
    """The latest balance. below: whether it is too low; billed: whether that has its reload."""

    report_id: str
    at: datetime
    below: bool
    billed: bool


@attrs.define
class Settling:
    """Instalments that were settled early. last_invoice: of the schedule, before that.

    lines, period: what the invoice must bill. billed: whether it was issued.
    """

    invoice_number: int
    amount: Money
    last_invoice: int
    lines: tuple[Expected, ...]
    period: Period | None
    billed: bool = False


@attrs.define
class Beside:
    """How many invoices of the second series there are, and what the next one is judged by.

    demands, reloads: of late. awaits_reload: the next fact must be a reload.
    settling: how all instalments that were left were billed at once, or None.
    """

    issued: int = 0
    demands: tuple[Asked, ...] = ()
    reloads: tuple[Asked, ...] = ()
    crossing: Crossing | None = None
    awaits_reload: bool = False
    settling: Settling | None = None
