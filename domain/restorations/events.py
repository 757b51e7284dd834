"""The fact of a restoration, in a stream of its own. Stored names are for ever."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.recorded import stored_as


@stored_as("books-restored.v1")
@attrs.frozen(kw_only=True)
class BooksRestored:
    """These books were put back to a backup: what came after it is lost, and the providers have
    it. Until this instant the lost books may have charged.

    reason: that person's words. restored_by: a person's name or id.
    head: the last position of the log when it was said: what the backup held, and what was added
        before anybody said so.
    """

    reason: str
    restored_by: str
    head: int
    effective_at: datetime


RestorationEvent = BooksRestored
