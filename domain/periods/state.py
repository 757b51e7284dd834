"""What an accounting period is at one moment, folded from its facts. Folding judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

import attrs

from domain.periods.events import (
    PeriodClosed,
    PeriodEvent,
    PeriodLocked,
    PeriodReopened,
    PeriodReopeningAsked,
)


@attrs.frozen(kw_only=True)
class AccountingPeriod:
    """One period now.

    sealed: the last seal. closed: whether it holds; else it was opened again. locked: for good.
    asked: the wish to open it again that waits for a second person. reopened: the last opening.
    seals: how many times it was closed.
    """

    period: str
    sealed: PeriodClosed | None = None
    closed: bool = False
    locked: PeriodLocked | None = None
    asked: PeriodReopeningAsked | None = None
    reopened: PeriodReopened | None = None
    seals: int = 0

    @property
    def standing(self) -> str:
        """In a word: "open", "reopened", "closed", "reopening asked" or "locked"."""
        if self.locked is not None:
            return "locked"
        if self.closed:
            return "closed" if self.asked is None else "reopening asked"
        return "open" if self.reopened is None else "reopened"


def evolve_period(period: AccountingPeriod | None, event: PeriodEvent) -> AccountingPeriod:
    """The period after one more fact."""
    period = period or AccountingPeriod(period=event.period)
    match event:
        case PeriodClosed():
            return attrs.evolve(
                period, sealed=event, closed=True, asked=None, seals=period.seals + 1
            )
        case PeriodLocked():
            return attrs.evolve(period, locked=event, asked=None)
        case PeriodReopeningAsked():
            return attrs.evolve(period, asked=event)
        case PeriodReopened():
            return attrs.evolve(period, closed=False, asked=None, reopened=event)
        case _:
            assert_never(event)


def period_of_facts(events: Iterable[PeriodEvent]) -> AccountingPeriod | None:
    """The period that facts make; None when there are none."""
    period: AccountingPeriod | None = None
    for event in events:
        period = evolve_period(period, event)
    return period
