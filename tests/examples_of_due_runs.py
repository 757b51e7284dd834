"""One named example of every fact of a due run."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from domain.due_runs.events import DueRunBegan, DueRunEnded, DueRunEvent, SkippedItem
from domain.due_runs.items import QUERY
from domain.money import Money
from domain.recorded import stored_name

_RUN = UUID("0d9c6b52-6f5e-4c1e-8a55-5a1f7c0f5a44")
_EXAMPLES: tuple[DueRunEvent, ...] = (
    DueRunBegan(
        run_id=_RUN,
        until=datetime(2026, 1, 31, 23, 59, tzinfo=UTC),
        query=QUERY,
        items=3,
        sums=(Money(29900, "NOK"),),
        digest="1a2b" * 16,
        position=1770,
        effective_at=datetime(2026, 2, 1, 6, 0, tzinfo=UTC),
    ),
    DueRunEnded(
        run_id=_RUN,
        charged=1,
        declined=1,
        unknown=0,
        skipped=(SkippedItem("subscription-7590", 4, "no-token"),),
        sums=(Money(29900, "NOK"),),
        digest="3c4d" * 16,
        effective_at=datetime(2026, 2, 1, 6, 5, tzinfo=UTC),
    ),
)

DUE_RUN_EXAMPLES: dict[str, DueRunEvent] = {stored_name(type(each)): each for each in _EXAMPLES}
