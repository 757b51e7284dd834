"""The books added up by period, as far as they were read; more can be read later."""

from __future__ import annotations

from domain.periods.closing import Before, Sealed
from domain.periods.events import PeriodClosed
from domain.periods.months import following
from infrastructure.books.reading import BATCH, Log
from infrastructure.store.ledger import Poison, Unreadable
from projections.journal import Journal
from projections.period_sums import PeriodSums


class SummedBooks:
    """Every entry up to `position`, added up by period in a zone.

    wanted: the one period that will be sealed; those before it are kept as one.
    """

    def __init__(self, log: Log, zone: str, wanted: str) -> None:
        self._log, self._wanted = log, wanted
        self._journal, self._sums = Journal(), PeriodSums(zone)
        self._first, self._zone = "", ""
        self.position = 0

    def read_to(self, stop: int) -> None:
        """Read on, up to a position. Raises: Unreadable; Unbalanced."""
        while self.position < stop:
            items = self._log.read_log(self.position, BATCH, stop)
            if not items:
                return
            for item in items:
                if isinstance(item, Poison):
                    raise Unreadable(item)
                if isinstance(item.event, PeriodClosed):
                    named = item.event.period
                    self._first, self._zone = min(self._first or named, named), item.event.zone
                entry = self._journal.post(item)
                if entry is not None:
                    self._sums.take(entry)
            self.position = items[-1].position
            self._sums.settle_before(self._wanted)

    def seal(self) -> Sealed:
        """What the wanted period comes to, of all that was read."""
        return self._sums.seal(self._wanted)

    def before(self) -> Before:
        """The periods that were closed, by all that was read."""
        closed = self._journal.closed.periods
        return Before(zone=self._zone, expected=following(closed[-1]) if closed else self._first)
