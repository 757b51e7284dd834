"""The facts of an accounting period: a stream of its own for each. Stored names are for ever.

Every fact has `effective_at`: the UTC instant at which it was decided.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.recorded import stored_as


@attrs.frozen(kw_only=True)
class PeriodTotal:
    """What all accounts of one role come to, minor units; debits are positive.

    role: as Role names it. opening: by the end of the day before the period. debits, credits: what
    counts on its days, both from zero up. closing: opening plus debits less credits.
    """

    role: str
    currency: str
    opening: int
    debits: int
    credits: int
    closing: int


@stored_as("period-closed.v1")
@attrs.frozen(kw_only=True)
class PeriodClosed:
    """A period was closed: what is recorded from here on counts in a later one.

    period: e.g. "2025-01". zone: IANA name of the time zone in which its days end.
    position: the last one whose facts the totals hold; this fact's own is the next.
    head_hash: the log's hash chain at that position, hex. totals: by role and currency.
    entries: how many entries count on its days.
    digest: SHA-256, hex, of every account's balance by the end of its last day: lines of
        "role:of currency minor", sorted.
    closed_by: who. reason: that person's words.
    """

    period: str
    zone: str
    position: int
    head_hash: str
    totals: tuple[PeriodTotal, ...]
    entries: int
    digest: str
    closed_by: str
    reason: str
    effective_at: datetime


@stored_as("period-locked.v1")
@attrs.frozen(kw_only=True)
class PeriodLocked:
    """A closed period is never opened again."""

    period: str
    locked_by: str
    reason: str
    effective_at: datetime


@stored_as("period-reopening-asked.v1")
@attrs.frozen(kw_only=True)
class PeriodReopeningAsked:
    """Somebody wants a closed period opened again; another person has to approve."""

    period: str
    asked_by: str
    reason: str
    effective_at: datetime


@stored_as("period-reopened.v1")
@attrs.frozen(kw_only=True)
class PeriodReopened:
    """A closed period takes facts again, until it is closed anew.

    asked_by, approved_by: two people. reason: the second one's words.
    """

    period: str
    asked_by: str
    approved_by: str
    reason: str
    effective_at: datetime


PeriodEvent = PeriodClosed | PeriodLocked | PeriodReopeningAsked | PeriodReopened
