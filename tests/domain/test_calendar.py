"""Billing days: hand-checked figures, and what holds for every zone and day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from domain.calendar import (
    LARGEST_COUNT,
    Interval,
    Period,
    Unit,
    checked_interval,
    count_from,
    local_day,
    start_of_day,
    zone_named,
)
from domain.refusals import Refused

D, W, M, Y = Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.YEAR
INTERVALS = st.sampled_from(list(Unit)).flatmap(
    lambda unit: st.builds(Interval, st.just(unit), st.integers(1, LARGEST_COUNT[unit]))
)
# Each with a day on which it does something at or near midnight.
ZONES = sorted({*available_timezones()} - {"localtime", "posixrules", "Factory"})


@pytest.mark.parametrize(
    ("anchor", "unit", "count", "dates"),
    [
        # The 31st clamps to a short month's end and returns.
        ("2023-01-31", M, 1, "2023-02-28 2023-03-31 2023-04-30 2023-05-31 2023-06-30 2023-07-31"),
        ("2023-12-31", M, 1, "2024-01-31 2024-02-29 2024-03-31"),
        ("2023-10-31", M, 1, "2023-11-30 2023-12-31 2024-01-31 2024-02-29 2024-03-31"),
        ("2023-01-30", M, 1, "2023-02-28 2023-03-30"),
        ("2023-01-29", M, 1, "2023-02-28 2023-03-29"),
        ("2024-01-29", M, 1, "2024-02-29 2024-03-29"),
        ("2024-08-31", M, 3, "2024-11-30 2025-02-28 2025-05-31 2025-08-31"),
        ("2024-08-31", M, 6, "2025-02-28 2025-08-31 2026-02-28 2026-08-31"),
        ("2024-11-15", M, 1, "2024-12-15 2025-01-15"),
        ("2024-02-29", M, 12, "2025-02-28 2026-02-28 2027-02-28 2028-02-29"),
        # 29 February comes back in leap years; 1900 and 2100 are none, 2000 is one.
        ("2024-02-29", Y, 1, "2025-02-28 2026-02-28 2027-02-28 2028-02-29 2029-02-28"),
        ("2096-02-29", Y, 1, "2097-02-28 2098-02-28 2099-02-28 2100-02-28 2101-02-28"),
        ("1999-02-28", Y, 1, "2000-02-28 2001-02-28"),
        # Weeks and days know no months.
        ("2024-02-26", W, 1, "2024-03-04 2024-03-11"),
        ("2024-12-30", W, 2, "2025-01-13 2025-01-27"),
        ("2024-01-01", W, 52, "2024-12-30 2025-12-29"),
        ("2024-02-28", D, 1, "2024-02-29 2024-03-01"),
        ("2023-02-28", D, 1, "2023-03-01 2023-03-02"),
        ("2024-01-01", D, 30, "2024-01-31 2024-03-01 2024-03-31"),
        ("2024-01-01", D, 365, "2024-12-31 2025-12-31"),
        ("2024-05-31", M, 12, "2025-05-31 2026-05-31"),
    ],
)
def test_F24_dates_are_counted_from_the_anchor(
    anchor: str, unit: Unit, count: int, dates: str
) -> None:
    """The nth date after an anchor, for every unit."""
    start, interval = date.fromisoformat(anchor), Interval(unit, count)
    expected = [start, *map(date.fromisoformat, dates.split())]
    assert [count_from(start, interval, n) for n in range(len(expected))] == expected


@pytest.mark.parametrize(("unit", "largest"), [(D, 365), (W, 52), (M, 12), (Y, 1)])
def test_intervals_have_paypals_maxima(unit: Unit, largest: int) -> None:
    """One to the maximum can be billed; zero, one more, and what is no integer are refused."""
    for count in (1, largest):
        assert checked_interval(Interval(unit, count)) == Interval(unit, count)
    for bad in (0, -1, largest + 1, 1.0, True, None):
        with pytest.raises(Refused, match="interval-out-of-range"):
            checked_interval(Interval(unit, bad))  # type: ignore[arg-type]


@pytest.mark.parametrize("unit", list(Unit))
def test_an_interval_that_nobody_may_agree_to_is_still_counted(unit: Unit) -> None:
    """A stored agreement is read and followed, or refused with a code; nothing else escapes."""
    assert count_from(date(2024, 1, 31), Interval(unit, 0), 7) == date(2024, 1, 31)
    assert count_from(date(2024, 1, 31), Interval(unit, -1), 1) < date(2024, 1, 31)
    assert count_from(date(2024, 1, 31), Interval(unit, 999), 1) > date(2024, 1, 31)
    for count in (10**6, -(10**6), 10**30, -(10**30)):
        with pytest.raises(Refused, match="date-out-of-range"):
            count_from(date(2024, 1, 31), Interval(unit, count), 10)


@given(
    st.dates(date(1990, 1, 1), date(2090, 1, 1)), INTERVALS, st.integers(0, 200), st.integers(1, 60)
)
def test_dates_go_up_and_do_not_drift(
    anchor: date, interval: Interval, times: int, more: int
) -> None:
    """Dates strictly increase; months and years keep the anchor's day wherever it exists."""
    here, there = count_from(anchor, interval, times), count_from(anchor, interval, times + more)
    assert here < there
    if interval.unit in (M, Y):
        assert here.day == anchor.day or (here + timedelta(days=1)).day == 1
        event("clamped" if here.day != anchor.day else "kept its day")
    else:
        days = interval.count * (7 if interval.unit is W else 1)
        assert (there - here).days == days * more


def test_a_date_beyond_the_calendar_is_refused() -> None:
    """Year 10000 and year 0 do not exist."""
    for anchor, interval, times in [
        (date(9999, 12, 31), Interval(D), 1),
        (date(9999, 12, 1), Interval(M), 1),
        (date(9999, 1, 1), Interval(Y), 1),
        (date(2024, 1, 1), Interval(W, 52), 10**6),
        (date(2024, 1, 1), Interval(Y), 10**9),
        (date(1, 1, 1), Interval(M), -1),
    ]:
        with pytest.raises(Refused, match="date-out-of-range"):
            count_from(anchor, interval, times)


def test_a_period_counts_its_days() -> None:
    """The end is exclusive."""
    assert Period(date(2024, 2, 1), date(2024, 3, 1)).days == 29


@pytest.mark.parametrize(
    ("day", "zone", "instant"),
    [
        # Ordinary midnights.
        ("2024-01-31", "UTC", "2024-01-31T00:00:00"),
        ("2024-01-31", "Europe/Oslo", "2024-01-30T23:00:00"),
        ("2024-07-31", "Europe/Oslo", "2024-07-30T22:00:00"),
        ("2024-01-31", "America/New_York", "2024-01-31T05:00:00"),
        ("2024-01-31", "Asia/Kathmandu", "2024-01-30T18:15:00"),
        ("2024-01-31", "Pacific/Kiritimati", "2024-01-30T10:00:00"),
        # The change is at 2 or 3 at night: midnight is not touched, the day is short or long.
        ("2024-03-31", "Europe/Oslo", "2024-03-30T23:00:00"),
        ("2024-04-01", "Europe/Oslo", "2024-03-31T22:00:00"),
        ("2024-10-27", "Europe/Oslo", "2024-10-26T22:00:00"),
        ("2024-10-28", "Europe/Oslo", "2024-10-27T23:00:00"),
        # Midnight is skipped: the day begins at 01:00.
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00"),
        ("2023-03-26", "Asia/Beirut", "2023-03-25T22:00:00"),
        ("2023-04-28", "Africa/Cairo", "2023-04-27T22:00:00"),
        ("2024-03-10", "America/Havana", "2024-03-10T05:00:00"),
        ("2022-09-11", "America/Santiago", "2022-09-11T04:00:00"),
        ("2024-03-31", "America/Scoresbysund", "2024-03-31T01:00:00"),
        # Midnight comes twice: the first one counts.
        ("2024-11-03", "America/Havana", "2024-11-03T04:00:00"),
        ("2006-10-29", "America/St_Johns", "2006-10-29T02:30:00"),
        # Clocks go from midnight back to 23:00: the day begins once, after the repeated hour.
        ("2018-02-18", "America/Sao_Paulo", "2018-02-18T03:00:00"),
        ("2023-10-29", "Asia/Beirut", "2023-10-28T22:00:00"),
        # The gap begins before midnight: 23:30 is followed by 00:30.
        ("1919-03-31", "America/Toronto", "1919-03-31T04:30:00"),
        # Samoa had no 30 December 2011; what falls on it counts from the 31st.
        ("2011-12-29", "Pacific/Apia", "2011-12-29T10:00:00"),
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00"),
        ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00"),
        ("2012-01-01", "Pacific/Apia", "2011-12-31T10:00:00"),
    ],
)
def test_F24_a_day_begins_at_its_first_instant(day: str, zone: str, instant: str) -> None:
    """Local midnight, or the first instant that exists, as the tz database has it."""
    expected = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert start_of_day(date.fromisoformat(day), zone) == expected


def test_F24_oslo_is_billed_at_oslos_midnight() -> None:
    """The last hour of a UTC day belongs to the next day in Oslo."""
    evening = datetime(2024, 1, 30, 23, 30, tzinfo=UTC)
    assert local_day(evening, "Europe/Oslo") == date(2024, 1, 31)
    assert local_day(evening, "UTC") == date(2024, 1, 30)
    assert local_day(evening, "America/New_York") == date(2024, 1, 30)


def _transition_days(zone: str) -> list[date]:
    """Days on which a zone's offset changes, from 2000 to 2030."""
    info, found = ZoneInfo(zone), []
    moment = datetime(2000, 1, 1, tzinfo=UTC)
    while moment.year < 2031:
        later = moment + timedelta(days=1)
        if moment.astimezone(info).utcoffset() != later.astimezone(info).utcoffset():
            found += [moment.astimezone(info).date(), later.astimezone(info).date()]
        moment = later
    return found


def _begins(day: date, zone: str) -> datetime:
    """The first instant of a local day, and a check that it is."""
    instant = start_of_day(day, zone)
    tick = timedelta(microseconds=1)
    assert instant.tzinfo is UTC
    assert local_day(instant, zone) >= day
    assert local_day(instant - tick, zone) < day
    return instant


@pytest.mark.parametrize(
    "zone",
    [
        "Africa/Cairo",
        "America/Asuncion",
        "America/Havana",
        "America/Santiago",
        "America/Sao_Paulo",
        "America/St_Johns",
        "Asia/Amman",
        "Asia/Beirut",
        "Asia/Gaza",
        "Asia/Tehran",
        "Atlantic/Azores",
        "Europe/Oslo",
        "Pacific/Apia",
        "Antarctica/Troll",
    ],
)
def test_F24_every_change_of_clocks(zone: str) -> None:
    """Around each change since 2000 days begin at their first instant, in order."""
    days = _transition_days(zone)
    assert days
    for day in days:
        here, there = _begins(day, zone), _begins(day + timedelta(days=1), zone)
        vanished = zone == "Pacific/Apia" and day == date(2011, 12, 30)
        assert here == there if vanished else here < there


@given(st.dates(date(1900, 1, 1), date(2090, 12, 31)), st.sampled_from(ZONES))
def test_F24_every_zone_and_day(day: date, zone: str) -> None:
    """In every zone that there is, a day begins at its first instant."""
    instant = _begins(day, zone)
    local = instant.astimezone(ZoneInfo(zone))
    event("midnight" if (local.hour, local.minute) == (0, 0) else "after a gap")


@given(
    st.dates(date(2000, 1, 1), date(2040, 1, 1)),
    INTERVALS,
    st.sampled_from(["Europe/Oslo", "America/Sao_Paulo", "Asia/Beirut", "America/Havana", "UTC"]),
)
def test_due_instants_strictly_increase(anchor: date, interval: Interval, zone: str) -> None:
    """No two periods fall due at the same instant, whatever the clocks do."""
    due = [start_of_day(count_from(anchor, interval, n), zone) for n in range(8)]
    assert due == sorted(set(due))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "../../etc/passwd",
        "/etc/localtime",
        "America",
        "a\x00b",
        None,
        "x" * 999,
    ],
)
def test_F36_an_unknown_zone_is_refused(name: object) -> None:
    """Only IANA names are zones; nothing else is looked for on the disk."""
    with pytest.raises(Refused) as refusal:
        zone_named(name)  # type: ignore[arg-type]
    assert refusal.value.code == "zone-unknown"
    assert len(refusal.value.reason) < 200


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Europe/Oslo"])
def test_F36_a_day_whose_instant_does_not_exist_is_refused(zone: str) -> None:
    """East of Greenwich the calendar's first day begins before the first instant."""
    with pytest.raises(Refused, match="date-out-of-range"):
        start_of_day(date.min, zone)
