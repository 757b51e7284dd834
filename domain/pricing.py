"""What a period or a part of one costs, with its working shown.

stated = quantity x unit price x numerator / denominator, rounded half up once, at the line;
amount = stated, and the tax that comes on top of it, rounded half up once.
"""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction

import attrs

from domain.calendar import Period, start_of_day
from domain.money import Money, rounded
from domain.plan import Kind, OneTimeKind, Proration, Terms
from domain.prices import Part
from domain.schedule import Schedule, is_trial
from domain.subscription.events import InvoiceLine, LineKind, Working
from domain.taxes import TaxRate, taxed


@attrs.frozen(kw_only=True)
class Share:
    """A part of a period's price. days: local days of service that it stands for."""

    numerator: int
    denominator: int
    days: int
    policy: str


WHOLE_PERIOD = "whole-period"
# The item of a line that charges days again at the price at which they were given back: what
# discounts had left of it. They do not reduce it a second time.
AS_GIVEN_BACK = "as-given-back"
ONCE = Share(numerator=1, denominator=1, days=0, policy="once")
_ONE_TIME = {OneTimeKind.PRODUCT: LineKind.PRODUCT, OneTimeKind.SHIPPING: LineKind.SHIPPING}


def lines_of(
    terms: Terms, invoice_number: int, schedule: Schedule, set_amount: Money | None = None
) -> tuple[InvoiceLine, ...]:
    """The lines of the nth invoice (from 1): the period and, on the first, what is charged once.

    set_amount: what the period costs instead of the terms' price where that may vary, or None.
    """
    period = schedule.period(invoice_number)
    words = f"{terms.description}, %s{period.start} to {period.end} (end exclusive)"
    once = _charged_once(terms) if invoice_number == 1 else ()
    if is_trial(terms, invoice_number):
        free = Share(numerator=0, denominator=1, days=period.days, policy="free-trial")
        part = Part(quantity=terms.quantity, unit_price=terms.price)
        return (line(LineKind.TRIAL, words % "free trial ", part, free), *once)
    # An instalment is a part of the total, not of a period: days that were cut off change nothing.
    in_parts = terms.kind is not Kind.INSTALLMENT
    whole_days = schedule.whole_days(invoice_number) if in_parts else period.days
    share = share_of_period(period, whole_days)
    lines = (
        line(LineKind.PERIOD, words % (part.words and f"{part.words}, "), part, share, terms.tax)
        for part in parts_of(terms, invoice_number, set_amount)
    )
    return (*lines, *once)


def parts_of(
    terms: Terms, invoice_number: int, set_amount: Money | None = None
) -> tuple[Part, ...]:
    """What the whole period of the nth invoice costs; nothing for a trial."""
    if is_trial(terms, invoice_number):
        return ()
    if set_amount is not None and terms.variable:
        return (Part(quantity=1, unit_price=set_amount),)
    if terms.instalments:
        first = 1 if terms.trial is None else 2
        return (Part(quantity=1, unit_price=terms.instalments[invoice_number - first]),)
    return terms.parts


def _charged_once(terms: Terms) -> tuple[InvoiceLine, ...]:
    what, fee = terms.description, terms.setup_fee
    lines = [
        line(_ONE_TIME[each.kind], each.description, _one(each.amount), ONCE, each.tax)
        for each in terms.one_time
    ]
    if fee is not None:
        lines.insert(0, line(LineKind.SETUP_FEE, f"{what}, setup fee", _one(fee), ONCE, terms.tax))
    return tuple(lines)


def _one(amount: Money) -> Part:
    return Part(quantity=1, unit_price=amount)


def line(
    kind: LineKind,
    description: str,
    part: Part,
    share: Share,
    tax: TaxRate | None = None,
    item: str = "",
) -> InvoiceLine:
    """A line with its working, for a share of a part's price.

    part: its quantity is negative for a line that gives money back.
    """
    numerator, denominator = part.times * share.numerator, part.per * share.denominator
    exact = Fraction(part.quantity * part.unit_price.minor * numerator, denominator)
    working = Working(
        quantity=part.quantity,
        unit_price=part.unit_price,
        numerator=numerator,
        denominator=denominator,
        days=share.days,
        policy=share.policy,
        rounding="none" if exact.denominator == 1 else "half-up",
    )
    stated = rounded(exact, part.unit_price.currency)
    due = None if tax is None else taxed(stated, tax)
    return InvoiceLine(
        kind=kind,
        description=description,
        amount=stated if due is None else due.net + due.tax,
        working=working,
        tax=due,
        item=item,
    )


def stated(line: InvoiceLine) -> Money:
    """A line's price as its working yields it: before tax that comes on top."""
    if line.tax is None or line.tax.rate.included:
        return line.amount
    return line.tax.net


def given_back(line: InvoiceLine) -> InvoiceLine:
    """The same line with the other sign."""
    working = attrs.evolve(line.working, quantity=-line.working.quantity)
    tax = line.tax
    if tax is not None:
        tax = attrs.evolve(tax, net=-tax.net, tax=-tax.tax)
    return attrs.evolve(line, amount=-line.amount, working=working, tax=tax)


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
