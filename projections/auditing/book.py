"""What the audit remembers of one subscription: little, however long its stream.

It is kept apart from domain.subscription.state on purpose. The audit follows the same facts by
other means, so that a fault in the fold does not hide itself.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import attrs

from domain.money import Money
from domain.subscription.events import SubscriptionStarted
from domain.subscription.state import Status


@attrs.define
class Owed:
    """An invoice with something left to pay. total, paid: minor units.

    charged: whether a charge of it succeeded. disputed: whether a person has to look first.
    """

    total: int
    currency: str
    paid: int = 0
    attempts: int = 0
    retries: int = 0
    retry_at: datetime | None = None
    ended: bool = False
    disputed: bool = False
    charged: bool = False

    @property
    def open(self) -> int:
        """What is left to pay, minor units."""
        return self.total - self.paid


@attrs.define
class OpenAttempt:
    """The attempt that has no outcome yet."""

    attempt_id: UUID
    invoice_number: int
    amount: Money
    token_ref: str
    captures: int = 0
    looks: int = 0


@attrs.frozen
class Difference:
    """A discrepancy that the next fact of the stream must be."""

    attempt_id: UUID
    expected: Money
    received: Money


@attrs.define
class Totals:
    """One currency, minor units: open - credit == billed - paid."""

    billed: int = 0
    paid: int = 0
    open: int = 0
    credit: int = 0


@attrs.define
class Book:
    """One subscription, as far as the next fact can be judged by it.

    version, position: of the last fact read.
    blind: the stream cannot be judged, because its start or an event in it cannot be read.
    late: invoices for which money turned up late. failed: attempts settled without money.
    """

    subscription_id: str
    version: int = 0
    position: int = 0
    blind: bool = False
    started: SubscriptionStarted | None = None
    status: Status = Status.PENDING
    invoices: int = 0
    last_end: date | None = None
    announced: datetime | None = None
    owed: dict[int, Owed] = attrs.field(factory=dict)
    late: set[int] = attrs.field(factory=set)
    attempt: OpenAttempt | None = None
    failed: dict[UUID, int] = attrs.field(factory=dict)
    token_ref: str | None = None
    token_usable: bool = False
    request: UUID | None = None
    requests: int = 0
    difference: Difference | None = None

    @property
    def beginning(self) -> SubscriptionStarted:
        """The start; only asked for where the stream has begun."""
        assert self.started is not None
        return self.started
