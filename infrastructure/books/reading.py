"""The journal, read from the log: from the first fact to a position or an instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from domain.books.accounts import Entry
from domain.recorded import Recorded
from infrastructure.collecting import few_collections
from infrastructure.store.ledger import Poison, Unreadable
from projections.journal import Journal

BATCH = 5_000
# A position, an instant in UTC, or all that is recorded.
KnownAt = int | datetime | None


class Log(Protocol):
    """What the ledger is to a reader."""

    def read_log(
        self, after: int, limit: int, stop: int | None = None
    ) -> Sequence[Recorded[Any] | Poison]:
        """At most `limit` facts with after < position <= stop, in order."""

    def head(self) -> int:
        """The last position."""


class KnownJournal:
    """The entries that were known at a position or at an instant.

    position: the last one that was read; where iteration has ended, at which the answer is valid.
    """

    def __init__(self, log: Log, known_at: KnownAt = None) -> None:
        self.log, self._known_at = log, known_at
        self.position = 0

    def __iter__(self) -> Iterator[Entry]:
        """Entry by entry. Raises: Unreadable at a fact that cannot be read; Unbalanced."""
        self.position, posts = 0, Journal()
        with few_collections():
            for recorded in self._facts():
                self.position = recorded.position
                entry = posts.post(recorded)
                if entry is not None:
                    yield entry

    def _facts(self) -> Iterator[Recorded[Any]]:
        stop, instant = self.log.head(), None
        if isinstance(self._known_at, datetime):
            instant = self._known_at
        elif self._known_at is not None:
            stop = min(stop, self._known_at)
        after = 0
        while items := self.log.read_log(after, BATCH, stop):
            for item in items:
                if isinstance(item, Poison):
                    raise Unreadable(item)
                # Times in the log never go back.
                if instant is not None and item.recorded_at > instant:
                    return
                yield item
            after = items[-1].position
