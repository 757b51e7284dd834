"""One named example of every fact of an accounting period."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.periods.events import (
    PeriodClosed,
    PeriodEvent,
    PeriodLocked,
    PeriodReopened,
    PeriodReopeningAsked,
    PeriodTotal,
)
from domain.recorded import stored_name

_CLOSED = datetime(2026, 2, 3, 9, 30, tzinfo=UTC)

CLOSED = PeriodClosed(
    period="2026-01",
    zone="Europe/Oslo",
    position=1770,
    head_hash="5f2b" * 16,
    totals=(
        PeriodTotal(
            role="clearing", currency="NOK", opening=0, debits=29900, credits=0, closing=29900
        ),
        PeriodTotal(
            role="receivable", currency="NOK", opening=29900, debits=0, credits=29900, closing=0
        ),
    ),
    entries=1,
    digest="c3d4" * 16,
    closed_by="kari",
    reason="January is done",
    effective_at=_CLOSED,
)
_EXAMPLES: tuple[PeriodEvent, ...] = (
    CLOSED,
    PeriodLocked(
        period="2026-01",
        locked_by="kari",
        reason="the VAT return is filed",
        effective_at=datetime(2026, 4, 10, 7, 0, tzinfo=UTC),
    ),
    PeriodReopeningAsked(
        period="2026-01",
        asked_by="kari",
        reason="a credit note belongs there",
        effective_at=datetime(2026, 2, 5, 7, 0, tzinfo=UTC),
    ),
    PeriodReopened(
        period="2026-01",
        asked_by="kari",
        approved_by="ola",
        reason="seen the credit note",
        effective_at=datetime(2026, 2, 5, 8, 0, tzinfo=UTC),
    ),
)

PERIOD_EXAMPLES: dict[str, PeriodEvent] = {stored_name(type(each)): each for each in _EXAMPLES}
