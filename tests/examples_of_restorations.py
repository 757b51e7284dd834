"""One named example of every fact of a restoration."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.recorded import stored_name
from domain.restorations.events import BooksRestored, RestorationEvent

_EXAMPLES: tuple[RestorationEvent, ...] = (
    BooksRestored(
        reason="the disk of db1 died",
        restored_by="kari",
        head=1770,
        effective_at=datetime(2026, 2, 1, 6, 0, tzinfo=UTC),
    ),
)

RESTORATION_EXAMPLES: dict[str, RestorationEvent] = {
    stored_name(type(each)): each for each in _EXAMPLES
}
