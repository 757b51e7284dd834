"""What callers send and are told about accounting periods."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.periods.closing import Wish
from domain.periods.events import PeriodTotal
from domain.periods.state import AccountingPeriod
from infrastructure.api.asked import Asked


class PeriodWish(Asked):
    """Who decides, and why. by: a login or id of a person, kept in the ledger with the reason."""

    by: str
    reason: str

    def wish(self, period: str) -> Wish:
        """As the domain has it."""
        return Wish(period=period, by=self.by, reason=self.reason)


class PeriodView(msgspec.Struct, kw_only=True):
    """A period with its last seal; see PeriodClosed. Amounts are minor units, debits positive.

    standing: "closed", "reopening asked", "reopened" or "locked". seals: how often it was closed.
    asked_by: who waits for another person's approval, or null.
    """

    period: str
    standing: str
    seals: int
    asked_by: str | None
    zone: str
    sealed_position: int
    head_hash: str
    entries: int
    digest: str
    totals: tuple[PeriodTotal, ...]
    closed_by: str
    closed_at: datetime

    @classmethod
    def of(cls, period: AccountingPeriod) -> PeriodView:
        """A period that was closed at least once."""
        seal = period.sealed
        assert seal is not None
        return cls(
            period=period.period,
            standing=period.standing,
            seals=period.seals,
            asked_by=None if period.asked is None else period.asked.asked_by,
            zone=seal.zone,
            sealed_position=seal.position,
            head_hash=seal.head_hash,
            entries=seal.entries,
            digest=seal.digest,
            totals=seal.totals,
            closed_by=seal.closed_by,
            closed_at=seal.effective_at,
        )


class PeriodAnswer(msgspec.Struct, kw_only=True):
    """position: of the log at which this is the period's state."""

    position: int
    period: PeriodView


class PeriodsAnswer(msgspec.Struct, kw_only=True):
    """Periods by name. position: at which the answer is valid."""

    position: int
    items: tuple[PeriodView, ...]
