"""What a period or a part of one costs, with its working shown.

amount = quantity x unit price x numerator / denominator, rounded half up once, at the line.
"""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction

import attrs

from domain.calendar import Period, start_of_day
from domain.money import Money, rounded
from domain.plan import Proration, Terms
from domain.schedule import Schedule, is_trial
from domain.subscription.events import InvoiceLine, LineKind, Working


@attrs.frozen(kw_only=True)
class Share:
    """A part of a period's price. days: local days of service that it stands for."""

    numerator: int
    denominator: int
    days: int
    policy: str


WHOLE_PERIOD = "whole-period"
ONCE = Share(numerator=1, denominator=1, days=0, policy="once")


def lines_of(terms: Terms, invoice_number: int, schedule: Schedule) -> tuple[InvoiceLine, ...]:
    """The lines of the nth invoice (from 1): the period, and the setup fee on the first."""
    period = schedule.period(invoice_number)
    what, days = terms.description, f"{period.start} to {period.end} (end exclusive)"
    if is_trial(terms, invoice_number):
        free = Share(numerator=0, denominator=1, days=period.days, policy="free-trial")
        words = f"{what}, free trial {days}"
        first = line(LineKind.TRIAL, words, terms.price, terms.quantity, free)
    else:
        share = share_of_period(period, schedule.whole_days(invoice_number))
        first = line(LineKind.PERIOD, f"{what}, {days}", terms.price, terms.quantity, share)
    if invoice_number != 1 or terms.setup_fee is None:
        return (first,)
    return (first, line(LineKind.SETUP_FEE, f"{what}, setup fee", terms.setup_fee, 1, ONCE))


def line(
    kind: LineKind, description: str, unit_price: Money, quantity: int, share: Share
) -> InvoiceLine:
    """A line with its working. quantity: negative for a line that gives money back."""
    exact = Fraction(quantity * unit_price.minor * share.numerator, share.denominator)
    working = Working(
        quantity=quantity,
        unit_price=unit_price,
        numerator=share.numerator,
        denominator=share.denominator,
        days=share.days,
        policy=share.policy,
        rounding="none" if exact.denominator == 1 else "half-up",
    )
    amount = rounded(exact, unit_price.currency)
    return InvoiceLine(kind=kind, description=description, amount=amount, working=working)


def share_of_period(period: Period, whole_days: int) -> Share:
    """All of a regular period, or the days of a period that is a part of one."""
    days = period.days
    if days == whole_days:
        return Share(numerator=1, denominator=1, days=days, policy=WHOLE_PERIOD)
    return Share(numerator=days, denominator=whole_days, days=days, policy=Proration.BY_DAY.value)


def share_of_rest(
    period: Period, whole_days: int, *, day: date, now: datetime, zone: str, policy: Proration
) -> Share:
    """What is left of a period from a local day (BY_SECOND: from an instant) on.

    period: local days [start, end) with start <= day <= end; whole_days: length of the regular
    period that it is a part of, `period.days` where it is a whole one.
    """
    left = (period.end - day).days
    match policy:
        case Proration.BY_DAY:
            numerator, denominator = left, whole_days
        case Proration.BY_SECOND:
            begins, ends = (start_of_day(each, zone) for each in (period.start, period.end))
            # The seconds left, of the share of the whole that this period is.
            numerator = int((ends - max(now, begins)).total_seconds()) * period.days
            denominator = int((ends - begins).total_seconds()) * whole_days
        case Proration.NONE:
            numerator, denominator = 0, 1
        case Proration.FULL:
            numerator, denominator = period.days, whole_days
    return Share(numerator=numerator, denominator=denominator, days=left, policy=policy.value)
