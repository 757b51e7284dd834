"""Billing days: counted from an anchor, in the subscription's own time zone.

`anchor + n x interval` is always computed from the anchor, never from the previous date, so the
31st clamps to a short month's end and returns. A day begins at local midnight, or at the first
instant that exists where a zone skips midnight. Periods tile: end exclusive, no gap, no overlap.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from domain.refusals import Refused


class Unit(Enum):
    """Interval units, named as PayPal's `frequency.interval_unit` names them."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    YEAR = "YEAR"


# PayPal's largest interval_count per unit (Subscriptions `frequency`; reference notes 2.3).
LARGEST_COUNT = {Unit.DAY: 365, Unit.WEEK: 52, Unit.MONTH: 12, Unit.YEAR: 1}


@attrs.frozen
class Interval:
    """How often: every `count` units. Which counts can be agreed to: `checked_interval`."""

    unit: Unit
    count: int = 1


def checked_interval(interval: Interval) -> Interval:
    """An interval that can be billed: up to 365 days, 52 weeks, 12 months or 1 year.

    Raises: Refused("interval-out-of-range").
    """
    largest = LARGEST_COUNT[interval.unit]
    if type(interval.count) is not int or not 1 <= interval.count <= largest:
        raise Refused(
            "interval-out-of-range",
            f"an interval of {interval.count} {interval.unit.value} is not in 1..{largest}",
        )
    return interval


@attrs.frozen
class Period:
    """A stretch of service: local days [start, end), end exclusive."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """Length in local calendar days."""
        return (self.end - self.start).days


def count_from(anchor: date, interval: Interval, times: int) -> date:
    """The date `times` whole intervals after `anchor` (0 gives the anchor itself)."""
    steps = interval.count * times
    try:
        match interval.unit:
            case Unit.DAY:
                return anchor + timedelta(days=steps)
            case Unit.WEEK:
                return anchor + timedelta(weeks=steps)
            case Unit.MONTH:
                return _add_months(anchor, steps)
            case Unit.YEAR:
                return _add_months(anchor, 12 * steps)
    except (OverflowError, ValueError):
        raise Refused("date-out-of-range", f"{anchor} plus {times} intervals") from None


# Days that every month has.
_SHORTEST_MONTH = 28


def _add_months(anchor: date, months: int) -> date:
    year, month0 = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    day = anchor.day
    if day > _SHORTEST_MONTH:
        day = min(day, calendar.monthrange(year, month0 + 1)[1])
    return date(year, month0 + 1, day)


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises: Refused("zone-unknown")."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise Refused("zone-unknown", f"{str(name)[:64]!r} is not an IANA time zone") from None


def start_of_day(day: date, zone_name: str) -> datetime:
    """The first instant of a local day, in UTC.

    Midnight where it exists (the earlier one where it occurs twice); where clocks skip it, the
    first instant after the gap. Raises: Refused("date-out-of-range") at the calendar's first day.
    """
    zone = zone_named(zone_name)
    midnight = datetime.combine(day, time.min, tzinfo=zone)
    try:
        instant = midnight.astimezone(UTC)
    except OverflowError:
        raise Refused("date-out-of-range", f"{day} in {zone_name} is before year 1") from None
    if instant.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    # Midnight is skipped. The two folds give the offsets on both sides of the gap, and the
    # transition lies between midnight read with the one and midnight read with the other.
    before = midnight.replace(fold=0).utcoffset()
    after = midnight.replace(fold=1).utcoffset()
    assert before is not None
    assert after is not None
    low, high = (
        datetime.combine(day, time.min, tzinfo=UTC) - max(before, after),
        datetime.combine(day, time.min, tzinfo=UTC) - min(before, after),
    )
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(zone).date() >= day:
            high = middle
        else:
            low = middle
    return low if low.astimezone(zone).date() >= day else high


def local_day(instant: datetime, zone_name: str) -> date:
    """The calendar day that an instant falls on in a zone."""
    return instant.astimezone(zone_named(zone_name)).date()
