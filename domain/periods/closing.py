"""Close a period, lock it, and open it again: two people, each with a reason.

Periods are closed in order and opened again from the last one back, so that the closed ones are
always one stretch. Each decision is given the period and what it needs of its neighbours.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.calendar import start_of_day
from domain.identity import checked_id
from domain.periods.events import (
    PeriodClosed,
    PeriodEvent,
    PeriodLocked,
    PeriodReopened,
    PeriodReopeningAsked,
    PeriodTotal,
)
from domain.periods.months import checked_period, first_day_after
from domain.periods.state import AccountingPeriod
from domain.refusals import Refused
from domain.subscription.wording import checked_reason


@attrs.frozen(kw_only=True)
class Wish:
    """What somebody wants of a period. by: a person's name or id; reason: that person's words."""

    period: str
    by: str
    reason: str


@attrs.frozen(kw_only=True)
class Sealed:
    """What the books come to by the end of a period; see PeriodClosed."""

    totals: tuple[PeriodTotal, ...]
    entries: int
    digest: str


@attrs.frozen(kw_only=True)
class Before:
    """The periods that were closed up to now. zone: of them all; "": none ever was.

    expected: the one that may be closed now; "": any.
    """

    zone: str = ""
    expected: str = ""


def checked_wish(wish: Wish) -> Wish:
    """Refused: "period-malformed", "id-malformed" for the person, "reason-malformed"."""
    checked_period(wish.period)
    checked_id("person", wish.by)
    checked_reason(wish.reason)
    return wish


def check_closable(
    period: AccountingPeriod | None, wish: Wish, before: Before, *, zone: str, now: datetime
) -> bool:
    """Whether there is something to close; False when it is closed.

    Refused: the codes of `checked_wish`; "period-not-over" before its last day has ended in the
        zone; "period-gap" where another one is to be closed first; "period-zone-mixed" where the
        others were closed in another zone; "zone-unknown".
    """
    checked_wish(wish)
    if period is not None and period.closed:
        return False
    ends = start_of_day(first_day_after(wish.period), zone)
    if now < ends:
        raise Refused("period-not-over", f"{wish.period} ends at {ends} in {zone}")
    if before.zone not in ("", zone):
        raise Refused("period-zone-mixed", f"periods are closed in {before.zone}, not in {zone}")
    if before.expected not in ("", wish.period):
        raise Refused("period-gap", f"the next one to be closed is {before.expected}")
    return True


def close(
    period: AccountingPeriod | None,
    wish: Wish,
    before: Before,
    sealed: Sealed,
    *,
    zone: str,
    position: int,
    head_hash: str,
    now: datetime,
) -> tuple[PeriodEvent, ...]:
    """Close a period. Quiet when it is closed.

    sealed: of all facts up to `position`, which has to be the log's last one when the fact is
        written. head_hash: the log's chain there, hex.
    Refused: see check_closable.
    """
    if not check_closable(period, wish, before, zone=zone, now=now):
        return ()
    return (
        PeriodClosed(
            period=wish.period,
            zone=zone,
            position=position,
            head_hash=head_hash,
            totals=sealed.totals,
            entries=sealed.entries,
            digest=sealed.digest,
            closed_by=wish.by,
            reason=wish.reason,
            effective_at=now,
        ),
    )


def lock(period: AccountingPeriod | None, wish: Wish, *, now: datetime) -> tuple[PeriodEvent, ...]:
    """Let a closed period never be opened again. Quiet when it is locked.

    Refused: the codes of `checked_wish`; "period-not-closed".
    """
    checked_wish(wish)
    if _closed(period, wish).locked is not None:
        return ()
    return (
        PeriodLocked(period=wish.period, locked_by=wish.by, reason=wish.reason, effective_at=now),
    )


def ask_reopening(
    period: AccountingPeriod | None, wish: Wish, *, later_closed: bool, now: datetime
) -> tuple[PeriodEvent, ...]:
    """Ask for a closed period to be opened again. Quiet when the same person has asked.

    later_closed: whether the period after it is closed.
    Refused: the codes of `checked_wish`; "period-not-closed"; "period-locked"; "period-not-latest";
        "reopening-asked" where somebody else has asked: approve that instead.
    """
    checked_wish(wish)
    known = _reopenable(period, wish, later_closed=later_closed)
    if known.asked is not None:
        if _same_person(known.asked.asked_by, wish.by):
            return ()
        words = f"{known.asked.asked_by} has asked for it; approve that"
        raise Refused("reopening-asked", words)
    return (
        PeriodReopeningAsked(
            period=wish.period, asked_by=wish.by, reason=wish.reason, effective_at=now
        ),
    )


def reopen(
    period: AccountingPeriod | None, wish: Wish, *, later_closed: bool, now: datetime
) -> tuple[PeriodEvent, ...]:
    """Approve that a period is opened again. Quiet when the same person has approved.

    Refused: the codes of `checked_wish`; "period-not-closed"; "period-locked"; "period-not-latest";
        "reopening-not-asked"; "same-person" where who approves has asked.
    """
    checked_wish(wish)
    before = None if period is None or period.closed else period.reopened
    if before is not None and _same_person(before.approved_by, wish.by):
        return ()
    known = _reopenable(period, wish, later_closed=later_closed)
    if known.asked is None:
        raise Refused("reopening-not-asked", f"nobody has asked for {wish.period} to be opened")
    if _same_person(known.asked.asked_by, wish.by):
        raise Refused("same-person", f"{wish.by} has asked for it; another person approves")
    return (
        PeriodReopened(
            period=wish.period,
            asked_by=known.asked.asked_by,
            approved_by=wish.by,
            reason=wish.reason,
            effective_at=now,
        ),
    )


def _closed(period: AccountingPeriod | None, wish: Wish) -> AccountingPeriod:
    if period is None or not period.closed:
        raise Refused("period-not-closed", f"{wish.period} is not closed")
    return period


def _reopenable(
    period: AccountingPeriod | None, wish: Wish, *, later_closed: bool
) -> AccountingPeriod:
    known = _closed(period, wish)
    if known.locked is not None:
        raise Refused("period-locked", f"{wish.period} was locked by {known.locked.locked_by}")
    if later_closed:
        raise Refused("period-not-latest", "a later period is closed; open that one first")
    return known


def _same_person(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
