"""Which periods are served at which terms, and what cuts them short.

Parts of the state; see state.py.
"""

from __future__ import annotations

from datetime import date, datetime

import attrs

from domain.calendar import Period
from domain.plan import Terms
from domain.prices import Part
from domain.schedule import Schedule
from domain.taxes import TaxRate


@attrs.frozen(kw_only=True)
class Cost:
    """What a stretch of service costs: `parts` for `whole_days` days of it, what discounts take
    off among them. No parts: a trial."""

    period: Period
    whole_days: int
    parts: tuple[Part, ...]
    tax: TaxRate | None


@attrs.frozen(kw_only=True)
class Following:
    """Terms that are agreed to and not yet billed: from invoice `from_invoice` on."""

    terms: Terms
    schedule: Schedule
    from_invoice: int


@attrs.frozen(kw_only=True)
class Pause:
    """See SubscriptionPaused for the fields."""

    until: datetime | None
    last_invoice: int
    unused_from: date | None


@attrs.frozen(kw_only=True)
class Suspension:
    """See SubscriptionSuspended for the fields. since: from when on.

    paid: the invoice whose payment brought in the last of what had led to it, or None.
    """

    invoice_number: int
    last_invoice: int
    since: datetime
    paid: int | None = None


@attrs.frozen(kw_only=True)
class Settled:
    """All instalments that were left are billed by the invoice `invoice_number`.

    last_invoice: number of the last invoice that the schedule issued before that; 0: none.
    """

    invoice_number: int
    last_invoice: int


@attrs.frozen(kw_only=True)
class Cancellation:
    """A scheduled one; see CancellationScheduled for the fields."""

    at: datetime | None
    last_invoice: int | None
    reason: str
