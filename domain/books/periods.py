"""Up to which day the books are closed, and where a fact counts that comes after that."""

from __future__ import annotations

from datetime import date

import attrs

from domain.books.accounts import Entry
from domain.books.recognition import Recognition
from domain.calendar import local_day
from domain.periods.events import PeriodClosed, PeriodReopened
from domain.periods.months import first_day_after, period_of


@attrs.frozen
class Closed:
    """The closed periods at one position of the log.

    zone: in which their days end. periods: their names, in order.
    """

    zone: str = "UTC"
    periods: tuple[str, ...] = ()

    @property
    def open_from(self) -> date | None:
        """The first local day that takes entries up; None: any."""
        return first_day_after(self.periods[-1]) if self.periods else None

    def after(self, event: PeriodClosed | PeriodReopened) -> Closed:
        """One more fact. It judges nothing."""
        others = {each for each in self.periods if each != event.period}
        if isinstance(event, PeriodReopened):
            return attrs.evolve(self, periods=tuple(sorted(others)))
        return Closed(event.zone, tuple(sorted({*others, event.period})))

    def routed(self, entry: Entry) -> Entry:
        """An entry of a fact that is recorded now: nothing of it counts on a closed day.

        What was served on closed days is earned on the first open one.
        """
        opens = self.open_from
        if opens is None:
            return entry
        entry = attrs.evolve(
            entry, recognitions=tuple(_not_before(each, opens) for each in entry.recognitions)
        )
        day = local_day(entry.effective_at, self.zone)
        if day >= opens:
            return entry
        return attrs.evolve(entry, belongs_to=period_of(day), not_before=opens)


def _not_before(each: Recognition, opens: date) -> Recognition:
    return each if each.start >= opens else attrs.evolve(each, not_before=opens)


NONE_CLOSED = Closed()
