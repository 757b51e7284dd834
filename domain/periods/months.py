"""An accounting period is a calendar month, named as "2025-01"; its days are those of a zone."""

from __future__ import annotations

import re
from datetime import date, timedelta

from domain.refusals import Refused

_NAME = re.compile(r"[1-9][0-9]{3}-(0[1-9]|1[0-2])")
_LONGER_THAN_A_MONTH = timedelta(days=32)


def checked_period(name: str) -> str:
    """Raises: Refused("period-malformed")."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name == "9999-12":
        raise Refused("period-malformed", f"{str(name)[:20]!r} is not a month such as 2025-01")
    return name


def period_of(day: date) -> str:
    """The period that a local day lies in."""
    return f"{day:%Y-%m}"


def first_day(period: str) -> date:
    """Its first local day."""
    return date(int(period[:4]), int(period[5:7]), 1)


def first_day_after(period: str) -> date:
    """The first local day of the period that follows."""
    return (first_day(period) + _LONGER_THAN_A_MONTH).replace(day=1)


def last_day(period: str) -> date:
    """Its last local day."""
    return first_day_after(period) - timedelta(days=1)


def following(period: str) -> str:
    """The period after it."""
    return period_of(first_day_after(period))
