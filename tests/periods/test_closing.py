"""Close, lock, ask, reopen: does it, refuses it, is quiet on a repeat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from domain.periods.closing import (
    Before,
    Sealed,
    Wish,
    ask_reopening,
    close,
    lock,
    reopen,
)
from domain.periods.events import PeriodClosed, PeriodEvent, PeriodTotal
from domain.periods.months import first_day, first_day_after, following, last_day, period_of
from domain.periods.state import AccountingPeriod, period_of_facts
from domain.refusals import Refused

# January ends at 23:00 UTC in Oslo.
OVER = datetime(2025, 1, 31, 23, 0, tzinfo=UTC)
NOW = datetime(2025, 2, 3, 9, 0, tzinfo=UTC)
TOTAL = PeriodTotal(role="clearing", currency="NOK", opening=0, debits=300, credits=0, closing=300)
SEALED = Sealed(totals=(TOTAL,), entries=1, digest="ab" * 32)
OSLO = "Europe/Oslo"


def wish(by: str = "kari", period: str = "2025-01", reason: str = "month end") -> Wish:
    return Wish(period=period, by=by, reason=reason)


def closing(
    period: AccountingPeriod | None = None,
    asked: Wish | None = None,
    before: Before = Before(),
    now: datetime = NOW,
    zone: str = OSLO,
) -> tuple[PeriodEvent, ...]:
    """Close January."""
    return close(
        period, asked or wish(), before, SEALED, zone=zone, position=7, head_hash="cd", now=now
    )


def given(*facts: tuple[PeriodEvent, ...]) -> AccountingPeriod | None:
    return period_of_facts(each for part in facts for each in part)


CLOSED = closing()
ASKED = ask_reopening(given(CLOSED), wish(), later_closed=False, now=NOW)
REOPENED = reopen(given(CLOSED, ASKED), wish("ola"), later_closed=False, now=NOW)
LOCKED = lock(given(CLOSED), wish(), now=NOW)


def test_a_close_seals_what_it_is_given() -> None:
    """Totals, position and chain are those of the arguments; again is quiet."""
    assert (
        PeriodClosed(
            period="2025-01",
            zone=OSLO,
            position=7,
            head_hash="cd",
            totals=(TOTAL,),
            entries=1,
            digest="ab" * 32,
            closed_by="kari",
            reason="month end",
            effective_at=NOW,
        ),
    ) == CLOSED
    assert closing(given(CLOSED), wish("ola", reason="again")) == ()
    assert closing(given(CLOSED, LOCKED)) == ()
    (again,) = closing(given(CLOSED, ASKED, REOPENED), before=Before(zone=OSLO, expected="2025-01"))
    assert isinstance(again, PeriodClosed)


@pytest.mark.parametrize(
    ("zone", "now", "code"),
    [
        (OSLO, OVER, None),
        (OSLO, OVER.replace(hour=22, minute=59), "period-not-over"),
        ("UTC", OVER, "period-not-over"),
        ("Nowhere/At-all", NOW, "zone-unknown"),
    ],
)
def test_a_period_ends_with_its_last_day_in_the_zone(
    zone: str, now: datetime, code: str | None
) -> None:
    """At 23:00 UTC it is February in Oslo."""
    if code is None:
        assert closing(now=now, zone=zone)
        return
    with pytest.raises(Refused, match=code):
        closing(now=now, zone=zone)


def test_in_order_without_gaps_in_one_zone() -> None:
    """The first one may be any."""
    assert closing(before=Before())
    assert closing(before=Before(zone=OSLO, expected="2025-01"))
    with pytest.raises(Refused, match="period-gap"):
        closing(before=Before(zone=OSLO, expected="2024-12"))
    with pytest.raises(Refused, match="period-zone-mixed"):
        closing(before=Before(zone="UTC", expected="2025-01"))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (wish(period="2025-13"), "period-malformed"),
        (wish(period="2025-1"), "period-malformed"),
        (wish(period="9999-12"), "period-malformed"),
        (wish(by=""), "id-malformed"),
        (wish(by="kari nordmann"), "id-malformed"),
        (wish(reason=""), "reason-malformed"),
    ],
)
def test_what_no_command_takes(asked: Wish, code: str) -> None:
    """Whatever is asked for."""
    commands: tuple[Callable[[], object], ...] = (
        lambda: closing(asked=asked),
        lambda: lock(given(CLOSED), asked, now=NOW),
        lambda: ask_reopening(given(CLOSED), asked, later_closed=False, now=NOW),
        lambda: reopen(given(CLOSED, ASKED), asked, later_closed=False, now=NOW),
    )
    for command in commands:
        with pytest.raises(Refused, match=code):
            command()


def test_locking() -> None:
    """Of what is closed; a wish to open it again is void then."""
    (fact,) = LOCKED
    assert (fact.period, fact.effective_at) == ("2025-01", NOW)
    assert lock(given(CLOSED, LOCKED), wish("ola"), now=NOW) == ()
    for period in (None, given(CLOSED, ASKED, REOPENED)):
        with pytest.raises(Refused, match="period-not-closed"):
            lock(period, wish(), now=NOW)
    locked = given(CLOSED, ASKED, LOCKED)
    assert locked is not None
    assert (locked.asked, locked.standing) == (None, "locked")
    for command in (ask_reopening, reopen):
        with pytest.raises(Refused, match="period-locked"):
            command(locked, wish("ola"), later_closed=False, now=NOW)


def test_two_people_open_it_again() -> None:
    """Who asks does not approve, however the name is written; each has a reason."""
    closed, asked = given(CLOSED), given(CLOSED, ASKED)
    for by in ("kari", "KARI"):
        with pytest.raises(Refused, match="same-person"):
            reopen(asked, wish(by), later_closed=False, now=NOW)
    (fact,) = REOPENED
    assert (fact.asked_by, fact.approved_by) == ("kari", "ola")  # type: ignore[union-attr]
    with pytest.raises(Refused, match="reopening-not-asked"):
        reopen(closed, wish("ola"), later_closed=False, now=NOW)
    assert ask_reopening(asked, wish(), later_closed=False, now=NOW) == ()
    with pytest.raises(Refused, match="reopening-asked"):
        ask_reopening(asked, wish("ola"), later_closed=False, now=NOW)


def test_the_latest_one_first() -> None:
    """While a later one is closed, nothing before it is opened, nor asked to be."""
    with pytest.raises(Refused, match="period-not-latest"):
        ask_reopening(given(CLOSED), wish(), later_closed=True, now=NOW)
    with pytest.raises(Refused, match="period-not-latest"):
        reopen(given(CLOSED, ASKED), wish("ola"), later_closed=True, now=NOW)


def test_opening_again_is_quiet_on_a_repeat() -> None:
    """Of the same person; another one is told that it is not closed."""
    opened = given(CLOSED, ASKED, REOPENED)
    assert reopen(opened, wish("ola"), later_closed=False, now=NOW) == ()
    with pytest.raises(Refused, match="period-not-closed"):
        reopen(opened, wish("per"), later_closed=False, now=NOW)
    with pytest.raises(Refused, match="period-not-closed"):
        reopen(None, wish("ola"), later_closed=False, now=NOW)
    # A second time it takes two people again.
    closed = given(CLOSED, ASKED, REOPENED, CLOSED)
    assert closed is not None
    assert (closed.seals, closed.asked, closed.standing) == (2, None, "closed")
    with pytest.raises(Refused, match="reopening-not-asked"):
        reopen(closed, wish("ola"), later_closed=False, now=NOW)


def test_months() -> None:
    """Days of a month, and the month that follows."""
    assert [str(each("2024-02")) for each in (first_day, last_day, first_day_after)] == [
        "2024-02-01",
        "2024-02-29",
        "2024-03-01",
    ]
    assert following("2024-12") == "2025-01"
    assert period_of(last_day("2024-02")) == "2024-02"


@pytest.mark.parametrize(
    ("facts", "standing"),
    [
        ((CLOSED,), "closed"),
        ((CLOSED, ASKED), "reopening asked"),
        ((CLOSED, ASKED, REOPENED), "reopened"),
        ((CLOSED, LOCKED), "locked"),
    ],
)
def test_how_it_stands(facts: tuple[tuple[PeriodEvent, ...], ...], standing: str) -> None:
    """In a word."""
    period = given(*facts)
    assert period is not None
    assert period.standing == standing
