"""The facts of a due run: a stream of its own for each. Stored names are for ever.

An item is an invoice that is to be paid: a subscription's stream and the invoice's number. Items
are not stored one by one: they are derived again from the log, and held against the digests.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs

from domain.money import Money
from domain.recorded import stored_as


@stored_as("due-run-began.v1")
@attrs.frozen(kw_only=True)
class DueRunBegan:
    """A run over everything that falls due up to an instant began.

    until: UTC. query: what was asked of the agenda. items: how many it found due, of the facts up
    to `position`. sums: what is open on those that are billed, by currency.
    digest: SHA-256, hex, of the items: lines of "stream number open", sorted.
    """

    run_id: UUID
    until: datetime
    query: str
    items: int
    sums: tuple[Money, ...]
    digest: str
    position: int
    effective_at: datetime


@attrs.frozen
class SkippedItem:
    """An item that was not charged and not tried, and why: one of REASONS."""

    stream: str
    invoice_number: int
    reason: str


@stored_as("due-run-ended.v1")
@attrs.frozen(kw_only=True)
class DueRunEnded:
    """A run ended: every item has one outcome, those that came due while it ran, too.

    charged, declined, unknown: how many. skipped: those with a reason, the first of them where
    there are many. skipped_beyond: how many more. sums: what was taken, by currency.
    digest: SHA-256, hex, of all outcomes: lines of "stream number outcome taken", sorted.
    """

    run_id: UUID
    charged: int
    declined: int
    unknown: int
    skipped: tuple[SkippedItem, ...]
    sums: tuple[Money, ...]
    digest: str
    effective_at: datetime
    skipped_beyond: int = 0


DueRunEvent = DueRunBegan | DueRunEnded
