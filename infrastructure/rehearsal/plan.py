"""What a rehearsal plays: who is billed from when to when, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

import attrs

from domain.calendar import Interval, Unit, count_from

# Any fixed date serves; with this one 72 months begin on a leap year's first day.
END = date(2026, 1, 1)
_NAMESPACE = UUID("7c0c8ad5-9d33-4c58-8a39-0a7b7d3a6a11")
# A day before the first due date, so that everybody has signed up when billing begins.
SIGN_UP_BEFORE = timedelta(days=2)


@attrs.frozen(kw_only=True)
class Window:
    """The stretch that is played. sign_up: when everybody is imported; until: when it ends."""

    months: int
    sign_up: datetime
    until: datetime

    def start_of(self, billed_months: int) -> date:
        """The first day of a customer who has been billed for so many months by the end."""
        months = min(billed_months, self.months)
        return count_from(END, Interval(Unit.MONTH), -months)


def window(months: int) -> Window:
    """The last `months` months before END."""
    begin = count_from(END, Interval(Unit.MONTH), -months)
    at = datetime(begin.year, begin.month, begin.day, 12, tzinfo=UTC)
    # Zones ahead of UTC reach END first: nothing that falls due on END itself is played.
    end = datetime(END.year, END.month, END.day, tzinfo=UTC) - timedelta(hours=15)
    return Window(months=months, sign_up=at - SIGN_UP_BEFORE, until=end)


def namespace_of(seed: str, subscription_id: str) -> UUID:
    """The same keys, and so the same faults, whenever the same rehearsal is played."""
    return uuid5(_NAMESPACE, f"{seed}/{subscription_id}")


def most_months(billed: Iterable[int]) -> int:
    """How long a rehearsal has to be to play everything; at least one month."""
    return max(1, *billed, 1)
