"""Usage that is counted, and the discounts it was billed under.

Parts of the state; see state.py.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.money import Money
from domain.plan import Meter
from domain.subscription.events import InvoiceLine


@attrs.frozen(kw_only=True)
class Discount:
    """See DiscountGranted for the fields. invoices: how many it still reduces; None: all.

    spares: how many of the lines that wait for the next invoice, from the first on, it leaves
        alone: their days had been given back, at what was to be paid for them, when it was granted.
    """

    discount_number: int
    coupon: str
    ppm: int | None
    amount: Money | None
    granted: int | None
    invoices: int | None
    spares: int = 0


@attrs.frozen(kw_only=True)
class Usage:
    """One report. reported: as it was first made; quantity: as it stands."""

    usage_id: str
    meter: str
    reported: int
    quantity: int
    at: datetime


@attrs.frozen(kw_only=True)
class Bill:
    """An invoice with usage on it, as far as the discounts that it was issued under concern it.

    before, after: its lines around those of usage, without discounts. discounts: in the order of
        their grant; those for a number of invoices where they reduced this one. All three are
        empty where there were none.
    """

    invoice_number: int
    before: tuple[InvoiceLine, ...] = ()
    after: tuple[InvoiceLine, ...] = ()
    discounts: tuple[Discount, ...] = ()


@attrs.frozen(kw_only=True)
class Counted:
    """A stretch of time whose usage is counted to its end.

    begins, ends: UTC instants; begins None: since the start. meters: by which it was counted.
    bounded: whether minimum and cap held for it. free: whether it was a trial's.
    bill: of the invoice that billed it; None: the next one is going to.
    """

    begins: datetime | None
    ends: datetime
    meters: tuple[Meter, ...]
    usage: tuple[Usage, ...]
    bounded: bool
    free: bool
    bill: Bill | None = None
