"""Say that books were put back to a backup; and what follows from all that was said so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from domain.identity import checked_id
from domain.restorations.events import BooksRestored
from domain.subscription.wording import checked_reason


@attrs.frozen(kw_only=True)
class Restored:
    """When books were restored. until: UTC; the lost books may have charged until then.

    since: UTC; when the oldest backup ended, or before. What was lost came later.
    """

    until: datetime
    since: datetime


def say_restored(reason: str, *, by: str, head: int, now: datetime) -> BooksRestored:
    """The fact. Each restoration is said, also a second one on one day.

    head: the log's last position. Refused: "reason-malformed"; "id-malformed" for the person.
    """
    checked_reason(reason)
    checked_id("person", by)
    return BooksRestored(reason=reason, restored_by=by, head=head, effective_at=now)


def restored(said: Iterable[tuple[BooksRestored, datetime]]) -> Restored | None:
    """All restorations as one: what any of them may have lost. None: there was none.

    said: each fact, and when its head was recorded.
    """
    known = list(said)
    if not known:
        return None
    return Restored(
        until=max(each.effective_at for each, _ in known), since=min(at for _, at in known)
    )
