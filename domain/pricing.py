"""What a period costs, with its working shown."""

from __future__ import annotations

from domain.calendar import Period
from domain.money import Money, zero
from domain.plan import Terms
from domain.schedule import is_trial
from domain.subscription.events import InvoiceLine, LineKind, Working


def lines_of(terms: Terms, invoice_number: int, period: Period) -> tuple[InvoiceLine, ...]:
    """The lines of the nth invoice (from 1): the period, and the setup fee on the first."""
    what, days = terms.description, f"{period.start} to {period.end} (end exclusive)"
    if is_trial(terms, invoice_number):
        first = _free(f"{what}, free trial {days}", terms.price, period)
    else:
        first = _whole(LineKind.PERIOD, f"{what}, {days}", terms.price, period.days, "whole-period")
    if invoice_number != 1 or terms.setup_fee is None:
        return (first,)
    return (first, _whole(LineKind.SETUP_FEE, f"{what}, setup fee", terms.setup_fee, 0, "once"))


def _whole(kind: LineKind, description: str, price: Money, days: int, policy: str) -> InvoiceLine:
    """A line that charges its price in full."""
    working = Working(
        quantity=1,
        unit_price=price,
        numerator=1,
        denominator=1,
        days=days,
        policy=policy,
        rounding="none",
    )
    return InvoiceLine(kind=kind, description=description, amount=price, working=working)


def _free(description: str, price: Money, period: Period) -> InvoiceLine:
    """A line of nothing, for the trial: it says what the days would have cost."""
    working = Working(
        quantity=1,
        unit_price=price,
        numerator=0,
        denominator=1,
        days=period.days,
        policy="free-trial",
        rounding="none",
    )
    free = zero(price.currency)
    return InvoiceLine(kind=LineKind.TRIAL, description=description, amount=free, working=working)
